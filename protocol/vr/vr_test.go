package vr

import (
	"encoding/binary"
	"testing"
	"time"

	"althing/process"
	"althing/process/processtest"
)

// The names of these tests are the sentences that they check.

func FuzzDecode(f *testing.F) {
	es := []process.Entry{{Epoch: 3, Index: 8, Req: process.Request{Client: 1, Seq: 2, Cmd: []byte("x")}}}
	processtest.Fuzz(f, Protocol,
		&Prepare{Use: ForNewState, More: true, View: 4, Prev: 7, PrevView: 2, Last: 9, Commit: 6, Entries: es},
		&Prepare{Use: ForStartView, View: 4}, &PrepareOk{1, 2}, &Commit{1, 2, 3, 4, 5}, &CommitOk{1, 2},
		&GetState{1, 2, 3, 4}, &StartViewChange{View: 3, Order: 2, Entered: true}, &DoViewChange{1, 2, 3},
		&Recovery{1, 2}, &RecoveryResponse{1, 2, 3}, &Lived{View: 1, Life: 2}, &Entries{7, es},
		&Lived{View: epochViews, Life: 2, Group: process.Group{Voters: ids}}, &EpochStarted{View: 7},
		&Prepare{Use: ForStartEpoch, View: 4, Prev: 7, PrevView: 2, Commit: 8, Entries: es},
		&Checkpoint{View: 4, Base: 7, BaseView: 3, Group: process.Group{Voters: ids}, Entries: es})
}

func TestRules(t *testing.T) {
	processtest.Run(t, Protocol)
	processtest.Run(t, Diskless)
}

func TestPrimariesTakeTurns(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	for view, primary := range []process.ID{0, 2, 3, 1, 2} {
		if view == 0 {
			continue // it has none
		}
		g.next(1 + process.ID(view)%3)
		r := g.replicas[primary]
		if !r.leads() || r.view != uint64(view) || r.commitIndex != uint64(view) {
			t.Fatalf("view %d: replica %d is %+v", view, primary, r.Status())
		}
	}
}

// Michael et al., DISC 2017, §4: what a view change promises binds.
func TestWhoHasPromisedAViewTakesNothingOfAnEarlierOne(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.receive(3, 1, &StartViewChange{View: 2})
	three := g.replicas[3]
	if three.status != viewChange || len(sent[*DoViewChange](g)) != 1 {
		t.Fatalf("two of three want view 2: %+v", three.Status())
	}
	g.receive(3, 2, &Prepare{View: 1, Entries: []process.Entry{{Epoch: 1, Index: 1}}})
	if three.status != viewChange || three.log.Last() != 0 || len(sent[*PrepareOk](g)) != 0 {
		t.Fatalf("it takes an entry of view 1: %+v", three.Status())
	}
	if m := sent[*StartViewChange](g); len(m) != 1 || !m[0].Entered || m[0].View != 2 {
		t.Fatalf("the primary of view 1 is not told of view 2: %v", m)
	}
}

func TestAPrimaryThatRestartsIsNoneOfItsView(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	r := New(process.Config{Self: 2}).(*VR)
	r.Step(process.Input{Kind: process.Recover, Msg: &Checkpoint{Group: process.Group{Voters: ids}}}, &process.Output{})
	r.Step(process.Input{Kind: process.Recover, Msg: &Lived{View: 1}}, &process.Output{})
	g.replicas[2] = r
	g.do(2, process.Input{Kind: process.Start, State: &process.State{Group: process.Group{Voters: ids}}})
	for _, from := range ids { // on their way since before the crash
		g.receive(2, from, &DoViewChange{View: 1})
	}
	if r.leads() || r.status != normal {
		t.Fatalf("op-numbers of view 1 would be used again: %+v", r.Status())
	}
}

// VRR §5.2 would drop what is not committed.
func TestNothingIsDroppedBeforeItsReplacementIsHere(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	g.lost = func(f flight) bool { _, ok := f.msg.(*PrepareOk); return ok }
	g.submit(2, "a")
	g.settle()
	three := g.replicas[3]
	if three.log.Last() != 2 || three.commitIndex != 1 {
		t.Fatalf("%+v", three.Status())
	}
	g.receive(3, 1, &Commit{View: 3, Last: 9, Commit: 9})
	if three.view != 3 || three.log.Last() != 2 {
		t.Fatalf("what was acknowledged is gone: %+v", three.Status())
	}
}

// Replica 2 is primary of view 1, and of view 4.
func TestWhatAPrimaryHadInAnEarlierViewItNeedNotHaveNow(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	g.lost = func(f flight) bool { _, ok := f.msg.(*PrepareOk); return ok }
	g.submit(2, "a")
	g.settle()
	three := g.replicas[3]
	g.receive(3, 2, &Commit{View: 4, Last: 2, Commit: 2})
	if three.view != 4 || three.log.Last() != 2 || three.commitIndex != 1 {
		t.Fatalf("it commits what view 4 may have replaced: %+v", three.Status())
	}
}

