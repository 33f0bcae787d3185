package clock

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// A bounded is a source of time to turn by hand: true time, how far the clock
// is off, and how far it says that it may be, in nanoseconds.
type bounded struct{ true, off, uncertain int64 }

func (b *bounded) now() (time.Time, time.Duration) {
	return time.Unix(0, b.true+b.off), time.Duration(b.uncertain)
}

// TestCommitWaitWorked: with an uncertainty of 4 a transaction at 100 has the
// stamp 104, and is released after 108.
func TestCommitWaitWorked(t *testing.T) {
	b := bounded{true: 100, uncertain: 4}
	c := NewIntervalClock(b.now, 0)
	if i := must(c.Now()); i != (Interval{96, 104}) {
		t.Errorf("now is %v", i)
	}
	s := must(c.Commit())
	if s != 104 {
		t.Errorf("commit at 100 is stamped %d", s)
	}
	for ; b.true <= 110; b.true++ {
		i := must(c.Now())
		wait := must(c.Wait(s))
		if want := time.Duration(max(0, 109-b.true)); wait != want || i.After(s) != (wait == 0) {
			t.Errorf("at %d wait %v more; surely past: %v", b.true, wait, i.After(s))
		}
		if i.Before(s) != (b.true+4 < s) {
			t.Errorf("at %d surely to come: %v", b.true, i.Before(s))
		}
	}
}

func TestCommitsOfOneClockIncrease(t *testing.T) {
	b := bounded{true: 100, uncertain: 4}
	c := NewIntervalClock(b.now, 200) // of an earlier life
	for i, want := range []int64{201, 202, 203} {
		if s := must(c.Commit()); s != want {
			t.Errorf("commit %d is stamped %d, want %d", i, s, want)
		}
		b.true -= 10
	}
	b.true = 300
	if s := must(c.Commit()); s != 304 {
		t.Errorf("later: %d", s)
	}
	c.last = math.MaxInt64
	if s, err := c.Commit(); !errors.Is(err, ErrOverflow) || c.last != math.MaxInt64 {
		t.Errorf("commit at the end of time: %d, %v", s, err)
	}
}

// violations counts pairs of transactions of which the first was released
// before the second started, in truth, and yet has no lesser stamp: what
// external consistency forbids. Liar is how far beyond its uncertainty one of
// five clocks may be off.
func violations(t *testing.T, rng *rand.Rand, liar int64) (n int) {
	const most = 50
	var sources [5]bounded
	var clocks [5]*IntervalClock
	for i := range clocks {
		clocks[i] = NewIntervalClock(sources[i].now, 0)
	}
	type txn struct{ start, release, stamp int64 }
	var done []txn
	now := int64(1_000_000)
	read := func(i int) *IntervalClock {
		b := &sources[i]
		e := 1 + rng.Int64N(most)
		*b = bounded{true: now, off: rng.Int64N(2*e+1) - e, uncertain: e}
		if i == 0 {
			b.off -= liar
		}
		return clocks[i]
	}
	for range 60 {
		i := rng.IntN(len(clocks))
		x := txn{start: now}
		x.stamp = must(read(i).Commit())
		for must(read(i).Wait(x.stamp)) > 0 {
			now += 1 + rng.Int64N(most/2)
		}
		x.release = now
		now += rng.Int64N(3)
		for _, y := range done {
			if y.release < x.start && y.stamp >= x.stamp {
				n++
			}
		}
		done = append(done, x)
	}
	return n
}

// TestExternalConsistency: while uncertainties are true there is no violation;
// a clock that is off by more than it says makes some.
func TestExternalConsistency(t *testing.T) {
	found := 0
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 7))
		if n := violations(t, rng, 0); n > 0 {
			t.Errorf("seed %d: %d violations", seed, n)
		}
		found += violations(t, rng, 400)
	}
	if found == 0 {
		t.Error("a clock that lies is not found out")
	}
}

// TestLeaseHasOneHolder: by two clocks within their uncertainties, the old
// holder has stopped before the new one starts.
func TestLeaseHasOneHolder(t *testing.T) {
	const expiry, e = 1000, 5
	held, taken := 0, 0
	for now := int64(expiry - 20); now < expiry+20; now++ {
		for offA := int64(-e); offA <= e; offA++ {
			for offB := int64(-e); offB <= e; offB++ {
				a := bounded{now, offA, e}
				b := bounded{now, offB, e}
				holds := must(NewIntervalClock(a.now, 0).Now()).Before(expiry)
				takes := must(NewIntervalClock(b.now, 0).Now()).After(expiry)
				if holds && takes {
					t.Fatalf("at %d, clocks off by %d and %d, two hold the lease", now, offA, offB)
				}
				if holds {
					held++
				}
				if takes {
					taken++
				}
			}
		}
	}
	if held == 0 || taken == 0 {
		t.Errorf("held %d times, taken %d times", held, taken)
	}
}

func TestUncertain(t *testing.T) {
	b := bounded{true: 100, uncertain: -1}
	c := NewIntervalClock(b.now, 7)
	for _, b.uncertain = range []int64{-1, math.MinInt64} {
		_, err1 := c.Now()
		_, err2 := c.Commit()
		_, err3 := c.Wait(5)
		for _, err := range []error{err1, err2, err3} {
			if !errors.Is(err, ErrUncertain) || c.last != 7 {
				t.Errorf("without a bound: %v", err)
			}
		}
	}
	for _, b = range []bounded{{true: math.MaxInt64 - 3, uncertain: 4}, {true: math.MinInt64 + 3, uncertain: 4}} {
		if i, err := c.Now(); !errors.Is(err, ErrOverflow) {
			t.Errorf("beyond 64 bits: %v, %v", i, err)
		}
	}
	b = bounded{true: math.MinInt64 + 4, uncertain: 4}
	if d := must(c.Wait(math.MaxInt64)); d != math.MaxInt64 {
		t.Errorf("from the first to the last nanosecond: %v", d)
	}
	if s := must(c.Commit()); s != 8 {
		t.Errorf("commit long ago, after 7: %d", s)
	}
}

func TestIntervalForms(t *testing.T) {
	forms(t, Interval{96, 104}, "[96,104]", "\xc0\x01\x08")
	forms(t, Interval{-1, -1}, "[-1,-1]", "\x01\x00")
	forms(t, Interval{math.MinInt64, math.MaxInt64}, "[-9223372036854775808,9223372036854775807]",
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	refused[Interval](t, "", "[1]", "[2,1]", "[1,2", "1,2", "[01,2]", "[+1,2]", "[-0,2]", "[1,2,3]", "[1, 2]",
		"[1,9223372036854775808]", "[[1,2]]")
	refusedBytes[Interval](t, "", "\x01", "\x80\x00\x01", "\x01\x01\x01",
		"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01", "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
}

func FuzzInterval(f *testing.F) {
	fuzz[Interval](f, "\xc0\x01\x08", "[96,104]", "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01", "[-1,-1]")
}

func BenchmarkIntervalCommit(b *testing.B) {
	b.ReportAllocs()
	c := NewIntervalClock(func() (time.Time, time.Duration) { return time.Now(), time.Millisecond }, 0)
	for b.Loop() {
		_, _ = c.Commit()
	}
}
