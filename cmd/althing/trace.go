package main

import (
	"fmt"
	"os"

	"althing/internal/terminal"
	"althing/trace"
	"althing/trace/diagram"
	"althing/trace/shiviz"
)

type traceCommand struct {
	Text     textCommand     `cmd:"" help:"Draw a trace in lanes of characters, to standard output."`
	Mermaid  mermaidCommand  `cmd:"" help:"Draw a trace as a sequence diagram of Mermaid, to standard output."`
	Plantuml plantumlCommand `cmd:"" help:"Draw a trace as a sequence diagram of PlantUML, to standard output."`
	Shiviz   shivizCommand   `cmd:"" help:"Write a trace as a log for ShiViz, to standard output."`
	Check    checkShiviz     `cmd:"" help:"Say line by line what is wrong with a log for ShiViz."`
	Itf      itfCommand      `cmd:"" help:"Write a trace as states, in the format of Apalache, to standard output."`
	Go       goCommand       `cmd:"" help:"Write a trace as a test of Go that plays it, to standard output."`
	Follow   followCommand   `cmd:"" help:"Say whether a run is one of its protocol's specification in TLA+."`
}

// A drawn is what both kinds of diagram are told.
type drawn struct {
	File string `arg:""`
	From uint64 `placeholder:"SEQ"`
	To   uint64 `placeholder:"SEQ"`
}

type textCommand struct{ drawn }

// Run draws it.
func (c *textCommand) Run(to *terminal.Output) error { return c.draw(to, diagram.Text) }

type mermaidCommand struct{ drawn }

// Run draws it.
func (m *mermaidCommand) Run(to *terminal.Output) error { return m.draw(to, diagram.Mermaid) }

type plantumlCommand struct{ drawn }

// Run draws it.
func (p *plantumlCommand) Run(to *terminal.Output) error { return p.draw(to, diagram.PlantUML) }

func (d *drawn) draw(to *terminal.Output, l diagram.Language) error {
	return read(d.File, func(t *trace.Reader) error {
		return diagram.Write(to.Out, t, diagram.Window{From: d.From, To: d.To}, l)
	})
}

// read hands a trace to use.
func read(file string, use func(*trace.Reader) error) error {
	f, err := os.Open(file)
	if err != nil {
		return terminal.Usage(fmt.Errorf("open the trace: %w", err))
	}
	defer f.Close()
	t, err := trace.NewReader(f)
	if err != nil {
		return terminal.Usage(fmt.Errorf("%s: %w", file, err))
	}
	if err := use(t); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

type shivizCommand struct {
	File string `arg:""`
}

// Run exports the trace.
func (s *shivizCommand) Run(to *terminal.Output) error {
	return read(s.File, func(t *trace.Reader) error { return shiviz.Export(to.Out, t) })
}

type checkShiviz struct {
	File string `arg:""`
}

// Run prints the problems; there being some is a bad answer.
func (c *checkShiviz) Run(to *terminal.Output) error {
	f, err := os.Open(c.File)
	if err != nil {
		return terminal.Usage(fmt.Errorf("open the log: %w", err))
	}
	defer f.Close()
	problems, err := shiviz.Check(f)
	if err != nil {
		return terminal.Usage(fmt.Errorf("%s: %w", c.File, err))
	}
	for _, p := range problems {
		fmt.Fprintf(to.Out, "%s:%d: %s\n", c.File, p.Line, p.Text)
	}
	if len(problems) > 0 {
		return fmt.Errorf("%d problems in %s", len(problems), c.File)
	}
	fmt.Fprintln(to.Out, "nothing is wrong: each clock is what its causes make it")
	return nil
}
