package vr

import (
	"errors"
	"testing"

	"althing/process"
	"althing/trace/refine/refinetest"
	"althing/trace/refine/steps"
)

func act(name string, r process.ID) Action              { return Action{Name: name, Replica: r} }
func enter(r process.ID, v uint64) Action               { return Action{Name: "Enter", Replica: r, View: v} }
func number(name string, r process.ID, n uint64) Action { return Action{Name: name, Replica: r, N: n} }
func take(name string, r process.ID, m Message) Action {
	return Action{Name: name, Replica: r, Message: &m}
}
func send(name string, r process.ID, prev, n uint64) Action {
	return Action{Name: name, Replica: r, Prev: prev, N: n}
}

// changes are the steps by which r goes to view v, and says so.
func changes(r process.ID, v uint64) []Action {
	return []Action{enter(r, v), act("Sync", r), act("DoViewChange", r)}
}

// join puts lists of steps behind one another.
func join(parts ...[]Action) (all []Action) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// leads are the steps by which 2 begins view 1, and 3 follows it.
func leads() []Action {
	return join(changes(2, 1), changes(3, 1), []Action{act("StartView", 2), send("Prepare", 2, 0, 1), act("Follow", 3)})
}

var (
	begins  = Entry{1, noOp}
	first   = Message{Type: "Prepare", View: 1, From: 2, Entries: []Entry{begins}}
	second  = Message{Type: "Prepare", View: 1, From: 2, Prev: 1, PrevView: 1, Entries: []Entry{{1, "a"}}}
	image   = Message{Type: "Image", View: 1, From: 2, Entries: []Entry{begins}}
	ask     = Message{Type: "Recovery", From: 3, Nonce: 2}
	answer  = Message{Type: "RecoveryResponse", View: 1, To: 3, Nonce: 2, N: 1}
	fetched = Message{Type: "NewState", View: 2, From: 2, Entries: []Entry{begins}}
	later   = Message{Type: "NewState", View: 2, From: 2, Prev: 1, PrevView: 1, Entries: []Entry{{1, "a"}}}
	// committed are the steps by which what begins view 1 is committed.
	committed = join(leads(), []Action{take("AcceptPrepare", 3, first), act("Sync", 3), number("PrepareOk", 3, 1),
		act("Sync", 2), number("PrepareOk", 2, 1), number("Commit", 2, 1)})
	// grown are those by which 2 has a log of two entries, and 3 of none, and 3 is to
	// be primary.
	grown = join(leads(), []Action{{Name: "Request", Replica: 2, Op: "a"}, act("Sync", 2), act("Sync", 2)},
		changes(2, 2), changes(3, 2), []Action{send("SendState", 2, 0, 1), send("SendState", 2, 1, 1)})
)

