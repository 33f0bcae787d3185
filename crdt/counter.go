package crdt

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
)

var (
	// ErrRange is wrapped when a count of an actor would exceed 2^63-1.
	ErrRange = errors.New("count beyond 2^63-1")
	// ErrRights is wrapped when an actor has not the rights for what it wants.
	ErrRights = errors.New("not enough rights")
)

// A cell is a count that only one actor raises: a says whose, b of what.
type cell struct{ a, b, n uint64 }

func compareCells(x, y *cell) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) }

// A grid is counts that only rise; their join is the greater of each. Cells
// are in order; a cell that is not there is 0, and none that is there is.
type grid []cell

func (g *grid) join(o grid) {
	*g = zip(*g, o, compareCells, func(x, y *cell) (cell, bool) {
		switch {
		case x == nil:
			return *y, true
		case y == nil || x.n > y.n:
			return *x, true
		}
		return *y, true
	})
}

// raise adds n to a cell, and returns the grid of that cell alone.
func (g *grid) raise(a, b, n uint64) (grid, error) {
	c := cell{a, b, n}
	i, ok := slices.BinarySearchFunc(*g, c, func(x, y cell) int { return compareCells(&x, &y) })
	if ok {
		c.n = (*g)[i].n
		if n > maxSeq-c.n {
			return nil, fmt.Errorf("count %d of actor %d: %w", n, a, ErrRange)
		}
		c.n += n
		if n > 0 {
			(*g)[i] = c
		}
		return grid{c}, nil
	}
	if n > maxSeq {
		return nil, fmt.Errorf("count %d of actor %d: %w", n, a, ErrRange)
	}
	if n == 0 {
		return nil, nil
	}
	*g = slices.Insert(*g, i, c)
	return grid{c}, nil
}

func (g grid) append(b []byte) []byte {
	b = appendUint(b, uint64(len(g)))
	for _, c := range g {
		b = appendUint(appendUint(appendUint(b, c.a), c.b), c.n)
	}
	return b
}

func (r *reader) grid() grid {
	g := make(grid, r.count(3))
	for i := range g {
		g[i] = cell{r.uint(), r.uint(), r.uint()}
		r.require(g[i].n > 0 && g[i].n <= maxSeq && (i == 0 || compareCells(&g[i-1], &g[i]) < 0))
	}
	return g
}

// A wide is a signed sum of 128 bits: counts below 2^63 cannot make it overflow.
type wide struct{ hi, lo uint64 }

func (w *wide) add(n uint64) {
	var carry uint64
	w.lo, carry = bits.Add64(w.lo, n, 0)
	w.hi += carry
}

func (w *wide) sub(n uint64) {
	var borrow uint64
	w.lo, borrow = bits.Sub64(w.lo, n, 0)
	w.hi -= borrow
}

// int64 returns the sum, or the nearest number that an int64 can say.
func (w wide) int64() int64 {
	switch {
	case int64(w.hi) == int64(w.lo)>>63:
		return int64(w.lo)
	case int64(w.hi) < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

// A GCounter only grows: each actor has a count of its own, and the join takes
// the greater of each. (Shapiro et al. 2011, §3.1.2, specification 6.) The zero
// GCounter is 0.
type GCounter struct{ counts grid }

// Add adds n and returns the delta. It returns ErrRange if the count of the
// actor would exceed 2^63-1, and then changes nothing.
func (c *GCounter) Add(actor, n uint64) (*GCounter, error) {
	d, err := c.counts.raise(actor, 0, n)
	return &GCounter{d}, err
}

// Value returns the sum of all counts, at most 2^63-1.
func (c *GCounter) Value() uint64 {
	var w wide
	for _, cell := range c.counts {
		w.add(cell.n)
	}
	return uint64(w.int64())
}

// Join takes in a state or a delta.
func (c *GCounter) Join(o *GCounter) { c.counts.join(o.counts) }

// Clone returns a copy that shares nothing with c.
func (c *GCounter) Clone() *GCounter { return &GCounter{slices.Clone(c.counts)} }

// Size says what the state costs.
func (c *GCounter) Size() Size { return sizeOf(len(c.counts), c) }

// String returns the value.
func (c *GCounter) String() string { return strconv.FormatUint(c.Value(), 10) }

// AppendBinary appends the canonical bytes of c. It never fails.
func (c *GCounter) AppendBinary(b []byte) ([]byte, error) {
	return c.counts.append(append(b, tagGCounter)), nil
}

// MarshalBinary is AppendBinary to nil.
func (c *GCounter) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// UnmarshalBinary replaces c by what AppendBinary wrote. It returns ErrBytes
// for any other bytes, and then changes nothing.
func (c *GCounter) UnmarshalBinary(b []byte) error {
	r := read(b, tagGCounter)
	counts := r.grid()
	for _, cell := range counts {
		r.require(cell.b == 0)
	}
	if err := r.done("GCounter"); err != nil {
		return err
	}
	c.counts = counts
	return nil
}

const (
	up   = 0 // the cells of a PNCounter that count what was added,
	down = 1 // and what was taken away
)

// A PNCounter counts up and down: it is two counters that only grow, and their
// difference. (Shapiro et al. 2011, §3.1.3, specification 7.) The zero
// PNCounter is 0.
type PNCounter struct{ counts grid }

// Add adds n, which may be negative, and returns the delta. It returns
// ErrRange if what the actor has added or taken away would exceed 2^63-1 in
// sum, and then changes nothing.
func (c *PNCounter) Add(actor uint64, n int64) (*PNCounter, error) {
	side, size := uint64(up), uint64(n)
	if n < 0 {
		side, size = down, -uint64(n)
	}
	d, err := c.counts.raise(actor, side, size)
	return &PNCounter{d}, err
}

// Value returns what was added less what was taken away, or the nearest number
// that an int64 can say.
func (c *PNCounter) Value() int64 {
	var w wide
	for _, cell := range c.counts {
		if cell.b == up {
			w.add(cell.n)
		} else {
			w.sub(cell.n)
		}
	}
	return w.int64()
}

// Join takes in a state or a delta.
func (c *PNCounter) Join(o *PNCounter) { c.counts.join(o.counts) }

// Clone returns a copy that shares nothing with c.
func (c *PNCounter) Clone() *PNCounter { return &PNCounter{slices.Clone(c.counts)} }

// Size says what the state costs.
func (c *PNCounter) Size() Size { return sizeOf(len(c.counts), c) }

// String returns the value.
func (c *PNCounter) String() string { return strconv.FormatInt(c.Value(), 10) }

// AppendBinary appends the canonical bytes of c. It never fails.
func (c *PNCounter) AppendBinary(b []byte) ([]byte, error) {
	return c.counts.append(append(b, tagPNCounter)), nil
}

// MarshalBinary is AppendBinary to nil.
func (c *PNCounter) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// UnmarshalBinary replaces c by what AppendBinary wrote. It returns ErrBytes
// for any other bytes, and then changes nothing.
func (c *PNCounter) UnmarshalBinary(b []byte) error {
	r := read(b, tagPNCounter)
	counts := r.grid()
	for _, cell := range counts {
		r.require(cell.b == up || cell.b == down)
	}
	if err := r.done("PNCounter"); err != nil {
		return err
	}
	c.counts = counts
	return nil
}

// sizeOf is Size for types without a context.
func sizeOf(entries int, s interface{ MarshalBinary() ([]byte, error) }) Size {
	b, _ := s.MarshalBinary()
	return Size{Entries: entries, Bytes: len(b)}
}
