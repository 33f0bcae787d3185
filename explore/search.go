package explore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Run explores m. It returns an error only for options that make no sense, a
// checkpoint that cannot be written or read, or a trace that does not play
// again; what it found, and whether it saw everything, is in the Result.
func Run(ctx context.Context, m Model, o Options) (Result, error) {
	o.defaults()
	s := &search{model: m, o: o, began: time.Now(), ctx: ctx}
	if _, ok := m.(Symmetric); o.Symmetry && !ok {
		return Result{}, errors.New("explore: the model knows of no symmetry")
	}
	if o.Checkpoint != "" && o.Search != Breadth {
		return Result{}, errors.New("explore: only a search by levels has checkpoints")
	}
	for range o.Workers {
		s.workers = append(s.workers, s.worker())
	}
	if err := s.check(); err != nil {
		return Result{}, err
	}
	stop := s.report()
	var err error
	switch o.Search {
	case Breadth:
		err = s.breadth()
	case Depth:
		s.depth()
	case Walk:
		s.walks()
	}
	stop()
	if err != nil {
		return Result{}, err
	}
	return s.result()
}

// A search is what all workers share.
type search struct {
	ctx     context.Context
	model   Model
	o       Options
	began   time.Time
	seen    table
	workers []*worker

	stopped  atomic.Pointer[Stop]
	level    atomic.Int64  // depth reached
	waiting  atomic.Uint64 // bags
	peak     atomic.Uint64 // of bytes
	mu       sync.Mutex
	findings []spot
}

// A spot is a finding whose trace is still to be played.
type spot struct {
	property int // -1: an action failed
	fp       uint64
	action   Action
	err      error
	way      []Step // of a Walk, which knows it
}

// A worker is one goroutine's part.
type worker struct {
	s         *search
	model     Model
	props     []Property
	steps     Steps
	symmetric Symmetric // nil: no reduction
	hash      *xxhash.Digest
	pile      pile
	found     []bool // by property: nothing more to look for

	generated, dead uint64
	kinds           []uint64
	shown           counters // for other goroutines, now and then
}

type counters struct{ generated, bags atomic.Uint64 }

func (s *search) worker() *worker {
	m := s.model.Fork()
	w := &worker{s: s, model: m, props: m.Properties(), kinds: make([]uint64, max(1, len(m.Kinds())))}
	w.found = make([]bool, len(w.props))
	if s.o.Symmetry {
		w.symmetric = m.(Symmetric)
	}
	if s.o.Seed != 0 {
		w.hash = xxhash.NewWithSeed(s.o.Seed)
	}
	return w
}

// check refuses what the search would answer wrongly.
func (s *search) check() error {
	for _, p := range s.workers[0].props {
		switch {
		case p.Mode < Always || p.Mode > LeadsTo || p.Holds == nil || p.Mode == LeadsTo && p.From == nil:
			return fmt.Errorf("explore: property %q lacks its mode or a function", p.Name)
		case p.Mode >= Eventually && s.o.Search != Walk && s.o.Symmetry:
			return fmt.Errorf("explore: property %q is about runs, which symmetry would shorten", p.Name)
		}
	}
	return nil
}

// fingerprint condenses a state. It is never 0.
func (w *worker) fingerprint(state []byte) uint64 {
	var fp uint64
	if w.hash == nil {
		fp = xxhash.Sum64(state)
	} else {
		w.hash.ResetWithSeed(w.s.o.Seed)
		_, _ = w.hash.Write(state) // never fails
		fp = w.hash.Sum64()
	}
	return max(fp, 1)
}

// halt ends the search early. The first reason counts.
func (s *search) halt(why Stop) { s.stopped.CompareAndSwap(nil, &why) }

func (s *search) halted() bool { return s.stopped.Load() != nil }

// initial visits the initial states.
func (w *worker) initial() {
	w.steps.Reset()
	w.model.Initial(&w.steps)
	w.visit(0)
}

// expand visits the successors of a state.
func (w *worker) expand(state []byte) {
	w.steps.Reset()
	w.model.Next(state, &w.steps)
	if w.steps.Len() == 0 {
		w.dead++
		return
	}
	for i := range w.steps.steps {
		w.kinds[w.steps.steps[i].action.Kind()]++
	}
	w.visit(w.fingerprint(state))
}

// visit takes in what w.steps has: the fresh ones are checked and put on the
// pile.
func (w *worker) visit(parent uint64) {
	w.generated += uint64(w.steps.Len())
	for i := range w.steps.Len() {
		if err := w.steps.Err(i); err != nil {
			w.s.find(spot{property: -1, fp: parent, action: w.steps.Action(i), err: err}, true)
			continue
		}
		state := w.steps.State(i)
		if w.symmetric != nil {
			w.symmetric.Canonical(state)
		}
		fp := w.fingerprint(state)
		if !w.s.seen.add(fp, parent) {
			continue
		}
		w.pile.push(state)
		w.examine(state, fp)
	}
}

// examine looks for what a single state shows.
func (w *worker) examine(state []byte, fp uint64) {
	for i := range w.props {
		p := &w.props[i]
		if w.found[i] || p.Mode > Sometimes || p.Holds(state) == (p.Mode == Always) {
			continue
		}
		w.found[i] = true
		w.s.find(spot{property: i, fp: fp}, p.Mode == Always)
	}
}

