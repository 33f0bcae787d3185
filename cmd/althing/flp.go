package main

import (
	"fmt"
	"slices"
	"strings"

	"althing/explore/flp"
	"althing/internal/terminal"
	"althing/protocol"
)

type flpCommand struct {
	Protocol string `arg:"" default:"raft"`

	Steps     int    `default:"60" placeholder:"N"`
	Draw      uint64 `default:"40" placeholder:"N"`
	MaxStates int    `default:"2000000" placeholder:"N"`
	Mermaid   string `placeholder:"FILE"`
	Plantuml  string `placeholder:"FILE"`
	Trace     string `placeholder:"FILE"`
}

// Run shows what FLP says of a protocol.
func (f *flpCommand) Run(to *terminal.Output) error {
	s := flp.Show{Out: to.Out, Steps: f.Steps, Draw: f.Draw, MaxStates: f.MaxStates, Mermaid: f.Mermaid,
		PlantUML: f.Plantuml, Trace: f.Trace}
	model := slices.Contains(flp.Models(), f.Protocol)
	p, ok := protocol.Find(f.Protocol)
	switch {
	case !ok && !model:
		return terminal.Usage(fmt.Errorf("there is no protocol %q: expected one of %s, or a model: %s", f.Protocol,
			strings.Join(protocols(), ", "), strings.Join(flp.Models(), ", ")))
	case f.MaxStates < 1:
		return terminal.Wrong("max-states", f.MaxStates, "expected at least 1")
	case f.Steps < 1 || f.Steps > flp.MaxSteps:
		return terminal.Wrong("steps", f.Steps, "expected from 1 to %d", flp.MaxSteps)
	case model:
		return s.Model(f.Protocol)
	case !p.Facts.Order.One():
		return terminal.Usage(fmt.Errorf("%s promises no order of all requests: there is nothing to agree on", p.Name))
	case f.Steps > flp.MaxReal:
		return terminal.Wrong("steps", f.Steps, "expected up to %d for real processes", flp.MaxReal)
	}
	return s.Real(p)
}
