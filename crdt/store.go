package crdt

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"althing/clock"
)

// A store holds dots and what they stand for. With a context beside it, it is
// a state: a dot in the context but not in the store is something that was
// there and was removed. That is why nothing need be kept of it. A nil store
// is the empty one; no other is. Stores in states are never changed but for
// the entries of a dotMap, which belong to one state alone.
type store interface {
	// join returns what is left in the join of two states: of each store what
	// the other has too, or has not seen. (Almeida et al. 2018: dot stores.)
	join(own *Context, other store, theirs *Context) store
	// without returns what seen has not seen. It shares no dotMap.
	without(seen *Context) store
	clone() store
	dots(to []clock.Dot) []clock.Dot
	append(b []byte, c *Context) []byte
}

// joined is the join for stores of which either may be empty.
func joined(own *Context, a, b store, theirs *Context) store {
	switch {
	case a == nil && b == nil:
		return nil
	case a == nil:
		return b.without(own)
	case b == nil:
		return a.without(theirs)
	}
	return a.join(own, b, theirs)
}

// graft is joined for a delta b that concerns no more of a than it names: so no
// more is looked at, however large a is. It changes the maps of a.
func graft(own *Context, a, b store, theirs *Context) store {
	m, ok := a.(*dotMap)
	switch {
	case b == nil:
		return a
	case !ok:
		return joined(own, a, b, theirs)
	}
	for _, e := range b.(*dotMap).entries {
		below := graft(own, at(m, []string{e.key}), e.store, theirs)
		put(m, []string{e.key}, below)
	}
	return m.orNil()
}

// named returns how many dots of a that theirs has are at the leaves of b.
func named(a, b store, theirs *Context) (n int) {
	if m, ok := b.(*dotMap); ok {
		for _, e := range m.entries {
			n += named(at(a, []string{e.key}), e.store, theirs)
		}
		return n
	}
	if a == nil || b == nil {
		return 0
	}
	for _, d := range a.dots(nil) {
		if theirs.Has(d) {
			n++
		}
	}
	return n
}

// A dotSet is dots alone, in order.
type dotSet struct{ list []clock.Dot }

func (s *dotSet) orNil() store {
	if len(s.list) == 0 {
		return nil
	}
	return s
}

func (s *dotSet) join(own *Context, other store, theirs *Context) store {
	o := other.(*dotSet)
	if slices.Equal(s.list, o.list) {
		return s
	}
	both := zip(s.list, o.list, compareDots, func(x, y *clock.Dot) (clock.Dot, bool) {
		switch {
		case y == nil:
			return *x, !theirs.Has(*x)
		case x == nil:
			return *y, !own.Has(*y)
		}
		return *x, true
	})
	return (&dotSet{both}).orNil()
}

func compareDots(x, y *clock.Dot) int { return x.Compare(*y) }

func (s *dotSet) without(seen *Context) store {
	for i, d := range s.list {
		if seen.Has(d) {
			left := append(slices.Clone(s.list[:i]), s.list[i+1:]...)
			return (&dotSet{slices.DeleteFunc(left, seen.Has)}).orNil()
		}
	}
	return s
}

func (s *dotSet) clone() store                    { return s }
func (s *dotSet) dots(to []clock.Dot) []clock.Dot { return append(to, s.list...) }

func (s *dotSet) append(b []byte, c *Context) []byte {
	b = appendUint(b, uint64(len(s.list)))
	for _, d := range s.list {
		b = c.appendDot(b, d)
	}
	return b
}

// A dotFun is dots with a value each, in the order of the dots.
type dotFun struct{ list []dotted }

type dotted struct {
	dot   clock.Dot
	value string
}

// values are what a dotFun has, for those who read it.
type values []dotted

func one(d clock.Dot, value string) *dotFun { return &dotFun{[]dotted{{d, value}}} }

func (f *dotFun) orNil() store {
	if len(f.list) == 0 {
		return nil
	}
	return f
}

// join takes the larger value where both have one for a dot. They are the same
// unless two replicas used one actor: a mistake, but all make the same of it.
func (f *dotFun) join(own *Context, other store, theirs *Context) store {
	o := other.(*dotFun)
	if slices.Equal(f.list, o.list) {
		return f
	}
	both := zip(f.list, o.list, compareDotted, func(x, y *dotted) (dotted, bool) {
		switch {
		case y == nil:
			return *x, !theirs.Has(x.dot)
		case x == nil:
			return *y, !own.Has(y.dot)
		}
		return dotted{x.dot, max(x.value, y.value)}, true
	})
	return (&dotFun{both}).orNil()
}

func compareDotted(x, y *dotted) int { return x.dot.Compare(y.dot) }

func (f *dotFun) without(seen *Context) store {
	for i, e := range f.list {
		if seen.Has(e.dot) {
			left := append(slices.Clone(f.list[:i]), f.list[i+1:]...)
			gone := func(e dotted) bool { return seen.Has(e.dot) }
			return (&dotFun{slices.DeleteFunc(left, gone)}).orNil()
		}
	}
	return f
}

func (f *dotFun) clone() store { return f }

