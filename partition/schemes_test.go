package partition

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// spread returns the coefficient of variation of shares, and the greatest over
// their mean.
func spread(shares []float64) (cv, most float64) {
	n := float64(len(shares))
	for _, s := range shares {
		cv += (s*n - 1) * (s*n - 1)
		most = max(most, s*n)
	}
	return math.Sqrt(cv / n), most
}

// TestRingSharesAreBeta: shares of n nodes with v points each are distributed as
// Beta(v, (n-1)v). Means over many rings of other names, each band five standard
// errors wide or more.
func TestRingSharesAreBeta(t *testing.T) {
	for _, c := range []struct {
		points, nodes, rings int
		most, band           float64 // E[max/mean] and what the mean over the rings may be off
	}{
		{1, 10, 400, 2.90, .25},
		{1, 100, 100, 5.19, .6},
		{10, 10, 400, 1.53, .06},
		{10, 100, 60, 1.97, .12},
		{100, 3, 400, 1.084, .016},
		{100, 10, 400, 1.159, .018},
		{100, 100, 40, 1.268, .04},
		{100, 1000, 6, 1.349, .08},
		{1000, 100, 6, 1.08, .02},
	} {
		sumSquares, sumMost := 0.0, 0.0
		for ring := range c.rings {
			nodes := named(c.nodes)
			for i := range nodes {
				nodes[i].ID = fmt.Sprintf("%d/%s", ring, nodes[i].ID)
			}
			shares := must[*Ring](t)(NewRing(c.points, nodes...)).Shares()
			sum := 0.0
			for i, s := range shares {
				if sum += s; s <= 0 {
					t.Fatalf("%s owns nothing", nodes[i].ID)
				}
			}
			if math.Abs(sum-1) > 1e-9 {
				t.Fatalf("shares sum to %v", sum)
			}
			cv, most := spread(shares)
			sumSquares += cv * cv
			sumMost += most
		}
		n, v := float64(c.nodes), float64(c.points)
		cv, want := math.Sqrt(sumSquares/float64(c.rings)), math.Sqrt((n-1)/(n*v+1))
		if math.Abs(cv/want-1) > 5/math.Sqrt(2*float64(c.rings)*(n-1))+.05 {
			t.Errorf("%d nodes of %d points: coefficient of variation %.4f, theory %.4f", c.nodes, c.points, cv, want)
		}
		if most := sumMost / float64(c.rings); math.Abs(most-c.most) > c.band {
			t.Errorf("%d nodes of %d points: fullest %.3f of the mean, theory %.3f ± %.3f",
				c.nodes, c.points, most, c.most, c.band)
		}
	}
}

// TestRingCountsAreItsShares: keys fall as the arcs say.
func TestRingCountsAreItsShares(t *testing.T) {
	const keys = 200000
	r := must[*Ring](t)(NewRing(100, named(10)...))
	counts := map[string]float64{}
	for p := range Sample(keys) {
		counts[r.Owner(p).ID]++
	}
	for i, share := range r.Shares() {
		got := counts[r.Nodes()[i].ID] / keys
		if math.Abs(got-share) > 5*math.Sqrt(share/keys) {
			t.Errorf("%s has %.4f of the circle and %.4f of the keys", r.Nodes()[i].ID, share, got)
		}
	}
}

// Two nodes of 100 points become three: about a third moves, all to the third.
// The mean is 1/3, the standard deviation .0272, and 99.8 % lie in [.254, .422].
func TestKnownAnswerTwoNodesBecomeThree(t *testing.T) {
	two, three := place(t, "ring", named(2)...), place(t, "ring", named(3)...)
	plan := Moves(two, three, Sample(30000))
	if part := float64(plan.Moved()) / 30000; part < .25 || part > .42 {
		t.Errorf("%.3f of all keys move", part)
	}
	for _, m := range plan.Moves {
		if m.To != "node-3" {
			t.Errorf("%v", m)
		}
	}
	const rings = 1000
	sum, squares, out := 0.0, 0.0, 0
	for i := range rings {
		id := func(n int) Node { return Node{ID: fmt.Sprintf("%d/node-%d", i, n), Weight: 1} }
		r := must[*Ring](t)(NewRing(100, id(1), id(2), id(3)))
		share := r.Shares()[2] // what the third took: exactly the arcs it has
		sum, squares = sum+share, squares+share*share
		if share < .254 || share > .422 {
			out++
		}
	}
	mean := sum / rings
	sd := math.Sqrt(squares/rings - mean*mean)
	if math.Abs(mean-1./3) > .0045 || math.Abs(sd-.0272) > .0035 || out > 10 {
		t.Errorf("mean %.4f, standard deviation %.4f, %d of %d out of the band", mean, sd, out, rings)
	}
}

