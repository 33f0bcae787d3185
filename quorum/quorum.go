// Package quorum does the arithmetic of agreement. Nothing else in the house
// computes n/2.
package quorum

// Majority returns the least number of n replicas such that any two sets of
// that size share one: ⌊n/2⌋+1. It is 1 for n = 0, so that nobody decides in
// an empty group.
func Majority(n int) int { return n/2 + 1 }

// Index returns the highest value that at least q of vs reach, or 0 when there
// are fewer than q. It sorts vs in place, descending.
func Index(vs []uint64, q int) uint64 {
	if q > len(vs) || q < 1 {
		return 0
	}
	for i := 1; i < len(vs); i++ { // n is tiny: insertion sort, no allocation
		for j := i; j > 0 && vs[j] > vs[j-1]; j-- {
			vs[j], vs[j-1] = vs[j-1], vs[j]
		}
	}
	return vs[q-1]
}