func (f *dotFun) dots(to []clock.Dot) []clock.Dot {
	for _, e := range f.list {
		to = append(to, e.dot)
	}
	return to
}

func (f *dotFun) append(b []byte, c *Context) []byte {
	b = appendUint(b, uint64(len(f.list)))
	for _, e := range f.list {
		b = appendText(c.appendDot(b, e.dot), e.value)
	}
	return b
}

// A dotMap has a store for each key, in the order of the keys. None is empty:
// a key of which nothing is left is gone.
type dotMap struct{ entries []entry }

type entry struct {
	key   string
	store store
}

func (m *dotMap) orNil() store {
	if len(m.entries) == 0 {
		return nil
	}
	return m
}

func (m *dotMap) join(own *Context, other store, theirs *Context) store {
	pick := func(x, y *entry) (entry, bool) {
		e := entry{key: cmp.Or(x, y).key}
		switch {
		case y == nil:
			e.store = x.store.without(theirs)
		case x == nil:
			e.store = y.store.without(own)
		default:
			e.store = x.store.join(own, y.store, theirs)
		}
		return e, e.store != nil
	}
	compare := func(x, y *entry) int { return strings.Compare(x.key, y.key) }
	return (&dotMap{zip(m.entries, other.(*dotMap).entries, compare, pick)}).orNil()
}

func (m *dotMap) without(seen *Context) store {
	left := make([]entry, 0, len(m.entries))
	for _, e := range m.entries {
		if e.store = e.store.without(seen); e.store != nil {
			left = append(left, e)
		}
	}
	return (&dotMap{left}).orNil()
}

func (m *dotMap) clone() store {
	c := &dotMap{slices.Clone(m.entries)}
	for i := range c.entries {
		c.entries[i].store = c.entries[i].store.clone()
	}
	return c
}

func (m *dotMap) dots(to []clock.Dot) []clock.Dot {
	for _, e := range m.entries {
		to = e.store.dots(to)
	}
	return to
}

func (m *dotMap) append(b []byte, c *Context) []byte {
	b = appendUint(b, uint64(len(m.entries)))
	for _, e := range m.entries {
		b = e.store.append(appendText(b, e.key), c)
	}
	return b
}

func (m *dotMap) find(key string) (int, bool) {
	return sort.Find(len(m.entries), func(i int) int {
		return strings.Compare(key, m.entries[i].key)
	})
}

// at returns the store that path leads to; nil if there is none.
func at(s store, path []string) store {
	for _, key := range path {
		m, _ := s.(*dotMap)
		if m == nil {
			return nil
		}
		i, ok := m.find(key)
		if !ok {
			return nil
		}
		s = m.entries[i].store
	}
	return s
}

// put returns root with s where path leads to. It changes the maps on the way.
func put(root store, path []string, s store) store {
	if len(path) == 0 {
		return s
	}
	m, _ := root.(*dotMap)
	if m == nil {
		m = new(dotMap)
	}
	i, ok := m.find(path[0])
	var below store
	if ok {
		below = m.entries[i].store
	}
	below = put(below, path[1:], s)
	switch {
	case ok && below != nil:
		m.entries[i].store = below
	case ok:
		m.entries = slices.Delete(m.entries, i, i+1)
	case below != nil:
		m.entries = slices.Insert(m.entries, i, entry{path[0], below})
	}
	return m.orNil()
}

// A shape says which stores a type is made of, for the reader.
type shape struct {
	values func(string) bool       // of a dotFun: is this a value?
	keys   func(key string) *shape // of a dotMap: what is below; nil if this is no key
}

// store reads a store; depth bounds the maps within maps: that of the deepest
// field, and the elements of a set there.
func (r *reader) store(c *Context, sh *shape, depth int) store {
	if !r.require(depth <= MaxDepth+1) {
		return nil
	}
	switch {
	case sh.keys != nil:
		return r.dotMap(c, sh, depth)
	case sh.values != nil:
		return r.dotFun(c, sh)
	}
	s := make([]clock.Dot, r.count(2))
	for i := range s {
		s[i] = r.dot(c)
		r.require(i == 0 || s[i-1].Compare(s[i]) < 0)
	}
	return (&dotSet{s}).orNil()
}

func (r *reader) dotFun(c *Context, sh *shape) store {
	f := make([]dotted, r.count(3))
	for i := range f {
		f[i] = dotted{r.dot(c), r.text()}
		r.require(sh.values(f[i].value) && (i == 0 || f[i-1].dot.Compare(f[i].dot) < 0))
	}
	return (&dotFun{f}).orNil()
}

func (r *reader) dotMap(c *Context, sh *shape, depth int) store {
	n := r.count(4)
	m := &dotMap{make([]entry, 0, n)}
	for i := range n {
		key := r.text()
		below := sh.keys(key)
		if !r.require(!r.bad && below != nil && (i == 0 || m.entries[i-1].key < key)) {
			return nil
		}
		s := r.store(c, below, depth+1)
		if !r.require(s != nil) {
			return nil
		}
		m.entries = append(m.entries, entry{key, s})
	}
	return m.orNil()
}
