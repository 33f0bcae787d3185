// Package dice draws all that a simulation leaves to chance: the same numbers
// from the same seed on every machine.
package dice

import (
	"math/bits"
	"math/rand/v2"
	"time"
)

// Dice is one stream of numbers of a seed.
type Dice struct{ rand.PCG }

// New returns a stream from its beginning.
func New(seed, stream uint64) Dice { return Dice{*rand.NewPCG(seed, stream)} }

// Below returns a number in [0, n).
func (d *Dice) Below(n int) int {
	hi, _ := bits.Mul64(d.Uint64(), uint64(n))
	return int(hi)
}

// Between returns a duration from low to high.
func (d *Dice) Between(low, high time.Duration) time.Duration {
	if low >= high {
		return low
	}
	return low + time.Duration(d.Below(int(high-low)+1))
}

// Chance is true in ppm of a million cases.
func (d *Dice) Chance(ppm int) bool { return ppm > 0 && d.Below(1_000_000) < ppm }

// Around returns durations whose mean is about mean and whose distribution is
// about exponential: it doubles with half the probability, and is uniform in
// between. Whole numbers only, so that it is the same on every machine.
func (d *Dice) Around(mean time.Duration) time.Duration {
	u := d.Uint64()
	k := min(bits.LeadingZeros64(u|1), 10) // 2⁻¹⁰: nothing takes longer than seven times the mean
	hi, _ := bits.Mul64(d.Uint64(), uint64(mean))
	return (time.Duration(k)*mean + time.Duration(hi)) * 2 / 3
}

// Scale returns a number from low to high, each doubling as likely as any other.
func (d *Dice) Scale(low, high int) int {
	doublings := bits.Len(uint(high/low)) - 1
	n := low << d.Below(doublings+1)
	return min(n+d.Below(n), high)
}

// Span is Scale for durations.
func (d *Dice) Span(low, high time.Duration) time.Duration {
	return time.Duration(d.Scale(int(low), int(high)))
}

// Pick returns one of s, which is not empty.
func Pick[T any](d *Dice, s []T) T { return s[d.Below(len(s))] }
