package clock

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"althing/clock/clocktest"
)

// Each causal clock is held against this many events of random executions.
const (
	oracleRuns  = 900
	oracleSteps = 120
)

// runs calls f with random executions: 108,000 events in all.
func runs(t *testing.T, f func(rng *rand.Rand, r *clocktest.Run)) {
	t.Helper()
	for seed := range uint64(oracleRuns) {
		rng := rand.New(rand.NewPCG(seed, 1))
		f(rng, clocktest.New(rng, oracleSteps, 2+int(seed%11)))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// happened returns how step i stands to step j in truth: each lacks the other
// unless it has it in its past.
func happened(r *clocktest.Run, i, j int) Order {
	return OrderOf(i != j && !r.Before(j, i), i != j && !r.Before(i, j))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestLamportWorked is the exchange of three processes of which the vectors,
// too, are known (TestVectorWorked).
func TestLamportWorked(t *testing.T) {
	p := [3]Lamport{{Process: 0}, {Process: 1}, {Process: 2}}
	tick := func(i int, want uint64) uint64 {
		t.Helper()
		if p[i] = must(p[i].Tick()); p[i].Time != want {
			t.Errorf("p%d ticks to %d, want %d", i, p[i].Time, want)
		}
		return p[i].Time
	}
	receive := func(i int, time, want uint64) {
		t.Helper()
		if p[i] = must(p[i].Witness(time)); p[i].Time != want {
			t.Errorf("p%d receives at %d, want %d", i, p[i].Time, want)
		}
	}
	a, b := tick(0, 1), tick(0, 2)
	receive(1, a, 2)
	c := tick(1, 3)
	receive(2, c, 4)
	receive(2, b, 5)
}

// TestLamportHappenedBefore: e → f implies C(e) < C(f), and the total order is
// one: no two events share a stamp.
func TestLamportHappenedBefore(t *testing.T) {
	runs(t, func(_ *rand.Rand, r *clocktest.Run) {
		clocks := make([]Lamport, r.Processes)
		stamps := make([]Lamport, len(r.Steps))
		for i, s := range r.Steps {
			c := &clocks[s.Process]
			c.Process = uint64(s.Process)
			switch s.Kind {
			case clocktest.Receive:
				*c = must(c.Witness(stamps[s.From].Time))
			case clocktest.Retire:
				*c = must(c.Witness(clocks[s.Other].Time))
			default:
				*c = must(c.Tick())
			}
			if s.Kind == clocktest.Fork {
				clocks[s.Other].Time = c.Time
			}
			stamps[i] = *c
		}
		for i := range stamps {
			for j := range stamps {
				order := stamps[i].Compare(stamps[j])
				if r.Before(i, j) && (order >= 0 || stamps[i].Time >= stamps[j].Time) {
					t.Errorf("step %d happened before %d: %v, %v", i, j, stamps[i], stamps[j])
				}
				if (order == 0) != (i == j) {
					t.Errorf("steps %d and %d are both %v", i, j, stamps[i])
				}
			}
		}
	})
}

func TestLamportNeverWraps(t *testing.T) {
	c := Lamport{Time: math.MaxUint64 - 1, Process: 7}
	c = must(c.Tick())
	if d, err := c.Tick(); !errors.Is(err, ErrOverflow) || d != c {
		t.Errorf("tick at the end of time: %v, %v", d, err)
	}
	c = Lamport{Time: 3, Process: 7}
	if d, err := c.Witness(math.MaxUint64); !errors.Is(err, ErrOverflow) || d != c {
		t.Errorf("witness of the end of time: %v, %v", d, err)
	}
}

func TestLamportForms(t *testing.T) {
	forms(t, Lamport{}, "0@0", "\x00\x00")
	forms(t, Lamport{Time: 300, Process: 2}, "300@2", "\xac\x02\x02")
	forms(t, Lamport{math.MaxUint64, math.MaxUint64}, "18446744073709551615@18446744073709551615",
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	refused[Lamport](t, "", "1", "1@", "@1", "01@1", "+1@1", "1@1 ", "1@2@3", "18446744073709551616@0")
	refusedBytes[Lamport](t, "", "\x01", "\x80\x00\x01", "\x01\x01\x01")
}

func TestDotForms(t *testing.T) {
	forms(t, Dot{1, 1}, "1:1", "\x01\x01")
	forms(t, Dot{0, 300}, "0:300", "\x00\xac\x02")
	refused[Dot](t, "", "1", "1:0", "1:", ":1", "1:01", "1@1")
	refusedBytes[Dot](t, "", "\x01", "\x01\x00", "\x80\x00\x01", "\x01\x01\x01")
}

func FuzzLamport(f *testing.F) {
	fuzz[Lamport](f, "\x00\x00", "\xac\x02\x02", "300@2", "0@0")
}
func FuzzDot(f *testing.F) { fuzz[Dot](f, "\x00\x01", "\xac\x02\x02", "300:2", "0:1") }

func BenchmarkLamportTick(b *testing.B) {
	b.ReportAllocs()
	var c Lamport
	for b.Loop() {
		c, _ = c.Tick()
	}
}

func BenchmarkLamportWitness(b *testing.B) {
	b.ReportAllocs()
	var c Lamport
	for b.Loop() {
		c, _ = c.Witness(1)
	}
}
