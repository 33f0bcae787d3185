package txn

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"strings"

	"althing/history"
)

// A Dependency is why one transaction comes after another.
type Dependency uint8

// The dependencies, as sets.
const (
	WW Dependency = 1 << iota
	WR
	RW
	RT
	SO
	CO
)

// String returns its name.
func (d Dependency) String() string {
	return map[Dependency]string{WW: "ww", WR: "wr", RW: "rw", RT: "rt", SO: "so", CO: "co"}[d]
}

// MarshalText writes its name.
func (d Dependency) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// An Edge says that To comes after From, on account of Key: ww from the version
// Old to New, wr by New, rw from Old, which was read, to New, co from Old to New,
// which was read; "" is the version before all others.
type Edge struct {
	From int32      `json:"from"`
	To   int32      `json:"to"`
	Why  Dependency `json:"why"`
	Key  string     `json:"key,omitempty"`
	Old  string     `json:"old,omitempty"`
	New  string     `json:"new,omitempty"`
	// Via says why a co must be: the last read New of Key, and each was seen by
	// the next, From by the first.
	Via []int32 `json:"via,omitempty"`
}

func edge(from, to int32, why Dependency, key, before, after string) Edge {
	return Edge{From: from, To: to, Why: why, Key: key, Old: before, New: after}
}

// String describes the edge.
func (e Edge) String() string {
	switch e.Why {
	case WW:
		return fmt.Sprintf("wrote %s %q, which was followed by %q of", e.Key, e.Old, e.New)
	case WR:
		return fmt.Sprintf("wrote %s %q, which was read by", e.Key, e.New)
	case RW:
		return fmt.Sprintf("read %s %q, which was followed by %q of", e.Key, e.Old, e.New)
	case SO:
		return "was done before, by the same process, by"
	case CO:
		return fmt.Sprintf("wrote %s %q, and was seen by one who read %q of", e.Key, e.Old, e.New)
	}
	return "was answered before the call of"
}

// A graph holds the dependencies of transactions.
type graph struct {
	out  [][]Edge // by transaction
	live []bool   // by transaction: it happened
}

func (g *graph) add(e Edge) {
	if e.From != e.To {
		g.out[e.From] = append(g.out[e.From], e)
	}
}

// judge looks for the cycles that a level rules out, the gravest first, and for
// an order if there are none.
func (g *graph) judge(l Level) Report {
	sought := []seek{{WW, true}, {WW | WR, true}}
	switch l {
	case Snapshot:
		sought = append(sought, seek{WW | WR | RW, false})
	case RepeatableRead, Serializable:
		sought = append(sought, seek{WW | WR | RW, false}, seek{WW | WR | RW, true})
	case StrictSerializable:
		sought = append(sought, seek{WW | WR | RW, false}, seek{WW | WR | RW, true}, seek{WW | WR | RW | RT, false},
			seek{WW | WR | RW | RT, true})
	}
	last := sought[len(sought)-1] // it finds whatever the others find
	if g.cycle(last.edges, last.adjacent) == nil {
		return Report{Verdict: history.OK, Order: g.order(last.edges, last.adjacent, nil)}
	}
	for _, s := range sought {
		if cycle := g.cycle(s.edges, s.adjacent); cycle != nil {
			r := Report{Verdict: history.Illegal, Anomaly: name(cycle), Cycle: cycle,
				Reason: "a cycle of dependencies"}
			for _, e := range cycle {
				r.Core = append(r.Core, e.From)
			}
			return r
		}
	}
	panic("a cycle was found, and then was not")
}

// A seek is for cycles of some edges.
type seek struct {
	edges    Dependency
	adjacent bool // two rw may follow each other
}

