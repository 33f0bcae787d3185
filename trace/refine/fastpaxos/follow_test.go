package fastpaxos

import (
	"errors"
	"strings"
	"testing"
	"time"

	"althing/process"
	"althing/protocol/fastpaxos"
	"althing/sim"
	"althing/trace"
	"althing/trace/refine/refinetest"
	"althing/trace/refine/steps"
)

// TestRuns: each run of Fast Paxos, under all faults, is one of the specification.
func TestRuns(t *testing.T) {
	refinetest.Runs(t, Coordinated, fastpaxos.Coordinated, 12)
	refinetest.Runs(t, Uncoordinated, fastpaxos.Uncoordinated, 12)
}

// much is a run in which much happens.
func much(t testing.TB) []byte {
	t.Helper()
	return refinetest.Record(t, fastpaxos.Uncoordinated,
		sim.Options{Seed: 3, Nodes: 5, Faults: sim.All, Duration: time.Second})
}

// on is a lie about an effect of a kind, with a message or without.
func on(kind, msg string, f func(*trace.Effect)) func(*trace.Event) bool {
	return func(e *trace.Event) bool {
		for i := range e.Effects {
			if x := &e.Effects[i]; e.Kind != "sync" && x.Kind == kind && x.Msg == msg {
				f(x)
				return true
			}
		}
		return false
	}
}

// lies are one for each thing that is compared, and what is said of it.
var lies = map[string]func(*trace.Event) bool{
	"shows round 9999,":         refinetest.Event("deliver", func(e *trace.Event) { e.Epoch = 9999 }),
	"commit 9999;":              refinetest.Event("deliver", func(e *trace.Event) { e.Commit = 9999 }),
	"records become durable":    refinetest.Event("sync", func(e *trace.Event) { e.N += 100 }),
	"records survive":           refinetest.Event("crash", func(e *trace.Event) { e.N += 100 }),
	"it says so in round":       refinetest.Effect("SendNow", "Any Round=", "Any Round=1"),
	"it saves a promise of":     refinetest.Effect("Checkpoint", "Checkpoint ", "Checkpoint Promised=7 "),
	"it tells of a vote for":    refinetest.Effect("Send", "Voted Round=", "Voted Round=1"),
	"it tells of a vote in pos": refinetest.Effect("Send", "Votes=[{Round=", "Votes=[{Round=1"),
	"where it said after":       refinetest.Effect("SendNow", "After=", "After=1"),
	"which nobody did":          refinetest.Effect("SendNow", "Propose Entries=[1@", "Propose Entries=[1@7"),
	"is asked to vote for":      refinetest.Effect("Save", "Entries=[1@", "Entries=[1@7"),
	"in position 1":             refinetest.Effect("SendNow", "Learn Commit=", "Learn Entries=[1@9 x]"),
	"Propose by": on("SendNow", "Accept", func(x *trace.Effect) {
		x.Fields = strings.Replace(x.Fields, "@", "@7", 1)
	}),
	"is not chosen in position": on("Commit", "", func(x *trace.Effect) {
		x.Entries = []string{x.Entries[0] + "!"}
	}),
	"it hands over position": on("Commit", "", func(x *trace.Effect) {
		x.Entries = append(x.Entries, x.Entries[0])
	}),
	"votes after position":       refinetest.Effect("Send", " Votes=[", " Without=["),
	"it tells of a vote for \"s": refinetest.AtOnce("Voted"),
}

// TestLies: a run of which one thing is told otherwise is none.
func TestLies(t *testing.T) { refinetest.Lies(t, Uncoordinated, much(t), lies) }

// TestAllowed: nobody votes in a fast round that was not begun, or where it is not
// allowed to.
func TestAllowed(t *testing.T) {
	f := begin(true)([]process.ID{1}, &steps.Run{Event: &trace.Event{Node: 1}}).(*mapping)
	for range 2 {
		err := f.voted(5, &steps.Entry{Index: 1})
		if err == nil || !strings.Contains(err.Error(), "nobody allowed it") {
			t.Error(err)
		}
		f.after[4] = 1
	}
}

