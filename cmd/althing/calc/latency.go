package calc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"althing/internal/terminal"
	"althing/quorum"
	"althing/quorum/forecast"
	"althing/region"
)

type latencyCommand struct {
	Regions []string `arg:"" optional:""`

	Matrix  string        `placeholder:"FILE"`
	Nodes   int           `placeholder:"N"`
	RTT     time.Duration `name:"rtt" placeholder:"TIME"`
	Quorum  int           `short:"q" placeholder:"N"`
	Clients []float64     `placeholder:"WEIGHT"`
	Flush   time.Duration `placeholder:"TIME"`
	form
}

// Help has examples.
func (latencyCommand) Help() string {
	return `One server in each region; a client asks the leader, and that asks the nearest quorum:

  althing calc latency VA OR CA
  althing calc latency VA CA OR IR TO --clients 5,1,1,1,1
  althing calc latency --matrix trips.txt --quorum 2 -o json
  althing calc latency --nodes 5 --rtt 0.5ms

Regions with known round trips are those of EC2 in 2013: VA OR CA IR SI TO SY SP. A matrix file has
a first line with names, and for each a line with its name and its round trips to all, in
milliseconds or as durations such as 1.2s; - is 0. It need not be symmetric.`
}

type latency struct {
	Sites      []string   `json:"sites"`
	Quorum     int        `json:"quorum"`
	Flush      float64    `json:"flush_ms"`
	Leaders    []lead     `json:"leaders"`
	Best       string     `json:"best_leader"`
	Leaderless leaderless `json:"leaderless"`
	EPaxos     leaderless `json:"epaxos_fast_path,omitzero"`
}

type lead struct {
	Site    string    `json:"site"`
	Commit  float64   `json:"commit_ms"`
	Mean    float64   `json:"client_mean_ms"`
	Clients []float64 `json:"clients_ms"`
}

type leaderless struct {
	Quorum  int       `json:"quorum"`
	Mean    float64   `json:"client_mean_ms"`
	Clients []float64 `json:"clients_ms"`
}

// trips are those of the regions, or of the file.
func (c *latencyCommand) trips() ([]string, forecast.Trips, error) {
	if c.Matrix != "" {
		if len(c.Regions) > 0 {
			return nil, nil, terminal.Wrong("matrix", c.Matrix, "expected without regions beside it")
		}
		f, err := os.Open(c.Matrix)
		if err != nil {
			return nil, nil, terminal.Wrong("matrix", c.Matrix, "expected a file: %v", err)
		}
		defer f.Close()
		names, trips, err := forecast.ReadTrips(f)
		if err != nil {
			return nil, nil, terminal.Wrong("matrix", c.Matrix, "expected a matrix: %v", err)
		}
		return names, trips, nil
	}
	if c.Nodes != 0 {
		return c.alike()
	}
	if len(c.Regions) == 0 {
		return nil, nil, terminal.Usage(fmt.Errorf("no regions: expected some of %v, or --matrix",
			region.All()))
	}
	names := make([]string, len(c.Regions))
	trips := make(forecast.Trips, len(c.Regions))
	for i, a := range c.Regions {
		from, err := region.Parse(a)
		if err != nil {
			return nil, nil, terminal.Usage(fmt.Errorf("region %q: expected some of %v", a, region.All()))
		}
		if names[i] = a; strings.EqualFold(a, string(from)) {
			names[i] = string(from)
		}
		for j, b := range c.Regions {
			to := region.Region(b)
			trips[i] = append(trips[i], 0)
			if i != j { // a client is beside the server of its own
				trips[i][j] = from.RoundTrip(to)
			}
		}
	}
	return names, trips, trips.Check()
}

// maxAlike bounds the servers of which each has a row and a column.
const maxAlike = 32

// alike are so many sites, each as far from all others.
func (c *latencyCommand) alike() (names []string, trips forecast.Trips, err error) {
	if len(c.Regions) > 0 {
		return nil, nil, terminal.Wrong("nodes", c.Nodes, "expected without regions beside it")
	}
	if err := errors.Join(whole("nodes", c.Nodes, 2, maxAlike), span("rtt", c.RTT, 1, time.Hour)); err != nil {
		return nil, nil, err
	}
	trips = make(forecast.Trips, c.Nodes)
	for i := range trips {
		names = append(names, fmt.Sprint(i+1))
		trips[i] = slices.Repeat([]time.Duration{c.RTT}, c.Nodes)
		trips[i][i] = 0
	}
	return names, trips, trips.Check()
}

// Run asks for each leader, and for none.
func (c *latencyCommand) Run(to *terminal.Output) error {
	names, trips, err := c.trips()
	if err != nil {
		return err
	}
	n := len(names)
	if c.Quorum == 0 {
		c.Quorum = quorum.Majority(n)
	}
	if err := whole("quorum", c.Quorum, 1, n); err != nil {
		return err
	}
	if c.Clients != nil && len(c.Clients) != n {
		return terminal.Wrong("clients", c.Clients, "expected %d weights, one for each site", n)
	}
	if err := span("flush", c.Flush, 0, time.Hour); err != nil {
		return err
	}
	leads, err := trips.Leads(c.Quorum, c.Clients)
	if err != nil {
		return terminal.Wrong("clients", c.Clients, "expected weights: %s", unnamed(err))
	}
	a := latency{Sites: names, Quorum: c.Quorum, Flush: milliseconds(c.Flush),
		Best: names[forecast.Best(leads).Site]}
	for _, l := range leads {
		for i := range l.Clients {
			l.Clients[i] += c.Flush
		}
		a.Leaders = append(a.Leaders, lead{names[l.Site], milliseconds(l.Commit + c.Flush),
			milliseconds(l.Mean + c.Flush), allMilliseconds(l.Clients)})
	}
	if a.Leaderless, err = c.leaderless(trips, c.Quorum); err != nil {
		return err
	}
	if fast, odd := quorum.EPaxosFast(n); odd == nil {
		a.EPaxos, err = c.leaderless(trips, fast)
	}
	if err != nil {
		return err
	}
	return c.print(to, a)
}

func (c *latencyCommand) leaderless(trips forecast.Trips, q int) (leaderless, error) {
	clients, mean, err := trips.Leaderless(q, c.Clients)
	for i := range clients {
		clients[i] += c.Flush
	}
	return leaderless{q, milliseconds(mean + c.Flush), allMilliseconds(clients)}, err
}

func (a latency) text(w io.Writer) {
	fmt.Fprintf(w, "  leader\tcommit\tmean of clients\t%s\n", strings.Join(a.Sites, "\t"))
	row := func(name, commit string, mean float64, clients []float64) {
		fmt.Fprintf(w, "  %s\t%s\t%.1f ms", name, commit, mean)
		for _, c := range clients {
			fmt.Fprintf(w, "\t%.1f", c)
		}
		fmt.Fprintln(w)
	}
	for _, l := range a.Leaders {
		name := l.Site
		if name == a.Best {
			name += " *"
		}
		row(name, fmt.Sprintf("%.1f ms", l.Commit), l.Mean, l.Clients)
	}
	row(fmt.Sprintf("each its own, %d", a.Leaderless.Quorum), "", a.Leaderless.Mean, a.Leaderless.Clients)
	if a.EPaxos.Quorum > 0 {
		row(fmt.Sprintf("EPaxos, fast: %d", a.EPaxos.Quorum), "", a.EPaxos.Mean, a.EPaxos.Clients)
	}
	fmt.Fprintf(w, "\n* is best. Quorums of %d of %d; round trips and a flush of %.4g ms, nothing else.\n",
		a.Quorum, len(a.Sites), a.Flush)
}
