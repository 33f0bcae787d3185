package forecast

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"althing/quorum"
)

// enumerate is the chance that fewer than q nodes are up, summed over all that may
// happen to each place and node.
func enumerate(q int, places []Place) float64 {
	var visit func(i, up int, chance float64) float64
	visit = func(i, up int, chance float64) float64 {
		if i == len(places) {
			if up < q {
				return chance
			}
			return 0
		}
		p := places[i]
		sum := visit(i+1, up, chance*p.Down)
		for set := range 1 << p.Nodes {
			c, n := chance*(1-p.Down), 0
			for b := range p.Nodes {
				if set>>b&1 == 1 {
					c *= 1 - p.Node
					n++
				} else {
					c *= p.Node
				}
			}
			sum += visit(i+1, up+n, c)
		}
		return sum
	}
	return visit(0, 0, 1)
}

func TestAvailableNaive(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	chance := func() float64 {
		if r.IntN(5) == 0 {
			return float64(r.IntN(2))
		}
		return math.Pow(r.Float64(), 4)
	}
	for range 2000 {
		var places []Place
		n := 0
		for range 1 + r.IntN(4) {
			p := Place{r.IntN(4), chance(), chance()}
			n += p.Nodes
			places = append(places, p)
		}
		if n == 0 {
			continue
		}
		q := 1 + r.IntN(n)
		a, err := Available(q, places...)
		want := enumerate(q, places)
		if err != nil || math.Abs(a.Unavailable-want) > 1e-12*want+1e-300 {
			t.Fatalf("%d of %+v: %v, %v; want %v", q, places, a, err, want)
		}
		if want > 0 && math.Abs(a.Nines+math.Log10(want)) > 1e-9 {
			t.Fatalf("%d of %+v: %v nines, of %v", q, places, a.Nines, want)
		}
	}
}

// TestAvailableLikeQuorum: what package quorum has for majorities is the same.
func TestAvailableLikeQuorum(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 9, 100} {
		s, err := quorum.Majorities(quorum.Names(n))
		if err != nil {
			t.Fatal(err)
		}
		for _, down := range []float64{0, 1e-4, .01, .3, .5, 1} {
			want, _, err := s.Unavailability(func(string) float64 { return down })
			if err != nil {
				t.Fatal(err)
			}
			got, err := Available(quorum.Majority(n), Place{Nodes: n, Node: down})
			if err != nil || math.Abs(got.Unavailable-want) > 1e-10*want {
				t.Errorf("%d nodes, down %v: %v, %v; want %v", n, down, got.Unavailable, err, want)
			}
		}
	}
}

// TestAvailableThousand: nothing under- or overflows. The sum of a thousand nodes is
// done again in exact fractions.
func TestAvailableThousand(t *testing.T) {
	const n, q = 1000, 501
	sum := new(big.Int) // of C(n,k)·1^k·999^(n-k), over 1000^n
	for k := n - q + 1; k <= n; k++ {
		term := new(big.Int).Binomial(n, int64(k))
		sum.Add(sum, term.Mul(term, new(big.Int).Exp(big.NewInt(999), big.NewInt(int64(n-k)), nil)))
	}
	mantissa := new(big.Float).SetInt(sum)
	exponent := mantissa.MantExp(mantissa)
	f, _ := mantissa.Float64()
	want := 3*n - (math.Log10(f) + float64(exponent)*math.Log10(2))
	one, err1 := Available(q, Place{Nodes: n, Node: .001})
	places := make([]Place, n)
	for i := range places {
		places[i] = Place{Nodes: 1, Node: .001}
	}
	many, err2 := Available(q, places...)
	for _, a := range []Availability{one, many} {
		if math.Abs(a.Nines-want) > 1e-7 || a.Unavailable != 0 {
			t.Errorf("%+v: want %v nines", a, want)
		}
	}
	if err1 != nil || err2 != nil {
		t.Error(err1, err2)
	}
}