// name names the anomaly that a cycle is.
func name(cycle []Edge) string {
	count := map[Dependency]int{}
	adjacent := false
	for i, e := range cycle {
		count[e.Why]++
		adjacent = adjacent || e.Why == RW && cycle[(i+1)%len(cycle)].Why == RW && len(cycle) > 1
	}
	suffix := ""
	if count[RT] > 0 {
		suffix = "-realtime"
	}
	two := len(cycle) == 2 && suffix == ""
	switch {
	case count[RW] == 0 && count[WR] == 0:
		return "G0" + suffix
	case count[RW] == 0:
		return "G1c" + suffix
	case two && count[RW] == 1 && count[WW] == 1 && cycle[0].Key == cycle[1].Key:
		return "lost-update"
	case count[RW] == 1:
		return "G-single" + suffix
	case !adjacent:
		return "G-nonadjacent" + suffix
	case two && cycle[0].Key != cycle[1].Key:
		return "write-skew"
	case two:
		return "lost-update" // each read what the other replaced
	}
	return "G2-item" + suffix
}

// A node of a search is a transaction, and whether an rw may lead on: always, or
// only when the last was none.
func (g *graph) from(node int32, edges Dependency, adjacent bool, f func(e Edge, to int32)) {
	for _, e := range g.out[node>>1] {
		switch {
		case e.Why&edges == 0:
		case adjacent:
			f(e, e.To<<1)
		case e.Why != RW:
			f(e, e.To<<1|1)
		case node&1 == 1:
			f(e, e.To<<1)
		}
	}
}

// cycle returns a short cycle of such edges; nil if there is none.
func (g *graph) cycle(edges Dependency, adjacent bool) []Edge {
	group := g.groups(edges, adjacent)
	var best []Edge
	tried := 0
	for n := range int32(2 * len(g.out)) {
		if group[n] < 0 || tried > maxStarts && best != nil {
			continue
		}
		if c := g.shortest(n, group, edges, adjacent); c != nil && (best == nil || len(c) < len(best)) {
			best = c
		}
		tried++
	}
	return best
}

// maxStarts is from how many transactions a shorter cycle is looked for.
const maxStarts = 200

// shortest returns the shortest cycle through a node that stays in its group.
func (g *graph) shortest(start int32, group []int32, edges Dependency, adjacent bool) []Edge {
	type arrival struct {
		before int32
		by     Edge
	}
	seen := map[int32]arrival{}
	for front := []int32{start}; len(front) > 0; {
		at := front[0]
		front = front[1:]
		done := false
		g.from(at, edges, adjacent, func(e Edge, to int32) {
			if _, known := seen[to]; known || group[to] != group[start] || done {
				return
			}
			seen[to] = arrival{at, e}
			front = append(front, to)
			done = to == start
		})
		if done {
			var cycle []Edge
			for n := start; len(cycle) == 0 || n != start; n = seen[n].before {
				cycle = append(cycle, seen[n].by)
			}
			slices.Reverse(cycle)
			return cycle
		}
	}
	return nil
}

// groups returns, by node, the strongly connected component that it is in, or
// -1 if it is alone there. Tarjan, 1972, without recursion.
func (g *graph) groups(edges Dependency, adjacent bool) []int32 {
	n := int32(2 * len(g.out))
	group, low, index := make([]int32, n), make([]int32, n), make([]int32, n)
	for i := range group {
		group[i] = -1
	}
	type frame struct {
		node int32
		next []int32
	}
	var stack []int32
	var count, groups int32
	onStack := make([]bool, n)
	for root := range n {
		if index[root] != 0 {
			continue
		}
		for calls := []frame{{node: root}}; len(calls) > 0; {
			f := &calls[len(calls)-1]
			v := f.node
			if index[v] == 0 {
				count++
				index[v], low[v], onStack[v] = count, count, true
				stack = append(stack, v)
				g.from(v, edges, adjacent, func(_ Edge, to int32) { f.next = append(f.next, to) })
			}
			if len(f.next) > 0 {
				to := f.next[len(f.next)-1]
				if index[to] == 0 {
					calls = append(calls, frame{node: to})
					continue
				}
				if f.next = f.next[:len(f.next)-1]; onStack[to] {
					low[v] = min(low[v], low[to])
				}
				continue
			}
			if low[v] == index[v] {
				at := len(stack) - 1
				for stack[at] != v {
					at--
				}
				for _, w := range stack[at:] {
					if onStack[w] = false; len(stack)-at > 1 {
						group[w] = groups
					}
				}
				stack = stack[:at]
				groups++
			}
			calls = calls[:len(calls)-1]
		}
	}
	return group
}