// scenes are one for each guard, and the steps of three replicas before the last,
// which it refuses.
var scenes = map[string][][]Action{
	"nobody sent that message":                             {{take("AcceptPrepare", 3, first)}},
	"a record is not durable":                              {{act("Sync", 1)}},
	"the application is ahead of what it has made durable": {{act("Flush", 1)}},
	"it has that record":                                   {{number("Crash", 1, 2)}, {number("Crash", 1, 0)}},
	"the view is later than its own":                       {{enter(1, 1), enter(1, 1)}},
	"its change to that view is durable": {{enter(1, 1), act("DoViewChange", 1)},
		{enter(1, 1), act("Sync", 1), number("Crash", 1, 1), act("DoViewChange", 1)}},
	"a log is sent to it in this change of views": {
		join(grown, []Action{take("Fetch", 1, fetched)}),
		join(leads(), []Action{enter(1, 1), take("Fetch", 1, first)})},
	"that log is the best of a majority": {join(leads(), []Action{act("Sync", 2)}, changes(2, 2), []Action{
		enter(3, 2), send("SendState", 2, 0, 1), take("Fetch", 3, fetched)})},
	"its log has what the fetched entries follow": {join(grown, []Action{take("Fetch", 3, later)})},
	"the fetched entries are not there yet": {
		join(grown, []Action{take("Fetch", 3, fetched), take("Fetch", 3, fetched)})},
	"it changes to a view": {{act("StartView", 1)}},
	"its log is the best of a majority": {
		join(changes(2, 1), []Action{act("StartView", 2)}),                             // of one
		join(changes(3, 1), changes(1, 1), []Action{enter(2, 1), act("StartView", 2)}), // not its own
		join(changes(2, 1), changes(3, 1), []Action{act("StartView", 3)}),              // not its turn
		join(grown, []Action{act("StartView", 3)}),                                     // the log is not here
		join(grown, []Action{take("Fetch", 3, fetched), act("StartView", 3)})},         // not all of it
	"it is changing views":                   {{act("Follow", 1)}},
	"the primary of its view said something": {{enter(1, 1), act("Follow", 1)}},
	"it is primary, and gives up":            {{act("StepDown", 1)}},
	"it is primary, and takes requests": {{act("Request", 1)},
		join(leads(), []Action{act("StepDown", 2), act("Request", 2)})},
	"its log has those entries":           {join(leads(), []Action{send("Prepare", 2, 1, 1)})},
	"it is primary, and sends its log":    {{send("Prepare", 1, 0, 0)}},
	"it changes views, and sends its log": {{send("SendState", 1, 0, 0)}},
	"the primary that it follows sent it": {join(leads(), []Action{enter(1, 1), take("AcceptPrepare", 1, first)}),
		join(leads(), []Action{enter(3, 2), take("AcceptPrepare", 3, first)})},
	"its log has what the entries follow": {join(leads(), []Action{{Name: "Request", Replica: 2, Op: "a"},
		send("Prepare", 2, 1, 1), take("AcceptPrepare", 3, second)})},
	"the entries are not there yet": {
		join(leads(), []Action{take("AcceptPrepare", 3, first), take("AcceptPrepare", 3, first)})},
	"its disk has so many entries": {
		join(leads(), []Action{take("AcceptPrepare", 3, first), number("PrepareOk", 3, 1)}),
		join(leads(), []Action{number("PrepareOk", 2, 1)})},
	"its log is surely the primary's": {join(leads(), []Action{act("Sync", 2)}, changes(2, 2),
		[]Action{number("PrepareOk", 2, 1)})},
	"it is primary, and commits": {{number("Commit", 1, 1)}},
	"it commits what is in its log, and was not committed": {
		join(committed, []Action{number("Commit", 2, 1)}), join(leads(), []Action{number("Commit", 2, 2)})},
	"the last of it is of this view": {join(grown, []Action{send("SendState", 2, 0, 2), take("Fetch", 3,
		Message{Type: "NewState", View: 2, From: 2, Entries: []Entry{begins, {1, "a"}}}), act("StartView", 3),
		number("Commit", 3, 2)})},
	"a majority says that it has so many entries": {
		join(leads(), []Action{act("Sync", 2), number("PrepareOk", 2, 1), number("PrepareOk", 2, 1),
			number("Commit", 2, 1)}),
		join(leads(), []Action{act("Sync", 2), number("PrepareOk", 2, 1), number("PrepareOk", 3, 0),
			number("Commit", 2, 1)})},
	"it is primary, and says so": {{act("SendCommit", 1)}},
	"it learns of what is in its log, and was not committed": {
		join(leads(), []Action{number("Learn", 3, 1)}), join(committed, []Action{number("Learn", 2, 1)})},
	"who has the same log said that it is committed": {
		join(leads(), []Action{take("AcceptPrepare", 3, first), number("Learn", 3, 1)})},
	"it began a view, or changes to one, and knows what is committed": {
		{act("SendImage", 1)}, join(leads(), []Action{act("Sync", 2), act("SendImage", 2)})},
	"an application's state is sent to it in this view": {
		join(committed, []Action{act("SendImage", 2), take("TakeImage", 1, image)}),
		join(committed, []Action{act("SendImage", 2), enter(1, 1), take("TakeImage", 1, image)}),
		join(leads(), []Action{take("TakeImage", 3, first)})},
	"it is ahead of its own": {join(committed, []Action{act("SendImage", 2), take("TakeImage", 3, image),
		take("TakeImage", 3, image)})},
}

