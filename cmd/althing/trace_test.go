package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"althing/internal/terminal"
)

// TestShiviz: what the simulator records is a log that ShiViz draws, for every
// protocol; and of one with a line too few it is said where.
func TestShiviz(t *testing.T) {
	dir := t.TempDir()
	call := func(args ...string) (code int, out string) {
		var b, errs bytes.Buffer
		code = run(args, terminal.Output{Out: &b, Err: &errs})
		return code, b.String()
	}
	for _, p := range protocols() {
		record, log := filepath.Join(dir, p+".jsonl"), filepath.Join(dir, p+".log")
		if code, out := call("sim", p, "--seed=5", "--duration=2s", "--trace="+record); code != exitOK {
			t.Fatalf("sim %s: exit %d: %s", p, code, out)
		}
		code, text := call("trace", "shiviz", record)
		if code != exitOK || strings.Count(text, "\n") < 100 {
			t.Fatalf("%s: exit %d, %d lines", p, code, strings.Count(text, "\n"))
		}
		write := func(text string) {
			if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(text)
		if code, out := call("trace", "check", log); code != exitOK {
			t.Errorf("%s: exit %d: %s", p, code, out)
		}
		for _, l := range []string{"mermaid", "plantuml"} {
			code, out := call("trace", l, record, "--to=40")
			if code != exitOK || !strings.Contains(out, "participant n1") {
				t.Errorf("%s as %s: exit %d: %s", p, l, code, out)
			}
		}
		if code, out := call("trace", "text", record, "--to=40"); code != exitOK || !strings.Contains(out, "start 1") {
			t.Errorf("%s as text: exit %d: %s", p, code, out)
		}
		lines := strings.SplitAfter(text, "\n")
		write(strings.Join(append(lines[:50:50], lines[52:]...), "")) // without one entry
		if code, out := call("trace", "check", log); code != exitBad || !strings.Contains(out, "is missing") {
			t.Errorf("%s with a gap: exit %d: %s", p, code, out)
		}
	}
	for _, args := range [][]string{
		{"trace", "shiviz", filepath.Join(dir, "none")}, {"trace", "mermaid", filepath.Join(dir, "none")},
		{"trace", "plantuml", filepath.Join(dir, "raft.log")}, {"trace", "check", filepath.Join(dir, "none")},
		{"trace", "shiviz", filepath.Join(dir, "raft.log")}, {"trace", "check", filepath.Join(dir, "raft.jsonl")},
	} {
		if code, out := call(args...); code != exitUsage {
			t.Errorf("%v: exit %d: %s", args, code, out)
		}
	}
}
