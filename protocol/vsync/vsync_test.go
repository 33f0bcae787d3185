package vsync

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"althing/process"
	"althing/process/processtest"
)

// The names of these tests are the sentences that they check.

func FuzzDecode(f *testing.F) {
	cmd := process.AppendGroup(nil, process.Group{Voters: []process.ID{1, 2}, Learners: []process.ID{3}})
	next := process.Entry{Epoch: 200_001, Index: 8, Req: process.Request{Kind: process.Members, Cmd: cmd}}
	es := []process.Entry{{Epoch: 3, Index: 8, Req: process.Request{Client: 1, Seq: 2, Cmd: []byte("x")}}}
	vote := Vote{300_002, next}
	processtest.Fuzz(f, Protocol,
		&Cast{Use: ForState, More: true, View: 4, Prev: 7, Epoch: 2, Last: 9, Stable: 6, Entries: es},
		&Cast{Use: ForView, View: 200_001, Prev: 7, Entries: []process.Entry{next}},
		&Ack{1, 2}, &Stable{1, 2, 3, 4, 5}, &Here{1, 2}, &Fetch{1, 2}, &Suspect{1}, &Agree{1}, &Flush{1, 2},
		&Flushed{View: 1, Ballot: 2, Last: 3, Vote: vote},
		&Flushed{View: 1, Ballot: 2, Last: 3}, &Propose{1, 2, next}, &Accept{1, 2},
		&Reject{1, 2}, &Newer{1}, &HandOver{1}, &Record{1, 2, vote, 7, es},
		&Checkpoint{View: 4, Promised: 5, Base: 7, BaseEpoch: 3,
			Group: process.Group{Voters: []process.ID{1}}, Entries: es})
}

func TestRules(t *testing.T) { processtest.Run(t, Protocol) }

func TestADecodedViewHasMembers(t *testing.T) {
	next := process.Entry{Epoch: 200_001, Index: 8, Req: process.Request{Kind: process.Members}}
	for _, cmd := range [][]byte{nil, process.AppendGroup(nil, process.Group{Learners: ids})} {
		next.Req.Cmd = cmd
		b, _ := (&Propose{1, 2, next}).AppendBinary(nil)
		if m, err := Decode(b); err == nil {
			t.Errorf("a view of nobody: %+v", m)
		}
	}
}

func TestNothingIsDeliveredThatOneOfTheViewLacks(t *testing.T) {
	g := newTrio(t)
	g.lost = cut(3)
	g.submit(1, process.Request{Cmd: []byte("x")})
	g.settle()
	one := g.replicas[1]
	if one.delivered != 1 {
		t.Fatalf("3 lacks it: %+v", one.Status())
	}
	g.miss()
	if one.delivered != 3 || !slices.Equal(one.voters(), []process.ID{1, 2}) || !one.leads() {
		t.Fatalf("3 is not left out: %+v, %v", one.Status(), one.voters())
	}
}

func TestWhoHasFlushedMakesNothingStable(t *testing.T) {
	g := newTrio(t)
	g.receive(3, 2, &Flush{View: 100_001, Ballot: 200_002})
	if m := sent[*Flushed](g); len(m) != 1 || m[0].Last != 1 {
		t.Fatalf("it does not stop: %+v", m)
	}
	es := []process.Entry{{Epoch: 100_001, Index: 2, Req: process.Request{Cmd: []byte("x")}}}
	for _, m := range []process.Msg{
		&Cast{View: 100_001, Prev: 1, Epoch: 100_001, Entries: es},
		&Cast{Use: ForState, View: 100_001, Prev: 1, Epoch: 100_001, Last: 2, Entries: es},
		&Stable{View: 100_001, Last: 2, Round: 9},
	} {
		g.receive(3, 1, m)
		if len(sent[*Ack](g)) != 0 || len(sent[*Here](g)) != 0 {
			t.Errorf("after %s it answers the sequencer", m.Kind())
		}
	}
	g.receive(3, 2, &Flush{View: 100_001, Ballot: 200_002})
	if m := sent[*Flushed](g); len(m) != 1 || m[0].Last != 2 {
		t.Fatalf("it does not tell what it has by now: %+v", m)
	}
}

func TestASequencerThatRestartsIsNoneOfItsView(t *testing.T) {
	g := newTrio(t)
	group := process.Group{Voters: ids}
	r := New(process.Config{Self: 1}).(*Member)
	es := []process.Entry{{Epoch: 100_001, Index: 1,
		Req: process.Request{Kind: process.Members, Cmd: process.AppendGroup(nil, group)}}}
	for _, m := range []process.Msg{&Checkpoint{Group: group}, &Record{View: 100_001, Entries: es}} {
		r.Step(process.Input{Kind: process.Recover, Msg: m}, &process.Output{})
	}
	g.replicas[1] = r
	g.do(1, process.Input{Kind: process.Start, State: &process.State{Group: group}})
	g.receive(1, 2, &Ack{View: 100_001, Upto: 1})
	g.submit(1, process.Request{Cmd: []byte("x")})
	if r.leads() || refused(g) != process.NotLeader || r.log.Last() != 1 {
		t.Fatalf("it casts: %+v", r.Status())
	}
}

