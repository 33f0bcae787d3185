package retry

import (
	"context"
	"errors"
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
