package quorum

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestSizeTable is the table of quorum sizes by n: majority; fast quorum of Fast
// Paxos; of EPaxos; liars borne and the quorum that bears them.
func TestSizeTable(t *testing.T) {
	for _, want := range []struct{ n, majority, fast, epaxos, f, byzantine int }{
		{1, 1, 1, 0, 0, 1}, {2, 2, 2, 0, 0, 2}, {3, 2, 3, 2, 0, 2}, {4, 3, 3, 0, 1, 3},
		{5, 3, 4, 3, 1, 4}, {6, 4, 5, 0, 1, 4}, {7, 4, 6, 5, 2, 5}, {8, 5, 6, 0, 2, 6},
		{9, 5, 7, 6, 2, 6}, {10, 6, 8, 0, 3, 7}, {13, 7, 10, 9, 4, 9},
	} {
		fast, err := FastSize(want.n, Majority(want.n))
		if Majority(want.n) != want.majority || fast != want.fast || err != nil {
			t.Errorf("n=%d: majority %d, fast %d, %v; want %d, %d", want.n, Majority(want.n), fast, err,
				want.majority, want.fast)
		}
		if got, err := EPaxosFast(want.n); got != want.epaxos || (err == nil) != (want.epaxos > 0) {
			t.Errorf("n=%d: EPaxos %d, %v; want %d", want.n, got, err, want.epaxos)
		}
		if got, err := ByzantineSize(want.n, want.f); got != want.byzantine || err != nil {
			t.Errorf("n=%d f=%d: Byzantine %d, %v; want %d", want.n, want.f, got, err, want.byzantine)
		}
		if _, err := ByzantineSize(want.n, want.f+1); err == nil {
			t.Errorf("n=%d bears %d liars", want.n, want.f+1)
		}
	}
	// Three of four, and not two, though W = R = (N+1)/2 says two.
	if q := Majority(4); q != 3 {
		t.Errorf("Majority(4) = %d", q)
	}
	if q := Majority(6); q != 4 {
		t.Errorf("Majority(6) = %d", q)
	}
	if q2, err := OtherPhase(10, 8); q2 != 3 || err != nil {
		t.Errorf("OtherPhase(10, 8) = %d, %v; want 3", q2, err)
	}
	if _, err := OtherPhase(10, 11); err == nil {
		t.Error("a quorum of 11 among 10")
	}
}

// TestPhasesBruteForce: for all n ≤ 6 and all sizes, a configuration is refused
// if and only if there are quorums without a common node, and the witness is
// such.
func TestPhasesBruteForce(t *testing.T) {
	for n := 1; n <= 6; n++ {
		for first := 1; first <= n; first++ {
			for slow := 1; slow <= n; slow++ {
				for fast := 0; fast <= n; fast++ {
					p := Phases{n, first, slow, fast}
					safe := meet(n, first, slow) && (fast == 0 || meet(n, first, fast, fast))
					err := p.Check()
					if (err == nil) != safe {
						t.Fatalf("%+v: %v, safe %v", p, err, safe)
					}
					if err != nil {
						checkWitness(t, err)
					}
				}
			}
		}
	}
	for _, p := range []Phases{{}, {N: 3, First: 0, Slow: 3}, {N: 3, First: 4, Slow: 1}, {N: 3, First: 2,
		Slow: 2, Fast: 4}} {
		if err := p.Check(); err == nil {
			t.Errorf("%+v has no error", p)
		}
	}
}

// meet tells, by trying all, whether any sets of the sizes share a node.
func meet(n int, sizes ...int) bool {
	return meetIn(n, 1<<n-1, sizes)
}

func meetIn(n, common int, sizes []int) bool {
	if len(sizes) == 0 {
		return common != 0
	}
	for s := range 1 << n {
		if ones(s) == sizes[0] && !meetIn(n, common&s, sizes[1:]) {
			return false
		}
	}
	return true
}

func ones(s int) (n int) {
	for ; s != 0; s &= s - 1 {
		n++
	}
	return n
}

// checkWitness wants a refusal by sets that no node is in all of.
func checkWitness(t *testing.T, err error) *NoMeeting {
	t.Helper()
	var no *NoMeeting
	if !errors.As(err, &no) || no.Change == "" {
		t.Fatalf("%v is no refusal with a witness", err)
	}
	times := make(map[string]int)
	for _, q := range no.Quorums {
		if len(q) == 0 {
			t.Fatalf("%v: a quorum of nobody", err)
		}
		for _, node := range q {
			times[node]++
		}
		if !strings.Contains(err.Error(), braces(q)) {
			t.Fatalf("%q does not name %v", err, q)
		}
	}
	for node, n := range times {
		if n == len(no.Quorums) {
			t.Fatalf("%v: %s is in all", err, node)
		}
	}
	return no
}

