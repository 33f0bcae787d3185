package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"althing/internal/terminal"
	"althing/spec"
	"althing/trace"
	"althing/trace/refine"
	"althing/trace/refine/steps"
)

type followCommand struct {
	File string `arg:""`
	TLA  string `name:"tla" placeholder:"DIR"`
}

// Run follows the trace in the specification; a step that it does not have is a
// bad answer.
func (c *followCommand) Run(to *terminal.Output) error { return follow(c.File, c.TLA, to) }

// follow says whether a recorded run is one of the specification, and writes it to
// a directory for TLC, if there is one named.
func follow(file, dir string, to *terminal.Output) error {
	var m *steps.Module
	var of string
	err := read(file, func(t *trace.Reader) (err error) {
		s, err := refine.Of(t.Header().Protocol)
		if err != nil {
			return err
		}
		of = "spec/" + s.Module + ".tla"
		m, err = s.Export(t)
		return err
	})
	var wrong *steps.Deviation
	switch {
	case errors.As(err, &wrong):
		return terminal.Ending(fmt.Errorf("the run is not one of %s: %w", of, err), terminal.ExitBad)
	case err != nil:
		return terminal.Usage(err)
	}
	fmt.Fprintf(to.Out, "%s: a run of %s, in %d steps\n", file, of, m.Steps)
	if dir == "" {
		return nil
	}
	if err := writeModules(dir, m); err != nil {
		return fmt.Errorf("write the modules: %w", err)
	}
	fmt.Fprintf(to.Out, "for TLC: cd %s && java -cp tla2tools.jar tlc2.TLC %s\n", dir, m.Name)
	return nil
}

// writeModules writes the run, and the modules that it extends.
func writeModules(dir string, m *steps.Module) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files := map[string]string{m.Name + ".tla": m.Text, m.Name + ".cfg": m.Config}
	for _, name := range m.Extends {
		name += ".tla"
		text, err := fs.ReadFile(spec.Modules, name)
		if err != nil {
			return err
		}
		files[name] = string(text)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
