package history

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"sort"
	"time"
)

// Of a queue into which each item goes once, four things can be wrong, and if
// none is, the history is linearizable (Henzinger, Sezgin and Vafeiadis,
// "Aspect-Oriented Linearizability Proofs", 2013, Theorem 3):
//
//   - an item comes out that nobody put in, or before it was put in;
//   - an item comes out twice;
//   - of two items, one put in before the other, the other came out before the
//     first did;
//   - a dequeue found nothing, and at each instant of it there was something.
//
// All four show in a sort of the calls and responses. The proof of the theorem
// tells where each operation may have taken effect.

// An item is what is known of one that was put into a queue. Where it matters
// to nobody, an interval is cut: an item was in before it came out.
type item struct {
	enq, deq    int32 // deq -1: it did not come out
	eCall, eRet time.Duration
	dCall, dRet time.Duration // never, if it did not come out
	placed      bool
}

// judgeQueue judges a queue with distinct items. It returns false if it cannot:
// if items are not distinct, or it is not known what a dequeue returned that
// may matter.
func judgeQueue(ops []Op, on []int32) (Report, bool) {
	illegal := func(core ...int32) (Report, bool) {
		return Report{Verdict: Illegal, Method: "queue", Core: core}, true
	}
	q := aspects{ops: ops}
	switch wrong, ok := q.gather(on); {
	case !ok:
		return Report{}, false
	case wrong != nil:
		return illegal(wrong...)
	}
	wrong := q.overtaken()
	if wrong == nil {
		wrong = q.instants()
	}
	if wrong != nil {
		if q.vague { // what a dequeue without an answer took may explain it
			return Report{}, false
		}
		return illegal(wrong...)
	}
	return Report{Verdict: OK, Method: "queue", Order: q.order()}, true
}

// aspects are what of a queue is judged by itself.
type aspects struct {
	ops   []Op
	items []item
	empty []int32         // dequeues that found nothing
	at    []time.Duration // by them: when nothing may have been there
	vague bool            // there are dequeues without an answer; they are left out
}

// gather makes items of operations. What is wrong with one item alone is
// returned.
func (q *aspects) gather(on []int32) (wrong []int32, ok bool) {
	number := map[string]int{}
	var out []int32
	for _, i := range on {
		switch o := &q.ops[i]; {
		case o.Kind == Enqueue:
			if _, twice := number[o.Arg]; twice {
				return nil, false
			}
			number[o.Arg] = len(q.items)
			q.items = append(q.items, item{enq: i, deq: -1, eCall: o.Call, eRet: o.returns(), dCall: never,
				dRet: never})
		case o.Kind != Dequeue || o.Blind && !o.Open:
			return nil, false
		case o.Open:
			q.vague = true
		case o.Result == "":
			q.empty = append(q.empty, i)
		default:
			out = append(out, i)
		}
	}
	for _, i := range out {
		o := &q.ops[i]
		n, known := number[o.Result]
		if !known {
			return []int32{i}, true
		}
		t := &q.items[n]
		if t.deq >= 0 {
			return []int32{t.deq, i}, true
		}
		if o.Return < t.eCall {
			return []int32{t.enq, i}, true
		}
		t.deq, t.dCall, t.dRet = i, max(o.Call, t.eCall), o.Return
		t.eRet = min(t.eRet, o.Return)
	}
	q.items = slices.DeleteFunc(q.items, func(t item) bool { return t.deq < 0 && q.ops[t.enq].Open })
	return nil, true
}

// uses are the operations on items.
func uses(items ...*item) (of []int32) {
	for _, t := range items {
		if of = append(of, t.enq); t.deq >= 0 {
			of = append(of, t.deq)
		}
	}
	return of
}

// overtaken finds an item that came out before one that was put in before it.
func (q *aspects) overtaken() []int32 {
	byCall, byReturn := make([]*item, len(q.items)), make([]*item, len(q.items))
	for i := range q.items {
		byCall[i], byReturn[i] = &q.items[i], &q.items[i]
	}
	slices.SortFunc(byCall, func(a, b *item) int { return cmp.Compare(a.eCall, b.eCall) })
	slices.SortFunc(byReturn, func(a, b *item) int { return cmp.Compare(a.eRet, b.eRet) })
	var last *item // of those that were in before: the one that came out last
	for _, t := range byCall {
		for ; len(byReturn) > 0 && byReturn[0].eRet < t.eCall; byReturn = byReturn[1:] {
			if last == nil || byReturn[0].dCall > last.dCall {
				last = byReturn[0]
			}
		}
		if last != nil && t.dRet < last.dCall {
			return uses(last, t)
		}
	}
	return nil
}

