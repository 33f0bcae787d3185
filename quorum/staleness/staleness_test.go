package staleness

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %v, want %v ± %v", what, got, want, tolerance)
	}
}

// TestVersionsTable is the table of known answers for k-staleness.
func TestVersionsTable(t *testing.T) {
	ks := []int{1, 2, 3, 5, 10}
	for _, c := range []struct {
		n, r, w  int
		missed   float64
		within   []float64 // for k of 1, 2, 3, 5, 10, as many as are known
		versions int       // for 99.9 %
	}{
		{3, 1, 1, 2. / 3, []float64{.333333, .555556, .703704, .868313, .982658}, 18},
		{3, 1, 2, 1. / 3, []float64{.666667, .888889, .962963, .995885, .999983}, 7},
		{3, 2, 1, 1. / 3, []float64{.666667, .888889, .962963, .995885, .999983}, 7},
		{5, 2, 2, 3. / 10, []float64{.7, .91, .973, .99757}, 6},
		{5, 1, 3, 2. / 5, nil, 8},
		{5, 2, 3, 1. / 10, nil, 3},
		{10, 3, 3, 7. / 24, nil, 6},
		{3, 2, 2, 0, []float64{1, 1, 1, 1, 1}, 1},
		{3, 1, 3, 0, nil, 1},
	} {
		what := fmt.Sprintf("N=%d R=%d W=%d", c.n, c.r, c.w)
		missed, err := Missed(c.n, c.r, c.w)
		if err != nil {
			t.Fatal(err)
		}
		near(t, what+" missed", missed, c.missed, 1e-15)
		for i, want := range c.within {
			got, err := Within(c.n, c.r, c.w, ks[i])
			if err != nil {
				t.Fatal(err)
			}
			near(t, fmt.Sprint(what, " within ", ks[i]), got, want, 5e-7)
		}
		if k, err := Versions(c.n, c.r, c.w, .999); k != c.versions || err != nil {
			t.Errorf("%s: %d versions, %v; want %d", what, k, err, c.versions)
		}
	}
	// The least k is the least, and a chance that is met exactly is met.
	if k, err := Versions(5, 2, 3, .99); k != 2 || err != nil {
		t.Errorf("%d versions for 0.99 at 1/10: %v; want 2", k, err)
	}
	m, err := Monotonic(3, 1, 1, 2, 1) // (2/3)^3
	if err != nil {
		t.Fatal(err)
	}
	near(t, "monotonic", m, 1-8./27, 1e-15)
}

// TestMissedCounts compares with all pairs of quorums.
func TestMissedCounts(t *testing.T) {
	for n := 1; n <= 6; n++ {
		for r := 1; r <= n; r++ {
			for w := 1; w <= n; w++ {
				pairs, apart := 0, 0
				for a := range 1 << n {
					for b := range 1 << n {
						if ones(a) == r && ones(b) == w {
							pairs++
							if a&b == 0 {
								apart++
							}
						}
					}
				}
				got, err := Missed(n, r, w)
				if err != nil {
					t.Fatal(err)
				}
				near(t, fmt.Sprint(n, r, w), got, float64(apart)/float64(pairs), 1e-12)
			}
		}
	}
}

func ones(s int) (n int) {
	for ; s != 0; s &= s - 1 {
		n++
	}
	return n
}

// perMilli is the exponential distribution of a rate a millisecond.
func perMilli(rate float64) Exp { return Exp{Mean: time.Duration(float64(time.Millisecond) / rate)} }

func ms(x float64) time.Duration { return time.Duration(x * float64(time.Millisecond)) }

var (
	ssd      = Mixture{{.9122, Pareto{ms(.235), 10}}, {.0878, perMilli(1.66)}}
	disk     = Mixture{{.38, Pareto{ms(1.05), 1.51}}, {.62, perMilli(.183)}}
	ymmr     = Mixture{{.939, Pareto{ms(3), 3.5}}, {.061, perMilli(.0028)}}
	ymmrBack = Mixture{{.982, Pareto{ms(1.5), 3.8}}, {.018, perMilli(.0217)}}
)

