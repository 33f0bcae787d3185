package multipaxos

import (
	"math/rand/v2"
	"testing"
	"time"

	"althing/process"
	"althing/process/processtest"
	"althing/quorum"
	"althing/sim"
)

func TestRules(t *testing.T) { processtest.Run(t, Protocol) }

func FuzzDecode(f *testing.F) {
	g := process.Group{Voters: []process.ID{1, 2}, Learners: []process.ID{3}}
	es := []process.Entry{
		{Epoch: 100001, Index: 8, Req: process.Request{Client: 7, Seq: 1, Cmd: []byte("put a 1")}},
		{Epoch: 200002, Index: 9, Req: process.Request{Kind: process.Members, Cmd: process.AppendGroup(nil, g)}},
	}
	vs := []Vote{{100001, es[0]}, {200002, es[1]}}
	processtest.Fuzz(f, Protocol,
		&Ask{Ballot: 100001, After: 3}, &Willing{100001, 3}, &Prepare{Ballot: 100001, After: 7, Order: true},
		&Promise{Ballot: 100001, After: 7, Upto: 9, More: true, Decided: es}, &Promise{Ballot: 1, After: 7, Votes: vs},
		&Reject{1 << 60}, &Accept{Ballot: 100001, Prev: 7, Commit: 6, Entries: es}, &Accepted{100001, 9, 7},
		&Chosen{100001, 9}, &Heartbeat{100001, 9, 4}, &HeartbeatReply{100001, 4, 9}, &State{100001}, &HandOver{100001},
		&Checkpoint{Promised: 5, Base: 7, BaseEpoch: 4, Group: g, Entries: es[:1], Votes: vs[1:]},
	)
}

// Two proposers never share a ballot, and each is above what it follows.
func TestBallots(t *testing.T) {
	owner := map[Ballot]process.ID{}
	ids := []process.ID{1, 2, 1<<16 - 1}
	for _, b := range []Ballot{0, 1, 99_999, 165_535, 100_001, 7_100_001} {
		for _, id := range ids {
			next := b.after(id)
			if next <= b || owner[next] != 0 && owner[next] != id {
				t.Errorf("%d after %d: %d, of %d", id, b, next, owner[next])
			}
			owner[next] = id
		}
	}
}

// TestVotesAgainstNaive holds votes against a map, and clones of both.
func TestVotesAgainstNaive(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var v, kept votes
		naive, was := map[uint64]Vote{}, map[uint64]Vote{}
		for step := range 40 {
			switch rng.IntN(5) {
			case 0:
				n := v.base + rng.Uint64N(4)
				v.cut(n)
				for s := range naive {
					if s <= n {
						delete(naive, s)
					}
				}
			default:
				b, first := Ballot(1+rng.Uint64N(5)), max(1, v.base+rng.Uint64N(8)-min(v.base, 2))
				var es []process.Entry
				changes := false
				for s := first; s < first+1+rng.Uint64N(4); s++ {
					e := process.Entry{Epoch: uint64(100*step) + s, Index: s}
					es = append(es, e)
					if s > v.base && naive[s].Ballot < b {
						naive[s], changes = Vote{b, e}, true
					}
				}
				if v.put(b, es) != changes {
					t.Fatalf("seed %d: put in ballot %d at %d: %v is wrong", seed, b, first, !changes)
				}
			}
			compare(t, seed, &v, naive, rng)
			if rng.IntN(8) == 0 {
				kept, was = v.clone(), map[uint64]Vote{}
				for s, vote := range naive {
					was[s] = vote
				}
			}
		}
		compare(t, seed, &kept, was, rng) // what came later did not touch it
	}
}

func compare(t *testing.T, seed uint64, v *votes, naive map[uint64]Vote, rng *rand.Rand) {
	t.Helper()
	last := v.base
	for s, vote := range naive {
		last = max(last, s)
		if v.ballot(s) != vote.Ballot || v.slice(s-1, s)[0].Epoch != vote.Entry.Epoch {
			t.Fatalf("seed %d: slot %d has ballot %d, want %+v", seed, s, v.ballot(s), vote)
		}
	}
	if v.last() != last || v.ballot(last+1) != 0 {
		t.Fatalf("seed %d: votes end at %d, want %d", seed, v.last(), last)
	}
	found, more := 0, true
	for from := v.base; more; {
		var vs []Vote
		vs, from, more = v.after(from, rng.IntN(40))
		found += len(vs)
		if more && len(vs) == 0 {
			t.Fatalf("seed %d: no vote after %d, and more", seed, from)
		}
	}
	if found != len(naive) || len(v.all()) != len(naive) {
		t.Fatalf("seed %d: %d votes, want %d", seed, found, len(naive))
	}
}

