package multipaxos

import (
	"errors"
	"slices"
	"testing"

	"althing/process"
	"althing/trace/refine/refinetest"
	"althing/trace/refine/steps"
)

var (
	a     = Value{Ask: "a"}
	b     = Value{Ask: "b"}
	nop   = Value{Ask: noOp}
	alone = Value{Ask: "members {3}", Group: "{3}"}
)

func prepare(ballot uint64) Action                      { return Action{Name: "Prepare", Ballot: ballot} }
func promise(i process.ID, n uint64) Action             { return Action{Name: "Promise", Server: i, Ballot: n} }
func propose(i process.ID, n, s uint64, v Value) Action { return Action{"Propose", i, n, s, v} }
func accept(i process.ID, n, s uint64, v Value) Action  { return Action{"Accept", i, n, s, v} }
func execute(i process.ID) Action                       { return Action{Name: "Execute", Server: i} }

// leads are the steps by which 1 and 2 promise ballot n.
func leads(n uint64) []Action { return []Action{prepare(n), promise(1, n), promise(2, n)} }

// scenes are one for each guard, and the steps of three acceptors before the last,
// which it refuses.
var scenes = map[string][][]Action{
	"somebody asks for a promise":             {{promise(1, 3)}},
	"no such ballot or later one is promised": {{prepare(3), promise(1, 3), promise(1, 3)}},
	"nothing is proposed in the slot yet, in this ballot": {
		append(leads(3), propose(1, 3, 1, a), propose(1, 3, 1, a))},
	"it knows that something else is decided": {
		append(leads(3), propose(1, 3, 1, a), accept(1, 3, 1, a), accept(2, 3, 1, a), execute(1), propose(1, 5, 1, b))},
	"all before is proposed, and changes no group": {
		append(leads(3), propose(1, 3, 2, a)),
		append(leads(3), propose(1, 3, 1, alone), propose(1, 3, 2, a))},
	"a majority has promised, and shows no later vote for something else": {
		{prepare(3), promise(1, 3), propose(1, 3, 1, a)},
		// A vote was shown; a later one was; one in a later slot was, and no more than a gap is filled.
		append(append(leads(3), propose(1, 3, 1, a), accept(1, 3, 1, a)), append(leads(5), propose(1, 5, 1, b))...),
		append(append(append(leads(3), propose(1, 3, 1, a), accept(1, 3, 1, a), prepare(5), promise(2, 5),
			promise(3, 5),
			propose(1, 5, 1, b), accept(2, 5, 1, b)), leads(7)...), propose(1, 7, 1, a)),
		append(append(leads(3), propose(1, 3, 1, a), propose(1, 3, 2, a), accept(1, 3, 2, a)),
			append(leads(5), propose(1, 5, 1, b))...),
		// The group of the slot is another, and was not asked.
		append(leads(3), propose(1, 3, 1, alone), accept(1, 3, 1, alone), accept(2, 3, 1, alone), execute(1),
			propose(1, 3, 2, a))},
	"it is asked to vote for that": {append(leads(3), propose(1, 3, 1, a), accept(1, 3, 1, b))},
	"no later ballot is promised": {
		append(leads(3), propose(1, 3, 1, a), prepare(5), promise(1, 5), accept(1, 3, 1, a))},
	"it has not voted in that ballot": {
		append(leads(3), propose(1, 3, 1, a), accept(1, 3, 1, a), accept(1, 3, 1, a))},
	"a majority has voted for something in the next slot": {
		append(leads(3), propose(1, 3, 1, a), accept(1, 3, 1, a), execute(1)),
		append(leads(3), propose(1, 3, 1, alone), accept(1, 3, 1, alone), accept(2, 3, 1, alone),
			execute(1), execute(1))},
}

// TestGuards: each guard refuses what it is there to refuse, and nothing before it.
func TestGuards(t *testing.T) {
	saw := map[string]bool{"two values are chosen": true} // see TestTwo
	for guard, all := range scenes {
		saw[guard] = true
		for n, scene := range all {
			m := newModel()
			for i := range scene {
				err := m.Do(&scene[i])
				var r *steps.Refusal
				if last := i == len(scene)-1; last != errors.As(err, &r) || last && r.Guard != guard {
					t.Errorf("%q %d: step %d: %v", guard, n, i, err)
				}
			}
		}
	}
	refinetest.Guards(t, "model.go", saw)
	if newModel().Do(&Action{Name: "Guess"}) == nil {
		t.Error("an action that there is not is taken")
	}
}

func newModel() *Model {
	m := NewModel([]process.ID{1, 2, 3})
	m.groups["{3}"] = []process.ID{3}
	return m
}

// TestTwo: where two values are chosen, which no steps lead to, nothing is executed.
func TestTwo(t *testing.T) {
	m := newModel()
	m.votes[1] = map[Vote][]process.ID{{3, a}: {1, 2}, {5, b}: {2, 3}}
	var r *steps.Refusal
	if e := execute(1); !errors.As(m.Do(&e), &r) || r.Guard != "two values are chosen" {
		t.Error(r)
	}
}

// TestGroup: a group that was named decides what comes after, and what is known to be
// decided, or was shown, may be proposed again.
func TestGroup(t *testing.T) {
	m := newModel()
	all := append(leads(3), promise(3, 3), propose(1, 3, 1, alone), accept(1, 3, 1, alone), accept(2, 3, 1, alone),
		execute(1), propose(1, 3, 2, a), accept(3, 3, 2, a), execute(1),
		prepare(5), propose(1, 5, 1, alone), propose(1, 5, 2, a), promise(3, 5), propose(1, 5, 3, nop),
		propose(2, 7, 9, b))
	for i := range all {
		if err := m.Do(&all[i]); (err == nil) != (i < len(all)-1) {
			t.Errorf("step %d, %+v: %v", i, all[i], err)
		}
	}
	if !slices.Equal(m.executed[1], []Value{alone, a}) {
		t.Error(m.executed[1])
	}
}
