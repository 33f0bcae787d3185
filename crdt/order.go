package crdt

import (
	"slices"

	"althing/clock"
)

// A node is an element of a Sequence, in a tree. Its left children stand
// before it and its right children behind, each by dot; to go through the tree
// that way is the order of the sequence.
type node struct {
	dot           clock.Dot // the insert; zero for the root
	place         place
	value         string // "" once it is deleted
	gone          bool
	lefts, rights []*node // by dot
	chunk         *chunk  // where it stands in the order; nil while its parent is not here
}

// A place is where a node was put: on one side of its parent, a zero dot being
// the root.
type place struct {
	parent clock.Dot
	left   bool
}

func compareNodes(x, y *node) int { return x.dot.Compare(y.dot) }

// first returns the node of the subtree that stands first.
func (n *node) first() *node {
	for len(n.lefts) > 0 {
		n = n.lefts[0]
	}
	return n
}

// last returns the node of the subtree that stands last.
func (n *node) last() *node {
	for len(n.rights) > 0 {
		n = n.rights[len(n.rights)-1]
	}
	return n
}

// adopt puts child beside its siblings, and returns the node next to which it
// stands in the order, and whether behind it.
func (n *node) adopt(child *node) (neighbour *node, behind bool) {
	siblings := &n.rights
	if child.place.left {
		siblings = &n.lefts
	}
	i, _ := slices.BinarySearchFunc(*siblings, child, compareNodes)
	*siblings = slices.Insert(*siblings, i, child)
	switch {
	case !child.place.left && i == 0:
		return n, true
	case !child.place.left:
		return n.rights[i-1].last(), true
	case i+1 < len(n.lefts):
		return n.lefts[i+1].first(), false
	}
	return n, false
}

// maxChunk is small enough to search through, and large enough that a text of
// a million letters is a few thousand chunks.
const maxChunk = 512

// A chunk is a piece of an order.
type chunk struct {
	nodes   []*node
	visible int // how many are not gone
}

// An order is nodes in order, in pieces, so that neither the search for a place
// nor the making of room there touches all of them.
type order struct {
	chunks  []*chunk
	visible int
}

// append puts n behind all others.
func (o *order) append(n *node) {
	if k := len(o.chunks); k == 0 || len(o.chunks[k-1].nodes) >= maxChunk/2 {
		o.chunks = append(o.chunks, new(chunk))
	}
	c := o.chunks[len(o.chunks)-1]
	c.nodes, n.chunk = append(c.nodes, n), c
	o.count(n, 1)
}

// insert puts n next to a node that is there.
func (o *order) insert(n, neighbour *node, behind bool) {
	c := neighbour.chunk
	if len(c.nodes) == maxChunk {
		o.split(c)
		c = neighbour.chunk
	}
	i := slices.Index(c.nodes, neighbour)
	if behind {
		i++
	}
	c.nodes, n.chunk = slices.Insert(c.nodes, i, n), c
	o.count(n, 1)
}

// split makes two of a chunk.
func (o *order) split(c *chunk) {
	half := len(c.nodes) / 2
	d := &chunk{nodes: append(make([]*node, 0, maxChunk), c.nodes[half:]...)}
	clear(c.nodes[half:])
	c.nodes = c.nodes[:half]
	for _, n := range d.nodes {
		n.chunk = d
		if !n.gone {
			d.visible++
		}
	}
	c.visible -= d.visible
	o.chunks = slices.Insert(o.chunks, slices.Index(o.chunks, c)+1, d)
}

// count adds by to the visible nodes if n is one.
func (o *order) count(n *node, by int) {
	if !n.gone {
		n.chunk.visible += by
		o.visible += by
	}
}

// after returns the node behind n, which must not be the last.
func (o *order) after(n *node) *node {
	c := n.chunk
	if i := slices.Index(c.nodes, n) + 1; i < len(c.nodes) {
		return c.nodes[i]
	}
	return o.chunks[slices.Index(o.chunks, c)+1].nodes[0]
}

// at returns the i-th visible node, from 0. There must be one.
func (o *order) at(i int) *node {
	for _, c := range o.chunks {
		if i >= c.visible {
			i -= c.visible
			continue
		}
		for _, n := range c.nodes {
			if n.gone {
				continue
			}
			if i == 0 {
				return n
			}
			i--
		}
	}
	panic("crdt: the visible nodes were miscounted")
}
