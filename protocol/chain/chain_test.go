package chain

import (
	"slices"
	"testing"
	"time"

	"althing/process"
	"althing/process/processtest"
)

func TestRules(t *testing.T) {
	for _, p := range []process.Protocol{Protocol, CRAQ} {
		t.Run(p.Name, func(t *testing.T) { processtest.Run(t, p) })
	}
}

func FuzzDecode(f *testing.F) {
	es := []process.Entry{{Epoch: 2, Index: 4, Req: process.Request{Kind: process.Session, Client: 1 << 40, Seq: 1}}}
	g := process.Group{Voters: []process.ID{1, 2, 3}}
	processtest.Fuzz(f, Protocol,
		&RequestVote{Epoch: 3, LastIndex: 4, LastEpoch: 2, Pre: true, Transfer: true},
		&Vote{Epoch: 3, Last: 7, Granted: true, Pre: true},
		&Heartbeat{Epoch: 3, Chain: []process.ID{2, 1, 300}, Commit: 5, CommitEpoch: 2, Close: true},
		&HeartbeatReply{Epoch: 3, Down: 2, Match: 9},
		&Update{Epoch: 3, Prev: 3, PrevEpoch: 1, Commit: 2, Ask: true, Entries: es},
		&Ack{Epoch: 3, OK: true, Commit: 3, Match: 4, HintEpoch: 2, Prev: 3},
		&Written{Epoch: 3, Match: 4}, &InstallState{Epoch: 3}, &Join{Epoch: 3},
		&Confirm{Epoch: 3, Round: 1 << 32}, &Confirmed{Epoch: 3, Round: 1 << 32, Lease: true},
		&Query{Epoch: 3, Ask: 9}, &Version{Epoch: 3, Ask: 9, Commit: 4},
		&TimeoutNow{Epoch: 3}, &HardState{Epoch: 3, Vote: 2}, &Lived{Life: 2},
		&Entries{Prev: 3, Entries: es},
		&Checkpoint{Epoch: 3, Vote: 2, Life: 2, Base: 3, BaseEpoch: 1, Group: g, Entries: es},
	)
}

var three = process.Group{Voters: []process.ID{1, 2, 3}}

// A bench is one replica of three, with a clock.
type bench struct {
	*Chain
	out process.Output
	at  time.Duration
}

func newBench(c process.Config, saved ...process.Msg) *bench {
	b := &bench{Chain: open(c, false), at: time.Second}
	for _, m := range saved {
		b.step(process.Input{Kind: process.Recover, Msg: m})
	}
	b.step(process.Input{Kind: process.Start, State: &process.State{Group: three}})
	return b
}

func (b *bench) step(in process.Input) []process.Effect {
	in.Now = b.at
	b.out.Reset()
	b.Step(in, &b.out)
	return b.out.Effects
}

func (b *bench) receive(from process.ID, m process.Msg) []process.Effect {
	return b.step(process.Input{Kind: process.Receive, From: from, Msg: m})
}

func (b *bench) fire(t process.Timer) []process.Effect {
	return b.step(process.Input{Kind: process.Timeout, Timer: t})
}

func (b *bench) read(cmd string) []process.Effect {
	return b.step(process.Input{Kind: process.Submit, Reqs: []process.Request{{Kind: process.Read, Cmd: []byte(cmd)}}})
}

// sent returns the first message of that kind among effects, or nil.
func sent[M process.Msg](es []process.Effect) (found M) {
	for _, e := range es {
		if m, ok := e.Msg.(M); ok && e.Kind != process.Save {
			return m
		}
	}
	return found
}

func served(es []process.Effect) (n int) {
	for _, e := range es {
		if e.Kind == process.Serve {
			n += len(e.Reqs)
		}
	}
	return n
}

