package weak

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"althing/history"
)

// maxRemembered bounds, in bytes, what a search for an order remembers.
const maxRemembered = 512 << 20

// A walk looks for one order of all operations that keeps every session's, and
// in which all reads are right. It goes forward in all sessions at once, the
// earliest call first, and back where it can go no further, and remembers where
// it has been. A read whose value is there is done at once: it changes nothing.
// A value that someone has yet to read, and nobody to write again, is not
// overwritten.
type walk struct {
	ops    []history.Op
	chains [][]int32 // operations
	before []place   // by chain: what must be done before it begins
	key    map[string]int32
	value  map[[2]string]int32 // of each key
	reads  []int32             // by operation: its value
	unique bool                // no value is written twice to a key
	tried  map[string]bool

	done       []int32 // by chain
	values     []int32 // by key
	wanted     []int32 // by value: how many have yet to read it
	strides    []stride
	remembered int // bytes in tried
}

// A place is a chain and how far it must be done.
type place struct{ chain, done int32 }

// A stride is one operation done, and what it takes to undo it.
type stride struct {
	chain, op int32
	was       int32 // the value before a write
}

// A fork is a place from which several writes can be tried.
type fork struct {
	done int     // strides that led to it
	next []int32 // chains whose writes are left to try, the best last
}

// searchSequential looks for an order until the deadline.
func searchSequential(ops []history.Op, deadline time.Time) Report {
	w, why := begin(ops)
	if why != "" {
		return unknown("%s", why)
	}
	forks := []fork{w.ahead()}
	for steps := 0; len(forks) > 0; steps++ {
		if w.complete() {
			return Report{Verdict: history.OK, Order: w.order()}
		}
		at := &forks[len(forks)-1]
		w.back(at.done)
		if len(at.next) == 0 {
			forks = forks[:len(forks)-1]
			continue
		}
		if steps&63 == 0 && !deadline.IsZero() && time.Now().After(deadline) {
			return unknown("the time ran out")
		}
		c := at.next[len(at.next)-1]
		at.next = at.next[:len(at.next)-1]
		if w.write(c) {
			next := w.ahead()
			if w.remembered > maxRemembered {
				return unknown("there are more ways to order it than can be remembered")
			}
			if !w.again() {
				forks = append(forks, next)
			}
		}
	}
	all := make([]int32, len(ops))
	for i := range all {
		all[i] = int32(i)
	}
	return Report{Verdict: history.Illegal, Core: all, Reason: "no order of all operations explains the reads"}
}

// begin prepares a walk. A write without an answer is a session of its own,
// which begins when what its session did before is done.
func begin(ops []history.Op) (w *walk, why string) {
	w = &walk{ops: ops, key: map[string]int32{}, value: map[[2]string]int32{}, unique: true,
		tried: map[string]bool{}, reads: make([]int32, len(ops))}
	var by []int32
	for i := range ops {
		switch o := &ops[i]; {
		case o.Kind != history.Get && o.Kind != history.Put:
			return nil, "there is a " + o.Kind.String() + ": this promise is about reads and writes"
		case o.Kind == history.Put || !o.Open && !o.Blind:
			by = append(by, int32(i))
		}
	}
	slices.SortStableFunc(by, func(a, b int32) int {
		return cmp.Or(cmp.Compare(ops[a].Client, ops[b].Client), cmp.Compare(ops[a].Call, ops[b].Call))
	})
	session := map[int]int32{}
	written := map[int32]bool{}
	for _, i := range by {
		o := &ops[i]
		if _, ok := w.key[o.Key]; !ok {
			w.key[o.Key] = int32(len(w.key))
			w.values = append(w.values, w.numbered(o.Key, ""))
		}
		text := o.Arg
		if o.Kind == history.Get {
			text = o.Result
		}
		v := w.numbered(o.Key, text)
		if w.reads[i] = v; o.Kind == history.Put {
			w.unique = w.unique && !written[v] && text != ""
			written[v] = true
		}
		c, ok := session[o.Client]
		if !ok || o.Open {
			begins := place{chain: -1}
			if ok {
				begins = place{c, int32(len(w.chains[c]))}
			}
			c = int32(len(w.chains))
			w.chains, w.before = append(w.chains, nil), append(w.before, begins)
			if !o.Open {
				session[o.Client] = c
			}
		}
		w.chains[c] = append(w.chains[c], i)
	}
	w.done = make([]int32, len(w.chains))
	w.wanted = make([]int32, len(w.value))
	for _, i := range by {
		if ops[i].Kind == history.Get {
			w.wanted[w.reads[i]]++
		}
	}
	return w, ""
}

