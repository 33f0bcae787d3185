package quorum

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// parsed reads an expression that the test knows to be good.
func parsed(t testing.TB, text string) *Expr {
	t.Helper()
	e, err := Parse(text)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return e
}

func TestParsePrintsBack(t *testing.T) {
	for text, want := range map[string]string{
		"a*b + c*d":                         "a * b + c * d",
		"(a + b) * (c + d)":                 "(a + b) * (c + d)",
		"choose(2, a, b, c)":                "choose(2, a, b, c)",
		"choose(1, a, b)":                   "a + b",
		"choose(2, a, b)":                   "a * b",
		" ((a)) ":                           "a",
		"a * (b * c)":                       "a * (b * c)",
		"a + (b + c)":                       "a + (b + c)",
		"weigh(3, a:2, b, c)":               "weigh(3, a:2, b, c)",
		"weigh(2, a:1, b, c)":               "choose(2, a, b, c)",
		"weigh(2, a:3)":                     "a",
		"choose(2, a + b + c,\n d + e, f )": "choose(2, a + b + c, d + e, f)",
		"n-1.x * _y":                        "n-1.x * _y",
	} {
		e := parsed(t, text)
		if got := e.String(); got != want {
			t.Errorf("Parse(%q) prints %q, want %q", text, got, want)
		}
		if again := parsed(t, e.String()); !same(e, again) {
			t.Errorf("%q is read back as %q", e, again)
		}
	}
}

// same tells whether two expressions are built alike.
func same(a, b *Expr) bool {
	if a.node != b.node || a.need != b.need || len(a.parts) != len(b.parts) || !slices.Equal(a.weights,
		b.weights) {
		return false
	}
	for i := range a.parts {
		if !same(a.parts[i], b.parts[i]) {
			return false
		}
	}
	return true
}

func TestParseSaysWhere(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "line 1, column 1: the end: want a node",
		"a +":                              "line 1, column 4: the end",
		"a b":                              `line 1, column 3: 'b' is left over`,
		"a *\n+ b":                         `line 2, column 1: '+': want a node`,
		"(a":                               "line 1, column 3: want )",
		"choose a":                         "line 1, column 8: want ( after choose",
		"choose(a, b)":                     `line 1, column 8: number "": want 1 to`,
		"choose(0, a)":                     `number "0": want 1 to`,
		"choose(3, a, b)":                  "choose needs 3, but its parts are 2 together: lower it",
		"choose(99999999999999999, a)":     "want 1 to",
		"choose(2)":                        "want , and the parts",
		"weigh(2, a:0, b)":                 `number "0"`,
		"weigh(100000, a:60000, b:60000)":  "weight 60000 of part 2",
		"a * 7":                            `'7': want a node`,
		"a\x00b":                           "left over",
		"é":                                "want a node",
		strings.Repeat("(", 1000):          "nested deeper",
		strings.Repeat("a+", 20_000) + "a": "more than 10000 leaves",
		strings.Repeat(" ", maxText+1):     "bytes",
	} {
		e, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%.30q) = %.30v, %v; want an error with %q", text, e, err, want)
		}
	}
}

