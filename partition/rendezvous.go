package partition

import (
	"cmp"
	"iter"
	"math"
	"slices"
)

// A Rendezvous is highest random weight: for each key every node draws a lot, and
// the best owns it (Thaler, Ravishankar 1998, §4). Weights enter as by
// Schindelhauer and Schomaker (2005, logarithmic method): a node's chance is
// exactly its part of the sum. The same nodes make the same placement.
type Rendezvous struct {
	lots
	groups [][]int // indices of nodes of one weight; by weight
}

// NewRendezvous returns a placement on nodes of any weights. Errors: bad nodes.
func NewRendezvous(nodes ...Node) (*Rendezvous, error) {
	if err := checkNodes(nodes); err != nil {
		return nil, err
	}
	r := &Rendezvous{lots: newLots(byID(nodes))}
	order := make([]int, len(nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(r.nodes[a].Weight, r.nodes[b].Weight)
	})
	for len(order) > 0 {
		n := 1
		for n < len(order) && r.nodes[order[n]].Weight == r.nodes[order[0]].Weight {
			n++
		}
		r.groups = append(r.groups, order[:n:n])
		order = order[n:]
	}
	return r, nil
}

// Nodes returns the nodes by ID.
func (r *Rendezvous) Nodes() []Node { return r.nodes }

// Owner returns the node with the best lot. It looks at each node once, and takes
// a logarithm only for the best of each weight.
func (r *Rendezvous) Owner(p Point) Node {
	best := r.best(p, r.groups[0])
	for _, group := range r.groups[1:] {
		if l := r.best(p, group); r.beats(l, best) {
			best = l
		}
	}
	return r.nodes[best.node]
}

// best returns the best lot of nodes of one weight.
func (r *Rendezvous) best(p Point, group []int) lot {
	best := r.draw(p, group[0])
	for _, i := range group[1:] {
		if h := mix(uint64(p) ^ r.seeds[i]); h > best.hash {
			best = lot{h, i} // where equal, the first stays: it is the first by ID too
		}
	}
	return best
}

// Walk returns the nodes by their lots. Each next one costs a look at all.
func (r *Rendezvous) Walk(p Point) iter.Seq[Node] { return r.walk(p, -1) }

// Add returns the placement with one node more. It takes its share from all
// others, and they exchange nothing.
func (r *Rendezvous) Add(n Node) (Placement, error) {
	a, err := NewRendezvous(append(slices.Clone(r.nodes), n)...)
	return placed(a, err)
}

// Remove returns the placement without a node. All others share what it had.
func (r *Rendezvous) Remove(id string) (Placement, error) {
	rest, err := without(r.nodes, id)
	if err != nil {
		return nil, err
	}
	a, err := NewRendezvous(rest...)
	return placed(a, err)
}

// Describe returns the nodes by ID.
func (r *Rendezvous) Describe() Description {
	return Description{Scheme: "rendezvous", Nodes: r.nodes}
}

// lots are what nodes draw, each a number for each key.
type lots struct {
	nodes []Node
	seeds []uint64 // of each node: the hash of its ID
}

// A lot is what a node drew.
type lot struct {
	hash uint64
	node int
}

func newLots(nodes []Node) lots {
	l := lots{nodes, make([]uint64, len(nodes))}
	for i, n := range nodes {
		l.seeds[i] = uint64(HashString(n.ID))
	}
	return l
}

func (l *lots) draw(p Point, i int) lot { return lot{mix(uint64(p) ^ l.seeds[i]), i} }

// beats is a total order: by the time at which the node arrives, then by hash,
// then by ID. Of nodes of one weight the greater hash arrives first, for race
// falls as it grows, so no logarithm is needed for them.
func (l *lots) beats(a, b lot) bool {
	m, n := &l.nodes[a.node], &l.nodes[b.node]
	if m.Weight != n.Weight {
		s, t := race(a.hash)/float64(m.Weight), race(b.hash)/float64(n.Weight)
		if s != t {
			return s < t
		}
	}
	return a.hash > b.hash || a.hash == b.hash && m.ID < n.ID
}

// walk returns first, unless it is -1, then the other nodes by their lots: after
// each the best of those that it beats.
func (l *lots) walk(p Point, first int) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if first >= 0 && !yield(l.nodes[first]) {
			return
		}
		last := lot{node: -1}
		for range len(l.nodes) {
			next := lot{node: -1}
			for i := range l.nodes {
				d := l.draw(p, i)
				if i == first || last.node >= 0 && !l.beats(last, d) {
					continue
				}
				if next.node < 0 || l.beats(d, next) {
					next = d
				}
			}
			if next.node < 0 || !yield(l.nodes[next.node]) {
				return
			}
			last = next
		}
	}
}

// reciprocals of the odd numbers: the series of artanh.
var reciprocals = [...]float64{1, 1. / 3, 1. / 5, 1. / 7, 1. / 9, 1. / 11, 1. / 13, 1. / 15,
	1. / 17, 1. / 19, 1. / 21}

// race returns -ln u, where u in (0, 1) is made of the upper 40 bits of a hash:
// when a node of weight 1 arrives. It falls strictly as these bits grow: for the
// step between two of them changes it by 2^-39 of itself or more, and it is exact
// to some 2^-50. It is computed here, every product rounded by itself, because
// math.Log differs in the last bit between machines, and then so would the owner.
func race(hash uint64) float64 {
	u := (float64(hash>>24) + 0.5) / (1 << 40)
	f, e := math.Frexp(u)
	if f < math.Sqrt2/2 {
		f, e = f*2, e-1
	}
	s := (f - 1) / (f + 1)
	z := float64(s * s)
	sum := 0.0
	for i := len(reciprocals) - 1; i >= 0; i-- {
		sum = float64(sum*z) + reciprocals[i]
	}
	return -(float64(2*s*sum) + float64(float64(e)*math.Ln2))
}