func TestAnApplicationStateLeavesWhatFollowsIt(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	g.lost = func(f flight) bool { _, ok := f.msg.(*PrepareOk); return ok }
	g.submit(2, "a", "b", "c")
	g.settle()
	three := g.replicas[3]
	s := &process.State{Index: 2, Epoch: 1, Group: process.Group{Voters: ids}}
	g.do(3, process.Input{Kind: process.Receive, From: 2, Msg: &Prepare{Use: ForNewState, View: 1, Last: 4}, State: s})
	if three.commitIndex != 2 || three.log.Last() != 4 {
		t.Fatalf("what was acknowledged is gone: %+v", three.Status())
	}
}

// A replica far behind is sent the application's state, and then the rest.
func TestWhoLagsBeyondTheLogIsSentTheState(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	g.lost = cut(3)
	g.submit(2, "a", "b", "c")
	g.settle()
	s := process.State{Index: 3, Epoch: 1, Group: process.Group{Voters: ids}}
	g.do(2, process.Input{Kind: process.Compact, State: &s})
	g.lost = nil
	g.fire(2, heartbeat)
	g.settle()
	if three := g.replicas[3]; three.commitIndex != 4 || three.log.Base() != 4 {
		t.Fatalf("%+v, base %d", three.Status(), three.log.Base())
	}
}

func TestWhatIsLostIsAskedForOnce(t *testing.T) {
	g := newTrio(t, New, process.Config{Window: 2, BatchBytes: 1})
	g.next(1)
	g.lost = cut(3)
	g.submit(2, "a", "b", "c", "d", "e")
	g.settle()
	g.lost = nil
	g.fire(2, heartbeat)
	var twice []flight
	for _, f := range g.flying {
		twice = append(twice, f, f) // a network that doubles all
	}
	g.flying = twice
	g.lost = func(f flight) bool {
		_, is := f.msg.(*Prepare)
		if is && len(g.flying) < 50 {
			g.flying = append(g.flying, f)
		}
		return false
	}
	asked := 0
	for len(g.flying) > 0 {
		f := g.flying[0]
		g.flying = g.flying[1:]
		g.lost(f)
		g.do(f.to, process.Input{Kind: process.Receive, From: f.from, Msg: f.msg})
		if asked += len(sent[*GetState](g)); asked > 20 {
			break
		}
		if g.replicas[3].matched == g.replicas[2].log.Last() {
			g.flying = nil
		}
	}
	if three := g.replicas[3]; three.log.Last() != 6 || asked > 3 {
		t.Fatalf("asked %d times for five entries, two at a time: %+v", asked, three.Status())
	}
}

func TestNoMoreThanAWindowIsOnItsWay(t *testing.T) {
	g := newTrio(t, New, process.Config{Window: 2, BatchBytes: 1})
	g.next(1)
	g.flying = nil
	g.submit(2, "a", "b", "c", "d")
	n := 0
	for _, f := range g.flying {
		if _, ok := f.msg.(*Prepare); ok && f.to == 1 {
			n++
		}
	}
	if g.settle(); n != 2 || g.replicas[1].commitIndex != 5 {
		t.Fatalf("%d on their way, then %+v", n, g.replicas[1].Status())
	}
}

func TestOnlyAPrimaryAnswersARecovery(t *testing.T) {
	g := newTrio(t, NewDiskless, process.Config{})
	g.next(1)
	g.receive(1, 3, &Recovery{View: 1, Nonce: 2})
	if n := len(sent[*RecoveryResponse](g)); n != 0 {
		t.Fatal("a backup may lack what the one that asks has acknowledged")
	}
	g.receive(2, 3, &Recovery{View: 1, Nonce: 2})
	if m := sent[*RecoveryResponse](g); len(m) != 1 || m[0].N != 1 || m[0].Nonce != 2 {
		t.Fatalf("%v", m)
	}
}

// restart gives a diskless replica its second life.
func (g *trio) restart(id process.ID, view uint64) *VR {
	r := NewDiskless(process.Config{Self: id}).(*VR)
	r.Step(process.Input{Kind: process.Recover, Msg: &Lived{View: view, Life: 1}}, &process.Output{})
	g.replicas[id] = r
	g.do(id, process.Input{Kind: process.Start, State: &process.State{Group: process.Group{Voters: ids}}})
	return r
}

func TestAnAnswerToAnEarlierRecoveryIsNone(t *testing.T) {
	g := newTrio(t, NewDiskless, process.Config{})
	g.next(1)
	g.submit(2, "a", "b")
	g.settle()
	r := g.restart(3, 1)
	g.flying = nil
	g.receive(3, 2, &RecoveryResponse{View: 1, Nonce: 1, N: 1}) // it had less then
	if r.primary != 0 || len(sent[*GetState](g)) != 0 {
		t.Fatalf("%+v", r.Status())
	}
	g.fire(3, resend)
	g.settle()
	if r.status != normal || r.log.Last() != 3 {
		t.Fatalf("%+v", r.Status())
	}
}

