package main

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"althing/internal/terminal"
	"althing/process"
	"althing/protocol"
	"althing/sim"
	"althing/sim/fault"
	"althing/trace/refine"
	"althing/trace/replay"
)

type simCommand struct {
	Protocol string `arg:"" default:"raft"`

	Seed     uint64        `default:"1"`
	Seeds    int           `default:"1" placeholder:"N"`
	Nodes    int           `placeholder:"N"`
	Quorums  quorums       `placeholder:"Q1,Q2"`
	Faults   string        `default:"all" placeholder:"LIST"`
	Duration time.Duration `default:"10s"`
	Clients  int           `placeholder:"N"`
	Rate     int           `placeholder:"N"`
	Trace    string        `placeholder:"FILE"`
	Short    string        `placeholder:"FILE"`
	Replay   string        `placeholder:"FILE"`
	TLA      string        `name:"tla" placeholder:"DIR"`
	List     bool
	KeepOn   bool
	NoShrink bool
}

// errBroken says that a promise was broken; what and how has been told.
var errBroken = errors.New("a promise was broken")

// Run simulates, and tells what broke.
func (s *simCommand) Run(to *terminal.Output) error {
	if s.List {
		return catalog(to.Out)
	}
	if s.Replay != "" && s.Quorums == nil {
		return s.replay(to)
	}
	p, o, err := s.options()
	if err != nil {
		return err
	}
	if s.Seeds == 1 {
		return s.one(p, o, to)
	}
	return s.swarm(p, o, to)
}

func (s *simCommand) options() (p process.Protocol, o sim.Options, err error) {
	p, ok := protocol.Find(s.Protocol)
	faults, ferr := fault.Parse(s.Faults)
	switch {
	case !ok:
		err = terminal.Usage(fmt.Errorf("there is no protocol %q: expected one of %s", s.Protocol,
			strings.Join(protocols(), ", ")))
	case ferr != nil:
		err = terminal.Wrong("faults", s.Faults, "%v", ferr)
	case s.Seeds < 1:
		err = terminal.Wrong("seeds", s.Seeds, "expected at least 1")
	case s.Nodes < 0 || s.Nodes > sim.MaxNodes:
		err = terminal.Wrong("nodes", s.Nodes, "expected from 1 to %d", sim.MaxNodes)
	case s.Duration <= 0 || s.Duration > 24*time.Hour:
		err = terminal.Wrong("duration", s.Duration, "expected more than nothing, and no more than 24h")
	case s.Clients < 0 || s.Clients > sim.MaxClients:
		err = terminal.Wrong("clients", s.Clients, "expected from 1 to %d", sim.MaxClients)
	case s.Rate < 0 || s.Rate > 100_000:
		err = terminal.Wrong("rate", s.Rate, "expected up to 100000, or 0: drawn from the seed")
	case s.Trace != "" && s.Seeds > 1:
		err = terminal.Wrong("trace", s.Trace, "expected with one seed: a trace is of one run")
	case s.Quorums != nil && s.Trace+s.Short+s.Replay != "":
		err = terminal.Wrong("quorums", s.Quorums, "expected without --trace, --short and --replay: a trace has none")
	case s.TLA != "" && (s.Trace == "" || !slices.Contains(refine.Protocols(), s.Protocol)):
		err = terminal.Wrong("tla", s.TLA, "expected with --trace, and of raft: it is what has a specification")
	}
	if err == nil {
		p, err = s.Quorums.of(p, s.Nodes)
	}
	o = sim.Options{Seed: s.Seed, Nodes: s.Nodes, Duration: s.Duration, Clients: s.Clients, Rate: s.Rate,
		Faults: faults}
	return p, o, err
}

// one runs one seed.
func (s *simCommand) one(p process.Protocol, o sim.Options, to *terminal.Output) (err error) {
	var flush func() error
	if s.Trace != "" {
		f, err := os.Create(s.Trace)
		if err != nil {
			return terminal.Wrong("trace", s.Trace, "%v", err)
		}
		w := bufio.NewWriter(f)
		o.Trace, flush = w, func() error { return errors.Join(w.Flush(), f.Close()) }
	}
	r, err := sim.Run(p, o)
	if flush != nil {
		if err = errors.Join(err, flush()); err != nil {
			return fmt.Errorf("write the trace: %w", err)
		}
	}
	o.Trace = nil
	if r.Violation != nil {
		s.broken(p, o, &r, to)
		return errBroken
	}
	t := new(totals)
	t.add(&r)
	t.print(to, p.Name, r.Took)
	fmt.Fprintf(to.Out, "  digest         %016x: the same for the same options, always\n", r.Digest)
	if s.Trace != "" {
		fmt.Fprintf(to.Out, "  trace          %s\n", s.Trace)
	}
	if s.TLA != "" {
		return follow(s.Trace, s.TLA, to)
	}
	return nil
}

