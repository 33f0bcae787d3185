package quorum

import (
	"fmt"
	"slices"
)

// maxResiduals is how many distinct remainders of an expression, after some of
// its repeated nodes are known, are looked at before giving up: a second or
// two. It covers thirteen repeated nodes whatever the expression, and more when
// it falls apart. A long remainder counts for several, for it is remembered.
const maxResiduals = 1 << 14

// spend counts a remainder.
func spend(spent *int, key string) bool {
	*spent += 1 + len(key)/1024
	return *spent <= maxResiduals
}

// assume returns what is left of e when a node is known to be there or not. It
// returns nil and the value when nothing is left.
func (e *Expr) assume(node string, there bool) (*Expr, bool) {
	if e.parts == nil {
		if e.node == node {
			return nil, there
		}
		return e, false
	}
	need, left := e.need, 0
	var parts []*Expr
	var weights []int
	same := true
	for i, p := range e.parts {
		rest, value := p.assume(node, there)
		same = same && rest == p
		switch {
		case rest != nil:
			parts = append(parts, rest)
			weights = append(weights, e.weight(i))
			left += e.weight(i)
		case value:
			need -= e.weight(i)
		}
	}
	switch {
	case same:
		return e, false
	case need <= 0:
		return nil, true
	case need > left:
		return nil, false
	}
	return gate(need, weights, parts), false
}

// pivot returns the node that occurs most often in the expressions together, the
// first by name of several, and how often.
func pivot(es ...*Expr) (node string, times int) {
	n := make(map[string]int)
	for _, e := range es {
		e.leaves(func(node string) { n[node]++ })
	}
	for name, t := range n {
		if t > times || t == times && name < node {
			node, times = name, t
		}
	}
	return node, times
}

// Probability returns the chance that the nodes that are there are a quorum,
// when each is there by the given chance, independently. It is exact but for
// rounding: by dynamic programming over the gates where each node occurs once,
// else by conditioning on the nodes that do not, with a memory of what was
// computed. It returns an error for a chance outside 0…1, and for an expression
// too entangled for that.
func (e *Expr) Probability(there func(node string) float64) (float64, error) {
	if err := e.Check(); err != nil {
		return 0, err
	}
	for _, name := range e.Names() {
		if p := there(name); !(p >= 0 && p <= 1) {
			return 0, fmt.Errorf("quorum: probability %v of node %s: want 0 to 1", p, name)
		}
	}
	c := conditioner{there: there, known: make(map[string]float64)}
	return c.probability(e)
}

type conditioner struct {
	there func(string) float64
	known map[string]float64 // by printed expression
	spent int
}

func (c *conditioner) probability(e *Expr) (float64, error) {
	node, times := pivot(e)
	if times == 1 {
		return independent(e, c.there), nil
	}
	key := e.String()
	if p, ok := c.known[key]; ok {
		return p, nil
	}
	if !spend(&c.spent, key) {
		return 0, fmt.Errorf("quorum: the chance of a quorum is not found in %d cases: let "+
			"fewer nodes occur more than once", maxResiduals)
	}
	var total float64
	for _, there := range []bool{false, true} {
		rest, value := e.assume(node, there)
		p := 0.0
		if value {
			p = 1
		}
		if rest != nil {
			var err error
			if p, err = c.probability(rest); err != nil {
				return 0, err
			}
		}
		if there {
			total += p * c.there(node)
		} else {
			total += p * (1 - c.there(node))
		}
	}
	c.known[key] = total
	return total, nil
}

// independent is the case of parts that share no node: the distribution of the
// weight that holds, part by part, all that suffices in one cell.
func independent(e *Expr, there func(string) float64) float64 {
	if e.parts == nil {
		return there(e.node)
	}
	dist := make([]float64, e.need+1)
	dist[0] = 1
	for i, part := range e.parts {
		p, weight := independent(part, there), e.weight(i)
		for w := e.need; w >= 0; w-- {
			from := dist[w]
			if w < e.need {
				dist[w] = from * (1 - p)
				dist[min(e.need, w+weight)] += from * p
			}
		}
	}
	return dist[e.need]
}

// disjoint returns a quorum of r and one of w that share no node, or nil if each
// of the one meets each of the other. It returns an error when the question is
// too hard.
func disjoint(r, w *Expr) (read, write []string, err error) {
	switch {
	case r.readOnce() && alike(r, w):
		read, write = disjointAlike(r, w)
	case w.String() == r.Dual().String():
		return nil, nil, nil // Ibaraki and Kameda 1993
	default:
		s := separator{seen: make(map[string]bool), side: make(map[string]bool)}
		found, err := s.search(r, w)
		if !found || err != nil {
			return nil, nil, err
		}
		for node, toRead := range s.side {
			if toRead {
				read = append(read, node)
			} else {
				write = append(write, node)
			}
		}
	}
	if read == nil {
		return nil, nil, nil
	}
	return shrink(r, read), shrink(w, write), nil
}