// numbered returns the number of a key's value.
func (w *walk) numbered(key, value string) int32 {
	id := [2]string{key, value}
	n, ok := w.value[id]
	if !ok {
		n = int32(len(w.value))
		w.value[id] = n
	}
	return n
}

// ahead does all reads whose value is there, and finds the writes that can be
// next.
func (w *walk) ahead() fork {
	for again := true; again; {
		again = false
		for c, chain := range w.chains {
			for int(w.done[c]) < len(chain) {
				i := chain[w.done[c]]
				if w.ops[i].Kind != history.Get || w.values[w.key[w.ops[i].Key]] != w.reads[i] {
					break
				}
				w.done[c]++
				w.wanted[w.reads[i]]--
				w.strides = append(w.strides, stride{chain: int32(c), op: i})
				again = true
			}
		}
	}
	f := fork{done: len(w.strides)}
	for c, chain := range w.chains {
		b := w.before[c]
		if int(w.done[c]) < len(chain) && w.ops[chain[w.done[c]]].Kind == history.Put &&
			(b.chain < 0 || w.done[b.chain] >= b.done) {
			f.next = append(f.next, int32(c))
		}
	}
	slices.SortFunc(f.next, func(a, b int32) int {
		return cmp.Compare(w.ops[w.chains[b][w.done[b]]].Call, w.ops[w.chains[a][w.done[a]]].Call)
	})
	return f
}

// write does the next write of a chain, unless that leads nowhere.
func (w *walk) write(c int32) bool {
	i := w.chains[c][w.done[c]]
	k := w.key[w.ops[i].Key]
	if w.unique && w.wanted[w.values[k]] > 0 {
		return false
	}
	w.strides = append(w.strides, stride{chain: c, op: i, was: w.values[k]})
	w.done[c]++
	w.values[k] = w.reads[i]
	return true
}

// back undoes all but the first strides.
func (w *walk) back(to int) {
	for _, s := range slices.Backward(w.strides[to:]) {
		w.done[s.chain]--
		if w.ops[s.op].Kind == history.Put {
			w.values[w.key[w.ops[s.op].Key]] = s.was
		} else {
			w.wanted[w.reads[s.op]]++
		}
	}
	w.strides = w.strides[:to]
}

// again tells whether the walk has been here before.
func (w *walk) again() bool {
	var at []byte
	for _, x := range w.done {
		at = binary.AppendUvarint(at, uint64(x))
	}
	for _, x := range w.values {
		at = binary.AppendUvarint(at, uint64(x))
	}
	if w.tried[string(at)] {
		return true
	}
	w.tried[string(at)] = true
	w.remembered += len(at) + 48
	return false
}

// complete tells whether all that was answered is done.
func (w *walk) complete() bool {
	for c, chain := range w.chains {
		if int(w.done[c]) < len(chain) && !w.ops[chain[w.done[c]]].Open {
			return false
		}
	}
	return true
}

func (w *walk) order() (order []int32) {
	for _, s := range w.strides {
		order = append(order, s.op)
	}
	return order
}

// ErrOrder is what an order is refused with that does not explain a history.
var ErrOrder = errors.New("the order does not hold")

// VerifyOrder tells why order does not prove that ops are sequentially
// consistent: it must have all that was answered, once, each session's
// operations as they were called, and each read right.
func VerifyOrder(ops []history.Op, order []int32) error {
	later := map[int]time.Duration{} // by client: the first call of what was answered and comes later
	for _, i := range slices.Backward(order) {
		if i < 0 || int(i) >= len(ops) {
			return fmt.Errorf("%w: there is no operation %d", ErrOrder, i)
		}
		o := &ops[i]
		first, some := later[o.Client]
		if some && first < o.Call {
			return fmt.Errorf("%w: before what its session did earlier: %s", ErrOrder, o)
		}
		if !o.Open {
			later[o.Client] = o.Call
		}
	}
	used := make([]bool, len(ops))
	values := map[string]string{}
	for _, i := range order {
		o := &ops[i]
		switch {
		case used[i]:
			return fmt.Errorf("%w: twice: %s", ErrOrder, o)
		case o.Kind == history.Put:
			values[o.Key] = o.Arg
		case values[o.Key] != o.Result:
			return fmt.Errorf("%w: the value was %q: %s", ErrOrder, values[o.Key], o)
		}
		used[i] = true
	}
	for i := range ops {
		if o := &ops[i]; !used[i] && !o.Open && !o.Blind {
			return fmt.Errorf("%w: left out: %s", ErrOrder, o)
		}
	}
	return nil
}
