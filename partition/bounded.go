package partition

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

const (
	// minBound and maxBound are the range of the c of a bound: below, a key would
	// look at most nodes; above, nothing is bounded.
	minBound, maxBound = 1.001, 1000
	thousand           = 1000
)

// Bounded is consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam
// 2018) over any placement: of m requests at work on nodes of one weight, no node
// is given more than ⌈c·m/n⌉, however the keys fall and however hot one is. A
// request whose node is full goes to the next of its walk that is not. So c near 1
// is even, and c of 2 or more nearly leaves each key its owner; 1.25 is usual.
//
// What was given stays where it is until Done: when requests end, a node may have
// more than it would be given now. Bounded is not for several goroutines at once.
type Bounded struct {
	placement Placement
	bound     bound
	index     map[string]int // of a node's ID in Nodes
	load      []uint64       // requests at work on each
	total     uint64
}

// NewBounded returns a balancer without load. c is how many times the mean a node
// may get, from 1.001 to 1000, in thousandths: the rest is rounded. Errors: c out
// of range or not a number.
func NewBounded(p Placement, c float64) (*Bounded, error) {
	limit, err := newBound(p.Nodes(), c)
	if err != nil {
		return nil, err
	}
	nodes := p.Nodes()
	b := &Bounded{p, limit, make(map[string]int, len(nodes)), make([]uint64, len(nodes)), 0}
	for i, n := range nodes {
		b.index[n.ID] = i
	}
	return b, nil
}

// Pick returns the node for a request, and counts it there until Done.
func (b *Bounded) Pick(p Point) Node {
	b.total++
	n := b.placement.Owner(p)
	if b.full(n) {
		for n = range b.placement.Walk(p) { // ends: all limits together are more than total
			if !b.full(n) {
				break
			}
		}
	}
	b.load[b.index[n.ID]]++
	return n
}

func (b *Bounded) full(n Node) bool {
	return b.load[b.index[n.ID]] >= b.bound.limit(b.total, n.Weight)
}

// Done says that a request on a node has ended. Errors: a node that is not there,
// or has none.
func (b *Bounded) Done(id string) error {
	i, ok := b.index[id]
	if !ok {
		return fmt.Errorf("partition: end a request on node %s: there is none; see Nodes for "+
			"those there are", id)
	}
	if b.load[i] == 0 {
		return fmt.Errorf("partition: end a request on node %s: it has none; call Done once for "+
			"each Pick", id)
	}
	b.load[i]--
	b.total--
	return nil
}

// Load returns how many requests are at work on a node: 0 if it is not there.
func (b *Bounded) Load(id string) uint64 {
	if i, ok := b.index[id]; ok {
		return b.load[i]
	}
	return 0
}

// Limit returns how many requests a node may have if one more comes: for a node
// of weight w of W in all ⌈c·m·w/W⌉ of m. It is 0 if the node is not there.
func (b *Bounded) Limit(id string) uint64 {
	if i, ok := b.index[id]; ok {
		return b.bound.limit(b.total+1, b.placement.Nodes()[i].Weight)
	}
	return 0
}

// Assign returns the node of each key, none with more than ⌈c·m·w/W⌉ of m keys.
// Where a node is full, keys with lower points have the better right. So it is a
// function of the set of keys and nodes: it has no memory of how they came. Errors:
// those of NewBounded.
//
// A node that comes or goes moves keys between others too, as limits change with
// it: in the paper O(1/ε²) keys for each that must move, where c is 1+ε. AssignMoves
// counts them. The paper gives a limit of ⌈c·m/n⌉ to some nodes and one less to
// others; here all have the higher one.
func Assign(p Placement, c float64, keys []Point) ([]Node, error) {
	b, err := NewBounded(p, c)
	if err != nil {
		return nil, err
	}
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		return cmp.Or(cmp.Compare(keys[i], keys[j]), cmp.Compare(i, j))
	})
	limits := make([]uint64, len(b.load))
	for i, n := range p.Nodes() {
		limits[i] = b.bound.limit(uint64(len(keys)), n.Weight)
	}
	nodes := make([]Node, len(keys))
	for _, k := range order {
		for n := range p.Walk(keys[k]) {
			if i := b.index[n.ID]; b.load[i] < limits[i] {
				b.load[i]++
				nodes[k] = n
				break
			}
		}
	}
	return nodes, nil
}

// AssignMoves is Moves for Assign: what would move if after took the place of
// before, both with the same bound. Here Needless is the price of the bound.
func AssignMoves(before, after Placement, c float64, keys []Point) (Plan, error) {
	had, err := Assign(before, c, keys)
	if err != nil {
		return Plan{}, err
	}
	has, err := Assign(after, c, keys)
	if err != nil {
		return Plan{}, err
	}
	t := newTally(before.Nodes(), after.Nodes())
	for i := range had {
		t.add(had[i].ID, has[i].ID, 1)
	}
	return t.plan(), nil
}

// A bound says how much a node may have.
type bound struct{ thousandths, weight uint64 } // c, and the sum of weights

func newBound(nodes []Node, c float64) (bound, error) {
	if !(c >= minBound && c <= maxBound) { // so that what is not a number fails too
		return bound{}, fmt.Errorf("partition: a load of at most %v times the mean: choose %v "+
			"to %v; 1.25 is usual",
			c, minBound, maxBound)
	}
	b := bound{thousandths: uint64(math.Round(c * thousand))}
	for _, n := range nodes {
		b.weight += uint64(n.Weight)
	}
	return b, nil
}

// limit returns ⌈c·m·w/W⌉, exactly. Its sum over all nodes is c·m at least.
func (b bound) limit(m uint64, w uint32) uint64 {
	parts := b.thousandths * uint64(w) // at most 2^20 · 2^32
	hi, lo := bits.Mul64(parts, m)
	lo, carry := bits.Add64(lo, b.weight*thousand-1, 0)
	hi += carry
	if hi >= b.weight*thousand { // more than can be counted
		return math.MaxUint64
	}
	limit, _ := bits.Div64(hi, lo, b.weight*thousand)
	return limit
}
