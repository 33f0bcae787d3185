package vr

import (
	"testing"

	"althing/process"
)

// join starts a blank replica.
func (g *trio) join(make func(process.Config) process.Process, id process.ID) *VR {
	r := make(process.Config{Self: id}).(*VR)
	g.replicas[id] = r
	g.do(id, process.Input{Kind: process.Start, State: &process.State{}})
	return r
}

// members asks for a group, and returns why that is refused; 0: it is not.
func (g *trio) members(id process.ID, want process.Group) process.Reason {
	q := process.Request{Kind: process.Members, Cmd: process.AppendGroup(nil, want)}
	g.do(id, process.Input{Kind: process.Submit, Reqs: []process.Request{q}})
	for _, e := range g.effects {
		if e.Kind == process.Refuse {
			return e.Why
		}
	}
	return 0
}

func voters(ids ...process.ID) process.Group { return process.Group{Voters: ids} }

const epoch1 = epochViews // its view 0

func TestWhatGroupsAreRefused(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	if why := g.members(2, process.Group{}); why != process.Invalid {
		t.Errorf("nobody: %v", why)
	}
	if why := g.members(2, process.Group{Voters: ids[:2], Outgoing: ids}); why != process.Invalid {
		t.Errorf("two groups at once: %v", why)
	}
	if why := g.members(1, voters(1, 2)); why != process.NotLeader {
		t.Errorf("at a backup: %v", why)
	}
	g.join(New, 4)
	if why := g.members(2, process.Group{Voters: ids, Learners: []process.ID{4}}); why != 0 {
		t.Errorf("a learner: %v", why)
	}
	g.lost = cut(4)
	g.settle()
	if why := g.members(2, voters(1, 2, 3, 4)); why != process.Behind {
		t.Errorf("one that has nothing is to vote: %v", why)
	}
	if why := g.members(2, voters(1, 2)); why != 0 {
		t.Errorf("one less: %v", why)
	}
	if why := g.members(2, voters(1, 2, 3)); why != process.Changing {
		t.Errorf("while another is on its way: %v", why)
	}
}

// Nobody of an earlier epoch is counted with anybody of a later one, whatever it says.
func TestAnOldEpochCountsForNothing(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	g.lost = cut(3)
	g.members(2, voters(1, 2, 3))
	g.settle()
	two, three := g.replicas[2], g.replicas[3]
	if !two.leads() || two.epoch() != 1 || three.epoch() != 0 {
		t.Fatalf("%+v, %+v", two.Status(), three.Status())
	}
	g.lost = func(flight) bool { return true }
	g.submit(2, "a")
	g.do(2, process.Input{Kind: process.Receive, From: 2, Msg: &PrepareOk{View: two.view, N: 4}})
	before := two.commitIndex
	for _, m := range []process.Msg{
		&PrepareOk{View: 1, N: 4}, &CommitOk{View: 1, Round: 99}, &DoViewChange{View: 4, LastView: 1, N: 9},
		&StartViewChange{View: 5, Entered: true}, &Recovery{View: 5}, &Commit{View: 4, Last: 9, Commit: 9},
		&Prepare{View: 4, Prev: 1, PrevView: 1, Commit: 9, Entries: []process.Entry{{Epoch: 4, Index: 2}}},
	} {
		g.receive(2, 3, m)
		if !two.leads() || two.epoch() != 1 || two.commitIndex != before || two.log.Last() != 4 {
			t.Fatalf("%s of epoch 0: %+v", m.Kind(), two.Status())
		}
	}
	if len(sent[*Prepare](g)) != 1 {
		t.Fatal("its sender is not told")
	}
}

// What an epoch begins with says by itself that the epoch has begun, and that all
// before it is committed: the record of the view may be lost.
func TestAnEpochIsFoundAgainOnTheDisk(t *testing.T) {
	r := New(process.Config{Self: 1}).(*VR)
	change := process.Request{Kind: process.Members, Cmd: process.AppendGroup(nil, voters(1, 2))}
	es := []process.Entry{{Epoch: 1, Index: 1}, {Epoch: epoch1, Index: 2, Req: change}}
	var out process.Output
	r.Step(process.Input{Kind: process.Recover, Msg: &Checkpoint{Group: voters(1, 2, 3)}}, &out)
	r.Step(process.Input{Kind: process.Recover, Msg: &Lived{View: 1}}, &out)
	r.Step(process.Input{Kind: process.Recover, Msg: &Entries{Entries: es}}, &out)
	r.Step(process.Input{Kind: process.Start, State: &process.State{Group: voters(1, 2, 3)}}, &out)
	if r.view != epoch1 || r.commitIndex != 2 || r.majority() != 2 || len(r.group().Voters) != 2 {
		t.Fatalf("%+v, %v", r.Status(), r.group())
	}
}

