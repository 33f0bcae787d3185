package weak

import (
	"math"
	"slices"
	"time"

	"althing/history"
)

// illegal makes a report of nodes that break a promise, with the writes that
// were read.
func (h *record) illegal(why string, nodes ...int32) Report {
	var core []int32
	for _, n := range nodes {
		if core = append(core, h.nodes[n]); h.from[n] >= 0 {
			core = append(core, h.nodes[h.from[n]])
		}
	}
	slices.Sort(core)
	return Report{Verdict: history.Illegal, Core: slices.Compact(core), Reason: why}
}

// told names nodes by their operations.
func (h *record) told(nodes []int32) []int32 {
	ops := make([]int32, len(nodes))
	for at, n := range nodes {
		ops[at] = h.nodes[n]
	}
	return ops
}

const circular = "what must come before what goes round in a circle"

// depends returns the graph of what depends on what: on what its session did
// before, and on what was read.
func (h *record) depends() *graph {
	g := newGraph(h, nil)
	for n, w := range h.from {
		if w >= 0 {
			g.add(w, int32(n))
		}
	}
	return g
}

// causal looks for the bad patterns of CC and CCv: a circle of dependencies, a
// read of what is overwritten by something it depends on, and, for
// convergence, an order that the reads force and that goes round.
func (h *record) causal(p Promise) Report {
	g := h.depends()
	order, cycle := g.sort()
	if cycle != nil {
		return h.illegal(circular, cycle...)
	}
	past, x := g.past(order), newIndex(h)
	for n, w := range h.from {
		if w == noRead {
			continue
		}
		hides := int32(-1)
		x.last(h.key[n], func(c int32) int32 { return past.count(int32(n), c) }, func(other int32) {
			switch {
			case w == initial || other != w && past.has(other, w):
				hides = other
			case other != w && p == Convergent:
				g.add(other, w)
			}
		})
		if hides >= 0 {
			return h.illegal("a read misses a write that it depends on", int32(n), hides)
		}
	}
	if order, cycle = g.sort(); cycle != nil {
		return h.illegal(circular, cycle...)
	}
	return Report{Verdict: history.OK, Order: h.told(order)}
}

// views looks for an order of all writes for each session, in which its reads
// are right: one that keeps the sessions (PRAM), or all that depends (CM). What
// is in the past of a read must come before the write that it returned; this
// is repeated until nothing new comes of it. If it does not go round, there is
// an order (Bouajjani et al., Lemma 5 and Theorem 6.8).
func (h *record) views(memory bool, deadline time.Time) Report {
	var before *past
	if memory {
		g := h.depends()
		order, cycle := g.sort()
		if cycle != nil {
			return h.illegal(circular, cycle...)
		}
		before = g.past(order)
	}
	x, all := newIndex(h), Report{Verdict: history.OK}
	for c, chain := range h.chains {
		if !slices.ContainsFunc(chain, func(n int32) bool { return !h.write(n) }) {
			continue // nothing that could be wrong
		}
		r := h.view(int32(c), before, x, deadline)
		if r.Verdict != history.OK {
			return r
		}
		all.Views = append(all.Views, View{h.ops[h.nodes[chain[0]]].Client, r.Order})
	}
	return all
}

// view is views for the session of one chain.
func (h *record) view(own int32, before *past, x *index, deadline time.Time) Report {
	in := make([]bool, len(h.nodes))
	var reads []int32
	for n := range in {
		mine := h.chain[n] == own && !h.write(int32(n))
		if in[n] = mine || h.write(int32(n)); mine {
			reads = append(reads, int32(n))
		}
	}
	g := newGraph(h, in)
	for _, n := range reads {
		if h.from[n] >= 0 {
			g.add(h.from[n], n)
		}
	}
	for n := range in {
		if !in[n] || before == nil {
			continue
		}
		for c, count := range before.clocks[n] {
			for at := count - 1; at >= 0 && int32(c) != h.chain[n]; at-- {
				if m := h.chains[c][at]; in[m] {
					g.add(m, int32(n))
					break
				}
			}
		}
	}
	for {
		order, cycle := g.sort()
		if cycle != nil {
			return h.illegal(circular, append(cycle, reads...)...)
		}
		if !deadline.IsZero() && time.Now().After(deadline) {
			return unknown("the time ran out")
		}
		past := g.past(order)
		changed, missed := false, int32(-1)
		for _, n := range reads {
			x.last(h.key[n], func(c int32) int32 { return past.count(n, c) }, func(other int32) {
				switch w := h.from[n]; {
				case w == initial:
					missed = n
				case other != w && !past.has(w, other):
					changed = g.add(other, w) || changed
				}
			})
		}
		if missed >= 0 {
			return h.illegal("a read misses a write that comes before it", append(reads, missed)...)
		}
		if !changed {
			return Report{Verdict: history.OK, Order: h.told(h.line(order, past, reads))}
		}
	}
}

// line puts the nodes of a view into an order in which its reads are right: each
// comes as soon as all that is in its past has come. For what is there of its key
// is before the write that it returned, and all else may wait.
func (h *record) line(order []int32, past *past, reads []int32) []int32 {
	first := make([]int32, len(h.nodes)) // by node: of the reads that it is in the past of
	for n := range first {
		first[n] = int32(len(reads))
	}
	upto := make(clock, len(h.chains))
	for at, n := range reads {
		for c := range upto {
			for count := past.count(n, int32(c)); upto[c] < count; upto[c]++ {
				first[h.chains[c][upto[c]]] = int32(at)
			}
		}
	}
	start := make([]int32, len(reads)+2)
	for _, n := range order {
		start[first[n]+1]++
	}
	for at := range len(reads) + 1 {
		start[at+1] += start[at]
	}
	line := make([]int32, len(order))
	for _, n := range order {
		line[start[first[n]]] = n
		start[first[n]]++
	}
	return line
}

// eventual compares what the sessions read last, after all writes of a key were
// answered. A write without an answer may come yet: then a difference says
// nothing.
func (h *record) eventual() Report {
	quiet := make([]time.Duration, h.keys)
	for i := range quiet {
		quiet[i] = math.MinInt64
	}
	for n, i := range h.nodes {
		if o := &h.ops[i]; h.write(int32(n)) && !o.Open {
			quiet[h.key[n]] = max(quiet[h.key[n]], o.Return)
		}
	}
	open := map[string]bool{}
	for i := range h.ops {
		if o := &h.ops[i]; o.Open && o.Kind == history.Put {
			open[o.Key] = true
		}
	}
	seen := make([]int32, h.keys)
	for k := range seen {
		seen[k] = -1
	}
	compared := false
	undecided := ""
	for _, chain := range h.chains {
		last := map[int32]int32{}
		for _, n := range chain {
			if !h.write(n) && h.ops[h.nodes[n]].Call > quiet[h.key[n]] {
				last[h.key[n]] = n
			}
		}
		for k, n := range last {
			o := &h.ops[h.nodes[n]]
			switch {
			case seen[k] < 0:
				seen[k] = n
			case h.from[seen[k]] == h.from[n]:
				compared = true
			case open[o.Key]:
				undecided = o.Key
			default:
				return h.illegal("sessions differ after the last write", seen[k], n)
			}
		}
	}
	switch {
	case undecided != "":
		return unknown("sessions differ on key %q, of which a write was never answered", undecided)
	case !compared:
		return unknown("no two sessions read a key after its last write")
	}
	r := Report{Verdict: history.OK}
	for _, n := range seen {
		if n >= 0 {
			r.State = append(r.State, h.nodes[n])
		}
	}
	return r
}
