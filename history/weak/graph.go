package weak

import "slices"

// A graph is an order in the making: some nodes of a record, each after those
// before it in its chain, and edges.
type graph struct {
	h    *record
	in   []bool    // by node: it takes part; nil: all do
	out  [][]int32 // by node
	have map[[2]int32]bool
}

func newGraph(h *record, in []bool) *graph {
	g := &graph{h: h, in: in, out: make([][]int32, len(h.nodes)), have: map[[2]int32]bool{}}
	cells := make([]int32, 2*len(g.out)) // most nodes have no more than two edges
	for n := range g.out {
		g.out[n] = cells[2*n : 2*n : 2*n+2]
	}
	for c, chain := range h.chains {
		before := h.before[c]
		if before >= 0 && !g.takes(before) {
			before = g.earlier(before)
		}
		for _, n := range chain {
			if g.takes(n) {
				if before >= 0 {
					g.out[before] = append(g.out[before], n)
				}
				before = n
			}
		}
	}
	return g
}

func (g *graph) takes(n int32) bool { return g.in == nil || g.in[n] }

// earlier returns the last node before n in its chain that takes part, or -1.
func (g *graph) earlier(n int32) int32 {
	chain := g.h.chains[g.h.chain[n]]
	for at := g.h.place[n] - 1; at >= 0; at-- {
		if g.takes(chain[at]) {
			return chain[at]
		}
	}
	return -1
}

// add adds an edge, and tells whether it is new.
func (g *graph) add(a, b int32) bool {
	if g.have[[2]int32{a, b}] {
		return false
	}
	g.have[[2]int32{a, b}] = true
	g.out[a] = append(g.out[a], b)
	return true
}

// undo takes out the edges that were added last.
func (g *graph) undo(added [][2]int32) {
	for _, e := range slices.Backward(added) {
		delete(g.have, e)
		g.out[e[0]] = g.out[e[0]][:len(g.out[e[0]])-1]
	}
}

// sort returns the nodes in an order that keeps all edges, or a cycle.
func (g *graph) sort() (order, cycle []int32) {
	need := make([]int32, len(g.out))
	all := 0
	for n, out := range g.out {
		if g.takes(int32(n)) {
			all++
		}
		for _, to := range out {
			need[to]++
		}
	}
	for n := range g.out {
		if need[n] == 0 && g.takes(int32(n)) {
			order = append(order, int32(n))
		}
	}
	for at := 0; at < len(order); at++ {
		for _, to := range g.out[order[at]] {
			if need[to]--; need[to] == 0 {
				order = append(order, to)
			}
		}
	}
	if len(order) == all {
		return order, nil
	}
	return nil, g.cycle(need)
}

// cycle walks back among the nodes that are left, each of which has another
// before it, until it meets itself.
func (g *graph) cycle(need []int32) []int32 {
	before := make([]int32, len(g.out))
	var at int32
	for n, out := range g.out {
		if need[n] > 0 {
			at = int32(n)
			for _, to := range out {
				before[to] = int32(n)
			}
		}
	}
	met := map[int32]int{}
	var walk []int32
	for {
		if first, again := met[at]; again {
			cycle := walk[first:]
			slices.Reverse(cycle)
			return cycle
		}
		met[at] = len(walk)
		walk = append(walk, at)
		at = before[at]
	}
}

// A clock says what is in a past: of each chain, so many nodes from its beginning on.
type clock []int32

// A past is what is before each node, itself included. A node that follows
// nothing but the one before it in its chain has that one's clock, of which the
// own chain's part is not to be read: it is known.
type past struct {
	h      *record
	clocks []clock // by node
}

// past returns the past of each node, given an order of all.
func (g *graph) past(order []int32) *past {
	h, all := g.h, make([]clock, len(g.out))
	edges := make([]int32, len(g.out)) // by node: that lead to it
	for _, out := range g.out {
		for _, to := range out {
			edges[to]++
		}
	}
	for _, n := range order {
		if all[n] == nil {
			all[n] = make(clock, len(h.chains))
		}
		own := all[n]
		for _, to := range g.out[n] {
			if edges[to] == 1 && h.chain[to] == h.chain[n] {
				all[to] = own
				continue
			}
			if all[to] == nil {
				all[to] = make(clock, len(h.chains))
			}
			for c, count := range own {
				all[to][c] = max(all[to][c], count)
			}
			all[to][h.chain[n]] = max(all[to][h.chain[n]], h.place[n]+1)
		}
	}
	return &past{h, all}
}

// count returns how much of a chain is before a node.
func (p *past) count(n, chain int32) int32 {
	if p.h.chain[n] == chain {
		return p.h.place[n] + 1
	}
	return p.clocks[n][chain]
}

// has tells whether other is n, or before it.
func (p *past) has(n, other int32) bool { return p.count(n, p.h.chain[other]) > p.h.place[other] }

// An index finds writes of a key in a past.
type index struct {
	h  *record
	at [][][]int32 // by key: chains with writes of it, each as the writes in order
}

func newIndex(h *record) *index {
	x := &index{h, make([][][]int32, h.keys)}
	for _, chain := range h.chains {
		mine := map[int32]int{}
		for _, n := range chain {
			if !h.write(n) {
				continue
			}
			k := h.key[n]
			at, ok := mine[k]
			if !ok {
				at = len(x.at[k])
				mine[k] = at
				x.at[k] = append(x.at[k], nil)
			}
			x.at[k][at] = append(x.at[k][at], n)
		}
	}
	return x
}

// last calls f with the last write of the key in each chain's part of a past, of
// which count says how long it is.
func (x *index) last(key int32, count func(chain int32) int32, f func(w int32)) {
	for _, writes := range x.at[key] {
		count := count(x.h.chain[writes[0]])
		n, _ := slices.BinarySearchFunc(writes, count, func(w, count int32) int {
			return int(x.h.place[w] - count)
		})
		if n > 0 {
			f(writes[n-1])
		}
	}
}
