package crdt

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	"althing/clock"
)

// A GSet only grows; the join is the union. (Shapiro et al. 2011, §3.3.1.)
// The zero GSet is empty.
type GSet struct{ elems []string }

// Add adds elements and returns the delta.
func (s *GSet) Add(elems ...string) *GSet {
	d := &GSet{slices.Compact(slices.Sorted(slices.Values(elems)))}
	s.Join(d)
	return d
}

// Has reports whether elem is in the set.
func (s *GSet) Has(elem string) bool {
	_, ok := slices.BinarySearch(s.elems, elem)
	return ok
}

// All returns the elements in order.
func (s *GSet) All() iter.Seq[string] { return slices.Values(s.elems) }

// Len returns how many elements are in the set.
func (s *GSet) Len() int { return len(s.elems) }

// Join takes in a state or a delta.
func (s *GSet) Join(o *GSet) {
	compare := func(x, y *string) int { return strings.Compare(*x, *y) }
	s.elems = zip(s.elems, o.elems, compare, func(x, y *string) (string, bool) {
		if x == nil {
			x = y
		}
		return *x, true
	})
}

// Clone returns a copy that shares nothing with s.
func (s *GSet) Clone() *GSet { return &GSet{slices.Clone(s.elems)} }

// Size says what the state costs.
func (s *GSet) Size() Size { return sizeOf(len(s.elems), s) }

// String returns the elements, quoted, in braces.
func (s *GSet) String() string { return braces(s.All()) }

// AppendBinary appends the canonical bytes of s. It never fails.
func (s *GSet) AppendBinary(b []byte) ([]byte, error) {
	b = appendUint(append(b, tagGSet), uint64(len(s.elems)))
	for _, e := range s.elems {
		b = appendText(b, e)
	}
	return b, nil
}

// MarshalBinary is AppendBinary to nil.
func (s *GSet) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary replaces s by what AppendBinary wrote. It returns ErrBytes
// for any other bytes, and then changes nothing.
func (s *GSet) UnmarshalBinary(b []byte) error {
	r := read(b, tagGSet)
	elems := make([]string, r.count(1))
	for i := range elems {
		elems[i] = r.text()
		r.require(i == 0 || elems[i-1] < elems[i])
	}
	if err := r.done("GSet"); err != nil {
		return err
	}
	s.elems = elems
	return nil
}

// braces returns words, quoted, in braces.
func braces(words iter.Seq[string]) string {
	var b []byte
	for w := range words {
		b = strconv.AppendQuote(append(b, ' '), w)
	}
	if b == nil {
		return "{}"
	}
	return "{" + string(b[1:]) + "}"
}

type awSet struct{}

func (awSet) tag() byte     { return tagAWSet }
func (awSet) name() string  { return "AWSet" }
func (awSet) shape() *shape { return awShape }

var awShape = &shape{keys: func(string) *shape { return &shape{} }}

// An AWSet is a set in which an add wins over a remove that has not seen it:
// remove takes away the adds that were seen, and no others. Of what is removed
// nothing is kept but that it was seen. (Bieniusa et al.: An optimized
// conflict-free replicated set, 2012; Almeida et al. 2018: add-wins set.)
// The zero AWSet is empty.
//
// An actor is one replica that keeps its state: see the package.
type AWSet struct{ state[awSet] }

func newAWSet(c causal) *AWSet { return &AWSet{state[awSet]{c}} }

// Add adds elem in the name of the actor and returns the delta.
func (s *AWSet) Add(actor uint64, elem string) *AWSet {
	return newAWSet(s.mark([]string{elem}, actor))
}

// Remove removes elem, as far as it has been seen here, and returns the delta.
func (s *AWSet) Remove(elem string) *AWSet { return newAWSet(s.clear([]string{elem})) }

// Seen returns the adds of elem that are seen here: what a client keeps, to
// remove later what it has seen now.
func (s *AWSet) Seen(elem string) Context { return s.seen([]string{elem}) }

// RemoveSeen removes the adds that seen has seen, of whatever elements, now or
// when they arrive, and returns the delta. Other adds stay: all of them, if
// seen is empty.
func (s *AWSet) RemoveSeen(seen Context) *AWSet { return newAWSet(s.drop(&seen)) }

// Has reports whether elem is in the set.
func (s *AWSet) Has(elem string) bool { return at(s.root, []string{elem}) != nil }

// All returns the elements in order.
func (s *AWSet) All() iter.Seq[string] { return names(s.keys(nil), always) }