// TestProductionTable is the table of the paper's production fits, by a run of
// three million trials: latencies to 8 %, visibility to 15 %, for tails.
func TestProductionTable(t *testing.T) {
	const trials = 200_000
	network := map[string]Model{
		"SSD":  {Write: ssd, Ack: ssd, Read: ssd, Response: ssd},
		"DISK": {Write: disk, Ack: ssd, Read: ssd, Response: ssd},
		"YMMR": {Write: ymmr, Ack: ymmrBack, Read: ymmrBack, Response: ymmrBack},
		"WAN":  {Write: disk, Ack: ssd, Read: ssd, Response: ssd, Apart: 75 * time.Millisecond},
	}
	for _, c := range []struct {
		name                 string
		r, w                 int
		read, write, visible float64 // ms at 99.9 %; -1 for what is not known
		fresh                float64 // at once; -1
	}{
		{"SSD", 1, 1, .66, .65, 1.95, .9736},
		{"SSD", 1, 2, .66, 1.62, 1.83, .978},
		{"SSD", 2, 1, 1.64, .65, 0, .9994},
		{"SSD", 3, 1, 4.14, .65, 0, 1},
		{"SSD", 1, 3, .66, 4.11, 0, 1},
		{"DISK", 1, 1, .66, 10.94, 52.2, .4360},
		{"DISK", 1, 2, .66, 20.89, 48.2, .713},
		{"DISK", 2, 1, 1.63, 10.94, 14.1, .762},
		{"DISK", 1, 3, .66, 113.5, 0, 1},
		{"YMMR", 1, 1, 5.59, 10.72, 1439, .893},
		{"YMMR", 2, 1, 33.6, 10.72, 214, .991},
		{"YMMR", 3, 1, 217.9, 10.72, 0, 1},
		{"WAN", 1, 1, 3.42, 55.8, 116.4, .3334},
		{"WAN", 2, 1, 151.3, 55.8, 30.7, .859},
		{"WAN", 1, 2, 3.42, 167.6, 0, .9996},
	} {
		m := network[c.name]
		m.N, m.R, m.W = 3, c.r, c.w
		res, err := m.Run(trials, 1)
		if err != nil {
			t.Fatal(err)
		}
		what := fmt.Sprintf("%s R=%d W=%d", c.name, c.r, c.w)
		near(t, what+" read", float64(res.Read(.999))/1e6, c.read, .08*c.read)
		near(t, what+" write", float64(res.Write(.999))/1e6, c.write, .08*c.write)
		near(t, what+" visible", float64(res.Visible(.999))/1e6, c.visible, .15*c.visible)
		near(t, what+" fresh", res.Fresh(0), c.fresh, .005)
		if c.name == "DISK" && c.r+c.w == 2 {
			near(t, what+" fresh after 10 ms", res.Fresh(10*time.Millisecond), .926, .005)
		}
	}
}

// TestMeetingQuorumsAreFresh: with R + W > N every read sees the write, whatever
// the network.
func TestMeetingQuorumsAreFresh(t *testing.T) {
	for n := 1; n <= 5; n++ {
		for r := 1; r <= n; r++ {
			for w := 1; w <= n; w++ {
				m := Model{n, r, w, ymmr, ymmrBack, ymmrBack, ymmrBack, 75 * time.Millisecond}
				res, err := m.Run(3000, uint64(n))
				if err != nil {
					t.Fatal(err)
				}
				if fresh := res.Fresh(0); r+w > n && fresh != 1 || r+w <= n && fresh == 1 && r == 1 &&
					w == 1 {
					t.Errorf("N=%d R=%d W=%d: %v are fresh", n, r, w, fresh)
				}
				if r+w > n && res.Visible(1) != 0 {
					t.Errorf("N=%d R=%d W=%d: visible after %v", n, r, w, res.Visible(1))
				}
			}
		}
	}
}

// TestByHand: constant delays leave no doubt about who wins a race.
func TestByHand(t *testing.T) {
	one := Empirical{time.Millisecond}
	// The write arrives after 10 and is acknowledged at 11; a read at once
	// arrives a millisecond later: all is seen.
	res, err := Model{3, 1, 1, Empirical{ms(10)}, one, one, one, 0}.Run(100, 1)
	if err != nil || res.Write(.5) != ms(11) || res.Read(.5) != ms(2) || res.Visible(1) != 0 ||
		res.Fresh(0) != 1 {
		t.Errorf("constant: %v %v %v %v, %v", res.Write(.5), res.Read(.5), res.Visible(1), res.Fresh(0), err)
	}
	// Of two replicas 100 ms apart, the near one acknowledges a write after 2 and
	// the far one gets it after 101. Who reads there, 1 away, must begin 98 after
	// the write was done.
	res, err = Model{2, 1, 1, one, one, one, one, ms(100)}.Run(10_000, 1)
	if err != nil || res.Write(1) != ms(2) || res.Read(1) != ms(2) || res.Visible(1) != ms(101-2-1) {
		t.Errorf("apart: %v %v %v, %v", res.Write(1), res.Read(1), res.Visible(1), err)
	}
	near(t, "half are in the other centre", res.Fresh(0), .5, .03)
	near(t, "none one step before", res.Fresh(ms(98)-1), .5, .03)
	near(t, "all", res.Fresh(ms(98)), 1, 0)
}

