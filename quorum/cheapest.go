package quorum

import (
	"fmt"
	"math"
	"slices"
)

const (
	// maxBranches is how many partial choices about nodes that occur more than
	// once are looked at before giving up: a few tenths of a second.
	maxBranches = 1 << 14
	// maxEnumerated is the most nodes of which all subsets are looked at, where
	// neither a closed form nor branching helps: 65,536 sets cost about a
	// millisecond a question, and an optimiser asks thousands.
	maxEnumerated = 16
	// MaxSurvive is the most failures that a quorum may be asked to survive: the
	// time grows with its square, and no system is planned for more.
	MaxSurvive = 64
)

// A Finder finds the cheapest quorum of an expression, for one expression and
// many costs. Where each node occurs once and gates have no weights it takes
// polynomial time, whatever the number of quorums; gates with weights too, if
// quorums need not survive failures; else see NewFinder.
type Finder struct {
	e       *Expr
	survive int

	repeated map[string]int // how often, of nodes that occur more than once
	names    []string       // if all subsets are enumerated: the nodes
	holds    []uint64       // ditto: bit s tells whether subset s is a quorum
	survives []uint64       // ditto: whether it is one without any survive of its members
}

// NewFinder returns a finder of those quorums of e that are still quorums when
// any `survive` of their members have failed; 0 for all quorums. With survive >
// 0 it refuses expressions that have more than 16 nodes and either weights or
// a node that occurs twice: then only enumeration is left. It returns an error
// too if no quorum survives as many failures.
func NewFinder(e *Expr, survive int) (*Finder, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	if survive < 0 || survive > MaxSurvive {
		return nil, fmt.Errorf("quorum: survive %d failures: want 0 to %d", survive, MaxSurvive)
	}
	f := &Finder{e: e, survive: survive}
	if survive == 0 {
		if !e.readOnce() {
			f.repeated = e.occurrences()
			for node, n := range f.repeated {
				if n == 1 {
					delete(f.repeated, node)
				}
			}
		}
		return f, nil
	}
	if !e.readOnce() || e.weighted() {
		if err := f.enumerate(); err != nil {
			return nil, err
		}
	} else if err := e.narrow(survive + 1); err != nil {
		return nil, err
	}
	if set, _, err := f.Cheapest(func(string) float64 { return 1 }, nil); err != nil || set == nil {
		return nil, fmt.Errorf("quorum: no quorum of %s is still one after any %d failures: "+
			"ask to survive fewer", abridged(e), survive)
	}
	return f, nil
}

// Cheapest returns the members of a quorum with the least total cost, sorted,
// and that cost. Costs are at least 0; a node of infinite cost is never a
// member. If early is not nil, the members for which it is true must be a quorum
// by themselves: those are the ones to wait for, the rest is there to survive.
// With no such quorum it returns nil and +Inf. The error says that the
// expression is too entangled.
func (f *Finder) Cheapest(
	cost func(node string) float64, early func(node string) bool,
) ([]string, float64, error) {
	if early == nil {
		early = func(string) bool { return true }
	}
	if f.names != nil {
		set, c := f.cheapestEnumerated(cost, early)
		return set, c, nil
	}
	if f.survive > 0 {
		c := tableOf(f.e, f.survive+1, cost, early).at(f.survive+1, true)
		return c.members.list(), c.cost, nil
	}
	only := func(node string) float64 { // nobody but early nodes is of use
		if early(node) {
			return cost(node)
		}
		return math.Inf(1)
	}
	if f.repeated == nil {
		c := cheapestOnce(f.e, only)
		return c.members.list(), c.cost, nil
	}
	b := brancher{e: f.e, repeated: f.repeated, cost: only, best: pick{cost: math.Inf(1)}}
	err := b.search(make(map[string]bool), 0)
	return b.best.members.list(), b.best.cost, err
}

// narrow returns an error if a gate is too wide for knapsack, asked for so many
// failures. Gates of leaves alone are never.
func (e *Expr) narrow(failures int) error {
	leaves := true
	for _, p := range e.parts {
		leaves = leaves && p.parts == nil
		if err := p.narrow(failures); err != nil {
			return err
		}
	}
	if cells := float64(len(e.parts)) * float64(e.need*failures) * float64(e.need+1); !leaves &&
		cells > maxCells/16 {
		return fmt.Errorf("quorum: %d parts that are not nodes, of which %d are needed, are too "+
			"many to survive "+
			"%d failures: group them, or ask to survive fewer", len(e.parts), e.need, failures-1)
	}
	return nil
}

// A pick is a set of nodes, shared piecewise with others, and what it costs.
// Picks of infinite cost have no members.
type pick struct {
	cost    float64
	members *rope
}

var nothing = pick{cost: math.Inf(1)}

// A rope is a node, or two ropes after each other.
type rope struct {
	node        string
	left, right *rope
}

func one(node string, cost float64) pick {
	if math.IsInf(cost, 1) {
		return nothing
	}
	return pick{cost, &rope{node: node}}
}

func (p pick) plus(q pick) pick {
	switch {
	case math.IsInf(p.cost, 1) || math.IsInf(q.cost, 1):
		return nothing
	case p.members == nil:
		return pick{p.cost + q.cost, q.members}
	case q.members == nil:
		return pick{p.cost + q.cost, p.members}
	}
	return pick{p.cost + q.cost, &rope{left: p.members, right: q.members}}
}

