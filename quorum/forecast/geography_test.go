package forecast

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"althing/quorum"
	"althing/region"
)

// between has the round trips of regions; a client is beside the server of its own.
func between(names ...region.Region) Trips {
	t := make(Trips, len(names))
	for i, a := range names {
		for j, b := range names {
			d := a.RoundTrip(b)
			if i == j {
				d = 0
			}
			t[i] = append(t[i], d)
		}
	}
	return t
}

// near allows for the last digit of a table.
func near(got time.Duration, milliseconds float64) bool {
	return (got - time.Duration(milliseconds*1e6)).Abs() <= 150*time.Microsecond
}

// TestLeadsKnown are answers that others computed for regions of EC2.
func TestLeadsKnown(t *testing.T) {
	for _, c := range []struct {
		regions []region.Region
		leader  region.Region
		commit  float64
		mean    float64
	}{
		{[]region.Region{"VA", "OR", "CA"}, "OR", 22.9, 58.0},
		{[]region.Region{"VA", "OR", "CA"}, "VA", 82.6, 138.4},
		{[]region.Region{"VA", "IR", "TO"}, "VA", 107.9, 211.4},
		{[]region.Region{"VA", "IR", "TO"}, "IR", 107.9, 236.6},
		{[]region.Region{"VA", "IR", "TO"}, "TO", 202.4, 362.7},
		{[]region.Region{"VA", "CA", "OR", "IR", "TO"}, "VA", 84.6, 180.1},
		{[]region.Region{"VA", "CA", "OR", "IR", "TO"}, "CA", 84.5, 169.3},
		{[]region.Region{"VA", "CA", "OR", "IR", "TO"}, "OR", 82.9, 165.0},
		{[]region.Region{"VA", "CA", "OR", "IR", "TO"}, "IR", 169.9, 315.2},
		{[]region.Region{"VA", "CA", "OR", "IR", "TO"}, "TO", 146.5, 298.5},
		{[]region.Region{"VA", "OR", "IR", "SI", "SY", "TO", "SP"}, "TO", 144.2, 308.8},
	} {
		leads, err := between(c.regions...).Leads(quorum.Majority(len(c.regions)), nil)
		if err != nil {
			t.Fatal(err)
		}
		l := leads[slices.Index(c.regions, c.leader)]
		if !near(l.Commit, c.commit) || !near(l.Mean, c.mean) {
			t.Errorf("%v led by %s: %v, clients %v; want %v, %v", c.regions, c.leader, l.Commit, l.Mean,
				c.commit, c.mean)
		}
	}
	for _, c := range []struct {
		regions []region.Region
		leader  region.Region
		fast    float64 // of EPaxos
	}{
		{[]region.Region{"VA", "CA", "OR", "IR", "TO"}, "OR", 113.7},
		{[]region.Region{"VA", "OR", "IR", "SI", "SY", "TO", "SP"}, "TO", 236.4},
	} {
		n := len(c.regions)
		trips := between(c.regions...)
		leads, err := trips.Leads(quorum.Majority(n), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.regions[Best(leads).Site]; got != c.leader {
			t.Errorf("%v: best led by %v, want %v", c.regions, got, c.leader)
		}
		q, err := quorum.EPaxosFast(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, mean, err := trips.Leaderless(q, nil); !near(mean, c.fast) || err != nil {
			t.Errorf("%v, each its own leader: %v, %v; want %v", c.regions, mean, err, c.fast)
		}
	}
	// with seven, the fast quorum is farther away than a majority
	trips := between("VA", "OR", "IR", "SI", "SY", "TO", "SP")
	if _, mean, err := trips.Leaderless(quorum.Majority(7), nil); !near(mean, 203.9) || err != nil {
		t.Errorf("majorities of seven: %v, %v", mean, err)
	}
}

// TestQuorumNaive: the least d such that enough sites are within it.
func TestQuorumNaive(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 2000 {
		n := 1 + r.IntN(6)
		trips := make(Trips, n)
		for i := range trips {
			for range n {
				trips[i] = append(trips[i], time.Duration(r.IntN(20)))
			}
		}
		from, q := r.IntN(n), 1+r.IntN(n)
		got, err := trips.Quorum(from, q)
		if err != nil {
			t.Fatal(err)
		}
		within := func(d time.Duration) (count int) {
			for j := range n {
				if j == from || trips[from][j] <= d {
					count++
				}
			}
			return count
		}
		if within(got) < q || got > 0 && within(got-1) >= q {
			t.Fatalf("%v from %d, %d of them: %v", trips, from, q, got)
		}
	}
}

// TestAsymmetric: a client's way is its own row, the leader's way the leader's.
func TestAsymmetric(t *testing.T) {
	trips := Trips{{1, 10, 30}, {20, 2, 40}, {50, 60, 3}}
	leads, err := trips.Leads(2, []float64{0, 1, 3})
	if err != nil {
		t.Fatal(err)
	}
	l := leads[0]
	if l.Commit != 10 || !slices.Equal(l.Clients, []time.Duration{11, 30, 60}) || l.Mean != (30+3*60)/4 {
		t.Errorf("%+v", l)
	}
	clients, mean, err := trips.Leaderless(3, []float64{1, 1, 0})
	if !slices.Equal(clients, []time.Duration{31, 42, 63}) || mean != 36 || err != nil {
		t.Errorf("%v, %v, %v", clients, mean, err)
	}
	if trips[0][0] != 1 || trips[0][2] != 30 {
		t.Error("the matrix was changed")
	}
}

func TestTripsRefused(t *testing.T) {
	square := Trips{{0, 1}, {1, 0}}
	for what, f := range map[string]func() error{
		"nothing":  func() error { return Trips{}.Check() },
		"ragged":   func() error { return Trips{{0, 1}, {1}}.Check() },
		"negative": func() error { return Trips{{0, -1}, {1, 0}}.Check() },
		"too far":  func() error { return Trips{{0, MaxTrip + 1}, {1, 0}}.Check() },
		"site":     func() error { _, err := square.Quorum(2, 1); return err },
		"quorum":   func() error { _, err := square.Quorum(0, 3); return err },
		"none":     func() error { _, err := square.Leads(0, nil); return err },
		"weights":  func() error { _, err := square.Leads(1, []float64{1}); return err },
		"weight":   func() error { _, err := square.Leads(1, []float64{1, -1}); return err },
		"no one":   func() error { _, _, err := square.Leaderless(1, []float64{0, 0}); return err },
		"all":      func() error { _, _, err := square.Leaderless(3, nil); return err },
	} {
		if f() == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func BenchmarkLeads(b *testing.B) {
	trips := make(Trips, MaxSites)
	for i := range trips {
		trips[i] = make([]time.Duration, MaxSites)
		for j := range trips[i] {
			trips[i][j] = time.Duration((i*7919 + j*104729) % 1000)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := trips.Leads(quorum.Majority(MaxSites), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleTrips_Leads() {
	names := []region.Region{"VA", "OR", "CA"}
	leads, err := between(names...).Leads(quorum.Majority(3), nil)
	best := Best(leads)
	fmt.Println(names[best.Site], best.Commit, best.Clients, err)
	// Output:
	// OR 22.9ms [105.5ms 22.9ms 45.4ms] <nil>
}
