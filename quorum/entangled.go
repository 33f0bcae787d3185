package quorum

import (
	"fmt"
	"math"
	"math/bits"
)

// A brancher finds the cheapest quorum of an expression in which nodes occur
// more than once: branch and bound over whether such a node is a member.
type brancher struct {
	e        *Expr
	repeated map[string]int
	cost     func(string) float64
	best     pick
	steps    int
}

// search decides the nodes that are not decided yet; paid is the cost of those
// decided to be members. The bound: let each leaf
// of an undecided node cost its share of the node's cost; a quorum costs no less
// than the leaves that it uses.
func (b *brancher) search(decided map[string]bool, paid float64) error {
	if b.steps++; b.steps > maxBranches {
		return fmt.Errorf("quorum: cheapest quorum not found in %d steps: let fewer nodes occur "+
			"more than once in %s",
			maxBranches, b.e)
	}
	relaxed := cheapestOnce(b.e, func(node string) float64 {
		in, done := decided[node]
		switch n := b.repeated[node]; {
		case done && in:
			return 0
		case done:
			return math.Inf(1)
		case n > 1:
			return b.cost(node) / float64(n)
		}
		return b.cost(node)
	})
	used := make(map[string]int)
	relaxed.members.each(func(node string) { used[node]++ })
	real := pick{0, relaxed.members}
	for _, node := range relaxed.members.list() {
		real.cost += b.cost(node)
	}
	if relaxed.members == nil {
		return nil // no quorum is left
	}
	if real.cost < b.best.cost {
		b.best = real
	}
	if paid+relaxed.cost >= b.best.cost*(1-1e-12) {
		return nil
	}
	next := ""
	for _, node := range relaxed.members.list() { // one whose cost was not paid in full
		if _, done := decided[node]; !done && used[node] < b.repeated[node] {
			next = node
			break
		}
	}
	if next == "" {
		return nil // only decided nodes are paid and not used: real was no more than the bound
	}
	decided[next] = true
	if err := b.search(decided, paid+b.cost(next)); err != nil {
		return err
	}
	decided[next] = false
	err := b.search(decided, paid)
	delete(decided, next)
	return err
}

// each calls f for each member as often as it is there.
func (r *rope) each(f func(string)) {
	switch {
	case r == nil:
	case r.left == nil:
		f(r.node)
	default:
		r.left.each(f)
		r.right.each(f)
	}
}

// enumerate fills the bits of all subsets.
func (f *Finder) enumerate() error {
	f.names = f.e.Names()
	n := len(f.names)
	if n > maxEnumerated {
		return fmt.Errorf("quorum: %d nodes, %d at most where quorums are to survive failures "+
			"and the expression "+
			"has weights or a node twice: let each node occur once", n, maxEnumerated)
	}
	place := make(map[string]int)
	for i, name := range f.names {
		place[name] = i
	}
	size := (1<<n + 63) / 64
	f.holds = make([]uint64, size)
	for s := range 1 << n {
		if f.e.Holds(func(node string) bool { return s>>place[node]&1 == 1 }) {
			f.holds[s/64] |= 1 << (s % 64)
		}
	}
	f.survives = f.holds
	for range f.survive {
		next := make([]uint64, size)
		for s := range 1 << n {
			ok := f.survives[s/64]>>(s%64)&1 == 1
			for rest := uint(s); ok && rest != 0; rest &= rest - 1 {
				less := s &^ (1 << bits.TrailingZeros(rest))
				ok = f.survives[less/64]>>(less%64)&1 == 1
			}
			if ok {
				next[s/64] |= 1 << (s % 64)
			}
		}
		f.survives = next
	}
	return nil
}

func (f *Finder) cheapestEnumerated(
	cost func(string) float64, early func(string) bool,
) ([]string, float64) {
	n := len(f.names)
	soon := 0
	costs := make([]float64, 1<<n)
	for i, name := range f.names {
		c := cost(name)
		if early(name) {
			soon |= 1 << i
		}
		for s := range 1 << i { // the sets with i as their highest
			costs[1<<i|s] = costs[s] + c
		}
	}
	best, at := math.Inf(1), 0
	for s := range costs {
		e := s & soon
		if costs[s] < best && f.survives[s/64]>>(s%64)&1 == 1 && f.holds[e/64]>>(e%64)&1 == 1 {
			best, at = costs[s], s
		}
	}
	var set []string
	for i, name := range f.names {
		if at>>i&1 == 1 {
			set = append(set, name)
		}
	}
	return set, best
}
