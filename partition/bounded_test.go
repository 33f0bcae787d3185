package partition

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// A bound below 1 left no room in a library of this kind, and it panicked.
func TestBadBoundsAreErrorsThatSayWhatToChange(t *testing.T) {
	p := place(t, "ring", named(3)...)
	for _, c := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 0, .5, 1, 1001} {
		_, err := NewBounded(p, c)
		says(t, err, fmt.Sprint(c), "choose 1.001 to 1000; 1.25 is usual")
		_, err = Assign(p, c, nil)
		says(t, err, "choose 1.001 to 1000")
		_, err = AssignMoves(p, p, c, nil)
		says(t, err, "choose 1.001 to 1000")
	}
	b := must[*Bounded](t)(NewBounded(p, 1.25))
	says(t, b.Done("x"), "there is none")
	says(t, b.Done("node-1"), "it has none")
	if b.Load("x") != 0 || b.Limit("x") != 0 {
		t.Error("a node that is not there has load or a limit")
	}
}

// TestLimitIsExact: ⌈c·m·w/W⌉, where floating point would round 1.1·10 up to 12.
func TestLimitIsExact(t *testing.T) {
	for _, c := range []struct {
		c      float64
		nodes  []Node
		m      uint64
		weight uint32
		want   uint64
	}{
		{1.1, named(1), 10, 1, 11},
		{1.25, named(10), 8, 1, 1},
		{1.25, named(10), 9, 1, 2},
		{1.25, named(100), 10000, 1, 125},
		{2, []Node{{"a", 1, ""}, {"b", 3, ""}}, 10, 3, 15},
		{2, []Node{{"a", 1, ""}, {"b", 3, ""}}, 10, 1, 5},
		{1000, named(1), math.MaxUint64, 1, math.MaxUint64},
		{1.001, named(1), 0, 1, 0},
	} {
		b := must[bound](t)(newBound(c.nodes, c.c))
		if got := b.limit(c.m, c.weight); got != c.want {
			t.Errorf("c %v, %d nodes, %d keys, weight %d: limit %d, want %d",
				c.c, len(c.nodes), c.m, c.weight, got, c.want)
		}
	}
}

// TestPickNeverGivesMoreThanTheLimit: over random requests that come and go, most
// of them for one hot key, on each scheme, with weights where it has them.
func TestPickNeverGivesMoreThanTheLimit(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for _, scheme := range schemes {
		for _, c := range []float64{1.001, 1.1, 1.25, 3} {
			nodes := named(7)
			if scheme == "ring" || scheme == "rendezvous" {
				nodes[3].Weight = 4
			}
			b := must[*Bounded](t)(NewBounded(place(t, scheme, nodes...), c))
			var at []string
			for range 3000 {
				if len(at) > 0 && r.IntN(5) < 2 {
					i := r.IntN(len(at))
					if err := b.Done(at[i]); err != nil {
						t.Fatal(err)
					}
					at = slices.Delete(at, i, i+1)
					continue
				}
				limits := map[string]uint64{}
				for _, n := range nodes {
					limits[n.ID] = b.Limit(n.ID)
				}
				n := b.Pick(Point(mix(uint64(r.IntN(20)) / 10))) // two keys
				at = append(at, n.ID)
				if b.Load(n.ID) > limits[n.ID] {
					t.Fatalf("%s: %s has %d of %d", scheme, n.ID, b.Load(n.ID), limits[n.ID])
				}
			}
			sum := uint64(0)
			for _, n := range nodes {
				sum += b.Load(n.ID)
			}
			if sum != uint64(len(at)) || sum != b.total {
				t.Errorf("%s: %d at work, counted %d and %d", scheme, len(at), sum, b.total)
			}
		}
	}
}

// TestPickLeavesTheOwner only where it must: what fits goes to the first of its
// walk that has room.
func TestPickLeavesTheOwner(t *testing.T) {
	p := place(t, "ring", named(5)...)
	b := must[*Bounded](t)(NewBounded(p, 1.25))
	for key := range Sample(1000) {
		want := ""
		for n := range p.Walk(key) {
			if b.Load(n.ID) < b.Limit(n.ID) {
				want = n.ID
				break
			}
		}
		if got := b.Pick(key).ID; got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
}

// TestAssignKnownBound: 10,000 keys on 100 nodes with c = 1.25: 125 at most, where
// a ring alone goes beyond; and it is a function of the set of keys.
func TestAssignKnownBound(t *testing.T) {
	const m, n = 10000, 100
	p := place(t, "ring", named(n)...)
	keys := slices.Collect(Sample(m))
	count := func(nodes []Node) (most int) {
		loads := map[string]int{}
		for _, n := range nodes {
			loads[n.ID]++
			most = max(most, loads[n.ID])
		}
		return most
	}
	alone := make([]Node, m)
	for i, key := range keys {
		alone[i] = p.Owner(key)
	}
	bounded := must[[]Node](t)(Assign(p, 1.25, keys))
	if most := count(alone); most <= 125 {
		t.Errorf("a ring alone: %d, so nothing is tested", most)
	}
	if most := count(bounded); most > 125 {
		t.Errorf("bounded: %d, of 125 at most", most)
	}
	order := rand.New(rand.NewPCG(7, 7)).Perm(m)
	shuffled := make([]Point, m)
	for i, j := range order {
		shuffled[i] = keys[j]
	}
	for i, node := range must[[]Node](t)(Assign(p, 1.25, shuffled)) {
		if node != bounded[order[i]] {
			t.Fatal("the order in which keys are given matters")
		}
	}
}

// TestAssignMovesLittle: a node that comes or goes moves its share and O(1/ε²)
// times that; with a wide bound nothing needless.
func TestAssignMovesLittle(t *testing.T) {
	const m, n = 10000, 100
	keys := slices.Collect(Sample(m))
	before := place(t, "ring", named(n)...)
	after := must[Placement](t)(before.Remove("node-50"))
	for _, c := range []float64{1.1, 1.25, 1.5, 2, 1000} {
		for _, pair := range [][2]Placement{{before, after}, {after, before}} {
			plan := must[Plan](t)(AssignMoves(pair[0], pair[1], c, keys))
			share := float64(m) / n
			if plan.Keys != m || float64(plan.Moved()) > 2*share*(1+1/((c-1)*(c-1))) {
				t.Errorf("c %v: %d keys move, %d needless", c, plan.Moved(), plan.Needless)
			}
			if c == 1000 && plan.Needless != 0 {
				t.Errorf("without a bound that binds: %v", plan)
			}
		}
	}
}
