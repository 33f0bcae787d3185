// Package timing finds how often a leader should be heard of, and how long to wait
// before another is elected, and says what that costs.
//
// A leader sends heartbeats; a follower that hears none for an election timeout
// stands for election. Too short a timeout, and elections begin while the leader is
// well: "leader flapping". Too long, and after a crash nobody answers for that long.
// Raft's rule is (Ongaro and Ousterhout 2014, §5.6)
//
//	broadcast time ≪ election timeout ≪ mean time between failures
//
// where the broadcast time is a round trip to all and a flush on their disks: about
// ten of them for an election timeout (thesis, §3.9; etcd's tuning guide, which also
// has a heartbeat a round trip, five heartbeats at least in a timeout, and 50 s at
// most). Choose follows it; Check says all that is wrong with numbers that are
// there.
//
// Each timeout is drawn anew from a spread, so that mostly one follower stands
// alone. Split is the chance that several do and nobody gets enough votes: in closed
// form, for requests that reach all others equally soon. Outage adds up how long a
// group is without a leader after a crash; Unheard says how often loss alone makes a
// follower stand; and Lease for how long a leader may still read by itself.
package timing

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// A Network is what a group has to live with.
type Network struct {
	RoundTrip time.Duration // between the two members farthest apart
	Flush     time.Duration // of the slowest disk; 0 if nothing waits for it
	Loss      float64       // chance that a heartbeat does not arrive in time, each by itself
	Drift     float64       // most that the rate of a clock is off, as a fraction
}

// Round is Raft's broadcast time: until the farthest member has answered what it had
// to write down first.
func (n Network) Round() time.Duration { return n.RoundTrip + n.Flush }

func (n Network) check() error {
	switch {
	case n.RoundTrip < 0 || n.RoundTrip > time.Hour || n.Flush < 0 || n.Flush > time.Hour:
		return fmt.Errorf("timing: round trip %v, flush %v: want each 0 to 1h", n.RoundTrip, n.Flush)
	case !(n.Loss >= 0 && n.Loss < 1):
		return fmt.Errorf("timing: loss of %v: want at least 0 and below 1", n.Loss)
	case !(n.Drift >= 0 && n.Drift <= 0.1):
		return fmt.Errorf("timing: clocks that are off by %v: want 0 to 0.1", n.Drift)
	}
	return nil
}

// The bounds of what Choose returns. etcd refuses timeouts above MaxElection; below
// MinHeartbeat a leader does little else; the least timeout is that of Raft's paper.
const (
	MinHeartbeat = 10 * time.Millisecond
	MaxHeartbeat = 5 * time.Second
	MinElection  = 150 * time.Millisecond
	MaxElection  = 50 * time.Second

	rounds = 10 // in an election timeout
	beats  = 5  // in an election timeout, at least

	maxBeats = 1_000_000 // so that no product with a heartbeat overflows
)

// A Timing is when a leader is heard of, and when it is missed.
type Timing struct {
	Heartbeat time.Duration // between two
	Election  time.Duration // the least timeout without one
	Spread    time.Duration // a timeout is drawn from Election to Election + Spread
}

// DefaultRisk is how likely a timeout may go by, with a leader that is well, because
// all its heartbeats were lost: one in a million.
const DefaultRisk = 1e-6

// Choose returns what suits a network, in whole milliseconds: a heartbeat each round,
// from MinHeartbeat to MaxHeartbeat; an election timeout of ten rounds, five
// heartbeats and MinElection at least, and of so many heartbeats that with loss all
// of them are missed with a chance of at most risk; a little more for clocks that
// drift; up to MaxElection, and a spread as wide. It returns an error for a network
// that is none, a risk outside 0…1, and where MaxElection has not even half of that.
func Choose(n Network, risk float64) (Timing, error) {
	if err := n.check(); err != nil {
		return Timing{}, err
	}
	need, err := Heartbeats(n.Loss, risk)
	if err != nil {
		return Timing{}, err
	}
	var t Timing
	t.Heartbeat = milliseconds(min(max(n.Round(), MinHeartbeat), MaxHeartbeat))
	wish := max(rounds*n.Round(), beats*t.Heartbeat, MinElection, time.Duration(need)*t.Heartbeat)
	drifted := float64(milliseconds(wish)) * (1 + n.Drift) / (1 - n.Drift)
	wish = time.Duration(drifted).Round(time.Millisecond)
	if wish > 2*MaxElection {
		return Timing{}, fmt.Errorf("timing: a round of %v and a loss of %v ask for an election "+
			"timeout of %v: want less than twice %v; place members nearer to each other, or let "+
			"less be lost", n.Round(), n.Loss, wish, MaxElection)
	}
	t.Election = min(wish, MaxElection)
	t.Spread = t.Election
	return t, nil
}