func TestAMemberHelpsNoEarlierBallot(t *testing.T) {
	g := newTrio(t)
	g.receive(3, 2, &Flush{View: 100_001, Ballot: 300_002})
	for _, m := range []process.Msg{
		&Flush{View: 100_001, Ballot: 200_001},
		&Propose{View: 100_001, Ballot: 200_001, Next: process.Entry{Epoch: 200_001, Index: 2}},
	} {
		g.receive(3, 1, m)
		if r := sent[*Reject](g); len(r) != 1 || r[0].Ballot != 300_002 || len(g.effects) != 1 {
			t.Errorf("%s of an earlier ballot: %+v", m.Kind(), g.effects)
		}
	}
}

func TestRequestsWaitForTheNextView(t *testing.T) {
	g := newTrio(t)
	g.lost = cut(3)
	g.fire(1, checkTimer)
	g.fire(1, heartbeat)
	g.settle()
	g.fire(1, checkTimer)
	g.submit(1, process.Request{Cmd: []byte("x")}, process.Request{Kind: process.Read})
	if len(g.effects) != 0 {
		t.Fatalf("while the view changes: %+v", g.effects)
	}
	g.settle()
	g.fire(1, gather)
	g.settle()
	if one := g.replicas[1]; one.delivered != 3 || len(one.waiting) != 0 || len(one.reads) != 0 {
		t.Fatalf("they are forgotten: %+v", one.Status())
	}
}

func TestASequencerWithoutAMajorityRefusesWhatWaits(t *testing.T) {
	g := newTrio(t)
	g.lost = cut(1)
	g.submit(1, process.Request{Kind: process.Read})
	g.fire(1, checkTimer)
	g.settle()
	g.fire(1, checkTimer)
	if one := g.replicas[1]; refused(g) != process.NotLeader || one.leads() || one.office {
		t.Fatalf("it goes on: %+v, %+v", one.Status(), g.effects)
	}
}

func TestASequencerThatIsNotWantedLeavesWhenAllHaveTheView(t *testing.T) {
	g := newTrio(t)
	want := process.AppendGroup(nil, process.Group{Voters: []process.ID{2, 3}})
	g.submit(1, process.Request{Kind: process.Members, Cmd: want})
	g.settle()
	one, two := g.replicas[1], g.replicas[2]
	if one.office || one.delivered != 2 || two.delivered != 2 || two.log.Group().Has(1) {
		t.Fatalf("%+v %+v", one.Status(), two.Status())
	}
	g.now += time.Second
	g.fire(2, election)
	g.settle()
	if !two.leads() {
		t.Fatalf("nobody takes over: %+v", two.Status())
	}
}

func TestWhatIsAskedForInVainIsRefused(t *testing.T) {
	g := newTrio(t)
	for _, c := range []struct {
		req  process.Request
		want process.Reason
	}{
		{process.Request{Kind: process.Transfer}, process.Invalid},
		{process.Request{Kind: process.Transfer, Cmd: binary.AppendUvarint(nil, 4)}, process.Invalid},
		{process.Request{Kind: process.Members}, process.Invalid},
		{process.Request{Kind: process.Members,
			Cmd: process.AppendGroup(nil, process.Group{Voters: []process.ID{7}})}, process.Behind},
		{process.Request{Kind: process.NoOp}, process.Unsupported},
	} {
		if g.submit(1, c.req); refused(g) != c.want {
			t.Errorf("%+v: %v, not %v", c.req, refused(g), c.want)
		}
	}
	g.submit(2, process.Request{Kind: process.Read})
	if refused(g) != process.NotLeader || g.effects[0].To != 1 {
		t.Errorf("a member serves a read: %+v", g.effects)
	}
}

