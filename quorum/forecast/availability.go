package forecast

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// A Place is nodes that may fail together: a region, a zone, a rack.
type Place struct {
	Nodes int
	Down  float64 // chance that the place is down, and all its nodes: 0 to 1
	Node  float64 // chance that a node is down while its place is up, each by itself
}

// MaxNodes is the most nodes of all places together.
const MaxNodes = 1000

// An Availability is how likely there is a quorum.
type Availability struct {
	Unavailable float64 // the chance that there is none; 0 also below 1e-308
	Nines       float64 // -log10 of it, whatever its size; +Inf if it cannot happen
}

// Downtime returns how long of a year of 365.25 days there is no quorum, on average.
func (a Availability) Downtime() time.Duration {
	const year = 365.25 * 24 * float64(time.Hour)
	return time.Duration(a.Unavailable * year)
}

// Available returns how likely at least so many nodes are up, where places fail
// independently, and so do nodes of a place that is up. One place that is never
// down has nodes that fail independently of all others; places of one node, too.
// It sums the chances of too many failures, as logarithms: so chances of any size
// have ten digits at least. Package quorum has the chance for quorums that are
// told otherwise than by a number.
func Available(quorum int, places ...Place) (Availability, error) {
	n := 0
	for i, p := range places {
		n += p.Nodes
		if p.Nodes < 0 || p.Nodes > MaxNodes || n > MaxNodes {
			return Availability{}, fmt.Errorf("forecast: place %d has %d nodes: want 0 or more, "+
				"and up to %d in all", i+1, p.Nodes, MaxNodes)
		}
		if !(p.Down >= 0 && p.Down <= 1) || !(p.Node >= 0 && p.Node <= 1) {
			return Availability{}, fmt.Errorf("forecast: place %d is down with a chance of %v, and "+
				"a node of it with %v: want 0 to 1", i+1, p.Down, p.Node)
		}
	}
	if quorum < 1 || quorum > n {
		return Availability{}, fmt.Errorf("forecast: a quorum of %d among %d nodes: want 1 to %d",
			quorum, n, n)
	}
	down := []float64{0} // by number, the logarithm of the chance that so many are down
	for _, p := range places {
		down = convolve(down, p.down())
	}
	none := logSum(down[n-quorum+1:])
	return Availability{Unavailable: min(1, math.Exp(none)), Nines: max(0, -none/math.Ln10)}, nil
}

// down returns the logarithms of the chances that 0, 1, … nodes are down.
func (p Place) down() []float64 {
	logs := make([]float64, p.Nodes+1)
	lower, upper := math.Log(p.Node), math.Log1p(-p.Node)
	for k := range logs {
		logs[k] = choose(p.Nodes, k) + times(k, lower) + times(p.Nodes-k, upper) + math.Log1p(-p.Down)
	}
	logs[p.Nodes] = logSum([]float64{logs[p.Nodes], math.Log(p.Down)})
	return logs
}

// times is n·log, where 0 times the logarithm of 0 is that of 1.
func times(n int, log float64) float64 {
	if n == 0 {
		return 0
	}
	return float64(n) * log
}

// choose returns the logarithm of n over k.
func choose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// logSum returns the logarithm of the sum of numbers that are given as theirs.
func logSum(logs []float64) float64 {
	most := slices.Max(logs)
	if math.IsInf(most, -1) {
		return most
	}
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - most)
	}
	return most + math.Log(sum)
}

// convolve returns the logarithms for the sum of two independent numbers.
func convolve(a, b []float64) []float64 {
	sum := make([]float64, len(a)+len(b)-1)
	terms := make([]float64, 0, min(len(a), len(b)))
	for i := range sum {
		terms = terms[:0]
		for j := max(0, i-len(b)+1); j <= min(i, len(a)-1); j++ {
			terms = append(terms, a[j]+b[i-j])
		}
		sum[i] = logSum(terms)
	}
	return sum
}

// Survives returns how many places may fail, whichever, such that a quorum is left
// of their nodes, and how many nodes besides, whichever, after that. It is
// (-1, -1) if there is no quorum from the start. Two places never survive the loss
// of any one with majorities; 2+2+1 nodes do, and then bear nothing more.
func Survives(quorum int, nodes ...int) (places, besides int) {
	largest := slices.Clone(nodes)
	slices.Sort(largest)
	slices.Reverse(largest)
	left := 0
	for _, n := range largest {
		left += n
	}
	if left < quorum || quorum < 1 {
		return -1, -1
	}
	for places < len(largest) && left-largest[places] >= quorum {
		left -= largest[places]
		places++
	}
	return places, left - quorum
}
