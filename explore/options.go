package explore

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"
)

// Search says in which order states are visited.
type Search uint8

const (
	Breadth Search = iota // shortest counterexamples, exact depth
	Depth                 // what waits takes less memory
	Walk                  // random ways; never complete
)

// Options say how to explore. The zero value visits everything, breadth first,
// on all cores.
type Options struct {
	Search   Search
	Workers  int    // goroutines; 0: one for each core
	Symmetry bool   // one state for all that differ in names; the Model is Symmetric
	KeepOn   bool   // do not stop at the first counterexample
	Seed     uint64 // of the fingerprints, and of the walks

	MaxStates uint64 // distinct states to stop at; 0: no bound
	MaxBytes  uint64 // memory for states to stop at; 0: no bound
	MaxDepth  int    // levels of Breadth; steps of a Walk, 0 there: DefaultWalk

	Walks uint64 // to take; 0: DefaultWalks

	// Progress is told now and then how far the search is, by one goroutine.
	Progress func(Progress)
	Every    time.Duration // between two calls of Progress; 0: a second

	// Checkpoint is a file that the state of a Breadth search is written to at
	// the end of a level, when CheckpointEvery has passed since the last time,
	// and when the search is stopped by a bound or by its context. Resume reads
	// such a file first, if it is there.
	Checkpoint      string
	CheckpointEvery time.Duration // 0: a minute
	Resume          bool
}

// Defaults of walks: most mistakes are met within a hundred steps or not at all.
const (
	DefaultWalk  = 100
	DefaultWalks = 10_000
)

func (o *Options) defaults() {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.CheckpointEvery <= 0 {
		o.CheckpointEvery = time.Minute
	}
	if o.Search == Walk {
		if o.MaxDepth <= 0 {
			o.MaxDepth = DefaultWalk
		}
		if o.Walks == 0 {
			o.Walks = DefaultWalks
		}
	}
}

// Progress is how far a search is.
type Progress struct {
	Generated, Distinct uint64
	Waiting             uint64 // bytes of states seen and not expanded, about
	Depth               int
	Bytes               uint64 // for states
	Took                time.Duration
}

// A Stop says why a search ended before it had visited everything.
type Stop string

// Why a search ended early. The empty Stop means that it did not.
const (
	AtStates   Stop = "the bound on states"
	AtBytes    Stop = "the bound on memory"
	AtDepth    Stop = "the bound on depth"
	AtFinding  Stop = "a counterexample"
	AtContext  Stop = "it was called off"
	AtWalksEnd Stop = "all walks were taken, which visits a part only"
)

// A Result is what a search found.
type Result struct {
	Generated uint64   // transitions tried, and initial states
	Distinct  uint64   // states seen; 0 for a Walk, which does not remember them
	Depth     int      // levels of Breadth; steps of the longest Walk
	Kinds     []uint64 // transitions of each kind of the Model
	Dead      uint64   // states without a way out
	Stopped   Stop
	Findings  []Finding // by the order of Properties, failed actions first

	Bytes  uint64  // most that states, seen and waiting, took at a time
	Missed float64 // bound on the probability that a fingerprint hid a state
	Took   time.Duration
}

// Broken returns the first counterexample, or nil.
func (r *Result) Broken() *Finding {
	for i := range r.Findings {
		if r.Findings[i].Broken {
			return &r.Findings[i]
		}
	}
	return nil
}

// Found returns what was found of a property, or nil.
func (r *Result) Found(name string) *Finding {
	for i := range r.Findings {
		if r.Findings[i].Name == name {
			return &r.Findings[i]
		}
	}
	return nil
}

// String sums up in one line.
func (r *Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d generated, %d distinct, depth %d", r.Generated, r.Distinct, r.Depth)
	if r.Stopped != "" {
		fmt.Fprintf(&b, ", stopped at %s", string(r.Stopped))
	}
	return b.String()
}

// A Finding is a counterexample to a Property, or a witness of it.
type Finding struct {
	Name   string // of the Property; of the action's kind, if an action failed
	Mode   Mode   // 0 if an action failed
	Err    error  // what the action broke, or nil
	Broken bool   // a counterexample; else a witness, or a Sometimes never met (no Trace)
	Trace  []Step // from an initial state
	Loop   int    // index in Trace where the cycle begins, if Cycle
	Cycle  bool   // the last state is that of Loop again
}

// A Step is one of a Trace.
type Step struct {
	Action Action // that led here; the first has none
	Text   string // what Describe said of it
	State  []byte // nil if the action failed
}

// missed bounds the probability that two of n states have one fingerprint: a
// birthday among 2⁶⁴.
func missed(n uint64) float64 {
	x := float64(n)
	return math.Min(1, x*x/math.Exp2(65))
}