// lead makes replica 1 of three a leader that nobody answers from then on.
func lead(t *testing.T) (p *Paxos, step func(process.Input) []process.Effect) {
	t.Helper()
	p = New(process.Config{Self: 1}).(*Paxos)
	var out process.Output
	step = func(in process.Input) []process.Effect {
		out.Reset()
		p.Step(in, &out)
		return out.Effects
	}
	own := func(es []process.Effect) {
		for _, e := range append([]process.Effect{}, es...) {
			if e.Kind == process.Send && e.To == 1 {
				step(process.Input{Kind: process.Receive, From: 1, Msg: e.Msg})
			}
		}
	}
	step(process.Input{Kind: process.Start, State: &process.State{Group: process.Group{Voters: []process.ID{1, 2, 3}}}})
	own(step(process.Input{Kind: process.Timeout, Timer: election}))
	own(step(process.Input{Kind: process.Receive, From: 2, Msg: &Willing{Ballot: 100001}}))
	step(process.Input{Kind: process.Receive, From: 2, Msg: &Promise{Ballot: 100001}})
	if p.role != leader {
		t.Fatalf("it is %v", p.role)
	}
	return p, step
}

// A leader takes in no more than maxUndecided before the first is decided, whether
// it proposes or holds back; and messages on their way are as many as Window says.
func TestALeaderIsBusy(t *testing.T) {
	p, step := lead(t)
	accepts := 0
	for n := range maxUndecided/1024 + 3 {
		es := step(process.Input{Kind: process.Submit, Reqs: make([]process.Request, 1024)})
		busy := false
		for i := range es {
			busy = busy || es[i].Kind == process.Refuse && es[i].Why == process.Busy
			if _, ok := es[i].Msg.(*Accept); ok && es[i].Kind == process.SendNow && es[i].To == 2 {
				accepts++
			}
		}
		if busy != (n >= maxUndecided/1024) {
			t.Fatalf("%d requests: refused is %v", n*1024, busy)
		}
	}
	if p.last != maxUndecided || accepts != 0 { // one probe went out before
		t.Errorf("proposed up to %d, %d messages to one that does not answer", p.last, accepts)
	}
	step(process.Input{Kind: process.Receive, From: 2, Msg: &Accepted{Ballot: 100001}})
	for i := range uint64(10 * p.cfg.Window) {
		step(process.Input{Kind: process.Receive, From: 2, Msg: &HeartbeatReply{Ballot: 100001, Round: i}})
	}
	if n := len(p.peer(2).inflight); n > p.cfg.Window {
		t.Errorf("%d messages are on their way", n)
	}
}

// An acceptor takes nothing far ahead of what it knows to be decided.
func TestAnAcceptorIsBounded(t *testing.T) {
	p, _ := lead(t)
	var out process.Output
	for _, s := range []uint64{maxAhead, maxAhead + 1, 1 << 62} {
		m := &Accept{Ballot: 900002, Prev: s - 1, Entries: []process.Entry{{Epoch: 900002, Index: s}}}
		p.Step(process.Input{Kind: process.Receive, From: 2, Msg: m}, &out)
		if took := p.votes.ballot(s) != 0; took != (s == maxAhead) {
			t.Errorf("slot %d: taken is %v", s, took)
		}
	}
}

func TestQuorumsThatDoNotMeetAreRefused(t *testing.T) {
	for _, c := range []struct {
		sizes quorum.Phases
		ok    bool
	}{
		{quorum.Phases{N: 4, First: 2, Slow: 2}, false},
		{quorum.Phases{N: 4, First: 3, Slow: 2}, true},
		{quorum.Phases{N: 5, First: 4, Slow: 1}, false},
		{quorum.Phases{N: 5, First: 5, Slow: 1}, true},
		{quorum.Phases{N: 3, First: 2, Slow: 4}, false},
		{quorum.Phases{}, false},
	} {
		if _, err := Flexible(c.sizes); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.sizes, err)
		}
	}
}

// With other quorums than majorities a group keeps all promises, under all faults.
func TestFlexibleQuorums(t *testing.T) {
	for _, sizes := range []quorum.Phases{
		{N: 4, First: 3, Slow: 2}, {N: 5, First: 4, Slow: 2}, {N: 5, First: 2, Slow: 4}, {N: 3, First: 3, Slow: 1},
	} {
		p, err := Flexible(sizes)
		if err != nil {
			t.Fatal(err)
		}
		o := sim.Options{Seed: 1, Nodes: sizes.N, Faults: sim.All, Duration: 5 * time.Second, Whole: true}
		sim.Swarm(p, 60, o, func(r sim.Result) bool {
			if r.Violation != nil {
				t.Errorf("%+v: seed %d: %v", sizes, r.Seed, r.Violation)
			}
			return r.Violation == nil
		})
	}
}

// And they must meet: two acceptors of four are no quorum of both phases.
func TestQuorumsThatDoNotMeetAreUnsafe(t *testing.T) {
	found := false
	o := sim.Options{Seed: 1, Nodes: 4, Faults: sim.All &^ sim.Members, Duration: 5 * time.Second, Whole: true}
	sim.Swarm(row(quorum.Phases{N: 4, First: 2, Slow: 2}), 60, o, func(r sim.Result) bool {
		found = found || r.Violation != nil
		return !found
	})
	if !found {
		t.Error("nobody noticed that quorums do not meet")
	}
}
