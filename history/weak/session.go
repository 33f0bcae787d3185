package weak

import (
	"math/bits"
	"slices"

	"althing/history"
)

// maxSights bounds the operations of a history that is held against
// writes-follow-reads: what a write follows takes a bit for each, 32 MiB in all.
const maxSights = 1 << 14

// A sight is a set of writes, by node.
type sight []uint64

func (s sight) set(n int32) { s[n>>6] |= 1 << (n & 63) }

func (s sight) join(t sight) {
	for i := range t {
		s[i] |= t[i]
	}
}

func (s sight) each(f func(n int32)) {
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			f(int32(i<<6 + bits.TrailingZeros64(word)))
		}
	}
}

// session holds a history against a session guarantee: what a read sees of its
// key must come before what it returned, in an order of all writes, one for each
// session, that keeps every session's.
func (h *record) session(p Promise) Report {
	in := make([]bool, len(h.nodes))
	for n := range in {
		in[n] = h.write(int32(n))
	}
	if len(in) > maxSights && p == WritesFollowReads {
		return unknown("%d operations are more than the %d that can be judged", len(in), maxSights)
	}
	g := newGraph(h, in)
	x := newIndex(h)
	var saw []sight // by write, for writes that follow reads
	if p == WritesFollowReads {
		var cycle []int32
		if saw, cycle = h.followed(g); cycle != nil {
			return h.illegal(circular, cycle...)
		}
	}
	all := Report{Verdict: history.OK}
	var free []int32 // an order that nothing but sessions binds
	for _, chain := range h.chains {
		o := observer{h: h, x: x, own: map[int32]int32{}, read: map[int32]int32{},
			clock: make(clock, len(h.chains)), saw: saw, sight: make(sight, (len(saw)+63)/64)}
		var added [][2]int32
		for _, n := range chain {
			if h.write(n) {
				o.own[h.key[n]] = n
				continue
			}
			missed := int32(-1)
			o.see(n, p, func(w int32) {
				switch from := h.from[n]; {
				case from == initial:
					missed = w
				case w != from && g.add(w, from):
					added = append(added, [2]int32{w, from})
				}
			})
			if missed >= 0 {
				return h.illegal("a read misses a write that it must see", append(chain[:h.place[n]+1:h.place[n]+1],
					missed)...)
			}
		}
		order := free
		if len(added) > 0 || free == nil {
			sorted, cycle := g.sort()
			if cycle != nil {
				return h.illegal(circular, append(cycle, chain...)...)
			}
			order = h.told(sorted)
		}
		if len(added) == 0 {
			free = order
		}
		g.undo(added)
		if slices.ContainsFunc(chain, func(n int32) bool { return !h.write(n) }) {
			all.Views = append(all.Views, View{h.ops[h.nodes[chain[0]]].Client, order})
		}
	}
	return all
}

// An observer is a session as it reads on.
type observer struct {
	h     *record
	x     *index
	own   map[int32]int32 // by key: what it wrote last
	read  map[int32]int32 // by key: the write that it read last
	clock clock           // the writes that it must see by monotonic writes
	saw   []sight
	sight sight // ... by writes that follow reads
}

// see calls f with the writes of its key that a read must see, without those
// that come before others of them by the order of a session.
func (o *observer) see(n int32, p Promise, f func(w int32)) {
	k, from := o.h.key[n], o.h.from[n]
	if p == ReadYourWrites {
		if w, ok := o.own[k]; ok {
			f(w)
		}
		return
	}
	if w, ok := o.read[k]; ok {
		f(w)
	}
	if from >= 0 {
		o.read[k] = from
	}
	if p == MonotonicWrites {
		for w := from; w >= 0; w = o.h.before[o.h.chain[w]] {
			c := o.h.chain[w]
			o.clock[c] = max(o.clock[c], o.h.place[w]+1)
		}
		o.x.last(k, func(c int32) int32 { return o.clock[c] }, f)
	}
	if p == WritesFollowReads {
		if from >= 0 {
			o.sight.set(from)
			o.sight.join(o.saw[from])
		}
		o.sight.each(func(w int32) {
			if o.h.key[w] == k {
				f(w)
			}
		})
	}
}

// followed returns, by write, the writes that its session had read before it,
// and what those had in turn; or a circle of them. It adds to g that a write
// comes after these.
func (h *record) followed(g *graph) (saw []sight, cycle []int32) {
	all := newGraph(h, nil)
	for n, w := range h.from {
		if w >= 0 {
			all.add(w, int32(n))
		}
	}
	order, cycle := all.sort()
	if cycle != nil {
		return nil, cycle
	}
	saw = make([]sight, len(h.nodes))
	now := make([]sight, len(h.chains)) // by chain: what it has seen
	width := (len(h.nodes) + 63) / 64
	for c := range now {
		now[c] = make(sight, width)
	}
	for _, n := range order {
		c := h.chain[n]
		if b := h.before[c]; b >= 0 && h.place[n] == 0 {
			now[c].join(h.seenBy(b, saw))
		}
		if w := h.from[n]; w >= 0 {
			now[c].set(w)
			now[c].join(saw[w])
		}
		if h.write(n) {
			saw[n] = append(sight(nil), now[c]...)
			saw[n].each(func(w int32) { g.add(w, n) })
		}
	}
	return saw, nil
}

// seenBy is what a session had seen when it came to a node.
func (h *record) seenBy(n int32, saw []sight) sight {
	all := make(sight, (len(h.nodes)+63)/64)
	chain := h.chains[h.chain[n]]
	for _, m := range chain[:h.place[n]+1] {
		if w := h.from[m]; w >= 0 {
			all.set(w)
			all.join(saw[w])
		}
	}
	return all
}
