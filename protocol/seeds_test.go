package protocol_test

import (
	"flag"
	"testing"
	"time"

	"althing/process"
	"althing/protocol"
	"althing/sim"
)

var (
	seeds    = flag.Int("seeds", 100, "seeds to simulate of each protocol")
	seconds  = flag.Int("seconds", 10, "seconds of virtual time with faults, for each seed")
	nodes    = flag.Int("nodes", 0, "replicas; 0: by turns 3 and 5")
	firstOne = flag.Uint64("first", 1, "the first seed")
	shrink   = flag.Int("shrink", 0, "schedules tried to shorten a run that fails; 0: none")
)

// shrinkLimit bounds the time to shorten one run.
const shrinkLimit = 20 * time.Second

// TestSeeds simulates every protocol under all faults. It is what the mutants
// of internal/house are held against, so it stops at the first violation.
func TestSeeds(t *testing.T) {
	for _, p := range protocol.All {
		t.Run(p.Name, func(t *testing.T) {
			sizes := []int{*nodes}
			if *nodes == 0 {
				sizes = []int{3, 5}
			}
			for _, n := range sizes {
				o := sim.Options{
					Seed: *firstOne, Nodes: n, Faults: sim.All, Duration: time.Duration(*seconds) * time.Second,
				}
				var failed sim.Result
				began := time.Now()
				sim.Swarm(p, *seeds/len(sizes), o, func(r sim.Result) bool {
					failed = r
					return r.Violation == nil
				})
				if failed.Violation != nil {
					t.Errorf("seed %d, %d replicas: %v\nfound in %.1f seconds; replay: "+
						"althing sim %s --seed %d --nodes %d --duration %ds", failed.Seed, n, failed.Violation,
						time.Since(began).Seconds(), p.Name, failed.Seed, n, *seconds)
					o.Seed = failed.Seed
					shorten(t, p, o)
					return
				}
			}
		})
	}
}

// shorten says how short the run can be made, if that is asked for. It gives up
// after a while, and leaves it at that: histories that nothing explains can take
// any time to judge.
func shorten(t *testing.T, p process.Protocol, o sim.Options) {
	if *shrink == 0 {
		return
	}
	short := make(chan sim.Shrunk, 1)
	go func() {
		s, _ := sim.Shrink(p, o, *shrink) // it failed before, so it fails again
		short <- s
	}()
	select {
	case s := <-short:
		t.Logf("shrunk from %d to %d events", s.Before, s.Length)
	case <-time.After(shrinkLimit):
		t.Logf("not shrunk within %v", shrinkLimit)
	}
}
