package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"reflect"
	"runtime"
	"strings"

	"althing/internal/terminal"
	"althing/process"
	"althing/protocol"
	"althing/script"
	"althing/sim"
	"althing/trace"
	"althing/trace/itf"
	"althing/trace/replay"
)

// whole reads a trace and finds its protocol.
func whole(file string) (*replay.Trace, process.Protocol, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, process.Protocol{}, terminal.Usage(fmt.Errorf("open the trace: %w", err))
	}
	defer f.Close()
	t, err := replay.Read(f)
	if err != nil {
		return nil, process.Protocol{}, terminal.Usage(fmt.Errorf("%s: %w", file, err))
	}
	p, ok := protocol.Find(t.Header.Protocol)
	if !ok {
		return nil, p, terminal.Usage(fmt.Errorf("%s is of %q, which is no protocol here", file, t.Header.Protocol))
	}
	return t, p, nil
}

// replay does again what a trace says.
func (s *simCommand) replay(to *terminal.Output) error {
	t, p, err := whole(s.Replay)
	if err != nil {
		return err
	}
	if err = again(t, p, s.Replay, to); err == nil || errors.Is(err, errBroken) {
		return errors.Join(err, s.dice(t, p, to))
	}
	return err
}

// dice simulates again what the trace is of, if it is of a simulation, and compares all
// of it: what is judged in the end, too.
func (s *simCommand) dice(t *replay.Trace, p process.Protocol, to *terminal.Output) error {
	o, err := sim.ParseOptions(t.Header.Options)
	switch {
	case errors.Is(err, sim.ErrDrawn):
		fmt.Fprintf(to.Out, "Simulated again: %v\n", err)
		return errors.New("the dice fall otherwise now")
	case err != nil:
		return nil // it is a schedule, and not of dice
	}
	was, err := os.ReadFile(s.Replay)
	if err != nil {
		return fmt.Errorf("read the trace: %w", err)
	}
	var is bytes.Buffer
	o.Trace = &is
	if _, err := sim.Run(p, o); err != nil {
		return err
	}
	if !bytes.Equal(was, is.Bytes()) {
		fmt.Fprintf(to.Out, "Simulated again from seed %d, it is another run: %s", o.Seed,
			script.Diff(was, is.Bytes()))
		return errors.New("the dice do something else now")
	}
	fmt.Fprintf(to.Out, "Simulated again from seed %d: the same file\n", o.Seed)
	return nil
}

func again(t *replay.Trace, p process.Protocol, file string, to *terminal.Output) error {
	v, err := replay.Run(p, t)
	var d *replay.Departure
	switch {
	case errors.As(err, &d):
		fmt.Fprintf(to.Out, "%s: %s is another run now: %v\n", p.Name, file, d)
		return errors.New("the trace departs from what the code does")
	case err != nil:
		return terminal.Usage(fmt.Errorf("%s: %w", file, err))
	}
	fmt.Fprintf(to.Out, "%s: %d events, each the same byte for byte\n", p.Name, len(t.Events))
	if v != nil {
		fmt.Fprintf(to.Out, "BROKEN, as before: %v\n", v)
		return errBroken
	}
	return nil
}

// causes makes a schedule short by its causes, prints it step by step, and writes it
// to a file, if there is one. With ErrPasses a whole history is broken, and no event
// shows it.
func causes(p process.Protocol, t *replay.Trace, file string, to *terminal.Output) error {
	s, err := replay.Shrink(p, t, 0)
	if err != nil {
		return err
	}
	steps, err := s.Steps(p)
	if err != nil {
		return err
	}
	fmt.Fprintf(to.Out, "\nWhat it takes: %v\n\n", s)
	for i := range steps {
		for j, line := range steps[i].Lines() {
			if j == 0 {
				fmt.Fprintf(to.Out, "  %2d. %s\n", i+1, line)
			} else {
				fmt.Fprintf(to.Out, "        %s\n", line)
			}
		}
	}
	for _, line := range s.Events[len(s.Events)-1].Lines()[1:] {
		fmt.Fprintf(to.Out, "      %s\n", line)
	}
	fmt.Fprintf(to.Out, "\n      %v\n", s.Violation)
	if file == "" {
		return nil
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write the short run: %w", err)
	}
	defer f.Close()
	w := trace.NewWriter(f, s.Header)
	for i := range s.Events {
		w.Write(&s.Events[i])
	}
	w.Write(violationEvent(s.Violation, uint64(len(s.Events)+1)))
	fmt.Fprintf(to.Out, "It is in %s: althing sim --replay plays it\n", file)
	return w.Flush()
}

func violationEvent(v error, seq uint64) *trace.Event {
	return &trace.Event{Seq: seq, Kind: "violation", Note: v.Error()}
}

type itfCommand struct {
	File string `arg:""`
}

// Run exports the trace.
func (c *itfCommand) Run(to *terminal.Output) error {
	return read(c.File, func(t *trace.Reader) error { return itf.Write(to.Out, t) })
}

type goCommand struct {
	File    string `arg:""`
	Package string `placeholder:"NAME"`
	Name    string `default:"Replay" placeholder:"NAME"`
	Expect  string `default:"kept" enum:"kept,violated"`
}

// Run writes the test.
func (c *goCommand) Run(to *terminal.Output) error {
	t, p, err := whole(c.File)
	if err != nil {
		return err
	}
	g := replay.GoTest{Package: c.Package, Name: c.Name, Still: c.Expect == "violated"}
	if v := t.Violation(); v != nil {
		g.Broken = v.Name
	}
	if g.Still && g.Broken == "" {
		return terminal.Wrong("expect", c.Expect, "expected with a trace that ends in a violation")
	}
	if g.Package == "" {
		g.Package = home(p) + "_test"
	}
	err = g.Write(to.Out, t)
	if errors.Is(err, replay.ErrLong) || errors.Is(err, replay.ErrWorld) {
		return terminal.Usage(fmt.Errorf("%s: %w", c.File, err))
	}
	return err
}

// home returns the name of the package that a protocol is in: the folder's, by the
// name of its constructor.
func home(p process.Protocol) string {
	name := path.Base(runtime.FuncForPC(reflect.ValueOf(p.New).Pointer()).Name())
	name, _, _ = strings.Cut(name, ".")
	return name
}
