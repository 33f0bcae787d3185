package replication

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func milliseconds(ds ...int) (all []time.Duration) {
	for _, d := range ds {
		all = append(all, time.Duration(d)*time.Millisecond)
	}
	return all
}

// TestSyncReplication: a write that waits for all waits for the slowest; the other
// ways to wait are in the same table.
func TestSyncReplication(t *testing.T) {
	replicas := milliseconds(20, 10, 30)
	if got, err := Synchronous(replicas); got != 30*time.Millisecond || err != nil {
		t.Errorf("synchronous: %v, %v", got, err)
	}
	if got, err := SemiSynchronous(replicas); got != 10*time.Millisecond || err != nil {
		t.Errorf("semi-synchronous: %v, %v", got, err)
	}
	for k, want := range milliseconds(0, 10, 20, 30) {
		if got, err := Acknowledged(k, replicas); got != want || err != nil {
			t.Errorf("%d acknowledgements: %v, %v; want %v", k, got, err, want)
		}
	}
	// a majority of the four, the node itself among them, takes two of the three
	if got, err := Acknowledged(2, replicas); got != 20*time.Millisecond || err != nil {
		t.Errorf("a majority: %v, %v", got, err)
	}
	if replicas[0] != 20*time.Millisecond {
		t.Error("the replicas were sorted in place")
	}
}

// TestAsyncReplicationLag: 1,000 writes a second for a minute, of which 800 are
// applied. There are 12,000 too few; the state is 12 s old, and 15 s are needed.
func TestAsyncReplicationLag(t *testing.T) {
	lag, err := Stream{Writes: 1000, Applied: 800}.After(time.Minute)
	if want := (Lag{12_000, 12 * time.Second, 15 * time.Second}); lag != want || err != nil {
		t.Errorf("%+v, %v; want %+v", lag, err, want)
	}
	if d, err := (Stream{600, 800}).CatchUp(lag.Backlog); d != time.Minute || err != nil {
		t.Errorf("with 600 writes a second going on: %v, %v", d, err)
	}
	for _, s := range []Stream{{800, 1000}, {800, 800}, {0, 0}} {
		if lag, err := s.After(time.Hour); lag != (Lag{}) || err != nil {
			t.Errorf("%+v: %+v, %v", s, lag, err)
		}
	}
}

// TestLagBySteps plays a replica write by write.
func TestLagBySteps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		writes, applied := 500+r.IntN(1000), 1+r.IntN(500)
		s := Stream{float64(writes), float64(applied)}
		span := 20 * time.Second
		lag, err := s.After(span)
		if err != nil {
			t.Fatal(err)
		}
		written, done := writes*20, applied*20 // by then
		if got, want := lag.Backlog, float64(written-done); got != want {
			t.Errorf("%+v: backlog %v, want %v", s, got, want)
		}
		// the last write that was applied was written at:
		at := time.Duration(float64(done) / s.Writes * 1e9)
		if d := (lag.Age - (span - at)).Abs(); d > time.Microsecond {
			t.Errorf("%+v: age %v, want %v", s, lag.Age, span-at)
		}
		// and applying the rest takes until the replica's count is the other's:
		if d := lag.Drain.Seconds()*s.Applied + float64(done) - float64(written); math.Abs(d) > 1e-3 {
			t.Errorf("%+v: after %v the replica is %v writes off", s, lag.Drain, d)
		}
	}
}

func TestChain(t *testing.T) {
	write, read, err := Chain(milliseconds(1, 10, 20, 3)) // client, head, middle, tail, client
	if write != 34*time.Millisecond || read != 6*time.Millisecond || err != nil {
		t.Errorf("%v, %v, %v", write, read, err)
	}
}

func TestRefused(t *testing.T) {
	for what, f := range map[string]func() error{
		"too many":        func() error { _, err := Acknowledged(3, milliseconds(1, 2)); return err },
		"fewer than none": func() error { _, err := Acknowledged(-1, milliseconds(1, 2)); return err },
		"before":          func() error { _, err := Acknowledged(1, milliseconds(1, -2)); return err },
		"nobody":          func() error { _, err := SemiSynchronous(nil); return err },
		"no chain":        func() error { _, _, err := Chain(milliseconds(1)); return err },
		"back in time":    func() error { _, _, err := Chain(milliseconds(1, -1)); return err },
		"for ages":        func() error { _, _, err := Chain([]time.Duration{math.MaxInt64, 1}); return err },
		"for an age":      func() error { _, _, err := Chain([]time.Duration{0, math.MaxInt64}); return err },
		"rate":            func() error { _, err := Stream{-1, 1}.After(1); return err },
		"NaN":             func() error { _, err := Stream{1, math.NaN()}.After(1); return err },
		"none applied":    func() error { _, err := Stream{1, 0}.After(1); return err },
		"time":            func() error { _, err := Stream{2, 1}.After(-1); return err },
		"no faster":       func() error { _, err := Stream{2, 2}.CatchUp(1); return err },
		"backlog":         func() error { _, err := Stream{1, 2}.CatchUp(-1); return err },
	} {
		if f() == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if lag, err := (Stream{1e12, 1e-9}).After(math.MaxInt64); lag.Drain != math.MaxInt64 || err != nil {
		t.Errorf("for ever: %+v, %v", lag, err)
	}
}

func ExampleStream_After() {
	lag, err := Stream{Writes: 1000, Applied: 800}.After(time.Minute)
	fmt.Printf("%.0f writes would be lost, the state is %v old, to catch up takes %v; %v\n",
		lag.Backlog, lag.Age, lag.Drain, err)
	// Output:
	// 12000 writes would be lost, the state is 12s old, to catch up takes 15s; <nil>
}
