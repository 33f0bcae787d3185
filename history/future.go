package history

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// unseen stands for all values of a register that nobody will see again.
const unseen = "\x00\x00unseen"

// A future knows which values of a register are still seen, and until when: by
// reads, by appends that return them, and by those who compare. A value is also
// seen through what is appended to it.
type future struct {
	sights  []sight       // by value, each once
	last    time.Duration // when the last that must see one is called
	written bool          // values are also brought by writes, not by appends alone
}

type sight struct {
	value string
	until time.Duration
}

// foresee gathers the future of a register; nil for other objects.
func foresee(ops []Op, on []int32) *future {
	f := &future{last: -1 << 63}
	for _, i := range on {
		o := &ops[i]
		switch o.Kind {
		case Get, Append:
			if o.judged() {
				f.sights = append(f.sights, sight{o.Result, o.Return})
				f.last = max(f.last, o.Call)
			}
		case CAS:
			f.sights = append(f.sights, sight{o.Old, o.returns()})
			f.written = true
		case Put:
			f.written = true
		default:
			return nil
		}
	}
	slices.SortFunc(f.sights, func(a, b sight) int {
		if c := strings.Compare(a.value, b.value); c != 0 {
			return c
		}
		return cmp.Compare(b.until, a.until) // the last of a value first
	})
	f.sights = slices.CompactFunc(f.sights, func(a, b sight) bool { return a.value == b.value })
	return f
}

// until returns when the value, or what begins with it, is seen last.
func (f *future) until(value string) time.Duration {
	at, _ := slices.BinarySearchFunc(f.sights, value, func(s sight, v string) int {
		return strings.Compare(s.value, v)
	})
	last := time.Duration(-1 << 63)
	for ; at < len(f.sights) && strings.HasPrefix(f.sights[at].value, value); at++ {
		last = max(last, f.sights[at].until)
	}
	return last
}

// A line knows by whom each item of a queue is taken, if every item is put in
// once and every taker was answered. The order in which items are taken says
// much of the order in which they stand.
type line struct {
	taken map[string]*Op
	rest  string // stands for all items that nobody takes
}

// maxBehind is how many of the last items an item is compared with that is put
// behind them: more would find little more.
const maxBehind = 32

// queue gathers the line of a queue; nil for other objects.
func queue(ops []Op, on []int32) *line {
	l := &line{taken: map[string]*Op{}}
	put := map[string]bool{}
	for _, i := range on {
		switch o := &ops[i]; {
		case o.Kind == Enqueue && !put[o.Arg]:
			put[o.Arg] = true
		case o.Kind == Dequeue && o.judged() && l.taken[o.Result] == nil:
			if o.Result != "" {
				l.taken[o.Result] = o
			}
		default:
			return nil
		}
	}
	for _, i := range on {
		if o := &ops[i]; o.Kind == Enqueue && l.taken[o.Arg] == nil {
			l.rest = o.Arg
			break
		}
	}
	return l
}

// enqueue returns the queue after an item is put in. That is not ok if the item
// is taken although it stands behind one that is not, or is taken later.
func (l *line) enqueue(state, item string) (next string, ok bool) {
	by := l.taken[item]
	all := items(state)
	if n := len(all); n > 0 && all[n-1] == l.rest {
		return state, by == nil
	}
	if by == nil {
		return state + l.rest + separator, true
	}
	for _, before := range all[max(0, len(all)-maxBehind):] {
		if by.precedes(l.taken[before]) {
			return state, false
		}
	}
	return state + item + separator, true
}
