package main

import (
	"fmt"
	"os"

	"althing/trace"
	"althing/trace/shiviz"
)

type traceCommand struct {
	Shiviz shivizCommand `cmd:"" help:"Write a trace as a log for ShiViz, to standard output."`
	Check  checkShiviz   `cmd:"" help:"Say line by line what is wrong with a log for ShiViz."`
}

type shivizCommand struct {
	File string `arg:""`
}

// Run exports the trace.
func (s *shivizCommand) Run(to *output) error {
	f, err := os.Open(s.File)
	if err != nil {
		return usageError{fmt.Errorf("open the trace: %w", err)}
	}
	defer f.Close()
	t, err := trace.NewReader(f)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", s.File, err)}
	}
	if err := shiviz.Export(to.out, t); err != nil {
		return fmt.Errorf("%s: %w", s.File, err)
	}
	return nil
}

type checkShiviz struct {
	File string `arg:""`
}

// Run prints the problems; there being some is a bad answer.
func (c *checkShiviz) Run(to *output) error {
	f, err := os.Open(c.File)
	if err != nil {
		return usageError{fmt.Errorf("open the log: %w", err)}
	}
	defer f.Close()
	problems, err := shiviz.Check(f)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", c.File, err)}
	}
	for _, p := range problems {
		fmt.Fprintf(to.out, "%s:%d: %s\n", c.File, p.Line, p.Text)
	}
	if len(problems) > 0 {
		return fmt.Errorf("%d problems in %s", len(problems), c.File)
	}
	fmt.Fprintln(to.out, "nothing is wrong: each clock is what its causes make it")
	return nil
}
