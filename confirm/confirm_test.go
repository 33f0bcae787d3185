package confirm

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

func risk(t *testing.T, m Model, q float64, z int) float64 {
	t.Helper()
	r, err := m.Risk(q, z)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestNakamotoTables are the tables of Bitcoin's paper, §11.
func TestNakamotoTables(t *testing.T) {
	for q, table := range map[float64]map[int]float64{
		0.1: {0: 1, 1: .2045873, 2: .0509779, 3: .0131722, 4: .0034552, 5: .0009137, 6: .0002428,
			7: .0000647, 8: .0000173, 9: .0000046, 10: .0000012},
		0.3: {0: 1, 5: .1773523, 10: .0416605, 15: .0101008, 20: .0024804, 25: .0006132,
			30: .0001522, 35: .0000379, 40: .0000095, 45: .0000024, 50: .0000006},
	} {
		for z, want := range table {
			if got := risk(t, Nakamoto, q, z); math.Abs(got-want) > 5.1e-8 {
				t.Errorf("q = %v, z = %d: %.7f, want %.7f", q, z, got, want)
			}
		}
	}
}

// TestRosenfeldTable has percentages, computed by others from the exact sum.
func TestRosenfeldTable(t *testing.T) {
	depths := []int{1, 2, 3, 4, 5, 6, 8, 10, 12}
	for q, table := range map[float64][]float64{
		.02: {4, .2368, .0155, .0011, .0001, 0, 0, 0, 0},
		.10: {20, 5.6, 1.712, .5456, .1782, .0591, .0067, .0008, .0001},
		.20: {40, 20.8, 11.584, 6.6688, 3.9163, 2.3308, .8479, .3158, .1195},
		.30: {60, 43.2, 32.616, 25.2072, 19.7617, 15.645, 10.0025, 6.5107, 4.2896},
		.40: {80, 70.4, 63.488, 57.9584, 53.3135, 49.3004, 42.6206, 37.2184, 32.7287},
	} {
		for i, want := range table {
			if got := 100 * risk(t, Rosenfeld, q, depths[i]); math.Abs(got-want) > 5.1e-5 {
				t.Errorf("q = %v, z = %d: %.4f%%, want %.4f%%", q, depths[i], got, want)
			}
		}
	}
	if got := risk(t, Strict, .3, 6); math.Abs(got-.0891) > 5e-5 {
		t.Errorf("from level, strictly ahead: %v", got)
	}
}

// TestBlocks are the depths for a risk below 0.1%: of Bitcoin's paper, and exact.
func TestBlocks(t *testing.T) {
	shares := []float64{.10, .15, .20, .25, .30, .35, .40, .45}
	for m, table := range map[Model][]int{
		Nakamoto:  {5, 8, 11, 15, 24, 41, 89, 340},
		Rosenfeld: {6, 9, 13, 20, 32, 58, 133, 539},
	} {
		for i, want := range table {
			if got, err := m.Blocks(shares[i], .001); got != want || err != nil {
				t.Errorf("%v, q = %v: %d, %v; want %d", m, shares[i], got, err, want)
			}
		}
	}
	for _, m := range []Model{Rosenfeld, Nakamoto, Strict} {
		for _, q := range []float64{.01, .3, .49, .497} {
			for _, r := range []float64{.9, .1, 1e-6} {
				z, err := m.Blocks(q, r)
				if err != nil {
					t.Fatal(err)
				}
				if risk(t, m, q, z) >= r || z > 0 && risk(t, m, q, z-1) < r {
					t.Errorf("%v, q = %v, risk %v: %d is not the least", m, q, r, z)
				}
			}
		}
	}
}

// beta is the regularized incomplete beta function I_x(z, 1/2) by its continued
// fraction (modified Lentz): nothing that the package has.
func beta(x, a float64) float64 {
	const b = 0.5
	if x > (a+1)/(a+b+2) {
		return 1 - betaTail(1-x, b, a)
	}
	return betaTail(x, a, b)
}

func betaTail(x, a, b float64) float64 {
	front := math.Exp(lgamma(a+b)-lgamma(a)-lgamma(b)+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	c, d := 1.0, 1-(a+b)*x/(a+1)
	if math.Abs(d) < tiny {
		d = tiny
	}
	d = 1 / d
	h := d
	for i := 1.0; i < 100_000; i++ {
		for _, k := range []float64{
			i * (b - i) * x / ((a + 2*i - 1) * (a + 2*i)),
			-(a + i) * (a + b + i) * x / ((a + 2*i) * (a + 2*i + 1)),
		} {
			if d = 1 + k*d; math.Abs(d) < tiny {
				d = tiny
			}
			if c = 1 + k/c; math.Abs(c) < tiny {
				c = tiny
			}
			d = 1 / d
			h *= c * d
		}
		if math.Abs(c*d-1) < 1e-16 {
			break
		}
	}
	return front * h
}

// TestRosenfeldIsABeta: the exact probability is I_4pq(z, 1/2) (Grunspan and
// Pérez-Marco 2018, Theorem 1).
func TestRosenfeldIsABeta(t *testing.T) {
	for _, q := range []float64{1e-3, .02, .1, .2, .3, .4, .45, .49, .499, .4999} {
		for _, z := range []int{1, 2, 3, 6, 12, 50, 200, 1000, 5000} {
			got, want := risk(t, Rosenfeld, q, z), beta(4*q*(1-q), float64(z))
			if want > 1e-290 && math.Abs(got-want) > 1e-9*want {
				t.Errorf("q = %v, z = %d: %v, want %v", q, z, got, want)
			}
		}
	}
}

// naive sums as the papers print it, in 1,200 bits: with differences.
func naive(m Model, q float64, z int) float64 {
	num := func(x float64) *big.Float { return new(big.Float).SetPrec(1200).SetFloat64(x) }
	mul := func(x, y *big.Float) *big.Float { return num(0).Mul(x, y) }
	power := func(x *big.Float, n int) *big.Float {
		y := num(1)
		for range n {
			y.Mul(y, x)
		}
		return y
	}
	bq := num(q)
	bp := num(0).Sub(num(1), bq)
	r := num(0).Quo(bq, bp)
	sum := num(1)
	lambda := mul(num(float64(z)), r)
	inverse := num(1) // e^λ
	for k := 600; k > 0; k-- {
		inverse = num(0).Add(num(1), num(0).Quo(mul(lambda, inverse), num(float64(k))))
	}
	weight := num(0).Quo(num(1), inverse)
	if m != Nakamoto {
		weight = power(bp, z)
	}
	for k := 0; k <= z; k++ {
		away := z - k
		if m == Strict {
			away++
		}
		sum.Sub(sum, mul(weight, num(0).Sub(num(1), power(r, away))))
		if m == Nakamoto {
			weight = num(0).Quo(mul(weight, lambda), num(float64(k+1)))
		} else {
			weight = num(0).Quo(mul(mul(weight, bq), num(float64(k+z))), num(float64(k+1)))
		}
	}
	f, _ := sum.Float64()
	return f
}

func TestAgainstThePapersSums(t *testing.T) {
	for _, m := range []Model{Rosenfeld, Nakamoto, Strict} {
		for _, q := range []float64{.001, .1, .3, .45, .49} {
			for z := 1; z <= 60; z += 1 + z/4 {
				got, want := risk(t, m, q, z), naive(m, q, z)
				if math.Abs(got-want) > 1e-12*want {
					t.Errorf("%v, q = %v, z = %d: %v, want %v", m, q, z, got, want)
				}
			}
		}
	}
}

// TestRaces lets the attacker run, from 1,000 blocks behind on without hope.
func TestRaces(t *testing.T) {
	const q, z, races = .3, 6, 200_000
	r := rand.New(rand.NewPCG(1, 2))
	wins := map[Model]int{}
	for range races {
		attacker, honest := 0, 0
		level := false // a tie, or a lead, once the payment has its blocks
		for honest-attacker < 60 {
			if honest >= z {
				level = level || attacker >= honest
				if attacker > honest {
					wins[Strict]++
					break
				}
			}
			if r.Float64() < q {
				attacker++
			} else {
				honest++
			}
		}
		if level {
			wins[Rosenfeld]++
		}
	}
	for m, n := range wins {
		want := risk(t, m, q, z)
		if got := float64(n) / races; math.Abs(got-want) > 4*math.Sqrt(want/races) {
			t.Errorf("%v: %v of the races, want %v", m, got, want)
		}
	}
}

// TestMonotonic: more blocks are surer, a stronger attacker is not; nothing leaves
// 0 to 1, up to what Bitcoin has in a month.
func TestMonotonic(t *testing.T) {
	shares := []float64{0, 1e-9, .01, .1, .3, .45, .49, .4999, .499999, .5, .7, 1}
	for _, m := range []Model{Rosenfeld, Nakamoto, Strict} {
		last := make(map[float64]float64)
		for _, z := range []int{0, 1, 2, 3, 10, 100, 101, 1000, 4000, 50_000, MaxBlocks} {
			weaker := -1.0
			for _, q := range shares {
				r := risk(t, m, q, z)
				if !(r >= 0 && r <= 1) || r < weaker || q >= .5 && r != 1 {
					t.Errorf("%v, q = %v, z = %d: %v after %v", m, q, z, r, weaker)
				}
				if was, ok := last[q]; ok && r > was {
					t.Errorf("%v, q = %v: %v at %d blocks, and less before: %v", m, q, r, z, was)
				}
				weaker, last[q] = r, r
			}
		}
	}
}

func TestTolerable(t *testing.T) {
	for _, c := range []struct{ delay, share float64 }{{0, .5}, {1. / 600, .4998}, {1. / 60, .4979},
		{.1, .4875}, {.5, .4384}, {1, .3820}, {2, .2929}} {
		got, err := Tolerable(time.Duration(c.delay*1e9), time.Second)
		if math.Abs(got-c.share) > 5.1e-5 || err != nil {
			t.Errorf("delay %v: %v, %v; want %v", c.delay, got, err, c.share)
		}
	}
}

func TestRefused(t *testing.T) {
	for what, f := range map[string]func() error{
		"share":     func() error { _, err := Rosenfeld.Risk(1.1, 1); return err },
		"NaN":       func() error { _, err := Rosenfeld.Risk(math.NaN(), 1); return err },
		"blocks":    func() error { _, err := Nakamoto.Risk(.1, -1); return err },
		"too many":  func() error { _, err := Nakamoto.Risk(.1, MaxBlocks+1); return err },
		"model":     func() error { _, err := Model(9).Risk(.1, 1); return err },
		"name":      func() error { _, err := Parse("poisson"); return err },
		"half":      func() error { _, err := Rosenfeld.Blocks(.5, .1); return err },
		"negative":  func() error { _, err := Rosenfeld.Blocks(-.5, .1); return err },
		"no risk":   func() error { _, err := Rosenfeld.Blocks(.1, 0); return err },
		"near half": func() error { _, err := Rosenfeld.Blocks(.4999999, 1e-9); return err },
		"interval":  func() error { _, err := Tolerable(1, 0); return err },
		"delay":     func() error { _, err := Tolerable(-1, 1); return err },
	} {
		if f() == nil {
			t.Errorf("%s: no error", what)
		}
	}
	for m := Rosenfeld; m <= Strict; m++ {
		if got, err := Parse(m.String()); got != m || err != nil {
			t.Errorf("%v: %v, %v", m, got, err)
		}
	}
}

func ExampleModel_Risk() {
	for _, m := range []Model{Nakamoto, Rosenfeld, Strict} {
		r, err := m.Risk(.3, 6)
		fmt.Printf("%-9v %.4f %v\n", m, r, err)
	}
	z, err := Rosenfeld.Blocks(.3, .001)
	fmt.Println(z, "blocks for one in a thousand", err)
	// Output:
	// nakamoto  0.1321 <nil>
	// rosenfeld 0.1564 <nil>
	// strict    0.0891 <nil>
	// 32 blocks for one in a thousand <nil>
}