// shrink leaves out members that a quorum does not need.
func shrink(e *Expr, set []string) []string {
	slices.Sort(set)
	in := make(map[string]bool)
	for _, node := range set {
		in[node] = true
	}
	return slices.DeleteFunc(set, func(node string) bool {
		in[node] = false
		if e.Holds(func(n string) bool { return in[n] }) {
			return true
		}
		in[node] = true
		return false
	})
}

// alike tells whether two expressions differ at most in what their gates need.
func alike(r, w *Expr) bool {
	if r == w {
		return true
	}
	if r.node != w.node || len(r.parts) != len(w.parts) || !slices.Equal(r.weights, w.weights) {
		return false
	}
	for i := range r.parts {
		if !alike(r.parts[i], w.parts[i]) {
			return false
		}
	}
	return true
}

// disjointAlike is the closed form for alike expressions that have each node
// once. A part whose own quorums can miss each other serves both sides, any
// other part one: so quorums are disjoint if the parts can be dealt out such
// that both sides have what they need.
func disjointAlike(r, w *Expr) (read, write []string) {
	if r.parts == nil {
		return nil, nil
	}
	type pair struct{ read, write []string }
	both := make([]pair, len(r.parts))
	forBoth := 0
	var single []int // the parts that serve one side
	for i := range r.parts {
		both[i].read, both[i].write = disjointAlike(r.parts[i], w.parts[i])
		if both[i].read != nil {
			forBoth += r.weight(i)
		} else {
			single = append(single, i)
		}
	}
	toRead := deal(r, single, max(0, r.need-forBoth))
	readWeight, writeWeight := forBoth, forBoth
	for n, i := range single {
		if toRead[n] {
			readWeight += r.weight(i)
			read = append(read, r.parts[i].Names()...)
		} else {
			writeWeight += w.weight(i)
			write = append(write, w.parts[i].Names()...)
		}
	}
	if readWeight < r.need || writeWeight < w.need {
		return nil, nil
	}
	for _, p := range both {
		read, write = append(read, p.read...), append(write, p.write...)
	}
	return read, write
}

// deal chooses from some parts of a gate those of the least weight that is at
// least need, by the table of which weights are possible; or all.
func deal(e *Expr, parts []int, need int) (chosen []bool) {
	chosen = make([]bool, len(parts))
	if e.weights == nil {
		for n := range min(need, len(parts)) {
			chosen[n] = true
		}
		return chosen
	}
	total := 0
	for _, i := range parts {
		total += e.weight(i)
	}
	first := make([]int32,
		total+1) // by weight: the first part with which it is possible, from 1; 0 if none
	first[0] = -1
	sum := 0
	for n, i := range parts {
		sum += e.weight(i)
		for w := sum; w >= e.weight(i); w-- {
			if first[w] == 0 && first[w-e.weight(i)] != 0 {
				first[w] = int32(n + 1)
			}
		}
	}
	w := need
	for w < total && first[w] == 0 {
		w++
	}
	for w = min(w,
		total); w > 0; { // each weight was reached from one that needs earlier parts only
		n := first[w] - 1
		chosen[n] = true
		w -= e.weight(parts[n])
	}
	return chosen
}

// A separator looks for a way to give each node to one of two sides such that
// each side has a quorum of its own expression.
type separator struct {
	seen  map[string]bool // pairs of remainders for which there is none
	side  map[string]bool // the way so far: true for the reads
	spent int
}

func (s *separator) search(r, w *Expr) (bool, error) {
	key := r.String() + "|" + w.String()
	if s.seen[key] {
		return false, nil
	}
	if !spend(&s.spent, key) {
		return false, fmt.Errorf("quorum: not known in %d cases whether reads and writes meet: "+
			"let each node occur once, or take the dual of the reads as writes", maxResiduals)
	}
	node, _ := pivot(r, w)
	for _, toRead := range []bool{true, false} {
		s.side[node] = toRead
		reads, readable := r.assume(node, toRead)
		writes, writable := w.assume(node, !toRead)
		found := false
		switch {
		case reads == nil && !readable || writes == nil && !writable:
			continue
		case reads == nil && writes == nil:
			found = true
		case reads == nil: // all that is left may go to the writes
			s.give(writes, false)
			found = true
		case writes == nil:
			s.give(reads, true)
			found = true
		default:
			var err error
			if found, err = s.search(reads, writes); err != nil {
				return false, err
			}
		}
		if found {
			return true, nil
		}
	}
	delete(s.side, node)
	s.seen[key] = true
	return false, nil
}

func (s *separator) give(e *Expr, toRead bool) {
	e.leaves(func(node string) { s.side[node] = toRead })
}
