package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"althing/explore"
	"althing/explore/group"
	"althing/internal/terminal"
	"althing/process"
	"althing/protocol"
	"althing/trace"
	"althing/trace/replay"
)

type exploreCommands struct {
	States exploreCommand `cmd:"" default:"withargs" help:"Visit every state; this is what explore does by itself."`
	Flp    flpCommand     `cmd:"" help:"Keep a protocol from deciding for as long as asked, and show what ends that."`
}

type exploreCommand struct {
	Protocol string `arg:"" default:"raft"`

	Replicas    int `default:"3" placeholder:"N"`
	Elections   int `default:"1" placeholder:"N"`
	Beats       int `default:"0" placeholder:"N"`
	Requests    int `default:"1" placeholder:"N"`
	Reads       int `default:"0" placeholder:"N"`
	Crashes     int `default:"0" placeholder:"N"`
	Compactions int `default:"0" placeholder:"N"`
	Duplicates  int `default:"0" placeholder:"N"`
	Drops       int `default:"0" placeholder:"N"`
	Unordered   bool
	QuickDisks  bool

	Search    string        `default:"breadth" enum:"breadth,depth,walk"`
	Walks     uint64        `placeholder:"N"`
	MaxDepth  int           `placeholder:"N"`
	MaxStates uint64        `placeholder:"N"`
	Memory    uint64        `default:"4096" placeholder:"MB"`
	Timeout   time.Duration `placeholder:"TIME"`
	Workers   int           `placeholder:"N"`
	Seed      uint64        `default:"0"`
	Trace     string        `placeholder:"FILE"`
	Short     string        `placeholder:"FILE"`
	Script    string        `placeholder:"FILE"`

	Checkpoint string `placeholder:"FILE"`
	Resume     bool

	said string // the bounds
}

// Run explores, and tells what it saw.
func (e *exploreCommand) Run(to *terminal.Output) error {
	p, ok := protocol.Find(e.Protocol)
	if !ok {
		return terminal.Usage(fmt.Errorf("there is no protocol %q: expected one of %s", e.Protocol,
			strings.Join(protocols(), ", ")))
	}
	return e.explore(p, to)
}

func (e *exploreCommand) explore(p process.Protocol, to *terminal.Output) error {
	b := group.Bounds{Replicas: e.Replicas, Elections: e.Elections, Beats: e.Beats, Requests: e.Requests,
		Reads: e.Reads, Crashes: e.Crashes, Compactions: e.Compactions, Duplicates: e.Duplicates, Drops: e.Drops,
		Ordered: !e.Unordered, SlowDisks: !e.QuickDisks && e.Crashes > 0}
	g, err := group.New(p, b)
	switch {
	case err != nil:
		return terminal.Usage(err)
	case e.Resume && e.Checkpoint == "":
		return terminal.Wrong("resume", e.Resume, "expected with --checkpoint")
	case e.Checkpoint != "" && e.Search != "breadth":
		return terminal.Wrong("checkpoint", e.Checkpoint, "expected with --search=breadth")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if e.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.Timeout)
		defer cancel()
	}
	o := explore.Options{Workers: e.Workers, Seed: e.Seed, MaxStates: e.MaxStates, MaxBytes: e.Memory << 20,
		MaxDepth: e.MaxDepth, Walks: e.Walks, Checkpoint: e.Checkpoint, Resume: e.Resume}
	switch e.Search {
	case "depth":
		o.Search = explore.Depth
	case "walk":
		o.Search = explore.Walk
	}
	if terminal.Interactive(to.Err) {
		o.Progress = func(p explore.Progress) {
			fmt.Fprintf(to.Err, "\r%d states, %.0f transitions a second, depth %d, %d MB ", p.Distinct,
				float64(p.Generated)/p.Took.Seconds(), p.Depth, p.Bytes>>20)
		}
	}
	e.said = bounds(&b)
	fmt.Fprintf(to.Out, "%s, %s\n", p.Name, e.said)
	r, err := explore.Run(ctx, g, o)
	if o.Progress != nil {
		fmt.Fprintln(to.Err)
	}
	if err != nil {
		return err
	}
	e.summary(p, g, &r, to)
	if f := r.Broken(); f != nil {
		return errors.Join(errBroken, e.broken(p, g, f, to))
	}
	return nil
}

