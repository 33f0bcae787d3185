package history

import (
	"cmp"
	"slices"
	"strings"
)

// separator ends each item in the state of a queue or a set.
const separator = "\x00"

// Items writes members of a set as Members answers them: sorted, each once.
func Items(members ...string) string {
	members = slices.Compact(slices.Sorted(slices.Values(members)))
	if len(members) == 0 {
		return ""
	}
	return strings.Join(members, separator) + separator
}

func items(state string) []string {
	return strings.FieldsFunc(state, func(r rune) bool { return r == 0 })
}

func (o *Op) applySet(state string) (next, result string) {
	all := items(state)
	i, found := slices.BinarySearch(all, o.Arg)
	switch {
	case o.Kind == Contains && found:
		return state, "1"
	case o.Kind == Contains:
		return state, "0"
	case o.Kind == Add && !found:
		return Items(slices.Insert(all, i, o.Arg)...), ""
	case o.Kind == Remove && found:
		return Items(slices.Delete(all, i, i+1)...), ""
	}
	return state, ""
}

// growing tells whether the operations are those of a set that only grows, to
// which each member is added once, and which is read whole.
func growing(ops []Op, on []int32) bool {
	added := map[string]bool{}
	reads := false
	for _, i := range on {
		switch o := &ops[i]; {
		case o.Kind == Members:
			reads = true
		case o.Kind != Add || added[o.Arg]:
			return false
		default:
			added[o.Arg] = true
		}
	}
	return reads
}

// judgeGrowing judges a growing set. Whether an addition comes before a read is
// to be seen in what the read returned, so the order is given but for those of
// the same size and the additions between two reads, and these may as well
// stand by their calls. So the history is linearizable if that order is right.
func judgeGrowing(ops []Op, on []int32) Report {
	type at struct {
		op   int32
		size int // of the set, for a read; of the first read that has it, for an addition
		read bool
	}
	var all []at
	first := map[string]int{}
	end := 0
	for _, i := range on {
		if o := &ops[i]; o.Kind == Members && o.judged() {
			members := items(o.Result)
			all = append(all, at{i, len(members), true})
			end = max(end, len(members)+1)
			for _, m := range members {
				if n, ok := first[m]; !ok || len(members) < n {
					first[m] = len(members)
				}
			}
		}
	}
	for _, i := range on {
		if o := &ops[i]; o.Kind == Add {
			n, ok := first[o.Arg]
			if !ok && o.Open {
				continue // never seen: it did not happen
			}
			if !ok {
				n = end
			}
			all = append(all, at{i, n, false})
		}
	}
	slices.SortFunc(all, func(a, b at) int {
		if a.size != b.size {
			return a.size - b.size
		}
		if a.read != b.read {
			return map[bool]int{true: 1, false: -1}[a.read]
		}
		return cmp.Compare(ops[a.op].Call, ops[b.op].Call)
	})
	order := make([]int32, len(all))
	for i, a := range all {
		order[i] = a.op
	}
	if clash := follow(ops, order); clash != nil {
		return Report{Verdict: Illegal, Method: "growing set", Core: clash}
	}
	return Report{Verdict: OK, Method: "growing set", Order: order}
}
