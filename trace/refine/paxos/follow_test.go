package paxos

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"althing/process"
	"althing/protocol/paxos"
	"althing/sim"
	"althing/trace"
	"althing/trace/refine/refinetest"
	"althing/trace/refine/steps"
)

// TestRuns: each run of Paxos, under all faults, is one of the specification.
func TestRuns(t *testing.T) { refinetest.Runs(t, Specification, paxos.Protocol, 850) }

// much is a run in which much happens.
func much(t testing.TB) []byte {
	t.Helper()
	return refinetest.Record(t, paxos.Protocol,
		sim.Options{Seed: 16, Nodes: 5, Faults: sim.All, Duration: 4 * time.Second})
}

// lies are one for each thing that is compared, and what is said of it.
var lies = map[string]func(*trace.Event) bool{
	"ought to show": refinetest.Event("deliver", func(e *trace.Event) { e.Last = 7 }),
	"commit 9;":     refinetest.Event("deliver", func(e *trace.Event) { e.Commit = 9 }),
	"shows ballot 0,": func(e *trace.Event) bool {
		told := e.Epoch > 0 && len(e.Effects) > 0 && e.Effects[0].Kind == "Save"
		e.Epoch = 0
		return told
	},
	"records become durable":       refinetest.Event("sync", func(e *trace.Event) { e.N += 100 }),
	"records survive":              refinetest.Event("crash", func(e *trace.Event) { e.N += 100 }),
	"Promise by":                   refinetest.Effect("Save", "Prepare Ballot=6", "Prepare Ballot="),
	"it is asked to vote for that": refinetest.Effect("Save", "Value=put", "Value=get"),
	"which is of 9": refinetest.Event("timeout", func(e *trace.Event) {
		e.Effects = []trace.Effect{{Kind: "SendNow", Msg: "Prepare", Fields: "Ballot=65545"}}
	}),
	"Propose by":        refinetest.Effect("SendNow", "Accept Ballot=", "Accept Ballot=1"),
	"is not chosen":     refinetest.Effect("SendNow", "Chosen Value=put", "Chosen Value=get"),
	"Promise {Ballot=":  refinetest.AtOnce("Promise"),
	"Accepted {Ballot=": refinetest.AtOnce("Accepted"),
	"shows no later vote": func(e *trace.Event) (told bool) {
		for i := range e.Effects {
			x := &e.Effects[i]
			if x.Msg == "Accept" && x.Kind == "SendNow" && strings.Contains(e.Fields, "Voted") {
				x.Fields, told = strings.Replace(x.Fields, "Value=put", "Value=get", 1), true
			}
		}
		return told
	},
	"it saves a promise of": refinetest.Event("timeout", func(e *trace.Event) {
		e.Effects = append(e.Effects, trace.Effect{Kind: "Checkpoint", Msg: "Checkpoint", Fields: "Promised=1"})
	}),
	"it saves a vote in": func(e *trace.Event) bool {
		if e.Kind != "deliver" || len(e.Effects) == 0 || e.Effects[0].Kind != "Save" || e.Effects[0].Msg != "Accept" {
			return false
		}
		ballot, _, _ := strings.Cut(strings.TrimPrefix(e.Fields, "Ballot="), " ")
		e.Effects = append(e.Effects, trace.Effect{Kind: "Checkpoint", Msg: "Checkpoint",
			Fields: "Promised=" + ballot + " Voted=" + ballot + " Value=get"})
		return true
	},
	"more than one decree": func(e *trace.Event) bool {
		for _, x := range e.Effects {
			if x.Kind == "Commit" {
				e.Effects = append(e.Effects, x)
				return true
			}
		}
		return false
	},
}

// TestLies: a run of which one thing is told otherwise is none.
func TestLies(t *testing.T) { refinetest.Lies(t, Specification, much(t), lies) }

