// Package compare is the command that measures protocols, each under the same
// scenario, and prints what they came to.
package compare

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"althing/internal/terminal"
	"althing/process"
	"althing/protocol"
	"althing/region"
	"althing/sim"
)

// errBroken says that a promise was broken; what and how has been told.
var errBroken = errors.New("a promise was broken")

// A Command holds protocols side by side under one scenario after another.
type Command struct {
	Protocols []string      `placeholder:"LIST"`
	Scenario  []string      `default:"leader-crash" placeholder:"LIST"`
	Nodes     int           `default:"5"`
	Rate      int           `default:"200" placeholder:"N"`
	Reads     int           `default:"0" placeholder:"PERCENT"`
	Duration  time.Duration `default:"30s"`
	Seed      uint64        `default:"1"`
	Regions   []string      `placeholder:"LIST"`
	Ways      string        `placeholder:"TIMES"`
	OneWay    time.Duration `default:"250us"`
	Flush     time.Duration `default:"1ms"`
	Heartbeat time.Duration `placeholder:"TIME"`
	Election  time.Duration `placeholder:"TIME"`
	Retry     time.Duration `placeholder:"TIME"`
	Skew      time.Duration `default:"10ms"`
	Quorums   []int         `placeholder:"Q1,Q2"`
	Output    string        `short:"o" default:"text" placeholder:"FORM"`
}

// measured returns the protocols that can be compared: those that order all
// commits alike, for their clients are promised the same; and stores, if they
// are asked for, whose clients are promised less.
func measured(stores bool) (names []string) {
	for _, p := range protocol.All {
		if p.Facts.Serves() || stores && p.Facts.Stores {
			names = append(names, p.Name)
		}
	}
	return names
}

func (c *Command) choose() (ps []process.Protocol, ss []sim.Scenario, err error) {
	if len(c.Protocols) == 0 {
		c.Protocols = measured(false)
	}
	for _, name := range c.Protocols {
		p, ok := protocol.Find(name)
		if !ok || !p.Facts.Serves() && !p.Facts.Stores {
			return nil, nil, terminal.Wrong("protocols", name, "expected some of %s",
				strings.Join(measured(true), ", "))
		}
		if p, err = c.flexible(p); err != nil {
			return nil, nil, err
		}
		ps = append(ps, p)
	}
	for _, name := range c.Scenario {
		i := slices.IndexFunc(sim.Scenarios, func(s sim.Scenario) bool { return s.Name == name })
		switch {
		case name == "all":
			ss = append(ss, sim.Scenarios...)
		case i < 0:
			names := []string{"all"}
			for _, s := range sim.Scenarios {
				names = append(names, s.Name)
			}
			return nil, nil, terminal.Wrong("scenario", name, "expected some of %s", strings.Join(names, ", "))
		default:
			ss = append(ss, sim.Scenarios[i])
		}
	}
	return ps, ss, c.check()
}

// flexible returns p with the quorums that were asked for, if any were.
func (c *Command) flexible(p process.Protocol) (process.Protocol, error) {
	switch {
	case c.Quorums == nil:
		return p, nil
	case len(c.Quorums) != 2:
		return p, terminal.Wrong("quorums", c.Quorums, "expected the sizes of phase 1 and of phase 2, such as 4,2")
	case p.Flexible == nil:
		return p, terminal.Wrong("quorums", c.Quorums, "%s has no quorums to choose: expected multipaxos", p.Name)
	}
	f, err := p.Flexible(c.Nodes, c.Quorums[0], c.Quorums[1])
	if err != nil {
		return p, terminal.Wrong("quorums", c.Quorums, "expected some that meet: %v", err)
	}
	return f, nil
}

func (c *Command) check() error {
	switch {
	case c.Nodes < 1 || c.Nodes > sim.MaxNodes:
		return terminal.Wrong("nodes", c.Nodes, "expected from 1 to %d", sim.MaxNodes)
	case c.Rate < 1 || c.Rate > 10_000:
		return terminal.Wrong("rate", c.Rate, "expected from 1 to 10000")
	case c.Reads < 0 || c.Reads > 100:
		return terminal.Wrong("reads", c.Reads, "expected from 0 to 100, in percent")
	case c.Duration < 3*time.Second || c.Duration > time.Hour:
		return terminal.Wrong("duration", c.Duration, "expected from 3s to 1h: a third before, while and after")
	case c.Output != "text" && c.Output != "json":
		return terminal.Wrong("output", c.Output, "expected text or json")
	}
	for name, d := range map[string]time.Duration{"one-way": c.OneWay, "flush": c.Flush, "heartbeat": c.Heartbeat,
		"election": c.Election, "retry": c.Retry, "skew": c.Skew} {
		if d < 0 || d > 10*time.Minute {
			return terminal.Wrong(name, d, "expected a time up to 10m")
		}
	}
	return nil
}

