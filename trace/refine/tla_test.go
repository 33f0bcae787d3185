package refine

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"althing/process"
	"althing/sim"
	"althing/spec"
)

// TestExport: each step is a record whose names TraceRaft.tla knows.
func TestExport(t *testing.T) {
	o := sim.Options{Seed: 51, Nodes: 5, Faults: sim.All, Duration: 4 * time.Second}
	m, err := Export(reader(t, record(t, o)))
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
	text := map[string]string{}
	for _, name := range []string{"Raft.tla", "TraceRaft.tla"} {
		b, err := spec.Modules.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text[name] = string(b)
	}
	read := regexp.MustCompile(`r\.a = "(\w+)" -> (?:r\.m \\in msgs /\\ )?(\w+)\(r\.i((?:, r\.\w+)*)\)`)
	found := 0
	for _, m := range read.FindAllStringSubmatch(text["TraceRaft.tla"], -1) {
		a, ok := actions[m[1]]
		params := strings.Fields(strings.ReplaceAll(m[3], ", r.", " "))
		if !ok || m[1] != m[2] || strings.Join(params, " ") != a.params {
			t.Errorf("%s%s: the model has %q", m[2], m[3], a.params)
		}
		if !strings.Contains(text["Raft.tla"], "\n"+m[1]+"(i") {
			t.Errorf("Raft.tla has no %s", m[1])
		}
		found++
	}
	if found != len(actions) {
		t.Errorf("%d actions in TraceRaft.tla, %d in the model", found, len(actions))
	}
}

func TestRecords(t *testing.T) {
	e := Entry{Term: 2, Text: "say \"é\" \\", Voters: []process.ID{1, 2}}
	for _, x := range []struct {
		a    Action
		seen *Seen
		want string
	}{
		{Action{Name: "Sync", Server: 2}, nil, `[a |-> "Sync", i |-> 2]`},
		{Action{Name: "SendAppend", Server: 1, Prev: 3, N: 2}, nil,
			`[a |-> "SendAppend", i |-> 1, p |-> 3, n |-> 2]`},
		{Action{Name: "ChangeGroup", Server: 1, Entry: e}, nil,
			`[a |-> "ChangeGroup", i |-> 1, v |-> "say \"<00E9>\" \\", new |-> {1, 2}, old |-> {}]`},
		{Action{Name: "Look", Server: 1}, &Seen{1, Leader, 2, 3, 1},
			`[a |-> "Look", i |-> 1, seen |-> [role |-> "leader", term |-> 2, last |-> 3, commit |-> 1]]`},
		{Action{Name: "AcceptAppend", Server: 1, Message: &Message{Type: "Append", Term: 2, From: 3,
			Entries: []Entry{{Term: 2, Text: "a"}}}}, nil,
			`[a |-> "AcceptAppend", i |-> 1, m |-> [type |-> "Append", term |-> 2, from |-> 3, ` +
				`prev |-> 0, prevTerm |-> 0, ` +
				`entries |-> <<[term |-> 2, val |-> "a", voters |-> {}, old |-> {}]>>, commit |-> 0]]`},
	} {
		if got := step(&x.a, x.seen); got != x.want {
			t.Errorf("%s\nwant %s", got, x.want)
		}
	}
}

func BenchmarkFollow(b *testing.B) {
	run := record(b, sim.Options{Seed: 51, Nodes: 5, Faults: sim.All, Duration: 10 * time.Second})
	b.ReportAllocs()
	b.SetBytes(int64(len(run)))
	for b.Loop() {
		if err := Follow(reader(b, run), nil); err != nil {
			b.Fatal(err)
		}
	}
}