// bounds says what was allowed to happen.
func bounds(b *group.Bounds) string {
	parts := []string{count(b.Replicas, "replica")}
	for _, c := range []struct {
		n    int
		what string
	}{
		{b.Elections, "election timeout"}, {b.Beats, "timeout of a leader"}, {b.Requests, "request"}, {b.Reads, "read"},
		{b.Crashes, "crash"}, {b.Compactions, "compaction"}, {b.Duplicates, "duplicate"}, {b.Drops, "loss"},
	} {
		if c.n > 0 {
			parts = append(parts, count(c.n, c.what))
		}
	}
	links, disks := "links in no order", "quick disks"
	if b.Ordered {
		links = "links in order"
	}
	if b.SlowDisks {
		disks = "slow disks"
	}
	return strings.Join(append(parts, links, disks), ", ")
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s") || strings.HasSuffix(what, "sh"):
		what += "e"
	case strings.HasPrefix(what, "timeout "):
		return fmt.Sprintf("%d timeouts%s", n, strings.TrimPrefix(what, "timeout"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (e *exploreCommand) summary(p process.Protocol, g *group.Model, r *explore.Result, to *terminal.Output) {
	seen := "all there are"
	if r.Stopped != "" {
		seen = "not all: stopped at " + string(r.Stopped)
	}
	if e.Search != "walk" {
		fmt.Fprintf(to.Out, "  states         %d distinct, %d transitions", r.Distinct, r.Generated)
	} else {
		fmt.Fprintf(to.Out, "  steps          %d", r.Generated)
	}
	if r.Depth > 1 {
		fmt.Fprintf(to.Out, ", depth %d", r.Depth)
	}
	if r.Stopped != "" && e.Checkpoint != "" {
		seen += "; go on with --resume"
	}
	replicas, messages, pasts := g.Parts()
	fmt.Fprintf(to.Out, ": %s\n  made of        %d states of one replica, %d messages, %d histories\n", seen,
		replicas, messages, pasts)
	fmt.Fprintf(to.Out, "  took           %v, %.0f transitions a second", r.Took.Round(time.Millisecond),
		float64(r.Generated)/max(r.Took.Seconds(), 1e-9))
	if r.Distinct > 0 {
		fmt.Fprintf(to.Out, ", %d bytes a state\n  fingerprints   hid a state with a probability below %.1g\n",
			r.Bytes/r.Distinct, r.Missed)
	} else {
		fmt.Fprintln(to.Out)
	}
	var kinds []string
	for k, n := range r.Kinds {
		if n > 0 {
			kinds = append(kinds, fmt.Sprintf("%s %d", g.Kinds()[k], n))
		}
	}
	fmt.Fprintf(to.Out, "  transitions    %s\n", strings.Join(kinds, ", "))
	checked := "Order, Validity, Staleness, Status, Contract, Codec, Panic"
	if p.Facts.Order.One() {
		checked = "Agreement, Linearizability, " + checked
	} else {
		checked = "Integrity, " + checked
	}
	switch {
	case g.Watched():
		checked += ", and the protocol's own"
	case p.Monitor != nil:
		checked += "; but not the protocol's own, whose monitor cannot be written down"
	}
	if r.Broken() == nil {
		fmt.Fprintf(to.Out, "  nothing broken %s\n", checked)
	}
}

// broken prints a counterexample, step by step and as the World shows it.
func (e *exploreCommand) broken(p process.Protocol, g *group.Model, f *explore.Finding, to *terminal.Output) error {
	how := "A way there"
	if e.Search == "breadth" {
		how = "A shortest way there"
	}
	fmt.Fprintf(to.Out, "\nBROKEN: %v\n%s, %s:\n\n", f.Err, how, count(len(f.Trace)-1, "step"))
	for i, s := range f.Trace[1:] {
		fmt.Fprintf(to.Out, "  %2d. %s\n", i+1, s.Text)
	}
	fmt.Fprintf(to.Out, "\nEach replica before the last step: %s\n", g.Show(f.Trace[len(f.Trace)-2].State))
	c := g.World()
	all := &replay.Trace{Header: trace.Header{Protocol: p.Name, Options: e.said, World: c.String()}}
	_, broken, err := g.Replay(f.Trace, func(v *trace.Event) { all.Events = append(all.Events, *v) })
	switch {
	case err != nil:
		return err
	case broken != nil:
		fmt.Fprintf(to.Out, "Played again: %d events, and then %v\n", len(all.Events), broken)
		all.Events = append(all.Events, *violationEvent(broken, uint64(len(all.Events)+1)))
		if err := causes(p, all, e.Short, to); err != nil && !errors.Is(err, replay.ErrPasses) {
			return err
		}
	default:
		fmt.Fprintf(to.Out, "Played again: %d events\n", len(all.Events))
	}
	return e.save(g, f, all, to)
}

// save writes the counterexample where the flags say.
func (e *exploreCommand) save(g *group.Model, f *explore.Finding, all *replay.Trace, to *terminal.Output) error {
	if e.Trace != "" {
		file, err := os.Create(e.Trace)
		if err != nil {
			return fmt.Errorf("write the trace: %w", err)
		}
		defer file.Close()
		w := trace.NewWriter(file, all.Header)
		for i := range all.Events {
			w.Write(&all.Events[i])
		}
		if err := w.Flush(); err != nil {
			return err
		}
		fmt.Fprintf(to.Out, "Its events are in %s\n", e.Trace)
	}
	if e.Script == "" {
		return nil
	}
	text, err := g.Script(f.Trace, f.Err.Error())
	if err == nil {
		err = os.WriteFile(e.Script, []byte(text), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the script: %w", err)
	}
	fmt.Fprintf(to.Out, "A script that plays it is %s\n", e.Script)
	return nil
}
