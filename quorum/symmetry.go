package quorum

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// A Symmetry groups the nodes of a system into orbits: nodes that can trade
// places without a change to reads, writes and the nodes' kinds. A thousand
// equal nodes under one gate are one orbit; so are the nodes of a grid. There is
// always a best strategy that treats the nodes of an orbit alike, so a planner
// needs one variable for an orbit where it would need one a node.
//
// What is found are trades of parts of one gate, in systems whose reads and
// writes have the same shape and each node once. Elsewhere each node is an orbit
// by itself, which costs time and nothing else.
type Symmetry struct {
	Orbits [][]string // in the order of their first nodes, each sorted

	reads, writes *Expr
	kind          func(node string) string
	classes       map[string]int // numbers of classes of parts, by what they are made of
	known         map[*Expr]int  // the class of each part of the reads
}

// Symmetry returns the symmetry of the system for nodes of the given kinds, such
// as their capacities: only nodes of one kind trade places.
func (s *System) Symmetry(kind func(node string) string) *Symmetry {
	y := &Symmetry{reads: s.reads, writes: s.writes, kind: kind, classes: make(map[string]int),
		known: make(map[*Expr]int)}
	byClass := make(map[int][]string)
	if s.reads.readOnce() && alike(s.reads, s.writes) {
		y.place(s.reads, s.writes, 0, byClass)
	} else {
		y.reads = nil
		for i, name := range s.names {
			byClass[i] = []string{name}
		}
	}
	for _, orbit := range byClass {
		slices.Sort(orbit)
		y.Orbits = append(y.Orbits, orbit)
	}
	slices.SortFunc(y.Orbits, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return y
}

// class numbers a part by what it is made of: parts of one class are equal but
// for the names of their nodes.
func (y *Symmetry) class(r, w *Expr) int {
	if n, ok := y.known[r]; ok {
		return n // each part is in one place, for each node occurs once
	}
	n := y.number(y.madeOf(r, w))
	y.known[r] = n
	return n
}

func (y *Symmetry) madeOf(r, w *Expr) string {
	if r.parts == nil {
		return "node " + y.kind(r.node)
	}
	below := make([]string, len(r.parts))
	for i := range r.parts {
		below[i] = fmt.Sprint(y.class(r.parts[i], w.parts[i]), ":", r.weight(i))
	}
	slices.Sort(below)
	return fmt.Sprint("gate ", r.need, ":", w.need, below)
}

func (y *Symmetry) number(what string) int {
	n, ok := y.classes[what]
	if !ok {
		n = len(y.classes)
		y.classes[what] = n
	}
	return n
}

// trading returns, for each part of a gate, the number of those it trades places
// with.
func (y *Symmetry) trading(r, w *Expr) []int {
	groups := make([]int, len(r.parts))
	for i := range r.parts {
		groups[i] = y.number(fmt.Sprint("part ", y.class(r.parts[i], w.parts[i]), ":", r.weight(i)))
	}
	return groups
}

// place puts each node into the orbit of its path: parts that trade places, in
// gates that trade places.
func (y *Symmetry) place(r, w *Expr, above int, orbits map[int][]string) {
	if r.parts == nil {
		orbits[above] = append(orbits[above], r.node)
		return
	}
	for i, group := range y.trading(r, w) {
		y.place(r.parts[i], w.parts[i], y.number(fmt.Sprint("path ", above, ":", group)), orbits)
	}
}

// Shuffle returns a set that the given one may turn into when nodes trade
// places, each with the same chance: sorted.
func (y *Symmetry) Shuffle(set []string, r *rand.Rand) []string {
	if y.reads == nil {
		return slices.Clone(set)
	}
	to := make(map[string]string)
	y.shuffle(side{y.reads, y.writes}, side{y.reads, y.writes}, r, to)
	image := make([]string, len(set))
	for i, node := range set {
		image[i] = to[node]
	}
	slices.Sort(image)
	return image
}

// A side is a part as the reads and as the writes see it.
type side struct{ r, w *Expr }

func (s side) part(i int) side { return side{s.r.parts[i], s.w.parts[i]} }

// shuffle maps the nodes of a part to those of a part of the same class.
func (y *Symmetry) shuffle(from, onto side, rng *rand.Rand, to map[string]string) {
	if from.r.parts == nil {
		to[from.r.node] = onto.r.node
		return
	}
	free := make(map[int][]int) // by group: the parts of onto that are not taken
	for i, group := range y.trading(onto.r, onto.w) {
		free[group] = append(free[group], i)
	}
	for i, group := range y.trading(from.r, from.w) {
		left := free[group]
		pick := rng.IntN(len(left))
		j := left[pick]
		left[pick] = left[len(left)-1]
		free[group] = left[:len(left)-1]
		y.shuffle(from.part(i), onto.part(j), rng, to)
	}
}
