package timing

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Voters are who is left when a leader is gone.
type Voters struct {
	Standing int // members that are up, each of which may stand and vote
	Votes    int // that a candidate needs, its own among them: a majority of all members
}

// MaxStanding is the most members that stand.
const MaxStanding = 1000

func (v Voters) check() error {
	if v.Standing < 1 || v.Standing > MaxStanding || v.Votes < 1 {
		return fmt.Errorf("timing: %d members that may stand, of whom %d vote: want 1 to %d, and "+
			"1 vote at least", v.Standing, v.Votes, MaxStanding)
	}
	if v.Votes > v.Standing {
		return fmt.Errorf("timing: a candidate needs %d votes, and %d members are up: nobody will "+
			"lead; want more up", v.Votes, v.Standing)
	}
	return nil
}

// FirstTimeout returns when the first of the followers stands, on average, after
// they last heard of a leader: the least of n timeouts, Election + Spread/(n+1).
func (t Timing) FirstTimeout(standing int) (time.Duration, error) {
	err := errors.Join(t.check(), Voters{standing, 1}.check())
	return t.Election + t.Spread/time.Duration(max(standing, 0)+1), err
}

// Split returns the chance that a round of votes elects nobody, when a request for
// votes is with all others after reach: a one-way delay, and the flush of the vote
// for oneself if the request waits for it. Those whose timeout ends within reach of
// the first one's stand, too, and vote for themselves; all others vote for the first,
// whose requests are the first to come. So it fails if fewer than Votes are left.
//
// The number of those others is binomial: with d = reach/Spread, and n standing, the
// density n·uⁿ⁻¹ of the room u that the first timeout leaves, and the chance d/u that
// another one is near it,
//
//	P(k others) = ∫ n·uⁿ⁻¹ · C(n-1,k)·(d/u)ᵏ·(1-d/u)ⁿ⁻¹⁻ᵏ du = C(n,k)·dᵏ·(1-d)ⁿ⁻ᵏ
//
// from d to 1, and below d all n-1 are near it, which adds dⁿ to the last. Where
// delays vary, candidates overtake each other, and splits are rarer.
func (t Timing) Split(v Voters, reach time.Duration) (float64, error) {
	if err := errors.Join(t.check(), v.check()); err != nil {
		return 0, err
	}
	if reach < 0 {
		return 0, fmt.Errorf("timing: requests that are there after %v: want at least 0", reach)
	}
	n, least := v.Standing, v.Standing-v.Votes+1 // others that are too many
	switch {
	case least > n-1:
		return 0, nil // one vote is enough
	case reach >= t.Spread:
		return 1, nil
	case reach == 0:
		return 0, nil
	}
	d := float64(reach) / float64(t.Spread)
	sum := 0.0
	for k := least; k <= n; k++ {
		sum += math.Exp(choose(n, k) + float64(k)*math.Log(d) + float64(n-k)*math.Log1p(-d))
	}
	return min(sum, 1), nil
}

// choose returns the logarithm of n over k.
func choose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// An Outage is what happens when a leader crashes, on average and from the crash on.
type Outage struct {
	FirstTimeout time.Duration // until the first follower stands
	Split        float64       // chance that a round of votes elects nobody
	Leader       time.Duration // until one is elected
	Commit       time.Duration // until that one has committed an entry, and may answer
}

// Outage returns what a crash costs, where the leader dies at any moment between two
// heartbeats (Raft, §9.3): the last one came half a heartbeat before, less its way.
// Then votes take a round; each split begins the timeouts anew, as if for all at
// once; and the first commit takes another round. In truth a split leaves timers set
// apart, so that the next is rarer: where requests take a good part of the spread,
// Leader and Commit are bounds. It returns an error if every round would split.
func (t Timing) Outage(v Voters, n Network) (Outage, error) {
	if err := n.check(); err != nil {
		return Outage{}, err
	}
	reach := n.RoundTrip/2 + n.Flush
	split, err := t.Split(v, reach)
	if err != nil {
		return Outage{}, err
	}
	if split == 1 {
		return Outage{}, fmt.Errorf("timing: requests for votes take %v, and timeouts spread over "+
			"%v: all stand at once, again and again; spread them wider", reach, t.Spread)
	}
	first, err := t.FirstTimeout(v.Standing)
	if err != nil {
		return Outage{}, err
	}
	o := Outage{FirstTimeout: first - t.Heartbeat/2 + n.RoundTrip/2, Split: split}
	again := split / (1 - split) * float64(first+reach)
	o.Leader = o.FirstTimeout + time.Duration(min(again, math.MaxInt64/4)) + n.Round()
	o.Commit = o.Leader + n.Round()
	return o, nil
}