// instants finds for each dequeue that found nothing when there may have been
// nothing, or what was there all the time.
func (q *aspects) instants() []int32 {
	var in []*item // those that were there for some time, whatever the order
	for i := range q.items {
		if t := &q.items[i]; t.eRet < t.dCall {
			in = append(in, t)
		}
	}
	slices.SortFunc(in, func(a, b *item) int { return cmp.Compare(a.eRet, b.eRet) })
	slices.SortFunc(q.empty, func(a, b int32) int { return cmp.Compare(q.ops[a].Call, q.ops[b].Call) })
	s := sweep{in: in}
	at := began
	for _, i := range q.empty {
		o := &q.ops[i]
		at = max(at, o.Call) // from the call of one before until there nothing may be empty
		for t := s.over(at); t != nil && at <= o.Return; t = s.over(at) {
			at = t.dCall
		}
		if at <= o.Return {
			q.at = append(q.at, at)
			continue
		}
		core := []int32{i}
		s = sweep{in: in}
		for at = o.Call; at <= o.Return; {
			t := s.over(at)
			core = append(core, uses(t)...)
			at = t.dCall
		}
		return core
	}
	return nil
}

// A sweep goes over items by when they were in.
type sweep struct {
	in      []*item
	longest *item // of those gone over
}

// over returns an item that was there just before and just after an instant,
// nil if there is none. Instants must not fall.
func (s *sweep) over(at time.Duration) *item {
	for ; len(s.in) > 0 && s.in[0].eRet < at; s.in = s.in[1:] {
		if s.longest == nil || s.in[0].dCall > s.longest.dCall {
			s.longest = s.in[0]
		}
	}
	if s.longest == nil || s.longest.dCall <= at {
		return nil
	}
	return s.longest
}

// began is before all.
const began = time.Duration(math.MinInt64)

// order returns a linearization. Between two instants at which nothing was
// there, items go in and out in one order, each as early as it may.
func (q *aspects) order() (order []int32) {
	ends := slices.Compact(slices.Clone(q.at)) // ascending: instants goes from one to the next
	stretches := make([][]*item, len(ends)+1)
	for i := range q.items {
		t := &q.items[i]
		n := sort.Search(len(ends), func(n int) bool { return ends[n] > t.eRet })
		stretches[n] = append(stretches[n], t)
	}
	from, next := began, 0
	for n, items := range stretches {
		order = append(order, within(sorted(items), from)...)
		if n == len(ends) {
			break
		}
		for from = ends[n]; next < len(q.at) && q.at[next] == from; next++ {
			order = append(order, q.empty[next])
		}
	}
	return order
}

// within is the order of the operations on items that went in and out in the
// order given, not before from.
func within(items []*item, from time.Duration) (order []int32) {
	in, out := make([]time.Duration, len(items)), make([]time.Duration, len(items))
	lastIn, lastOut := from, from
	for i, t := range items {
		lastIn = max(lastIn, t.eCall)
		lastOut = max(lastOut, lastIn, t.dCall)
		in[i], out[i] = lastIn, lastOut
	}
	for i, j := 0, 0; j < len(items); {
		if i < len(items) && in[i] <= out[j] {
			order = append(order, items[i].enq)
			i++
			continue
		}
		if items[j].deq >= 0 {
			order = append(order, items[j].deq)
		}
		j++
	}
	return order
}

// sorted puts items into an order in which they may have gone in and out: none
// is after one that it precedes. An item may be next if no other that is left was
// in before it began to be put in, or out before it began to come out. As no item
// is overtaken there is always one: of those that may go in next, the one that
// began first to come out.
func sorted(items []*item) []*item {
	byCall := slices.Clone(items)
	slices.SortFunc(byCall, func(a, b *item) int { return cmp.Compare(a.eCall, b.eCall) })
	ins := earliest{items: slices.Clone(items), when: func(t *item) time.Duration { return t.eRet }}
	ready := earliest{when: func(t *item) time.Duration { return t.dCall }}
	heap.Init(&ins)
	done := make([]*item, 0, len(items))
	for len(done) < len(items) {
		first := ins.left()
		for len(byCall) > 0 && byCall[0].eCall <= first.eRet {
			heap.Push(&ready, byCall[0])
			byCall = byCall[1:]
		}
		t := heap.Pop(&ready).(*item)
		t.placed = true
		done = append(done, t)
	}
	return done
}

// earliest is a heap of items by a time.
type earliest struct {
	items []*item
	when  func(*item) time.Duration
}

// left returns the first item that has no place yet; there is one.
func (e *earliest) left() *item {
	for len(e.items) > 0 && e.items[0].placed {
		heap.Pop(e)
	}
	return e.items[0]
}

func (e *earliest) Len() int           { return len(e.items) }
func (e *earliest) Less(i, j int) bool { return e.when(e.items[i]) < e.when(e.items[j]) }
func (e *earliest) Swap(i, j int)      { e.items[i], e.items[j] = e.items[j], e.items[i] }
func (e *earliest) Push(x any)         { e.items = append(e.items, x.(*item)) }
func (e *earliest) Pop() any {
	n := len(e.items) - 1
	t := e.items[n]
	e.items = e.items[:n]
	return t
}
