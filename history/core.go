package history

import (
	"cmp"
	"slices"
	"time"
)

// shrink makes a core of few operations. It begins with those that failed, and
// takes in ever more of those that returned last before, until together they
// cannot be explained; then it leaves out what is not needed for that.
func shrink(ops []Op, on, failed []int32) []int32 {
	s := shrinker{ops: ops, on: on, deadline: time.Now().Add(coreTime)}
	end := time.Duration(0)
	for _, i := range failed {
		end = max(end, ops[i].returns())
	}
	var near, later []int32
	for _, i := range on {
		switch o := &ops[i]; {
		case o.Open && o.idle() || slices.Contains(failed, i):
		case o.Call <= end:
			near = append(near, i)
		default:
			later = append(later, i)
		}
	}
	slices.SortFunc(near, func(a, b int32) int { return cmp.Compare(ops[b].returns(), ops[a].returns()) })
	near = append(near, later...)
	core := slices.Clone(failed)
	for more := 4; !s.refuted(core); more *= 2 {
		if more = min(more, len(near)); len(core) == len(failed)+more {
			break // all of them: what was searched
		}
		core = append(slices.Clone(failed), near[:more]...)
	}
	core = s.reduce(core)
	slices.SortFunc(core, func(a, b int32) int { return cmp.Compare(ops[a].Call, ops[b].Call) })
	return core
}

// returns is when o returns, if ever.
func (o *Op) returns() time.Duration {
	if o.Open {
		return never
	}
	return o.Return
}

// probeConfigs bounds each question whether some operations are a core: one
// that takes more is not worth it, as there are many.
const probeConfigs = 1 << 12

// A shrinker asks again and again whether some operations are a core.
type shrinker struct {
	ops      []Op
	on       []int32
	deadline time.Time
}

func (s *shrinker) refuted(core []int32) bool {
	if len(core) == 0 {
		return false
	}
	r := relax(s.ops, s.on, core)
	all := make([]int32, len(r.ops))
	for i := range all {
		all[i] = int32(i)
	}
	v, _, _ := (&search{ops: r.ops, on: all, wild: r.next, first: r.first, most: probeConfigs,
		deadline: s.deadline}).run()
	return v == Illegal
}

// reduce leaves out halves, quarters and so on down to single operations, as
// long as the rest is a core.
func (s *shrinker) reduce(core []int32) []int32 {
	for size := max(1, len(core)/2); ; size /= 2 {
		for at := 0; at < len(core) && time.Now().Before(s.deadline); {
			rest := slices.Delete(slices.Clone(core), at, min(at+size, len(core)))
			if s.refuted(rest) {
				core = rest
			} else {
				at += size
			}
		}
		if size == 1 {
			return core
		}
	}
}