// TestSurvives are the known answers of regions.
func TestSurvives(t *testing.T) {
	for _, c := range []struct {
		nodes           []int
		places, besides int
	}{
		{[]int{1, 1, 1}, 1, 0}, {[]int{2, 2, 1}, 1, 0}, {[]int{1, 2, 2}, 1, 0}, {[]int{2, 2}, 0, 1},
		{[]int{3, 2}, 0, 2}, {[]int{5}, 0, 2}, {[]int{1, 1, 1, 1, 1}, 2, 0}, {[]int{2, 1, 1, 1}, 1, 0},
		{[]int{1}, 0, 0},
	} {
		n := 0
		for _, k := range c.nodes {
			n += k
		}
		if p, b := Survives(quorum.Majority(n), c.nodes...); p != c.places || b != c.besides {
			t.Errorf("%v: %d places and %d nodes, want %d and %d", c.nodes, p, b, c.places, c.besides)
		}
	}
	if p, b := Survives(4, 1, 2); p != -1 || b != -1 {
		t.Errorf("4 of 3: %d, %d", p, b)
	}
}

// TestRegionsFailAsOne: three regions that fail one year in a hundred cannot be
// better than that, however many nodes there are; and two are worse than one.
func TestRegionsFailAsOne(t *testing.T) {
	unavailable := func(q int, ps ...Place) float64 {
		t.Helper()
		a, err := Available(q, ps...)
		if err != nil {
			t.Fatal(err)
		}
		return a.Unavailable
	}
	three, one := Place{1, .01, 0}, Place{3, .01, 0}
	if got, want := unavailable(2, three, three, three), 3*.01*.01*.99+.01*.01*.01; math.Abs(got-want) > 1e-15 {
		t.Errorf("1+1+1: %v, want %v", got, want)
	}
	if got := unavailable(2, one); math.Abs(got-.01) > 1e-15 {
		t.Errorf("3 in one region: %v", got)
	}
	if got := unavailable(3, Place{2, .01, 0}, Place{2, .01, 0}); math.Abs(got-(1-.99*.99)) > 1e-15 {
		t.Errorf("2+2: %v", got)
	}
}

func TestAvailableRefused(t *testing.T) {
	for _, c := range []struct {
		q  int
		ps []Place
	}{{0, []Place{{3, 0, 0}}}, {4, []Place{{3, 0, 0}}}, {1, nil}, {1, []Place{{-1, 0, 0}, {3, 0, 0}}},
		{1, []Place{{3, 2, 0}}}, {1, []Place{{3, 0, math.NaN()}}}, {1, []Place{{1000, 0, 0}, {1, 0, 0}}}} {
		if a, err := Available(c.q, c.ps...); err == nil {
			t.Errorf("%d of %+v: %+v", c.q, c.ps, a)
		}
	}
	if a, err := Available(1, Place{Nodes: 1}); a.Unavailable != 0 || !math.IsInf(a.Nines, 1) || err != nil {
		t.Errorf("what never fails: %+v, %v", a, err)
	}
	if a, err := Available(1, Place{1, 1, 0}); a.Unavailable != 1 || a.Nines != 0 || err != nil {
		t.Errorf("what always fails: %+v, %v", a, err)
	}
}

func BenchmarkAvailable(b *testing.B) {
	half := Place{Nodes: MaxNodes / 2, Down: .001, Node: .01}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Available(quorum.Majority(MaxNodes), half, half); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleAvailable() {
	node := .01
	for _, n := range []int{1, 3, 5} {
		a, err := Available(quorum.Majority(n), Place{Nodes: n, Node: node})
		fmt.Printf("%d nodes: %.2f nines, %v a year; %v\n", n, a.Nines,
			a.Downtime().Round(time.Minute), err)
	}
	// Output:
	// 1 nodes: 2.00 nines, 87h40m0s a year; <nil>
	// 3 nodes: 3.53 nines, 2h37m0s a year; <nil>
	// 5 nodes: 5.01 nines, 5m0s a year; <nil>
}
