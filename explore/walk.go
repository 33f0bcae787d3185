package explore

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// walks takes random ways. Which walk finds a counterexample first does not
// depend on the number of workers: the one with the lowest number counts.
func (s *search) walks() {
	var next, best atomic.Uint64
	best.Store(math.MaxUint64)
	var running sync.WaitGroup
	for _, w := range s.workers {
		running.Go(func() {
			for {
				n := next.Add(1) - 1
				if n >= s.o.Walks || n > best.Load() || s.ctx.Err() != nil {
					return
				}
				if w.walk(n) && !s.o.KeepOn {
					for b := best.Load(); n < b && !best.CompareAndSwap(b, n); b = best.Load() {
					}
				}
				w.show()
			}
		})
	}
	running.Wait()
	switch {
	case best.Load() < math.MaxUint64:
		s.halt(AtFinding)
	case s.ctx.Err() != nil:
		s.halt(AtContext)
	default:
		s.halt(AtWalksEnd)
	}
}

// A walker is what a walk remembers.
type walker struct {
	rng    *rand.Rand
	weight []float64 // by kind of action
	way    []Step
}

// walk takes walk n and reports whether it met a counterexample. Its taste, one
// weight for each kind of action from 1 down to 1/32, is drawn for it alone:
// uniform walks spend their faults before they get anywhere.
func (w *worker) walk(n uint64) (broken bool) {
	x := walker{rng: rand.New(rand.NewPCG(w.s.o.Seed, n)), weight: make([]float64, len(w.kinds))}
	for k := range x.weight {
		x.weight[k] = math.Exp2(-float64(x.rng.IntN(6)))
	}
	w.steps.Reset()
	w.model.Initial(&w.steps)
	for len(x.way) < w.s.o.MaxDepth && w.steps.Len() > 0 {
		w.generated++
		i := x.choose(&w.steps)
		a := w.steps.Action(i)
		if len(x.way) > 0 {
			w.kinds[a.Kind()]++
		}
		if err := w.steps.Err(i); err != nil {
			w.meet(&x, n, spot{property: -1, action: a, err: err})
			return true
		}
		state := slices.Clone(w.steps.State(i))
		x.way = append(x.way, Step{Action: a, State: state})
		for j := range w.props {
			p := &w.props[j]
			if p.Mode <= Sometimes && p.Holds(state) == (p.Mode == Sometimes) {
				broken = broken || p.Mode == Always
				w.meet(&x, n, spot{property: j})
			}
		}
		if broken {
			break
		}
		w.steps.Reset()
		w.model.Next(state, &w.steps)
	}
	for {
		l := w.s.level.Load()
		if int64(len(x.way)) <= l || w.s.level.CompareAndSwap(l, int64(len(x.way))) {
			return broken
		}
	}
}

// choose draws a step by its kind's weight.
func (x *walker) choose(s *Steps) int {
	sum := 0.0
	for i := range s.steps {
		sum += x.weight[s.steps[i].action.Kind()]
	}
	r := x.rng.Float64() * sum
	for i := range s.steps {
		if r -= x.weight[s.steps[i].action.Kind()]; r < 0 {
			return i
		}
	}
	return len(s.steps) - 1
}

// meet notes what walk n met, unless an earlier walk met the same.
func (w *worker) meet(x *walker, n uint64, f spot) {
	f.fp, f.way = n, slices.Clone(x.way)
	s := w.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.findings {
		if s.findings[i].property == f.property {
			if n < s.findings[i].fp {
				s.findings[i] = f
			}
			return
		}
	}
	s.findings = append(s.findings, f)
}