func TestFastFaults(t *testing.T) {
	for _, c := range []struct{ n, e, f, classic, fast int }{
		{4, 1, 1, 3, 3}, {5, 1, 2, 3, 4}, {7, 2, 2, 5, 5}, {3, 0, 1, 2, 3}, {1, 0, 0, 1, 1},
	} {
		classic, fast, err := FastFaults(c.n, c.e, c.f)
		if classic != c.classic || fast != c.fast || err != nil {
			t.Errorf("%+v: %d, %d, %v", c, classic, fast, err)
		}
		if err := (Phases{c.n, classic, classic, fast}).Check(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, c := range []struct {
		n, e, f int
		want    string
	}{{4, 0, 2, "n > 2f: 5 nodes"}, {5, 2, 2, "n > 2e+f: 7 nodes"}, {9, 2, 1, "e ≤ f"}, {0, 0, 0, "n ≥ 1"}} {
		if _, _, err := FastFaults(c.n, c.e, c.f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestByzantineShares: two quorums share more than f nodes, and one node fewer
// would not do; the correct nodes alone are a quorum.
func TestByzantineShares(t *testing.T) {
	for n := 1; n < 60; n++ {
		for f := 0; 3*f < n; f++ {
			q, err := ByzantineSize(n, f)
			if err != nil || 2*q-n <= f || 2*(q-1)-n > f || q > n-f {
				t.Fatalf("n=%d f=%d: %d, %v", n, f, q, err)
			}
		}
	}
}

// TestQuorumCalculation, and the validations below, are what one asks first of a
// cluster.
func TestQuorumCalculation(t *testing.T) {
	for n, want := range map[int]int{3: 2, 5: 3, 7: 4} {
		if got := Majority(n); got != want {
			t.Errorf("Majority(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestMostFaults(t *testing.T) {
	for _, fault := range []Fault{Crash, Byzantine} {
		for n := 1; n < 200; n++ {
			f := MostFaults(n, fault)
			if Tolerates(n, f, fault) != nil || Tolerates(n, f+1, fault) == nil {
				t.Errorf("%d nodes bear %d faults %v", n, f, fault)
			}
		}
	}
}

func TestFailureToleranceValidation(t *testing.T) {
	if err := Tolerates(5, 2, Crash); err != nil {
		t.Errorf("five nodes, two failures: %v", err)
	}
	if err := Tolerates(5, 3, Crash); err == nil || !strings.Contains(err.Error(), "2f+1") {
		t.Errorf("five nodes, three failures: %v", err)
	}
}

func TestByzantineTolerance(t *testing.T) {
	if err := Tolerates(4, 1, Byzantine); err != nil {
		t.Errorf("four nodes, one liar: %v", err)
	}
	if err := Tolerates(4, 2, Byzantine); err == nil || !strings.Contains(err.Error(), "3f+1 = 7") {
		t.Errorf("four nodes, two liars: %v", err)
	}
}

// TestToleratesSaysAll: both broken rules are named.
func TestToleratesSaysAll(t *testing.T) {
	err := Tolerates(4, 2, Byzantine)
	if err == nil || !strings.Contains(err.Error(), "2f+1 = 5") || !strings.Contains(err.Error(),
		"3f+1 = 7") {
		t.Errorf("4 nodes, 2 liars: %v", err)
	}
	for _, c := range []struct {
		n, f  int
		fault Fault
		ok    bool
	}{{5, 2, Crash, true}, {4, 2, Crash, false}, {4, 1, Byzantine, true}, {3, 1, Byzantine, false},
		{1, 0, Byzantine, true}, {0, 0, Crash, false}, {3, -1, Crash, false}} {
		if err := Tolerates(c.n, c.f, c.fault); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestNRW(t *testing.T) {
	for n := 1; n <= 6; n++ {
		for r := 1; r <= n; r++ {
			for w := 1; w <= n; w++ {
				c := NRW{n, r, w}
				for what, got := range map[string]struct {
					err  error
					safe bool
				}{
					"reads meet writes": {c.ReadsMeetWrites(), meet(n, r, w)},
					"writes meet":       {c.WritesMeet(), meet(n, w, w)},
				} {
					if (got.err == nil) != got.safe {
						t.Errorf("%+v: %s: %v, want %v", c, what, got.err, got.safe)
					}
					if got.err != nil {
						checkWitness(t, got.err)
					}
				}
			}
		}
	}
	// R + W > N alone lets two writes miss each other.
	c := NRW{3, 3, 1}
	if c.ReadsMeetWrites() != nil || c.WritesMeet() == nil {
		t.Errorf("%+v: %v, %v", c, c.ReadsMeetWrites(), c.WritesMeet())
	}
	for _, c := range []NRW{{}, {3, 0, 3}, {3, 3, 4}, {-1, 1, 1}} {
		if c.ReadsMeetWrites() == nil || c.WritesMeet() == nil {
			t.Errorf("%+v has no error", c)
		}
	}
}

// TestMeetingNaive: New refuses two random expressions if and only if some set
// is a read quorum and its complement a write quorum, with such a pair.
func TestMeetingNaive(t *testing.T) {
	kinds(t, 500, func(t *testing.T, e *Expr, names []string, rng *rand.Rand) {
		w := random(rng, names, rng.IntN(2) == 0, rng.IntN(2) == 0)
		if rng.IntN(2) == 0 {
			w = bent(rng, e)
		}
		all, safe := 1<<len(names)-1, true
		for s := range all + 1 {
			safe = safe && !(e.Holds(subset(names, s)) && w.Holds(subset(names, all&^s)))
		}
		_, err := New(e, w)
		if (err == nil) != safe {
			t.Fatalf("%q and %q: %v, safe %v", e, w, err, safe)
		}
		if err == nil {
			return
		}
		no := checkWitness(t, err)
		for i, q := range []*Expr{e, w} {
			if !q.Holds(func(n string) bool { return slices.Contains(no.Quorums[i], n) }) {
				t.Fatalf("%q: %v is no quorum", q, no.Quorums[i])
			}
		}
	})
}

// bent returns an expression of the same shape with other needs.
func bent(rng *rand.Rand, e *Expr) *Expr {
	if e.parts == nil {
		return e
	}
	b := &Expr{need: 1 + rng.IntN(e.total()), weights: e.weights}
	for _, p := range e.parts {
		b.parts = append(b.parts, bent(rng, p))
	}
	return b
}

func TestResilienceKnown(t *testing.T) {
	for text, want := range map[string]int{
		"a":                                 0,
		"(a + b) * (c + d)":                 1,
		"(a + b + c) * (d + e + f)":         2,
		"(a + a + c) * (d + e + f)":         1,
		"a*b + b*c + a*d + a*d*e":           1,
		"choose(2, a + b + c, d + e, f)":    2,
		"choose(2, a*b, a*c, d)":            0,
		"choose(2, a + b, a + c, a + d)":    2,
		"choose(3, a, b, c, d, e)":          2,
		"weigh(3, a:2, b, c)":               0,
		"weigh(3, a:2, b:2, c, d)":          1,
		"choose(3, a, a, b, b, c, d)":       1,
		"a*b*c + d*e*f":                     1,
		"(a + b) * (c + d) * (e + f + g*h)": 1,
	} {
		if got, err := parsed(t, text).Resilience(); got != want || err != nil {
			t.Errorf("resilience of %q: %d, %v; want %d", text, got, err, want)
		}
	}
	grid, err := Grid([][]string{{"a", "b", "c"}, {"d", "e", "f"}})
	if err != nil {
		t.Fatal(err)
	}
	if r, w, err := grid.Resilience(); r != 1 || w != 2 || err != nil {
		t.Errorf("grid: %d, %d, %v; want 1, 2", r, w, err)
	}
}

func TestResilienceNaive(t *testing.T) {
	kinds(t, 300, func(t *testing.T, e *Expr, names []string, _ *rand.Rand) {
		want := len(names)
		all := 1<<len(names) - 1
		for down := range all + 1 {
			if !e.Holds(subset(names, all&^down)) {
				want = min(want, ones(down)-1)
			}
		}
		if got, err := e.Resilience(); got != want || err != nil {
			t.Fatalf("%q: %d, %v; want %d", e, got, err, want)
		}
	})
}

// TestNamedSystems: each constructor gives what it says, and refuses with a
// witness what does not meet.
func TestNamedSystems(t *testing.T) {
	abc, nine := letters(3), letters(9)
	for what, c := range map[string]struct {
		s             *System
		err           error
		reads, writes string
	}{
		"majorities": two(Majorities(abc)).as("choose(2, a, b, c)", "choose(2, a, b, c)"),
		"rowa":       two(Thresholds(abc, 1, 3)).as("a + b + c", "a * b * c"),
		"fast": two(FastRounds(letters(5), 3, 4)).as("choose(3, a, b, c, d, e)",
			"choose(4, a, b, c, d, e)"),
		"lying": two(LyingMajorities(letters(5), 1)).as("choose(4, a, b, c, d, e)",
			"choose(4, a, b, c, d, e)"),
		"weighted": two(Weighted(abc, []int{2, 1, 1}, 3, 2)).as("weigh(3, a:2, b, c)",
			"weigh(2, a:2, b, c)"),
		"grid": two(Grid([][]string{{"a", "b"}, {"c", "d"}})).as("a * b + c * d", "(a + b) * (c + d)"),
		"hierarchy": two(Hierarchy(nine, 3,
			3)).as("choose(2, choose(2, a, b, c), choose(2, d, e, f), choose(2, g, h, i))",
			"choose(2, choose(2, a, b, c), choose(2, d, e, f), choose(2, g, h, i))"),
	} {
		if c.err != nil || c.s.Reads().String() != c.reads || c.s.Writes().String() != c.writes {
			t.Errorf("%s: %v, %v", what, c.s, c.err)
		}
	}
	for what, err := range map[string]error{
		"4 of 2 + 2":     two(Thresholds(letters(4), 2, 2)).err,
		"fast 3 of 5":    two(FastRounds(letters(5), 3, 3)).err,
		"weights 2 + 2":  two(Weighted(abc, []int{2, 1, 1}, 2, 2)).err,
		"written freely": two(New(parsed(t, "a*b + c*d"), parsed(t, "a + b*c"))).err,
		"strangers":      two(New(Node("a"), Node("b"))).err,
	} {
		if checkWitness(t, err); what == "fast 3 of 5" && len(err.(*NoMeeting).Quorums) != 3 {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"nobody":       two(Majorities(nil)).err,
		"twice":        two(Majorities([]string{"a", "a"})).err,
		"ragged":       two(Hierarchy(nine, 3, 2)).err,
		"flat":         two(Hierarchy(nine, 3)).err,
		"fan-out 0":    two(Hierarchy(nine, 0, 9)).err,
		"empty row":    two(Grid([][]string{{"a"}, {}})).err,
		"few weights":  two(Weighted(abc, []int{1}, 1, 1)).err,
		"many weights": two(Weighted(abc, []int{1, 1, 1, 1}, 1, 1)).err,
		"zero":         two(Thresholds(abc, 0, 3)).err,
		"liars":        two(LyingMajorities(abc, 1)).err,
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

type result struct {
	s   *System
	err error
}

func two(s *System, err error) result { return result{s, err} }

func (r result) as(reads, writes string) struct {
	s             *System
	err           error
	reads, writes string
} {
	return struct {
		s             *System
		err           error
		reads, writes string
	}{r.s, r.err, reads, writes}
}

// TestUnavailability: q of n in closed form, with small chances kept; and that
// reads and writes fail by their own quorums.
func TestUnavailability(t *testing.T) {
	down := func(string) float64 { return 1e-6 }
	s, _ := Majorities(Names(5))
	want := 10*1e-18 - 15*1e-24 + 6*1e-30 // C(5,3)p³q² + C(5,4)p⁴q + p⁵
	if r, w, err := s.Unavailability(down); math.Abs(r-want) > 1e-12*want || r != w || err != nil {
		t.Errorf("majority of 5: %g, %g, %v; want %g", r, w, err, want)
	}
	s, _ = Thresholds(Names(3), 1, 3)
	r, w, err := s.Unavailability(down)
	if math.Abs(r-1e-18) > 1e-30 || math.Abs(w-(1-math.Pow(1-1e-6, 3))) > 1e-15 || err != nil {
		t.Errorf("read one of 3, write all: %g, %g, %v", r, w, err)
	}
}

// TestLargeSystems: a thousand nodes, and thirty whose quorums nobody could
// list; what is wrong here shows as a test that does not end.
func TestLargeSystems(t *testing.T) {
	big, err := Majorities(Names(1000))
	if err != nil {
		t.Fatal(err)
	}
	if r, w, err := big.Resilience(); r != 499 || w != 499 || err != nil {
		t.Errorf("%d, %d, %v; want 499", r, w, err)
	}
	if _, w, err := big.Unavailability(func(string) float64 { return .5 }); w < .5 || w > .52 || err != nil {
		t.Errorf("coin flips: %v, %v", w, err)
	}
	if f, err := NewFinder(big.Reads(), 3); err != nil {
		t.Error(err)
	} else if set, _, _ := f.Cheapest(func(string) float64 { return 1 }, nil); len(set) != 504 {
		t.Errorf("%d nodes survive 3 failures, want 504", len(set))
	}
	hqs, err := Hierarchy(Names(729), 3, 3, 3, 3, 3, 3)
	if err != nil {
		t.Fatal(err)
	}
	if r, _, err := hqs.Resilience(); r != 63 || err != nil {
		t.Errorf("hierarchy: %d, %v; want 2⁶-1", r, err)
	}
	y := hqs.Symmetry(func(string) string { return "" })
	if len(y.Orbits) != 1 || len(y.Orbits[0]) != 729 {
		t.Errorf("%d orbits", len(y.Orbits))
	}
}

// TestShuffle: an image of a quorum is a quorum of the same kinds of nodes, and
// every node of an orbit is reached.
func TestShuffle(t *testing.T) {
	s, err := New(parsed(t, "choose(2, a*b + c*d, e*f + g*h, i)"), nil)
	if err != nil {
		t.Fatal(err)
	}
	kind := func(node string) string { return fmt.Sprint(node == "a") }
	y := s.Symmetry(kind)
	if got := fmt.Sprint(y.Orbits); got != "[[a] [b] [c d] [e f g h] [i]]" {
		t.Fatalf("orbits %v", got)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	hits := make(map[string]int)
	for range 1000 {
		image := y.Shuffle([]string{"c", "d", "e", "f"}, rng)
		if !s.Reads().Holds(func(n string) bool { return slices.Contains(image, n) }) || len(image) != 4 {
			t.Fatalf("%v is no quorum", image)
		}
		for _, node := range image {
			hits[node]++
		}
	}
	if hits["c"] != 1000 || hits["d"] != 1000 || hits["e"] != hits["f"] || hits["g"] != hits["h"] ||
		hits["e"] < 400 || hits["g"] < 400 || hits["a"]+hits["b"]+hits["i"] != 0 {
		t.Errorf("hits %v", hits)
	}
	// Nodes that occur twice are left alone.
	s, _ = New(parsed(t, "a*b + a*c"), nil)
	if y := s.Symmetry(kind); len(y.Orbits) != 3 || fmt.Sprint(y.Shuffle([]string{"a", "b"},
		rng)) != "[a b]" {
		t.Errorf("orbits %v", y.Orbits)
	}
}

func ExampleNew() {
	reads, err := Parse("a*b + c*d")
	if err != nil {
		panic(err)
	}
	writes, err := Parse("a + b*c")
	if err != nil {
		panic(err)
	}
	_, err = New(reads, writes)
	fmt.Println(err)
	s, err := New(reads, nil)
	if err != nil {
		panic(err)
	}
	r, w, err := s.Resilience()
	fmt.Println(s.Writes(), r, w, err)
	// Output:
	// quorum: these share no node: {c d} {a}: make either larger, or take as writes (a + b) * (c + d)
	// (a + b) * (c + d) 1 1 <nil>
}

func ExampleParse() {
	e, err := Parse("choose(2, us, eu, asia1*asia2)")
	fmt.Println(e, err)
	fmt.Println(e.Dual())
	_, err = Parse("choose(2, us,")
	fmt.Println(err)
	// Output:
	// choose(2, us, eu, asia1 * asia2) <nil>
	// choose(2, us, eu, asia1 + asia2)
	// quorum: line 1, column 14: the end: want a node, choose, weigh or (
}

func ExampleMajorities() {
	s, err := Majorities(Names(5))
	if err != nil {
		panic(err)
	}
	r, w, _ := s.Resilience()
	down, _, _ := s.Unavailability(func(string) float64 { return 0.01 })
	fmt.Printf("survives %d, %d; no quorum with probability %.3g\n", r, w, down)
	// Output: survives 2, 2; no quorum with probability 9.85e-06
}

func ExampleNRW() {
	fmt.Println(NRW{N: 4, R: 2, W: 2}.ReadsMeetWrites())
	// Output: quorum: these share no node: {n3 n4} {n1 n2}: R + W must exceed N, 2 + 2 > 4: raise one; R = W = 3 do
}

func BenchmarkProbability(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"once", "choose(3, a*b, c+d, e, f, choose(2, g, h, i))"}, {"twice",
			"a*b + b*c + c*d + d*e + e*f + f*a"},
	} {
		e := parsed(b, c.text)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Probability(func(string) float64 { return .9 }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCheapest1000(b *testing.B) {
	s, _ := Majorities(Names(1000))
	f, _ := NewFinder(s.Reads(), 0)
	b.ReportAllocs()
	for b.Loop() {
		f.Cheapest(func(node string) float64 { return float64(len(node)) }, nil)
	}
}
