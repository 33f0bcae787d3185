package txn

import (
	"cmp"
	"container/heap"
	"math"
	"slices"

	"althing/history"
)

// changing tells whether a transaction may read two versions of one key.
func (l Level) changing() bool { return l == ReadCommitted || l == MonotonicView }

// weak tells whether a level is one of those that are about what is seen.
func (l Level) weak() bool { return l == MonotonicView || l == ReadAtomic || l == Causal }

// A sight is what a transaction read of a key that others wrote.
type sight struct {
	key    int32
	from   int32 // who wrote it, the last of a list; -1: nobody
	count  int32 // of a list: how many values
	action int32 // place among the transaction's actions
}

// A spot is a key that a transaction wrote.
type spot struct {
	key int32
	at  int32 // of a list: the place of the last value that it added; unread if nobody read it
}

const unread = math.MaxInt32

// A link is an edge of the order of commits, before anybody asks for its words.
type link struct {
	from, to int32
	why      Dependency
	by       int32 // of a co: who read to's version, and saw from
	key      int32 // of a co, or ww
	at       int32 // of a ww: to's place among the versions
}

// sightings are a history as the weak levels look at it: who saw whom.
type sightings struct {
	txns   []Txn
	model  Model
	level  Level
	keys   []string
	live   []bool
	chain  []int32    // by transaction
	place  []int32    // by transaction: in its chain
	chains [][]int32  // a session, or one transaction whose outcome nobody was told
	before []int32    // by chain: the transaction after which it begins, or -1
	reads  [][]sight  // by transaction, in their order
	wrote  [][]spot   // by transaction, by key
	values [][]string // by key: the longest list that was read
	listed [][]int32  // by key: who wrote its values
	links  []link
}

// checkWeak judges a history by a level that is about what is seen (Møldrup and
// Pavlogiannis, "AWDIT: an optimal weak database isolation tester", PLDI 2025):
// it finds what must be committed before what, as little of it as implies the
// rest, and then an order, or a circle.
func checkWeak(txns []Txn, m Model, l Level) Report {
	h, r := see(txns, m, l)
	if r.Verdict != 0 {
		return r
	}
	h.obvious()
	order := h.sort()
	if order == nil {
		return h.circle()
	}
	known := len(h.links)
	switch l {
	case MonotonicView:
		r = h.monotonic()
	case ReadAtomic:
		r = h.atomic()
	case Causal:
		r = h.causal(order)
	}
	if r.Verdict != 0 {
		return r
	}
	if len(h.links) > known {
		order = h.sort()
	}
	if order == nil {
		return h.circle()
	}
	return Report{Verdict: history.OK, Order: order}
}

// see reads a history, and finds what is wrong with the reads by themselves.
func see(txns []Txn, m Model, l Level) (*sightings, Report) {
	n := len(txns)
	h := &sightings{txns: txns, model: m, level: l, live: make([]bool, n), chain: make([]int32, n),
		place: make([]int32, n), reads: make([][]sight, n), wrote: make([][]spot, n)}
	numbers := map[string]int32{}
	number := func(key string) int32 {
		k, ok := numbers[key]
		if !ok {
			k = int32(len(h.keys))
			numbers[key] = k
			h.keys = append(h.keys, key)
		}
		return k
	}
	var r Report
	if m == ListAppend {
		r = h.seeLists(number)
	} else {
		r = h.seeRegisters(number)
	}
	if r.Verdict != 0 {
		return nil, r
	}
	h.sessions()
	return h, r
}

func (h *sightings) seeRegisters(number func(string) int32) Report {
	writer, final, r := writers(h.txns)
	if r.Verdict != 0 {
		return r
	}
	for i := range h.txns {
		if h.txns[i].State != Committed {
			continue
		}
		h.live[i] = true
		r := readings(h.txns, int32(i), writer, final, h.level, func(r read) {
			h.reads[i] = append(h.reads[i], sight{key: number(r.key), from: r.writer, action: int32(r.place)})
			if r.writer >= 0 {
				h.live[r.writer] = true
			}
		})
		if r.Verdict != 0 {
			return r
		}
	}
	for i := range h.txns {
		h.writes(int32(i), number, func(version) int32 { return unread })
	}
	return Report{}
}

func (h *sightings) seeLists(number func(string) int32) Report {
	lists, r := readLists(h.txns)
	if r.Verdict == 0 && !h.level.changing() {
		r = repeated(h.txns)
	}
	if r.Verdict != 0 {
		return r
	}
	at := map[version]int32{}
	for key, list := range lists.longest {
		k := number(key)
		for int(k) >= len(h.listed) {
			h.listed, h.values = append(h.listed, nil), append(h.values, nil)
		}
		h.values[k] = list
		for place, v := range list {
			w := lists.writer[version{key, v}]
			at[version{key, v}] = int32(place)
			h.listed[k] = append(h.listed[k], w)
			h.live[w] = true
		}
	}
	for i := range h.txns {
		h.live[i] = h.live[i] || h.txns[i].State == Committed
		h.writes(int32(i), number, func(v version) int32 {
			if place, ok := at[v]; ok {
				return place
			}
			return unread
		})
		if h.txns[i].State != Committed {
			continue
		}
		own := map[string]int{}
		for j := range h.txns[i].Actions {
			a := &h.txns[i].Actions[j]
			if a.Write {
				own[a.Key]++
				continue
			}
			s := sight{number(a.Key), -1, int32(len(a.List) - own[a.Key]), int32(j)}
			if s.count > 0 {
				s.from = h.listed[s.key][s.count-1]
			}
			h.reads[i] = append(h.reads[i], s)
		}
	}
	for len(h.listed) < len(h.keys) {
		h.listed, h.values = append(h.listed, nil), append(h.values, nil)
	}
	return Report{}
}

