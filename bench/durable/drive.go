package durable

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"althing/load"
)

// shards is how many histograms the proposers share, so that they seldom wait
// for one another.
const shards = 8

// A driver keeps a number of proposals in flight: each proposer makes the next
// when its last is done.
type driver struct {
	s     system
	cmd   []byte
	began time.Time
	from  time.Duration // since began: what is proposed and done within counts
	to    time.Duration
	over  atomic.Bool
	fail  sync.Once
	err   error
	sums  [shards]struct {
		sync.Mutex
		load.Histogram
	}
}

// drive runs an order. It calls begun when the warm-up is over.
func drive(s system, o *order, begun func() error) (answer, error) {
	d := &driver{s: s, cmd: make([]byte, valueBytes), began: time.Now(), from: o.Warm, to: o.Warm + o.Measure}
	var proposers sync.WaitGroup
	begin := d.blocking
	if c, ok := s.(starter); ok {
		begin = func(i int, done func()) { d.calling(c, i, done) }
	}
	for i := range o.InFlight {
		proposers.Add(1)
		begin(i, proposers.Done)
	}
	time.Sleep(o.Warm)
	err := d.measured(o, begun)
	proposers.Wait()
	if err == nil {
		err = d.err
	}
	if err != nil {
		return answer{}, err
	}
	var all load.Histogram
	for i := range d.sums {
		all.Merge(&d.sums[i].Histogram)
	}
	return answer{Count: all.Count(), Seconds: o.Measure.Seconds(),
		P50: all.Quantile(.5), P99: all.Quantile(.99)}, nil
}

// measured waits while the proposers are measured.
func (d *driver) measured(o *order, begun func() error) error {
	defer d.over.Store(true)
	if err := begun(); err != nil {
		return err
	}
	stop, err := profile(o.Profile)
	if err != nil {
		return err
	}
	time.Sleep(time.Until(d.began.Add(d.to)))
	return stop()
}

// blocking is a proposer that waits.
func (d *driver) blocking(i int, done func()) {
	go func() {
		defer done()
		for !d.over.Load() {
			began := time.Since(d.began)
			if err := d.s.propose(i, d.cmd); err != nil {
				d.failed(err)
				return
			}
			d.count(i, began)
		}
	}()
}

// calling is a proposer that is called when its proposal is done.
func (d *driver) calling(c starter, i int, done func()) {
	began := time.Since(d.began)
	c.start(i, d.cmd, func(err error) {
		if err != nil {
			d.failed(err)
			done()
			return
		}
		d.count(i, began)
		if d.over.Load() {
			done()
			return
		}
		d.calling(c, i, done)
	})
}

func (d *driver) count(i int, began time.Duration) {
	ended := time.Since(d.began)
	if began < d.from || ended > d.to {
		return
	}
	s := &d.sums[i%shards]
	s.Lock()
	s.Add(ended - began)
	s.Unlock()
}

// failed ends the run: a rate with errors in it would say nothing.
func (d *driver) failed(err error) {
	d.fail.Do(func() { d.err = fmt.Errorf("propose: %w", err) })
	d.over.Store(true)
}

// profile profiles this process until stop is called.
func profile(prefix string) (stop func() error, err error) {
	if prefix == "" {
		return func() error { return nil }, nil
	}
	cpu, err := os.Create(prefix + ".cpu")
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		if err := cpu.Close(); err != nil {
			return err
		}
		runtime.GC() // or the profile lacks what was allocated last
		allocs, err := os.Create(prefix + ".allocs")
		if err != nil {
			return err
		}
		defer allocs.Close()
		return pprof.Lookup("allocs").WriteTo(allocs, 0)
	}, nil
}
