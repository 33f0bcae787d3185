package crdt

import (
	"slices"

	"althing/clock"
)

// MaxDepth bounds maps within maps: reading, joining and cloning go down them
// step by step, and no one should be able to send us further than the stack.
const MaxDepth = 64

// A causal is a state of a causal type, or a delta: a store and the context
// that explains what is not in it. (Almeida et al. 2018: causal types.)
type causal struct {
	ctx  Context
	root store
}

// A kind is the name of a causal type, and what it is made of.
type kind interface {
	tag() byte
	name() string
	shape() *shape
}

// A state is a causal of one kind: what all causal types are and can.
type state[K kind] struct{ causal }

// fewDots is how many dots a delta may have seen so that it is worth finding out
// whether it concerns more than it names.
const fewDots = 64

func (c *causal) join(o *causal) {
	// If each dot that both have seen is where the delta names it, nothing else
	// here can be removed by it; and what it brings is news.
	if n, few := c.ctx.common(&o.ctx, fewDots); few && n == named(c.root, o.root, &o.ctx) {
		c.root = graft(&c.ctx, c.root, o.root, &o.ctx)
	} else {
		c.root = joined(&c.ctx, c.root, o.root, &o.ctx)
	}
	c.ctx.Join(&o.ctx)
}

func (c *causal) copy() causal {
	d := causal{ctx: c.ctx.Clone()}
	if c.root != nil {
		d.root = c.root.clone()
	}
	return d
}

// Context returns what the state has seen, whether or not it is still there.
func (c *causal) Context() Context { return c.ctx.Clone() }

// change joins fresh, and the removal of what gone covers, into the store that
// path leads to, and returns the delta that does the same elsewhere. The dots
// in gone belong to that store alone: so no other need be looked at.
func (c *causal) change(path []string, fresh store, gone Context) causal {
	d := causal{ctx: gone, root: put(nil, path, fresh)}
	if fresh != nil {
		for _, dot := range fresh.dots(nil) {
			d.ctx.Add(dot)
		}
	}
	c.root = put(c.root, path, joined(&c.ctx, at(c.root, path), fresh, &d.ctx))
	c.ctx.Join(&d.ctx)
	return d
}

// drop removes everything that seen has seen, wherever it is, now and when it
// arrives, and returns the delta that does the same elsewhere.
func (c *causal) drop(seen *Context) causal {
	d := causal{ctx: seen.Clone()}
	c.join(&d)
	return d
}

// seen returns the dots at path.
func (c *causal) seen(path []string) Context {
	if s := at(c.root, path); s != nil {
		return contextOf(s.dots(nil))
	}
	return Context{}
}

// The four changes that all causal types are made of: mark and write put a new
// dot in place of all that is seen at path, count puts one beside it, and
// clear leaves nothing there.

func (c *causal) mark(path []string, actor uint64) causal {
	return c.change(path, &dotSet{[]clock.Dot{c.ctx.Next(actor)}}, c.seen(path))
}

func (c *causal) write(path []string, actor uint64, value string) causal {
	return c.change(path, one(c.ctx.Next(actor), value), c.seen(path))
}

func (c *causal) count(path []string, actor uint64, value string) causal {
	return c.change(path, one(c.ctx.Next(actor), value), Context{})
}

func (c *causal) clear(path []string) causal { return c.change(path, nil, c.seen(path)) }

// values returns the values at path, in the order of their dots.
func (c *causal) values(path []string) values {
	if f, _ := at(c.root, path).(*dotFun); f != nil {
		return f.list
	}
	return nil
}

// keys returns the keys at path, with what is below them.
func (c *causal) keys(path []string) []entry {
	if m, _ := at(c.root, path).(*dotMap); m != nil {
		return m.entries
	}
	return nil
}

func (c *causal) append(b []byte, tag byte) []byte {
	b = c.ctx.append(append(b, tag))
	if c.root == nil {
		return append(b, 0)
	}
	return c.root.append(b, &c.ctx)
}

// AppendBinary appends the canonical bytes of the state: a tag, the context,
// and the store with its dots as places in the context. It never fails.
func (s *state[K]) AppendBinary(b []byte) ([]byte, error) {
	var k K
	return s.append(b, k.tag()), nil
}

// MarshalBinary is AppendBinary to nil.
func (s *state[K]) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary replaces the state by what AppendBinary wrote of one of the
// same type. It returns ErrBytes for any other bytes, and then changes nothing.
func (s *state[K]) UnmarshalBinary(b []byte) error {
	var k K
	r := read(b, k.tag())
	c := causal{ctx: r.context()}
	c.root = r.store(&c.ctx, k.shape(), 0)
	r.require(c.distinct())
	if err := r.done(k.name()); err != nil {
		return err
	}
	s.causal = c
	return nil
}

// distinct reports whether no dot is in two places: change rests on it.
func (c *causal) distinct() bool {
	if c.root == nil {
		return true
	}
	dots := c.root.dots(nil)
	slices.SortFunc(dots, clock.Dot.Compare)
	for i := range dots {
		if i > 0 && dots[i-1] == dots[i] {
			return false
		}
	}
	return true
}

// A Size says what a state costs.
type Size struct {
	Entries    int // what is kept of things that are: elements, values, increments
	Tombstones int // what is kept of things that are no more
	Spans      int // of the context: one for each actor if nothing is missing
	Bytes      int // of the canonical encoding
}

// Size says what the state costs. Its entries are its dots.
func (c *causal) Size() Size {
	s := Size{Spans: c.ctx.Len(), Bytes: len(c.append(nil, 0))}
	if c.root != nil {
		s.Entries = len(c.root.dots(nil))
	}
	return s
}
