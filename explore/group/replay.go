package group

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"althing/explore"
	"althing/process"
	"althing/trace"
	"althing/world"
)

// Replay plays a trace of g in a world.World, with all replicas as they are
// after each step compared. It returns the trace in the language of package
// script, and what the World found broken, if anything; observe, unless nil,
// sees each event. An error says that the World went another way, or could not
// go on: then one of the two hosts is wrong.
func (g *Model) Replay(way []explore.Step, observe func(*trace.Event)) (script []string, broken, err error) {
	p, c := &replay{g: g, w: world.New(g.protocol, g.World())}, g.config(0)
	p.w.Observe = observe
	p.say("group %d heartbeat=%v election=%v..%v", g.bounds.Replicas, c.Heartbeat, c.Election.Min, c.Election.Max)
	var now state
	for i := range g.bounds.Replicas {
		p.do(p.w.Restart(process.ID(i + 1)))
		p.settle(process.ID(i+1), disk{quick: true})
	}
	for i := range way {
		if i > 0 && p.err == nil {
			now.load(way[i-1].State, g.bounds.Replicas)
			p.step(&now, way[i].Action)
		}
		if p.err == nil && way[i].State != nil {
			now.load(way[i].State, g.bounds.Replicas)
			p.compare(&now)
		}
	}
	var v *world.Violation
	if errors.As(p.err, &v) {
		return p.script, v, nil
	}
	if p.err != nil {
		return nil, nil, fmt.Errorf("group: replay %q: %w", p.script[len(p.script)-1], p.err)
	}
	return p.script, nil, nil
}

// World returns how the World begins that Replay plays in.
func (g *Model) World() world.Config {
	return world.Config{Replicas: g.bounds.Replicas, Process: g.config(0)}
}

// A replay is a World on its way through a trace.
type replay struct {
	g      *Model
	w      *world.World
	script []string
	err    error // the first
}

func (p *replay) say(format string, args ...any) {
	p.script = append(p.script, fmt.Sprintf(format, args...))
}

func (p *replay) do(err error) {
	if p.err == nil {
		p.err = err
	}
}

// step does what the action does in a state.
func (p *replay) step(before *state, a explore.Action) {
	id, arg := process.ID(a.Arg()>>40&255)+1, uint32(a.Arg())
	d := p.g.disk(int(before.count[doCrash]))
	switch a.Kind() {
	case doDeliver, doDuplicate, doDrop:
		e := p.g.envelopes.at(arg)
		if id = e.to; !p.choose(before, id, event{doDeliver, arg, d}, a) {
			return
		}
		p.message(a.Kind(), e)
	case doElection, doBeat:
		p.choose(before, id, event{a.Kind(), arg, d}, a)
		p.say("clock %d jump=1ns", id)
		p.do(p.w.SetClock(id, 0, 1))
		p.say("timeout %d %d", id, arg)
		p.do(p.w.Timeout(id, process.Timer(arg)))
	case doSubmit, doRead:
		p.choose(before, id, event{a.Kind(), arg, d}, a)
		q, verb := request(uint64(arg)), "submit"
		if a.Kind() == doRead {
			q, verb = read(uint64(arg)), "read"
		}
		p.say("%s %d %s", verb, id, q.Cmd)
		p.do(p.w.Submit(id, []process.Request{q}))
	case doSync:
		p.choose(before, id, event{doSync, arg, d}, a)
		p.sync(id, 1)
	case doCrash:
		d = p.g.disk(int(before.count[doCrash]) + 1)
		p.choose(before, id, event{doCrash, arg, d}, a)
		p.say("crash %d keep=%d", id, arg)
		p.do(p.w.Crash(id, int(arg)))
		p.say("restart %d", id)
		p.do(p.w.Restart(id))
	case doCompact:
		p.choose(before, id, event{doCompact, 0, d}, a)
		p.say("flush %d", id)
		p.do(p.w.Flush(id))
		p.say("compact %d", id)
		p.do(p.w.Compact(id))
	}
	p.settle(id, d)
}