// The primary is in an earlier view than the one that was promised.
func TestRecoveryLeadsToNoEarlierView(t *testing.T) {
	g := newTrio(t, NewDiskless, process.Config{})
	g.next(1)
	r := g.restart(3, 3)
	g.flying = nil
	g.receive(3, 2, &RecoveryResponse{View: 1, Nonce: 2, N: 1})
	if r.view != 3 || r.primary != 0 {
		t.Fatalf("%+v", r.Status())
	}
	g.fire(3, resend) // the primary hears of view 3, and enters it
	g.settle()
	if g.replicas[2].view != 3 || g.replicas[2].leads() {
		t.Fatalf("%+v", g.replicas[2].Status())
	}
	g.now += time.Second
	g.fire(2, resend)
	g.settle()
	g.fire(3, resend)
	g.settle()
	if r.status != normal || r.view < 3 {
		t.Fatalf("%+v", r.Status())
	}
}

func TestAnOldOrderReleasesNobody(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	g.next(1)
	one := g.replicas[1]
	if one.view != 2 || one.primary != 3 {
		t.Fatalf("%+v", one.Status())
	}
	g.receive(1, 2, &StartViewChange{View: 4, Order: 1, Entered: true})
	if one.view != 2 || one.target != 2 {
		t.Fatal("the primary of view 2 may have a lease")
	}
	g.receive(1, 3, &StartViewChange{View: 4, Order: 2, Entered: true})
	if one.view != 4 {
		t.Fatal("its own primary released it")
	}
}

func TestOneCutOffDisturbsNobody(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	g.lost = cut(1)
	g.now += 400 * time.Millisecond
	g.fire(2, heartbeat)
	g.settle()
	g.fire(1, election)
	g.fire(1, election)
	g.settle()
	g.lost = nil
	g.fire(1, resend)
	g.settle()
	g.fire(2, heartbeat)
	g.settle()
	if one := g.replicas[1]; one.view != 1 || one.primary != 2 || one.target != 1 || !g.replicas[2].leads() {
		t.Fatalf("%+v", one.Status())
	}
}

func TestALeaseEndsBeforeThoseWhoBackIt(t *testing.T) {
	c := process.Config{Lease: true, Drift: 0.1, Election: process.Span{Min: 1100, Max: 2000}}
	g := newTrio(t, New, c)
	g.next(1)
	two := g.replicas[2]
	if two.now += 990; !two.leaseHolds() { // no time has passed since its round
		t.Fatal("a lease of 1100, less what a clock may be off, ends after 1000")
	}
	if two.now += 20; two.leaseHolds() {
		t.Fatal("a clock may be a tenth slow")
	}
}

// An answer to a round that began before a read came may be older than the read, too.
func TestAReadWaitsForARoundThatBeginsAfterIt(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	g.fire(2, heartbeat)
	round := g.replicas[2].rounds.Begun()
	g.do(2, process.Input{Kind: process.Submit, Reqs: []process.Request{{Kind: process.Read}}})
	served := func(round uint64) (n int) {
		g.receive(2, 1, &CommitOk{View: 1, Round: round})
		for _, e := range g.effects {
			if e.Kind == process.Serve {
				n += len(e.Reqs)
			}
		}
		return n
	}
	if served(round) != 0 || served(round+1) != 1 {
		t.Fatal("it is served by the wrong round")
	}
}

func TestAPrimaryWithoutAQuorumStops(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	g.lost = cut(2)
	g.do(2, process.Input{Kind: process.Submit, Reqs: []process.Request{{Kind: process.Read}}})
	g.fire(2, checkTimer)
	g.fire(2, checkTimer)
	refused := false
	for _, e := range g.effects {
		refused = refused || e.Kind == process.Refuse && e.Why == process.NotLeader
	}
	if g.replicas[2].leads() || !refused {
		t.Fatalf("%+v", g.replicas[2].Status())
	}
}

func TestTransfer(t *testing.T) {
	g := newTrio(t, New, process.Config{})
	g.next(1)
	transfer := func(to uint64) process.Reason {
		cmd := binary.AppendUvarint(nil, to)
		g.do(2, process.Input{Kind: process.Submit, Reqs: []process.Request{{Kind: process.Transfer, Cmd: cmd}}})
		for _, e := range g.effects {
			if e.Kind == process.Refuse {
				return e.Why
			}
		}
		return 0
	}
	if why := transfer(9); why != process.Invalid {
		t.Errorf("to nobody: %v", why)
	}
	g.lost = cut(1)
	g.submit(2, "a")
	g.settle()
	if why := transfer(1); why != process.Behind {
		t.Errorf("to who lags: %v", why)
	}
	g.lost = nil
	g.fire(2, heartbeat)
	g.settle()
	if why := transfer(1); why != 0 {
		t.Errorf("to who has all: %v", why)
	}
	if g.settle(); !g.replicas[1].leads() || g.replicas[1].view != 3 {
		t.Errorf("%+v", g.replicas[1].Status())
	}
}