// TestConsistentHashing: a key has one of the nodes that there are, and of a third
// node's share all go to it, and nothing else moves.
func TestConsistentHashing(t *testing.T) {
	two := must[*Ring](t)(NewRing(100, Node{ID: "node-1", Weight: 1}, Node{ID: "node-2", Weight: 1}))
	key := HashString("user:123")
	if owner := two.Owner(key).ID; owner != "node-1" && owner != "node-2" {
		t.Errorf("user:123 is at %q", owner)
	}
	three, err := two.Add(Node{ID: "node-3", Weight: 1})
	if err != nil {
		t.Fatal(err)
	}
	const keys = 30_000
	moved := 0
	for i := range keys {
		key := HashString(fmt.Sprint("user:", i))
		before, after := two.Owner(key), three.Owner(key)
		if before == after {
			continue
		}
		moved++
		if after.ID != "node-3" {
			t.Fatalf("user:%d moves from %v to %v", i, before, after)
		}
	}
	if part := float64(moved) / keys; part < .25 || part > .42 {
		t.Errorf("%.3f of the keys move, want about 1/3", part)
	}
}

// TestRingOwnerIsTheNextPoint: the index in cells finds what a plain search finds,
// at and beside each point, and around the end.
func TestRingOwnerIsTheNextPoint(t *testing.T) {
	for _, n := range []int{1, 2, 3, 17} {
		for _, points := range []int{1, 2, 31} {
			r := must[*Ring](t)(NewRing(points, named(n)...))
			check := func(p uint64) {
				t.Helper()
				i, _ := slices.BinarySearch(r.at, p)
				if want := r.nodes[r.owner[i%len(r.at)]]; r.Owner(Point(p)) != want {
					t.Fatalf("%d nodes of %d points: owner of %#x is not %v", n, points, p, want)
				}
			}
			for _, at := range append(r.at, 0, math.MaxUint64) {
				check(at - 1)
				check(at)
				check(at + 1)
			}
			for p := range Sample(200) {
				check(uint64(p))
			}
		}
	}
}

// TestRingHasNoHistory: the same nodes make the same ring, in any order.
func TestRingHasNoHistory(t *testing.T) {
	for _, scheme := range []string{"ring", "rendezvous"} {
		nodes := named(8)
		want := place(t, scheme, nodes...)
		r := rand.New(rand.NewPCG(2, 2))
		for range 20 {
			r.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
			p := place(t, scheme, nodes[0])
			for _, n := range nodes[1:] {
				p = must[Placement](t)(p.Add(n))
			}
			if plan := Moves(want, p, Sample(1000)); plan.Moved() != 0 {
				t.Fatalf("%s: %v", scheme, plan)
			}
		}
	}
}

// The share of weight 3 beside 1, 1 and 1 is a half.
func TestWeights(t *testing.T) {
	const keys = 100000
	nodes := append(named(3), Node{ID: "heavy", Weight: 3})
	for scheme, band := range map[string]float64{"ring": .12, "rendezvous": .008} {
		p := place(t, scheme, nodes...)
		counts := map[string]float64{}
		for key := range Sample(keys) {
			counts[p.Owner(key).ID]++
		}
		for _, n := range nodes {
			if got, want := counts[n.ID]/keys, float64(n.Weight)/6; math.Abs(got-want) > band {
				t.Errorf("%s: %s of weight %d has %.3f of all keys, want %.3f", scheme, n.ID, n.Weight, got, want)
			}
		}
	}
	for _, scheme := range []string{"jump", "anchor"} { // refused, not ignored
		_, err := Description{Scheme: scheme, Capacity: map[string]int{"anchor": 8}[scheme], Nodes: nodes}.Place()
		says(t, err, "cannot weigh: node heavy has weight 3", "use a ring or rendezvous")
		_, err = place(t, scheme, named(3)...).Add(nodes[3])
		says(t, err, "cannot weigh")
	}
}