// TestForm: what is no trace of Fast Paxos is not said to be one that is wrong.
func TestForm(t *testing.T) {
	begin := trace.Event{Seq: 1, Kind: "start", Node: 1, Role: "acceptor"}
	for _, x := range []trace.Effect{
		{Kind: "Save", Msg: "Scroll"},
		{Kind: "Save", Msg: "Prepare", Fields: "Round=x"},
		{Kind: "SendNow", Msg: "Promise", Fields: "Votes=[{Round=1}]"},
		{Kind: "Commit", Entries: []string{"1@ x"}},
	} {
		begin.Effects = []trace.Effect{x}
		if err := refinetest.Follow(t, Coordinated, []trace.Event{begin}); !errors.Is(err, trace.ErrForm) {
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
	refinetest.Names(t, "FastPaxos", names)
}

// TestExport: all actions are written, as TraceFastPaxos.tla reads them.
func TestExport(t *testing.T) {
	m, err := Uncoordinated.Export(refinetest.Reader(t, much(t)))
	if err != nil {
		t.Fatal(err)
	}
	for name := range actions {
		if !strings.Contains(m.Text, `[a |-> "`+name+`", `) {
			t.Errorf("the run has no %s", name)
		}
	}
	if !strings.Contains(m.Config, "ClassicSize = 3\n    FastSize = 4\n") {
		t.Error(m.Config)
	}
}

// fast are the steps by which four acceptors may vote for a and b in ballot 5.
func fast(more ...Action) []Action {
	return append([]Action{prepare(4), promise(1, 4), promise(2, 4), promise(3, 4), ask("a"), ask("b"),
		{Name: "Propose", Slot: 1, Ballot: 5, Value: anything}}, more...)
}

func prepare(b uint64) Action               { return Action{Name: "Prepare", Ballot: b} }
func promise(i process.ID, b uint64) Action { return Action{Name: "Promise", Server: i, Ballot: b} }
func ask(v string) Action                   { return Action{Name: "Ask", Slot: 1, Value: v} }
func propose(b uint64, v string) Action {
	return Action{Name: "Propose", Slot: 1, Ballot: b, Value: v}
}
func accept(i process.ID, b uint64, v, said string) Action {
	return Action{"Accept", i, 1, b, v, said}
}
func recovers(i process.ID, b uint64, v string) Action {
	return Action{"Recover", i, 1, b, v, ""}
}

// collided are three votes in ballot 5 of which two are for a, as may be those of all.
var collided = []Action{accept(1, 5, "a", anything), accept(2, 5, "a", anything), accept(3, 5, "b", anything)}

// scenes are one for each guard, and the steps of four acceptors before the last,
// which it refuses.
var scenes = map[string][]Action{
	"it was not asked for":                             {ask("a"), ask("a")},
	"somebody asks for a promise":                      {promise(1, 4)},
	"no later ballot is promised":                      {prepare(4), prepare(8), promise(1, 8), promise(1, 4)},
	"it did not promise that before":                   {prepare(4), promise(1, 4), promise(1, 4)},
	"nothing is proposed in the ballot yet":            fast(propose(5, anything)),
	"the coordinator said so":                          fast(accept(1, 5, "a", "a")),
	"it is asked to vote for that":                     fast(accept(1, 5, "c", anything)),
	"it has not voted in that ballot":                  fast(collided[0], collided[0]),
	"a quorum of votes in the ballot before allows it": fast(append(collided, recovers(1, 6, "b"))...),
	"a quorum of promises, or of votes in the ballot before, allows it": fast(append(collided,
		prepare(8), promise(1, 8), promise(2, 8), promise(3, 8), propose(11, "b"))...),
}

// TestGuards: each guard refuses what it is there to refuse, and nothing before it.
func TestGuards(t *testing.T) {
	saw := map[string]bool{}
	for guard, all := range scenes {
		m := NewModel([]process.ID{1, 2, 3, 4}, true)
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
	if NewModel([]process.ID{1}, true).Do(&Action{Name: "Guess"}) == nil {
		t.Error("an action that there is not is taken")
	}
}

// TestRecovers: after a collision what may be chosen is, in the ballot for that, or by
// the coordinator, or by another.
func TestRecovers(t *testing.T) {
	for _, then := range [][]Action{
		{recovers(1, 6, "a"), recovers(2, 6, "a"), recovers(3, 6, "a")},
		{recovers(1, 6, "a"), recovers(2, 6, "a"), recovers(3, 6, "a"), propose(7, "a"), accept(4, 7, "a", "a")},
		{prepare(8), promise(1, 8), promise(3, 8), promise(2, 8), propose(11, "a"), accept(1, 11, "a", "a"),
			accept(2, 11, "a", "a"), accept(3, 11, "a", "a")},
	} {
		m := NewModel([]process.ID{1, 2, 3, 4}, true)
		for i, a := range fast(append(collided, then...)...) {
			if err := m.Do(&a); err != nil {
				t.Errorf("step %d: %v", i, err)
			}
		}
		if !m.Chosen(1, "a") || m.Chosen(1, "b") {
			t.Error("a is not chosen")
		}
	}
}
