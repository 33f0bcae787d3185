// Package quorum does the arithmetic of agreement. Nothing else in the house
// computes n/2.
//
// A quorum is a set of nodes that may act for all. Agreement rests on one fact:
// two quorums that matter to each other share a node, so that what the one was
// told the other can learn. Most systems count: a majority, or R and W of N.
// But any family of sets will do in which reads meet writes, and the choice
// decides how much load each node bears, how long one waits, and how many
// failures are survived.
//
// The words:
//
//   - Majority, FastSize, ByzantineSize, Phases, NRW: sizes, for protocols that
//     count. What is unsafe is refused with a witness, quorums that share no
//     node.
//   - An Expr says which sets are quorums: a*b + c*d, or choose(2, a, b, c*d).
//     Parse reads it, String prints it, Dual turns reads into the best writes.
//   - A System is reads and writes that meet: New, or by name Majorities,
//     Thresholds, FastRounds, LyingMajorities, Weighted, Grid, Hierarchy.
//   - Resilience is how many failures, whichever, leave a quorum; Unavailability
//     the chance that none is left.
//   - A Finder finds the cheapest quorum, for instance the smallest, or the
//     fastest, without a list of all.
//   - A Symmetry says which nodes are alike.
//
// Where each node occurs once in an expression, everything here takes polynomial
// time, for parts of a gate then have nothing to do with each other. Where nodes
// occur twice it branches over these, and gives up with an error at a limit that
// the constants name, rather than after an hour.
//
// The rooms inside: package quorum/balance finds the best strategy, which quorum
// to ask how often (after Whittaker et al., PaPoC 2021); package
// quorum/staleness says how stale reads are whose quorums need not meet (after
// Bailis et al., VLDB 2012); package quorum/forecast what a protocol will bear,
// from a few numbers (after Ailijiang et al., SIGMOD 2019).
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
