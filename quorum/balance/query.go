package balance

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// ErrNoStrategy says that no strategy keeps the limits asked for.
var ErrNoStrategy = errors.New("balance: no strategy keeps all limits")

// A Node is what a node of a system can do.
type Node struct {
	Name          string
	ReadCapacity  float64       // reads a second that it can serve, if nothing else; above 0
	WriteCapacity float64       // ditto for writes
	Latency       time.Duration // until its answer is there, from where one asks; at least 0
}

// Uniform returns nodes of these names, each with the same capacity for reads
// and writes, and no latency.
func Uniform(names []string, capacity float64) []Node {
	nodes := make([]Node, len(names))
	for i, name := range names {
		nodes[i] = Node{Name: name, ReadCapacity: capacity, WriteCapacity: capacity}
	}
	return nodes
}

// A Share is a part of the time, in which some fraction of commands are reads.
type Share struct {
	Reads  float64 // 0 to 1
	Weight float64 // above 0; those of a Mix need not sum to 1
}

// A Mix is a distribution of read fractions. A strategy is chosen for all of it:
// it does not change as the fraction does.
type Mix []Share

// Reads is the mix of one fraction.
func Reads(fraction float64) Mix { return Mix{{Reads: fraction, Weight: 1}} }

// normal returns the mix with weights that sum to 1, and no fraction twice.
func (m Mix) normal() (Mix, error) {
	total := 0.0
	for _, s := range m {
		if !(s.Reads >= 0 && s.Reads <= 1) || !(s.Weight > 0) || math.IsInf(s.Weight, 1) {
			return nil, fmt.Errorf("balance: read fraction %v with weight %v: want 0 to 1, and "+
				"a weight above 0",
				s.Reads, s.Weight)
		}
		total += s.Weight
	}
	if len(m) == 0 {
		return nil, errors.New("balance: the mix is empty: name at least one read fraction")
	}
	if math.IsInf(total, 1) {
		return nil, errors.New("balance: the weights of the mix have no sum: make them smaller")
	}
	var n Mix
	for _, s := range m {
		w := s.Weight / total
		if i := slices.IndexFunc(n, func(t Share) bool { return t.Reads == s.Reads }); i >= 0 {
			n[i].Weight += w
		} else {
			n = append(n, Share{s.Reads, w})
		}
	}
	return n, nil
}

// reads returns the mean fraction.
func (m Mix) reads() (mean float64) {
	for _, s := range m {
		mean += s.Reads * s.Weight
	}
	return mean
}

// An Objective is what a strategy makes least.
type Objective uint8

const (
	Load    Objective = iota // the load of the busiest node, so: the most capacity
	Latency                  // the time until a quorum has answered
	Network                  // the number of nodes asked
)

// A Query says what a strategy is to be good for. The zero limits are none. Each
// figure is the mean over the mix.
type Query struct {
	Mix        Mix
	Minimise   Objective
	MaxLoad    float64       // seconds of the busiest node's time a command
	MaxLatency time.Duration // of a command
	MaxNetwork float64       // nodes asked a command
	// Survive is how many members of any quorum asked may fail without a second
	// try: the others are still a quorum.
	Survive int
}