// tailOf returns replica 3 as the tail of the chain 1, 2, 3 of epoch 1, with its
// first entry committed.
func tailOf(c process.Config, saved ...process.Msg) *bench {
	c.Self = 3
	b := newBench(c, saved...)
	b.receive(3, &Lived{Life: b.life})
	b.receive(1, &Heartbeat{Epoch: 1, Chain: []process.ID{1, 2, 3}})
	first := process.Entry{Epoch: 1, Index: 1, Req: process.Request{Kind: process.NoOp}}
	b.receive(2, &Update{Epoch: 1, Entries: []process.Entry{first}})
	b.receive(3, &Written{Epoch: 1, Match: 1})
	return b
}

// TestLeaseOfATail: it answers at once while a majority that said so has promised
// not to vote, and not for longer by any of their clocks.
func TestLeaseOfATail(t *testing.T) {
	for _, c := range []struct {
		name  string
		lease bool // what replica 2 answers
		after time.Duration
		want  int
	}{
		{"in time", true, 99 * time.Millisecond, 1},
		{"too late for a fast clock", true, 100 * time.Millisecond, 0},
		{"promised by too few", false, time.Millisecond, 0},
	} {
		b := tailOf(process.Config{Lease: true, Drift: 0.5})
		// Nothing that was granted in an earlier life binds any more.
		b.at += defaultElection.Max
		b.receive(1, &Heartbeat{Epoch: 1, Chain: []process.ID{1, 2, 3}})
		b.receive(2, &Confirmed{Epoch: 1, Round: b.round, Lease: c.lease})
		b.at += c.after
		if n := served(b.read("get k")); n != c.want {
			t.Errorf("%s: %d reads are served at once, want %d", c.name, n, c.want)
		}
	}
}

// TestLeaseBindsVoters: who granted one votes for nobody, itself included, until it
// has run out; and grants none while it hears no head, or one that wants the next
// epoch.
func TestLeaseBindsVoters(t *testing.T) {
	b := newBench(process.Config{Self: 2, Lease: true})
	b.at += defaultElection.Max
	beat := &Heartbeat{Epoch: 1, Chain: []process.ID{1, 2, 3}}
	b.receive(1, beat)
	b.at += 100 * time.Millisecond
	if m := sent[*Confirmed](b.receive(3, &Confirm{Epoch: 1, Round: 1})); m == nil || !m.Lease {
		t.Fatalf("it does not grant: %+v", m)
	}
	b.at += defaultElection.Min - 1 // the head was last heard long before
	if es := b.fire(election); sent[*RequestVote](es) != nil {
		t.Error("it votes for itself")
	}
	if b.receive(3, &RequestVote{Epoch: 2}); b.epoch != 1 {
		t.Error("it votes for another")
	}
	if m := sent[*Confirmed](b.receive(3, &Confirm{Epoch: 1, Round: 2})); m.Lease {
		t.Error("it grants, and hears no head")
	}
	b.at++
	twin := bench{Chain: b.Clone().(*Chain), at: b.at}
	if es := twin.fire(election); sent[*RequestVote](es) == nil {
		t.Error("it never asks for votes")
	}
	if b.receive(3, &RequestVote{Epoch: 2}); b.epoch != 2 || b.votedFor != 3 {
		t.Error("it never votes")
	}
	b.receive(3, &Heartbeat{Epoch: 2, Chain: []process.ID{3, 2}, Close: true})
	if m := sent[*Confirmed](b.receive(3, &Confirm{Epoch: 2, Round: 1})); m.Lease {
		t.Error("it grants though the head wants the next epoch")
	}
}

// TestARestartedVoterKeepsLeases: it may have granted one that somebody counts on.
func TestARestartedVoterKeepsLeases(t *testing.T) {
	b := newBench(process.Config{Self: 2, Lease: true}, &Checkpoint{Epoch: 1, Life: 1, Group: three})
	b.at += defaultElection.Min - 1
	if b.receive(3, &RequestVote{Epoch: 2}); b.epoch != 1 {
		t.Error("it votes at once")
	}
	b.at++
	if b.receive(3, &RequestVote{Epoch: 2}); b.votedFor != 3 {
		t.Error("it never votes")
	}
}

