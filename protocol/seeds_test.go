package protocol_test

import (
	"flag"
	"testing"
	"time"

	"althing/protocol"
	"althing/sim"
)

var (
	seeds    = flag.Int("seeds", 100, "seeds to simulate of each protocol")
	seconds  = flag.Int("seconds", 10, "seconds of virtual time with faults, for each seed")
	nodes    = flag.Int("nodes", 0, "replicas; 0: by turns 3 and 5")
	firstOne = flag.Uint64("first", 1, "the first seed")
)

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
				sim.Swarm(p, *seeds/len(sizes), o, func(r sim.Result) bool {
					if r.Violation != nil {
						t.Errorf("seed %d, %d replicas: %v\nreplay: althing sim %s --seed %d --nodes %d --duration %ds",
							r.Seed, n, r.Violation, p.Name, r.Seed, n, *seconds)
					}
					return r.Violation == nil
				})
				if t.Failed() {
					return
				}
			}
		})
	}
}
