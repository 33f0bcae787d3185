package calc

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"althing/internal/terminal"
	"althing/quorum"
	"althing/region"
	"althing/retry"
	"althing/timing"
)

type timeoutsCommand struct {
	RTT     time.Duration `name:"rtt" default:"1ms"`
	Regions []string      `placeholder:"NAME"`
	Flush   time.Duration `default:"1ms"`
	Loss    float64       `placeholder:"CHANCE"`
	Drift   float64       `default:"0.0001"`
	Nodes   int           `short:"n" default:"3"`
	Votes   int           `placeholder:"N"`
	Risk    float64       `default:"1e-6"`
	Request time.Duration `placeholder:"TIME"`

	Heartbeat time.Duration `placeholder:"TIME"`
	Election  time.Duration `placeholder:"TIME"`
	form
}

// Help has examples.
func (timeoutsCommand) Help() string {
	return `What to set for a network, and what it will cost when a leader crashes:

  althing calc timeouts --rtt 30ms --flush 2ms --nodes 5
  althing calc timeouts --regions VA,IR,TO --loss 0.01

or what is wrong with what is set; then it ends with 1:

  althing calc timeouts --rtt 100ms --heartbeat 100ms --election 500ms

An election timeout is drawn from the one that is told to twice that.`
}

type timeouts struct {
	RTT       float64  `json:"rtt_ms"`
	Flush     float64  `json:"flush_ms"`
	Heartbeat float64  `json:"heartbeat_ms"`
	Election  float64  `json:"election_timeout_ms"`
	Most      float64  `json:"election_timeout_max_ms"`
	First     float64  `json:"first_timeout_ms"` // mean, after the crash; and so on
	Split     float64  `json:"split_vote"`
	Leader    float64  `json:"new_leader_ms"`
	Commit    float64  `json:"first_commit_ms"`
	Unheard   float64  `json:"false_election_per_timeout"`
	Every     *float64 `json:"false_election_every_hours"` // null: never, as far as loss goes
	Lease     float64  `json:"lease_ms"`
	Horizon   *float64 `json:"retry_horizon_seconds,omitempty"`
	Problems  []string `json:"problems"`

	Electors int `json:"electors"` // members that are left when the leader is gone
	every    time.Duration
}

// network is what the flags say, and the timing: that of the flags, or the best.
func (c *timeoutsCommand) network() (n timing.Network, t timing.Timing, err error) {
	for i, a := range c.Regions {
		from, err := region.Parse(a)
		if err != nil {
			return n, t, terminal.Wrong("regions", a, "expected some of %v", region.All())
		}
		for _, b := range c.Regions[:i] {
			to, _ := region.Parse(b) // it was one before
			c.RTT = max(c.RTT, from.RoundTrip(to), to.RoundTrip(from))
		}
	}
	err = errors.Join(span("rtt", c.RTT, 0, time.Hour), span("flush", c.Flush, 0, time.Hour),
		whole("nodes", c.Nodes, 2, timing.MaxStanding))
	if err != nil {
		return n, t, err
	}
	switch {
	case !(c.Loss >= 0 && c.Loss < 1):
		return n, t, terminal.Wrong("loss", c.Loss, "expected at least 0, and below 1")
	case !(c.Drift >= 0 && c.Drift <= .1):
		return n, t, terminal.Wrong("drift", c.Drift, "expected from 0 to 0.1")
	case !(c.Risk > 0 && c.Risk < 1):
		return n, t, terminal.Wrong("risk", c.Risk, "expected between 0 and 1")
	}
	n = timing.Network{RoundTrip: c.RTT, Flush: c.Flush, Loss: c.Loss, Drift: c.Drift}
	if c.Heartbeat == 0 && c.Election == 0 {
		t, err = timing.Choose(n, c.Risk)
		return n, t, terminal.Usage(err)
	}
	if err := span("election", c.Election, time.Millisecond, time.Hour); err != nil {
		return n, t, err
	}
	err = span("heartbeat", c.Heartbeat, 1, c.Election)
	return n, timing.Timing{Heartbeat: c.Heartbeat, Election: c.Election, Spread: c.Election}, err
}

