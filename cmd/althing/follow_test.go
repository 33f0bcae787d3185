package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A run is followed where it is recorded and afterwards, and written for TLC; one
// of which something is told otherwise is a bad answer.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	file, modules := filepath.Join(dir, "run.jsonl"), filepath.Join(dir, "tla")
	code, out, err := command("sim", "raft", "--seed=7", "--duration=1s", "--trace", file, "--tla", modules)
	if code != exitOK || !strings.Contains(out, "a run of spec/Raft.tla, in ") {
		t.Fatalf("exit %d: %s%s", code, out, err)
	}
	for _, name := range []string{"Raft.tla", "TraceRaft.tla", "RaftRun.tla", "RaftRun.cfg"} {
		if s, err := os.Stat(filepath.Join(modules, name)); err != nil || s.Size() == 0 {
			t.Error(name, err)
		}
	}
	if code, out, err := command("trace", "follow", file); code != exitOK || !strings.Contains(out, " steps\n") {
		t.Errorf("exit %d: %s%s", code, out, err)
	}
	text, rerr := os.ReadFile(file)
	if rerr != nil {
		t.Fatal(rerr)
	}
	lie := strings.Replace(string(text), `"role":"leader","epoch":1,`, `"role":"leader","epoch":2,`, 1)
	if err := os.WriteFile(file, []byte(lie), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, err := command("trace", "follow", file); code != exitBad || !strings.Contains(err, "it ought to be") {
		t.Errorf("exit %d: %s%s", code, out, err)
	}
	for _, args := range [][]string{
		{"trace", "follow", filepath.Join(dir, "none")},
		{"sim", "raft", "--tla", modules},
		{"sim", "causal", "--trace", file, "--tla", modules},
	} {
		if code, out, err := command(args...); code != exitUsage {
			t.Errorf("%v: exit %d: %s%s", args, code, out, err)
		}
	}
}

// All protocols that have a specification which runs are held against are followed
// where they are recorded, and written for TLC with the modules that this needs.
func TestFollowAll(t *testing.T) {
	for name, module := range map[string]string{
		"paxos": "Paxos", "multipaxos": "MultiPaxos",
		"fastpaxos": "FastPaxos", "fastpaxos-uncoordinated": "FastPaxos",
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "run.jsonl")
		code, out, err := command("sim", name, "--seed=7", "--duration=300ms", "--trace", file, "--tla", dir)
		if code != exitOK || !strings.Contains(out, "a run of spec/"+module+".tla, in ") {
			t.Fatalf("%s: exit %d: %s%s", name, code, out, err)
		}
		for _, form := range []string{"%.tla", "Trace%.tla", "%Run.tla", "%Run.cfg"} {
			file := filepath.Join(dir, strings.Replace(form, "%", module, 1))
			if s, err := os.Stat(file); err != nil || s.Size() == 0 {
				t.Error(name, err)
			}
		}
	}
}