// writes notes what a transaction wrote, if it happened.
func (h *sightings) writes(i int32, number func(string) int32, at func(version) int32) {
	if !h.live[i] {
		return
	}
	var all []spot
	for _, a := range h.txns[i].Actions {
		if a.Write {
			all = append(all, spot{number(a.Key), at(version{a.Key, a.Value})})
		}
	}
	slices.SortStableFunc(all, func(a, b spot) int { return cmp.Compare(a.key, b.key) })
	for _, s := range all {
		if last := len(h.wrote[i]) - 1; last >= 0 && h.wrote[i][last].key == s.key {
			h.wrote[i][last] = s
		} else {
			h.wrote[i] = append(h.wrote[i], s)
		}
	}
}

// spot finds what a transaction wrote to a key.
func (h *sightings) spot(txn, key int32) (spot, bool) {
	n, ok := slices.BinarySearchFunc(h.wrote[txn], key, func(s spot, key int32) int {
		return cmp.Compare(s.key, key)
	})
	if !ok {
		return spot{}, false
	}
	return h.wrote[txn][n], true
}

// sessions lays the transactions into chains. One whose outcome its process was
// not told may have been committed at any time after: nothing comes after it.
func (h *sightings) sessions() {
	var by []int32
	for i := range h.txns {
		if h.live[i] {
			by = append(by, int32(i))
		}
	}
	slices.SortStableFunc(by, func(a, b int32) int {
		s, t := &h.txns[a], &h.txns[b]
		return cmp.Or(cmp.Compare(s.Process, t.Process), cmp.Compare(s.Call, t.Call))
	})
	own := -1 // the chain of the session
	for k, i := range by {
		if k > 0 && h.txns[by[k-1]].Process != h.txns[i].Process {
			own = -1
		}
		at, start := own, int32(-1)
		if told := h.txns[i].State == Committed; own < 0 || !told {
			if at = len(h.chains); own >= 0 {
				start = h.chains[own][len(h.chains[own])-1]
			}
			h.chains, h.before = append(h.chains, nil), append(h.before, start)
			if told {
				own = at
			}
		}
		h.chain[i], h.place[i] = int32(at), int32(len(h.chains[at]))
		h.chains[at] = append(h.chains[at], i)
	}
}

// prior returns the transaction right before in the session, or -1.
func (h *sightings) prior(i int32) int32 {
	c := h.chain[i]
	if h.place[i] > 0 {
		return h.chains[c][h.place[i]-1]
	}
	return h.before[c]
}

// sources calls f with whom a read saw: all that wrote to a list what is in it.
func (h *sightings) sources(s sight, f func(w int32)) {
	switch {
	case h.model == ListAppend:
		for _, w := range h.listed[s.key][:s.count] {
			f(w)
		}
	case s.from >= 0:
		f(s.from)
	}
}

// obvious adds the links of the sessions, of the reads, and of the versions of
// lists. Of whom a read of a list saw only the last is linked to it: the others
// come before that.
func (h *sightings) obvious() {
	for i := range h.txns {
		if !h.live[i] {
			continue
		}
		if p := h.prior(int32(i)); p >= 0 {
			h.link(link{from: p, to: int32(i), why: SO})
		}
		for _, s := range h.reads[i] {
			if s.from >= 0 {
				h.link(link{from: s.from, to: int32(i), why: WR, key: s.key})
			}
		}
		for _, s := range h.wrote[i] {
			if h.model == ListAppend && s.at == unread && len(h.listed[s.key]) > 0 {
				end := len(h.listed[s.key])
				h.link(link{from: h.listed[s.key][end-1], to: int32(i), why: WW, key: s.key, at: int32(end)})
			}
		}
	}
	for k, list := range h.listed {
		for n := range list[:max(0, len(list)-1)] {
			h.link(link{from: list[n], to: list[n+1], why: WW, key: int32(k), at: int32(n + 1)})
		}
	}
}

func (h *sightings) link(l link) {
	if l.from != l.to {
		h.links = append(h.links, l)
	}
}

// sort returns an order of what happened that keeps all links, and else that of
// the calls; nil if there is none.
func (h *sightings) sort() []int32 {
	n := len(h.txns)
	need, start := make([]int32, n), make([]int32, n+1)
	for _, l := range h.links {
		need[l.to]++
		start[l.from+1]++
	}
	for i := range n {
		start[i+1] += start[i]
	}
	to, fill := make([]int32, len(h.links)), slices.Clone(start)
	for _, l := range h.links {
		to[fill[l.from]] = l.to
		fill[l.from]++
	}
	rank, calls := make([]int32, n), make([]int32, n)
	for i := range calls {
		calls[i] = int32(i)
	}
	slices.SortStableFunc(calls, func(a, b int32) int { return cmp.Compare(h.txns[a].Call, h.txns[b].Call) })
	for at, i := range calls {
		rank[i] = int32(at)
	}
	ready, count := &ranked{rank: rank}, 0
	for i := range n {
		if h.live[i] {
			if count++; need[i] == 0 {
				heap.Push(ready, int32(i))
			}
		}
	}
	order := make([]int32, 0, count)
	for ready.Len() > 0 {
		i := heap.Pop(ready).(int32)
		order = append(order, i)
		for _, t := range to[start[i]:start[i+1]] {
			if need[t]--; need[t] == 0 {
				heap.Push(ready, t)
			}
		}
	}
	if len(order) < count {
		return nil
	}
	return order
}
