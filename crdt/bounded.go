package crdt

import (
	"fmt"
	"slices"
	"strconv"
)

// A BoundedCounter is never below 0, though no replica asks another: who adds
// gets rights to take as much away, may give them to others, and takes away
// only what it has rights for. (Balegas, Serra, Duarte, Ferreira, Rodrigues,
// Preguiça, Shapiro, Najafzadeh: Extending Eventually Consistent Cloud
// Databases for Enforcing Numeric Invariants, 2015: the Bounded Counter.) A bound K
// other than 0 is K beside the counter, and an upper bound K is a counter of
// what is left until K. The zero BoundedCounter is 0, and nobody has rights.
//
// An actor must be one replica that keeps its state: two that act as one, or
// one that has forgotten what it gave and took, would spend rights twice.
type BoundedCounter struct {
	rights grid // from actor a to actor b: what was given; to itself: what was added
	used   grid // by actor a: what was taken away
}

// Add adds n, gives the actor rights for as much, and returns the delta. It
// returns ErrRange if what the actor has added would exceed 2^63-1.
func (c *BoundedCounter) Add(actor, n uint64) (*BoundedCounter, error) {
	d, err := c.rights.raise(actor, actor, n)
	return &BoundedCounter{rights: d}, err
}

// Take takes n away and returns the delta. It returns ErrRights if the actor
// has rights for less: others may have them, and may give them.
func (c *BoundedCounter) Take(actor, n uint64) (*BoundedCounter, error) {
	if have := c.Rights(actor); n > have {
		return nil, fmt.Errorf("take %d with rights for %d: %w", n, have, ErrRights)
	}
	d, err := c.used.raise(actor, 0, n)
	return &BoundedCounter{used: d}, err
}

// Give gives rights for n to another actor and returns the delta. It returns
// ErrRights if the giver has rights for less. To give to oneself does nothing.
func (c *BoundedCounter) Give(from, to, n uint64) (*BoundedCounter, error) {
	if have := c.Rights(from); n > have {
		return nil, fmt.Errorf("give %d with rights for %d: %w", n, have, ErrRights)
	}
	if from == to {
		return &BoundedCounter{}, nil
	}
	d, err := c.rights.raise(from, to, n)
	return &BoundedCounter{rights: d}, err
}

// Rights returns how much the actor may take away: what it has added and was
// given, less what it gave and took. Asked of the actor's own replica it is
// never too much: it knows all that it gave and took, and perhaps not yet all
// that it was given.
func (c *BoundedCounter) Rights(actor uint64) uint64 {
	var w wide
	for _, r := range c.rights {
		switch actor {
		case r.b: // added, if also from itself
			w.add(r.n)
		case r.a:
			w.sub(r.n)
		}
	}
	for _, u := range c.used {
		if u.a == actor {
			w.sub(u.n)
		}
	}
	return uint64(max(0, w.int64()))
}

// Value returns what was added less what was taken away, from 0 to 2^63-1. It
// is 0 also where a delta that takes away came before the one that added what
// it takes: the true value is never below.
func (c *BoundedCounter) Value() uint64 {
	var w wide
	for _, r := range c.rights {
		if r.a == r.b {
			w.add(r.n)
		}
	}
	for _, u := range c.used {
		w.sub(u.n)
	}
	return uint64(max(0, w.int64()))
}

// Join takes in a state or a delta.
func (c *BoundedCounter) Join(o *BoundedCounter) {
	c.rights.join(o.rights)
	c.used.join(o.used)
}

// Clone returns a copy that shares nothing with c.
func (c *BoundedCounter) Clone() *BoundedCounter {
	return &BoundedCounter{slices.Clone(c.rights), slices.Clone(c.used)}
}

// Size says what the state costs.
func (c *BoundedCounter) Size() Size { return sizeOf(len(c.rights)+len(c.used), c) }

// String returns the value.
func (c *BoundedCounter) String() string { return strconv.FormatUint(c.Value(), 10) }

// AppendBinary appends the canonical bytes of c. It never fails.
func (c *BoundedCounter) AppendBinary(b []byte) ([]byte, error) {
	return c.used.append(c.rights.append(append(b, tagBoundedCounter))), nil
}

// MarshalBinary is AppendBinary to nil.
func (c *BoundedCounter) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// UnmarshalBinary replaces c by what AppendBinary wrote. It returns ErrBytes
// for any other bytes, and then changes nothing.
func (c *BoundedCounter) UnmarshalBinary(b []byte) error {
	r := read(b, tagBoundedCounter)
	read := BoundedCounter{r.grid(), r.grid()}
	for _, u := range read.used {
		r.require(u.b == 0)
	}
	if err := r.done("BoundedCounter"); err != nil {
		return err
	}
	*c = read
	return nil
}