// forgetful are scenes of replicas without disks.
var forgetful = map[string][][]Action{
	"it remembers what it promised": {{act("Sync", 1), number("Crash", 1, 1), enter(1, 1)}},
	"that it lives again is durable": {{act("Recovery", 1)},
		{act("Sync", 1), number("Crash", 1, 1), act("Recovery", 1)}},
	"it has recovered": {{act("Sync", 1), number("Crash", 1, 1), number("PrepareOk", 1, 0)}},
	"its change to that view is durable": {{act("Sync", 3), enter(3, 1), act("Sync", 3), number("Crash", 3, 1),
		act("DoViewChange", 3)}},
	"a primary is asked by one that recovers": {
		join(lives(), []Action{act("Sync", 1), take("RecoveryResponse", 1, ask)}),
		join(lives(), []Action{take("RecoveryResponse", 2, first)})},
	"a primary answers this recovery": {
		join(lives(), []Action{take("RecoveryResponse", 2, ask), take("Recognize", 1, answer)}),
		join(lives(), []Action{take("RecoveryResponse", 2, ask), number("Crash", 3, 1), take("Recognize", 3, answer)})},
	"the primary's view is later than its own": {
		join(lives(), []Action{take("RecoveryResponse", 2, ask), take("Recognize", 3, answer)})},
	"it recovers": {{act("Recover", 1)}},
	"it has all that the primary's log had": {
		join(lives(), []Action{act("Recover", 3)}),
		join(lives(), []Action{take("RecoveryResponse", 2, ask), act("Recover", 3)})},
}

// lives are the steps by which 2 begins view 1, and 3 has been in it, and lives again.
func lives() []Action {
	return join([]Action{act("Sync", 2), act("Sync", 3)}, leads(), []Action{act("Sync", 2), number("Crash", 3, 1),
		act("Sync", 3), act("Recovery", 3)})
}

// TestGuards: each guard refuses what it is there to refuse, and nothing before it.
func TestGuards(t *testing.T) {
	saw := map[string]bool{}
	for diskless, all := range map[bool]map[string][][]Action{false: scenes, true: forgetful} {
		for guard, all := range all {
			saw[guard] = true
			for n, scene := range all {
				m := NewModel(3, diskless)
				for i := range scene {
					err := m.Do(&scene[i])
					var r *steps.Refusal
					if last := i == len(scene)-1; last != errors.As(err, &r) || last && r.Guard != guard {
						t.Errorf("%q %d: step %d, %s: %v", guard, n, i, scene[i].Name, err)
					}
				}
			}
		}
	}
	refinetest.Guards(t, "model.go", saw)
	m := NewModel(3, false)
	if m.Do(&Action{Name: "Guess", Replica: 1}) == nil || m.Do(&Action{Name: "Sync", Replica: 4}) == nil {
		t.Error("an action that there is not is taken")
	}
}

// TestRecovers: who lives again has, in the end, all that it may have promised.
func TestRecovers(t *testing.T) {
	m := NewModel(3, true)
	all := join(lives(), []Action{take("RecoveryResponse", 2, ask), take("AcceptPrepare", 3, first), act("Recover", 3)})
	for i := range all {
		if err := m.Do(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	if r := m.replicas[3]; r.Role != Backup || r.last().View != 1 || len(r.last().Log) != 1 || r.last().Life != 2 {
		t.Errorf("%+v", r)
	}
}
