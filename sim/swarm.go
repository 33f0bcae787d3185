package sim

import (
	"runtime"
	"sync"
	"sync/atomic"

	"althing/process"
)

// Swarm simulates seeds o.Seed, o.Seed+1, … on all cores, and tells progress
// of each result in the order of the seeds. It goes on as long as progress
// returns true, and returns how many results it told. What a seed does depends
// on nothing but its options.
func Swarm(p process.Protocol, seeds int, o Options, progress func(Result) bool) int {
	o.Trace = nil // one trace is of one run
	workers := min(runtime.GOMAXPROCS(0), max(seeds, 1))
	results := make([]chan Result, workers) // worker i has seeds i, i+workers, …
	var stop atomic.Bool
	var group sync.WaitGroup
	for i := range workers {
		results[i] = make(chan Result, 16) // a worker may be this far ahead of the slowest
		group.Go(func() {
			defer close(results[i])
			for k := i; k < seeds && !stop.Load(); k += workers {
				o := o
				o.Seed += uint64(k)
				r, _ := Run(p, o) // without a trace there is no error
				results[i] <- r
			}
		})
	}
	told := 0
	for ; told < seeds; told++ {
		r, ok := <-results[told%workers]
		if !ok || !progress(r) {
			break
		}
	}
	if told < seeds {
		told++
	}
	stop.Store(true)
	for _, c := range results {
		for range c { // let those who wait to be heard come to their end
		}
	}
	group.Wait()
	return told
}
