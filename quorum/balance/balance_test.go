package balance

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"althing/quorum"
)

// system reads a system; writes of "" are the dual of the reads.
func system(t testing.TB, reads, writes string) *quorum.System {
	t.Helper()
	r, err := quorum.Parse(reads)
	if err != nil {
		t.Fatal(err)
	}
	var w *quorum.Expr
	if writes != "" {
		if w, err = quorum.Parse(writes); err != nil {
			t.Fatal(err)
		}
	}
	s, err := quorum.New(r, w)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const grid = "a*b*c + d*e*f"

// rows describes nodes a, b, …: read and write capacities alternate, latencies
// are 1 s, 2 s, ….
func rows(n int, reads, writes [2]float64) []Node {
	nodes := make([]Node, n)
	for i := range nodes {
		nodes[i] = Node{string(rune('a' + i)), reads[i%2], writes[i%2], time.Duration(i+1) * time.Second}
	}
	return nodes
}

var (
	unit   = [2]float64{1, 1}
	reads  = [2]float64{10_000, 5_000}
	writes = [2]float64{1_000, 500}
)

// TestKnown is the table of known answers: the README of quoracle, with exact
// fractions from an exact simplex. Only what is minimised is compared, for there
// are several best strategies.
func TestKnown(t *testing.T) {
	sec := float64(time.Second)
	for _, c := range []struct {
		name  string
		reads string
		nodes []Node
		query Query
		want  float64 // of the objective; a load is given as 1/capacity
	}{
		{"grid", grid, rows(6, unit, unit), Query{Mix: Reads(.25)}, 3. / 8},
		{"grid, two fractions", grid, rows(6, unit, unit), Query{Mix: Mix{{.1, 1}, {.75, 1}}}, 97. / 240},
		{"capacities 1000 and 500", grid, rows(6, writes, writes), Query{Mix: Reads(.75)}, 3. / 4000},
		{"reads only", grid, rows(6, reads, writes), Query{Mix: Reads(1)}, 1. / 10_000},
		{"half", grid, rows(6, reads, writes), Query{Mix: Reads(.5)}, 23. / 90_000},
		{"writes only", grid, rows(6, reads, writes), Query{Mix: Reads(0)}, 1. / 2000},
		{"writes that survive one", grid, rows(6, reads, writes), Query{Mix: Reads(0), Survive: 1},
			1. / 1000},
		{"choose 2 as writes", "choose(4, a, b, c, d, e)", rows(5, reads, writes), Query{Mix: Reads(0)},
			1. / 2000},
		{"choose 2 as writes, surviving one", "choose(4, a, b, c, d, e)", rows(5, reads, writes),
			Query{Mix: Reads(0), Survive: 1}, 3. / 4000},
		{"latency", grid, rows(6, reads, writes), Query{Mix: Reads(.5), Minimise: Latency}, 3.5 * sec},
		{"latency of reads", grid, rows(6, reads, writes), Query{Mix: Reads(1), Minimise: Latency}, 3 * sec},
		{"latency of writes", grid, rows(6, reads, writes), Query{Mix: Reads(0), Minimise: Latency}, 4 * sec},
		{"latency under a load", grid, rows(6, reads, writes),
			Query{Mix: Reads(.5), Minimise: Latency, MaxLoad: 1. / 1500}, 11. / 3 * sec},
		{"load under a latency", grid, rows(6, reads, writes),
			Query{Mix: Reads(.5), MaxLatency: 4 * time.Second}, 153. / 590_000},
		{"network", grid, rows(6, reads, writes), Query{Mix: Reads(.5), Minimise: Network}, 2.5},
		{"all limits", "choose(3, a, c, e, b + d + f)", rows(6, reads, writes),
			Query{Mix: Reads(.75), Survive: 1, MaxNetwork: 4, MaxLatency: 4 * time.Second}, 1. / 3500},
		{"majority of 3", "choose(2, a, b, c)", rows(3, unit, unit), Query{Mix: Reads(.3)}, 2. / 3},
		{"majority of 5", "choose(3, a, b, c, d, e)", rows(5, unit, unit), Query{Mix: Reads(.9)}, 3. / 5},
		{"majority of 7", "choose(4, a, b, c, d, e, f, g)", rows(7, unit, unit), Query{Mix: Reads(0)},
			4. / 7},
		{"read one of 3, write all", "a+b+c", rows(3, unit, unit), Query{Mix: Reads(.9)}, 2. / 5},
		{"read one of 5, write all", "a+b+c+d+e", rows(5, unit, unit), Query{Mix: Reads(.9)}, 7. / 25},
		{"read one of 7, write all", "a+b+c+d+e+f+g", rows(7, unit, unit), Query{Mix: Reads(.9)}, 8. / 35},
		{"capacity below one", "a", Uniform([]string{"a"}, .5), Query{Mix: Reads(.5)}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Best(system(t, c.reads, ""), c.nodes, c.query)
			if err != nil {
				t.Fatal(err)
			}
			f, err := s.Over(c.query.Mix)
			got := []float64{f.Load, float64(f.Latency), f.Network}[c.query.Minimise]
			if err != nil || math.Abs(got-c.want) > 1e-7*c.want {
				t.Errorf("%v, %v; want %v\n%v", got, err, c.want, s)
			}
		})
	}
}

