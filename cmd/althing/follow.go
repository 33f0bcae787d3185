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
	var m *refine.Module
	err := read(file, func(t *trace.Reader) (err error) {
		m, err = refine.Export(t)
		return err
	})
	var wrong *refine.Deviation
	switch {
	case errors.As(err, &wrong):
		return terminal.Ending(fmt.Errorf("the run is not one of spec/Raft.tla: %w", err), terminal.ExitBad)
	case err != nil:
		return terminal.Usage(err)
	}
	fmt.Fprintf(to.Out, "%s: a run of spec/Raft.tla, in %d steps\n", file, m.Steps)
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
func writeModules(dir string, m *refine.Module) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files := map[string]string{m.Name + ".tla": m.Text, m.Name + ".cfg": m.Config}
	for _, name := range []string{"Raft.tla", "TraceRaft.tla"} {
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
