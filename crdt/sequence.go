package crdt

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"althing/clock"
)

// A Sequence is a list, or a text if its elements are letters. Elements stand
// in all replicas in the same order, and what one replica inserts in one go,
// forwards or backwards, stays together even if another inserts at the same
// place at the same time. (Weidner, Gentle, Kleppmann: The Art of the Fugue:
// Minimizing Interleaving in Collaborative Text Editing, 2023, arXiv
// 2305.00583: Fugue. Its variant FugueMax, which mixes less still in rare cases
// of several writers, is not this one.) The zero Sequence is empty.
//
// Tombstones: of a deleted element its value is dropped, but its place is
// kept, for others may have inserted beside it without knowing. A Sequence
// never gets smaller in entries; Size says how many are dead.
type Sequence struct {
	nodes   map[clock.Dot]*node
	seen    Context // the dots of nodes
	gone    Context // the dots that were deleted, whether or not they are here
	root    *node
	order   order                 // of the nodes that hang on the root, and the root
	waiting map[clock.Dot][]*node // by the parent that is not here
}

func (s *Sequence) init() {
	if s.nodes == nil {
		s.nodes = make(map[clock.Dot]*node)
		s.rebuild(nil)
	}
}

// rebuild makes the tree and the order from the nodes, sorted by dot.
func (s *Sequence) rebuild(sorted []*node) {
	s.root, s.order = &node{gone: true}, order{}
	s.waiting = make(map[clock.Dot][]*node)
	for _, n := range sorted {
		n.lefts, n.rights, n.chunk = nil, nil, nil
	}
	for _, n := range sorted { // by dot: so siblings are too
		switch p := s.parent(n); {
		case p == nil:
		case n.place.left:
			p.lefts = append(p.lefts, n)
		default:
			p.rights = append(p.rights, n)
		}
	}
	s.walk()
	for _, n := range sorted {
		if n.chunk == nil { // neither does it hang on the root, nor what hangs on it
			n.lefts, n.rights = nil, nil
			s.waiting[n.place.parent] = append(s.waiting[n.place.parent], n)
		}
	}
}

// walk makes the order from the tree.
func (s *Sequence) walk() {
	type step struct {
		n    *node
		self bool // the node itself; else all of its subtree
	}
	for todo := []step{{s.root, false}}; len(todo) > 0; {
		t := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if t.self {
			s.order.append(t.n)
			continue
		}
		for _, c := range slices.Backward(t.n.rights) {
			todo = append(todo, step{c, false})
		}
		todo = append(todo, step{t.n, true})
		for _, c := range slices.Backward(t.n.lefts) {
			todo = append(todo, step{c, false})
		}
	}
}

func (s *Sequence) sorted() []*node {
	all := make([]*node, 0, len(s.nodes))
	for _, n := range s.nodes {
		all = append(all, n)
	}
	slices.SortFunc(all, compareNodes)
	return all
}

// parent returns the parent of n; nil if it is not here.
func (s *Sequence) parent(n *node) *node {
	if n.place.parent == (clock.Dot{}) {
		return s.root
	}
	return s.nodes[n.place.parent]
}

// add takes in a node that is not here yet, and hangs it on the tree, with all
// that has waited for it.
func (s *Sequence) add(n *node) {
	s.nodes[n.dot] = n
	s.seen.Add(n.dot)
	for todo := []*node{n}; len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		p := s.parent(n)
		if p == nil || p.chunk == nil {
			s.waiting[n.place.parent] = append(s.waiting[n.place.parent], n)
			continue
		}
		neighbour, behind := p.adopt(n)
		s.order.insert(n, neighbour, behind)
		todo = append(todo, s.waiting[n.dot]...)
		delete(s.waiting, n.dot)
	}
}

// kill makes a tombstone of n.
func (s *Sequence) kill(n *node) {
	if n.gone {
		return
	}
	if n.chunk != nil {
		s.order.count(n, -1)
	}
	n.gone, n.value = true, ""
}

