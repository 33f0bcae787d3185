package weak

import (
	"cmp"
	"slices"
	"time"

	"althing/history"
)

// Stale counts the reads that showed less than what was answered before they
// began: a value, or none, in whose place another was put by a write that began
// when that value's own write had been answered, and was answered before the read
// began. A linearizable history has no such read; one that has none need not be
// linearizable. Time between clients counts here, as nowhere else in this package.
//
// Operations that neither Put nor Get are left out, as are reads that are Blind,
// and those of values that no Put wrote. Values of a key must be distinct.
func Stale(ops []history.Op) (n int) {
	type register struct {
		answered map[string]time.Duration // when the write of a value was; none: never
		writes   []history.Op             // that were answered, by when
		latest   []time.Duration          // when the last of writes[:i+1] to begin did
	}
	registers := map[string]*register{}
	for _, o := range ops {
		r := registers[o.Key]
		if r == nil {
			r = &register{answered: map[string]time.Duration{"": -1}} // what was there at first
			registers[o.Key] = r
		}
		if o.Kind == history.Put && !o.Open {
			r.answered[o.Arg] = o.Return
			r.writes = append(r.writes, o)
		}
	}
	for _, r := range registers {
		slices.SortFunc(r.writes, func(a, b history.Op) int { return cmp.Compare(a.Return, b.Return) })
		last := time.Duration(-1)
		for _, w := range r.writes {
			last = max(last, w.Call)
			r.latest = append(r.latest, last)
		}
	}
	for _, o := range ops {
		if o.Kind != history.Get || o.Open || o.Blind {
			continue
		}
		r := registers[o.Key]
		own, known := r.answered[o.Result]
		before, _ := slices.BinarySearchFunc(r.writes, o.Call,
			func(w history.Op, at time.Duration) int { return cmp.Compare(w.Return, at) })
		if known && before > 0 && r.latest[before-1] > own {
			n++
		}
	}
	return n
}
