package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"althing/internal/terminal"
	"althing/process"
	"althing/protocol/raft"
	"althing/script"
	"althing/trace"
)

func TestExplore(t *testing.T) {
	code, out, err := command("explore", "raft", "--replicas=2", "--elections=2", "--requests=1", "--crashes=1")
	if code != exitOK {
		t.Fatalf("exit %d: %s%s", code, out, err)
	}
	for _, want := range []string{
		"raft, 2 replicas, 2 election timeouts, 1 request, 1 crash, links in order, slow disks",
		"all there are", "bytes a state", "nothing broken", "and the protocol's own"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	code, out, _ = command("explore", "--search=walk", "--walks=20", "--crashes=2", "--unordered", "--quick-disks")
	if code != exitOK || !strings.Contains(out, "not all: stopped at all walks") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	code, out, _ = command("explore", "--max-states=100", "--search=depth")
	if code != exitOK || !strings.Contains(out, "not all: stopped at the bound on states") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

func TestExploreWrongly(t *testing.T) {
	for _, args := range []string{"--resume", "--search=walk --checkpoint=x", "paxoss", "--replicas=0",
		"--replicas=99", "--elections=-1", "--drops=1 --unordered", "--search=best"} {
		if code, _, err := command(append([]string{"explore"}, strings.Fields(args)...)...); code != exitUsage {
			t.Errorf("%s: exit %d: %s", args, code, err)
		}
	}
}

func TestExploreResume(t *testing.T) {
	file := filepath.Join(t.TempDir(), "checkpoint")
	args := []string{"explore", "--elections=1", "--requests=1", "--checkpoint=" + file, "--resume"}
	code, out, err := command(append(args, "--max-states=1000")...)
	if code != exitOK || !strings.Contains(out, "go on with --resume") {
		t.Fatalf("exit %d: %s%s", code, out, err)
	}
	code, out, err = command(args...)
	if code != exitOK || !strings.Contains(out, "4096 distinct, 10564 transitions, depth 29: all there are") {
		t.Errorf("exit %d: %s%s", code, out, err)
	}
}

// A counterexample ends with 1, is listed, and is written in two forms that can
// be read.
func TestExploreBroken(t *testing.T) {
	p := raft.Protocol
	p.Monitor = nil // it looks into processes of its own
	p.New = func(c process.Config) process.Process {
		if c.Self == 2 {
			return &liar{raft.Protocol.New(c)}
		}
		return raft.Protocol.New(c)
	}
	dir := t.TempDir()
	e := exploreCommand{Replicas: 2, Elections: 1, Requests: 1, Search: "breadth", Memory: 100,
		Trace: filepath.Join(dir, "trace"), Script: filepath.Join(dir, "script")}
	var out, ignored bytes.Buffer
	if err := e.explore(p, &terminal.Output{Out: &out, Err: &ignored}); !errors.Is(err, errBroken) {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"BROKEN: Validity", "A shortest way there", "   1. ", "Played again",
		"Its events are in", "A script that plays it is"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	text, err := os.ReadFile(e.Script)
	if err != nil {
		t.Fatal(err)
	}
	if played, err := script.Run(p, text); err != nil || !bytes.Contains(played, []byte("violation: Validity")) {
		t.Errorf("%v\n%s", err, played)
	}
	f, err := os.Open(e.Trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := trace.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	events := 0
	for ; err == nil; events++ {
		_, err = r.Next()
	}
	if events < 10 || r.Header().Protocol != "raft" {
		t.Errorf("%d events of %q: %v", events, r.Header().Protocol, err)
	}
}
