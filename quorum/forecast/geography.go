package forecast

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Trips are round trips between sites: Trips[i][j] is what site i measures until
// site j has answered. The way back may not be as long from the other side, so the
// matrix need not be symmetric. On the diagonal is what a client waits for a server
// of its own site: 0, or what is measured within.
type Trips [][]time.Duration

const (
	// MaxSites is the most sites of a matrix.
	MaxSites = 1000
	// MaxTrip is the longest round trip: beyond Neptune and back.
	MaxTrip = 24 * time.Hour
)

// Check returns an error unless there are as many columns as rows, and every trip takes
// 0 to MaxTrip.
func (t Trips) Check() error {
	if len(t) < 1 || len(t) > MaxSites {
		return fmt.Errorf("forecast: round trips between %d sites: want 1 to %d", len(t), MaxSites)
	}
	for i, row := range t {
		if len(row) != len(t) {
			return fmt.Errorf("forecast: row %d of the round trips has %d columns: want %d, one "+
				"for each row", i+1, len(row), len(t))
		}
		for j, d := range row {
			if d < 0 || d > MaxTrip {
				return fmt.Errorf("forecast: a round trip of %v in row %d, column %d: want 0 to "+
					"%v", d, i+1, j+1, MaxTrip)
			}
		}
	}
	return nil
}

// Quorum returns how long site from waits until q sites, one server each and its own
// at once, have what it sends: the q-th smallest of its row, itself as 0.
func (t Trips) Quorum(from, q int) (time.Duration, error) {
	if err := errors.Join(t.Check(), t.among(q)); err != nil {
		return 0, err
	}
	if from < 0 || from >= len(t) {
		return 0, fmt.Errorf("forecast: site %d of %d: want 0 to %d", from, len(t), len(t)-1)
	}
	return t.nearest(from, q), nil
}

func (t Trips) among(q int) error {
	if q < 1 || q > len(t) {
		return fmt.Errorf("forecast: a quorum of %d sites of %d: want 1 to %d", q, len(t), len(t))
	}
	return nil
}

// nearest is Quorum of a matrix that was checked.
func (t Trips) nearest(from, q int) time.Duration {
	row := slices.Clone(t[from])
	row[from] = 0
	slices.Sort(row)
	return row[q-1]
}

// A Lead is what commands take when one site leads.
type Lead struct {
	Site    int
	Commit  time.Duration   // from the leader's point of view: a round trip to a quorum
	Clients []time.Duration // by site, a client there: its trip to the leader, and Commit
	Mean    time.Duration   // of the clients, by their weights
}

// Leads returns what each site would make of leading with quorums of q sites, one
// server in each. The weights say how many clients are at which site; nil: as many
// at each. A client at the leader's site waits for the diagonal and Commit. Disks
// are not in it: with a flush on all, add it once.
func (t Trips) Leads(q int, weights []float64) ([]Lead, error) {
	shares, err := t.shares(weights)
	if err = errors.Join(err, t.among(q)); err != nil {
		return nil, err
	}
	leads := make([]Lead, len(t))
	for l := range t {
		commit := t.nearest(l, q)
		leads[l] = Lead{Site: l, Commit: commit, Clients: make([]time.Duration, len(t))}
		mean := 0.0
		for c := range t {
			leads[l].Clients[c] = t[c][l] + commit
			mean += shares[c] * float64(leads[l].Clients[c])
		}
		leads[l].Mean = time.Duration(mean)
	}
	return leads, nil
}

// Best returns the lead with the least mean, of equals the first.
func Best(leads []Lead) Lead {
	return slices.MinFunc(leads, func(a, b Lead) int { return cmp.Compare(a.Mean, b.Mean) })
}

// Leaderless returns how long a client at each site waits when the server of its own
// site leads the command, as in EPaxos, with quorums of q sites; and the mean. With
// quorum.EPaxosFast it is the fast path, which commands that conflict do not take.
func (t Trips) Leaderless(
	q int, weights []float64,
) (clients []time.Duration, mean time.Duration, err error) {
	shares, err := t.shares(weights)
	if err = errors.Join(err, t.among(q)); err != nil {
		return nil, 0, err
	}
	sum := 0.0
	for c := range t {
		clients = append(clients, t[c][c]+t.nearest(c, q))
		sum += shares[c] * float64(clients[c])
	}
	return clients, time.Duration(sum), nil
}

// shares returns weights that sum to 1.
func (t Trips) shares(weights []float64) ([]float64, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	shares := make([]float64, len(t))
	if weights == nil {
		for i := range shares {
			shares[i] = 1 / float64(len(t))
		}
		return shares, nil
	}
	if len(weights) != len(t) {
		return nil, fmt.Errorf("forecast: %d weights of clients for %d sites: want one for each",
			len(weights), len(t))
	}
	sum := 0.0
	for i, w := range weights {
		if !(w >= 0 && w <= maxWeight) {
			return nil, fmt.Errorf("forecast: clients of weight %v at site %d: want 0 to %v", w,
				i+1, maxWeight)
		}
		sum += w
	}
	if sum == 0 {
		return nil, fmt.Errorf("forecast: there are no clients anywhere: want a weight above 0")
	}
	for i, w := range weights {
		shares[i] = w / sum
	}
	return shares, nil
}

// maxWeight keeps sums of weights finite.
const maxWeight = 1e12
