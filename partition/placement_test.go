package partition

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// named returns nodes node-1 to node-n of weight 1, in racks of three.
func named(n int) []Node {
	nodes := make([]Node, n)
	for i := range nodes {
		nodes[i] = Node{ID: fmt.Sprintf("node-%d", i+1), Weight: 1, Rack: fmt.Sprintf("rack-%d", i/3+1)}
	}
	return nodes
}

var schemes = []string{"ring", "rendezvous", "jump", "anchor"}

// place returns a placement of a scheme; an anchor has room for twice the nodes.
func place(t testing.TB, scheme string, nodes ...Node) Placement {
	t.Helper()
	d := Description{Scheme: scheme, Nodes: nodes}
	switch scheme {
	case "ring":
		d.Points = DefaultPoints
	case "anchor":
		d.Capacity = 2 * len(nodes)
	}
	p, err := d.Place()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func walk(p Placement, key Point) (ids []string) {
	for n := range p.Walk(key) {
		ids = append(ids, n.ID)
	}
	return ids
}

// TestChangesMoveOnlyWhatTheyMust is the law of consistent hashing: a node that
// comes takes its share and none moves otherwise; one that goes gives up what it
// had. Not nearly: exactly.
func TestChangesMoveOnlyWhatTheyMust(t *testing.T) {
	const keys = 20000
	for _, scheme := range schemes {
		for _, n := range []int{1, 2, 3, 10, 100} {
			t.Run(fmt.Sprint(scheme, n), func(t *testing.T) {
				before := place(t, scheme, named(n)...)
				after := must[Placement](t)(before.Add(Node{ID: "new", Weight: 1}))
				plan := Moves(before, after, Sample(keys))
				if plan.Keys != keys || plan.Needless != 0 {
					t.Errorf("one more: %d keys, %d needless moves", plan.Keys, plan.Needless)
				}
				for _, m := range plan.Moves {
					if m.To != "new" {
						t.Errorf("one more: %d keys go from %s to %s", m.Keys, m.From, m.To)
					}
				}
				near(t, "one more", float64(plan.Moved())/keys, 1/float64(n+1), scheme, n+1)

				leaver := before.Nodes()[n/2].ID
				if scheme == "jump" {
					leaver = before.Nodes()[n-1].ID
				}
				if n == 1 {
					return
				}
				after = must[Placement](t)(before.Remove(leaver))
				plan = Moves(before, after, Sample(keys))
				if plan.Needless != 0 {
					t.Errorf("one less: %d needless moves", plan.Needless)
				}
				for _, m := range plan.Moves {
					if m.From != leaver {
						t.Errorf("one less: %d keys go from %s to %s", m.Keys, m.From, m.To)
					}
				}
				near(t, "one less", float64(plan.Moved())/keys, 1/float64(n), scheme, n)
			})
		}
	}
}

// near allows five standard deviations: of the sample, and of a ring's shares.
func near(t *testing.T, what string, got, want float64, scheme string, n int) {
	t.Helper()
	sd := math.Sqrt(want * (1 - want) / 20000)
	if scheme == "ring" {
		sd += want * math.Sqrt(float64(n-1)/float64(n*DefaultPoints+1))
	}
	if math.Abs(got-want) > 5*sd+1e-12 {
		t.Errorf("%s: %.5f of all keys move, want %.5f ± %.5f", what, got, want, 5*sd)
	}
}

// E10: the formula "hash mod number of nodes" moves n of n+1 keys, most of them
// between nodes that stay. With it in place of the ring, this test sees it.
func TestE10HashModNodesMovesNearlyAll(t *testing.T) {
	const n = 10
	tally := newTally(named(n), named(n+1))
	for p := range Sample(20000) {
		tally.add(named(n)[p%n].ID, named(n + 1)[p%(n+1)].ID, 1)
	}
	mod := tally.plan()
	if moved := float64(mod.Moved()) / 20000; math.Abs(moved-10./11) > .01 || mod.Needless < mod.Moved()*8/10 {
		t.Errorf("mod: %.3f moved, %d of %d needless; the plan does not see what is wrong with it",
			moved, mod.Needless, mod.Moved())
	}
	ring := Moves(place(t, "ring", named(n)...), place(t, "ring", named(n+1)...), Sample(20000))
	if ring.Moved() > mod.Moved()/5 {
		t.Errorf("ring: %d moved, mod %d", ring.Moved(), mod.Moved())
	}
}

func TestWalkIsAPermutationThatBeginsWithTheOwner(t *testing.T) {
	for _, scheme := range schemes {
		p := place(t, scheme, named(7)...)
		for key := range Sample(500) {
			ids := walk(p, key)
			if ids[0] != p.Owner(key).ID {
				t.Fatalf("%s: walk begins with %s, owner %s", scheme, ids[0], p.Owner(key).ID)
			}
			if slices.Sort(ids); len(slices.Compact(ids)) != 7 {
				t.Fatalf("%s: walk %v", scheme, ids)
			}
			for n := range p.Walk(key) { // may be left at any point
				if n.ID == ids[0] {
					break
				}
			}
		}
	}
}

// TestPreferNeverRepeats: no node twice, and no rack where that is asked, in the
// order of the walk.
func TestPreferNeverRepeats(t *testing.T) {
	for _, scheme := range schemes {
		nodes := append(named(9), Node{ID: "alone-1", Weight: 1}, Node{ID: "alone-2", Weight: 1})
		p := place(t, scheme, nodes...)
		for key := range Sample(300) {
			for n := 1; n <= 11; n++ {
				list := must[[]Node](t)(Prefer(p, key, n))
				for i, node := range list {
					if len(list) != n || slices.Contains(list[:i], node) || node.ID != walk(p, key)[i] {
						t.Fatalf("%s: %d of %v: %v", scheme, n, walk(p, key), list)
					}
				}
			}
			for n := 1; n <= 5; n++ { // three racks and two nodes alone
				list := must[[]Node](t)(PreferRacks(p, key, n))
				for i, node := range list {
					same := func(m Node) bool { return m.ID == node.ID || m.Rack == node.Rack && m.Rack != "" }
					if len(list) != n || slices.ContainsFunc(list[:i], same) {
						t.Fatalf("%s: racks: %v", scheme, list)
					}
				}
				if list[0] != p.Owner(key) {
					t.Fatalf("%s: racks: owner %v, list %v", scheme, p.Owner(key), list)
				}
			}
		}
	}
}

// The mistake of many: a list with a host twice, or shorter than was asked.
func TestMoreCopiesThanNodesOrRacksIsAnError(t *testing.T) {
	for _, scheme := range schemes {
		p := place(t, scheme, named(6)...)
		for _, n := range []int{-1, 0, 7} {
			if l, err := Prefer(p, 1, n); err == nil {
				t.Errorf("%s: %d copies on 6 nodes: %v", scheme, n, l)
			} else {
				says(t, err, fmt.Sprintf("%d copies", n), "1 to 6")
			}
		}
		if l, err := PreferRacks(p, 1, 3); err == nil {
			t.Errorf("%s: 3 copies on 2 racks: %v", scheme, l)
		} else {
			says(t, err, "3 copies on 2 racks", "add nodes in other racks")
		}
	}
}

// TestCopiesMoveOnce: a node that comes or goes changes at most one node of each
// list, and none moves between others. With racks, jump and anchor change two at
// most: the old owner falls to its place by rendezvous, behind a rack mate.
func TestCopiesMoveOnce(t *testing.T) {
	const keys, copies = 3000, 3
	for _, scheme := range schemes {
		for name, choose := range map[string]func(Placement, Point, int) ([]Node, error){
			"Prefer": Prefer, "PreferRacks": PreferRacks,
		} {
			most, free := 1, true
			if name == "PreferRacks" && (scheme == "jump" || scheme == "anchor") {
				most, free = 2, false
			}
			before := place(t, scheme, named(12)...)
			more := must[Placement](t)(before.Add(Node{ID: "new", Weight: 1, Rack: "rack-2"}))
			for key := range Sample(keys) {
				had := must[[]Node](t)(choose(before, key, copies))
				has := must[[]Node](t)(choose(more, key, copies))
				if gone := beyond(had, has); len(gone) > most {
					t.Fatalf("%s: %s: %v became %v", scheme, name, had, has)
				}
			}
			for _, pair := range [][2]Placement{{before, more}, {more, before}} {
				plan := must[Plan](t)(CopyMoves(pair[0], pair[1], copies, choose, Sample(keys)))
				if free && plan.Needless != 0 || plan.Needless > plan.Moved()/3 {
					t.Errorf("%s: %s: %d needless moves", scheme, name, plan.Needless)
				}
				if plan.Keys != keys*copies || plan.Moved() == 0 {
					t.Errorf("%s: %s: %d of %d copies move", scheme, name, plan.Moved(), plan.Keys)
				}
			}
		}
	}
	p := place(t, "ring", named(3)...)
	_, err := CopyMoves(p, p, 4, Prefer, Sample(1))
	says(t, err, "4 copies")
	_, err = CopyMoves(place(t, "ring", named(4)...), p, 4, Prefer, Sample(1))
	says(t, err, "after", "4 copies")
}

func TestBadNodesAreErrorsThatSayWhatToChange(t *testing.T) {
	long := strings.Repeat("x", MaxName+1)
	for _, scheme := range schemes {
		for _, c := range []struct {
			nodes []Node
			says  string
		}{
			{nil, "give at least one"},
			{[]Node{{ID: "a", Weight: 0}}, "node a has weight 0: give it 1 or more"},
			{[]Node{{ID: "a", Weight: 1}, {ID: "b", Weight: 1}, {ID: "a", Weight: 1}}, "two nodes are called a"},
			{[]Node{{ID: "", Weight: 1}}, "it is empty: give it a name"},
			{[]Node{{ID: long, Weight: 1}}, "use at most 255"},
			{[]Node{{ID: "a b", Weight: 1}}, "without blanks"},
			{[]Node{{ID: "a\n", Weight: 1}}, "without blanks"},
			{[]Node{{ID: "a\xff", Weight: 1}}, "use UTF-8"},
			{[]Node{{ID: "a", Weight: 1, Rack: "r 1"}}, "rack of node a"},
			{slices.Repeat([]Node{{ID: "a", Weight: 1}}, MaxNodes+1), "split them into groups"},
		} {
			d := Description{Scheme: scheme, Nodes: c.nodes}
			if scheme == "ring" {
				d.Points = 10
			}
			if scheme == "anchor" {
				d.Capacity = 10
			}
			p, err := d.Place()
			if p != nil {
				t.Errorf("%s: %v with an error", scheme, p)
			}
			says(t, err, c.says)
		}
	}
}

func TestBadChangesAreErrorsThatSayWhatToChange(t *testing.T) {
	for _, scheme := range schemes {
		p := place(t, scheme, named(2)...)
		for _, c := range []struct {
			err  func() (Placement, error)
			says string
		}{
			{func() (Placement, error) { return p.Add(Node{ID: "node-1", Weight: 1}) }, "two nodes are called node-1"},
			{func() (Placement, error) { return p.Add(Node{ID: "x"}) }, "weight 0"},
			{func() (Placement, error) { return p.Remove("x") }, "there is none"},
			{func() (Placement, error) {
				one, err := p.Remove("node-2")
				if err != nil {
					return one, nil
				}
				return one.Remove("node-1")
			}, "it is the only one: add another first"},
		} {
			q, err := c.err()
			if q != nil {
				t.Errorf("%s: %q: a placement with an error", scheme, c.says)
			}
			says(t, err, strings.Split(c.says, ": ")...)
		}
		if len(p.Nodes()) != 2 {
			t.Errorf("%s: a change that failed, changed", scheme)
		}
	}
}

// TestAPlacementIsAValue: a change leaves what it began with as it was.
func TestAPlacementIsAValue(t *testing.T) {
	for _, scheme := range schemes {
		nodes := named(5)
		p := place(t, scheme, nodes...)
		text := p.Describe().String()
		more := must[Placement](t)(p.Add(Node{ID: "a-new", Weight: 1}))
		must[Placement](t)(p.Add(Node{ID: "another", Weight: 1}))
		must[Placement](t)(more.Remove("a-new"))
		must[Placement](t)(p.Remove("node-5"))
		nodes[0].ID = "changed by the caller"
		if now := p.Describe().String(); now != text {
			t.Errorf("%s was\n%s\nand is\n%s", scheme, text, now)
		}
		if back := must[Placement](t)(more.Remove("a-new")); back.Describe().String() != text {
			t.Errorf("%s: there and back: %s", scheme, back.Describe())
		}
	}
}

func TestOwnerAllocatesNothing(t *testing.T) {
	for _, scheme := range schemes {
		p := place(t, scheme, named(10)...)
		if n := testing.AllocsPerRun(100, func() { p.Owner(HashString("key")) }); n != 0 {
			t.Errorf("%s: %v allocations", scheme, n)
		}
	}
}

// TestEvenness: without weights, rendezvous, jump and anchor are as even as
// chance: chi-squared of the counts within 5 standard deviations.
func TestEvenness(t *testing.T) {
	const keys = 100000
	for _, scheme := range []string{"rendezvous", "jump", "anchor"} {
		for _, n := range []int{3, 10, 100} {
			p := place(t, scheme, named(n)...)
			counts := map[string]float64{}
			for key := range Sample(keys) {
				counts[p.Owner(key).ID]++
			}
			chi, mean := 0.0, keys/float64(n)
			for _, node := range p.Nodes() {
				chi += (counts[node.ID] - mean) * (counts[node.ID] - mean) / mean
			}
			free := float64(n - 1)
			if z := (chi - free) / math.Sqrt(2*free); z > 5 || z < -5 {
				t.Errorf("%s: chi-squared %.1f of %d nodes", scheme, chi, n)
			}
		}
	}
}

// says fails unless the error says all of these.
func says(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error that says %q", words)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}