// A vote that comes to light while the coordinator fetches what it lacks counts:
// its log has to reach up to there, too.
func TestAVoteThatComesLateIsTakenUp(t *testing.T) {
	g := newTrio(t)
	es := []process.Entry{
		{Epoch: 100_001, Index: 2, Req: process.Request{Cmd: []byte("x")}},
		{Epoch: 100_001, Index: 3, Req: process.Request{Cmd: []byte("y")}},
	}
	next := process.Entry{Epoch: 200_001, Index: 4,
		Req: process.Request{Kind: process.Members, Cmd: process.AppendGroup(nil, process.Group{Voters: ids})}}
	g.lost = cut(2)
	g.receive(2, 1, &HandOver{View: 100_001})
	b := g.replicas[2].promised
	g.receive(2, 2, &Flushed{View: 100_001, Ballot: b, Last: 1})
	g.receive(2, 3, &Flushed{View: 100_001, Ballot: b, Last: 2})
	g.fire(2, gather)
	g.receive(2, 1, &Flushed{View: 100_001, Ballot: b, Last: 3, Vote: Vote{200_001, next}})
	g.receive(2, 3, &Cast{Use: ForState, View: 100_001, Prev: 1, Epoch: 100_001, Last: 2, Entries: es[:1]})
	if m := sent[*Propose](g); len(m) != 0 {
		t.Fatalf("it proposes %+v, and lacks what is before it", m[0].Next)
	}
	g.receive(2, 1, &Cast{Use: ForState, View: 100_001, Prev: 2, Epoch: 100_001, Last: 3, Entries: es[1:]})
	if m := sent[*Propose](g); len(m) != 2 || m[0].Next.Epoch != 200_001 {
		t.Fatalf("the vote is forgotten: %+v", m)
	}
}

// Paxos Made Simple, §2.2: any other may be one that can not be agreed on any more.
func TestTheVoteOfTheHighestBallotIsTakenUp(t *testing.T) {
	vote := func(ballot, view ViewID) Vote {
		return Vote{ballot, process.Entry{Epoch: uint64(view), Index: 2,
			Req: process.Request{Kind: process.Members, Cmd: process.AppendGroup(nil, process.Group{Voters: ids})}}}
	}
	for _, votes := range [][]Vote{
		{vote(200_001, 200_001), vote(300_003, 300_003)},
		{vote(300_003, 300_003), vote(200_001, 200_001)},
		{vote(400_003, 200_001), vote(300_003, 300_003)},
	} {
		g := newTrio(t)
		g.receive(2, 1, &HandOver{View: 100_001})
		b := g.replicas[2].promised
		g.receive(2, 2, &Flushed{View: 100_001, Ballot: b, Last: 1})
		g.receive(2, 1, &Flushed{View: 100_001, Ballot: b, Last: 1, Vote: votes[0]})
		g.receive(2, 3, &Flushed{View: 100_001, Ballot: b, Last: 1, Vote: votes[1]})
		want := votes[0]
		if votes[1].Ballot > want.Ballot {
			want = votes[1]
		}
		if m := sent[*Propose](g); len(m) != 2 || m[0].Next.Epoch != want.View.Epoch {
			t.Errorf("of %d and %d: %+v", votes[0].Ballot, votes[1].Ballot, m)
		}
	}
}

func TestWhatOthersRelyOnWaitsForTheDisk(t *testing.T) {
	es := []process.Entry{{Epoch: 100_001, Index: 2, Req: process.Request{Cmd: []byte("x")}}}
	next := process.Entry{Epoch: 200_002, Index: 3,
		Req: process.Request{Kind: process.Members, Cmd: process.AppendGroup(nil, process.Group{Voters: ids})}}
	g := newTrio(t)
	for _, c := range []struct {
		from   process.ID
		msg    process.Msg
		answer string
	}{
		{1, &Cast{View: 100_001, Prev: 1, Epoch: 100_001, Entries: es}, "Ack"},
		{2, &Flush{View: 100_001, Ballot: 200_002}, "Flushed"},
		{2, &Propose{View: 100_001, Ballot: 200_002, Next: next}, "Accept"},
	} {
		g.receive(3, c.from, c.msg)
		saved, waits := false, false
		for i := range g.effects {
			switch e := &g.effects[i]; {
			case e.Kind == process.Save:
				saved = true
			case e.Msg != nil && e.Msg.Kind() == c.answer:
				waits = saved && e.Kind == process.Send
			}
		}
		if !waits {
			t.Errorf("%s leaves before the disk has what it says: %+v", c.answer, g.effects)
		}
	}
}

func TestAReadWaitsForARoundThatBeganAfterIt(t *testing.T) {
	g := newTrio(t)
	served := func() bool {
		return slices.ContainsFunc(g.effects, func(e process.Effect) bool { return e.Kind == process.Serve })
	}
	g.fire(1, heartbeat)
	before := g.replicas[1].round
	g.submit(1, process.Request{Kind: process.Read})
	g.receive(1, 2, &Here{View: 100_001, Round: before})
	if served() {
		t.Fatal("an answer may be older than the read")
	}
	g.receive(1, 3, &Here{View: 100_001, Round: before + 1})
	if !served() {
		t.Fatalf("a majority is there: %+v", g.effects)
	}
}
