// Package waits sums up how long clients waited.
package waits

import (
	"math"
	"slices"
	"time"
)

// A Wait is when an answer came, and how long it took.
type Wait struct{ At, Took time.Duration }

// A Phase is what clients saw in a part of a trial.
type Phase struct {
	Answers       int
	P50, P99, Max time.Duration // of the answers; 0 if there were none
}

// Between sums up the answers that came in (from, to].
func Between(all []Wait, from, to time.Duration) (p Phase) {
	var took []time.Duration
	for _, w := range all {
		if w.At > from && w.At <= to {
			took = append(took, w.Took)
		}
	}
	if p.Answers = len(took); p.Answers == 0 {
		return p
	}
	slices.Sort(took)
	rank := func(q float64) time.Duration { return took[int(math.Ceil(q*float64(len(took))))-1] }
	p.P50, p.P99, p.Max = rank(0.5), rank(0.99), took[len(took)-1]
	return p
}

// Outage returns the longest time without an answer between from and to. What came
// later does not count: nobody may have asked.
func Outage(all []Wait, from, to time.Duration) (longest time.Duration) {
	last := from
	for _, w := range all {
		if w.At > last && w.At <= to {
			longest = max(longest, w.At-last)
			last = w.At
		}
	}
	return max(longest, to-last)
}
