package feed

import "math/rand/v2"

// A Span is the keys that a watcher watches: key alone, or the keys from key up
// to, but without, end; with open, all from key on.
type Span struct {
	key, end string
	one      bool // key alone
	open     bool
}

// SpanOf reads the two fields of a request. No key at all means the first.
func SpanOf(key, end []byte) Span {
	if len(key) == 0 {
		key = []byte{0}
	}
	switch {
	case len(end) == 0:
		return Span{key: string(key), one: true}
	case len(end) == 1 && end[0] == 0:
		return Span{key: string(key), open: true}
	}
	return Span{key: string(key), end: string(end)}
}

// Empty reports whether no key can be in the span.
func (s *Span) Empty() bool { return !s.one && !s.open && s.key >= s.end }

// An index finds the watchers of a key. Those of a single key are in a map,
// those of ranges in a treap ordered by where the range begins, in which each
// node knows how far the ranges below it reach: CLRS §14.3, interval trees;
// Seidel and Aragon, Randomized search trees, 1996. Watchers of the same span
// share a group.
type index struct {
	keys   map[string]*group
	groups map[Span]*treap
	root   *treap
}

// A group is the watchers of one span. Each knows its place in it.
type group struct {
	span     Span
	watchers []*Watcher
}

type treap struct {
	group
	left, right *treap
	order       uint64 // random; no child's is greater: this keeps the tree flat
	reach       Span   // of the nodes here and below, the one that ends last
}

func (x *index) add(w *Watcher) {
	g := x.group(w.Span)
	w.slot = len(g.watchers)
	g.watchers = append(g.watchers, w)
}

// group returns the group of a span, made if there is none.
func (x *index) group(s Span) *group {
	if s.one {
		g := x.keys[s.key]
		if g == nil {
			if x.keys == nil {
				x.keys = make(map[string]*group)
			}
			g = &group{span: s}
			x.keys[s.key] = g
		}
		return g
	}
	n := x.groups[s]
	if n == nil {
		if x.groups == nil {
			x.groups = make(map[Span]*treap)
		}
		n = &treap{group: group{span: s}, order: rand.Uint64(), reach: s}
		x.groups[s] = n
		left, right := split(x.root, &s)
		x.root = join(join(left, n), right)
	}
	return &n.group
}

func (x *index) remove(w *Watcher) {
	s := w.Span
	g := x.group(s)
	last := len(g.watchers) - 1
	moved := g.watchers[last]
	g.watchers[w.slot], moved.slot = moved, w.slot
	g.watchers[last] = nil
	g.watchers = g.watchers[:last]
	if last > 0 {
		return
	}
	if s.one {
		delete(x.keys, s.key)
		return
	}
	delete(x.groups, s)
	x.root = cutOut(x.root, &s)
}

// all returns the watchers, in no order.
func (x *index) all() (ws []*Watcher) {
	for _, g := range x.keys {
		ws = append(ws, g.watchers...)
	}
	for _, n := range x.groups {
		ws = append(ws, n.watchers...)
	}
	return ws
}

// match calls f with each group that watches key.
func (x *index) match(key []byte, f func(*group)) {
	if g := x.keys[string(key)]; g != nil {
		f(g)
	}
	x.root.stab(key, f)
}

func (n *treap) stab(key []byte, f func(*group)) {
	for n != nil && n.reach.beyond(key) {
		n.left.stab(key, f)
		if string(key) < n.span.key {
			return // and so do all to the right begin later
		}
		if n.span.beyond(key) {
			f(&n.group)
		}
		n = n.right
	}
}

// beyond reports whether the span ends after key.
func (s *Span) beyond(key []byte) bool { return s.open || string(key) < s.end }

// outreaches reports whether s ends after t.
func (s *Span) outreaches(t *Span) bool { return !t.open && (s.open || s.end > t.end) }

// before is the order of the tree: no two spans are the same in it.
func (s *Span) before(t *Span) bool {
	if s.key != t.key {
		return s.key < t.key
	}
	return t.outreaches(s)
}

// fix restores reach after a change of what is below.
func (n *treap) fix() {
	n.reach = n.span
	for _, c := range [...]*treap{n.left, n.right} {
		if c != nil && c.reach.outreaches(&n.reach) {
			n.reach = c.reach
		}
	}
}

// split takes a tree apart: what is before s, and the rest.
func split(n *treap, s *Span) (left, right *treap) {
	if n == nil {
		return nil, nil
	}
	if n.span.before(s) {
		n.right, right = split(n.right, s)
		n.fix()
		return n, right
	}
	left, n.left = split(n.left, s)
	n.fix()
	return left, n
}

// join makes one tree of two, of which a is all before b.
func join(a, b *treap) *treap {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.order > b.order:
		a.right = join(a.right, b)
		a.fix()
		return a
	}
	b.left = join(a, b.left)
	b.fix()
	return b
}

// cutOut removes the node of s, which is there.
func cutOut(n *treap, s *Span) *treap {
	switch {
	case n.span == *s:
		return join(n.left, n.right)
	case s.before(&n.span):
		n.left = cutOut(n.left, s)
	default:
		n.right = cutOut(n.right, s)
	}
	n.fix()
	return n
}
