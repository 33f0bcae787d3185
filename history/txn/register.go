package txn

import (
	"cmp"
	"slices"
	"time"

	"althing/history"
)

// maxInferred bounds the transactions among which an order of versions is
// inferred: what comes before what takes a bit for each two, 32 MiB in all.
const maxInferred = 1 << 14

// registers is an rw-register history, read.
type registers struct {
	txns   []Txn
	g      *graph
	reads  []read
	writes map[string][]int32 // by key: who wrote it, of those that happened
	known  map[known]origin
	round  int32 // of inference, from 1
}

// An origin is why an edge is known: in which round of inference it was found, 0
// if it is seen in the history; and who, if anybody, read what comes later by it.
type origin struct{ round, reader int32 }

// known tells edges apart.
type known struct {
	from, to      int32
	why           Dependency
	key, old, new string
}

// A read is a transaction's first action on a key, if it reads.
type read struct {
	txn    int32
	key    string
	value  string
	writer int32 // -1: it is what was there at first
	place  int   // among the transaction's actions
}

// checkRegisters judges an rw-register history. What is inferred of the order of
// versions is forced, so a cycle is a violation. That there is none proves
// nothing yet: then an order is looked for, and the verdict is Unknown if none
// is found.
func checkRegisters(txns []Txn, l Level, deadline time.Time) Report {
	writer, final, r := writers(txns)
	if r.Verdict != 0 {
		return r
	}
	h := &registers{txns: txns, writes: map[string][]int32{}, known: map[known]origin{},
		g: &graph{out: make([][]Edge, len(txns)), live: make([]bool, len(txns))}}
	if r := h.read(writer, final, l); r.Verdict != 0 {
		return r
	}
	if l == ReadCommitted {
		r := h.g.judge(l)
		r.Steps = h.prove(r.Cycle, l)
		return r
	}
	if r := h.lost(); r.Verdict != 0 {
		return r
	}
	if l == StrictSerializable {
		h.g.timely(txns)
	}
	if len(txns) <= maxInferred {
		for h.infer(l) {
			if !deadline.IsZero() && time.Now().After(deadline) {
				return unknown("the time ran out")
			}
		}
	}
	if r = h.g.judge(l); r.Verdict == history.Illegal {
		r.Steps = h.prove(r.Cycle, l)
		return r
	}
	return h.g.settle(txns, RWRegister, l, deadline, h.greedy(), r.Order)
}

// read finds what is wrong with the reads themselves, and what depends on them.
func (h *registers) read(writer map[version]int32, final map[version]bool, l Level) Report {
	for i := range h.txns {
		if h.txns[i].State != Committed {
			continue
		}
		h.g.live[i] = true
		r := readings(h.txns, int32(i), writer, final, l, func(r read) {
			h.reads = append(h.reads, r)
			if r.writer >= 0 {
				h.g.live[r.writer] = true
				h.add(Edge{From: r.writer, To: r.txn, Why: WR, Key: r.key, New: r.value}, -1)
			}
		})
		if r.Verdict != 0 {
			return r
		}
	}
	h.gather()
	return Report{}
}

// readings finds what is wrong with a transaction's reads of registers, each by
// itself, and hands on those of what others wrote.
func readings(txns []Txn, n int32, writer map[version]int32, final map[version]bool, l Level,
	take func(read)) Report {
	saw := map[string]*Action{}
	for j := range txns[n].Actions {
		a := &txns[n].Actions[j]
		before := saw[a.Key]
		mine := before != nil && before.Write // from its own write on it reads that
		if a.Write || !mine {
			saw[a.Key] = a
		}
		if a.Write {
			continue
		}
		v := version{a.Key, a.Value}
		w, written := writer[v]
		switch {
		case a.Value != "" && !written:
			return illegal("garbage", []int32{n}, "nobody wrote %q to key %s, which was read", a.Value, a.Key)
		case written && txns[w].State == Aborted:
			return illegal("G1a", []int32{w, n}, "%q of key %s was read, and aborted", a.Value, a.Key)
		case mine && before.Value != a.Value:
			return illegal("internal", []int32{n},
				"%q of key %s was read after %q was written", a.Value, a.Key, before.Value)
		case written && w != n && !final[v]:
			return illegal("G1b", []int32{w, n}, "%q of key %s was read, and its writer wrote more", a.Value, a.Key)
		case before != nil && before.Value != a.Value && !l.changing():
			return illegal("fuzzy-read", []int32{n}, "of key %s %q was read, and then %q", a.Key, before.Value, a.Value)
		case written && w == n && !mine:
			return illegal("internal", []int32{n}, "%q of key %s was read before it was written", a.Value, a.Key)
		case mine || before != nil && !l.changing():
			continue
		}
		if !written {
			w = -1
		}
		take(read{n, a.Key, a.Value, w, j})
	}
	return Report{}
}

// gather finds who wrote each key. Who read what was there at first comes before
// them all.
func (h *registers) gather() {
	for i := range h.txns {
		for j := range h.txns[i].Actions {
			if a := &h.txns[i].Actions[j]; a.Write && h.g.live[i] {
				if w := h.writes[a.Key]; len(w) == 0 || w[len(w)-1] != int32(i) {
					h.writes[a.Key] = append(w, int32(i))
				}
			}
		}
	}
	for _, r := range h.reads {
		if r.writer < 0 {
			for _, w := range h.writes[r.key] {
				h.add(edge(r.txn, w, RW, r.key, "", h.value(w, r.key)), -1)
			}
		}
	}
}

