package txn

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"althing/history"
)

// A version is a value of a key.
type version struct{ key, value string }

// lists is a list-append history, read.
type lists struct {
	txns    []Txn
	writer  map[version]int32
	final   map[version]bool    // no later value of that key by its writer
	longest map[string][]string // by key
	seen    map[version]bool    // in the longest
	by      map[string]int32    // by key: who read the longest
	g       *graph
}

// checkLists judges a list-append history.
func checkLists(txns []Txn, l Level, deadline time.Time) Report {
	h, r := readLists(txns)
	if r.Verdict != 0 {
		return r
	}
	h.depend()
	if l != ReadCommitted {
		if r := repeated(txns); r.Verdict != 0 {
			return r
		}
		if r := h.lost(); r.Verdict != 0 {
			return r
		}
		h.conflict()
	}
	if l == StrictSerializable {
		h.g.timely(txns)
	}
	if r = h.g.judge(l); r.Verdict != history.OK {
		return r
	}
	// What nobody read has no place among the versions yet.
	return h.g.settle(txns, ListAppend, l, deadline, r.Order, h.g.order(WW|WR|RW, true, nil))
}

// settle looks for an order that proves a level: one of those, or else of others
// that keep what is known.
func (g *graph) settle(txns []Txn, m Model, l Level, deadline time.Time, orders ...[]int32) Report {
	for n := uint64(0); n < tries && (deadline.IsZero() || time.Now().Before(deadline)); n++ {
		if n >= uint64(len(orders)) {
			rank := make([]int32, len(txns))
			for i, to := range rand.New(rand.NewPCG(n, n)).Perm(len(rank)) {
				rank[i] = int32(to)
			}
			orders = append(orders, g.order(WW|WR|RW, false, rank))
		}
		if VerifyOrder(txns, m, l, orders[n]) == nil {
			return Report{Verdict: history.OK, Order: orders[n]}
		}
	}
	return unknown("no anomaly was found, nor an order that proves that there is none")
}

// readLists reads a list-append history, and finds what is wrong with the reads.
func readLists(txns []Txn) (h *lists, r Report) {
	h = &lists{txns: txns, longest: map[string][]string{}, seen: map[version]bool{}, by: map[string]int32{}}
	if h.writer, h.final, r = writers(txns); r.Verdict == 0 {
		r = h.read()
	}
	return h, r
}

// tries is how many orders are tried.
const tries = 64

// writers returns who wrote each version, and which were the last of theirs to
// their key. A version that is written twice makes the history unknown.
func writers(txns []Txn) (writer map[version]int32, final map[version]bool, r Report) {
	count := 0
	for i := range txns {
		count += len(txns[i].Actions)
	}
	writer, final = make(map[version]int32, count/2), make(map[version]bool, count/2)
	last := map[string]version{}
	for i := range txns {
		clear(last)
		for j := range txns[i].Actions {
			a := &txns[i].Actions[j]
			if !a.Write {
				continue
			}
			v := version{a.Key, a.Value}
			if _, twice := writer[v]; twice {
				return nil, nil, unknown("%q is written twice to key %q: who was read cannot be told", a.Value, a.Key)
			}
			writer[v] = int32(i)
			last[a.Key] = v
		}
		for _, v := range last {
			final[v] = true
		}
	}
	return writer, final, Report{}
}

// read finds what is wrong with the reads themselves, and the longest of each
// key.
func (h *lists) read() Report {
	for i := range h.txns {
		if h.txns[i].State != Committed {
			continue
		}
		if r := h.wrong(int32(i)); r.Verdict != 0 {
			return r
		}
		for _, a := range external(&h.txns[i]) {
			longest, shorter := h.longest[a.Key], a.List
			if len(a.List) > len(longest) {
				longest, shorter = shorter, longest
			}
			if !slices.Equal(longest[:len(shorter)], shorter) {
				return illegal("incompatible-order", []int32{h.by[a.Key], int32(i)},
					"of key %s %q and %q were read: neither is the beginning of the other", a.Key, longest, shorter)
			}
			if len(longest) > len(h.longest[a.Key]) {
				h.longest[a.Key], h.by[a.Key] = longest, int32(i)
			}
		}
	}
	for k, list := range h.longest {
		for _, v := range list {
			h.seen[version{k, v}] = true
		}
	}
	return h.torn()
}

