package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"althing/internal/terminal"
	"althing/process"
	"althing/protocol/raft"
	"althing/sim"
	"althing/trace"
)

func TestSim(t *testing.T) {
	code, out, err := command("sim", "raft", "--seeds=4", "--duration=2s", "--faults=net,crash")
	if code != exitOK {
		t.Fatalf("exit %d: %s%s", code, out, err)
	}
	for _, want := range []string{"raft: 4 seeds", "events", "elections", "operations", "faults"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// One seed is one run: its trace is the same each time, and can be read.
func TestSimTrace(t *testing.T) {
	var traces [2][]byte
	for i := range traces {
		file := filepath.Join(t.TempDir(), "run.jsonl")
		if code, out, err := command("sim", "--seed=7", "--duration=1s", "--trace", file); code != exitOK {
			t.Fatalf("exit %d: %s%s", code, out, err)
		}
		var err error
		if traces[i], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(traces[0], traces[1]) {
		t.Error("two runs of one seed are not the same")
	}
	r, err := trace.NewReader(bytes.NewReader(traces[0]))
	if err != nil {
		t.Fatal(err)
	}
	events := 0
	for ; err == nil; events++ {
		_, err = r.Next()
	}
	if !errors.Is(err, io.EOF) || r.Header().Seed != 7 || events < 100 {
		t.Errorf("%d events of seed %d: %v", events, r.Header().Seed, err)
	}
}

// A liar tells its application other entries than the group has agreed on.
type liar struct{ process.Process }

func (l *liar) Step(in process.Input, out *process.Output) {
	before := len(out.Effects)
	l.Process.Step(in, out)
	for i := before; i < len(out.Effects); i++ {
		e := &out.Effects[i]
		if e.Kind != process.Commit {
			continue
		}
		e.Entries = slices.Clone(e.Entries)
		for j := range e.Entries {
			if e.Entries[j].Req.Kind == process.Command {
				e.Entries[j].Req.Cmd = nil
			}
		}
	}
}

func (l *liar) Clone() process.Process { return &liar{l.Process.Clone()} }

// A run that breaks a promise ends with 1, and with what leads there.
func TestSimBroken(t *testing.T) {
	p := raft.Protocol
	p.Monitor = nil // it looks into processes of its own
	p.New = func(c process.Config) process.Process {
		if c.Self == 2 {
			return &liar{raft.Protocol.New(c)}
		}
		return raft.Protocol.New(c)
	}
	for _, s := range []simCommand{{Seeds: 1}, {Seeds: 4, KeepOn: true}, {Seeds: 1, NoShrink: true}} {
		s.Rate = 100
		var out, ignored bytes.Buffer
		o := sim.Options{Seed: 1, Nodes: 3, Duration: time.Second, Rate: s.Rate}
		run := s.one
		if s.Seeds > 1 {
			run = s.swarm
		}
		if err := run(p, o, &terminal.Output{Out: &out, Err: &ignored}); !errors.Is(err, errBroken) {
			t.Fatalf("%d seeds: %v\n%s", s.Seeds, err, &out)
		}
		want := []string{"BROKEN: ", "again: althing sim raft --seed 1 --faults none", "--nodes 3"}
		if !s.NoShrink {
			want = append(want, "The shortest way found: ", "What it takes: ", "without it: nothing is broken")
		}
		if s.KeepOn {
			want = append(want, "Seeds that failed: 1 2 3 4")
		}
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%d seeds: no %q in\n%s", s.Seeds, w, &out)
			}
		}
	}
}

func TestBar(t *testing.T) {
	if bar(0, 3) != "["+strings.Repeat(".", 30)+"]" || bar(3, 3) != "["+strings.Repeat("#", 30)+"]" {
		t.Error(bar(0, 3), bar(3, 3))
	}
}
