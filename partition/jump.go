package partition

import (
	"fmt"
	"iter"
	"slices"
)

// A Jump is jump consistent hashing (Lamping, Veach 2014): buckets numbered from
// 0, no memory but the names, the most even of all. What it cannot do: weigh
// nodes, and remove any but the last. The order of nodes is part of it.
type Jump struct{ lots }

// NewJump returns a placement on nodes, each of weight 1, in this order. Errors:
// bad nodes, other weights.
func NewJump(nodes ...Node) (*Jump, error) {
	if err := checkNodes(nodes); err != nil {
		return nil, err
	}
	if err := alike("jump", nodes); err != nil {
		return nil, err
	}
	return &Jump{newLots(slices.Clone(nodes))}, nil
}

// Nodes returns the nodes in their order.
func (j *Jump) Nodes() []Node { return j.nodes }

// Owner returns the node of the bucket in which the key's jumps end: about ln n.
func (j *Jump) Owner(p Point) Node { return j.nodes[jump(uint64(p), len(j.nodes))] }

// jump returns the bucket of a key, of n (figure 1). A bucket is drawn from the
// numbers that follow the last at which the key would still have moved.
func jump(key uint64, n int) int {
	bucket, next := int64(-1), int64(0)
	for next < int64(n) {
		bucket = next
		key = key*2862933555777941757 + 1
		next = int64(float64(bucket+1) * (float64(int64(1)<<31) / float64(key>>33+1)))
	}
	return int(bucket)
}

// Walk returns the owner, then the other nodes as by rendezvous: the paper has
// no second choice.
func (j *Jump) Walk(p Point) iter.Seq[Node] {
	return j.walk(p, jump(uint64(p), len(j.nodes)))
}

// Add returns the placement with a node more at the end. It takes its share from
// all others, and they exchange nothing.
func (j *Jump) Add(n Node) (Placement, error) {
	a, err := NewJump(append(slices.Clone(j.nodes), n)...)
	return placed(a, err)
}

// Remove returns the placement without its last node. Any other is an error: the
// buckets behind it would change their numbers, and half of all keys their place.
func (j *Jump) Remove(id string) (Placement, error) {
	rest, err := without(j.nodes, id)
	if err != nil {
		return nil, err
	}
	if last := j.nodes[len(j.nodes)-1].ID; last != id {
		return nil, fmt.Errorf("partition: remove node %s: jump gives up its last only, %s; "+
			"remove that, or use anchor, rendezvous or a ring", id, last)
	}
	a, err := NewJump(rest...)
	return placed(a, err)
}

// Describe returns the nodes in their order.
func (j *Jump) Describe() Description { return Description{Scheme: "jump", Nodes: j.nodes} }
