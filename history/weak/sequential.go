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

// maxCellsTried bounds what a search for an order remembers, to about a
// gigabyte.
const maxCellsTried = 1 << 28

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
	value  map[string]int32
	reads  []int32 // by operation: the number of its value
	unique bool    // no value is written twice to a key
	tried  map[string]bool
	cells  int
}

// A place is a chain and how far it must be done.
type place struct{ chain, done int32 }

// A point is how far a walk has come.
type point struct {
	done   []int32 // by chain
	values []int32 // by key
	wanted []int32 // by value: how many have yet to read it
	order  *did
	next   []int32 // chains whose writes can be tried from here, the best last
}

type did struct {
	before *did
	op     int32
}

// searchSequential looks for an order until the deadline.
func searchSequential(ops []history.Op, deadline time.Time) Report {
	w, p, why := begin(ops)
	if why != "" {
		return unknown("%s", why)
	}
	stack := []*point{w.ahead(p)}
	for steps := 0; len(stack) > 0; steps++ {
		at := stack[len(stack)-1]
		if w.complete(at) {
			return Report{Verdict: history.OK, Order: at.ordered()}
		}
		if len(at.next) == 0 {
			stack = stack[:len(stack)-1]
			continue
		}
		if steps&63 == 0 && !deadline.IsZero() && time.Now().After(deadline) {
			return unknown("the time ran out")
		}
		c := at.next[len(at.next)-1]
		at.next = at.next[:len(at.next)-1]
		if next := w.write(at, c); next != nil {
			if w.cells += len(next.done) + len(next.values); w.cells > maxCellsTried {
				return unknown("there are more ways to order it than can be remembered")
			}
			stack = append(stack, next)
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
func begin(ops []history.Op) (w *walk, p *point, why string) {
	w = &walk{ops: ops, key: map[string]int32{}, value: map[string]int32{"": 0}, unique: true,
		tried: map[string]bool{}, reads: make([]int32, len(ops))}
	p = new(point)
	var by []int32
	for i := range ops {
		switch o := &ops[i]; {
		case o.Kind != history.Get && o.Kind != history.Put:
			return nil, nil, "there is a " + o.Kind.String() + ": this promise is about reads and writes"
		case o.Kind == history.Put || !o.Open && !o.Blind:
			by = append(by, int32(i))
		}
	}
	slices.SortStableFunc(by, func(a, b int32) int {
		return cmp.Or(cmp.Compare(ops[a].Client, ops[b].Client), cmp.Compare(ops[a].Call, ops[b].Call))
	})
	session := map[int]int32{}
	written := map[[2]int32]bool{}
	for _, i := range by {
		o := &ops[i]
		if _, ok := w.key[o.Key]; !ok {
			w.key[o.Key] = int32(len(w.key))
			p.values = append(p.values, 0)
		}
		text := o.Arg
		if o.Kind == history.Get {
			text = o.Result
		}
		if _, ok := w.value[text]; !ok {
			w.value[text] = int32(len(w.value))
		}
		w.reads[i] = w.value[text]
		if v := [2]int32{w.key[o.Key], w.value[text]}; o.Kind == history.Put {
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
	p.done = make([]int32, len(w.chains))
	p.wanted = make([]int32, len(w.value)*len(w.key))
	for _, i := range by {
		if ops[i].Kind == history.Get {
			p.wanted[w.cell(i)]++
		}
	}
	return w, p, ""
}

// cell is where the readers of an operation's value are counted.
func (w *walk) cell(i int32) int { return int(w.reads[i])*len(w.key) + int(w.key[w.ops[i].Key]) }

// ahead does all reads whose value is there, and finds the writes that can be
// next.
func (w *walk) ahead(p *point) *point {
	for again := true; again; {
		again = false
		for c, chain := range w.chains {
			for int(p.done[c]) < len(chain) {
				i := chain[p.done[c]]
				if w.ops[i].Kind != history.Get || p.values[w.key[w.ops[i].Key]] != w.reads[i] {
					break
				}
				p.done[c]++
				p.wanted[w.cell(i)]--
				p.order = &did{p.order, i}
				again = true
			}
		}
	}
	for c, chain := range w.chains {
		b := w.before[c]
		if int(p.done[c]) < len(chain) && w.ops[chain[p.done[c]]].Kind == history.Put &&
			(b.chain < 0 || p.done[b.chain] >= b.done) {
			p.next = append(p.next, int32(c))
		}
	}
	slices.SortFunc(p.next, func(a, b int32) int {
		return cmp.Compare(w.ops[w.chains[b][p.done[b]]].Call, w.ops[w.chains[a][p.done[a]]].Call)
	})
	return p
}

// write goes on from p by the next write of a chain; nil if that leads nowhere
// or was tried.
func (w *walk) write(p *point, c int32) *point {
	i := w.chains[c][p.done[c]]
	k := w.key[w.ops[i].Key]
	if w.unique && p.wanted[int(p.values[k])*len(w.key)+int(k)] > 0 {
		return nil
	}
	n := &point{done: slices.Clone(p.done), values: slices.Clone(p.values), wanted: slices.Clone(p.wanted),
		order: &did{p.order, i}}
	n.done[c]++
	n.values[k] = w.reads[i]
	w.ahead(n)
	var at []byte
	for _, x := range n.done {
		at = binary.AppendUvarint(at, uint64(x))
	}
	for _, x := range n.values {
		at = binary.AppendUvarint(at, uint64(x))
	}
	if w.tried[string(at)] {
		return nil
	}
	w.tried[string(at)] = true
	return n
}

// complete tells whether all that was answered is done.
func (w *walk) complete(p *point) bool {
	for c, chain := range w.chains {
		if int(p.done[c]) < len(chain) && !w.ops[chain[p.done[c]]].Open {
			return false
		}
	}
	return true
}

func (p *point) ordered() (order []int32) {
	for at := p.order; at != nil; at = at.before {
		order = append(order, at.op)
	}
	slices.Reverse(order)
	return order
}

// ErrOrder is what an order is refused with that does not explain a history.
var ErrOrder = errors.New("the order does not hold")

// VerifyOrder tells why order does not prove that ops are sequentially
// consistent: it must have all that was answered, once, each session's
// operations as they were called, and each read right.
func VerifyOrder(ops []history.Op, order []int32) error {
	used := make([]bool, len(ops))
	values := map[string]string{}
	last := map[int]time.Duration{} // by client: the call of what it did last
	for _, i := range order {
		o := &ops[i]
		began, some := last[o.Client]
		switch {
		case used[i]:
			return fmt.Errorf("%w: twice: %s", ErrOrder, o)
		case some && o.Call < began && !o.Open:
			return fmt.Errorf("%w: after what its session did later: %s", ErrOrder, o)
		case o.Kind == history.Put:
			values[o.Key] = o.Arg
		case values[o.Key] != o.Result:
			return fmt.Errorf("%w: the value was %q: %s", ErrOrder, values[o.Key], o)
		}
		if used[i] = true; !o.Open {
			last[o.Client] = o.Call
		}
	}
	for i := range ops {
		if o := &ops[i]; !used[i] && !o.Open && !o.Blind {
			return fmt.Errorf("%w: left out: %s", ErrOrder, o)
		}
	}
	return nil
}