// choose makes the World choose as the outcome did.
func (p *replay) choose(before *state, id process.ID, e event, a explore.Action) bool {
	if a.Kind() == doDuplicate || a.Kind() == doDrop {
		return true
	}
	os := p.g.outcomes(before.replicas[id-1], e)
	n := int(a.Arg() >> 48)
	if n >= len(os) {
		p.do(errors.New("there is no such outcome"))
		return false
	}
	answers := os[n].choices
	p.w.Choose = func(n int) int {
		if len(answers) == 0 {
			return 0
		}
		answer := answers[0]
		answers = answers[1:]
		return answer
	}
	return true
}

// message finds an envelope among the World's flights: the oldest of those with
// the same bytes.
func (p *replay) message(kind uint8, e *envelope) {
	want := e.appendState(nil)
	older := 1
	for _, f := range p.w.Flights() {
		if f.From != e.from || f.To != e.to || f.Msg.Kind() != e.msg.Kind() {
			continue
		}
		g := envelope{from: f.From, to: f.To, msg: f.Msg, state: e.state} // states are compared by what comes of them
		if !bytes.Equal(g.appendState(nil), want) {
			older++
			continue
		}
		verb := [...]string{doDeliver: "deliver", doDuplicate: "duplicate", doDrop: "drop"}[kind]
		p.say("%s %d->%d %s", verb, e.from, e.to, e.msg.Kind())
		if older > 1 {
			p.script[len(p.script)-1] += fmt.Sprint(" ", older)
		}
		switch kind {
		case doDeliver:
			p.do(p.w.Deliver(f.ID))
		case doDuplicate:
			p.do(p.w.Duplicate(f.ID))
		case doDrop:
			p.do(p.w.Drop(f.ID))
		}
		return
	}
	p.do(fmt.Errorf("no %s is on its way from %d to %d", e.msg.Kind(), e.from, e.to))
}

func (p *replay) sync(id process.ID, n int) {
	if p.err == nil && n > 0 {
		p.say("sync %d %d", id, n)
		p.do(p.w.Sync(id, n))
	}
}

// settle lets a replica hear what it told itself; see stage.settle.
func (p *replay) settle(id process.ID, d disk) {
	for p.err == nil {
		if d.quick {
			p.sync(id, p.w.Unsynced(id))
		}
		own := world.Flight{}
		for _, f := range p.w.Flights() {
			if f.From == id && f.To == id {
				own = f
				break
			}
		}
		if own.Msg == nil || p.err != nil {
			return
		}
		p.say("deliver %d->%d %s", id, id, own.Msg.Kind())
		p.do(p.w.Deliver(own.ID))
	}
}

// compare checks that the World's processes are those of the state.
func (p *replay) compare(now *state) {
	for i := range p.g.bounds.Replicas {
		r, id := p.g.replicas.at(now.replicas[i]), process.ID(i+1)
		if !bytes.Equal(r.proc.AppendState(nil), p.w.Process(id).AppendState(nil)) {
			p.do(fmt.Errorf("replica %d differs: %+v, but in the World %+v", id, r.proc.Status(), p.w.Status(id)))
		}
		if n := p.w.Unsynced(id); n != r.unsynced() && !p.g.disk(int(now.count[doCrash])).quick {
			p.do(fmt.Errorf("replica %d has %d records that are not durable, in the World %d", id, r.unsynced(), n))
		}
	}
}

// Script returns a script that plays way, as Replay does, under a comment.
func (g *Model) Script(way []explore.Step, comment string) (string, error) {
	lines, _, err := g.Replay(way, nil)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for line := range strings.Lines(comment) {
		b.WriteString("# " + strings.TrimSpace(line) + "\n")
	}
	b.WriteString(strings.Join(lines, "\n") + "\n---\n")
	return b.String(), nil
}