// TestForm: what is no trace of Paxos is not said to be one that is wrong.
func TestForm(t *testing.T) {
	begin := trace.Event{Seq: 1, Kind: "start", Node: 1, Role: "acceptor"}
	for _, x := range []trace.Effect{
		{Kind: "Save", Msg: "Scroll"},
		{Kind: "Save", Msg: "Prepare", Fields: "Ballot=x"},
		{Kind: "SendNow", Msg: "Accept", Fields: "Ballot=-1 Value=x"},
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
	refinetest.Names(t, "Paxos", names)
}

// TestExport: all actions are written, as TracePaxos.tla reads them.
func TestExport(t *testing.T) {
	m, err := Specification.Export(refinetest.Reader(t, much(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`[a |-> "Prepare", b |-> `, `[a |-> "Promise", i |-> 1, m |-> [type |-> "prepare", ballot |-> `,
		`[a |-> "Propose", b |-> `, `, m |-> [type |-> "accept", ballot |-> `, `, seen |-> [chosen |-> "put `,
	} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the module has no %q", want)
		}
	}
	if !strings.Contains(m.Config, "Acceptor = {1, 2, 3, 4, 5}\n") {
		t.Error(m.Config)
	}
}

// proposed are the steps by which three acceptors are asked to vote for a.
var proposed = []Action{
	{"Prepare", 0, 3, ""}, {"Promise", 1, 3, ""}, {"Promise", 2, 3, ""}, {"Propose", 0, 3, "a"}}

// scenes are one for each guard, and the steps of three acceptors before the last,
// which it refuses.
var scenes = map[string][]Action{
	"somebody asks for a promise": {{"Promise", 1, 3, ""}},
	"no such ballot or later one is promised": {
		{"Prepare", 0, 3, ""}, {"Promise", 1, 3, ""}, {"Promise", 1, 3, ""}},
	"nothing is proposed in the ballot yet": append(slices.Clone(proposed), Action{"Propose", 0, 3, "a"}),
	"a majority has promised, and shows no later vote for something else": append(slices.Clone(proposed),
		[]Action{{"Accept", 1, 3, "a"}, {"Prepare", 0, 5, ""}, {"Prepare", 0, 7, ""}, {"Promise", 2, 5, ""},
			{"Promise", 3, 5, ""}, {"Propose", 0, 5, "b"}, {"Accept", 2, 5, "b"}, {"Promise", 1, 7, ""},
			{"Promise", 2, 7, ""}, {"Propose", 0, 7, "a"}}...),
	"it is asked to vote for that": append(slices.Clone(proposed), Action{"Accept", 1, 3, "b"}),
	"no later ballot is promised": append(slices.Clone(proposed),
		[]Action{{"Prepare", 0, 5, ""}, {"Promise", 1, 5, ""}, {"Accept", 1, 3, "a"}}...),
	"it has not voted in that ballot": append(slices.Clone(proposed),
		[]Action{{"Accept", 1, 3, "a"}, {"Accept", 1, 3, "a"}}...),
}

// TestGuards: each guard refuses what it is there to refuse, and nothing before it.
func TestGuards(t *testing.T) {
	saw := map[string]bool{}
	for guard, all := range scenes {
		m := NewModel([]process.ID{1, 2, 3})
		saw[guard] = true
		for i := range all {
			err := m.Do(&all[i])
			var r *steps.Refusal
			if last := i == len(all)-1; last != errors.As(err, &r) || last && r.Guard != guard {
				t.Errorf("%q: step %d: %v", guard, i, err)
			}
		}
	}
	refinetest.Guards(t, "model.go", saw)
	m := NewModel([]process.ID{1, 2, 3})
	if m.Do(&Action{Name: "Guess"}) == nil {
		t.Error("an action that there is not is taken")
	}
	for i := range scenes["it has not voted in that ballot"][:5] {
		if err := m.Do(&scenes["it has not voted in that ballot"][i]); err != nil || m.Chosen("a") {
			t.Error("one vote chooses", err)
		}
	}
	if err := m.Do(&Action{"Accept", 2, 3, "a"}); err != nil || !m.Chosen("a") || m.Chosen("b") {
		t.Error("two votes do not choose", err)
	}
}
