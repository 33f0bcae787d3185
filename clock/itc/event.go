package itc

import "math"

// An event is an event tree: base everywhere on its interval if it is a leaf,
// else base plus what kids say of the halves. Normal form: kids are not two
// equal leaves, and one of their bases is 0, so that base is the least value.
// No value anywhere exceeds 64 bits.
type event struct {
	base uint64
	kids *kids // nil: a leaf; never changed, and so shared
}

type kids struct{ l, r event }

// halves returns what e says of each half, its base included.
func (e event) halves() (l, r event) {
	if e.kids == nil {
		return e, e
	}
	l, r = e.kids.l, e.kids.r
	l.base += e.base
	r.base += e.base
	return l, r
}

// newEvent returns what has these halves, in normal form. It shares old if that
// says the same: what does not change is not copied.
func newEvent(l, r event, old *kids) event {
	if l.kids == nil && l == r {
		return l
	}
	n := min(l.base, r.base)
	l.base -= n
	r.base -= n
	if old != nil && old.l == l && old.r == r {
		return event{n, old}
	}
	return event{n, &kids{l, r}}
}

// max returns the greatest value of e.
func (e event) max() uint64 {
	if e.kids == nil {
		return e.base
	}
	return e.base + max(e.kids.l.max(), e.kids.r.max())
}

// leq reports whether e is nowhere greater than f. (§5, Comparison.)
func (e event) leq(f event) bool {
	switch {
	case e.base > f.base: // the least value of f, and e has no less
		return false
	case e.kids == nil || e.kids == f.kids:
		return true
	}
	el, er := e.halves()
	fl, fr := f.halves()
	return el.leq(fl) && er.leq(fr)
}

// join returns the greater of e and f at each point. (§5, Join.)
func (e event) join(f event) event {
	if e.kids == f.kids { // or both are leaves
		return event{max(e.base, f.base), e.kids}
	}
	el, er := e.halves()
	fl, fr := f.halves()
	return newEvent(el.join(fl), er.join(fr), e.kids)
}

// fill raises e within i so that it becomes a smaller tree, if it can: an event
// that costs no space, but saves some. It returns e itself if it cannot.
// (§5, Event.)
func (e event) fill(i *id) event {
	switch {
	case i == nil || e.kids == nil:
		return e
	case i.all():
		return event{base: e.max()}
	}
	l, r := e.halves()
	switch {
	case i.l != nil && i.l.all():
		r = r.fill(i.r)
		l = event{base: max(l.max(), r.base)}
	case i.r != nil && i.r.all():
		l = l.fill(i.l)
		r = event{base: max(r.max(), l.base)}
	default:
		l, r = l.fill(i.l), r.fill(i.r)
	}
	return newEvent(l, r, e.kids)
}

// What growing in some place costs: each step down 1, each leaf that becomes a
// node more than all steps down together.
const (
	costStep   = 1
	costExpand = MaxDepth + 1
	costNever  = 1 << 63 // there is no room for a greater count
)

// grow adds 1 to e in the place in i where the tree grows least, and returns
// what that cost. It follows a fill that found nothing: e is a leaf wherever i
// is 1. Of equal costs the right half's is taken, as in the paper. (§5, Event.)
func (e event) grow(i *id) (event, uint64) {
	if i.all() {
		if e.base == math.MaxUint64 {
			return e, costNever
		}
		return event{base: e.base + 1}, 0
	}
	cost := uint64(costStep)
	if e.kids == nil {
		cost += costExpand
	}
	l, r := e.halves()
	costl, costr := uint64(costNever), uint64(costNever)
	var growl, growr event
	if i.l != nil {
		growl, costl = l.grow(i.l)
	}
	if i.r != nil {
		growr, costr = r.grow(i.r)
	}
	if costl < costr {
		return newEvent(growl, r, nil), costl + cost
	}
	return newEvent(l, growr, nil), costr + cost
}
