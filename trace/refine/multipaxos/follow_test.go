package multipaxos

import (
	"errors"
	"strings"
	"testing"
	"time"

	"althing/protocol/multipaxos"
	"althing/sim"
	"althing/trace"
	"althing/trace/refine/refinetest"
)

// TestRuns: each run of Multi-Paxos, under all faults, is one of the specification.
func TestRuns(t *testing.T) { refinetest.Runs(t, Specification, multipaxos.Protocol, 45) }

// much is a run in which much happens.
func much(t testing.TB) []byte {
	t.Helper()
	return refinetest.Record(t, multipaxos.Protocol,
		sim.Options{Seed: 11, Nodes: 5, Faults: sim.All, Duration: 4 * time.Second})
}

// lies are one for each thing that is compared, and what is said of it.
var lies = map[string]func(*trace.Event) bool{
	"shows ballot 9999,":     refinetest.Event("deliver", func(e *trace.Event) { e.Epoch = 9999 }),
	"last 9999,":             refinetest.Event("deliver", func(e *trace.Event) { e.Last = 9999 }),
	"commit 9999;":           refinetest.Event("deliver", func(e *trace.Event) { e.Commit = 9999 }),
	"records become durable": refinetest.Event("sync", func(e *trace.Event) { e.N += 100 }),
	"records survive":        refinetest.Event("crash", func(e *trace.Event) { e.N += 100 }),
	"which is of 7":          refinetest.Effect("Send", "Prepare Ballot=10000", "Prepare Ballot=100007 After="),
	"it says that it promised": func(e *trace.Event) bool {
		return e.Kind == "deliver" && refinetest.Effect("Send", "Promise Ballot=", "Promise Ballot=1")(e)
	},
	"it tells of a vote in slot": refinetest.Effect("Send", "Votes=[{Ballot=", "Votes=[{Ballot=1"),
	"where it has none": func(e *trace.Event) bool {
		for i := range e.Effects {
			if x := &e.Effects[i]; x.Msg == "Promise" && !strings.Contains(x.Fields, "Votes") {
				x.Fields += " Votes=[{Ballot=1 Entry=999@1 x}]"
				return true
			}
		}
		return false
	},
	"it says that it accepted slot": refinetest.Effect("Send", " Match=", " Match=9"),
	"is asked to vote for that": func(e *trace.Event) bool {
		return e.Kind == "deliver" && e.Msg == "Accept" && refinetest.Effect("Save", "@", "@7")(e)
	},
	"it saves a promise of": refinetest.Effect("Checkpoint", "Promised=", "Promised=1"),
	"for decided in slot": func(e *trace.Event) bool {
		for i := range e.Effects {
			if x := &e.Effects[i]; x.Kind == "Commit" {
				x.Entries = []string{x.Entries[0] + "!"}
				return true
			}
		}
		return false
	},
	"it hands over slot": func(e *trace.Event) bool {
		for i := range e.Effects {
			if x := &e.Effects[i]; x.Kind == "Commit" {
				x.Entries = append(x.Entries, x.Entries[0])
				return true
			}
		}
		return false
	},
	"Execute by": refinetest.Effect("SendNow", " Commit=", " Commit=9"),
}

// TestLies: a run of which one thing is told otherwise is none.
func TestLies(t *testing.T) { refinetest.Lies(t, Specification, much(t), lies) }

// TestForm: what is no trace of Multi-Paxos is not said to be one that is wrong.
func TestForm(t *testing.T) {
	begin := trace.Event{Seq: 1, Kind: "start", Node: 1, Role: "acceptor"}
	for _, x := range []trace.Effect{
		{Kind: "Save", Msg: "Scroll"},
		{Kind: "Save", Msg: "Prepare", Fields: "Ballot=x"},
		{Kind: "Save", Msg: "Accept", Fields: "Ballot=100001 Entries=[1@1 members {x}]"},
		{Kind: "SendNow", Msg: "Promise", Fields: "Votes=[{Ballot=1}]"},
		{Kind: "SendNow", Msg: "Accept", Fields: "Ballot=-1"},
		{Kind: "Commit", Entries: []string{"1@ x"}},
	} {
		begin.Effects = []trace.Effect{x}
		if err := refinetest.Follow(t, Specification, []trace.Event{begin}); !errors.Is(err, trace.ErrForm) {
			t.Errorf("%+v: %v", x, err)
		}
	}
}

// TestNames: the model has the actions of the specification, and no others.
func TestNames(t *testing.T) {
	names := map[string]string{}
	for name, a := range actions {
		names[name] = a.params
	}
	refinetest.Names(t, "MultiPaxos", names)
}

// TestExport: all actions are written, as TraceMultiPaxos.tla reads them.
func TestExport(t *testing.T) {
	m, err := Specification.Export(refinetest.Reader(t, much(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`[a |-> "Prepare", b |-> `, `[a |-> "Promise", i |-> 1, m |-> [type |-> "prepare", ballot |-> `,
		`[a |-> "Propose", i |-> `, `, s |-> 1, v |-> [ask |-> "`, `, group |-> {}]]`,
		`, m |-> [type |-> "accept", ballot |-> `, `[a |-> "Execute", i |-> 2`, `, seen |-> [commit |-> 1, value |-> [`,
	} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the module has no %q", want)
		}
	}
	if !strings.Contains(m.Config, "Founders = {1, 2, 3, 4, 5}\n") {
		t.Error(m.Config)
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