// Len returns how many elements are in the set.
func (s *AWSet) Len() int { return len(s.keys(nil)) }

// Join takes in a state or a delta.
func (s *AWSet) Join(o *AWSet) { s.join(&o.causal) }

// Clone returns a copy that shares nothing with s.
func (s *AWSet) Clone() *AWSet { return newAWSet(s.copy()) }

// String returns the elements, quoted, in braces.
func (s *AWSet) String() string { return braces(s.All()) }

// names returns the keys of those entries that are in.
func names(entries []entry, in func(store) bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, e := range entries {
			if in(e.store) && !yield(e.key) {
				return
			}
		}
	}
}

func always(store) bool { return true }

type rwSet struct{}

func (rwSet) tag() byte     { return tagRWSet }
func (rwSet) name() string  { return "RWSet" }
func (rwSet) shape() *shape { return rwShape }

const (
	added   = "+"
	removed = "-"
)

var rwShape = &shape{keys: func(string) *shape { return &shape{values: isMark} }}

func isMark(v string) bool { return v == added || v == removed }

// An RWSet is a set in which a remove wins over an add that has not seen it.
// An element has a mark for each latest add or remove, and is in the set if
// all of them are adds. (Almeida et al. 2018: remove-wins set.) The zero RWSet is
// empty.
//
// Of what was removed a mark must be kept, for no set of this kind can do
// without: one that had removed "a" and one that had removed "b" would be
// equal, yet one must refuse an add of "a" that has not seen the remove, and
// the other take it. It is one mark, however often the element came and went,
// and [RWSet.Prune] takes it away when no such add can come any more.
type RWSet struct{ state[rwSet] }

func newRWSet(c causal) *RWSet { return &RWSet{state[rwSet]{c}} }

// Add adds elem in the name of the actor and returns the delta.
func (s *RWSet) Add(actor uint64, elem string) *RWSet {
	return newRWSet(s.write([]string{elem}, actor, added))
}

// Remove removes elem, whether or not it is in the set, in the name of the
// actor, and returns the delta.
func (s *RWSet) Remove(actor uint64, elem string) *RWSet {
	return newRWSet(s.write([]string{elem}, actor, removed))
}

// Has reports whether elem is in the set.
func (s *RWSet) Has(elem string) bool { return isIn(at(s.root, []string{elem})) }

// isIn reports whether there are marks, and all of them adds.
func isIn(s store) bool {
	marks, _ := s.(*dotFun)
	isRemove := func(m dotted) bool { return m.value == removed }
	return marks != nil && !slices.ContainsFunc(marks.list, isRemove)
}

// All returns the elements in order.
func (s *RWSet) All() iter.Seq[string] { return names(s.keys(nil), isIn) }

// Len returns how many elements are in the set.
func (s *RWSet) Len() (n int) {
	for range s.All() {
		n++
	}
	return n
}

// Prune takes away the marks of removed elements that are causally stable, and
// returns the delta. It must be given a context of every replica that may
// still add, as old as it likes: a mark that all of them have seen, when all
// that they had seen is here, cannot meet an add any more that has not seen
// it. If something they had seen is not here, nothing is taken away. (Baquero,
// Almeida, Shoker: Pure operation-based replicated data types, 2017: causal stability.)
func (s *RWSet) Prune(replicas ...Context) *RWSet {
	for _, c := range replicas {
		if !s.ctx.Covers(&c) {
			return new(RWSet)
		}
	}
	var gone []clock.Dot
	for _, e := range s.keys(nil) {
		marks := e.store.dots(nil)
		unstable := slices.ContainsFunc(replicas, func(c Context) bool {
			return slices.ContainsFunc(marks, func(d clock.Dot) bool { return !c.Has(d) })
		})
		if unstable || isIn(e.store) {
			continue
		}
		gone = append(gone, marks...)
	}
	c := contextOf(gone)
	return newRWSet(s.drop(&c))
}

// Join takes in a state or a delta.
func (s *RWSet) Join(o *RWSet) { s.join(&o.causal) }

// Clone returns a copy that shares nothing with s.
func (s *RWSet) Clone() *RWSet { return newRWSet(s.copy()) }

// Size says what the state costs. Its tombstones are the elements that are out
// of the set and have marks.
func (s *RWSet) Size() Size {
	size := s.causal.Size()
	size.Tombstones = len(s.keys(nil)) - s.Len()
	size.Entries = s.Len()
	return size
}

// String returns the elements, quoted, in braces.
func (s *RWSet) String() string { return braces(s.All()) }