// trial is what the flags say of one.
func (c *Command) trial() (sim.Trial, error) {
	t := sim.Trial{Seed: c.Seed, Nodes: c.Nodes, Rate: c.Rate, Reads: c.Reads, Duration: c.Duration, OneWay: c.OneWay,
		Flush: c.Flush, Retry: c.Retry, Skew: c.Skew}
	t.Process.Heartbeat, t.Process.Election = c.Heartbeat, process.Span{Min: c.Election, Max: 2 * c.Election}
	var rs []region.Region
	for _, name := range c.Regions {
		r, err := region.Parse(name)
		if err != nil {
			return t, terminal.Wrong("regions", name, "expected some of %v", region.All())
		}
		rs = append(rs, r)
	}
	if len(rs) > 0 {
		t.Between = region.Between(rs, min(len(rs), c.Nodes))
	}
	if c.Ways == "" {
		return t, nil
	}
	rows := strings.Split(c.Ways, "/")
	t.Between = make([][]time.Duration, len(rows))
	for i, row := range rows {
		for way := range strings.SplitSeq(row, ",") {
			d, err := time.ParseDuration(way)
			if err != nil || d < 0 || d > time.Minute {
				return t, terminal.Wrong("ways", way, "expected times up to 1m, as in 1ms,30ms/30ms,1ms")
			}
			t.Between[i] = append(t.Between[i], d)
		}
		if len(t.Between[i]) != len(rows) {
			return t, terminal.Wrong("ways", row, "expected as many times in each row as there are rows, %d", len(rows))
		}
	}
	return t, nil
}

// Run measures each protocol under each scenario.
func (c *Command) Run(to *terminal.Output) error {
	ps, ss, err := c.choose()
	if err != nil {
		return err
	}
	trial, err := c.trial()
	if err != nil {
		return err
	}
	var all []sim.Measured
	broken := false
	for _, s := range ss {
		for _, p := range ps {
			trial.Scenario = s
			m := sim.Measure(p, trial)
			all = append(all, m)
			broken = broken || m.Violation != ""
		}
		if c.Output == "text" {
			fmt.Fprintf(to.Out, "%s: %s\n", s.Name, s.About)
			table(to.Out, all[len(all)-len(ps):])
			fmt.Fprintln(to.Out)
		}
	}
	if c.Output == "json" {
		if err := to.JSON(all); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(to.Out, "%d replicas, %d operations a second, %d%% reads, %v of virtual time in thirds: before,\n"+
			"while, after. Latency as a client sees it; outage: the longest time without an answer;\n"+
			"messages, bytes and flushes of all replicas for each answer.\n", c.Nodes, c.Rate, c.Reads, c.Duration)
	}
	if broken {
		return errBroken
	}
	return nil
}

// table prints what protocols came to under one scenario.
func table(w io.Writer, ms []sim.Measured) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "protocol\tp50\tp99\tp50 while\tp99 while\toutage\telections\tmessages\tbytes\tflushes\tlost\t")
	for i := range ms {
		m := &ms[i]
		if m.Unable != "" {
			fmt.Fprintf(t, "%s\t\t\t\t\t\t\t\t\t\tnot run: %s\t\n", m.Protocol, m.Unable)
			continue
		}
		keys := len(slices.Compact(slices.Clone(m.Lost)))
		lost := fmt.Sprintf("%d writes of %d keys", len(m.Lost), keys)
		if keys == 0 {
			lost = "nothing"
		}
		if m.Stale > 0 {
			lost += fmt.Sprintf(", %d stale reads", m.Stale)
		}
		if m.Refused {
			lost += ", change refused"
		}
		if m.Violation != "" {
			lost += ", BROKEN: " + m.Violation
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%.1f\t%.0f\t%.1f\t%s\t\n", m.Protocol,
			brief(m.Phases[0].P50), brief(m.Phases[0].P99), brief(m.Phases[1].P50), brief(m.Phases[1].P99),
			brief(m.Outage), m.Elections, m.Messages, m.Bytes, m.Flushes, lost)
	}
	t.Flush()
}

// brief is a time in three digits.
func brief(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < time.Second:
		return strconv.FormatFloat(float64(d)/1e6, 'g', 3, 64) + " ms"
	}
	return strconv.FormatFloat(float64(d)/1e9, 'g', 3, 64) + " s"
}
