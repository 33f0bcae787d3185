package txn

import (
	"slices"
	"sort"
)

// unseen tells whether a read lacks what a transaction wrote to its key for
// certain, and not only if that was committed later.
func (h *sightings) unseen(s sight, w spot) bool {
	return s.from < 0 || h.model == ListAppend && w.at >= s.count
}

// follow says that txn read s, and had to see what seen wrote to that key: then
// seen was committed before who wrote s; or the report says what txn missed.
func (h *sightings) follow(seen, txn int32, s sight) Report {
	w, ok := h.spot(seen, s.key)
	switch {
	case !ok || seen == s.from:
	case h.unseen(s, w):
		return h.missed(seen, txn, s)
	case h.model == RWRegister:
		h.link(link{from: seen, to: s.from, why: CO, by: txn, key: s.key})
	}
	return Report{}
}

// A soon is the first two of those that a transaction reads a key of later on.
type soon struct{ first, second sight }

// monotonic: whom a read saw is seen by all that come after it in the
// transaction (Algorithm 1). From the last read to the first, it is known for
// each key what is read of it next, and next of another than that: these imply
// the rest.
func (h *sightings) monotonic() (r Report) {
	for i := range h.reads {
		t := int32(i)
		next, first := map[int32]soon{}, map[int32]int{}
		for n, s := range h.reads[i] {
			h.sources(s, func(w int32) {
				if _, ok := first[w]; !ok {
					first[w] = n
				}
			})
		}
		for n, s := range slices.Backward(h.reads[i]) {
			h.sources(s, func(w int32) {
				if first[w] == n && r.Verdict == 0 {
					r = h.meet(w, t, next)
				}
			})
			if r.Verdict != 0 {
				return r
			}
			e, ok := next[s.key]
			if !ok {
				next[s.key] = soon{s, s}
			} else if e.first.from != s.from {
				next[s.key] = soon{s, e.first}
			}
		}
	}
	return Report{}
}

// meet goes through the keys that seen wrote, and that txn reads next; the fewer
// of both.
func (h *sightings) meet(seen, txn int32, next map[int32]soon) Report {
	each := func(e soon) Report {
		if e.first.from == seen {
			return h.follow(seen, txn, e.second)
		}
		return h.follow(seen, txn, e.first)
	}
	if len(next) < len(h.wrote[seen]) {
		for _, k := range slices.Sorted(mapKeys(next)) {
			if r := each(next[k]); r.Verdict != 0 {
				return r
			}
		}
		return Report{}
	}
	for _, w := range h.wrote[seen] {
		if e, ok := next[w.key]; ok {
			if r := each(e); r.Verdict != 0 {
				return r
			}
		}
	}
	return Report{}
}

func mapKeys(m map[int32]soon) func(func(int32) bool) {
	return func(yield func(int32) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// atomic: a transaction sees all of whom it reads, and all that its session did
// before (Algorithm 2). Of the session only the last to write a key matters.
func (h *sightings) atomic() (r Report) {
	for _, chain := range h.chains {
		last := map[int32]int32{}
		for _, t := range chain {
			reads := map[int32]soon{}
			for _, s := range h.reads[t] {
				reads[s.key] = soon{s, s}
				if w, ok := last[s.key]; ok {
					if r := h.follow(w, t, s); r.Verdict != 0 {
						return r
					}
				}
			}
			met := map[int32]bool{}
			for _, s := range h.reads[t] {
				h.sources(s, func(w int32) {
					if !met[w] && r.Verdict == 0 {
						met[w] = true
						r = h.meet(w, t, reads)
					}
				})
			}
			if r.Verdict != 0 {
				return r
			}
			for _, w := range h.wrote[t] {
				last[w.key] = t
			}
		}
	}
	return Report{}
}

// maxCells bounds the clocks of a history, to half a gigabyte: one number for
// each transaction and session.
const maxCells = 1 << 27

// A past says how many of each chain, from its beginning on, are in it.
type past []int32

func (p past) join(q past) {
	for c, n := range q {
		p[c] = max(p[c], n)
	}
}

// causal: a transaction sees all that it depends on, by sessions and reads, in
// any number of steps (Algorithm 3). Of each session only the last in its past
// to write a key matters. The order is one that keeps what is obvious.
func (h *sightings) causal(order []int32) Report {
	k := len(h.chains)
	cells := len(h.txns)
	for _, list := range h.listed {
		cells += len(list)
	}
	if cells*k > maxCells {
		return unknown("%d transactions of %d sessions are too many", len(h.txns), k)
	}
	pasts, all := make([]past, len(h.txns)), make([]int32, len(h.txns)*k)
	for i := range pasts {
		pasts[i] = all[i*k : (i+1)*k : (i+1)*k] // of others; then with itself
	}
	writers := h.index()
	lists := make([][]past, len(h.listed)) // by key and place: the past of whom wrote so much of it
	for _, t := range order {
		now := pasts[t]
		if p := h.prior(t); p >= 0 {
			now.join(pasts[p])
		}
		for _, s := range h.reads[t] {
			switch {
			case h.model == ListAppend && s.count > 0:
				now.join(lists[s.key][s.count-1])
			case h.model == RWRegister && s.from >= 0:
				now.join(pasts[s.from])
			}
		}
		if r := h.hindsight(t, pasts, writers); r.Verdict != 0 {
			return r
		}
		now[h.chain[t]] = max(now[h.chain[t]], h.place[t]+1)
		for _, w := range h.wrote[t] {
			for w.at != unread && len(lists[w.key]) <= int(w.at) {
				sum := slices.Clone(now)
				if n := len(lists[w.key]); n > 0 {
					sum.join(lists[w.key][n-1])
				}
				lists[w.key] = append(lists[w.key], sum)
			}
		}
	}
	return Report{}
}

// hindsight holds what a transaction read against its past.
func (h *sightings) hindsight(t int32, pasts []past, writers [][][]int32) Report {
	now := pasts[t]
	for _, s := range h.reads[t] {
		for _, wrote := range writers[s.key] {
			count := now[h.chain[wrote[0]]]
			n := sort.Search(len(wrote), func(n int) bool { return h.place[wrote[n]] >= count })
			if n == 0 {
				continue
			}
			w := wrote[n-1]
			if s.from >= 0 && h.model == RWRegister && pasts[s.from][h.chain[w]] > h.place[w] {
				continue // it is known
			}
			if r := h.follow(w, t, s); r.Verdict != 0 {
				return r
			}
		}
	}
	return Report{}
}

// index returns, by key, the chains with writers of it, each as these in order.
func (h *sightings) index() [][][]int32 {
	all := make([][][]int32, len(h.keys))
	for c, chain := range h.chains {
		for _, t := range chain {
			for _, w := range h.wrote[t] {
				if last := len(all[w.key]) - 1; last < 0 || h.chain[all[w.key][last][0]] != int32(c) {
					all[w.key] = append(all[w.key], nil)
				}
				last := len(all[w.key]) - 1
				all[w.key][last] = append(all[w.key][last], t)
			}
		}
	}
	return all
}
