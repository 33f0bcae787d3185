package partition

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// A Plan says what a change would move, before it is made. Its text is a table.
type Plan struct {
	Keys  uint64 // looked at; of copies, each one
	Moves []Move // by From, then To; none with Keys 0
	// Needless counts the keys that would move between two nodes that the change
	// does not concern: that are there before and after, with the same weight. A
	// node that comes or goes causes none, in any scheme here.
	Needless uint64
}

// A Move is a number of keys that go one way.
type Move struct {
	From, To string // IDs; empty: nowhere, for what comes into the world or leaves it
	Keys     uint64
}

// Moves returns what would move, of these keys, if after took the place of
// before. Give it the keys there are, or Sample.
func Moves(before, after Placement, keys iter.Seq[Point]) Plan {
	t := newTally(before.Nodes(), after.Nodes())
	for key := range keys {
		t.add(before.Owner(key).ID, after.Owner(key).ID, 1)
	}
	return t.plan()
}

// CopyMoves is Moves for so many copies of each key, on the nodes that choose
// takes: Prefer or PreferRacks. A copy that stays on its node does not move,
// wherever in the list it is. Errors: those of choose, for either placement.
func CopyMoves(before, after Placement, copies int,
	choose func(Placement, Point, int) ([]Node, error), keys iter.Seq[Point]) (Plan, error) {
	t := newTally(before.Nodes(), after.Nodes())
	for key := range keys {
		had, err := choose(before, key, copies)
		if err != nil {
			return Plan{}, fmt.Errorf("partition: plan, before: %w", err)
		}
		has, err := choose(after, key, copies)
		if err != nil {
			return Plan{}, fmt.Errorf("partition: plan, after: %w", err)
		}
		gone, came := beyond(had, has), beyond(has, had) // as many: the lists are of one length
		for i := range gone {
			t.add(gone[i].ID, came[i].ID, 1)
		}
		t.keys += uint64(copies - len(gone))
	}
	return t.plan(), nil
}

// beyond returns the nodes of a that are not in b.
func beyond(a, b []Node) (rest []Node) {
	for _, n := range a {
		if !slices.ContainsFunc(b, func(m Node) bool { return m.ID == n.ID }) {
			rest = append(rest, n)
		}
	}
	return rest
}

// Sample returns n points, spread as hashes of keys are, the same each time: for
// plans where there are no keys yet, or too many.
func Sample(n int) iter.Seq[Point] {
	return func(yield func(Point) bool) {
		for i := range n {
			if !yield(Point(mix(uint64(i+1) * golden))) {
				return
			}
		}
	}
}

// Points returns the hashes of keys.
func Points(keys iter.Seq[string]) iter.Seq[Point] {
	return func(yield func(Point) bool) {
		for key := range keys {
			if !yield(HashString(key)) {
				return
			}
		}
	}
}

// Moved returns how many keys move in all.
func (p Plan) Moved() (sum uint64) {
	for _, m := range p.Moves {
		sum += m.Keys
	}
	return sum
}

// String returns a line that sums up, then a line for each move.
func (p Plan) String() string {
	part := 0.0
	if p.Keys > 0 {
		part = 100 * float64(p.Moved()) / float64(p.Keys)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d keys move (%.2f %%), %d of them between nodes that stay\n",
		p.Moved(), p.Keys, part, p.Needless)
	wide := len("(nowhere)")
	for _, m := range p.Moves {
		wide = max(wide, len(m.From), len(m.To))
	}
	name := func(id string) string { return cmp.Or(id, "(nowhere)") }
	for _, m := range p.Moves {
		fmt.Fprintf(&b, "  %-*s -> %-*s %10d\n", wide, name(m.From), wide, name(m.To), m.Keys)
	}
	return b.String()
}

// A tally counts keys by their ways.
type tally struct {
	keys uint64
	ways map[way]uint64
	stay map[string]bool // nodes that are there before and after, as they were
}

type way struct{ from, to string }

func newTally(before, after []Node) *tally {
	weights := make(map[string]uint32, len(before))
	for _, n := range before {
		weights[n.ID] = n.Weight
	}
	t := &tally{ways: map[way]uint64{}, stay: map[string]bool{}}
	for _, n := range after {
		if weights[n.ID] == n.Weight { // never 0
			t.stay[n.ID] = true
		}
	}
	return t
}

// add counts keys that were on one node and will be on another, or the same.
func (t *tally) add(from, to string, keys uint64) {
	t.keys += keys
	if from != to && keys > 0 {
		t.ways[way{from, to}] += keys
	}
}

func (t *tally) plan() Plan {
	p := Plan{Keys: t.keys}
	order := slices.SortedFunc(maps.Keys(t.ways), func(a, b way) int {
		return cmp.Or(strings.Compare(a.from, b.from), strings.Compare(a.to, b.to))
	})
	for _, w := range order {
		p.Moves = append(p.Moves, Move{w.from, w.to, t.ways[w]})
		if t.stay[w.from] && t.stay[w.to] {
			p.Needless += t.ways[w]
		}
	}
	return p
}