// cheaper replaces p by q + r if that costs less, and builds the sum only then.
func (p *pick) cheaper(q, r pick) {
	if q.cost+r.cost < p.cost {
		*p = q.plus(r)
	}
}

// list returns the members sorted, each once; nil if there are none.
func (r *rope) list() []string {
	var names []string
	stack := []*rope{r}
	for len(stack) > 0 {
		r := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		switch {
		case r == nil:
		case r.left == nil:
			names = append(names, r.node)
		default:
			stack = append(stack, r.left, r.right)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// byCost sorts picks, equals as they came.
func byCost(ps []pick) {
	slices.SortStableFunc(ps, func(a, b pick) int {
		switch {
		case a.cost < b.cost:
			return -1
		case a.cost > b.cost:
			return 1
		}
		return 0
	})
}

func sum(ps []pick) pick {
	var total pick
	for _, p := range ps {
		total = total.plus(p)
	}
	return total
}

// cheapestOnce returns the cheapest quorum as if each leaf were a node of its
// own: the k cheapest parts, or with weights a knapsack over the weight so far.
func cheapestOnce(e *Expr, cost func(string) float64) pick {
	if e.parts == nil {
		return one(e.node, cost(e.node))
	}
	ps := make([]pick, len(e.parts))
	for i, p := range e.parts {
		ps[i] = cheapestOnce(p, cost)
	}
	if e.weights == nil {
		byCost(ps)
		return sum(ps[:e.need])
	}
	best := make([]pick, e.need+1) // by weight, the last for that or more
	for w := range best[1:] {
		best[w+1] = nothing
	}
	for i, p := range ps {
		for w := e.need; w > 0; w-- {
			best[w].cheaper(best[max(0, w-e.weights[i])], p)
		}
	}
	return best[e.need]
}

// A table holds, for one expression, the cheapest sets that need at least b
// failures of members to be no quorum any more, [b][0]; and among these the
// cheapest whose early members are a quorum, [b][1]. A quorum needs at least one
// failure, so [0][1] is [1][1].
type table [][2]pick

// at returns the entry for at least b failures.
func (t table) at(b int, early bool) pick {
	switch {
	case !early:
		return t[b][0]
	case b == 0:
		return t[1][1]
	}
	return t[b][1]
}

// tableOf fills the table of e for up to most failures. It needs e to be
// read-once and without weights.
//
// k of m parts break when m-k+1 of them do, and a failure breaks one part at
// most; so that takes b failures exactly if the m-k+1 smallest of the numbers
// b_i that the parts take sum up to b. That is so if and only if for some v in
// 1…b: Σ min(b_i, v) ≥ b + (k-1)·v. (Take v as the largest of those smallest.)
// For each v, a knapsack over the left side.
func tableOf(e *Expr, most int, cost func(string) float64, early func(string) bool) table {
	t := make(table, most+1)
	for b := range t {
		t[b] = [2]pick{nothing, nothing}
	}
	t[0][0] = pick{}
	if e.parts == nil {
		t[1][0] = one(e.node, cost(e.node))
		if early(e.node) {
			t[1][1] = t[1][0]
		}
		return t
	}
	tables := make([]table, len(e.parts))
	leaves := true
	for i, p := range e.parts {
		tables[i] = tableOf(p, most, cost, early)
		leaves = leaves && p.parts == nil
	}
	for b := 1; b <= most; b++ {
		for i, early := range []bool{false, true} {
			if leaves {
				t[b][i] = cheapestLeaves(tables, e.need, b, early)
				continue
			}
			t[b][i] = nothing
			for v := 1; v <= b; v++ {
				t[b][i].cheaper(knapsack(tables, e.need, b, v, early), pick{})
			}
		}
	}
	return t
}

// cheapestLeaves is the case of leaves: b failures break k of them if and only
// if the set has k+b-1, of which k early ones if asked for.
func cheapestLeaves(tables []table, k, b int, early bool) pick {
	var first, rest []pick
	for _, t := range tables {
		if early && !math.IsInf(t[1][1].cost, 1) {
			first = append(first, t[1][1])
		} else {
			rest = append(rest, t[1][0])
		}
	}
	var taken pick
	if early {
		if len(first) < k {
			return nothing
		}
		byCost(first)
		taken = sum(first[:k])
		rest = append(rest, first[k:]...)
		k = 0
	}
	n := k + b - 1
	if n > len(rest) {
		return nothing
	}
	byCost(rest)
	return taken.plus(sum(rest[:n]))
}

// knapsack returns the cheapest choice of table entries with Σ min(b_i, v) ≥ b +
// (k-1)·v and, if early, k parts whose early members are quorums.
func knapsack(tables []table, k, b, v int, early bool) pick {
	goal, quorums := b+(k-1)*v, 0
	if early {
		quorums = k
	}
	width := quorums + 1
	best := make([]pick, (goal+1)*width) // by sum so far and early parts so far
	for i := range best {
		best[i] = nothing
	}
	best[0] = pick{}
	for _, t := range tables {
		next := make([]pick, len(best))
		for i := range next {
			next[i] = nothing
		}
		for s := range goal + 1 {
			for q := range width {
				from := best[s*width+q]
				if math.IsInf(from.cost, 1) {
					continue
				}
				for take := 0; take <= v; take++ {
					to := min(goal, s+take) * width
					next[to+q].cheaper(from, t[take][0])
					if take > 0 && early {
						next[to+min(quorums, q+1)].cheaper(from, t[take][1])
					}
				}
			}
		}
		best = next
	}
	return best[len(best)-1]
}