// torn finds a transaction whose values are read in another order than it wrote
// them, or not all of them.
func (h *lists) torn() Report {
	for _, k := range slices.Sorted(maps.Keys(h.longest)) {
		read := map[int32][]string{}
		for _, v := range h.longest[k] {
			w := h.writer[version{k, v}]
			read[w] = append(read[w], v)
		}
		for _, w := range slices.Sorted(maps.Keys(read)) {
			var all []string
			for _, a := range h.txns[w].Actions {
				if a.Write && a.Key == k {
					all = append(all, a.Value)
				}
			}
			if !slices.Equal(all, read[w]) {
				return illegal("torn-write", []int32{w, h.by[k]}, "of key %s %q was read, and %q was appended", k,
					h.longest[k], all)
			}
		}
	}
	return Report{}
}

// wrong finds what is wrong with a transaction's reads, each by itself.
func (h *lists) wrong(i int32) Report {
	mine := map[string][]string{}
	for j := range h.txns[i].Actions {
		a := &h.txns[i].Actions[j]
		own := mine[a.Key]
		if a.Write {
			mine[a.Key] = append(own, a.Value)
			continue
		}
		if r := h.strange(i, a); r.Verdict != 0 {
			return r
		}
		if len(a.List) < len(own) || !slices.Equal(a.List[len(a.List)-len(own):], own) {
			return illegal("internal", []int32{i}, "%q of key %s was read after %q was appended", a.List, a.Key, own)
		}
		for _, v := range a.List[:len(a.List)-len(own)] {
			if h.writer[version{a.Key, v}] == i {
				return illegal("internal", []int32{i}, "%q of key %s was read before it was appended", a.List, a.Key)
			}
		}
	}
	return Report{}
}

// strange finds what is wrong with the values of one read.
func (h *lists) strange(i int32, a *Action) Report {
	here := make(map[string]bool, len(a.List))
	for n, v := range a.List {
		w, written := h.writer[version{a.Key, v}]
		switch {
		case !written:
			return illegal("garbage", []int32{i}, "nobody wrote %q to key %s, which was read", v, a.Key)
		case h.txns[w].State == Aborted:
			return illegal("G1a", []int32{w, i}, "%q of key %s was read, and aborted", v, a.Key)
		case here[v]:
			return illegal("duplicate", []int32{i}, "%q is twice in key %s", v, a.Key)
		case n == len(a.List)-1 && w != i && !h.final[version{a.Key, v}]:
			return illegal("G1b", []int32{w, i}, "%q of key %s was read, and its writer wrote more", v, a.Key)
		}
		here[v] = true
	}
	return Report{}
}

// external returns what a transaction read of others: its reads without what it
// had appended itself.
func external(t *Txn) []Action {
	var all []Action
	own := map[string]int{}
	for _, a := range t.Actions {
		if a.Write {
			own[a.Key]++
			continue
		}
		a.List = a.List[:max(0, len(a.List)-own[a.Key])]
		all = append(all, a)
	}
	return all
}

// repeated finds a transaction that reads two versions of a key, apart from what
// it appends between.
func repeated(txns []Txn) Report {
	for i := range txns {
		if txns[i].State != Committed {
			continue
		}
		read := map[string]*Action{}
		added := map[string]int{}
		for j := range txns[i].Actions {
			a := &txns[i].Actions[j]
			if a.Write {
				added[a.Key]++
				continue
			}
			if b := read[a.Key]; b != nil && len(a.List) != len(b.List)+added[a.Key] {
				return illegal("fuzzy-read", []int32{int32(i)},
					"of key %s %q was read, and then %q", a.Key, b.List, a.List)
			}
			read[a.Key], added[a.Key] = a, 0
		}
	}
	return Report{}
}

