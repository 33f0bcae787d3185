package forecast

import (
	"fmt"
	"math"
	"testing"
	"time"

	"althing/quorum"
)

// TestLoadTable is the table of loads of the paper's protocols.
func TestLoadTable(t *testing.T) {
	check := func(what string, p Protocol, err error, want float64) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Load(); math.Abs(got-want) > 1e-12 || err != nil {
			t.Errorf("%s: %v, %v; want %v", what, got, err, want)
		}
	}
	for n, want := range map[int]float64{3: 1, 5: 2, 7: 3, 9: 4, 25: 12} {
		p, err := Paxos(n, quorum.Majority(n))
		check(fmt.Sprint("Paxos of ", n), p, err, want)
	}
	for _, c := range []struct {
		n               int
		conflicts, want float64
	}{{5, 0, 1.2}, {5, .5, 1.8}, {5, 1, 2.4}, {9, 0, 4. / 3}, {9, .5, 2}, {9, 1, 8. / 3}} {
		p, err := EPaxos(c.n, quorum.Majority(c.n), c.conflicts)
		check(fmt.Sprintf("EPaxos of %d, %v conflicts", c.n, c.conflicts), p, err, c.want)
	}
	for n, want := range map[int]float64{3: 4. / 3, 5: 1.6} {
		p, err := WPaxos(n*n, n)
		check(fmt.Sprintf("WPaxos of %d x %d", n, n), p, err, want)
	}
}

func TestLatency(t *testing.T) {
	for _, c := range []struct {
		conflicts, locality float64
		want                time.Duration
	}{{0, 0, 30}, {0, 1, 20}, {.5, 0, 45}, {1, .5, 50}} {
		got, err := Protocol{3, 2, c.conflicts}.Latency(10, 20, c.locality)
		if got != c.want || err != nil {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}

func TestQueueTable(t *testing.T) {
	for _, c := range []struct {
		arrivals       float64
		steady, random time.Duration
	}{{800, 2 * time.Millisecond, 4 * time.Millisecond}, {950, 9500 * time.Microsecond,
		19 * time.Millisecond},
		{500, 500 * time.Microsecond, time.Millisecond}, {0, 0, 0}} {
		q := Queue{c.arrivals, 1000}
		steady, err1 := q.Steady()
		random, err2 := q.Random()
		if (steady-c.steady).Abs() > time.Nanosecond || (random-c.random).Abs() > time.Nanosecond ||
			err1 != nil || err2 != nil {
			t.Errorf("%+v: %v, %v, %v, %v; want %v, %v", q, steady, random, err1, err2, c.steady, c.random)
		}
	}
}

func TestRefused(t *testing.T) {
	for what, f := range map[string]func() error{
		"zones":        func() error { _, err := WPaxos(9, 2); return err },
		"no zone":      func() error { _, err := WPaxos(9, 0); return err },
		"quorum":       func() error { _, err := Paxos(3, 4); return err },
		"conflicts":    func() error { _, err := EPaxos(3, 2, 1.1); return err },
		"nobody":       func() error { _, err := Protocol{}.Load(); return err },
		"nobody's":     func() error { _, err := Protocol{}.Latency(1, 1, 0); return err },
		"locality":     func() error { _, err := Protocol{1, 2, 0}.Latency(1, 1, 2); return err },
		"before":       func() error { _, err := Protocol{1, 2, 0}.Latency(-1, 1, 0); return err },
		"saturated":    func() error { _, err := Queue{1000, 1000}.Random(); return err },
		"overloaded":   func() error { _, err := Queue{1001, 1000}.Steady(); return err },
		"not a number": func() error { _, err := Queue{math.NaN(), 1000}.Random(); return err },
	} {
		if f() == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func ExampleProtocol_Load() {
	one, _ := Paxos(9, quorum.Majority(9))
	all, _ := EPaxos(9, quorum.Majority(9), .5)
	for _, p := range []Protocol{one, all} {
		load, err := p.Load()
		fmt.Println(load, err)
	}
	// Output:
	// 4 <nil>
	// 2 <nil>
}
