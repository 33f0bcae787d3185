package group

import (
	"bytes"
	"slices"

	"althing/explore"
	"althing/explore/valence"
	"althing/process"
)

// What a group decides is which request is committed first: with these methods a
// Model is a valence.System, and request n is value n.

// Processes implements valence.System.
func (g *Model) Processes() int { return g.bounds.Replicas }

// Decided implements valence.System: the request that was the first to be committed
// anywhere. It means nothing of a protocol that does not order all commits alike.
func (g *Model) Decided(packed []byte) uint64 {
	var v state
	v.load(packed, g.bounds.Replicas)
	for i := range g.pasts.at(v.past).chosen {
		if e := &g.pasts.at(v.past).chosen[i]; e.Req.Kind == process.Command {
			return 1 << number(&e.Req)
		}
	}
	return 0
}

// Messages implements valence.System: a message is named by its number.
func (g *Model) Messages(packed []byte, names []uint64) []uint64 {
	var v state
	v.load(packed, g.bounds.Replicas)
	for _, m := range v.net {
		names = append(names, uint64(m))
	}
	return names
}

// Event implements valence.System.
func (g *Model) Event(a explore.Action) valence.Event {
	e := valence.Event{Process: int(a.Arg() >> 40 & 255), Receives: a.Kind() == doDeliver}
	if e.Receives {
		e.Message = uint64(uint32(a.Arg()))
		e.From = int(g.envelopes.at(uint32(e.Message)).from) - 1
	}
	return e
}

// waiting reports whether the client of a request waits at a replica, from 0, that
// has neither refused nor answered it.
func (g *Model) waiting(packed []byte, i, request int) bool {
	var v state
	v.load(packed, g.bounds.Replicas)
	return slices.Contains(g.replicas.at(v.replicas[i]).waits, uint64(request))
}

// Contest returns a run after which two replicas, from 0, have each taken a request
// and nothing is committed: for Raft two leaders, one of which does not know of the
// other. To each all comes that it needs, from all but the other. It is nil if there
// is no such run.
func (g *Model) Contest(one, other int) []explore.Step {
	var s explore.Steps
	g.Initial(&s)
	way := []explore.Step{{State: bytes.Clone(s.State(0))}}
	for n, lead := range []int{one, other} {
		rival := [2]int{other, one}[n]
		for len(way) < contestSteps && !g.waiting(way[len(way)-1].State, lead, n+1) {
			step, ok := g.campaign(way[len(way)-1].State, lead, rival, n+1)
			if !ok {
				return nil
			}
			way = append(way, step)
		}
	}
	if last := way[len(way)-1].State; g.Decided(last) != 0 || !g.waiting(last, other, 2) {
		return nil
	}
	return way
}

// contestSteps bounds a contest: two elections among nine take less.
const contestSteps = 200

// campaign returns the next step of a replica on its way to take a request: the
// request, if it is taken; a message that comes to it or to another one, but not to
// or from its rival; else a timer of its own.
func (g *Model) campaign(from []byte, lead, rival, request int) (explore.Step, bool) {
	var s explore.Steps
	g.Next(from, &s)
	best, rank := -1, 0
	for i := range s.Len() {
		e, r := g.Event(s.Action(i)), 0
		switch a := s.Action(i); {
		case s.Err(i) != nil || e.Process == rival || e.Receives && e.From == rival:
		case e.Process == lead && a.Kind() == doSubmit && g.waiting(s.State(i), lead, request):
			r = 3
		case e.Receives:
			r = 2
		case e.Process == lead && a.Kind() == doElection:
			r = 1
		}
		if r > rank {
			best, rank = i, r
		}
	}
	if best < 0 {
		return explore.Step{}, false
	}
	a := s.Action(best)
	return explore.Step{Action: a, Text: g.Describe(from, a), State: bytes.Clone(s.State(best))}, true
}