// depend adds the dependencies.
func (h *lists) depend() {
	h.g = &graph{out: make([][]Edge, len(h.txns)), live: make([]bool, len(h.txns))}
	for i := range h.txns {
		h.g.live[i] = h.txns[i].State == Committed
	}
	for k, list := range h.longest {
		for n, v := range list {
			w := h.writer[version{k, v}]
			if h.g.live[w] = true; n > 0 {
				h.g.add(edge(h.writer[version{k, list[n-1]}], w, WW, k, list[n-1], v))
			}
		}
	}
	unseen := h.unseen()
	for i := range h.txns {
		if h.txns[i].State != Committed {
			continue
		}
		for _, a := range external(&h.txns[i]) {
			h.reads(int32(i), &a, unseen[a.Key])
		}
	}
}

// unseen returns, by key, the versions that came about and nobody read. They
// come after all that was read: else they would be in it.
func (h *lists) unseen() map[string][]string {
	unseen := map[string][]string{}
	for i := range h.txns {
		if !h.g.live[i] {
			continue
		}
		for j := range h.txns[i].Actions {
			a := &h.txns[i].Actions[j]
			if !a.Write || h.seen[version{a.Key, a.Value}] {
				continue
			}
			unseen[a.Key] = append(unseen[a.Key], a.Value)
			if list := h.longest[a.Key]; len(list) > 0 {
				last := list[len(list)-1]
				h.g.add(edge(h.writer[version{a.Key, last}], int32(i), WW, a.Key, last, a.Value))
			}
		}
	}
	return unseen
}

// reads adds what depends on a read.
func (h *lists) reads(i int32, a *Action, unseen []string) {
	last := ""
	if n := len(a.List); n > 0 {
		last = a.List[n-1]
		h.g.add(edge(h.writer[version{a.Key, last}], i, WR, a.Key, "", last))
	}
	if longest := h.longest[a.Key]; len(a.List) < len(longest) {
		next := longest[len(a.List)]
		h.g.add(edge(i, h.writer[version{a.Key, next}], RW, a.Key, last, next))
		return
	}
	for _, v := range unseen {
		h.g.add(edge(i, h.writer[version{a.Key, v}], RW, a.Key, last, v))
	}
}

// lost finds two transactions that read the same version of a key and then both
// write it: whichever comes first, the other did not see it.
func (h *lists) lost() Report {
	who := map[version]int32{}
	for i := range h.txns {
		t := &h.txns[i]
		if t.State != Committed {
			continue
		}
		wrote, told := map[string]bool{}, map[string]bool{}
		for _, a := range t.Actions {
			wrote[a.Key] = wrote[a.Key] || a.Write
		}
		for _, a := range external(t) {
			if told[a.Key] || !wrote[a.Key] {
				continue
			}
			told[a.Key] = true
			v := version{key: a.Key}
			if n := len(a.List); n > 0 {
				v.value = a.List[n-1]
			}
			if first, other := who[v]; other {
				return lostUpdate(first, int32(i), v)
			}
			who[v] = int32(i)
		}
	}
	return Report{}
}

func lostUpdate(first, second int32, v version) Report {
	return illegal("lost-update", []int32{first, second}, "both read key %s at %q, and both wrote it", v.key, v.value)
}

// conflict orders those of whom nobody read what they wrote to a key, where one
// did not see something of the other: with snapshots the first of two that
// write the same key must be seen by the second.
func (h *lists) conflict() {
	wrote := make([]map[string]string, len(h.txns))
	for i := range h.txns {
		for _, a := range h.txns[i].Actions {
			if a.Write && h.g.live[i] && !h.seen[version{a.Key, a.Value}] {
				if wrote[i] == nil {
					wrote[i] = map[string]string{}
				}
				wrote[i][a.Key] = a.Value
			}
		}
	}
	for i := range h.g.out {
		for _, e := range h.g.out[i] {
			if e.Why != RW {
				continue
			}
			for k, v := range wrote[e.From] {
				if w, both := wrote[e.To][k]; both {
					h.g.add(edge(e.From, e.To, WW, k, v, w))
				}
			}
		}
	}
}