// A node that grows heavier takes keys only, and one that grows lighter only gives.
func TestAWeightThatChangesMovesOnlyItsOwn(t *testing.T) {
	for _, scheme := range []string{"ring", "rendezvous"} {
		nodes := named(5)
		before := place(t, scheme, nodes...)
		nodes[2].Weight = 3
		after := place(t, scheme, nodes...)
		up, down := Moves(before, after, Sample(20000)), Moves(after, before, Sample(20000))
		if up.Needless != 0 || down.Needless != 0 || up.Moved() == 0 || up.Moved() != down.Moved() {
			t.Errorf("%s: up %v down %v", scheme, up, down)
		}
		for _, m := range up.Moves {
			if m.To != "node-3" {
				t.Errorf("%s: %v", scheme, m)
			}
		}
	}
}

func TestRingBadPoints(t *testing.T) {
	for _, points := range []int{-1, 0, 1<<16 + 1} {
		_, err := NewRing(points, named(3)...)
		says(t, err, "choose 1 to 65536; 100 is usual")
	}
	_, err := NewRing(100, Node{ID: "a", Weight: math.MaxUint32}, Node{ID: "b", Weight: math.MaxUint32})
	says(t, err, "divide all weights by a number")
}

// The vectors of jump consistent hashing.
func TestJumpKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		key     uint64
		n, want int
	}{
		{1, 1, 0}, {42, 57, 43}, {0xDEAD10CC, 1, 0}, {0xDEAD10CC, 666, 361}, {256, 1024, 520},
		{10863919174838991, 11, 6}, {math.MaxUint64, 10, 9}, {12345, 100, 29},
	} {
		if got := jump(c.key, c.n); got != c.want {
			t.Errorf("jump(%d, %d) = %d, want %d", c.key, c.n, got, c.want)
		}
	}
}

// Removing a bucket in the middle by moving the others up moves half of all keys:
// jump refuses it.
func TestJumpGivesUpItsLastOnly(t *testing.T) {
	p := place(t, "jump", named(10)...)
	_, err := p.Remove("node-5")
	says(t, err, "its last only, node-10", "use anchor, rendezvous or a ring")
	must[Placement](t)(p.Remove("node-10"))

	compacted := place(t, "jump", slices.Delete(named(10), 4, 5)...)
	plan := Moves(p, compacted, Sample(10000))
	if plan.Needless < 3000 {
		t.Errorf("the plan does not see the damage: %v", plan)
	}
}

// sets is AnchorHash as the paper defines it in §III: each removal remembers the
// whole of the set of buckets that still work.
type sets struct {
	working []int32
	after   map[int32][]int32 // of a bucket: those that worked when it was gone
}

func (s *sets) remove(b int32) {
	last := len(s.working) - 1
	s.working[slices.Index(s.working, b)] = s.working[last]
	s.working = s.working[:last]
	s.after[b] = slices.Clone(s.working)
}

func (s *sets) bucket(p Point, capacity int) int32 {
	b := below(mix(uint64(p)), int32(capacity))
	for s.after[b] != nil {
		w := s.after[b]
		b = w[below(mix(uint64(p)^uint64(b+1)*golden), int32(len(w)))]
	}
	return b
}

// TestAnchorAgainstSets compares the four arrays of the paper with whole sets,
// over random removals.
func TestAnchorAgainstSets(t *testing.T) {
	const capacity = 24
	r := rand.New(rand.NewPCG(3, 3))
	for range 50 {
		s := sets{after: map[int32][]int32{}}
		for b := range int32(capacity) {
			s.working = append(s.working, b)
		}
		var p Placement = must[*Anchor](t)(NewAnchor(capacity, named(capacity)...))
		for range 1 + r.IntN(capacity-1) {
			i := r.IntN(len(p.Nodes()))
			id := p.Nodes()[i].ID
			b := int32(slices.Index(p.(*Anchor).place, int32(i)))
			s.remove(b)
			p = must[Placement](t)(p.Remove(id))
		}
		for key := range Sample(300) {
			if got, want := p.(*Anchor).bucket(key), s.bucket(key, capacity); got != want {
				t.Fatalf("bucket %d, want %d", got, want)
			}
		}
	}
}

