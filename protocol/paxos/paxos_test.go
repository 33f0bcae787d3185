package paxos

import (
	"testing"
	"time"

	"althing/process"
	"althing/process/processtest"
	"althing/sim"
)

func TestRules(t *testing.T) { processtest.Run(t, Protocol) }

func FuzzDecode(f *testing.F) {
	q := process.Request{Client: 3, Seq: 4, Cmd: []byte("put k v")}
	processtest.Fuzz(f, Protocol, &Prepare{1<<idBits | 2}, &Promise{Ballot: 9}, &Promise{9, 8, q},
		&Accept{9, q}, &Accepted{9, q}, &Nack{9, 10}, &Ask{}, &Chosen{q}, &Checkpoint{Promised: 9},
		&Checkpoint{9, 8, q, false}, &Checkpoint{Value: q, Chosen: true})
}

// Two and two of four share nobody: a majority is three.
func TestFour(t *testing.T) {
	o := sim.Options{Seed: 1, Nodes: 4, Faults: sim.All, Duration: 2 * time.Second}
	sim.Swarm(Protocol, 300, o, func(r sim.Result) bool {
		if r.Violation != nil {
			t.Errorf("seed %d: %v", r.Seed, r.Violation)
		}
		return r.Violation == nil
	})
}

// A promise that comes twice is one: of five, three must promise.
func TestAPromiseCountsOnce(t *testing.T) {
	p := New(process.Config{Self: 5})
	var out process.Output
	group := process.Group{Voters: []process.ID{1, 2, 3, 4, 5}}
	p.Step(process.Input{Kind: process.Start, State: &process.State{Group: group}}, &out)
	p.Step(process.Input{Kind: process.Submit, Reqs: []process.Request{{Cmd: []byte("v")}}}, &out)
	for i, from := range []process.ID{1, 1, 2, 1, 2, 3} {
		out.Reset()
		m := &Promise{Ballot: p.Status().Epoch}
		p.Step(process.Input{Kind: process.Receive, From: from, Msg: m}, &out)
		if proposes := len(out.Effects) > 0; proposes != (i == 5) {
			t.Errorf("after promise %d, of %d: %+v", i+1, from, out.Effects)
		}
	}
}

// A learner of the group has no acceptor: it neither promises nor counts.
func TestALearnerHasNoVote(t *testing.T) {
	group := process.Group{Voters: []process.ID{1, 2}, Learners: []process.ID{3}}
	for self, role := range map[process.ID]string{1: "acceptor", 3: "learner"} {
		p := New(process.Config{Self: self})
		var out process.Output
		p.Step(process.Input{Kind: process.Start, State: &process.State{Group: group}}, &out)
		if got := p.Status().Role; got != role {
			t.Errorf("%d is %s", self, got)
		}
		out.Reset()
		p.Step(process.Input{Kind: process.Receive, From: 2, Msg: &Prepare{1<<idBits | 2}}, &out)
		if votes := len(out.Effects) > 0; votes != (self == 1) {
			t.Errorf("%d answers Prepare with %+v", self, out.Effects)
		}
		for _, from := range []process.ID{2, 3} {
			m := &Accepted{1<<idBits | 2, process.Request{Cmd: []byte("v")}}
			p.Step(process.Input{Kind: process.Receive, From: from, Msg: m}, &out)
		}
		if p.Status().Commit != 0 {
			t.Errorf("%d takes for chosen what one acceptor of two voted for", self)
		}
	}
}
