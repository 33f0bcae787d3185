package retry

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestDelay(t *testing.T) {
	want := []int{50, 100, 200, 400, 800, 1600, 3200, 6400, 10000}
	var sum, least, most time.Duration
	for i, ms := range want {
		n := i + 2
		if got := Consensus.Delay(n, 0.5); got != time.Duration(ms)*time.Millisecond {
			t.Errorf("before try %d: %v, want %d ms", n, got, ms)
		}
		sum += Consensus.Delay(n, 0.5)
		least += Consensus.Delay(n, 0)
		most = max(most, Consensus.Delay(n, 0.999999))
	}
	if sum != 22750*time.Millisecond || least != 17062500*time.Microsecond {
		t.Errorf("in all %v, at least %v", sum, least)
	}
	if most > 10*time.Second {
		t.Errorf("a pause of %v is beyond Max", most)
	}
	if d := Consensus.Delay(10_000, 0.5); d != 10*time.Second {
		t.Errorf("far out: %v", d)
	}
}

func TestDo(t *testing.T) {
	fail := errors.New("not yet")
	half := func() float64 { return 0.5 }
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			name  string
			until int // the try that succeeds
			err   error
			tries int
			took  time.Duration
		}{
			{"at once", 1, fail, 1, 0},
			{"third", 3, fail, 3, 150 * time.Millisecond},
			{"never", 99, fail, 10, 22750 * time.Millisecond},
			{"final", 99, Permanent(fail), 1, 0},
		} {
			start, tries := time.Now(), 0
			err := Do(t.Context(), Consensus, half, func(context.Context) error {
				if tries++; tries >= c.until {
					return nil
				}
				return c.err
			})
			if tries != c.tries || time.Since(start) != c.took || (err == nil) != (c.until <= c.tries) {
				t.Errorf("%s: %d tries in %v, %v", c.name, tries, time.Since(start), err)
			}
			if err != nil && !errors.Is(err, fail) {
				t.Errorf("%s: %v hides the cause", c.name, err)
			}
		}
	})
}

func TestDoContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 120*time.Millisecond)
		defer cancel()
		tries := 0
		err := Do(ctx, Consensus, func() float64 { return 0.5 }, func(context.Context) error {
			tries++
			return errors.New("down")
		})
		if !errors.Is(err, context.DeadlineExceeded) || tries != 2 {
			t.Errorf("%d tries, %v", tries, err)
		}
	})
}

// TestHorizon: five minutes of remembering bear tries of 27 s. The pauses of Consensus
// are 25.9 s at most: those below Max a quarter more, the last one no more than Max.
func TestHorizon(t *testing.T) {
	const window = 300 * time.Second
	pauses, err := Consensus.Horizon(0)
	if want := 25_937_500 * time.Microsecond; pauses != want || err != nil {
		t.Errorf("pauses of %v, %v; want %v", pauses, err, want)
	}
	try, err := Consensus.Within(window)
	if try < 27*time.Second || try > 28*time.Second || err != nil {
		t.Errorf("tries of %v, %v", try, err)
	}
	if h, err := Consensus.Horizon(try); h >= window || err != nil {
		t.Errorf("tries of %v take %v, %v", try, h, err)
	}
	if h, err := Consensus.Horizon(try + 1); h < window || err != nil {
		t.Errorf("tries of %v could be longer: they take %v, %v", try, h, err)
	}
	for name, p := range map[string]Policy{
		"growing": {Attempts: 7, Initial: time.Millisecond, Max: time.Hour, Multiplier: 3, Jitter: .5},
		"even":    {Attempts: 4, Initial: time.Second, Max: time.Minute, Multiplier: 1},
		"one":     {Attempts: 1, Initial: time.Second, Max: time.Minute, Multiplier: 2},
		"full":    {Attempts: 100_000, Initial: time.Second, Max: time.Second, Multiplier: 2, Jitter: 1},
	} {
		got, err := p.Horizon(time.Second)
		want := time.Duration(p.Attempts) * time.Second
		for n := 2; n <= p.Attempts; n++ {
			want += p.Delay(n, 1)
		}
		if got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", name, got, err, want)
		}
	}
	if h, err := (Policy{Attempts: 100_000, Multiplier: 1}).Horizon(1e6 * time.Hour); h !=
		math.MaxInt64 || err != nil {
		t.Errorf("for ever: %v, %v", h, err)
	}
	for what, f := range map[string]func() error{
		"no bound":  func() error { _, err := Policy{}.Horizon(time.Second); return err },
		"tries":     func() error { _, err := Policy{Attempts: 100_001}.Horizon(0); return err },
		"before":    func() error { _, err := Consensus.Horizon(-1); return err },
		"too short": func() error { _, err := Consensus.Within(pauses); return err },
		"no window": func() error { _, err := Policy{}.Within(window); return err },
	} {
		if f() == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
