package vsync

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
	replicas map[process.ID]*Member
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

// newTrio returns three replicas that have agreed on a view of all, whose
// sequencer is 1.
func newTrio(t *testing.T) *trio {
	g := &trio{t: t, replicas: map[process.ID]*Member{}}
	for _, id := range ids {
		g.replicas[id] = New(process.Config{Self: id}).(*Member)
		g.do(id, process.Input{Kind: process.Start, State: &process.State{Group: process.Group{Voters: ids}}})
	}
	g.fire(1, election)
	g.settle()
	if !g.replicas[1].leads() || g.replicas[3].delivered != 1 {
		t.Fatalf("no first view: %+v", g.replicas[1].Status())
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
			m := g.replicas[id]
			s := &process.State{Index: m.delivered, Epoch: m.log.EpochAt(m.delivered), Group: *m.log.Group()}
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

// miss lets the sequencer 1 look twice after its members.
func (g *trio) miss() {
	g.fire(1, checkTimer)
	g.fire(1, heartbeat)
	g.settle()
	g.fire(1, checkTimer)
	g.settle()
	g.fire(1, gather)
	g.settle()
}

func (g *trio) submit(id process.ID, qs ...process.Request) {
	g.do(id, process.Input{Kind: process.Submit, Reqs: qs})
}

// sent returns the messages of one type of the last step.
func sent[M process.Msg](g *trio) (ms []M) {
	for i := range g.effects {
		if m, ok := g.effects[i].Msg.(M); ok && g.effects[i].Kind != process.Save {
			ms = append(ms, m)
		}
	}
	return ms
}

// refused returns why the last step refused something, or 0.
func refused(g *trio) process.Reason {
	for i := range g.effects {
		if g.effects[i].Kind == process.Refuse {
			return g.effects[i].Why
		}
	}
	return 0
}

// cut loses all from and to a replica.
func cut(id process.ID) func(flight) bool {
	return func(f flight) bool { return f.from != f.to && (f.from == id || f.to == id) }
}
