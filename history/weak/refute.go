package weak

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"althing/history"
)

// coreTime bounds the search for a smaller core.
const coreTime = 10 * time.Second

// shrink looks for a small part of the history that breaks the promise by
// itself: first among those that were found to, then everywhere. To leave out a
// read, or a write that nobody left reads, asks less of a history, so what the
// rest breaks the whole breaks.
func shrink(ops []history.Op, p Promise, found []int32) []int32 {
	deadline := time.Now().Add(coreTime)
	broken := func(core []int32) bool {
		part := make([]history.Op, len(core))
		for i, at := range core {
			part[i] = ops[at]
		}
		return readable(ops, core) && judge(part, p, deadline).Verdict == history.Illegal
	}
	core := found
	if !broken(core) {
		core = make([]int32, len(ops))
		for i := range core {
			core[i] = int32(i)
		}
	}
	if p == Eventual {
		return core // what was not written after counts, too
	}
	for size := max(1, len(core)/2); ; size /= 2 {
		for at := 0; at < len(core) && time.Now().Before(deadline); {
			rest := slices.Delete(slices.Clone(core), at, min(at+size, len(core)))
			if broken(rest) {
				core = rest
			} else {
				at += size
			}
		}
		if size == 1 {
			break
		}
	}
	slices.SortStableFunc(core, func(a, b int32) int { return int(min(1, max(-1, ops[a].Call-ops[b].Call))) })
	return core
}

// readable tells whether each value that is read in the part, and written in
// the whole, is written in the part.
func readable(ops []history.Op, part []int32) bool {
	type version struct{ key, value string }
	here := map[version]bool{}
	for _, i := range part {
		if o := &ops[i]; o.Kind == history.Put {
			here[version{o.Key, o.Arg}] = true
		}
	}
	missing := map[version]bool{}
	for _, i := range part {
		if o := &ops[i]; o.Kind == history.Get && o.Result != "" && !here[version{o.Key, o.Result}] {
			missing[version{o.Key, o.Result}] = true
		}
	}
	return len(missing) == 0 || !slices.ContainsFunc(ops, func(o history.Op) bool {
		return o.Kind == history.Put && missing[version{o.Key, o.Arg}]
	})
}

// ErrExplained is what a core is refused with that does not break the promise.
var ErrExplained = errors.New("the operations keep the promise")

// maxCore is the largest core whose every order is tried.
const maxCore = 24

// Refute tells why a core is none: an order that keeps the promise. It follows
// the definitions and tries all orders; it shares nothing with Check but the
// reading of the history.
func Refute(ops []history.Op, p Promise, core []int32) error {
	if len(core) == 0 || len(core) > maxCore {
		return fmt.Errorf("a core of %d operations: expected 1 to %d", len(core), maxCore)
	}
	part := make([]history.Op, len(core))
	for i, at := range core {
		part[i] = ops[at]
	}
	if !readable(ops, core) {
		return fmt.Errorf("%w: a write that is read is left out", ErrExplained)
	}
	h, r := prepare(part)
	if r.Verdict == history.Illegal {
		return nil
	}
	if r.Verdict == history.Unknown {
		if v := searchSequential(part, time.Time{}); v.Verdict == history.Illegal && p == Sequential {
			return nil
		}
		return ErrExplained
	}
	if newTrial(h, p).kept() {
		return ErrExplained
	}
	return nil
}

// A trial tries orders of a small history.
type trial struct {
	h   *record
	p   Promise
	so  func(a, b int32) bool // a is before b in its session
	dep func(a, b int32) bool // b depends on a
}

func newTrial(h *record, p Promise) *trial {
	n := len(h.nodes)
	session, depends := closure(n), closure(n)
	for a := range n {
		for b := range n {
			i, j := int32(a), int32(b)
			same := h.chain[i] == h.chain[j] && h.place[i] < h.place[j]
			start := h.before[h.chain[j]]
			same = same || start >= 0 && h.chain[start] == h.chain[i] && h.place[i] <= h.place[start]
			session[a][b] = same
			depends[a][b] = same || h.from[b] == i
		}
	}
	for k := range n {
		for a := range n {
			for b := range n {
				depends[a][b] = depends[a][b] || depends[a][k] && depends[k][b]
			}
		}
	}
	return &trial{h: h, p: p, so: func(a, b int32) bool { return session[a][b] },
		dep: func(a, b int32) bool { return depends[a][b] }}
}

func closure(n int) [][]bool {
	all := make([][]bool, n)
	for i := range all {
		all[i] = make([]bool, n)
	}
	return all
}

