package explore

import (
	"fmt"
	"slices"
)

// A run goes on for as long as some action changes something, and keeps the
// promises of fairness. It breaks "eventually P" if it never meets P: then it
// ends in a state without a way out, or stays in a strongly connected part of
// the states without P. Such a part has a fair run if and only if each promised
// class of actions is taken in it, or, for weak fairness, is not possible in
// some state of it. If a strongly fair class is possible and not taken, a fair
// run must keep out of the states where it is: what is left falls into smaller
// parts (Lichtenstein and Pnueli, "Checking That Finite State Concurrent
// Programs Satisfy Their Linear Specification", 1985).

// promised reports whether a property is about runs.
func promised(p *Property) bool { return p.Mode == Eventually || p.Mode == LeadsTo }

// lassos decides the properties of runs, after a search that saw all states.
func (s *search) lassos(r *Result) {
	w := s.workers[0]
	if !slices.ContainsFunc(w.props, func(p Property) bool { return promised(&p) }) {
		return
	}
	g, ok := s.explored(w)
	if !ok {
		r.Stopped = *s.stopped.Load()
		return
	}
	for i := range w.props {
		p := &w.props[i]
		if !promised(p) {
			continue
		}
		from := p.From
		if p.Mode == Eventually {
			from = func([]byte) bool { return true }
		}
		region := g.reach(from, p.Holds, p.Mode == Eventually)
		part := g.trap(region)
		if part == nil {
			continue
		}
		f := g.lasso(region, part)
		f.Name, f.Mode, f.Broken = p.Name, p.Mode, true
		f.Err = fmt.Errorf("%s: a fair run never gets there", p.Name)
		w.describe(f.Trace)
		r.Findings = append(r.Findings, f)
	}
}

// trap returns states of the region that a fair run need never leave: one
// without a way out, or a strongly connected part; nil if there are none.
func (g *graph) trap(r *region) []uint32 {
	for _, id := range r.order {
		if edges, _ := g.out(id); len(edges) == 0 {
			return []uint32{id}
		}
	}
	n := len(g.ends)
	t := &tarjan{graph: g, set: make([]uint32, n), index: make([]uint32, n), low: make([]uint32, n),
		waiting: make([]bool, n)}
	left := [][]uint32{slices.Clone(r.order)}
	for len(left) > 0 {
		nodes := left[len(left)-1]
		left = left[:len(left)-1]
		for _, part := range t.parts(nodes) {
			unfair, escape := t.judge(part)
			switch {
			case unfair:
			case escape == 0:
				return part
			default:
				left = append(left, slices.DeleteFunc(part, func(id uint32) bool {
					return g.enabled[id]&escape != 0
				}))
			}
		}
	}
	return nil
}

// A tarjan finds strongly connected parts: Tarjan, "Depth-First Search and
// Linear Graph Algorithms", 1972, with a stack of its own.
type tarjan struct {
	*graph
	set     []uint32 // of each state: the set that it is in, by its number
	sets    uint32
	index   []uint32 // in the order of visits, from 1
	low     []uint32
	waiting []bool // on the stack
	stack   []uint32
	frames  []frame
	visits  uint32
}

type frame struct {
	id   uint32
	next int // edge
}

// gather puts the nodes into a set of their own and returns its number.
func (t *tarjan) gather(nodes []uint32) uint32 {
	t.sets++
	for _, id := range nodes {
		t.set[id] = t.sets
	}
	return t.sets
}

// parts returns the strongly connected parts of the nodes, single states left
// out.
func (t *tarjan) parts(nodes []uint32) (parts [][]uint32) {
	set := t.gather(nodes)
	for _, id := range nodes {
		t.index[id] = 0
	}
	for _, root := range nodes {
		if t.index[root] != 0 {
			continue
		}
		for t.enter(root); len(t.frames) > 0; {
			f := &t.frames[len(t.frames)-1]
			edges, _ := t.out(f.id)
			if f.next == len(edges) {
				if part := t.leave(); len(part) > 1 {
					parts = append(parts, part)
				}
				continue
			}
			to := edges[f.next]
			f.next++
			switch {
			case t.set[to] != set:
			case t.index[to] == 0:
				t.enter(to)
			case t.waiting[to]:
				t.low[f.id] = min(t.low[f.id], t.index[to])
			}
		}
	}
	return parts
}

func (t *tarjan) enter(id uint32) {
	t.visits++
	t.index[id], t.low[id], t.waiting[id] = t.visits, t.visits, true
	t.stack, t.frames = append(t.stack, id), append(t.frames, frame{id: id})
}