// order returns what happened in an order that keeps all such edges, and if no
// two rw may be adjacent also what follows from one that is not rw and one that
// is (Cerone and Gotsman, "Analysing snapshot isolation", 2018): in it each
// transaction commits after all that it saw, and before all that it did not see.
//
// Of those that may be next the one of the lowest rank is; nil: the first.
func (g *graph) order(edges Dependency, adjacent bool, rank []int32) (order []int32) {
	need := make([]int32, len(g.out))
	each := func(n int32, f func(to int32)) {
		for _, e := range g.out[n] {
			if e.Why&edges == 0 || !adjacent && e.Why == RW {
				continue
			}
			if f(e.To); adjacent {
				continue
			}
			for _, then := range g.out[e.To] {
				if then.Why == RW {
					f(then.To)
				}
			}
		}
	}
	for n := range g.out {
		each(int32(n), func(to int32) { need[to]++ })
	}
	ready := &ranked{rank: rank}
	for n := range g.out {
		if need[n] == 0 {
			heap.Push(ready, int32(n))
		}
	}
	for ready.Len() > 0 {
		n := heap.Pop(ready).(int32)
		order = append(order, n)
		each(n, func(to int32) {
			if need[to]--; need[to] == 0 {
				heap.Push(ready, to)
			}
		})
	}
	return slices.DeleteFunc(order, func(n int32) bool { return !g.live[n] })
}

// ranked are transactions, the lowest rank first.
type ranked struct {
	nodes []int32
	rank  []int32
}

func (r *ranked) Len() int      { return len(r.nodes) }
func (r *ranked) Push(n any)    { r.nodes = append(r.nodes, n.(int32)) }
func (r *ranked) Swap(i, j int) { r.nodes[i], r.nodes[j] = r.nodes[j], r.nodes[i] }

func (r *ranked) Less(i, j int) bool {
	a, b := r.nodes[i], r.nodes[j]
	if r.rank != nil {
		a, b = r.rank[a], r.rank[b]
	}
	return a < b
}

func (r *ranked) Pop() any {
	last := len(r.nodes) - 1
	n := r.nodes[last]
	r.nodes = r.nodes[:last]
	return n
}

// timely adds the order in time: from each transaction that was answered to
// those that were called after, where no third lies between.
func (g *graph) timely(txns []Txn) {
	type event struct {
		txn    int32
		answer bool
	}
	var events []event
	for i := range txns {
		if g.live[i] {
			events = append(events, event{int32(i), false})
			if txns[i].State == Committed {
				events = append(events, event{int32(i), true})
			}
		}
	}
	when := func(e event) int64 {
		if e.answer {
			return int64(txns[e.txn].Return)
		}
		return int64(txns[e.txn].Call)
	}
	slices.SortStableFunc(events, func(a, b event) int {
		if c := cmp.Compare(when(a), when(b)); c != 0 || a.answer == b.answer {
			return c
		}
		return map[bool]int{true: 1, false: -1}[a.answer]
	})
	var last []int32 // answered, and not before another's call that was answered
	before := map[int32][]int32{}
	for _, e := range events {
		if !e.answer {
			for _, b := range last {
				g.add(Edge{From: b, To: e.txn, Why: RT})
			}
			before[e.txn] = slices.Clone(last)
			continue
		}
		last = slices.DeleteFunc(last, func(n int32) bool { return slices.Contains(before[e.txn], n) })
		delete(before, e.txn)
		last = append(last, e.txn)
	}
}

// Tell describes a cycle, a line for each of its edges.
func Tell(txns []Txn, cycle []Edge) []string {
	var lines []string
	for i, e := range cycle {
		lines = append(lines, fmt.Sprintf("T%d %s", i+1, strings.TrimSpace(txns[e.From].String())))
		lines = append(lines, fmt.Sprintf("   %s: T%d %v T%d", e.Why, i+1, e, (i+1)%len(cycle)+1))
		for _, n := range e.Via {
			lines = append(lines, "       seen by "+strings.TrimSpace(txns[n].String()))
		}
	}
	return lines
}
