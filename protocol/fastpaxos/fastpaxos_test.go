package fastpaxos

import (
	"testing"

	"althing/process"
	"althing/process/processtest"
	"althing/quorum"
)

func TestRules(t *testing.T) {
	for _, p := range []process.Protocol{Coordinated, Uncoordinated} {
		processtest.Run(t, p)
	}
}

func FuzzDecode(f *testing.F) {
	e := process.Entry{Index: 7, Epoch: 2, Req: process.Request{Client: 3, Seq: 4, Cmd: []byte("put k v")}}
	es, vs := []process.Entry{e}, []Vote{{9, e}}
	processtest.Fuzz(f, Coordinated, &Scout{}, &Second{8}, &Prepare{8}, &Promise{8, 6, vs}, &Propose{es},
		&Accept{11, es}, &Voted{9, 6, es}, &Nack{8, 12}, &Heartbeat{8, 6, 6, true}, &Alive{8, 6, 7}, &Ask{6},
		&Learn{7, es}, &Install{}, &Query{1}, &Answer{1, 7}, &Decided{es},
		&Checkpoint{Promised: 8, Base: 6, BaseEpoch: 1, Group: process.Group{Voters: []process.ID{1, 2, 3}}, Votes: vs})
}

func among(n int) *replica {
	r := newReplica(false, process.Config{Self: 1}).(*replica)
	for i := range n {
		r.group.Voters = append(r.group.Voters, process.ID(i+1))
	}
	return r
}

func value(by uint64) process.Entry { return process.Entry{Epoch: by} }

// O4, for all that acceptors may have voted in a fast round and any majority asked:
// what was chosen, or may still be, is picked. Within one majority no two may be.
func TestPick(t *testing.T) {
	for n := 3; n <= 6; n++ {
		r := among(n)
		ways := 1
		for range n {
			ways *= 3
		}
		for way := range ways { // who voted for 1, for 2, or not
			votes, count := make([]Vote, n), [3]int{}
			for i, w := 0, way; i < n; i, w = i+1, w/3 {
				if v := uint64(w % 3); v > 0 {
					votes[i] = Vote{fastRound, value(v)}
				}
				count[w%3]++
			}
			for asked := range 1 << n {
				var some []Vote
				for i := range n {
					if asked>>i&1 == 1 {
						some = append(some, votes[i])
					}
				}
				if len(some) < quorum.Majority(n) {
					continue
				}
				got := r.pick(some)
				for v := uint64(1); v <= 2; v++ {
					if count[v] >= r.fastSize() && got.Epoch != v {
						t.Fatalf("%v chose %d, and %v make %d", votes, v, some, got.Epoch)
					}
				}
			}
		}
	}
}

// The latest round counts, however many voted before it; in a classic one a single
// vote binds.
func TestPickTheLatest(t *testing.T) {
	r := among(5)
	votes := []Vote{{fastRound, value(1)}, {fastRound, value(1)}, {classicRound, value(2)}, {}}
	if v := r.pick(votes); v.Epoch != 2 {
		t.Errorf("%v make %d", votes, v.Epoch)
	}
	if v := r.pick(make([]Vote, 3)); v.Req.Kind != process.NoOp {
		t.Errorf("no votes make %+v", v)
	}
	free := []Vote{{fastRound, value(3)}, {fastRound, value(2)}, {fastRound, value(1)}}
	if v := r.pick(free); v.Epoch != 1 {
		t.Errorf("of %v nothing is bound: the least is taken, by all who recover alone, not %d", free, v.Epoch)
	}
}

// A round has collided only if no value can be chosen in it any more.
func TestCollided(t *testing.T) {
	r := among(5) // 4 are a fast quorum
	a, b := Vote{fastRound, value(1)}, Vote{fastRound, value(2)}
	for _, c := range []struct {
		votes []Vote
		want  bool
	}{
		{[]Vote{a, a}, false}, {[]Vote{a, a, b}, false}, {[]Vote{a, b}, false}, {[]Vote{a, a, b, b}, true},
		{[]Vote{a, a, a, b}, false}, {[]Vote{a, a, a, b, b}, true},
	} {
		if got := r.collided(fastRound, c.votes); got != c.want {
			t.Errorf("%v: %v", c.votes, got)
		}
	}
}

// A request is proposed in one instance, however often it is said again; in a later
// one only when something else was chosen there, and never again once it was chosen.
func TestOnce(t *testing.T) {
	r := newReplica(false, process.Config{Self: 1})
	var out process.Output
	step := func(in process.Input) (proposed map[uint64]bool) {
		out.Reset()
		r.Step(in, &out)
		proposed = map[uint64]bool{}
		for _, e := range out.Effects {
			if m, ok := e.Msg.(*Propose); ok {
				for i := range m.Entries {
					proposed[m.Entries[i].Index] = true
				}
			}
		}
		return proposed
	}
	chosen := func(e process.Entry) (proposed map[uint64]bool) {
		for from := process.ID(1); from <= 3; from++ {
			m := &Voted{Round: 4 | fastRound, Entries: []process.Entry{e}}
			proposed = step(process.Input{Kind: process.Receive, From: from, Msg: m})
		}
		return proposed
	}
	group := process.Group{Voters: []process.ID{1, 2, 3}}
	step(process.Input{Kind: process.Start, State: &process.State{Group: group}})
	step(process.Input{Kind: process.Receive, From: 2, Msg: &Heartbeat{Round: 4, Any: true}})
	want := func(what string, got map[uint64]bool, index uint64) {
		t.Helper()
		if index == 0 && len(got) > 0 || index > 0 && (len(got) != 1 || !got[index]) {
			t.Errorf("%s: proposed in %v, want %d", what, got, index)
		}
	}
	q := process.Request{Cmd: []byte("v")}
	want("submitted", step(process.Input{Kind: process.Submit, Reqs: []process.Request{q}}), 1)
	step(process.Input{Kind: process.Timeout, Timer: tick}) // so soon it need not be said again
	for range 3 {
		want("said again", step(process.Input{Kind: process.Timeout, Timer: tick}), 1)
	}
	other := process.Entry{Index: 1, Epoch: 2, Req: q} // the same words, of another replica
	want("another was chosen", chosen(other), 2)
	want("chosen", chosen(process.Entry{Index: 2, Epoch: 1, Req: q}), 0)
	want("all done", step(process.Input{Kind: process.Timeout, Timer: tick}), 0)
	if r.Status().Commit != 2 {
		t.Errorf("%+v", r.Status())
	}
}