// leave ends the visit of a state and returns its part, if it was entered first
// by this state.
func (t *tarjan) leave() []uint32 {
	id := t.frames[len(t.frames)-1].id
	if t.frames = t.frames[:len(t.frames)-1]; len(t.frames) > 0 {
		up := t.frames[len(t.frames)-1].id
		t.low[up] = min(t.low[up], t.low[id])
	}
	if t.low[id] != t.index[id] {
		return nil
	}
	at := len(t.stack) - 1
	for t.stack[at] != id {
		at--
	}
	part := slices.Clone(t.stack[at:])
	t.stack = t.stack[:at]
	for _, x := range part {
		t.waiting[x] = false
	}
	return part
}

// judge looks at a strongly connected part. It is unfair if a weakly fair class
// is possible everywhere in it and never taken; escape is the strongly fair
// classes that are possible and not taken.
func (t *tarjan) judge(part []uint32) (unfair bool, escape uint64) {
	set := t.gather(part)
	taken, always, some := uint64(0), ^uint64(0), uint64(0)
	for _, id := range part {
		always &= t.enabled[id]
		some |= t.enabled[id]
		edges, classes := t.out(id)
		for i, to := range edges {
			if t.set[to] == set && classes[i] >= 0 {
				taken |= 1 << classes[i]
			}
		}
	}
	return always&t.weak&^taken != 0, some & t.strong &^ taken
}

// lasso returns a way to the part, and round in it: to an edge of each class
// that is taken there, and to a state where each of the others is not possible.
func (g *graph) lasso(r *region, part []uint32) Finding {
	member := make(map[uint32]bool, len(part))
	for _, id := range part {
		member[id] = true
	}
	entry := r.order[slices.IndexFunc(r.order, func(id uint32) bool { return member[id] })]
	way := g.way(r, entry)
	f := Finding{Loop: len(way) - 1, Cycle: len(part) > 1}
	hops := make([]hop, 0, len(way))
	for _, id := range way {
		hops = append(hops, hop{id, -1})
	}
	if f.Cycle {
		hops = g.round(hops, member)
	}
	f.Trace = g.trace(hops)
	return f
}

// A hop is to a state, by an edge of a class if that is not negative.
type hop struct {
	to    uint32
	class int8
}

// round goes from the last of hops round the part and back.
func (g *graph) round(hops []hop, member map[uint32]bool) []hop {
	entry, begin := hops[len(hops)-1].to, len(hops)
	possible := uint64(0)
	for id := range member {
		possible |= g.enabled[id]
	}
	for class := int8(0); class < MaxFair; class++ {
		if possible>>class&1 == 0 {
			continue
		}
		at := hops[len(hops)-1].to
		more, ok := g.toward(at, member, func(_ uint32, c int8) bool { return c == class })
		if !ok { // it is not taken here, so somewhere it is not possible
			more, _ = g.toward(at, member, func(to uint32, _ int8) bool { return g.enabled[to]>>class&1 == 0 })
		}
		hops = append(hops, more...)
	}
	at := hops[len(hops)-1].to
	if len(hops) > begin && at == entry {
		return hops
	}
	back, _ := g.toward(at, member, func(to uint32, _ int8) bool { return to == entry })
	return append(hops, back...)
}

// toward returns a shortest way from a state inside a part, of one hop or more,
// whose last satisfies.
func (g *graph) toward(from uint32, member map[uint32]bool, last func(to uint32, class int8) bool) ([]hop, bool) {
	type visit struct {
		hop
		before int
	}
	seen := map[uint32]bool{}
	queue := []visit{{hop{from, -1}, -1}}
	for i := 0; i < len(queue); i++ {
		edges, classes := g.out(queue[i].to)
		for j, to := range edges {
			if !member[to] {
				continue
			}
			if last(to, classes[j]) {
				way := []hop{{to, classes[j]}}
				for k := i; k > 0; k = queue[k].before {
					way = append(way, queue[k].hop)
				}
				slices.Reverse(way)
				return way, true
			}
			if !seen[to] {
				seen[to] = true
				queue = append(queue, visit{hop{to, classes[j]}, i})
			}
		}
	}
	return nil, false
}

// trace finds the actions between states.
func (g *graph) trace(hops []hop) []Step {
	way := []Step{{State: slices.Clone(g.state(hops[0].to))}}
	for i := 1; i < len(hops); i++ {
		g.steps.Reset()
		g.model.Next(g.state(hops[i-1].to), &g.steps)
		want := g.state(hops[i].to)
		for j := range g.steps.Len() {
			a := g.steps.Action(j)
			class := -1
			if g.fair != nil {
				class, _ = g.fair.Fairness(a)
			}
			fits := hops[i].class < 0 || int(hops[i].class) == class
			if fits && g.steps.Err(j) == nil && string(g.steps.State(j)) == string(want) {
				way = append(way, Step{Action: a, State: slices.Clone(want)})
				break
			}
		}
	}
	return way
}
