package clock

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"althing/clock/clocktest"
)

// A wall is a physical clock to turn by hand, in milliseconds.
type wall int64

func (w *wall) now() time.Time { return time.UnixMilli(int64(*w)) }

const hour = time.Hour

// TestHybridWorked is an exchange of three processes with the stamps that the
// rules of the paper give.
func TestHybridWorked(t *testing.T) {
	var walls [3]wall
	var clocks [3]*HybridClock
	for i := range clocks {
		clocks[i] = NewHybridClock(walls[i].now, hour)
	}
	const local = 0
	for i, s := range []struct {
		process int
		pt      wall
		remote  Hybrid
		l       uint64
		c       uint16
	}{
		{0, 10, local, 10, 0},            // a sends to b
		{1, 1, NewHybrid(10, 0), 10, 1},  // b receives
		{1, 2, local, 10, 2},             // b sends to c
		{2, 0, NewHybrid(10, 2), 10, 3},  // c receives
		{2, 1, local, 10, 4},             // time goes on, but is behind
		{2, 11, local, 11, 0},            // c sends to a and b
		{1, 10, local, 10, 3},            // b's own time is as far as its stamps
		{1, 11, NewHybrid(11, 0), 11, 1}, // b receives: all three times are equal
		{0, 10, local, 10, 1},            // a: the same millisecond
		{0, 9, local, 10, 2},             // a's time goes back
		{0, 12, NewHybrid(11, 0), 12, 0}, // a receives what is behind its time
		{0, 12, NewHybrid(11, 0), 12, 1}, // once more
	} {
		walls[s.process] = s.pt
		step := clocks[s.process].Now
		if s.remote != local {
			step = func() (Hybrid, error) { return clocks[s.process].Witness(s.remote) }
		}
		got, err := step()
		if want := NewHybrid(s.l, s.c); err != nil || got != want {
			t.Errorf("step %d: %v, %v, want %v", i, got, err, want)
		}
	}
}

// TestHybridLayout: 48 bits, then 16. In the unit of an NTP time, 2^-16 s, 1.5 s
// and 7 are known to make 0x180000007; here the unit is a millisecond.
func TestHybridLayout(t *testing.T) {
	if h := NewHybrid(3<<15, 7); h != 0x180000007 {
		t.Errorf("1.5 s of 2^-16 s, and 7: %#x", uint64(h))
	}
	h := NewHybrid(1500, 7)
	if h != 0x5DC0007 || h.Wall() != 1500 || h.Counter() != 7 || !h.Time().Equal(time.UnixMilli(1500)) {
		t.Errorf("1,500 ms and 7: %#x, %d, %d, %v", uint64(h), h.Wall(), h.Counter(), h.Time())
	}
}

