package load

import (
	"math/bits"
	"time"
)

const (
	// subBits divides each power of two into 128 parts: a quantile is at most
	// 0.8 % too long.
	subBits = 7
	sub     = 1 << subBits
	// maxBits bounds what is told apart: 2^42 ns is 73 minutes.
	maxBits = 42
	slots   = (maxBits - subBits + 1) * sub
)

// A Histogram counts durations, to a part in 128 of each. The zero value is
// empty. It is not for several goroutines at once.
type Histogram struct {
	counts [slots]uint64
	count  uint64
	sum    time.Duration
	max    time.Duration
}

// slotOf returns where d is counted. The first slots hold one nanosecond each;
// from then on, each power of two has as many slots.
func slotOf(d time.Duration) int {
	v := uint64(min(max(d, 0), 1<<maxBits-1))
	if v < sub {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - subBits
	return (shift+1)<<subBits + int(v>>shift) - sub
}

// longest returns the longest duration that is counted in a slot.
func longest(slot int) time.Duration {
	if slot < sub {
		return time.Duration(slot)
	}
	shift := slot>>subBits - 1
	return time.Duration((slot&(sub-1)+sub+1)<<shift - 1)
}

// Add counts d.
func (h *Histogram) Add(d time.Duration) {
	h.counts[slotOf(d)]++
	h.count++
	h.sum += d
	h.max = max(h.max, d)
}

// Merge adds what g has counted.
func (h *Histogram) Merge(g *Histogram) {
	for i, n := range g.counts {
		h.counts[i] += n
	}
	h.count += g.count
	h.sum += g.sum
	h.max = max(h.max, g.max)
}

// Count returns how many durations were added.
func (h *Histogram) Count() uint64 { return h.count }

// Max returns the longest of them.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean returns their mean; 0 if there are none.
func (h *Histogram) Mean() time.Duration {
	if h.count == 0 {
		return 0
	}
	return h.sum / time.Duration(h.count)
}

// Quantile returns a duration that the part q of them, from 0 to 1, does not
// exceed; 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	need := uint64(q*float64(h.count) + .5)
	need = min(max(need, 1), h.count)
	var seen uint64
	for i, n := range h.counts {
		if seen += n; seen >= need && n > 0 {
			return min(longest(i), h.max)
		}
	}
	return 0
}