// TestAnchorOverALongLife: nodes come and go at random; no move is needless, and
// each node that comes stands where the last one left.
func TestAnchorOverALongLife(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	var p Placement = must[*Anchor](t)(NewAnchor(16, named(8)...))
	for i := range 300 {
		var next Placement
		if n := len(p.Nodes()); n == 16 || n > 1 && r.IntN(2) == 0 {
			next = must[Placement](t)(p.Remove(p.Nodes()[r.IntN(n)].ID))
		} else {
			next = must[Placement](t)(p.Add(Node{ID: fmt.Sprint("n", i), Weight: 1}))
		}
		if plan := Moves(p, next, Sample(300)); plan.Needless != 0 {
			t.Fatalf("step %d: %v", i, plan)
		}
		again := must[Placement](t)(next.Describe().Place())
		if plan := Moves(next, again, Sample(300)); plan.Moved() != 0 {
			t.Fatalf("step %d: its description is of another: %v", i, plan)
		}
		p = next
	}
}

func TestAnchorBadCapacity(t *testing.T) {
	for _, capacity := range []int{-1, 0, 2, MaxBuckets + 1} {
		_, err := NewAnchor(capacity, named(3)...)
		says(t, err, fmt.Sprintf("give it 3 to %d", MaxBuckets))
	}
	full := must[*Anchor](t)(NewAnchor(3, named(3)...))
	_, err := full.Add(Node{ID: "x", Weight: 1})
	says(t, err, "all 3 buckets of the anchor have one", "make an anchor of more")
}

// TestBeatsIsATotalOrder: of two lots exactly one wins, equal hashes or not, and
// arrivals that the upper 40 bits cannot tell apart too.
func TestBeatsIsATotalOrder(t *testing.T) {
	l := newLots([]Node{{"a", 1, ""}, {"b", 1, ""}, {"c", 2, ""}, {"d", 2, ""}})
	var all []lot
	for _, hash := range []uint64{0, 1, 1 << 24, math.MaxUint64 - 1, math.MaxUint64} {
		for node := range l.nodes {
			all = append(all, lot{hash, node})
		}
	}
	for _, a := range all {
		for _, b := range all {
			if a != b && l.beats(a, b) == l.beats(b, a) {
				t.Errorf("%v and %v: %v", a, b, l.beats(a, b))
			}
			for _, c := range all {
				if l.beats(a, b) && l.beats(b, c) && !l.beats(a, c) {
					t.Errorf("%v, %v, %v is a circle", a, b, c)
				}
			}
		}
	}
}

// TestRaceIsMinusLog: what ranks weighted nodes is -ln u to the last bits, and
// falls strictly with the hash.
func TestRaceIsMinusLog(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for i := range 200000 {
		h := r.Uint64() >> (i % 40)
		if i%2 == 0 {
			h = ^h // near 1 too
		}
		if h>>24 == 1<<40-1 {
			continue
		}
		a, b := race(h), race(h+1<<24)
		if !(a > b) {
			t.Fatalf("race(%#x) = %v, and of the next %v", h, a, b)
		}
		u := (float64(h>>24) + .5) / (1 << 40)
		if want := -math.Log(u); math.Abs(a-want) > 1e-14*want {
			t.Fatalf("race(%#x) = %v, -ln u = %v", h, a, want)
		}
	}
	if race(0) <= 0 || race(math.MaxUint64) <= 0 || math.IsInf(race(0), 0) {
		t.Error(race(0), race(math.MaxUint64))
	}
}

// Trap: with few points or few partitions, many members own nothing, silently.
func TestNoNodeOwnsNothing(t *testing.T) {
	for _, scheme := range schemes {
		p := place(t, scheme, named(1000)...)
		left := map[string]bool{}
		for _, n := range p.Nodes() {
			left[n.ID] = true
		}
		for key := range Sample(100000) {
			delete(left, p.Owner(key).ID)
		}
		if len(left) != 0 {
			t.Errorf("%s: %d of 1000 nodes own nothing", scheme, len(left))
		}
	}
}

// TestPlacementsNeverChange: where keys lie today, they lie in the next version.
func TestPlacementsNeverChange(t *testing.T) {
	for scheme, want := range map[string]string{
		"ring":       "1 6 2 8 2 5 5 5 9 8 8 7",
		"rendezvous": "8 4 4 1 10 7 4 1 10 2 4 10",
		"jump":       "9 3 1 2 5 6 5 8 3 3 4 3",
		"anchor":     "4 1 8 4 1 9 2 3 1 10 8 5",
	} {
		var got []string
		p := place(t, scheme, named(10)...)
		for i := range 12 {
			got = append(got, strings.TrimPrefix(p.Owner(HashString(fmt.Sprintf("user:%d", i))).ID, "node-"))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", scheme, s, want)
		}
	}
}
