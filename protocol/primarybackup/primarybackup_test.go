package primarybackup

import (
	"testing"
	"time"

	"althing/process"
	"althing/process/processtest"
)

func TestRules(t *testing.T) {
	for _, p := range []process.Protocol{Sync, SemiSync, Async} {
		t.Run(p.Name, func(t *testing.T) { processtest.Run(t, p) })
	}
}

func FuzzDecode(f *testing.F) {
	es := []process.Entry{{Epoch: 2, Index: 4, Req: process.Request{Kind: process.Session, Client: 1 << 40, Seq: 1}}}
	g := process.Group{Voters: []process.ID{1, 2, 3}}
	processtest.Fuzz(f, Sync,
		&RequestVote{Epoch: 3, LastIndex: 4, LastEpoch: 2, Pre: true, Transfer: true},
		&Vote{Epoch: 3, Granted: true, Pre: true},
		&AppendEntries{Epoch: 3, Prev: 3, PrevEpoch: 1, Commit: 2, Settled: 3, Entries: es},
		&AppendReply{Epoch: 3, OK: true, Match: 4, HintEpoch: 2, Prev: 3},
		&Heartbeat{Epoch: 3, Commit: 2, Settled: 1, Round: 9},
		&HeartbeatReply{Epoch: 3, Round: 9, Astray: true},
		&InstallState{Epoch: 3, Base: 4, BaseEpoch: 2, Past: []Begun{{0, 0}, {1, 2}}},
		&TimeoutNow{Epoch: 3}, &Founded{},
		&HardState{Epoch: 3, Vote: 2},
		&Entries{Prev: 3, Sure: 2, Perhaps: 3, Entries: es},
		&Checkpoint{Epoch: 3, Vote: 2, Base: 3, BaseEpoch: 1, Settled: 3, Sure: 4, Group: g,
			Past: []Begun{{0, 0}, {1, 1}}, Parted: []Parted{{Sure: 4, Entries: es}}, Entries: es},
	)
}

// promotedWith returns the primary of a group of n, in epoch 1, whose replicas
// hold its log up to matches; all of it is of its own epoch but for entry 1.
func promotedWith(t *testing.T, m mode, c process.Config, matches ...uint64) *PrimaryBackup {
	t.Helper()
	c.Self = 1
	r := open(c, m)
	var g process.Group
	for i := range matches {
		g.Voters = append(g.Voters, process.ID(i+1))
	}
	out := &process.Output{}
	r.Step(process.Input{Kind: process.Start, State: &process.State{Group: g}}, out)
	r.setEpoch(1, 1, out)
	r.becomePrimary(out)
	for range 8 {
		r.propose([]process.Request{{Cmd: []byte("c")}}, out)
	}
	for i := range r.peers {
		r.peers[i].match, r.peers[i].round = matches[i], r.rounds.Begun()
	}
	r.confirmRounds(out)
	r.advance(out)
	return r
}

// TestAnAnswerWaitsFor: what is committed with a log of nine entries of which the
// replicas hold so many, the primary first.
func TestAnAnswerWaitsFor(t *testing.T) {
	for _, c := range []struct {
		name    string
		mode    mode
		acks    int
		matches []uint64
		want    uint64
	}{
		{"all in step", synchronous, 0, []uint64{9, 4, 7}, 4},
		{"its own disk too", synchronous, 0, []uint64{3, 4, 7}, 3},
		{"nobody but two has begun", semiSynchronous, 0, []uint64{9, 0, 7, 0, 0}, 0},
		{"one backup of five", semiSynchronous, 0, []uint64{9, 2, 7, 1, 0}, 7},
		{"and its own disk", semiSynchronous, 0, []uint64{5, 2, 7, 1, 0}, 5},
		{"two backups of five", semiSynchronous, 2, []uint64{9, 2, 7, 1, 0}, 2},
		{"more than there are", semiSynchronous, 9, []uint64{9, 4, 7}, 4},
		{"its own disk alone", asynchronous, 0, []uint64{9, 1, 0}, 9},
		{"none but its own", asynchronous, 0, []uint64{9, 0, 0}, 0},
		{"alone", asynchronous, 0, []uint64{9}, 9},
		{"alone and synchronous", synchronous, 0, []uint64{9}, 9},
	} {
		r := promotedWith(t, c.mode, process.Config{Acks: c.acks}, c.matches...)
		if r.applied.index != c.want {
			t.Errorf("%s: of %v it commits %d, want %d", c.name, c.matches, r.applied.index, c.want)
		}
	}
}