// Who is replaced may be needed until f+1 have begun; and these say so when it is on
// their disks.
func TestWhoIsReplacedHandsOn(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	for id := process.ID(4); id <= 6; id++ {
		g.join(New, id)
	}
	g.lost = func(f flight) bool { return f.to > 3 }
	g.members(2, voters(4, 5, 6))
	g.settle()
	one := g.replicas[1]
	if one.epoch() != 1 || !one.handsOn {
		t.Fatalf("%+v", one.Status())
	}
	g.fire(1, resend)
	if ms := sent[*Prepare](g); len(ms) != 3 || ms[0].Use != ForStartEpoch {
		t.Fatalf("it tells nobody: %v", g.effects)
	}
	g.receive(1, 4, &EpochStarted{View: epoch1})
	g.receive(1, 4, &EpochStarted{View: epoch1})
	g.receive(1, 2, &EpochStarted{View: epoch1})
	if !one.handsOn {
		t.Fatal("one of three has begun")
	}
	g.receive(1, 6, &EpochStarted{View: epoch1})
	if one.handsOn {
		t.Fatal("two of three have begun")
	}
	g.receive(4, 1, &Prepare{Use: ForStartEpoch, View: epoch1, Commit: 2, Entries: one.log.Entries()})
	for _, e := range g.effects {
		if _, ok := e.Msg.(*EpochStarted); ok && e.Kind != process.Send {
			t.Error("it says so before its disk knows")
		}
	}
	if g.replicas[4].epoch() != 1 {
		t.Errorf("%+v", g.replicas[4].Status())
	}
}

// In an epoch that it was in it may have promised more than others hold.
func TestARecoveryInAnEpochTakesThePrimarysLog(t *testing.T) {
	g := newTrio(t, NewDiskless, process.Config{})
	g.next(1)
	g.members(2, voters(1, 2, 3))
	g.settle()
	committed := g.replicas[1].log.Slice(0, 2)
	start := &process.State{Group: voters(ids...)}
	again := func(view uint64) *VR {
		r := NewDiskless(process.Config{Self: 3}).(*VR)
		was := &Lived{View: view, Life: 1}
		if view >= epochViews {
			was.Group = voters(ids...)
		}
		r.Step(process.Input{Kind: process.Recover, Msg: was}, &process.Output{})
		g.replicas[3], g.flying = r, nil
		g.do(3, process.Input{Kind: process.Start, State: start})
		g.receive(3, 1, &Prepare{Use: ForStartEpoch, View: epoch1 + 2, Commit: 2, Entries: committed})
		return r
	}
	if r := again(epoch1 + 1); r.status != recovering || r.commitIndex != 0 {
		t.Errorf("it was in view 1 of the epoch: %+v", r.Status())
	}
	if r := again(epoch1); r.status != normal || r.commitIndex != 2 || r.view != epoch1 {
		t.Errorf("it was in no view of the epoch: %+v", r.Status())
	}
	if r := again(1); r.status != normal || r.commitIndex != 2 || r.view != epoch1 {
		t.Errorf("it was not in the epoch: %+v", r.Status())
	}
}

// Who has a part of what a later epoch committed could trust no primary of its own.
func TestALaterEpochIsTakenWholeOrNot(t *testing.T) {
	g := newTrio(t, New, process.Config{BatchBytes: 1})
	g.next(1)
	g.lost = cut(3)
	g.submit(2, "a")
	g.members(2, voters(1, 2, 3))
	g.settle()
	two, three := g.replicas[2], g.replicas[3]
	g.receive(2, 3, &GetState{View: 1, Sure: 1, Last: 1, LastView: 1})
	if e := g.effects; len(e) != 1 || e[0].Kind != process.SendState {
		t.Fatalf("two entries are more than one message: %+v", e)
	}
	g.receive(3, 2, &Prepare{Use: ForStartEpoch, View: two.view, Prev: 1, PrevView: 1, Commit: 3,
		Entries: two.log.Slice(1, 2)})
	if three.log.Last() != 1 || three.epoch() != 0 {
		t.Fatalf("it took a part: %+v", three.Status())
	}
	g.lost = nil
	g.now += defaultHeartbeat
	g.fire(2, heartbeat)
	g.settle()
	if three.epoch() != 1 || three.commitIndex != two.commitIndex {
		t.Fatalf("%+v", three.Status())
	}
}

// What came leads to an epoch before the one that its sender is in.
func TestAViewOfALaterEpochIsNotWanted(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	change := process.Request{Kind: process.Members, Cmd: process.AppendGroup(nil, voters(3))}
	g.receive(3, 2, &Prepare{Use: ForStartEpoch, View: 2*epochViews + 1, Prev: 1, PrevView: 1, Commit: 9,
		Entries: []process.Entry{{Epoch: epoch1, Index: 2, Req: change}}})
	if three := g.replicas[3]; three.view != epoch1 || three.target != epoch1 {
		t.Fatalf("%+v wants view %d", three.Status(), three.target)
	}
}

// What is not committed is handed to nobody of an earlier epoch: it would commit it.
func TestOnlyWhatIsCommittedGoesToAnEarlierEpoch(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	g.lost = cut(3)
	g.members(2, voters(1, 2, 3))
	g.settle()
	two := g.replicas[2]
	g.lost = func(flight) bool { return true }
	g.submit(2, "a")
	g.receive(2, 3, &GetState{View: 1, Sure: 1, Last: 1, LastView: 1})
	ms := sent[*Prepare](g)
	if len(ms) != 1 || ms[0].Prev+uint64(len(ms[0].Entries)) != two.commitIndex || two.log.Last() == two.commitIndex {
		t.Fatalf("%+v, %+v", ms, two.Status())
	}
}