// swarm runs many seeds on all cores.
func (s *simCommand) swarm(p process.Protocol, o sim.Options, to *terminal.Output) error {
	var t totals
	var failed []sim.Result
	began, told := time.Now(), time.Time{}
	show := terminal.Interactive(to.Err)
	sim.Swarm(p, s.Seeds, o, func(r sim.Result) bool {
		if t.add(&r); r.Violation != nil {
			failed = append(failed, r)
		}
		if now := time.Now(); show && (now.Sub(told) > 100*time.Millisecond || t.seeds == s.Seeds) {
			told = now
			fmt.Fprintf(to.Err, "\r%s %d/%d seeds, %d failed ", bar(t.seeds, s.Seeds), t.seeds, s.Seeds,
				len(failed))
		}
		return s.KeepOn || len(failed) == 0
	})
	if show {
		fmt.Fprintln(to.Err)
	}
	t.print(to, p.Name, time.Since(began))
	if len(failed) == 0 {
		return nil
	}
	var seeds []string
	for i := range failed {
		seeds = append(seeds, fmt.Sprint(failed[i].Seed))
	}
	fmt.Fprintf(to.Out, "\nSeeds that failed: %s. The first:\n", strings.Join(seeds, " "))
	o.Seed = failed[0].Seed
	s.broken(p, o, &failed[0], to)
	return errBroken
}

func bar(done, of int) string {
	const width = 30
	full := done * width / of
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "]"
}

// totals sum up runs.
type totals struct {
	seeds, done, open, entries, undone int
	events, elections                  uint64
	virtual                            time.Duration
	faults                             map[string]int
}

func (t *totals) add(r *sim.Result) {
	t.seeds++
	t.done += r.Done
	t.open += r.Open
	t.entries += r.Entries
	t.undone += r.Undone
	t.events += r.Events
	t.elections += r.Elections
	t.virtual += r.Virtual
	if t.faults == nil {
		t.faults = make(map[string]int)
	}
	for k, n := range r.Faults {
		t.faults[k] += n
	}
}

func (t *totals) print(to *terminal.Output, name string, took time.Duration) {
	seeds := "1 seed"
	if t.seeds != 1 {
		seeds = fmt.Sprintf("%d seeds", t.seeds)
	}
	fmt.Fprintf(to.Out, "%s: %s, %v of virtual time in %v\n", name, seeds,
		t.virtual.Round(time.Millisecond), took.Round(time.Millisecond))
	fmt.Fprintf(to.Out, "  events         %d, %.0f a second\n", t.events, float64(t.events)/max(took.Seconds(), 1e-9))
	fmt.Fprintf(to.Out, "  elections      %d\n  committed      %d entries\n", t.elections, t.entries)
	if t.undone > 0 {
		fmt.Fprintf(to.Out, "  undone         %d entries, by a later epoch\n", t.undone)
	}
	fmt.Fprintf(to.Out, "  operations     %d answered, %d without an answer\n", t.done, t.open)
	var faults []string
	for _, k := range slices.Sorted(maps.Keys(t.faults)) {
		faults = append(faults, fmt.Sprintf("%s %d", k, t.faults[k]))
	}
	if len(faults) > 0 {
		fmt.Fprintf(to.Out, "  faults         %s\n", strings.Join(faults, ", "))
	}
}

// broken prints what broke, the shortest way found to it, and how to see it
// again.
func (s *simCommand) broken(p process.Protocol, o sim.Options, r *sim.Result, to *terminal.Output) {
	fmt.Fprintf(to.Out, "\nBROKEN: %v\n  %s\n", r.Violation, r.Options)
	again := fmt.Sprintf("althing sim %s --seed %d --faults %s --duration %v", p.Name, o.Seed, o.Faults,
		o.Duration)
	if o.Nodes != 0 {
		again += fmt.Sprintf(" --nodes %d", o.Nodes)
	}
	if s.Quorums != nil {
		again += " --quorums " + s.Quorums.String()
	}
	if o.Clients != 0 {
		again += fmt.Sprintf(" --clients %d", o.Clients)
	}
	if o.Rate != 0 {
		again += fmt.Sprintf(" --rate %d", o.Rate)
	}
	fmt.Fprintf(to.Out, "  again: %s\n", again)
	if s.NoShrink {
		return
	}
	short, err := sim.Shrink(p, o, 0)
	if err != nil {
		fmt.Fprintf(to.Out, "  it could not be made shorter: %v\n", err)
		return
	}
	fmt.Fprintf(to.Out, "\nThe shortest way found: %d steps of %d, after %d tries: %v\n  %s\n",
		short.Length, short.Before, short.Replays, short.Violation, short.Options)
	err = causes(p, &replay.Trace{Header: short.Header, Events: short.Events}, s.Short, to)
	switch {
	case errors.Is(err, replay.ErrPasses): // what clients saw is wrong: all of it is shown
		fmt.Fprintln(to.Out)
		for _, step := range short.Steps {
			fmt.Fprintln(to.Out, "  "+step)
		}
	case err != nil:
		fmt.Fprintf(to.Out, "  its causes could not be told: %v\n", err)
	}
}