// milliseconds rounds up to whole ones.
func milliseconds(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}

// Heartbeats returns how many there must be in a timeout such that all are lost with
// a chance of at most risk, when each is lost with the given chance: ⌈ln risk/ln
// loss⌉, at least 1, and a million at most: more fit into no timeout.
func Heartbeats(loss, risk float64) (int, error) {
	if !(loss >= 0 && loss < 1) || !(risk > 0 && risk < 1) {
		return 0, fmt.Errorf("timing: loss of %v for a risk of %v: want a loss of at least 0 and "+
			"below 1, and a risk between 0 and 1", loss, risk)
	}
	if loss == 0 {
		return 1, nil
	}
	k := math.Ceil(math.Log(risk)/math.Log(loss) - 1e-9)
	return int(min(max(k, 1), maxBeats)), nil
}

func (t Timing) check() error {
	if t.Heartbeat <= 0 || t.Election < t.Heartbeat || t.Spread < 0 ||
		max(t.Election, t.Spread) > time.Hour {
		return fmt.Errorf("timing: heartbeat %v, election timeout %v, spread %v: want a heartbeat "+
			"above 0, no longer than the timeout, and 1h at most", t.Heartbeat, t.Election, t.Spread)
	}
	return nil
}

// Check returns all that is wrong with a timing on a network, joined: what would make
// leaders flap, or votes split, or what etcd refuses. Each says what to set.
func (t Timing) Check(n Network) error {
	if err := errors.Join(n.check(), t.check()); err != nil {
		return err
	}
	var wrong []error
	say := func(broken bool, format string, args ...any) {
		if broken {
			wrong = append(wrong, fmt.Errorf("timing: "+format, args...))
		}
	}
	say(2*t.Heartbeat < n.RoundTrip, "a heartbeat each %v, half a round trip of %v or more often, "+
		"brings no news sooner: raise it to %v", t.Heartbeat, n.RoundTrip, milliseconds(n.RoundTrip))
	say(t.Election < rounds*n.Round(), "an election timeout of %v is below ten rounds of %v, and "+
		"delay alone will end reigns: raise it to %v", t.Election, n.Round(), rounds*n.Round())
	say(t.Election < beats*t.Heartbeat, "an election timeout of %v is below five heartbeats of %v, "+
		"and a few lost ones will end reigns: raise it to %v", t.Election, t.Heartbeat,
		beats*t.Heartbeat)
	say(t.Election > MaxElection, "an election timeout of %v is above %v, and so would be every "+
		"outage: lower it", t.Election, MaxElection)
	say(t.Spread < n.Round(), "timeouts spread over %v, less than a round of %v, so that followers "+
		"will stand at the same time: raise it to %v", t.Spread, n.Round(), t.Election)
	need, err := Heartbeats(n.Loss, DefaultRisk)
	if err != nil {
		return err
	}
	span := time.Duration(need) * t.Heartbeat
	say(t.Election < span, "with a loss of %v, %d heartbeats of %v should fit into the election "+
		"timeout of %v: raise it to %v", n.Loss, need, t.Heartbeat, t.Election, span)
	return errors.Join(wrong...)
}

// Unheard returns how likely it is that a follower hears nothing for the least
// timeout because all heartbeats of it were lost, and how long that takes to happen
// to it, on average: h·(p⁻ᵏ - 1)/(1 - p) for k heartbeats of h, a run of k losses.
// Timeouts that are drawn longer make both better, so these are bounds. What TCP
// sends again is late, not lost; count it as lost if it is later than a timeout.
// The time is capped at 292 years.
func (t Timing) Unheard(loss float64) (chance float64, every time.Duration, err error) {
	if err := errors.Join(t.check(), Network{Loss: loss}.check()); err != nil {
		return 0, 0, err
	}
	k := float64(t.Election / t.Heartbeat)
	chance = math.Pow(loss, k)
	span := float64(t.Heartbeat) * (1 - chance) / (chance * (1 - loss))
	if !(span < math.MaxInt64) {
		return chance, math.MaxInt64, nil
	}
	return chance, time.Duration(span), nil
}

// Lease returns for how long a leader may read by itself, from when it began a round
// that a majority answered, if nobody votes before the least timeout is over: all of
// it, but for the leader's clock being slow and a follower's fast. (Thesis, §6.4.1)
func (t Timing) Lease(drift float64) (time.Duration, error) {
	if err := errors.Join(t.check(), Network{Drift: drift}.check()); err != nil {
		return 0, err
	}
	return time.Duration(float64(t.Election) * (1 - drift) / (1 + drift)), nil
}
