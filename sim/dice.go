package sim

import (
	"math/bits"
	"math/rand/v2"
	"time"
)

// dice is one stream of numbers of a seed.
type dice struct{ rand.PCG }

// The streams of a seed. Those of replicas, clients and faults follow their
// base, numbered from 0.
const (
	planStream uint64 = iota
	settleStream
	operatorStream
	moodStream
	strikeStream
	timerStream  = 1 << 10
	diskStream   = 2 << 10
	netStream    = 3 << 10
	clientStream = 4 << 10
	faultStream  = 5 << 10
	rateStream   = 6 << 10
)

func newDice(seed, stream uint64) dice { return dice{*rand.NewPCG(seed, stream)} }

// below returns a number in [0, n).
func (d *dice) below(n int) int {
	hi, _ := bits.Mul64(d.Uint64(), uint64(n))
	return int(hi)
}

// between returns a duration from low to high.
func (d *dice) between(low, high time.Duration) time.Duration {
	if low >= high {
		return low
	}
	return low + time.Duration(d.below(int(high-low)+1))
}

// chance is true in ppm of a million cases.
func (d *dice) chance(ppm int) bool { return ppm > 0 && d.below(1_000_000) < ppm }

// around returns durations whose mean is about mean and whose distribution is
// about exponential: it doubles with half the probability, and is uniform in
// between. Whole numbers only, so that it is the same on every machine.
func (d *dice) around(mean time.Duration) time.Duration {
	u := d.Uint64()
	k := min(bits.LeadingZeros64(u|1), 10) // 2⁻¹⁰: nothing takes longer than seven times the mean
	hi, _ := bits.Mul64(d.Uint64(), uint64(mean))
	return (time.Duration(k)*mean + time.Duration(hi)) * 2 / 3
}

// scale returns a number from low to high, each doubling as likely as any other.
func (d *dice) scale(low, high int) int {
	doublings := bits.Len(uint(high/low)) - 1
	n := low << d.below(doublings+1)
	return min(n+d.below(n), high)
}

// span is scale for durations.
func (d *dice) span(low, high time.Duration) time.Duration {
	return time.Duration(d.scale(int(low), int(high)))
}

// pick returns one of s, which is not empty.
func pick[T any](d *dice, s []T) T { return s[d.below(len(s))] }
