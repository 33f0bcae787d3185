package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What explore flp says of each protocol: which of agreement, termination and
// determinism it gives up, or a run that never decides.
func TestFlp(t *testing.T) {
	dir := t.TempDir()
	mermaid, plant := filepath.Join(dir, "m"), filepath.Join(dir, "p")
	record := filepath.Join(dir, "t")
	for _, c := range []struct {
		args string
		want []string
	}{
		{"wait-all", []string{"bivalent 0", "6 pairs", "without 1, or without 2, or without 3 no run decides",
			"termination    given up"}},
		{"eager", []string{"110 bivalent", "agreement      given up: 4 steps", "commits 0", "commits 1"}},
		{"coordinator --steps=45 --draw=10", []string{"843344", "all there are", "100 are bivalent", "for ever",
			"|-------------->|   Report Round=1 Value=1", "45 messages", "timely         from each of these 46"}},
		{"ben-or", []string{"2 rounds   0.875", "3 rounds   0.8125", "falls to 0"}},
		{"raft --steps=40 --mermaid=" + mermaid + " --plantuml=" + plant + " --trace=" + record, []string{
			"that state is bivalent", "plays it alike", "AppendEntries", "timely         from each"}},
		{"total", []string{"no two decisions were found", "termination    given up: with any one replica stopped"}},
	} {
		args := append([]string{"explore", "flp"}, strings.Fields(c.args)...)
		code, out, err := command(args...)
		if code != exitOK {
			t.Errorf("%s: exit %d: %s%s", c.args, code, out, err)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", c.args, want, out)
			}
		}
	}
	for path, want := range map[string]string{mermaid: "sequenceDiagram", plant: "@startuml",
		record: `"protocol":"raft"`} {
		if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v: no %s in it", path, err, want)
		}
	}
}

func TestFlpWrongly(t *testing.T) {
	for _, args := range []string{"paxoss", "causal", "--steps=0", "--steps=x", "--max-states=0", "raft --steps=1001"} {
		if code, _, err := command(append([]string{"explore", "flp"}, strings.Fields(args)...)...); code != exitUsage {
			t.Errorf("%s: exit %d: %s", args, code, err)
		}
	}
}