func (t *trial) kept() bool {
	var writes, all []int32
	for n := range t.h.nodes {
		all = append(all, int32(n))
		if t.h.write(int32(n)) {
			writes = append(writes, int32(n))
		}
	}
	for _, n := range all {
		if t.dep(n, n) && slices.Contains([]Promise{Causal, Convergent, Memory, WritesFollowReads}, t.p) {
			return false
		}
	}
	switch t.p {
	case Sequential:
		return t.replay(all, t.so)
	case PRAM, Memory:
		before := t.so
		if t.p == Memory {
			before = t.dep
		}
		for c := range t.h.chains {
			mine := slices.Clone(writes)
			for _, n := range t.h.chains[c] {
				if !t.h.write(n) {
					mine = append(mine, n)
				}
			}
			if !t.replay(mine, before) {
				return false
			}
		}
		return true
	case Causal:
		return !slices.ContainsFunc(all, func(r int32) bool {
			return !t.h.write(r) && slices.ContainsFunc(writes, func(w int32) bool {
				from := t.h.from[r]
				return t.h.key[w] == t.h.key[r] && w != from && t.dep(w, r) && (from < 0 || t.dep(from, w))
			})
		})
	case Eventual:
		return t.h.eventual().Verdict != history.Illegal
	}
	if t.p == Convergent {
		return t.arbitrate(nil, writes, all)
	}
	return !slices.ContainsFunc(t.h.chains, func(session []int32) bool { return !t.arbitrate(nil, writes, session) })
}

// replay tries all orders of nodes that keep before.
func (t *trial) replay(nodes []int32, before func(a, b int32) bool) bool {
	type at struct {
		left   uint32
		values string
	}
	tried := map[at]bool{}
	var try func(left uint32, values map[int32]int32) bool
	try = func(left uint32, values map[int32]int32) bool {
		here := at{left, fmt.Sprint(values)}
		if left == 0 || tried[here] {
			return left == 0
		}
		tried[here] = true
		for i, n := range nodes {
			if left>>i&1 == 0 || slices.ContainsFunc(nodes, func(m int32) bool {
				return left>>slices.Index(nodes, m)&1 == 1 && before(m, n)
			}) {
				continue
			}
			k := t.h.key[n]
			was, there := values[k]
			if !there {
				was = initial
			}
			if !t.h.write(n) {
				if was == t.h.from[n] && try(left&^(1<<i), values) {
					return true
				}
				continue
			}
			values[k] = n
			if try(left&^(1<<i), values) {
				return true
			}
			if delete(values, k); there {
				values[k] = was
			}
		}
		return false
	}
	return try(1<<len(nodes)-1, map[int32]int32{})
}

// arbitrate tries all orders of the writes for one in which each of the reads
// returns the last write that it sees.
func (t *trial) arbitrate(order, rest, reads []int32) bool {
	if len(rest) == 0 {
		return t.right(order, reads)
	}
	for i, n := range rest {
		if slices.ContainsFunc(rest, func(m int32) bool { return t.first(m, n) }) {
			continue
		}
		if t.arbitrate(append(slices.Clone(order), n), slices.Delete(slices.Clone(rest), i, i+1), reads) {
			return true
		}
	}
	return false
}

// first tells whether write m comes before write n in any order.
func (t *trial) first(m, n int32) bool {
	switch t.p {
	case Convergent:
		return t.dep(m, n)
	case WritesFollowReads:
		return t.so(m, n) || t.follows(m, n)
	}
	return t.so(m, n)
}

// follows tells whether the session of write n had seen write m before it, by
// reads alone.
func (t *trial) follows(m, n int32) bool {
	for r, from := range t.h.from {
		if from >= 0 && t.so(int32(r), n) && (from == m || t.follows(m, from)) {
			return true
		}
	}
	return false
}

// right tells whether each read returns the last write, in the order, that it
// sees.
func (t *trial) right(order, reads []int32) bool {
	for _, r := range reads {
		from := t.h.from[r]
		if from == noRead {
			continue
		}
		last := int32(initial)
		for _, w := range order {
			if t.h.key[w] == t.h.key[r] && (w == from || t.sees(r, w)) {
				last = w
			}
		}
		if last != from {
			return false
		}
	}
	return true
}

// sees tells whether read r must see write w.
func (t *trial) sees(r, w int32) bool {
	if t.p == Convergent {
		return t.dep(w, r)
	}
	if t.p == ReadYourWrites {
		return t.so(w, r)
	}
	for q, from := range t.h.from {
		if from < 0 || int32(q) != r && !t.so(int32(q), r) {
			continue
		}
		if from == w || t.p == MonotonicWrites && t.so(w, from) || t.p == WritesFollowReads && t.follows(w, from) {
			return true
		}
	}
	return false
}