// TestKnownStrategies evaluates given strategies.
func TestKnownStrategies(t *testing.T) {
	g := system(t, grid, "")
	third := []Choice{{[]string{"a", "d"}, 1. / 3}, {[]string{"b", "e"}, 1. / 3}, {[]string{"c", "f"},
		1. / 3}}
	hand, err := New(g, Uniform(g.Names(), 1),
		[]Choice{{[]string{"a", "b", "c"}, 2. / 3}, {[]string{"d", "e", "f"}, 1. / 3}}, third)
	if err != nil {
		t.Fatal(err)
	}
	even, err := New(g, Uniform(g.Names(), 1),
		[]Choice{{[]string{"a", "b", "c"}, .5}, {[]string{"d", "e", "f"}, .5}}, third)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		s           *Strategy
		reads, load float64
	}{{hand, 1, 2. / 3}, {hand, 0, 1. / 3}, {hand, .25, 5. / 12},
		{even, 0, 1. / 3}, {even, .25, 3. / 8}, {even, .5, 5. / 12}, {even, 1, .5}} {
		if got := c.s.Load(c.reads); math.Abs(got-c.load) > 1e-12 {
			t.Errorf("load under %v reads: %v, want %v", c.reads, got, c.load)
		}
	}
	for node, want := range map[string]float64{"a": 5. / 12, "c": 5. / 12, "d": 1. / 3, "f": 1. / 3, "x": 0} {
		if got := hand.NodeLoad(node, .25); math.Abs(got-want) > 1e-12 {
			t.Errorf("load of %s: %v, want %v", node, got, want)
		}
	}
	// The mean capacity is the mean of 1/load.
	f, err := even.Over(Mix{{0, 1}, {1, 3}})
	if err != nil || math.Abs(f.Capacity-(3*.25+2*.75)) > 1e-12 || math.Abs(f.Load-(.25/3+.75/2)) > 1e-12 {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestNoStrategy: limits that cannot be kept, each alone and together.
func TestNoStrategy(t *testing.T) {
	g := system(t, grid, "")
	nodes := rows(6, reads, writes)
	for _, q := range []Query{
		{MaxLatency: time.Second},
		{MaxNetwork: 2.4},
		{Minimise: Latency, MaxLoad: 1. / 4000},
		{MaxLatency: 3600 * time.Millisecond, Minimise: Network, MaxLoad: 1. / 3000},
		{Minimise: Latency, MaxNetwork: 2.5, MaxLoad: 1. / 3914},
	} {
		q.Mix = Reads(.5)
		if s, err := Best(g, nodes, q); !errors.Is(err, ErrNoStrategy) {
			t.Errorf("%+v: %v, %v", q, s, err)
		}
	}
}

func TestRefused(t *testing.T) {
	s := system(t, "a*b + c", "")
	good := Uniform([]string{"a", "b", "c"}, 1)
	with := func(n Node) []Node { return []Node{good[0], good[1], n} }
	for what, c := range map[string]struct {
		nodes []Node
		query Query
		want  string
	}{
		"no mix":        {good, Query{}, "empty"},
		"fraction":      {good, Query{Mix: Reads(1.5)}, "fraction 1.5"},
		"weight":        {good, Query{Mix: Mix{{.5, 0}}}, "weight 0"},
		"NaN":           {good, Query{Mix: Reads(math.NaN())}, "NaN"},
		"no capacity":   {with(Node{"c", 0, 1, 0}), Query{Mix: Reads(1)}, "capacity 0 of node c"},
		"endless":       {with(Node{"c", 1, math.Inf(1), 0}), Query{Mix: Reads(1)}, "capacity +Inf"},
		"negative wait": {with(Node{"c", 1, 1, -1}), Query{Mix: Reads(1)}, "latency -1ns of node c"},
		"missing":       {good[:2], Query{Mix: Reads(1)}, "node c of the system is not described"},
		"stranger": {append(with(good[2]), Node{"x", 1, 1, 0}), Query{Mix: Reads(1)},
			"4 nodes are described"},
		"twice":           {with(good[0]), Query{Mix: Reads(1)}, "described twice"},
		"negative limit":  {good, Query{Mix: Reads(1), MaxLoad: -1}, "at least 0"},
		"objective":       {good, Query{Mix: Reads(1), Minimise: 9}, "want Load"},
		"survive too big": {good, Query{Mix: Reads(1), Survive: 2}, "survive fewer"},
	} {
		if _, err := Best(s, c.nodes, c.query); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", what, err, c.want)
		}
	}
	for what, reads := range map[string][]Choice{
		"no quorum": {{[]string{"a"}, 1}},
		"stranger":  {{[]string{"c", "x"}, 1}},
		"sum":       {{[]string{"c"}, .5}},
		"negative":  {{[]string{"c"}, 1.5}, {[]string{"a", "b"}, -.5}},
	} {
		if _, err := New(s, good, reads, []Choice{{[]string{"a", "c"}, 1}}); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if _, err := Best(system(t, "choose(300, "+strings.Join(quorum.Names(599), ", ")+")", ""),
		unequal(quorum.Names(599)), Query{Mix: Reads(1)}); err == nil ||
		!strings.Contains(err.Error(), "round capacities") {
		t.Errorf("599 kinds of nodes: %v", err)
	}
}

// TestExtremes: capacities that no float can bring together give an error, or
// an answer that is proved, but no panic.
func TestExtremes(t *testing.T) {
	s := system(t, "a*b + c*d", "")
	for _, c := range [][]float64{{1e-300, 1e300}, {5e-324, 1}, {1, math.MaxFloat64}, {1e-9, 1e9}} {
		nodes := Uniform(s.Names(), c[0])
		nodes[0].ReadCapacity, nodes[2].WriteCapacity = c[1], c[1]
		for o := range Network + 1 {
			best, err := Best(s, nodes, Query{Mix: Reads(.5), Minimise: o})
			if (best == nil) == (err == nil) {
				t.Errorf("%v: %v, %v", c, best, err)
			}
		}
	}
	heavy := Mix{{0, math.MaxFloat64}, {1, math.MaxFloat64}}
	if _, err := Best(s, Uniform(s.Names(), 1), Query{Mix: heavy}); err == nil {
		t.Error("weights that overflow")
	}
}

func unequal(names []string) []Node {
	nodes := Uniform(names, 1)
	for i := range nodes {
		nodes[i].ReadCapacity += float64(i)
	}
	return nodes
}

// TestThousand: a majority of a thousand equal nodes has capacity n/(n/2+1), and
// three kinds of nodes are no harder.
func TestThousand(t *testing.T) {
	s, err := quorum.Majorities(quorum.Names(1000))
	if err != nil {
		t.Fatal(err)
	}
	nodes := Uniform(s.Names(), .25)
	best, err := Best(s, nodes, Query{Mix: Reads(.5)})
	if err != nil {
		t.Fatal(err)
	}
	if f, _ := best.Over(Reads(.5)); math.Abs(f.Capacity-.25*1000/501) > 1e-9 ||
		math.Abs(f.Network-501) > 1e-9 {
		t.Errorf("%+v", f)
	}
	if set := best.Read(rand.New(rand.NewPCG(1, 1))); len(set) != 501 {
		t.Errorf("a read of %d nodes", len(set))
	}
	for i := range nodes {
		nodes[i].WriteCapacity = []float64{1, 2, 5}[i%3]
		nodes[i].Latency = []time.Duration{1, 2, 3}[i%3] * time.Millisecond
	}
	if _, err = Best(s, nodes, Query{Mix: Mix{{.5, 1}, {.9, 2}}, MaxLatency: 2500 * time.Microsecond,
		Survive: 1}); err != nil {
		t.Error(err)
	}
}

// naive returns the best value among random strategies that keep the limits,
// made of all quorums, minimal or not; +Inf if none does.
func naive(t *testing.T, s *quorum.System, nodes []Node, q Query, rng *rand.Rand, tries int) float64 {
	names := s.Names()
	var sets [2][][]string
	for side, e := range []*quorum.Expr{s.Reads(), s.Writes()} {
		for bits := range 1 << len(names) {
			if resilient(e, names, bits, q.Survive) {
				sets[side] = append(sets[side], members(names, bits))
			}
		}
	}
	best := math.Inf(1)
	for range tries {
		var choices [2][]Choice
		for side := range sets {
			n := 1 + rng.IntN(4)
			left := 1.0
			for i := range n {
				p := left * rng.Float64()
				if i == n-1 {
					p = left
				}
				left -= p
				choices[side] = append(choices[side], Choice{sets[side][rng.IntN(len(sets[side]))], p})
			}
		}
		hand, err := New(s, nodes, choices[0], choices[1])
		if err != nil {
			t.Fatal(err)
		}
		f, err := hand.Over(q.Mix)
		if err != nil {
			t.Fatal(err)
		}
		if q.MaxLoad > 0 && f.Load > q.MaxLoad || q.MaxLatency > 0 && f.Latency > q.MaxLatency ||
			q.MaxNetwork > 0 && f.Network > q.MaxNetwork {
			continue
		}
		best = min(best, []float64{f.Load, float64(f.Latency), f.Network}[q.Minimise])
	}
	return best
}

func members(names []string, bits int) (set []string) {
	for i, name := range names {
		if bits>>i&1 == 1 {
			set = append(set, name)
		}
	}
	return set
}

func resilient(e *quorum.Expr, names []string, bits, f int) bool {
	in := make(map[string]bool)
	for _, name := range members(names, bits) {
		in[name] = true
	}
	if !e.Holds(func(n string) bool { return in[n] }) {
		return false
	}
	for i := range names {
		if f > 0 && bits>>i&1 == 1 && !resilient(e, names, bits&^(1<<i), f-1) {
			return false
		}
	}
	return true
}

// TestNeverBeaten: no random strategy does better than the best, and where
// there is a random one there is a best; for systems of all sorts, mixes,
// limits. The value does not depend on the use of symmetry.
func TestNeverBeaten(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	texts := []string{grid, "choose(2, a, b, c, d)", "a*b + b*c + c*d", "weigh(3, a:2, b, c, d)",
		"a*(b+c)*(d+e) + f",
		"choose(2, a*b, c*d, e)", "choose(2, a + b, b + c, c + d)"}
	solved := 0
	for range 120 {
		s := system(t, texts[rng.IntN(len(texts))], "")
		nodes := make([]Node, len(s.Names()))
		for i, name := range s.Names() {
			nodes[i] = Node{name, []float64{.5, 1, 4}[rng.IntN(3)], []float64{.25, 1}[rng.IntN(2)],
				time.Duration(rng.IntN(3)) * time.Millisecond}
		}
		q := Query{Mix: Mix{{float64(rng.IntN(5)) / 4, 1}, {float64(rng.IntN(5)) / 4, 2}},
			Minimise: Objective(rng.IntN(3)), Survive: rng.IntN(2)}
		if rng.IntN(2) == 0 {
			q.MaxLoad = .3 + 2*rng.Float64()
		}
		if rng.IntN(2) == 0 {
			q.MaxLatency = time.Duration(rng.IntN(2_000_000))
		}
		if rng.IntN(2) == 0 {
			q.MaxNetwork = 1 + 4*rng.Float64()
		}
		best, err := Best(s, nodes, q)
		if err != nil && !errors.Is(err, ErrNoStrategy) {
			if _, finder := quorum.NewFinder(s.Reads(), q.Survive); finder == nil {
				if _, finder = quorum.NewFinder(s.Writes(), q.Survive); finder == nil {
					t.Fatalf("%v, %v, %+v: %v", s.Reads(), nodes, q, err)
				}
			}
			continue
		}
		least := naive(t, s, nodes, q, rng, 300)
		if err != nil {
			if !math.IsInf(least, 1) {
				t.Fatalf("%v, %v, %+v: %v, but %v is possible", s.Reads(), nodes, q, err, least)
			}
			continue
		}
		solved++
		f, err := best.Over(q.Mix)
		got := []float64{f.Load, float64(f.Latency), f.Network}[q.Minimise]
		if err != nil || got > least*(1+1e-6)+1 && q.Minimise == Latency || got > least*(1+1e-6) &&
			q.Minimise != Latency {
			t.Fatalf("%v, %v, %+v: %v, but %v is possible\n%v", s.Reads(), nodes, q, got, least, best)
		}
		if q.MaxLoad > 0 && f.Load > q.MaxLoad*(1+1e-6) || q.MaxNetwork > 0 &&
			f.Network > q.MaxNetwork*(1+1e-6) ||
			q.MaxLatency > 0 && f.Latency > q.MaxLatency+1 {
			t.Fatalf("%v, %v, %+v: %+v breaks a limit", s.Reads(), nodes, q, f)
		}
		for _, c := range best.Reads {
			bits := 0
			for i, name := range s.Names() {
				for _, node := range c.Quorum {
					if node == name {
						bits |= 1 << i
					}
				}
			}
			if !resilient(s.Reads(), s.Names(), bits, q.Survive) {
				t.Fatalf("%v does not survive %d", c, q.Survive)
			}
		}
	}
	if solved < 40 {
		t.Errorf("only %d were solved: the test says little", solved)
	}
}

// TestDrawnLoads: who follows Read and Write loads the nodes as promised, though
// only one quorum of each orbit is written down.
func TestDrawnLoads(t *testing.T) {
	s := system(t, "choose(2, a*b + c, d*e + f, g)", "")
	nodes := Uniform(s.Names(), 1)
	best, err := Best(s, nodes, Query{Mix: Reads(.5)})
	if err != nil {
		t.Fatal(err)
	}
	const draws = 40_000
	rng := rand.New(rand.NewPCG(3, 4))
	asked := make(map[string]float64)
	for range draws {
		for _, set := range [][]string{best.Read(rng), best.Write(rng)} {
			for _, node := range set {
				asked[node] += .5 / draws
			}
		}
	}
	for _, name := range s.Names() {
		if want := best.NodeLoad(name, .5); math.Abs(asked[name]-want) > .02 {
			t.Errorf("%s is asked %v times a command, want %v", name, asked[name], want)
		}
	}
}

// TestManyQuorums: thirty nodes of ten kinds, whose quorums nobody could list.
func TestManyQuorums(t *testing.T) {
	s, err := quorum.Hierarchy(quorum.Names(27), 3, 3, 3)
	if err != nil {
		t.Fatal(err)
	}
	nodes := Uniform(s.Names(), 1)
	rng := rand.New(rand.NewPCG(9, 9))
	for i := range nodes {
		nodes[i].ReadCapacity = float64(1 + rng.IntN(10))
		nodes[i].WriteCapacity = float64(1 + rng.IntN(4))
		nodes[i].Latency = time.Duration(1+rng.IntN(5)) * time.Millisecond
	}
	for _, q := range []Query{{}, {Survive: 1}, {MaxLatency: 4 * time.Millisecond}, {Minimise: Latency,
		MaxLoad: .3}} {
		q.Mix = Mix{{.1, 1}, {.5, 2}, {.9, 1}}
		if _, err := Best(s, nodes, q); err != nil {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// TestUnequal: random systems of up to thirty nodes, no two alike, with
// capacities within a factor of 400: each is solved, or has no strategy.
func TestUnequal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	solved := 0
	for range 80 {
		s, err := quorum.New(random(rng, quorum.Names(4+rng.IntN(27))), nil)
		if err != nil {
			t.Fatal(err)
		}
		nodes := Uniform(s.Names(), 1)
		for i := range nodes {
			nodes[i].ReadCapacity = math.Exp(6 * rng.Float64())
			nodes[i].WriteCapacity = math.Exp(6 * rng.Float64())
			nodes[i].Latency = time.Duration(rng.IntN(100)) * time.Millisecond
		}
		q := Query{Mix: Mix{{rng.Float64(), 1}, {rng.Float64(), 1}, {rng.Float64(), 1}},
			Minimise: Objective(rng.IntN(3))}
		if rng.IntN(2) == 0 {
			q.MaxLoad = rng.Float64()
		}
		if rng.IntN(2) == 0 {
			q.MaxLatency = time.Duration(rng.IntN(100)) * time.Millisecond
		}
		_, err = Best(s, nodes, q)
		if err != nil && !errors.Is(err, ErrNoStrategy) {
			t.Fatalf("%v, %v, %+v: %v", s.Reads(), nodes, q, err)
		}
		if err == nil {
			solved++
		}
	}
	if solved < 40 {
		t.Errorf("only %d were solved: the test says little", solved)
	}
}

// TestTightLimits: what is the least of one objective is kept as the limit while
// another is minimised, though no strategy has room to spare; and does not
// suffice when it is less.
func TestTightLimits(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 100 {
		s, err := quorum.New(random(rng, quorum.Names(3+rng.IntN(8))), nil)
		if err != nil {
			t.Fatal(err)
		}
		nodes := Uniform(s.Names(), 1)
		for i := range nodes {
			nodes[i].ReadCapacity = float64(1 + rng.IntN(3))
			nodes[i].Latency = time.Duration(rng.IntN(3)) * time.Second
		}
		mix := Mix{{.25, .5}, {.75, .5}}
		for least := range Network + 1 {
			best, err := Best(s, nodes, Query{Mix: mix, Minimise: least})
			if err != nil {
				t.Fatal(err)
			}
			v, _ := best.values(mix)
			for other := range Network + 1 {
				for _, slack := range []float64{1, .99} {
					q := Query{Mix: mix, Minimise: other}
					switch least {
					case Load:
						q.MaxLoad = v[Load] * slack
					case Latency:
						q.MaxLatency = time.Duration(v[Latency] * slack)
					case Network:
						q.MaxNetwork = v[Network] * slack
					}
					if least == Latency && v[Latency] == 0 {
						continue // a limit of 0 is none
					}
					if _, err := Best(s, nodes, q); slack == 1 && err != nil || slack < 1 && !errors.Is(err,
						ErrNoStrategy) {
						t.Fatalf("%v, %v, %+v: %v", s.Reads(), nodes, q, err)
					}
				}
			}
		}
	}
}

// random draws an expression with each name once.
func random(rng *rand.Rand, names []string) *quorum.Expr {
	if len(names) == 1 {
		return quorum.Node(names[0])
	}
	n := 2 + rng.IntN(min(4, len(names)-1))
	parts := make([]*quorum.Expr, n)
	for i := range parts {
		parts[i] = random(rng, names[i*len(names)/n:(i+1)*len(names)/n])
	}
	return quorum.Choose(1+rng.IntN(n), parts...)
}

func ExampleBest() {
	g, err := quorum.Grid([][]string{{"a", "b", "c"}, {"d", "e", "f"}})
	if err != nil {
		panic(err)
	}
	nodes := Uniform(g.Names(), 1000)
	// Equal nodes trade places: each choice stands for all like it, asked as often.
	best, err := Best(g, nodes, Query{Mix: Reads(.25)})
	if err != nil {
		panic(err)
	}
	f, err := best.Over(Reads(.25))
	fmt.Printf("%.0f commands a second, %.2f nodes asked, %v\n", f.Capacity, f.Network, err)
	fmt.Print(best)
	// Output:
	// 2667 commands a second, 2.25 nodes asked, <nil>
	// read  1.0000 {a b c}
	// write 1.0000 {a d}
}

func BenchmarkBest(b *testing.B) {
	majority, _ := quorum.Majorities(quorum.Names(1000))
	hierarchy, _ := quorum.Hierarchy(quorum.Names(27), 3, 3, 3)
	for _, c := range []struct {
		name  string
		s     *quorum.System
		nodes []Node
	}{
		{"majority of 1000", majority, Uniform(majority.Names(), 1)},
		{"27 unequal in a hierarchy", hierarchy, unequal(hierarchy.Names())},
		{"grid of 6", system(b, grid, ""), rows(6, reads, writes)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Best(c.s, c.nodes, Query{Mix: Reads(.5)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestProofFails: a solution that is not best, or breaks a limit, or is none,
// is not returned, whatever the simplex method believes.
func TestProofFails(t *testing.T) {
	for what, spoil := range map[string]func(p *problem, s *simplex, prices []float64){
		"prices": func(_ *problem, _ *simplex, prices []float64) {
			for i := range prices {
				prices[i] *= float64(i%2) * .9
			}
		},
		"values": func(_ *problem, s *simplex, _ []float64) { s.x[len(s.x)-1], s.x[0] = s.x[0]+.3, 5 },
		"limit":  func(p *problem, _ *simplex, _ []float64) { p.query.MaxNetwork = .1 },
		"worse": func(p *problem, s *simplex, _ []float64) {
			for i, c := range s.basis {
				if c.quorum != nil {
					s.basis[i] = p.column(c.quorum.side, p.model.system.Names())
				}
			}
		},
		"nothing": func(*problem, *simplex, []float64) {},
		"nothing, for prices of load are made to fit": func(p *problem, _ *simplex, prices []float64) {
			for i := range p.model.orbits {
				prices[p.row(0, i)] *= 3
			}
		},
	} {
		p, err := newProblem(system(t, grid, ""), rows(6, reads, writes),
			Query{Mix: Reads(.5), MaxLatency: 4 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		s := p.start()
		if _, err := p.minimise(s, first); err != nil {
			t.Fatal(err)
		}
		prices, err := p.minimise(s, second)
		if err != nil {
			t.Fatal(err)
		}
		spoil(p, s, prices)
		if got, err := p.prove(s, prices); (err == nil) != strings.HasPrefix(what, "nothing") {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
}