func TestBuildersAreChecked(t *testing.T) {
	deep := Node("a")
	for range MaxDepth {
		deep = Or(deep, Node("b"))
	}
	for what, e := range map[string]*Expr{
		"no parts":        And(),
		"no alternatives": Or(),
		"too many":        Choose(3, Nodes("a", "b")...),
		"none":            Choose(0, Nodes("a", "b")...),
		"nil part":        Or(Node("a"), nil),
		"weights missing": Weigh(1, []int{2}, Nodes("a", "b")...),
		"negative weight": Weigh(1, []int{-1, 5}, Nodes("a", "b")...),
		"overflow":        Weigh(1, []int{math.MaxInt, math.MaxInt}, Nodes("a", "b")...),
		"keyword":         Node("choose"),
		"bad name":        Node("a b"),
		"too deep":        deep,
	} {
		if err := e.Check(); err == nil {
			t.Errorf("%s: Check of %v found nothing", what, what)
		}
		if _, err := New(e, nil); err == nil {
			t.Errorf("%s: New took it", what)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a*b + c*d", "choose(2, a, b, c)", "weigh(3, a:2, b, c)", "((a)", "a+",
		"choose(9,a)", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(e.String())
		if err != nil || !same(e, again) {
			t.Fatalf("%q prints %q, which is read as %v, %v", text, e, again, err)
		}
		if d := e.Dual().Dual(); !same(d, e) {
			t.Fatalf("the dual of the dual of %q is %q", e, d)
		}
	})
}

// random draws an expression over the first n letters with about as many leaves
// as asked for; once tells to use each letter once.
func random(rng *rand.Rand, names []string, once, weights bool) *Expr {
	if len(names) == 1 || !once && (len(names) == 2 || rng.IntN(8) == 0) {
		return Node(names[rng.IntN(len(names))])
	}
	n := 2 + rng.IntN(min(3, len(names)-1))
	parts := make([]*Expr, n)
	ws := make([]int, n)
	total := 0
	for i := range parts {
		share := names
		if once {
			share = names[i*len(names)/n : (i+1)*len(names)/n]
		} else if len(names) > 2 {
			from := rng.IntN(len(names) - 1)
			share = names[from : from+1+rng.IntN(len(names)-from-1)]
		}
		parts[i] = random(rng, share, once, weights)
		ws[i] = 1
		if weights {
			ws[i] += rng.IntN(3)
		}
		total += ws[i]
	}
	return Weigh(1+rng.IntN(total), ws, parts...)
}

// letters returns the first n names.
func letters(n int) []string { return strings.Split("abcdefghijklmnopqrstuvwxyz"[:n], "") }

// subset tells which of the names are in the bits of s.
func subset(names []string, s int) func(string) bool {
	return func(node string) bool { return s>>slices.Index(names, node)&1 == 1 }
}

// kinds calls f with random expressions of all sorts over six nodes.
func kinds(t *testing.T, times int, f func(t *testing.T, e *Expr, names []string, rng *rand.Rand)) {
	for _, once := range []bool{true, false} {
		for _, weights := range []bool{false, true} {
			t.Run(fmt.Sprintf("once=%v,weights=%v", once, weights), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, 2))
				for range times {
					names := letters(2 + rng.IntN(5))
					f(t, random(rng, names, once, weights), names, rng)
				}
			})
		}
	}
}

// TestDualMeets: a set holds for the dual if and only if it meets every quorum,
// that is if its complement has none.
func TestDualMeets(t *testing.T) {
	kinds(t, 500, func(t *testing.T, e *Expr, names []string, _ *rand.Rand) {
		d := e.Dual()
		all := 1<<len(names) - 1
		for s := range all + 1 {
			if d.Holds(subset(names, s)) == e.Holds(subset(names, all&^s)) {
				t.Fatalf("%q and its dual %q, set %b", e, d, s)
			}
		}
	})
}

// TestCheapestNaive compares with all subsets, for random costs, early nodes
// and failures to survive.
func TestCheapestNaive(t *testing.T) {
	kinds(t, 400, func(t *testing.T, e *Expr, names []string, rng *rand.Rand) {
		survive := rng.IntN(3)
		costs := make(map[string]float64)
		early := 0
		for i, name := range names {
			costs[name] = float64(rng.IntN(6))
			if rng.IntN(3) > 0 {
				early |= 1 << i
			}
		}
		if rng.IntN(2) == 0 {
			early = -1
		}
		want, feasible := math.Inf(1), false
		for s := range 1 << len(names) {
			if !survives(e, names, s, survive) {
				continue
			}
			feasible = true
			c := 0.0
			for i, name := range names {
				if s>>i&1 == 1 {
					c += costs[name]
				}
			}
			if e.Holds(subset(names, s&early)) && c < want {
				want = c
			}
		}
		f, err := NewFinder(e, survive)
		if (err == nil) != feasible {
			t.Fatalf("NewFinder(%q, %d): %v, feasible %v", e, survive, err, feasible)
		}
		if err != nil {
			return
		}
		set, got, err := f.Cheapest(func(n string) float64 { return costs[n] }, subset(names, early))
		if err != nil || math.Abs(got-want) > 1e-9 && got != want {
			t.Fatalf("%q survive %d early %b costs %v: %v %v, %v; want %v", e, survive, early, costs, set,
				got, err, want)
		}
		bits, c := 0, 0.0
		for _, node := range set {
			bits |= 1 << slices.Index(names, node)
			c += costs[node]
		}
		if set != nil && (!survives(e, names, bits, survive) || !e.Holds(subset(names, bits&early)) ||
			c != want) {
			t.Fatalf("%q survive %d early %b: %v is none, or costs %v", e, survive, early, set, c)
		}
	})
}

