package explore

import (
	"errors"
	"fmt"
	"slices"
)

// errPlay is returned for a trace whose fingerprints lead nowhere: two states
// share one, or Next does not always say the same.
var errPlay = errors.New("explore: a trace does not play again: is Next a function of the state alone?")

// tell fills in the findings, with their traces.
func (s *search) tell(r *Result) error {
	w := s.workers[0]
	slices.SortFunc(s.findings, func(a, b spot) int { return a.property - b.property })
	for i := range s.findings {
		f := &s.findings[i]
		way := f.way
		if way == nil {
			var err error
			if way, err = w.play(f.fp); err != nil {
				return err
			}
		}
		x := Finding{Err: f.err, Broken: f.err != nil}
		if f.err != nil {
			way = append(way, Step{Action: f.action})
			x.Name = w.model.Kinds()[f.action.Kind()]
		} else {
			p := &w.props[f.property]
			x.Name, x.Mode, x.Broken = p.Name, p.Mode, p.Mode == Always
		}
		w.describe(way)
		x.Trace = way
		r.Findings = append(r.Findings, x)
	}
	if r.Stopped == AtFinding || r.Broken() != nil {
		return nil
	}
	w.unmet(r)
	if r.Stopped == "" {
		s.lassos(r)
	}
	return nil
}

// unmet adds the properties Sometimes that a complete search did not meet.
func (w *worker) unmet(r *Result) {
	for _, p := range w.props {
		if p.Mode == Sometimes && r.Stopped == "" && r.Found(p.Name) == nil {
			err := fmt.Errorf("%s: no state is so", p.Name)
			r.Findings = append(r.Findings, Finding{Name: p.Name, Mode: Sometimes, Broken: true, Err: err})
		}
	}
}

// describe gives each step its text.
func (w *worker) describe(way []Step) {
	for i := 1; i < len(way); i++ {
		way[i].Text = w.model.Describe(way[i-1].State, way[i].Action)
	}
}

// play returns a way to the state of a fingerprint. Under symmetry it is a way
// that the model can really go: names stay what they are, and only fingerprints
// are compared in the canonical form.
func (w *worker) play(fp uint64) ([]Step, error) {
	var chain []uint64
	for fp != 0 {
		chain = append(chain, fp)
		parent, ok := w.s.seen.parent(fp)
		if !ok {
			return nil, errPlay
		}
		fp = parent
	}
	slices.Reverse(chain)
	w.steps.Reset()
	w.model.Initial(&w.steps)
	var way []Step
	for _, fp := range chain {
		i := w.lookup(fp)
		if i < 0 {
			return nil, errPlay
		}
		state := slices.Clone(w.steps.State(i))
		way = append(way, Step{Action: w.steps.Action(i), State: state})
		w.steps.Reset()
		w.model.Next(state, &w.steps)
	}
	return way, nil
}

// lookup returns which of w.steps has the fingerprint, or -1.
func (w *worker) lookup(fp uint64) int {
	var canonical []byte
	for i := range w.steps.Len() {
		if w.steps.Err(i) != nil {
			continue
		}
		state := w.steps.State(i)
		if w.symmetric != nil {
			canonical = append(canonical[:0], state...)
			w.symmetric.Canonical(canonical)
			state = canonical
		}
		if w.fingerprint(state) == fp {
			return i
		}
	}
	return -1
}