// TestALaterRound: an answer to a round that began before a read came says nothing
// of when it came.
func TestALaterRound(t *testing.T) {
	b := tailOf(process.Config{})
	b.read("get 1")
	b.read("get 2")
	if es := b.receive(1, &Confirmed{Epoch: 1, Round: b.round}); served(es) != 1 {
		t.Errorf("%d reads are served by the first round, want 1", served(es))
	}
	if es := b.receive(1, &Confirmed{Epoch: 1, Round: b.round}); served(es) != 1 {
		t.Errorf("%d reads are served by the second round, want 1", served(es))
	}
}

// TestNoOldAnswer: what a replica asked before a restart is answered, for its
// questions after it, by nobody; so it asks none before its disk has its life.
func TestNoOldAnswer(t *testing.T) {
	b := tailOf(process.Config{})
	old := sent[*Confirm](b.read("get k"))
	again := tailOf(process.Config{}, &Checkpoint{Epoch: 1, Life: 1, Group: three})
	asked := sent[*Confirm](again.read("get k"))
	if old == nil || asked == nil || asked.Round == old.Round {
		t.Fatalf("it asked %+v, then %+v", old, asked)
	}
	if es := again.receive(1, &Confirmed{Epoch: 1, Round: old.Round}); served(es) != 0 {
		t.Error("an old answer confirms a new round")
	}
	young := newBench(process.Config{Self: 3})
	young.receive(1, &Heartbeat{Epoch: 1, Chain: []process.ID{1, 2, 3}})
	if es := young.read("get k"); sent[*Confirm](es) != nil {
		t.Error("it asks before its disk has its life")
	}
	young.receive(3, &Lived{Life: young.life})
	if es := young.read("get k"); sent[*Confirm](es) == nil {
		t.Error("it never asks")
	}
}

// TestLayDown: what chain comes of the answers.
func TestLayDown(t *testing.T) {
	for _, c := range []struct {
		name    string
		former  []process.ID
		avoid   process.ID
		expel   bool
		answers []answer
		want    []process.ID
	}{
		{"all, in order", nil, 0, false, []answer{{3, true, 9}, {1, true, 9}, {2, true, 9}}, []process.ID{2, 1, 3}},
		{"as they stood", []process.ID{3, 2, 1}, 0, false, []answer{{1, true, 9}, {2, true, 9}, {3, false, 9}},
			[]process.ID{2, 3, 1}},
		{"without the silent", []process.ID{1, 2, 3}, 1, false, []answer{{2, true, 9}, {3, true, 9}},
			[]process.ID{2, 3}},
		{"without the stuck", []process.ID{2, 1, 3}, 1, true, []answer{{1, true, 9}, {2, true, 9}, {3, true, 9}},
			[]process.ID{2, 3}},
		{"with the stuck, if it is needed", []process.ID{2, 1, 3}, 1, true, []answer{{1, true, 9}, {2, true, 9}},
			[]process.ID{2, 1}},
		{"without who is far behind", nil, 0, false, []answer{{1, true, 0}, {2, true, 9}, {3, true, 4000}},
			[]process.ID{2, 3}},
		{"with the one far behind, if it is needed", nil, 0, false, []answer{{1, true, 0}, {2, true, 9}},
			[]process.ID{2, 1}},
	} {
		b := newBench(process.Config{Self: 2})
		b.log.Propose(1, make([]process.Request, 4000))
		b.epoch, b.role, b.former, b.avoid, b.expel, b.answers = 2, elected, c.former, c.avoid, c.expel, c.answers
		for i := range b.answers {
			if b.answers[i].last == 9 {
				b.answers[i].last = 4000
			}
		}
		b.layDown(&b.out)
		if !slices.Equal(b.chain, c.want) {
			t.Errorf("%s: %v, want %v", c.name, b.chain, c.want)
		}
	}
}