// survives tells whether set s is a quorum after any f failures of members.
func survives(e *Expr, names []string, s, f int) bool {
	if !e.Holds(subset(names, s)) {
		return false
	}
	for i := range names {
		if f > 0 && s>>i&1 == 1 && !survives(e, names, s&^(1<<i), f-1) {
			return false
		}
	}
	return true
}

func TestProbabilityNaive(t *testing.T) {
	kinds(t, 300, func(t *testing.T, e *Expr, names []string, rng *rand.Rand) {
		p := make(map[string]float64)
		for _, name := range names {
			p[name] = rng.Float64()
		}
		want := 0.0
		for s := range 1 << len(names) {
			if !e.Holds(subset(names, s)) {
				continue
			}
			chance := 1.0
			for i, name := range names {
				if s>>i&1 == 1 {
					chance *= p[name]
				} else {
					chance *= 1 - p[name]
				}
			}
			want += chance
		}
		got, err := e.Probability(func(n string) float64 { return p[n] })
		if err != nil || math.Abs(got-want) > 1e-12 {
			t.Fatalf("%q: %v, %v; want %v", e, got, err, want)
		}
	})
}

// TestLimitsAreErrors: what is too hard is refused, in time.
func TestLimitsAreErrors(t *testing.T) {
	// All pairs of 40 nodes, written as a sum of products.
	names := Names(40)
	var pairs []*Expr
	for i, a := range names {
		for _, b := range names[:i] {
			pairs = append(pairs, And(Node(a), Node(b)))
		}
	}
	// Sets of four at random: no part falls off.
	rng := rand.New(rand.NewPCG(5, 6))
	var tangle []*Expr
	for range 200 {
		x := rng.Perm(40)
		tangle = append(tangle, And(Nodes(names[x[0]], names[x[1]], names[x[2]], names[x[3]])...))
	}
	e := Or(tangle...)
	if p, err := e.Probability(func(string) float64 { return .5 }); err == nil {
		t.Errorf("probability of a tangle: %v", p)
	}
	if _, err := New(e, And(Or(pairs...), Or(tangle[:100]...))); err == nil {
		t.Error("a tangle was checked against another")
	}
	if r, err := e.Resilience(); err == nil {
		t.Errorf("resilience of a tangle: %v", r)
	}
	if _, err := NewFinder(e, 1); err == nil {
		t.Error("40 nodes enumerated")
	}
	if _, err := NewFinder(Node("a"), 1); err == nil {
		t.Error("a node alone survives its failure")
	}
	if _, err := NewFinder(Node("a"), MaxSurvive+1); err == nil {
		t.Error("too many failures")
	}
	wide := make([]*Expr, 1000)
	for i, name := range Names(1000) {
		wide[i] = Or(Node(name), Node(name+"b"))
	}
	if _, err := NewFinder(Choose(500, wide...), 1); err == nil {
		t.Error("a thousand pairs are to survive a failure")
	}
	heavy := make([]int, 2000)
	for i := range heavy {
		heavy[i] = MaxWeight / 2000
	}
	if err := Weigh(1, heavy, Nodes(Names(2000)...)...).Check(); err == nil {
		t.Error("two thousand parts with a weight of fifty each")
	}
	for _, p := range []float64{-.1, 1.1, math.NaN()} {
		if _, err := Node("a").Probability(func(string) float64 { return p }); err == nil {
			t.Errorf("probability %v", p)
		}
	}
}
