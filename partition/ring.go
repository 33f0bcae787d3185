package partition

import (
	"cmp"
	"fmt"
	"iter"
	"math/bits"
	"slices"
)

const (
	// DefaultPoints is what a ring needs for each node to get within a third of
	// its due: the spread of shares is about 1/√points.
	DefaultPoints = 100
	// maxPoints bounds all points of a ring: they take 16 to 20 bytes each.
	maxPoints = 1 << 22
)

// A Ring is consistent hashing: each node stands at many points of the circle,
// and a key belongs to the first of them at or after its own (Karger et al. 1997,
// §4; with many points a node, DeCandia et al. 2007, §4.2). The same nodes make
// the same ring, whatever came before.
type Ring struct {
	points int
	nodes  []Node   // by ID
	at     []uint64 // the points, in order; where two are equal, by node
	owner  []int32  // of each point, an index into nodes
	index  []int32  // index[i] counts the points below i<<shift
	shift  uint
}

// NewRing returns a ring in which a node stands at points·Weight points;
// DefaultPoints is a good choice. Point j of a node is mix(Hash(ID) + j·golden),
// from j = 1. Errors: points out of 1 to 65536, more than four million in all,
// bad nodes.
func NewRing(points int, nodes ...Node) (*Ring, error) {
	if err := checkNodes(nodes); err != nil {
		return nil, err
	}
	if err := checkPoints(points, nodes); err != nil {
		return nil, err
	}
	r := &Ring{points: points, nodes: byID(nodes)}
	type point struct {
		at    uint64
		owner int32
	}
	weight := uint64(0)
	for _, n := range nodes {
		weight += uint64(n.Weight)
	}
	all := make([]point, 0, uint64(points)*weight)
	for i, n := range r.nodes {
		seed := uint64(HashString(n.ID))
		for j := range uint64(points) * uint64(n.Weight) {
			all = append(all, point{mix(seed + (j+1)*golden), int32(i)})
		}
	}
	slices.SortFunc(all, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.owner, b.owner))
	})
	r.at, r.owner = make([]uint64, len(all)), make([]int32, len(all))
	for i, p := range all {
		r.at[i], r.owner[i] = p.at, p.owner
	}
	// As many cells as points, or up to twice as many: a cell has a point or none.
	size := bits.Len(uint(len(all)))
	r.shift, r.index = uint(64-size), make([]int32, 1<<size+1)
	below := 0
	for i := range r.index {
		for below < len(r.at) && r.at[below]>>r.shift < uint64(i) {
			below++
		}
		r.index[i] = int32(below)
	}
	return r, nil
}

func checkPoints(points int, nodes []Node) error {
	if points < 1 || points > 1<<16 {
		return fmt.Errorf("partition: a ring with %d points a node: choose 1 to 65536; %d is usual",
			points, DefaultPoints)
	}
	sum := uint64(0)
	for _, n := range nodes {
		sum += uint64(points) * uint64(n.Weight) // at most 2^16 · 2^16 · 2^32: fits
		if sum > maxPoints {
			return fmt.Errorf("partition: a ring of more than %d points: divide all weights by a "+
				"number, or choose fewer than %d points a node", maxPoints, points)
		}
	}
	return nil
}

// seek returns the index of the first point at or after p.
func (r *Ring) seek(p Point) int {
	cell := uint64(p) >> r.shift
	lo, hi := r.index[cell], r.index[cell+1]
	for lo < hi { // as a rule once: points are spread evenly, unless IDs were chosen against us
		mid := (lo + hi) / 2
		if r.at[mid] < uint64(p) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if int(lo) == len(r.at) {
		return 0 // once around
	}
	return int(lo)
}

// Nodes returns the nodes by ID.
func (r *Ring) Nodes() []Node { return r.nodes }

// Owner returns the node at the first point at or after the key's.
func (r *Ring) Owner(p Point) Node { return r.nodes[r.owner[r.seek(p)]] }

// Walk returns the nodes as one meets them going round from the key.
func (r *Ring) Walk(p Point) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		met := make([]bool, len(r.nodes))
		for i, left := r.seek(p), len(r.nodes); left > 0; i++ {
			if i == len(r.at) {
				i = 0
			}
			n := r.owner[i]
			if met[n] {
				continue
			}
			met[n] = true
			left--
			if !yield(r.nodes[n]) {
				return
			}
		}
	}
}

// Add returns the ring with one node more. It takes its share from all others,
// and they exchange nothing.
func (r *Ring) Add(n Node) (Placement, error) {
	a, err := NewRing(r.points, append(slices.Clone(r.nodes), n)...)
	return placed(a, err)
}

// Remove returns the ring without a node. All others share what it had.
func (r *Ring) Remove(id string) (Placement, error) {
	rest, err := without(r.nodes, id)
	if err != nil {
		return nil, err
	}
	a, err := NewRing(r.points, rest...)
	return placed(a, err)
}

// Shares returns, by Nodes, which part of the circle each owns; their sum is 1.
// With equal weights their spread is about 1/√points of their mean: exactly, the
// share of one of n nodes has a coefficient of variation of √((n-1)/(n·points+1)).
func (r *Ring) Shares() []float64 {
	shares := make([]float64, len(r.nodes))
	if len(r.nodes) == 1 {
		shares[0] = 1
		return shares
	}
	last := r.at[len(r.at)-1]
	for i, at := range r.at {
		shares[r.owner[i]] += float64(at-last) / (1 << 64) // wraps once, as the circle does
		last = at
	}
	return shares
}

// Describe returns the points a node and the nodes by ID.
func (r *Ring) Describe() Description {
	return Description{Scheme: "ring", Points: r.points, Nodes: r.nodes}
}

// placed keeps a nil pointer from becoming a Placement that is not nil.
func placed[P Placement](p P, err error) (Placement, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}