// TestNoLeaseNoWrite: an asynchronous primary that nobody has answered for the
// least election timeout, less what clocks may differ, commits nothing more; and
// goes on when it is heard again.
func TestNoLeaseNoWrite(t *testing.T) {
	r := promotedWith(t, asynchronous, process.Config{Drift: 0.5}, 9, 9, 0)
	if r.applied.index != 9 {
		t.Fatalf("it commits %d of 9", r.applied.index)
	}
	out := &process.Output{}
	step := func(in process.Input) { r.Step(in, out) }
	at := defaultElection.Min * 2 / 3
	step(process.Input{Kind: process.Submit, Now: at, Reqs: []process.Request{{Cmd: []byte("late")}}})
	step(process.Input{Kind: process.Receive, Now: at, From: 1, Msg: &AppendReply{Epoch: 1, OK: true, Match: 10}})
	if r.applied.index != 9 {
		t.Fatal("it writes though another may have been promoted")
	}
	step(process.Input{Kind: process.Timeout, Now: at, Timer: heartbeat})
	step(process.Input{Kind: process.Receive, Now: at + time.Millisecond, From: 3,
		Msg: &HeartbeatReply{Epoch: 1, Round: r.rounds.Begun()}})
	if r.applied.index != 10 {
		t.Error("it does not go on")
	}
}

// TestNeverFewerInStepThanAMajority: with fewer, what is committed could be missed
// by the next primary.
func TestNeverFewerInStepThanAMajority(t *testing.T) {
	r := promotedWith(t, synchronous, process.Config{}, 9, 9, 0, 0, 0)
	out := &process.Output{}
	for range 5 {
		for i := range r.peers {
			r.peers[i].active = true
		}
		r.check(out)
	}
	n := 0
	for i := range r.peers {
		if r.peers[i].inStep {
			n++
		}
	}
	if n != 3 || r.applied.index != 0 {
		t.Errorf("%d are in step, and %d is committed", n, r.applied.index)
	}
}

// TestARestartedBackupKeepsTheLease: it may have answered a primary that counts on
// it, and does not vote before that one's lease is over.
func TestARestartedBackupKeepsTheLease(t *testing.T) {
	for _, p := range []process.Protocol{SemiSync, Async} {
		r := p.New(process.Config{Self: 2}).(*PrimaryBackup)
		out := &process.Output{}
		g := process.Group{Voters: []process.ID{1, 2, 3}}
		r.Step(process.Input{Kind: process.Recover, Msg: &Checkpoint{Epoch: 1, Group: g}}, out)
		r.Step(process.Input{Kind: process.Start, State: &process.State{Group: g}}, out)
		ask := process.Input{Kind: process.Receive, From: 3, Msg: &RequestVote{Epoch: 2}}
		ask.Now = defaultElection.Min - 1
		if r.Step(ask, out); r.epoch != 1 {
			t.Errorf("%s: it votes at once", p.Name)
		}
		ask.Now = defaultElection.Min
		if r.Step(ask, out); r.votedFor != 3 {
			t.Errorf("%s: it never votes", p.Name)
		}
	}
}

// TestNoAnswerBeforeTheFirstRecord: a backup that would not know after a crash that
// it has lived must not be counted on for a lease.
func TestNoAnswerBeforeTheFirstRecord(t *testing.T) {
	r := Async.New(process.Config{Self: 2})
	out := &process.Output{}
	answers := func() (n int) {
		out.Reset()
		r.Step(process.Input{Kind: process.Receive, From: 1, Msg: &Heartbeat{Epoch: 1, Round: 1}}, out)
		for _, e := range out.Effects {
			if e.Kind == process.SendNow {
				n++
			}
		}
		return n
	}
	g := process.Group{Voters: []process.ID{1, 2, 3}}
	r.Step(process.Input{Kind: process.Start, State: &process.State{Group: g}}, out)
	before := answers()
	r.Step(process.Input{Kind: process.Receive, From: 2, Msg: &Founded{}}, out)
	if after := answers(); before != 0 || after != 1 {
		t.Errorf("%d answers before, %d after", before, after)
	}
}

// TestInStepHasAll: a backup that was left behind is in step again when it has all
// that is committed, and not before: else what it lacks would be waited for from
// a backup that says that it is in step.
func TestInStepHasAll(t *testing.T) {
	r := promotedWith(t, synchronous, process.Config{}, 9, 9, 0)
	out := &process.Output{}
	for range 2 {
		for i := range r.peers {
			r.peers[i].active = true
		}
		r.check(out)
	}
	if r.applied.index != 9 || r.peers[2].inStep {
		t.Fatalf("%d is committed, in step is %v", r.applied.index, r.peers[2].inStep)
	}
	for match, want := range map[uint64]bool{4: false, 9: true} {
		c := r.Clone().(*PrimaryBackup)
		c.Step(process.Input{Kind: process.Receive, From: 3, Msg: &AppendReply{Epoch: 1, OK: true, Match: match}}, out)
		if c.peers[2].inStep != want {
			t.Errorf("with %d of 9 entries it is in step: %v", match, !want)
		}
	}
}
