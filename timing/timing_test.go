package timing

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// TestChoose holds it against the rules, and against the ranges of etcd's guide.
func TestChoose(t *testing.T) {
	for _, c := range []struct {
		n                   Network
		heartbeat, election time.Duration
	}{
		{Network{}, 10 * ms, 150 * ms},
		{Network{RoundTrip: ms}, 10 * ms, 150 * ms},
		{Network{RoundTrip: 10 * ms}, 10 * ms, 150 * ms},
		{Network{RoundTrip: 15 * ms}, 15 * ms, 150 * ms},
		{Network{RoundTrip: 100 * ms}, 100 * ms, 1000 * ms}, // etcd's defaults
		{Network{RoundTrip: 278400 * time.Microsecond}, 279 * ms, 2784 * ms},
		{Network{RoundTrip: 5 * time.Second}, 5 * time.Second, 50 * time.Second},
		{Network{RoundTrip: 6 * time.Second}, 5 * time.Second, 50 * time.Second},
		{Network{RoundTrip: 20 * ms, Flush: 10 * ms}, 30 * ms, 300 * ms},
		{Network{RoundTrip: 100 * ms, Loss: .1}, 100 * ms, 1000 * ms}, // 6 are enough
		{Network{RoundTrip: 100 * ms, Loss: .5}, 100 * ms, 2000 * ms},
		{Network{RoundTrip: 30 * ms, Drift: 1e-4}, 30 * ms, 300 * ms},
		{Network{RoundTrip: 100 * ms, Drift: .05}, 100 * ms, 1105 * ms},
	} {
		got, err := Choose(c.n, DefaultRisk)
		if want := (Timing{c.heartbeat, c.election, c.election}); got != want || err != nil {
			t.Errorf("%+v: %+v, %v; want %+v", c.n, got, err, want)
		}
		if err := got.Check(c.n); err != nil && c.n.RoundTrip <= 5*time.Second {
			t.Errorf("%+v: %+v is chosen, and then: %v", c.n, got, err)
		}
	}
	for _, c := range []struct {
		roundTrip                   time.Duration
		low, high, election, atMost time.Duration
	}{ // RTT 10, 278 and 5000: known answers
		{10 * ms, 5 * ms, 15 * ms, 100 * ms, MaxElection},
		{278400 * time.Microsecond, 139 * ms, 418 * ms, 2784 * ms, MaxElection},
		{5000 * ms, 2500 * ms, 7500 * ms, 50_000 * ms, 50_000 * ms},
	} {
		got, err := Choose(Network{RoundTrip: c.roundTrip}, DefaultRisk)
		if err != nil || got.Heartbeat < c.low || got.Heartbeat > c.high || got.Election < c.election ||
			got.Election > c.atMost {
			t.Errorf("%v: %+v, %v", c.roundTrip, got, err)
		}
	}
}

// TestChosenIsSound: whatever is chosen passes the check, unless it was capped.
func TestChosenIsSound(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 5000 {
		n := Network{RoundTrip: time.Duration(math.Exp(r.Float64() * 22)), Loss: .8 * r.Float64(),
			Flush: time.Duration(math.Exp(r.Float64() * 18)), Drift: .1 * r.Float64()}
		got, err := Choose(n, DefaultRisk)
		if err != nil || got.Election == MaxElection {
			continue
		}
		if err := got.Check(n); err != nil {
			t.Fatalf("%+v: %+v: %v", n, got, err)
		}
		if chance, _, err := got.Unheard(n.Loss); chance > DefaultRisk*(1+1e-6) || err != nil {
			t.Fatalf("%+v: %+v goes unheard with %v, %v", n, got, chance, err)
		}
	}
}

func TestCheck(t *testing.T) {
	n := Network{RoundTrip: 100 * ms}
	for _, c := range []struct {
		t    Timing
		n    Network
		says []string
	}{
		{Timing{100 * ms, 1000 * ms, 1000 * ms}, n, nil},
		{Timing{40 * ms, 1000 * ms, 1000 * ms}, n, []string{"raise it to 100ms"}},
		{Timing{100 * ms, 999 * ms, 999 * ms}, n, []string{"ten rounds of 100ms"}},
		{Timing{100 * ms, 400 * ms, 400 * ms}, n, []string{"ten rounds", "five heartbeats of 100ms"}},
		{Timing{100 * ms, 51 * time.Second, time.Second}, n, []string{"above 50s"}},
		{Timing{100 * ms, 1000 * ms, 50 * ms}, n, []string{"spread over 50ms"}},
		{Timing{100 * ms, 1000 * ms, 1000 * ms}, Network{RoundTrip: 100 * ms, Loss: .4},
			[]string{"16 heartbeats of 100ms"}},
	} {
		err := c.t.Check(c.n)
		if (err == nil) != (c.says == nil) {
			t.Errorf("%+v: %v", c.t, err)
		}
		for _, s := range c.says {
			if err == nil || !strings.Contains(err.Error(), s) {
				t.Errorf("%+v: no %q in %v", c.t, s, err)
			}
		}
		var all interface{ Unwrap() []error }
		if errors.As(err, &all) && len(all.Unwrap()) != len(c.says) {
			t.Errorf("%+v: more is wrong than %q: %v", c.t, c.says, err)
		}
	}
}