// TestHybridHappenedBefore: e → f implies a lesser stamp; a stamp is never
// behind its process's physical clock, nor ahead of it by more than clocks
// differ; and the counter does not exceed the events of that wall time in its
// past. On 108,000 events, with clocks that jump within bounds.
func TestHybridHappenedBefore(t *testing.T) {
	const skew = 40 // ms, between any two clocks
	runs(t, func(rng *rand.Rand, r *clocktest.Run) {
		walls := make([]wall, r.Processes)
		clocks := make([]*HybridClock, r.Processes)
		for i := range clocks {
			clocks[i] = NewHybridClock(walls[i].now, skew*time.Millisecond)
		}
		stamps := make([]Hybrid, len(r.Steps))
		for i, s := range r.Steps {
			w := &walls[s.Process]
			*w = wall(1000 + 2*i + rng.IntN(skew+1))
			c, err := clocks[s.Process], error(nil)
			switch s.Kind {
			case clocktest.Receive:
				stamps[i], err = c.Witness(stamps[s.From])
			case clocktest.Retire:
				stamps[i], err = c.Witness(clocks[s.Other].last)
			default:
				stamps[i], err = c.Now()
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.Kind == clocktest.Fork {
				clocks[s.Other].last = stamps[i]
			}
			if l := wall(stamps[i].Wall()); l < *w || l > *w+skew {
				t.Errorf("step %d: stamp %v at %d", i, stamps[i], *w)
			}
		}
		for j := range stamps {
			peers := 0
			for i := range stamps {
				if r.Before(i, j) && stamps[i] >= stamps[j] {
					t.Errorf("step %d happened before %d: %v, %v", i, j, stamps[i], stamps[j])
				}
				if r.Before(i, j) && stamps[i].Wall() == stamps[j].Wall() {
					peers++
				}
			}
			if int(stamps[j].Counter()) > peers {
				t.Errorf("step %d: %v, after %d events of that time", j, stamps[j], peers)
			}
		}
	})
}

// TestWitnessKnowsEqualTimes: of equal wall times the greater counter counts,
// whichever side it is on.
func TestWitnessKnowsEqualTimes(t *testing.T) {
	for _, c := range [][3]uint16{{5, 9, 10}, {9, 5, 10}, {9, 9, 10}} {
		w := wall(100)
		h := NewHybridClock(w.now, 0)
		h.last = NewHybrid(100, c[0])
		if got, err := h.Witness(NewHybrid(100, c[1])); err != nil || got != NewHybrid(100, c[2]) {
			t.Errorf("at 100+%d, witness of 100+%d: %v, %v", c[0], c[1], got, err)
		}
	}
}

func TestHybridNeverWraps(t *testing.T) {
	w := wall(5)
	c := NewHybridClock(w.now, hour)
	last := Hybrid(0)
	for i := range 3 << 16 {
		h, err := c.Now()
		if err != nil || h <= last {
			t.Fatalf("event %d within a millisecond: %v after %v, %v", i, h, last, err)
		}
		last = h
	}
	if last != NewHybrid(7, 65535) {
		t.Errorf("after 3·65,536 events at 5 ms: %v", last)
	}
	if h, err := c.Witness(NewHybrid(9, 65535)); err != nil || h != NewHybrid(10, 0) {
		t.Errorf("witness of 9+65535: %v, %v", h, err)
	}
	c.last = math.MaxUint64
	if h, err := c.Now(); !errors.Is(err, ErrOverflow) || c.last != math.MaxUint64 {
		t.Errorf("tick at the end of time: %v, %v", h, err)
	}
	c.last, w = 3, maxWall+1
	for _, f := range []func() (Hybrid, error){
		c.Now, func() (Hybrid, error) { return c.Witness(2) }, func() (Hybrid, error) { return c.Reserve(0) },
	} {
		if h, err := f(); !errors.Is(err, ErrOverflow) || c.last != 3 {
			t.Errorf("a physical time of 49 bits: %v, %v", h, err)
		}
	}
	if _, err := c.Ahead(); !errors.Is(err, ErrOverflow) {
		t.Errorf("a physical time of 49 bits: %v", err)
	}
	if w = -1; must(c.Now()) != 4 {
		t.Errorf("before 1970: %v", c.last)
	}
}

// TestRefusedTimeChangesNothing: a stamp one millisecond too far ahead leaves
// the clock as it was; one at the bound is taken over.
func TestRefusedTimeChangesNothing(t *testing.T) {
	w := wall(1000)
	c := NewHybridClock(w.now, 250*time.Millisecond)
	before := must(c.Now())
	for _, remote := range []Hybrid{NewHybrid(1251, 0), math.MaxUint64} {
		if h, err := c.Witness(remote); !errors.Is(err, ErrOffset) {
			t.Errorf("%v is taken over: %v, %v", remote, h, err)
		}
	}
	if h := must(c.Now()); h != before+1 {
		t.Errorf("after a refusal: %v, before it %v", h, before)
	}
	if h := must(c.Witness(NewHybrid(1250, 65534))); h != NewHybrid(1250, 65535) {
		t.Errorf("at the bound: %v", h)
	}
	if d, err := c.Ahead(); d != 250*time.Millisecond || err != nil {
		t.Errorf("the clock is ahead by %v, %v", d, err)
	}
	if w = 1300; must(c.Ahead()) != 0 {
		t.Errorf("the clock is ahead of what is later")
	}
	if c = NewHybridClock(w.now, -time.Second); c.maxOffset != 0 {
		t.Errorf("an offset below zero is %d", c.maxOffset)
	}
}

// TestHybridAcrossRestarts: whatever physical time does, and wherever a process
// is killed, no stamp of a later life is at or below one of an earlier.
func TestHybridAcrossRestarts(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 6))
		w := wall(1_000_000)
		var disk, last Hybrid
		c := RestoreHybridClock(w.now, hour, disk)
		for range 400 {
			switch dice := rng.IntN(20); {
			case dice == 0: // killed
				c = RestoreHybridClock(w.now, hour, disk)
			case dice == 1: // killed between the write and hearing of it
				disk = must(c.Reserve(50 * time.Millisecond))
				c = RestoreHybridClock(w.now, hour, disk)
			case dice < 5: // time jumps, back as often as on
				w += wall(rng.IntN(2001) - 1000)
			case dice < 8:
				w += wall(rng.IntN(30))
			case dice < 10:
				limit := must(c.Reserve(time.Duration(rng.IntN(100)) * time.Millisecond))
				disk = limit
				c.Extend(limit)
			default:
				step := c.Now
				if dice == 10 {
					remote := NewHybrid(uint64(w)+uint64(rng.IntN(100)), 3)
					step = func() (Hybrid, error) { return c.Witness(remote) }
				}
				h, err := step()
				if err != nil && !errors.Is(err, ErrLimit) {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if err == nil && (h <= last || h > disk) {
					t.Fatalf("seed %d: %v after %v, with %v on disk", seed, h, last, disk)
				}
				if err == nil {
					last = h
				}
			}
		}
	}
}

