package calc

import (
	"fmt"
	"io"
	"math"
	"time"

	"althing/internal/terminal"
	"althing/quorum"
	"althing/replication"
)

type replicationCommand struct {
	Replicas []time.Duration `default:"10ms,20ms,30ms"`
	Hops     []time.Duration `placeholder:"TIME"`
	Writes   float64         `placeholder:"RATE"`
	Applied  float64         `placeholder:"RATE"`
	For      time.Duration   `default:"1m"`
	form
}

// Help has examples.
func (replicationCommand) Help() string {
	return `What a write waits for, given the round trip to each replica; and a chain, given its hops from
the client to the head, on to the tail, and back to the client:

  althing calc replication --replicas 10ms,20ms,30ms
  althing calc replication --hops 1ms,10ms,20ms,3ms

How far a replica is behind that nobody waits for, and applies less than is written:

  althing calc replication --writes 1000 --applied 800 --for 60s -o json`
}

type replicated struct {
	Modes []mode `json:"modes"`
	Chain *chain `json:"chain,omitempty"`
	Lag   *lag   `json:"lag,omitempty"`
}

type mode struct {
	Name     string  `json:"mode"`
	Waits    int     `json:"waits_for"` // replicas
	Latency  float64 `json:"latency_ms"`
	Survives int     `json:"answered_survives_failures"`
}

type chain struct {
	Nodes int     `json:"nodes"`
	Write float64 `json:"write_ms"`
	Read  float64 `json:"read_ms"`
}

type lag struct {
	Backlog float64  `json:"backlog_writes"`
	Age     float64  `json:"age_seconds"`
	Drain   float64  `json:"drain_seconds"`
	Lost    float64  `json:"rpo_writes"`
	CatchUp *float64 `json:"catch_up_seconds_under_writes"` // null: never
}

// Run prints the modes; the chain and the lag if they are asked for.
func (c *replicationCommand) Run(to *terminal.Output) error {
	var a replicated
	for _, d := range c.Replicas {
		if err := span("replicas", d, 0, time.Hour); err != nil {
			return err
		}
	}
	n := len(c.Replicas)
	for k := range n + 1 {
		d, err := replication.Acknowledged(k, c.Replicas)
		if err != nil {
			return terminal.Usage(err)
		}
		a.Modes = append(a.Modes, mode{nameOf(k, n), k, milliseconds(d), k})
	}
	for _, d := range c.Hops {
		if err := span("hops", d, 0, time.Hour); err != nil {
			return err
		}
	}
	if len(c.Hops) > 0 {
		write, read, err := replication.Chain(c.Hops)
		if err != nil {
			return terminal.Wrong("hops", c.Hops, "expected %s", unnamed(err))
		}
		a.Chain = &chain{len(c.Hops) - 1, milliseconds(write), milliseconds(read)}
	}
	if c.Writes == 0 && c.Applied == 0 {
		return c.print(to, a)
	}
	if err := span("for", c.For, 0, math.MaxInt64); err != nil {
		return err
	}
	s := replication.Stream{Writes: c.Writes, Applied: c.Applied}
	l, err := s.After(c.For)
	if err != nil {
		return terminal.Wrong("writes", c.Writes, "with --applied=%v: %s", c.Applied, unnamed(err))
	}
	a.Lag = &lag{Backlog: l.Backlog, Age: l.Age.Seconds(), Drain: l.Drain.Seconds(), Lost: l.Backlog}
	if d, err := s.CatchUp(l.Backlog); err == nil {
		a.Lag.CatchUp = finite(d.Seconds())
	}
	return c.print(to, a)
}

// nameOf says what waiting for k of n replicas is called.
func nameOf(k, n int) string {
	switch k {
	case 0:
		return "asynchronous"
	case n:
		return "synchronous"
	case quorum.Majority(n+1) - 1: // of all, the node itself among them
		return "majority"
	case 1:
		return "semi-synchronous"
	}
	return "acknowledged"
}

func (a replicated) text(w io.Writer) {
	for _, m := range a.Modes {
		line(w, m.Name, "waits for %d: %.4g ms; what is answered survives %s", m.Waits, m.Latency,
			count(m.Survives, "failure"))
	}
	if a.Chain != nil {
		line(w, fmt.Sprint("chain of ", a.Chain.Nodes), "write %.4g ms, read %.4g ms", a.Chain.Write, a.Chain.Read)
	}
	if a.Lag == nil {
		return
	}
	line(w, "backlog", "%.6g writes: what a failure now would lose", a.Lag.Backlog)
	line(w, "age", "%.4g s: so old is the replica's state", a.Lag.Age)
	line(w, "drain", "%.4g s to catch up if writes stop", a.Lag.Drain)
	if a.Lag.CatchUp == nil {
		line(w, "", "never while they go on: less is applied than written")
	}
}