func TestHeartbeats(t *testing.T) {
	for _, c := range []struct {
		loss, risk float64
		want       int
	}{{.1, 1e-6, 6}, {0, 1e-6, 1}, {.5, .125, 3}, {.5, .124, 4}, {.01, 1e-6, 3}, {.1, .5, 1}} {
		if got, err := Heartbeats(c.loss, c.risk); got != c.want || err != nil {
			t.Errorf("%+v: %d, %v", c, got, err)
		}
	}
}

// TestUnheard waits for runs of lost heartbeats.
func TestUnheard(t *testing.T) {
	timing := Timing{100 * ms, 350 * ms, 0} // three are within
	const loss = .3
	chance, every, err := timing.Unheard(loss)
	if math.Abs(chance-.027) > 1e-12 || err != nil {
		t.Errorf("%v, %v", chance, err)
	}
	r := rand.New(rand.NewPCG(4, 4))
	const tries = 20_000
	heartbeats := 0
	for range tries {
		for run := 0; run < 3; heartbeats++ {
			if run++; r.Float64() >= loss {
				run = 0
			}
		}
	}
	mean := time.Duration(heartbeats) * timing.Heartbeat / tries
	if d := (mean - every).Abs(); d > every/30 {
		t.Errorf("%v on average, in theory %v", mean, every)
	}
	if chance, every, err := timing.Unheard(0); chance != 0 || every != math.MaxInt64 || err != nil {
		t.Errorf("without loss: %v, %v, %v", chance, every, err)
	}
}

func TestFirstTimeout(t *testing.T) {
	timing := Timing{50 * ms, 150 * ms, 150 * ms}
	if got, err := timing.FirstTimeout(4); got != 180*ms || err != nil {
		t.Errorf("four followers, 150 to 300 ms: %v, %v", got, err)
	}
}

func TestLease(t *testing.T) {
	timing := Timing{100 * ms, 1000 * ms, 1000 * ms}
	got, err := timing.Lease(.05)
	if err != nil {
		t.Fatal(err)
	}
	real := float64(got) / (1 - .05)               // the leader's clock is slow
	if float64(timing.Election)/(1+.05) < real-1 { // a follower's is fast
		t.Errorf("a lease of %v outlives the timeout", got)
	}
	if whole, err := timing.Lease(0); whole != timing.Election || err != nil {
		t.Errorf("with true clocks: %v, %v", whole, err)
	}
}

// An election is played: each follower's timeout, who hears of whom first, who gets
// which votes; again after a split.
type election struct {
	t     Timing
	v     Voters
	reach time.Duration
	r     *rand.Rand
}

// round returns when the first stands, whether it is elected, and when each timer is
// set anew.
func (e *election) round(set []time.Duration) (first time.Duration, elected bool, again []time.Duration) {
	ends := make([]time.Duration, len(set))
	for i := range set {
		ends[i] = set[i] + e.t.Election + time.Duration(e.r.Float64()*float64(e.t.Spread))
	}
	first = slices.Min(ends)
	votes := map[time.Duration]int{} // by when the candidate stood
	again = make([]time.Duration, len(set))
	for i, end := range ends {
		if end <= first+e.reach {
			votes[end]++ // it stands
			again[i] = end
		} else {
			votes[first]++
			again[i] = first + e.reach
		}
	}
	for _, n := range votes {
		elected = elected || n >= e.v.Votes
	}
	return first, elected, again
}

func TestSplitIsWhatHappens(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	const rounds = 40_000
	for _, v := range []Voters{{1, 1}, {2, 2}, {3, 2}, {4, 3}, {3, 3}, {6, 4}, {5, 4}, {8, 5}, {2, 1}} {
		for _, reach := range []time.Duration{0, 5 * ms, 30 * ms, 100 * ms, 149 * ms, 150 * ms} {
			e := election{Timing{50 * ms, 150 * ms, 150 * ms}, v, reach, r}
			want, err := e.t.Split(v, reach)
			if err != nil {
				t.Fatal(err)
			}
			split := 0
			for range rounds {
				if _, elected, _ := e.round(make([]time.Duration, v.Standing)); !elected {
					split++
				}
			}
			got := float64(split) / rounds
			if math.Abs(got-want) > 5*math.Sqrt(want*(1-want)/rounds)+1e-9 {
				t.Errorf("%+v, reach %v: %v split, want %v", v, reach, got, want)
			}
		}
	}
}