// value is the last that a transaction wrote to a key.
func (h *registers) value(txn int32, key string) (value string) {
	for _, a := range h.txns[txn].Actions {
		if a.Write && a.Key == key {
			value = a.Value
		}
	}
	return value
}

// add adds an edge, and tells whether it is new; reader: who read what To wrote,
// if that is why.
func (h *registers) add(e Edge, reader int32) bool {
	k := known{e.From, e.To, e.Why, e.Key, e.Old, e.New}
	if _, old := h.known[k]; old || e.From == e.To {
		return false
	}
	h.known[k] = origin{h.round, reader}
	h.g.add(e)
	return true
}

// lost finds two transactions that read the same version of a key and then both
// write it.
func (h *registers) lost() Report {
	who := map[version]int32{}
	for _, r := range h.reads {
		if !slices.Contains(h.writes[r.key], r.txn) {
			continue
		}
		v := version{r.key, r.value}
		if first, other := who[v]; other {
			return lostUpdate(first, r.txn, v)
		}
		who[v] = r.txn
	}
	return Report{}
}

// infer adds what the reads force. A writer of a key that comes before a reader
// of it comes before the writer it read; one that comes after that writer comes
// after the reader. For snapshots only what commits before counts as before.
func (h *registers) infer(l Level) (more bool) {
	before := h.g.reach(l.before())
	h.round++
	if before == nil {
		return false // a cycle
	}
	has := func(a, b int32) bool { return before[b][a>>6]>>(a&63)&1 == 1 }
	for _, r := range h.reads {
		for _, w := range h.writes[r.key] {
			if w == r.writer || w == r.txn || r.writer < 0 {
				continue
			}
			if has(w, r.txn) {
				more = h.add(edge(w, r.writer, WW, r.key, h.value(w, r.key), r.value), r.txn) || more
			}
			if has(r.writer, w) {
				more = h.add(edge(r.writer, w, WW, r.key, r.value, h.value(w, r.key)), -1) || more
				more = h.add(edge(r.txn, w, RW, r.key, r.value, h.value(w, r.key)), -1) || more
			}
		}
		if slices.Contains(h.writes[r.key], r.txn) && r.writer >= 0 { // it read, and then wrote
			more = h.add(edge(r.writer, r.txn, WW, r.key, r.value, h.value(r.txn, r.key)), -1) || more
		}
	}
	return more
}

// reach returns, by transaction, those that come before it; nil if some come
// before themselves.
func (g *graph) reach(edges Dependency) [][]uint64 {
	order := g.order(edges, true, nil)
	live := 0
	for _, l := range g.live {
		if l {
			live++
		}
	}
	if len(order) < live {
		return nil
	}
	before := make([][]uint64, len(g.out))
	width := (len(g.out) + 63) / 64
	cells := make([]uint64, width*len(g.out))
	for n := range before {
		before[n] = cells[n*width : (n+1)*width]
	}
	for _, n := range order {
		for _, e := range g.out[n] {
			if e.Why&edges == 0 {
				continue
			}
			to := before[e.To]
			to[n>>6] |= 1 << (n & 63)
			for i, word := range before[n] {
				to[i] |= word
			}
		}
	}
	return before
}

// greedy looks for a serial order: of those that may be next, the one that was
// called first, if its reads are right and nobody else has yet to read what it
// replaces. It does not go back.
func (h *registers) greedy() (order []int32) {
	n := len(h.txns)
	need := make([]int, n)
	for _, out := range h.g.out {
		for _, e := range out {
			need[e.To]++
		}
	}
	values, wanted := map[string]string{}, map[version]int{}
	reads := make([][]read, n)
	for _, r := range h.reads {
		reads[r.txn] = append(reads[r.txn], r)
		wanted[version{r.key, r.value}]++
	}
	var ready []int32
	for i := range need {
		if need[i] == 0 && h.g.live[i] {
			ready = append(ready, int32(i))
		}
	}
	fits := func(i int32) bool {
		own := map[string]bool{}
		for _, r := range reads[i] {
			own[r.key] = true
			if values[r.key] != r.value {
				return false
			}
		}
		for _, a := range h.txns[i].Actions {
			left := wanted[version{a.Key, values[a.Key]}]
			if a.Write && (left > 1 || left == 1 && !own[a.Key]) {
				return false
			}
		}
		return true
	}
	for len(ready) > 0 {
		slices.SortFunc(ready, func(a, b int32) int { return cmp.Compare(h.txns[a].Call, h.txns[b].Call) })
		at := slices.IndexFunc(ready, fits)
		if at < 0 {
			return nil
		}
		i := ready[at]
		ready = slices.Delete(ready, at, at+1)
		order = append(order, i)
		for _, r := range reads[i] {
			wanted[version{r.key, r.value}]--
		}
		for _, a := range h.txns[i].Actions {
			if a.Write {
				values[a.Key] = a.Value
			}
		}
		for _, e := range h.g.out[i] {
			if need[e.To]--; need[e.To] == 0 && h.g.live[e.To] {
				ready = append(ready, e.To)
			}
		}
	}
	return order
}
