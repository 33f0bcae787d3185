package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"althing/explore/group"
	"althing/internal/terminal"
	"althing/process"
	"althing/protocol/raft"
)

func rewrite(t *testing.T, file, was, is string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(text, []byte(was)) {
		t.Fatalf("%s: no %q: %v", file, was, err)
	}
	changed := file + ".changed"
	if err := os.WriteFile(changed, bytes.Replace(text, []byte(was), []byte(is), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestReplay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trace")
	if code, out, err := command("sim", "raft", "--seed=3", "--duration=2s", "--trace="+file); code != exitOK {
		t.Fatalf("exit %d: %s%s", code, out, err)
	}
	code, out, err := command("sim", "--replay="+file)
	if code != exitOK || !strings.Contains(out, "each the same byte for byte") ||
		!strings.Contains(out, "Simulated again from seed 3: the same file") {
		t.Errorf("exit %d: %s%s", code, out, err)
	}
	for _, c := range []struct {
		was, is, want string
		code          int
	}{
		{"heartbeat=", "heartbeat=1", "Simulated again: the seed draws something else now", exitBad},
		{`"options":"seed=3`, `"options":"seed=4`, "Simulated again: ", exitBad},
		{`"seed":3`, `"seed":4`, "it is another run: line 1\n", exitBad},
		{`"kind":"timeout"`, `"kind":"crash"`, "is another one\nwas  {", exitBad},
		{`"msg":"PreVote"`, `"msg":"PreVotes"`, "is another one\nwas  {", exitBad},
		{`"world":`, `"words":`, "", exitUsage},
		{`"replicas=`, `"replicas=x`, "", exitUsage},
		{`"world":"`, `"options":"`, "", exitUsage},
		{`"protocol":"raft"`, `"protocol":"rafts"`, "", exitUsage},
	} {
		code, out, err := command("sim", "--replay="+rewrite(t, file, c.was, c.is))
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s for %s: exit %d: %s%s", c.is, c.was, code, out, err)
		}
	}
	if code, _, _ := command("sim", "--replay="+file+".none"); code != exitUsage {
		t.Errorf("no such file: exit %d", code)
	}
	code, out, _ = command("trace", "itf", file)
	if code != exitOK || !json.Valid([]byte(out)) || !strings.Contains(out, `"format":"ITF"`) {
		t.Errorf("itf: exit %d", code)
	}
	for _, args := range []string{"--expect=violated", "--expect=x"} {
		if code, _, _ := command("trace", "go", file, args); code != exitUsage {
			t.Errorf("trace go %s: exit %d", args, code)
		}
	}
}

// An early voter lets its votes overtake the disk.
type early struct{ process.Process }

func (e early) Clone() process.Process { return early{e.Process.Clone()} }

func (e early) Step(in process.Input, out *process.Output) {
	before := len(out.Effects)
	e.Process.Step(in, out)
	for i := range out.Effects[before:] {
		if x := &out.Effects[before+i]; x.Kind == process.Send && x.Msg.Kind() == "Vote" {
			x.Kind = process.SendNow
		}
	}
}

// seen shows a Monitor the Raft in the early voter.
type seen struct{ group.Historian }

func (s seen) Clone() process.Monitor { return seen{s.Historian.Clone().(group.Historian)} }

func (s seen) Stepped(id process.ID, p process.Process, in *process.Input, es []process.Effect) error {
	return s.Historian.Stepped(id, p.(early).Process, in, es)
}

// A counterexample becomes a list of what it takes, a trace that is played again, and
// a test of Go: which passes on Raft, and fails when the mistake is in it.
func TestCounterexampleBecomesATest(t *testing.T) {
	p := raft.Protocol
	p.New = func(c process.Config) process.Process { return early{raft.New(c)} }
	p.Monitor = func() process.Monitor { return seen{raft.Protocol.Monitor().(group.Historian)} }
	dir := t.TempDir()
	e := exploreCommand{Replicas: 3, Elections: 2, Crashes: 1, Search: "breadth", Memory: 1000,
		Trace: filepath.Join(dir, "trace"), Short: filepath.Join(dir, "short")}
	var out, errs bytes.Buffer
	to := &terminal.Output{Out: &out, Err: &errs}
	if err := e.explore(p, to); !errors.Is(err, errBroken) {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"What it takes: ", "without it: nothing is broken", "follower@0", "cannot be",
		"It is in "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	for _, file := range []string{e.Trace, e.Short} {
		all, _, err := whole(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := again(all, p, file, to); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v\n%s", file, err, &out)
		}
		code, said, _ := command("sim", "--replay="+file)
		if code != exitBad || !strings.Contains(said, "is another run now") {
			t.Errorf("%s with Raft as it is: exit %d: %s", file, code, said)
		}
	}
	const election = "protocol/raft/election.go"
	text, err := os.ReadFile(filepath.Join("../..", election))
	if err != nil {
		t.Fatal(err)
	}
	mistake := map[string]string{election: strings.NewReplacer("out.Send(from, &Vote{", "out.SendNow(from, &Vote{",
		"out.Send(to, &Vote{", "out.SendNow(to, &Vote{").Replace(string(text))}
	for expect, passes := range map[string][2]bool{"kept": {true, false}, "violated": {false, true}} {
		code, text, errText := command("trace", "go", e.Short, "--name=Early", "--expect="+expect)
		if code != exitOK || !strings.HasPrefix(text, "package raft_test\n") {
			t.Fatalf("trace go: exit %d: %s%s", code, text, errText)
		}
		for i, overlay := range []map[string]string{{}, mistake} {
			said, err := emitted(t, text, overlay)
			if (err == nil) != passes[i] || !strings.Contains(said, "TestEarly") {
				t.Errorf("%s, with the mistake %v: %v\n%s", expect, i == 1, err, said)
			}
		}
	}
}

// emitted runs a test in the folder of Raft, with some files there replaced.
func emitted(t *testing.T, test string, replaced map[string]string) (string, error) {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir, files := t.TempDir(), map[string]string{}
	put := func(path, text string) {
		files[filepath.Join(top, path)] = filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(files[filepath.Join(top, path)], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("protocol/raft/zz_emitted_test.go", test)
	for path, text := range replaced {
		put(path, text)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": files})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("go", "test", "-overlay", name, "-run", "^TestEarly$", "-v", "./protocol/raft")
	run.Dir = top
	out, err := run.CombinedOutput()
	return string(out), err
}

func compressed(t *testing.T, text []byte) int {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

// A trace takes no more than 60 bytes an event, compressed.
func TestTracesAreSmall(t *testing.T) {
	dir := t.TempDir()
	for _, p := range protocols() {
		file := filepath.Join(dir, p)
		if code, out, err := command("sim", p, "--seed=1", "--trace="+file); code != exitOK {
			t.Fatalf("%s: exit %d: %s%s", p, code, out, err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		events := bytes.Count(text, []byte("\n")) - 1
		if size := compressed(t, text); size > 60*events {
			t.Errorf("%s: %d bytes, compressed, of %d events: %d each", p, size, events, size/events)
		} else {
			t.Logf("%s: %d events, %d bytes each, %d compressed", p, events, len(text)/events, size/events)
		}
	}
}
