package partition

import (
	"fmt"
	"iter"
	"math/bits"
	"slices"
)

// MaxBuckets bounds the capacity of an anchor: a bucket takes 12 bytes.
const MaxBuckets = 1 << 20

// An Anchor is AnchorHash (Mendelson, Vargaftik, Barabash, Lorenz, Keslassy, Orda
// 2021): a fixed number of buckets, some of which work. A key that falls on a
// bucket that does not is sent on among those that worked when it went. It is as
// even and fast as jump, and any node may go. What it cannot do: weigh nodes, and
// grow beyond its capacity. Who shares a placement must share its Description:
// it depends on the order of removals, for a node that comes takes the bucket
// that went last.
type Anchor struct {
	lots               // nodes by bucket
	removed    []int32 // R: buckets without a node, the last removed last
	place      []int32 // of a bucket: an index into nodes, -1 if it does not work
	left       []int32 // A: how many buckets worked after this one went; 0: it works
	substitute []int32 // K: who stood in its place in W from then on
}

// NewAnchor returns a placement on nodes, each of weight 1, with room for
// capacity of them in all: twice as many is usual, and costs one more step in a
// look-up. Errors: bad nodes, other weights, a capacity below their number or
// above MaxBuckets.
func NewAnchor(capacity int, nodes ...Node) (*Anchor, error) {
	d := Description{Scheme: "anchor", Capacity: capacity, Nodes: nodes}
	if err := d.check(); err != nil {
		return nil, err
	}
	return newAnchor(slices.Clone(nodes), d.stack()), nil
}

// newAnchor removes buckets from the full set, one by one (algorithm 3).
func newAnchor(nodes []Node, removed []int32) *Anchor {
	capacity := len(nodes) + len(removed)
	a := &Anchor{lots: newLots(nodes), removed: removed, place: make([]int32, capacity),
		left: make([]int32, capacity), substitute: make([]int32, capacity)}
	working, where := make([]int32, capacity), make([]int32, capacity) // W, L
	for b := range working {
		working[b], where[b], a.substitute[b] = int32(b), int32(b), int32(b)
	}
	for i, b := range removed {
		n := int32(capacity - i - 1)
		last := working[n]
		a.left[b], a.substitute[b] = n, last
		working[where[b]], where[last] = last, where[b]
	}
	next := int32(0)
	for b := range a.place {
		a.place[b] = -1
		if a.left[b] == 0 {
			a.place[b] = next
			next++
		}
	}
	return a
}

// Nodes returns the nodes by their buckets.
func (a *Anchor) Nodes() []Node { return a.nodes }

// Owner returns the node of the working bucket at which the key ends: expected
// are 1 + ln(capacity/nodes) tries.
func (a *Anchor) Owner(p Point) Node { return a.nodes[a.place[a.bucket(p)]] }

// bucket is GETBUCKET. Each try leads to one that went later, so it ends.
func (a *Anchor) bucket(p Point) int32 {
	b := below(mix(uint64(p)), int32(len(a.left)))
	for a.left[b] > 0 {
		n := a.left[b]
		h := below(mix(uint64(p)^uint64(b+1)*golden), n)
		for a.left[h] >= n { // gone by then: who stood in its place
			h = a.substitute[h]
		}
		b = h
	}
	return b
}

// below scales a hash to a number from 0 to n-1.
func below(hash uint64, n int32) int32 {
	hi, _ := bits.Mul64(hash, uint64(n))
	return int32(hi)
}

// Walk returns the owner, then the other nodes as by rendezvous.
func (a *Anchor) Walk(p Point) iter.Seq[Node] { return a.walk(p, int(a.place[a.bucket(p)])) }

// Add returns the placement with one node more, in the bucket that was removed
// last. It takes its share from all others, and they exchange nothing.
func (a *Anchor) Add(n Node) (Placement, error) {
	last := len(a.removed) - 1
	if last < 0 {
		return nil, fmt.Errorf("partition: add node %s: all %d buckets of the anchor have one; "+
			"make an anchor of more, which moves most keys, or use rendezvous or a ring", n.ID, len(a.left))
	}
	bucket := a.removed[last]
	at := 0 // as many nodes as there are working buckets before it
	for _, p := range a.place[:bucket] {
		if p >= 0 {
			at++
		}
	}
	nodes := slices.Insert(slices.Clone(a.nodes), at, n)
	if err := checkNodes(nodes); err != nil {
		return nil, err
	}
	if err := alike("anchor", nodes); err != nil {
		return nil, err
	}
	return newAnchor(nodes, a.removed[:last:last]), nil
}

// Remove returns the placement without a node. All others share what it had.
func (a *Anchor) Remove(id string) (Placement, error) {
	rest, err := without(a.nodes, id)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(a.nodes, func(n Node) bool { return n.ID == id })
	bucket := int32(slices.Index(a.place, int32(i)))
	return newAnchor(rest, append(slices.Clip(a.removed), bucket)), nil
}

// Describe returns the capacity, the nodes by bucket, and the free buckets in the
// order of their removal.
func (a *Anchor) Describe() Description {
	d := Description{Scheme: "anchor", Capacity: len(a.left), Nodes: a.nodes}
	fresh := 0
	for fresh < len(a.removed) && int(a.removed[fresh]) == d.Capacity-1-fresh {
		fresh++
	}
	for _, b := range a.removed[fresh:] {
		d.Removed = append(d.Removed, int(b))
	}
	return d
}