func TestLimit(t *testing.T) {
	w := wall(1000)
	c := RestoreHybridClock(w.now, hour, 0)
	if h, err := c.Now(); !errors.Is(err, ErrLimit) || c.last != 0 {
		t.Errorf("a stamp before the first limit: %v, %v", h, err)
	}
	limit := must(c.Reserve(10 * time.Millisecond))
	if limit != NewHybrid(1010, 65535) {
		t.Errorf("10 ms from 1000 is %v", limit)
	}
	c.Extend(limit)
	c.Extend(5) // changes nothing
	w = 1010
	before := must(c.Now())
	if h, err := c.Witness(NewHybrid(1010, 65535)); !errors.Is(err, ErrLimit) {
		t.Errorf("a receipt beyond the limit: %v, %v", h, err)
	}
	if h := must(c.Now()); h != before+1 {
		t.Errorf("after a refusal: %v, before it %v", h, before)
	}
	if w = 1011; must(c.Reserve(-hour)) != NewHybrid(1011, 65535) {
		t.Errorf("a reservation of less than nothing: %v", must(c.Reserve(-hour)))
	}
	if w = maxWall; must(c.Reserve(hour)) != math.MaxUint64 {
		t.Errorf("a reservation beyond the end of time")
	}
}

func TestHybridForms(t *testing.T) {
	forms(t, Hybrid(0), "0+0", "\x00\x00\x00\x00\x00\x00\x00\x00")
	forms(t, NewHybrid(1500, 7), "1500+7", "\x00\x00\x00\x00\x05\xdc\x00\x07")
	forms(t, Hybrid(math.MaxUint64), "281474976710655+65535", "\xff\xff\xff\xff\xff\xff\xff\xff")
	refused[Hybrid](t, "", "1", "1+", "+1", "01+1", "1+65536", "281474976710656+0", "1+1+1", "-1+1", "1@1")
	refusedBytes[Hybrid](t, "", "1234567", "123456789")
}

func FuzzHybrid(f *testing.F) { fuzz[Hybrid](f, "\x00\x00\x00\x00\x05\xdc\x00\x07", "1500+7") }

func BenchmarkHybridNow(b *testing.B) {
	b.ReportAllocs()
	c := NewHybridClock(time.Now, hour)
	for b.Loop() {
		_, _ = c.Now()
	}
}

func BenchmarkHybridWitness(b *testing.B) {
	b.ReportAllocs()
	c := NewHybridClock(time.Now, hour)
	remote := must(c.Now())
	for b.Loop() {
		_, _ = c.Witness(remote)
	}
}

// BenchmarkTimeNow is what of the above is the reading of physical time.
func BenchmarkTimeNow(b *testing.B) {
	for b.Loop() {
		time.Now().UnixMilli()
	}
}