// TestOutageIsWhatHappens plays crashes until there is a leader.
func TestOutageIsWhatHappens(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	const crashes = 20_000
	for _, v := range []Voters{{2, 2}, {4, 3}, {3, 3}, {6, 4}} {
		for _, spread := range []time.Duration{20 * ms, 50 * ms, 150 * ms} {
			n := Network{RoundTrip: 16 * ms, Flush: 2 * ms}
			timing := Timing{75 * ms, 150 * ms, spread}
			want, err := timing.Outage(v, n)
			if err != nil {
				t.Fatal(err)
			}
			e := election{timing, v, n.RoundTrip/2 + n.Flush, r}
			var sum time.Duration
			for range crashes {
				heard := n.RoundTrip/2 - time.Duration(r.Float64()*float64(timing.Heartbeat))
				set := make([]time.Duration, v.Standing)
				for i := range set {
					set[i] = heard
				}
				for {
					first, elected, again := e.round(set)
					if set = again; elected {
						sum += first + n.Round()
						break
					}
				}
			}
			got := sum / crashes
			off := (got - want.Leader).Abs()
			narrow := spread < 50*ms // then it is a bound
			if off > want.Leader/20 && !narrow || got > want.Leader+want.Leader/20 {
				t.Errorf("%+v, spread %v: %v on average, in theory %v", v, spread, got, want.Leader)
			}
		}
	}
}

// TestWiderSpreadsSplitLess is the shape of Raft's Figure 16: without a spread there
// is no end, with a little it takes several rounds, with more the timeout grows.
func TestWiderSpreadsSplitLess(t *testing.T) {
	n := Network{RoundTrip: 15 * ms}
	v := Voters{4, 3}
	if o, err := (Timing{75 * ms, 150 * ms, 0}).Outage(v, n); err == nil {
		t.Errorf("no spread: %+v", o)
	}
	last := 1.0
	for _, spread := range []time.Duration{10 * ms, 25 * ms, 50 * ms, 150 * ms} {
		o, err := (Timing{75 * ms, 150 * ms, spread}).Outage(v, n)
		if err != nil || o.Split >= last || o.Commit != o.Leader+n.Round() {
			t.Errorf("spread %v: %+v after %v, %v", spread, o, last, err)
		}
		last = o.Split
	}
	if last > .02 {
		t.Errorf("150 to 300 ms: %v split", last)
	}
}

func TestRefused(t *testing.T) {
	good := Timing{100 * ms, 1000 * ms, 1000 * ms}
	v := Voters{4, 3}
	for what, f := range map[string]func() error{
		"trip":        func() error { _, err := Choose(Network{RoundTrip: -1}, .1); return err },
		"flush":       func() error { _, err := Choose(Network{Flush: 2 * time.Hour}, .1); return err },
		"all lost":    func() error { _, err := Choose(Network{Loss: 1}, .1); return err },
		"drift":       func() error { _, err := Choose(Network{Drift: math.NaN()}, .1); return err },
		"risk":        func() error { _, err := Choose(Network{}, 0); return err },
		"far":         func() error { _, err := Choose(Network{RoundTrip: 11 * time.Second}, .1); return err },
		"lossy":       func() error { _, err := Choose(Network{RoundTrip: 5e9, Loss: .9}, .1e-6); return err },
		"lost":        func() error { _, err := Choose(Network{Loss: 1 - 1e-15}, 1e-300); return err },
		"lost, far":   func() error { _, err := Choose(Network{RoundTrip: 5e9, Loss: 1 - 1e-15}, 1e-300); return err },
		"timing":      func() error { return Timing{}.Check(Network{}) },
		"order":       func() error { return Timing{100 * ms, 50 * ms, 0}.Check(Network{}) },
		"reach":       func() error { _, err := good.Split(v, -1); return err },
		"votes":       func() error { _, err := good.Split(Voters{2, 3}, 1); return err },
		"nobody":      func() error { _, err := good.FirstTimeout(0); return err },
		"a million":   func() error { _, err := good.Outage(Voters{1e6, 1}, Network{}); return err },
		"no network":  func() error { _, err := good.Outage(v, Network{Loss: 2}); return err },
		"lease":       func() error { _, err := good.Lease(1); return err },
		"unheard":     func() error { _, _, err := good.Unheard(1); return err },
		"no timing":   func() error { _, _, err := Timing{}.Unheard(0); return err },
		"no spread":   func() error { _, err := Timing{ms, ms, 0}.Outage(v, Network{RoundTrip: 1}); return err },
		"not a split": func() error { _, err := Timing{}.Split(v, 1); return err },
	} {
		if f() == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func ExampleChoose() {
	network := Network{RoundTrip: 30 * time.Millisecond, Flush: 2 * time.Millisecond}
	t, err := Choose(network, DefaultRisk)
	fmt.Println(t.Heartbeat, t.Election, err)
	o, err := t.Outage(Voters{Standing: 4, Votes: 3}, network) // five members, one gone
	fmt.Printf("%v, %.1f%% split; %v\n", o.Leader.Round(time.Millisecond), 100*o.Split, err)
	// Output:
	// 32ms 320ms <nil>
	// 421ms, 1.6% split; <nil>
}
