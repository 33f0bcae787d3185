package raft

import (
	"strings"
	"testing"

	"althing/process"
	"althing/trace/refine/refinetest"
	"althing/trace/refine/steps"
)

// TestExport: each step is a record whose names TraceRaft.tla knows.
func TestExport(t *testing.T) {
	m, err := Specification.Export(refinetest.Reader(t, much(t)))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(m.Text, "\n    [a |-> "); n != m.Steps || n < 1000 {
		t.Errorf("%d records of %d steps", n, m.Steps)
	}
	for name := range actions {
		if name != "AcknowledgeCommitted" && !strings.Contains(m.Text, `a |-> "`+name+`"`) {
			t.Errorf("the run has no %s", name)
		}
	}
	for _, want := range []string{"MODULE RaftRun", "EXTENDS TraceRaft", "Steps == <<\n    [a |-> ", "]\n>>\n==="} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the module has no %q", want)
		}
	}
	if !strings.Contains(m.Config, "Founders = {1, 2, 3, 4, 5}\n") {
		t.Error(m.Config)
	}
}

// TestNames: Model has the actions of the specification, and no others, with the
// parameters that TraceRaft.tla reads.
func TestNames(t *testing.T) {
	names := map[string]string{}
	for name, a := range actions {
		names[name] = strings.TrimSpace("i " + a.params)
	}
	refinetest.Names(t, "Raft", names)
}

func TestRecords(t *testing.T) {
	e := Entry{Term: 2, Text: "say \"é\" \\", Voters: []process.ID{1, 2}}
	for _, x := range []struct {
		a    Action
		seen steps.Shown
		want string
	}{
		{Action{Name: "Sync", Server: 2}, nil, `[a |-> "Sync", i |-> 2]`},
		{Action{Name: "SendAppend", Server: 1, Prev: 3, N: 2}, nil,
			`[a |-> "SendAppend", i |-> 1, p |-> 3, n |-> 2]`},
		{Action{Name: "ChangeGroup", Server: 1, Entry: e}, nil,
			`[a |-> "ChangeGroup", i |-> 1, v |-> "say \"<00E9>\" \\", new |-> {1, 2}, old |-> {}]`},
		{Action{Name: "Look", Server: 1}, &seen{1, Leader, 2, 3, 1},
			`[a |-> "Look", i |-> 1, seen |-> [role |-> "leader", term |-> 2, last |-> 3, commit |-> 1]]`},
		{Action{Name: "AcceptAppend", Server: 1, Message: &Message{Type: "Append", Term: 2, From: 3,
			Entries: []Entry{{Term: 2, Text: "a"}}}}, nil,
			`[a |-> "AcceptAppend", i |-> 1, m |-> [type |-> "Append", term |-> 2, from |-> 3, ` +
				`prev |-> 0, prevTerm |-> 0, ` +
				`entries |-> <<[term |-> 2, val |-> "a", voters |-> {}, old |-> {}]>>, commit |-> 0]]`},
	} {
		if got := steps.Line(&x.a, x.seen); got != x.want {
			t.Errorf("%s\nwant %s", got, x.want)
		}
	}
}

func BenchmarkFollow(b *testing.B) {
	run := much(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(run)))
	for b.Loop() {
		if err := Specification.Follow(refinetest.Reader(b, run), nil); err != nil {
			b.Fatal(err)
		}
	}
}
