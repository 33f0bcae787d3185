package txn

import "slices"

// circle reports a circle of links: there is one.
func (h *sightings) circle() Report {
	g := &graph{out: make([][]Edge, len(h.txns)), live: h.live}
	for at, l := range h.links {
		g.add(Edge{From: l.from, To: l.to, Why: l.why, Via: []int32{int32(at)}})
	}
	const every = WW | WR | SO | CO
	var cycle []Edge
	for _, edges := range []Dependency{WW, WW | WR, WR | SO, WW | WR | SO, every} { // the gravest first
		if cycle = g.cycle(edges, true); cycle != nil {
			break
		}
	}
	var whole []Edge
	for _, e := range cycle {
		l := h.links[e.Via[0]]
		switch l.why {
		case WR:
			whole = append(whole, h.wr(l.from, l.to))
		case WW:
			whole = append(whole, h.ww(l))
		case SO:
			whole = append(whole, Edge{From: l.from, To: l.to, Why: SO})
		case CO:
			whole = append(whole, h.co(l))
		}
	}
	return h.round(whole)
}

// round reports a cycle.
func (h *sightings) round(cycle []Edge) Report {
	cycle = h.straight(cycle)
	r := illegal(h.name(cycle), nil, "a circle of what must be committed before what")
	r.Cycle = cycle
	for _, e := range cycle {
		r.Core = append(append(r.Core, e.From), e.Via...)
	}
	slices.Sort(r.Core)
	r.Core = slices.Compact(r.Core)
	return r
}

// straight makes one step of several in one session.
func (h *sightings) straight(cycle []Edge) []Edge {
	for at := 0; at < len(cycle) && len(cycle) > 2; {
		a, b := &cycle[at], &cycle[(at+1)%len(cycle)]
		if a.Why != SO || b.Why != SO {
			at++
			continue
		}
		a.To = b.To
		cycle = slices.Delete(cycle, (at+1)%len(cycle), (at+1)%len(cycle)+1)
		at = max(0, at-1)
	}
	return cycle
}

// name names the anomaly that a cycle is: by the farthest that it looks.
func (h *sightings) name(cycle []Edge) string {
	count := map[Dependency]int{}
	for _, e := range cycle {
		count[e.Why]++
	}
	switch {
	case count[CO]+count[RW] > 0 && h.level == MonotonicView:
		return "non-monotonic-read"
	case count[CO]+count[RW] > 0 && h.level == ReadAtomic:
		return "fractured-read"
	case count[CO]+count[RW] > 0:
		return "causality-violation"
	case count[SO] > 0:
		return "G1c-process"
	case count[WR] > 0:
		return "G1c"
	}
	return "G0"
}

// missed reports that txn read s, and not what it had to see seen write.
func (h *sightings) missed(seen, txn int32, s sight) Report {
	e := edge(txn, seen, RW, h.keys[s.key], h.value(s), h.last(seen, s.key))
	return h.round(append(h.path(seen, txn, s), e))
}

// value is what a register was read at, or the last of a list.
func (h *sightings) value(s sight) string {
	switch {
	case s.from < 0:
		return ""
	case h.model == ListAppend:
		return h.values[s.key][s.count-1]
	}
	return h.last(s.from, s.key)
}

// last is the last that a transaction wrote to a key.
func (h *sightings) last(txn, key int32) (value string) {
	for _, a := range h.txns[txn].Actions {
		if a.Write && a.Key == h.keys[key] {
			value = a.Value
		}
	}
	return value
}

// wr is the edge of the first read of to that saw from.
func (h *sightings) wr(from, to int32) Edge {
	for _, s := range h.reads[to] {
		if h.model == RWRegister && s.from == from {
			return edge(from, to, WR, h.keys[s.key], "", h.value(s))
		}
		if h.model == ListAppend {
			if n := slices.Index(h.listed[s.key][:s.count], from); n >= 0 {
				return edge(from, to, WR, h.keys[s.key], "", h.values[s.key][n])
			}
		}
	}
	return Edge{}
}

// ww is the edge between two versions of a list, one right after the other.
func (h *sightings) ww(l link) Edge {
	e := edge(l.from, l.to, WW, h.keys[l.key], h.values[l.key][l.at-1], h.last(l.to, l.key))
	if int(l.at) < len(h.values[l.key]) {
		e.New = h.values[l.key][l.at]
	}
	return e
}

// co is the edge of a link that a read forces.
func (h *sightings) co(l link) Edge {
	e := edge(l.from, l.to, CO, h.keys[l.key], h.last(l.from, l.key), h.last(l.to, l.key))
	for _, s := range h.reads[l.by] {
		if s.key == l.key && s.from == l.to {
			for _, step := range h.straight(h.path(l.from, l.by, s)) {
				e.Via = append(e.Via, step.To)
			}
			break
		}
	}
	return e
}

// path returns why txn, which read s, had to see what seen wrote: the edges from
// one to the other.
func (h *sightings) path(seen, txn int32, s sight) []Edge {
	switch {
	case h.level != Causal:
		if e := h.wr(seen, txn); e.Why != 0 {
			return []Edge{e}
		}
		return []Edge{{From: seen, To: txn, Why: SO}}
	}
	then := map[int32]Edge{txn: {}}
	for front := []int32{txn}; len(front) > 0; front = front[1:] {
		t := front[0]
		if t == seen {
			break
		}
		add := func(e Edge) {
			if _, known := then[e.From]; !known {
				then[e.From] = e
				front = append(front, e.From)
			}
		}
		for _, s := range h.reads[t] {
			h.sources(s, func(w int32) { add(Edge{From: w, To: t, Why: WR}) })
		}
		if p := h.prior(t); p >= 0 {
			add(Edge{From: p, To: t, Why: SO})
		}
	}
	var path []Edge
	for at := seen; at != txn; at = then[at].To {
		e := then[at]
		if e.Why == WR {
			e = h.wr(e.From, e.To)
		}
		path = append(path, e)
	}
	return path
}