func TestSameSeedSameResult(t *testing.T) {
	m := Model{3, 1, 1, disk, ssd, ssd, ssd, 0}
	a, _ := m.Run(1000, 7)
	b, _ := m.Run(1000, 7)
	c, _ := m.Run(1000, 8)
	if fmt.Sprint(a) != fmt.Sprint(b) || fmt.Sprint(a) == fmt.Sprint(c) {
		t.Error("the seed does not decide, or nothing else does")
	}
}

// TestDists compares means and tails with what is known of the distributions.
func TestDists(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const draws = 200_000
	for _, c := range []struct {
		name string
		d    Dist
		mean float64 // ns
		over time.Duration
		tail float64 // the share beyond over
	}{
		{"Pareto", Pareto{1000, 3}, 1500, 2000, 1. / 8},
		{"Exp", Exp{1000}, 1000, 1000, 1 / math.E},
		{"Mixture", Mixture{{1, Empirical{10}}, {3, Empirical{20}}}, 17.5, 15, .75},
		{"Empirical", Empirical{1, 2, 3, 4}, 2.5, 3, .25},
	} {
		sum, over := 0.0, 0
		for range draws {
			x := c.d.draw(rng)
			sum += x
			if x > float64(c.over) {
				over++
			}
		}
		near(t, c.name+" mean", sum/draws, c.mean, .01*c.mean)
		near(t, c.name+" tail", float64(over)/draws, c.tail, .005)
	}
}

func TestRefused(t *testing.T) {
	good := Model{3, 1, 1, ssd, ssd, ssd, ssd, 0}
	with := func(d Dist) Model { m := good; m.Ack = d; return m }
	for what, m := range map[string]Model{
		"nothing":         {},
		"R of 0":          {3, 0, 1, ssd, ssd, ssd, ssd, 0},
		"W of 4":          {3, 1, 4, ssd, ssd, ssd, ssd, 0},
		"too many":        {MaxReplicas + 1, 1, 1, ssd, ssd, ssd, ssd, 0},
		"missing":         with(nil),
		"Pareto":          with(Pareto{1, 0}),
		"Pareto from 0":   with(Pareto{0, 1}),
		"Exp":             with(Exp{}),
		"empty mixture":   with(Mixture{}),
		"weightless":      with(Mixture{{0, ssd}}),
		"nested":          with(Mixture{{1, ssd}}),
		"nil part":        with(Mixture{{1, nil}}),
		"bad part":        with(Mixture{{1, Exp{}}}),
		"no measurements": with(Empirical{}),
		"before it began": with(Empirical{1, -1}),
		"negative apart":  {3, 1, 1, ssd, ssd, ssd, ssd, -1},
	} {
		if _, err := m.Run(10, 1); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	for _, trials := range []int{0, -1, MaxTrials + 1} {
		if _, err := good.Run(trials, 1); err == nil {
			t.Errorf("%d trials: no error", trials)
		}
	}
	if _, err := Within(3, 1, 1, 0); err == nil {
		t.Error("within 0 versions")
	}
	if _, err := Versions(3, 1, 1, 1); err == nil {
		t.Error("a chance of 1")
	}
	if _, err := Monotonic(3, 1, 1, 1, 0); err == nil {
		t.Error("no reads")
	}
	if _, err := Missed(3, 4, 1); err == nil {
		t.Error("R of 4 among 3")
	}
	// A tail without a mean does not overflow.
	res, err := with(Pareto{time.Hour, .01}).Run(1000, 1)
	if err != nil || res.Write(1) < time.Hour {
		t.Errorf("%v", err)
	}
}

func ExampleWithin() {
	for _, k := range []int{1, 2, 10} {
		p, err := Within(3, 1, 1, k)
		fmt.Printf("one of the last %d versions: %.4f %v\n", k, p, err)
	}
	// Output:
	// one of the last 1 versions: 0.3333 <nil>
	// one of the last 2 versions: 0.5556 <nil>
	// one of the last 10 versions: 0.9827 <nil>
}

func ExampleModel() {
	link := Mixture{
		{Weight: .9, Dist: Pareto{Least: 200 * time.Microsecond, Shape: 10}},
		{Weight: .1, Dist: Exp{Mean: time.Millisecond}},
	}
	m := Model{N: 3, R: 1, W: 1, Write: link, Ack: link, Read: link, Response: link}
	res, err := m.Run(100_000, 1)
	if err != nil {
		panic(err)
	}
	fmt.Printf("fresh at once: %.0f %%; 99.9 %% of reads are fresh %.1f ms after the write\n",
		100*res.Fresh(0), float64(res.Visible(.999))/1e6)
	// Output: fresh at once: 95 %; 99.9 % of reads are fresh 4.0 ms after the write
}

func BenchmarkRun(b *testing.B) {
	m := Model{3, 1, 1, disk, ssd, ssd, ssd, 0}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Run(1000, 1); err != nil {
			b.Fatal(err)
		}
	}
}