// Insert inserts values so that the first of them becomes the i-th element,
// counted from 0, in the name of the actor, and returns the delta. It panics
// unless i is from 0 to Len.
func (s *Sequence) Insert(actor uint64, i int, values ...string) *Sequence {
	s.init()
	if i < 0 || i > s.order.visible {
		panic(fmt.Sprintf("crdt: insert at %d into %d elements", i, s.order.visible))
	}
	d := new(Sequence)
	d.init()
	before := s.root
	if i > 0 {
		before = s.order.at(i - 1)
	}
	for _, v := range values {
		p := place{before.dot, false}
		if len(before.rights) > 0 { // else another's run would be cut in two
			p = place{s.order.after(before).dot, true}
		}
		n := node{dot: s.next(actor), place: p, value: v}
		own, sent := n, n
		s.add(&own)
		d.add(&sent)
		before = &own
	}
	return d
}

// InsertText inserts the letters of text, each as an element, and returns the
// delta. See Insert.
func (s *Sequence) InsertText(actor uint64, i int, text string) *Sequence {
	return s.Insert(actor, i, strings.Split(text, "")...)
}

func (s *Sequence) next(actor uint64) clock.Dot {
	a, b := s.seen.Next(actor), s.gone.Next(actor)
	return clock.Dot{Actor: actor, Seq: max(a.Seq, b.Seq)}
}

// Delete deletes n elements from the i-th on, counted from 0, and returns the
// delta. It panics unless there are as many.
func (s *Sequence) Delete(i, n int) *Sequence {
	s.init()
	if i < 0 || n < 0 || n > s.order.visible-i {
		panic(fmt.Sprintf("crdt: delete %d from %d of %d elements", n, i, s.order.visible))
	}
	d := new(Sequence)
	for range n {
		dead := s.order.at(i)
		s.kill(dead)
		s.gone.Add(dead.dot)
		d.gone.Add(dead.dot)
	}
	return d
}

// Len returns how many elements there are.
func (s *Sequence) Len() int { return s.order.visible }

// At returns the i-th element, counted from 0. It panics if there is none.
func (s *Sequence) At(i int) string {
	if i < 0 || i >= s.order.visible {
		panic(fmt.Sprintf("crdt: element %d of %d", i, s.order.visible))
	}
	return s.order.at(i).value
}

// All returns the elements in order.
func (s *Sequence) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, c := range s.order.chunks {
			for _, n := range c.nodes {
				if !n.gone && !yield(n.value) {
					return
				}
			}
		}
	}
}

// String returns the elements one after another.
func (s *Sequence) String() string {
	var b strings.Builder
	for v := range s.All() {
		b.WriteString(v)
	}
	return b.String()
}

// manyNodes is how many new nodes are hung on the tree one by one; with more,
// all of it is made anew.
const manyNodes = 64

// Join takes in a state or a delta.
func (s *Sequence) Join(o *Sequence) {
	s.init()
	again := len(o.nodes) > max(manyNodes, len(s.nodes)/8)
	for _, theirs := range o.nodes {
		if ours := s.nodes[theirs.dot]; ours != nil {
			again = ours.settle(theirs) || again
		}
	}
	if !s.seen.Covers(&o.seen) {
		for _, theirs := range o.nodes {
			if s.nodes[theirs.dot] != nil {
				continue
			}
			n := &node{dot: theirs.dot, place: theirs.place, value: theirs.value, gone: theirs.gone}
			if s.gone.Has(n.dot) {
				n.gone, n.value = true, ""
			}
			if again {
				s.nodes[n.dot] = n
			} else {
				s.add(n)
			}
		}
		s.seen.Join(&o.seen)
	}
	if !s.gone.Covers(&o.gone) {
		s.bury(&o.gone)
	}
	if again {
		s.rebuild(s.sorted())
	}
}

// settle makes one of two nodes with the same dot, and reports whether n has
// changed. They are the same unless two replicas used one actor: a mistake, but
// all make the same of it.
func (n *node) settle(o *node) bool {
	was := *n
	if comparePlaces(n.place, o.place) < 0 {
		n.place = o.place
	}
	if !n.gone && !o.gone {
		n.value = max(n.value, o.value)
	}
	return n.place != was.place
}

func comparePlaces(x, y place) int {
	if x.left != y.left {
		return map[bool]int{true: 1, false: -1}[x.left]
	}
	return x.parent.Compare(y.parent)
}

