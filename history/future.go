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
