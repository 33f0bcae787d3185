package main

import (
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
	"althing/sim"
)

type simCommands struct {
	Run     simCommand     `cmd:"" default:"withargs" help:"Simulate under faults; this is what sim does by itself."`
	Compare compareCommand `cmd:"" help:"Hold protocols side by side under one scenario."`
}

type compareCommand struct {
	Protocols []string      `placeholder:"LIST"`
	Scenario  []string      `default:"leader-crash" placeholder:"LIST"`
	Nodes     int           `default:"5"`
	Rate      int           `default:"200" placeholder:"N"`
	Reads     int           `default:"0" placeholder:"PERCENT"`
	Duration  time.Duration `default:"30s"`
	Seed      uint64        `default:"1"`
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

func (c *compareCommand) choose() (ps []process.Protocol, ss []sim.Scenario, err error) {
	if len(c.Protocols) == 0 {
		c.Protocols = measured(false)
	}
	for _, name := range c.Protocols {
		p, ok := protocol.Find(name)
		if !ok || !p.Facts.Serves() && !p.Facts.Stores {
			return nil, nil, terminal.Wrong("protocols", name, "expected some of %s",
				strings.Join(measured(true), ", "))
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
	switch {
	case c.Nodes < 2 || c.Nodes > sim.MaxNodes:
		err = terminal.Wrong("nodes", c.Nodes, "expected from 2 to %d", sim.MaxNodes)
	case c.Rate < 1 || c.Rate > 10_000:
		err = terminal.Wrong("rate", c.Rate, "expected from 1 to 10000")
	case c.Reads < 0 || c.Reads > 100:
		err = terminal.Wrong("reads", c.Reads, "expected from 0 to 100, in percent")
	case c.Duration < 3*time.Second || c.Duration > time.Hour:
		err = terminal.Wrong("duration", c.Duration, "expected from 3s to 1h: a third before, while and after")
	case c.Output != "text" && c.Output != "json":
		err = terminal.Wrong("output", c.Output, "expected text or json")
	}
	return ps, ss, err
}

// Run measures each protocol under each scenario.
func (c *compareCommand) Run(to *terminal.Output) error {
	ps, ss, err := c.choose()
	if err != nil {
		return err
	}
	var all []sim.Measured
	broken := false
	for _, s := range ss {
		for _, p := range ps {
			m := sim.Measure(p, sim.Trial{Scenario: s, Seed: c.Seed, Nodes: c.Nodes, Rate: c.Rate, Reads: c.Reads,
				Duration: c.Duration})
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
		keys := len(slices.Compact(slices.Clone(m.Lost)))
		lost := fmt.Sprintf("%d writes of %d keys", len(m.Lost), keys)
		if keys == 0 {
			lost = "nothing"
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

var faultNames = map[process.FaultModel]string{process.Crash: "crashes", process.Byzantine: "lies"}

var orderNames = map[process.Order]string{process.Eventual: "none, all in the end",
	process.Probabilistic: "total, almost surely", process.Partial: "of what conflicts", process.Total: "total"}

// catalog prints what is promised of each protocol.
func catalog(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "protocol\tsurvives\treplicas for 1, 2\torder\tdelays\tmessages of 3, 5\tpaper")
	for _, p := range protocol.All {
		f := p.Facts
		size := func(n int) string {
			if k := f.Replicas(n); k > 0 {
				return strconv.Itoa(k)
			}
			return "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s, %s\t%s\t%d\t%d, %d\t%s\n", p.Name, faultNames[f.Faults], size(1), size(2),
			orderNames[f.Order], f.Rounds, f.Messages(3), f.Messages(5), p.Paper)
	}
	return t.Flush()
}