// bury deletes the dots that o has.
func (s *Sequence) bury(o *Context) {
	few := uint64(0)
	for _, sp := range o.spans {
		if few = min(few, 1<<62) + min(sp.last-sp.first+1, 1<<62); few > uint64(len(s.nodes)) {
			break
		}
	}
	s.gone.Join(o)
	if few > uint64(len(s.nodes)) {
		for d, n := range s.nodes {
			if o.Has(d) {
				s.kill(n)
			}
		}
		return
	}
	for _, sp := range o.spans {
		for seq := sp.first; seq <= sp.last; seq++ {
			if n := s.nodes[clock.Dot{Actor: sp.actor, Seq: seq}]; n != nil {
				s.kill(n)
			}
		}
	}
}

// Clone returns a copy that shares nothing with s.
func (s *Sequence) Clone() *Sequence {
	c := new(Sequence)
	c.Join(s)
	return c
}

// Size says what the state costs. Its tombstones are the deleted elements; the
// spans are those of inserts and deletes.
func (s *Sequence) Size() Size {
	b, _ := s.MarshalBinary()
	size := Size{Spans: s.seen.Len() + s.gone.Len(), Bytes: len(b)}
	for _, n := range s.nodes {
		if n.gone {
			size.Tombstones++
		} else {
			size.Entries++
		}
	}
	return size
}

// How the place of a node is written.
const (
	afterPrevious byte = iota // right of the dot before its own
	afterRoot                 // right of the root
	leftOf                    // left of the dot that follows
	rightOf                   // right of the dot that follows
)

// AppendBinary appends the canonical bytes of s: the dots of the nodes, the
// deleted dots, and by dot the place of each node and, if it is not deleted,
// its value. It never fails.
func (s *Sequence) AppendBinary(b []byte) ([]byte, error) {
	b = s.gone.append(s.seen.append(append(b, tagSequence)))
	for _, n := range s.sorted() {
		p := n.place.parent
		switch {
		case p == (clock.Dot{}):
			b = append(b, afterRoot)
		case n.follows():
			b = append(b, afterPrevious)
		case n.place.left:
			b = appendUint(appendUint(append(b, leftOf), p.Actor), p.Seq)
		default:
			b = appendUint(appendUint(append(b, rightOf), p.Actor), p.Seq)
		}
		if !n.gone {
			b = appendText(b, n.value)
		}
	}
	return b, nil
}

func (n *node) follows() bool {
	return n.place == place{clock.Dot{Actor: n.dot.Actor, Seq: n.dot.Seq - 1}, false} && n.dot.Seq > 1
}

// MarshalBinary is AppendBinary to nil.
func (s *Sequence) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary replaces s by what AppendBinary wrote. It returns ErrBytes
// for any other bytes, and then changes nothing.
func (s *Sequence) UnmarshalBinary(b []byte) error {
	r := read(b, tagSequence)
	q := Sequence{seen: r.context(), gone: r.context(), nodes: make(map[clock.Dot]*node)}
	var sorted []*node
	for _, sp := range q.seen.spans {
		if !r.require(sp.last-sp.first < uint64(len(r.s))) { // a node takes a byte or more
			break
		}
		for seq := sp.first; seq <= sp.last && !r.bad; seq++ {
			n := &node{dot: clock.Dot{Actor: sp.actor, Seq: seq}}
			n.gone = q.gone.Has(n.dot)
			n.place = r.place(n)
			if !n.gone {
				n.value = r.text()
			}
			q.nodes[n.dot] = n
			sorted = append(sorted, n)
		}
	}
	if err := r.done("Sequence"); err != nil {
		return err
	}
	q.rebuild(sorted)
	*s = q
	return nil
}

func (r *reader) place(n *node) place {
	code := r.byte()
	switch code {
	case afterRoot:
		return place{}
	case afterPrevious:
		r.require(n.dot.Seq > 1)
		return place{clock.Dot{Actor: n.dot.Actor, Seq: n.dot.Seq - 1}, false}
	}
	p := place{clock.Dot{Actor: r.uint(), Seq: r.uint()}, code == leftOf}
	own := p.parent.Actor == n.dot.Actor
	r.require(code <= rightOf && p.parent.Seq > 0 && p.parent.Seq <= maxSeq)
	r.require(!own || p.parent.Seq < n.dot.Seq)
	r.require(p.left || p.parent != clock.Dot{Actor: n.dot.Actor, Seq: n.dot.Seq - 1})
	return p
}
