// Package retry says how long to wait before another try, and does it. All
// retries of the house go through it: between members, and of clients.
package retry

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// A Policy is how often something is tried, and with what pauses.
type Policy struct {
	Attempts   int           // tries in all, the first one too; 0: no bound
	Initial    time.Duration // before the second try
	Max        time.Duration // no pause is longer, jitter included
	Multiplier float64       // of one pause to the next, at least 1
	Jitter     float64       // a pause is drawn from its own length ± this part of it
}

// Consensus is for requests to a replicated service, where a new leader may
// have to be elected first: pauses of 50 ms to 10 s, 22.75 s in all.
var Consensus = Policy{Attempts: 10, Initial: 50 * time.Millisecond, Max: 10 * time.Second, Multiplier: 2, Jitter: 0.25}

// Delay returns the pause before try n, from 2 on. The draw u is in [0, 1).
func (p Policy) Delay(n int, u float64) time.Duration {
	d := float64(p.Initial) * math.Pow(p.Multiplier, float64(n-2))
	d = min(d, float64(p.Max)) // or the power, far out, would leave no room for jitter
	d *= 1 + p.Jitter*(2*u-1)
	return time.Duration(min(d, float64(p.Max)))
}

// Horizon returns how long it may be from the start of the first try to the end of the
// last, when no try takes longer than the given time: all pauses at their longest, and
// the tries. A request may arrive so much later than it was first made; so whoever
// remembers requests to refuse duplicates has to remember them for longer. It returns
// an error for a policy without a bound on tries, and a time below 0; a horizon is
// capped at 292 years.
func (p Policy) Horizon(try time.Duration) (time.Duration, error) {
	if p.Attempts < 1 || p.Attempts > maxAttempts || try < 0 {
		return 0, fmt.Errorf("retry: %d tries of %v each: want 1 to %d, and at least 0s: without a "+
			"bound a request may arrive at any time", p.Attempts, try, maxAttempts)
	}
	sum := float64(try) * float64(p.Attempts)
	for n := 2; n <= p.Attempts; n++ {
		sum += float64(p.Delay(n, 1))
	}
	if sum >= math.MaxInt64 {
		return math.MaxInt64, nil
	}
	return time.Duration(sum), nil
}

// maxAttempts bounds what Horizon sums.
const maxAttempts = 100_000

// Within returns the longest that a try may take such that Horizon is below window,
// for which duplicates are remembered. It returns an error if the pauses alone fill
// it.
func (p Policy) Within(window time.Duration) (try time.Duration, err error) {
	pauses, err := p.Horizon(0)
	if err != nil {
		return 0, err
	}
	try = (window - pauses - 1) / time.Duration(p.Attempts)
	if window <= pauses || try <= 0 {
		return 0, fmt.Errorf("retry: the pauses between %d tries are up to %v, and duplicates are "+
			"remembered for %v: remember them for longer, or try less", p.Attempts, pauses, window)
	}
	return try, nil
}

// permanent marks an error that another try will not mend.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent makes Do give up at once with err.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// Do calls op until it succeeds, fails for good, has been tried often enough,
// or ctx ends. It returns nil or the last error of op, with that of ctx if
// that ended it. The draws of jitter come from rand, in [0, 1). An op whose
// failure may have had an effect must carry an identity that makes a second
// one harmless.
func Do(ctx context.Context, p Policy, rand func() float64, op func(context.Context) error) error {
	for n := 1; ; n++ {
		err := op(ctx)
		var final permanent
		switch {
		case err == nil:
			return nil
		case errors.As(err, &final):
			return final.error
		case p.Attempts > 0 && n >= p.Attempts:
			return fmt.Errorf("given up after %d tries: %w", n, err)
		}
		t := time.NewTimer(p.Delay(n+1, rand()))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return errors.Join(ctx.Err(), err)
		}
	}
}