// find notes the first finding of each property, and of a failed action.
func (s *search) find(f spot, broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := false
	for i := range s.findings {
		known = known || s.findings[i].property == f.property
	}
	if !known {
		s.findings = append(s.findings, f)
	}
	if broken && !s.o.KeepOn {
		s.halt(AtFinding)
	}
}

// show lets other goroutines see the worker's counts.
func (w *worker) show() {
	w.shown.generated.Store(w.generated)
	w.shown.bags.Store(uint64(len(w.pile.bags)))
}

// breadth expands level by level.
func (s *search) breadth() error {
	f, err := s.start()
	if err != nil {
		return err
	}
	for saved := time.Now(); ; {
		if len(f.now) == 0 {
			if len(f.next) == 0 {
				return nil
			}
			f.now, f.next = f.next, nil
			s.level.Add(1)
		}
		if s.o.MaxDepth > 0 && int(s.level.Load()) >= s.o.MaxDepth {
			s.halt(AtDepth)
		}
		until := saved.Add(s.o.CheckpointEvery)
		if s.o.Checkpoint == "" {
			until = time.Time{}
		}
		s.advance(&f, until)
		if s.o.Checkpoint != "" && (s.halted() || late(until)) {
			if err := s.save(&f); err != nil {
				return err
			}
			saved = time.Now()
		}
		if s.halted() {
			return nil
		}
	}
}

// A frontier is what a Breadth search has still to expand.
type frontier struct {
	now  []*bag // of this level
	next []*bag // of the level below it, as far as it is known
}

// start returns the initial states, or what the checkpoint says.
func (s *search) start() (f frontier, err error) {
	if s.o.Resume {
		if ok, err := s.load(&f); ok || err != nil {
			return f, err
		}
	}
	w := s.workers[0]
	w.initial()
	s.level.Store(1)
	f.now, w.pile.bags = w.pile.bags, nil
	return f, nil
}

// advance expands a level, or a part of it if the search is halted or the time
// has come; each worker expands a bag at least. A bag is expanded whole or not
// at all.
func (s *search) advance(f *frontier, until time.Time) {
	var taken atomic.Int64
	var running sync.WaitGroup
	for _, w := range s.workers {
		running.Go(func() {
			for begun := false; !s.halted() && !(begun && late(until)); begun = true {
				i := int(taken.Add(1)) - 1
				if i >= len(f.now) {
					return
				}
				b := f.now[i]
				for j := range b.ends {
					w.expand(b.at(j))
				}
				f.now[i] = nil
				w.pile.recycle(b)
				w.show()
				s.bound(len(f.now)-i, len(f.next))
			}
		})
	}
	running.Wait()
	rest := f.now[:0]
	for _, b := range f.now {
		if b != nil {
			rest = append(rest, b)
		}
	}
	f.now = rest
	for _, w := range s.workers {
		f.next = append(f.next, w.pile.bags...)
		w.pile.bags = nil
	}
}

// late reports whether a time has passed; the zero time never does.
func late(t time.Time) bool { return !t.IsZero() && time.Now().After(t) }

// bound keeps account of memory, and stops a search that has reached one of its
// bounds. bags is how many wait besides those on the workers' piles.
func (s *search) bound(bags ...int) {
	states, bytes := s.seen.size()
	n := 0
	for _, k := range bags {
		n += k
	}
	for _, w := range s.workers {
		n += int(w.shown.bags.Load())
	}
	s.waiting.Store(uint64(n))
	bytes += uint64(n) * bagSize
	for {
		peak := s.peak.Load()
		if bytes <= peak || s.peak.CompareAndSwap(peak, bytes) {
			break
		}
	}
	switch {
	case s.ctx.Err() != nil:
		s.halt(AtContext)
	case s.o.MaxStates > 0 && states >= s.o.MaxStates:
		s.halt(AtStates)
	case s.o.MaxBytes > 0 && bytes >= s.o.MaxBytes:
		s.halt(AtBytes)
	}
}

// report calls Progress until stop is called.
func (s *search) report() (stop func()) {
	if s.o.Progress == nil {
		return func() {}
	}
	end := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(s.o.Every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.o.Progress(s.progress())
			case <-end:
				return
			}
		}
	})
	return func() { close(end); running.Wait() }
}

func (s *search) progress() Progress {
	p := Progress{Waiting: s.waiting.Load() * bagSize, Depth: int(s.level.Load()), Took: time.Since(s.began)}
	p.Distinct, p.Bytes = s.seen.size()
	p.Bytes += p.Waiting
	s.mu.Lock() // a checkpoint that is read makes new workers
	defer s.mu.Unlock()
	for _, w := range s.workers {
		p.Generated += w.shown.generated.Load()
	}
	return p
}

// result sums up, and plays the traces of what was found.
func (s *search) result() (Result, error) {
	r := Result{Depth: int(s.level.Load()), Bytes: s.peak.Load()}
	r.Distinct, _ = s.seen.size()
	r.Missed = missed(r.Distinct)
	r.Generated, r.Dead, r.Kinds = s.counts()
	if why := s.stopped.Load(); why != nil {
		r.Stopped = *why
	}
	r.Took = time.Since(s.began)
	err := s.tell(&r)
	return r, err
}
