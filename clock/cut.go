package clock

import (
	"errors"
	"fmt"
	"iter"
	"slices"
)

// A History is what happened in a run: the stamps of the events of each
// process, in its order. Entry i of a stamp of process i counts its own events,
// from 1: any Vector that ticks at each event, and is merged with those of the
// messages received, makes one.
//
// A cut is a Vector of how many events of each process are on its near side. It
// is consistent if no event there has a cause beyond it: then it is a state that
// the run may have been in, at once, for all that anybody in it could tell.
// The consistent cuts are a distributive lattice, with Meet and Join. (Mattern,
// Virtual Time and Global States of Distributed Systems, 1989.)
type History [][]Vector

// Check returns what makes h no history, or nil: a count that is not the
// event's own number, an event that knows of others that there are not, or one
// that knows less than an event before it.
func (h History) Check() error {
	for i, events := range h {
		var last Vector
		for n, v := range events {
			if v.At(i) != uint64(n+1) {
				return fmt.Errorf("event %d of process %d counts %d of its own", n+1, i, v.At(i))
			}
			for j, known := range v {
				if known > 0 && (j >= len(h) || known > uint64(len(h[j]))) {
					return fmt.Errorf("event %d of process %d knows of event %d of process %d, which is not there",
						n+1, i, known, j)
				}
				if j != i && known > 0 && !h[j][known-1].within(v) {
					return fmt.Errorf("event %d of process %d knows of event %d of process %d, "+
						"but not all that it knew", n+1, i, known, j)
				}
			}
			if !last.within(v) {
				return fmt.Errorf("event %d of process %d knows less than the one before", n+1, i)
			}
			last = v
		}
	}
	return nil
}

// within reports whether w knows all that v does.
func (v Vector) within(w Vector) bool {
	o := v.Compare(w)
	return o == Equal || o == Before
}

// End returns the cut with all events in it.
func (h History) End() Vector {
	end := make(Vector, len(h))
	for i, events := range h {
		end[i] = uint64(len(events))
	}
	return end
}

// ErrCut is returned for a cut with more events than there are.
var ErrCut = errors.New("clock: a cut beyond the history")

// Consistent reports whether the cut is consistent: the last event of each
// process in it knows of none beyond it.
func (h History) Consistent(cut Vector) (bool, error) {
	if !cut.within(h.End()) {
		return false, fmt.Errorf("%w: %v of %v", ErrCut, cut, h.End())
	}
	for i := range h {
		if n := cut.At(i); n > 0 && !h[i][n-1].within(cut) {
			return false, nil
		}
	}
	return true, nil
}

// Meet returns the cut with the events that are in both. Of two consistent cuts
// it is consistent.
func (v Vector) Meet(w Vector) Vector {
	m := make(Vector, min(len(v), len(w)))
	for i := range m {
		m[i] = min(v[i], w[i])
	}
	return m
}

// Join returns the cut with the events that are in either. Of two consistent
// cuts it is consistent.
func (v Vector) Join(w Vector) Vector {
	j := v.Clone()
	j.Merge(w)
	return j
}

// Cuts returns all consistent cuts, each once, from the empty one to End, those
// of fewer events first. There can be as many as the product of the lengths:
// stop when it is enough. It keeps those of two sizes at a time. (Cooper and
// Marzullo, Consistent Detection of Global Predicates, 1991.)
func (h History) Cuts() iter.Seq[Vector] {
	return func(yield func(Vector) bool) {
		for level := []Vector{make(Vector, len(h))}; len(level) > 0; level = h.above(level) {
			for _, cut := range level {
				if !yield(cut.Clone()) {
					return
				}
			}
		}
	}
}

// above returns the consistent cuts with one event more than one of level.
func (h History) above(level []Vector) (next []Vector) {
	for _, cut := range level {
		for i := range h {
			up := cut.Clone()
			up[i]++
			if ok, err := h.Consistent(up); err == nil && ok {
				next = append(next, up)
			}
		}
	}
	slices.SortFunc(next, func(a, b Vector) int { return slices.Compare(a, b) })
	return slices.CompactFunc(next, func(a, b Vector) bool { return slices.Equal(a, b) })
}

// Possibly returns a consistent cut of which f holds, the one of fewest events;
// ok is false if the run can have been in no such state.
func (h History) Possibly(f func(cut Vector) bool) (cut Vector, ok bool) {
	for cut := range h.Cuts() {
		if f(cut) {
			return cut, true
		}
	}
	return nil, false
}

// Definitely reports whether f held at some time, whatever the run's real
// order was: no way from the empty cut to End avoids the cuts of which it holds.
func (h History) Definitely(f func(cut Vector) bool) bool {
	level := []Vector{make(Vector, len(h))}
	for {
		level = slices.DeleteFunc(level, f) // what is left avoided it so far
		if len(level) == 0 {
			return true
		}
		if slices.Equal(level[0], h.End()) {
			return false
		}
		level = h.above(level)
	}
}