// Run chooses or checks, and says what follows.
func (c *timeoutsCommand) Run(to *terminal.Output) error {
	n, t, err := c.network()
	if err != nil {
		return err
	}
	a := timeouts{RTT: milliseconds(n.RoundTrip), Flush: milliseconds(n.Flush), Problems: []string{},
		Heartbeat: milliseconds(t.Heartbeat), Election: milliseconds(t.Election),
		Most: milliseconds(t.Election + t.Spread), Electors: c.Nodes - 1}
	if err := t.Check(n); err != nil && (c.Heartbeat != 0 || c.Election != 0) {
		for problem := range strings.SplitSeq(err.Error(), "\n") {
			a.Problems = append(a.Problems, unnamed(errors.New(problem)))
		}
	}
	voters := timing.Voters{Standing: c.Nodes - 1, Votes: quorum.Majority(c.Nodes)}
	if c.Votes != 0 {
		voters.Votes = c.Votes
		err = whole("votes", c.Votes, 1, c.Nodes-1)
	}
	if err = errors.Join(err, span("request", c.Request, 0, time.Hour)); err != nil {
		return err
	}
	if c.Request > 0 {
		horizon, err := retry.Consensus.Horizon(c.Request)
		if err != nil {
			return terminal.Usage(err)
		}
		a.Horizon = finite(horizon.Seconds())
	}
	if voters.Standing >= voters.Votes { // else nobody is elected after a crash
		o, err := t.Outage(voters, n)
		if err != nil {
			return terminal.Usage(err)
		}
		a.First, a.Split, a.Leader, a.Commit = milliseconds(o.FirstTimeout), o.Split,
			milliseconds(o.Leader), milliseconds(o.Commit)
	}
	if a.Unheard, a.every, err = t.Unheard(n.Loss); err != nil {
		return terminal.Usage(err)
	}
	if a.every < 1<<63-1 {
		a.Every = finite(a.every.Hours())
	}
	lease, err := t.Lease(n.Drift)
	if err != nil {
		return terminal.Usage(err)
	}
	a.Lease = milliseconds(lease)
	if err := c.print(to, a); err != nil {
		return err
	}
	if len(a.Problems) > 0 {
		return fmt.Errorf("the timing does not suit the network: %s", count(len(a.Problems), "problem"))
	}
	return nil
}

func (a timeouts) text(w io.Writer) {
	line(w, "network", "round trip %.4g ms, flush %.4g ms", a.RTT, a.Flush)
	line(w, "heartbeat", "%.6g ms", a.Heartbeat)
	line(w, "election timeout", "%.6g ms to %.6g ms, drawn", a.Election, a.Most)
	if a.Commit > 0 {
		line(w, "after a crash", "%.4g ms until the first stands, %.4g ms until there is a leader,", a.First,
			a.Leader)
		line(w, "", "%.4g ms until it commits, on average", a.Commit)
		line(w, "split votes", "%s of the elections", chance(a.Split))
	} else {
		line(w, "after a crash", "nobody is elected: %d is no majority", a.Electors)
	}
	switch {
	case a.Unheard == 0:
		line(w, "false elections", "none, as far as loss goes")
	case a.Every == nil:
		line(w, "false elections", "%s a timeout: less than one in 292 years, as far as loss goes",
			chance(a.Unheard))
	default:
		line(w, "false elections", "%s a timeout: one in %v for each follower, or less",
			chance(a.Unheard), brief(a.every))
	}
	line(w, "lease", "%.6g ms that a leader may read by itself", a.Lease)
	if a.Horizon != nil {
		line(w, "retries", "a client tries for %.4g s at most: results must be kept for longer", *a.Horizon)
	}
	for _, p := range a.Problems {
		line(w, "PROBLEM", "%s", p)
	}
}
