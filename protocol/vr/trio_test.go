package vr

import (
	"testing"
	"time"

	"althing/process"
)

// A trio is three replicas whose disks are fast and whose network is in order, unless
// a test says otherwise.
type trio struct {
	t        *testing.T
	now      time.Duration
	replicas map[process.ID]*VR
	flying   []flight
	lost     func(f flight) bool // nil: nothing is
	effects  []process.Effect    // of the last step that a test did itself
}

type flight struct {
	from, to process.ID
	msg      process.Msg
	state    *process.State
}

var ids = []process.ID{1, 2, 3}

func newTrio(t *testing.T, make func(process.Config) process.Process, c process.Config) *trio {
	g := &trio{t: t, replicas: map[process.ID]*VR{}}
	for _, id := range ids {
		c.Self = id
		g.replicas[id] = make(c).(*VR)
		g.do(id, process.Input{Kind: process.Start, State: &process.State{Group: process.Group{Voters: ids}}})
	}
	return g
}

// do steps one replica, and puts what it sends on its way.
func (g *trio) do(id process.ID, in process.Input) {
	in.Now = g.now
	var out process.Output
	g.replicas[id].Step(in, &out)
	g.effects = out.Effects
	for i := range out.Effects {
		switch e := &out.Effects[i]; e.Kind {
		case process.Send, process.SendNow:
			g.flying = append(g.flying, flight{from: id, to: e.To, msg: e.Msg})
		case process.SendState:
			r := g.replicas[id]
			s := &process.State{Index: r.commitIndex, Epoch: r.log.EpochAt(r.commitIndex), Group: *r.log.Group()}
			g.flying = append(g.flying, flight{id, e.To, e.Msg, s})
		}
	}
}

func (g *trio) receive(to, from process.ID, m process.Msg) {
	g.do(to, process.Input{Kind: process.Receive, From: from, Msg: m})
}

func (g *trio) settle() {
	for n := 0; len(g.flying) > 0; n++ {
		if n > 100_000 {
			g.t.Fatal("messages breed messages")
		}
		f := g.flying[0]
		g.flying = g.flying[1:]
		if g.lost == nil || !g.lost(f) {
			g.do(f.to, process.Input{Kind: process.Receive, From: f.from, Msg: f.msg, State: f.state})
		}
	}
}

func (g *trio) fire(id process.ID, t process.Timer) {
	g.do(id, process.Input{Kind: process.Timeout, Timer: t})
}

// next lets the next view begin, as id wants it.
func (g *trio) next(id process.ID) {
	g.now += time.Second // nobody is bound to a primary any more
	g.fire(id, election)
	g.settle()
}

func (g *trio) submit(id process.ID, cmds ...string) {
	for _, c := range cmds {
		g.do(id, process.Input{Kind: process.Submit, Reqs: []process.Request{{Cmd: []byte(c)}}})
	}
}

// sent returns the messages of one type of the last step.
func sent[M process.Msg](g *trio) (ms []M) {
	for i := range g.effects {
		if m, ok := g.effects[i].Msg.(M); ok {
			ms = append(ms, m)
		}
	}
	return ms
}

// cut loses all from and to a replica.
func cut(id process.ID) func(flight) bool {
	return func(f flight) bool { return f.from != f.to && (f.from == id || f.to == id) }
}
