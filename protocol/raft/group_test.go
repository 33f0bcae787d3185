package raft

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"althing/process"
	"althing/wire"
)

// group is servers in a test's hand: messages lie in flight until the test
// delivers them, and saves are durable when it says so.
type group struct {
	t       *testing.T
	cfg     process.Config
	now     time.Duration
	servers map[process.ID]*server
	flight  []delivery
	drop    func(d delivery) bool // the network's faults; nil: none
}

type server struct {
	*Raft
	out      process.Output
	records  []process.Msg
	durable  int // of records
	held     []heldSend
	commits  []process.Entry
	served   []process.Request
	refused  []process.Effect
	app      process.State
	timers   map[process.Timer]process.Span
	stuck    bool // the disk does nothing until it is told
	received int  // messages
}

type heldSend struct {
	delivery
	after int
	state *process.State
}

// delivery with a state: see states.
func newGroup(t *testing.T, cfg process.Config, ids ...process.ID) *group {
	g := &group{t: t, cfg: cfg, servers: map[process.ID]*server{}}
	for _, id := range ids {
		g.add(id, process.State{Group: process.Group{Voters: ids}})
	}
	return g
}

func (g *group) add(id process.ID, s process.State) *server {
	cfg := g.cfg
	cfg.Self = id
	sv := &server{Raft: New(cfg).(*Raft), app: s, timers: map[process.Timer]process.Span{}}
	g.servers[id] = sv
	g.step(id, process.Input{Kind: process.Start, State: &sv.app})
	return sv
}

func (g *group) step(id process.ID, in process.Input) {
	s := g.servers[id]
	in.Now = g.now
	s.Step(in, &s.out)
	effects := slices.Clone(s.out.Effects)
	s.out.Reset()
	for i := range effects {
		e := &effects[i]
		d := delivery{id, e.To, e.Msg}
		switch e.Kind {
		case process.Save:
			s.records = append(s.records, e.Msg)
		case process.Checkpoint:
			s.records = append(s.records, e.Msg)
		case process.Send:
			s.held = append(s.held, heldSend{d, len(s.records), nil})
		case process.SendState:
			state := s.app
			s.held = append(s.held, heldSend{d, len(s.records), &state})
		case process.SendNow:
			g.flight = append(g.flight, d)
		case process.LoadState:
			s.app = *in.State
		case process.Commit:
			s.commits = append(s.commits, e.Entries...)
			last := e.Entries[len(e.Entries)-1]
			s.app.Index, s.app.Epoch, s.app.Group = last.Index, last.Epoch, *s.log.Group()
		case process.Serve:
			s.served = append(s.served, e.Reqs...)
		case process.Refuse:
			s.refused = append(s.refused, *e)
		case process.SetTimer:
			s.timers[e.Timer] = e.Span
		case process.StopTimer:
			delete(s.timers, e.Timer)
		}
	}
	if !s.stuck {
		g.sync(id)
	}
}

// states are those on their way, by the message they go with.
type stateful struct {
	message
	state *process.State
}

func (g *group) sync(id process.ID) {
	s := g.servers[id]
	s.durable = len(s.records)
	held := s.held
	s.held = nil
	for _, h := range held {
		d := h.delivery
		if h.state != nil {
			d.msg = stateful{d.msg.(message), h.state}
		}
		g.flight = append(g.flight, d)
	}
}

// settle delivers all that is in flight, and what follows from it.
func (g *group) settle() {
	for n := 0; len(g.flight) > 0; n++ {
		if n > 100_000 {
			g.t.Fatal("the servers do not come to rest")
		}
		d := g.flight[0]
		g.flight = g.flight[1:]
		g.deliver(d)
	}
}

func (g *group) deliver(d delivery) {
	s := g.servers[d.to]
	if s == nil || d.from != d.to && g.drop != nil && g.drop(d) {
		return
	}
	s.received++
	in := process.Input{Kind: process.Receive, From: d.from, Msg: d.msg}
	if m, ok := d.msg.(stateful); ok {
		in.Msg, in.State = m.message, m.state
	}
	g.step(d.to, in)
}

// fire lets a timer fire, after the longest time it may take.
func (g *group) fire(id process.ID, tm process.Timer) {
	span, ok := g.servers[id].timers[tm]
	if !ok {
		g.t.Fatalf("timer %d of server %d is not set", tm, id)
	}
	delete(g.servers[id].timers, tm)
	g.now += span.Max
	g.step(id, process.Input{Kind: process.Timeout, Timer: tm})
}

func (g *group) elect(id process.ID) {
	g.t.Helper()
	g.fire(id, election)
	g.settle()
	if g.servers[id].role != leader {
		g.t.Fatalf("server %d was not elected: %+v", id, g.servers[id].Status())
	}
}

// crash loses all that is not durable, and starts the server again.
func (g *group) crash(id process.ID) {
	old := g.servers[id]
	cfg := g.cfg
	cfg.Self = id
	s := &server{Raft: New(cfg).(*Raft), app: old.app, timers: map[process.Timer]process.Span{}}
	s.records = old.records[:old.durable:old.durable]
	for _, m := range s.records {
		s.Step(process.Input{Kind: process.Recover, Msg: m}, &process.Output{})
	}
	s.durable = len(s.records)
	g.servers[id] = s
	g.step(id, process.Input{Kind: process.Start, State: &s.app})
}

var lastSeq uint64

func command(cmd string) process.Request {
	lastSeq++
	return process.Request{Client: 1, Seq: lastSeq, Cmd: []byte(cmd)}
}

func (g *group) submit(id process.ID, qs ...process.Request) {
	g.step(id, process.Input{Kind: process.Submit, Reqs: qs})
}

func members(gr process.Group) process.Request {
	q := command("")
	q.Kind, q.Cmd = process.Members, append(process.AppendGroup(nil, gr), "context"...)
	return q
}

func transfer(to process.ID) process.Request {
	return process.Request{Kind: process.Transfer, Cmd: wire.AppendUints(nil, uint64(to))}
}

// cut makes the network lose all between a and the others.
func cut(a process.ID) func(delivery) bool {
	return func(d delivery) bool { return d.from == a || d.to == a }
}

// logOf writes a log as index/term pairs.
func (s *server) logOf() string {
	var b []byte
	for _, e := range s.log.Entries() {
		b = fmt.Appendf(b, "%d/%d ", e.Index, e.Epoch)
	}
	return string(b)
}
