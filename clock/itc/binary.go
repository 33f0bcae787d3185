package itc

import (
	"fmt"
	"math"

	"althing/clock"
)

// A writer appends bits to b, the highest of each byte first.
type writer struct {
	b       []byte
	pending uint64 // the low n bits are to be written
	n       int    // < 8
}

// put appends the low n ≤ 64 bits of v.
func (w *writer) put(v uint64, n int) {
	if n > 32 {
		w.put(v>>32, n-32)
		n = 32
	}
	w.pending = w.pending<<n | v&(1<<n-1)
	for w.n += n; w.n >= 8; {
		w.n -= 8
		w.b = append(w.b, byte(w.pending>>w.n))
	}
}

// id appends 0 as 000, 1 as 001, (0,r) as 01 r, (l,0) as 10 l, (l,r) as 11 l r.
func (w *writer) id(i *id) {
	switch {
	case i == nil:
		w.put(0b000, 3)
	case i.all():
		w.put(0b001, 3)
	case i.l == nil:
		w.put(0b01, 2)
		w.id(i.r)
	case i.r == nil:
		w.put(0b10, 2)
		w.id(i.l)
	default:
		w.put(0b11, 2)
		w.id(i.l)
		w.id(i.r)
	}
}

// event appends n as 1 and number n; (0,0,r) as 000 r, (0,l,0) as 001 l,
// (0,l,r) as 010 l r; (n,0,r) as 01100 n r, (n,l,0) as 01101 n l, (n,l,r) as
// 0111 n l r, where n is written as the leaf n is.
func (w *writer) event(e event) {
	if e.kids == nil {
		w.put(1, 1)
		w.number(e.base)
		return
	}
	noL, noR := e.kids.l == event{}, e.kids.r == event{}
	switch {
	case e.base == 0 && noL:
		w.put(0b000, 3)
	case e.base == 0 && noR:
		w.put(0b001, 3)
	case e.base == 0:
		w.put(0b010, 3)
	case noL:
		w.put(0b01100, 5)
	case noR:
		w.put(0b01101, 5)
	default:
		w.put(0b0111, 4)
	}
	if e.base != 0 {
		w.event(event{base: e.base})
	}
	if !noL {
		w.event(e.kids.l)
	}
	if !noR {
		w.event(e.kids.r)
	}
}

// number appends n as 0 and 2 bits if it is less than 4, else as 1 and then n-4
// as 0 and 3 bits if that is less than 8, else as 1 …
func (w *writer) number(n uint64) {
	size := 2
	for size < 64 && n >= 1<<size {
		w.put(1, 1)
		n -= 1 << size
		size++
	}
	w.put(0, 1)
	w.put(n, size)
}

// A reader cuts bits off b. After the first mistake bad is set, and every
// further bit is 0: callers look once, at the end.
type reader struct {
	b   []byte
	at  int // bits read
	bad bool
}

func (r *reader) require(cond bool) { r.bad = r.bad || !cond }

// take reads n ≤ 64 bits.
func (r *reader) take(n int) (v uint64) {
	if r.require(n <= 8*len(r.b)-r.at); r.bad {
		return 0
	}
	for range n {
		v = v<<1 | uint64(r.b[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return v
}

// id reads what writer.id wrote of one in normal form. A mistake ends it at
// once, for further bits are 0.
func (r *reader) id(depth int) *id {
	r.require(depth <= MaxDepth)
	form := r.take(2)
	if r.bad {
		return nil
	}
	if form == 0b00 {
		if r.take(1) == 1 {
			return whole
		}
		return nil
	}
	var i id
	if form != 0b01 {
		i.l = r.id(depth + 1)
		r.require(i.l != nil)
	}
	if form != 0b10 {
		i.r = r.id(depth + 1)
		r.require(i.r != nil)
	}
	r.require(i.l == nil || i.r == nil || !i.l.all() || !i.r.all())
	return &i
}

// event reads what writer.event wrote of one in normal form. Its values come on
// top of above, and must have room there.
func (r *reader) event(above uint64, depth int) (e event) {
	r.require(depth <= MaxDepth)
	if r.take(1) == 1 {
		e.base = r.number()
		r.require(e.base <= math.MaxUint64-above)
		return e
	}
	form := r.take(2)
	hasL, hasR := form != 0b00, form != 0b01
	if form == 0b11 {
		if r.take(1) == 0 {
			hasL = r.take(1) == 1
			hasR = !hasL
		}
		r.require(r.take(1) == 1)
		e.base = r.number()
		r.require(e.base > 0 && e.base <= math.MaxUint64-above)
	}
	if r.bad {
		return event{}
	}
	var k kids
	if hasL {
		k.l = r.event(above+e.base, depth+1)
		r.require(k.l != event{})
	}
	if hasR {
		k.r = r.event(above+e.base, depth+1)
		r.require(k.r != event{})
	}
	r.require(k.l != k.r && (k.l.base == 0 || k.r.base == 0))
	e.kids = &k
	return e
}

// number reads what writer.number wrote.
func (r *reader) number() uint64 {
	size, least := 2, uint64(0)
	for r.take(1) == 1 {
		if r.require(size < 64); r.bad {
			return 0
		}
		least += 1 << size
		size++
	}
	n := r.take(size)
	r.require(n <= math.MaxUint64-least)
	return least + n
}

func (s Stamp) write(b []byte) writer {
	w := writer{b: b}
	w.id(s.id)
	w.event(s.event)
	return w
}

// AppendBinary appends the bits of the id and of the event tree as the paper
// has them, and zeros up to a whole byte. It never fails.
func (s Stamp) AppendBinary(b []byte) ([]byte, error) {
	w := s.write(b)
	w.put(0, (8-w.n)%8)
	return w.b, nil
}

// MarshalBinary is AppendBinary to nil.
func (s Stamp) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary reads what AppendBinary wrote. It fails with
// [clock.ErrMalformed] on anything else, such as trees that are not in normal
// form, deeper than MaxDepth, or with values beyond 64 bits. What it allocates
// is less than a hundred times the bytes.
func (s *Stamp) UnmarshalBinary(b []byte) error {
	r := reader{b: b}
	t := Stamp{id: r.id(0), event: r.event(0, 0)}
	padding := 8*len(b) - r.at
	r.require(padding < 8)
	if r.require(r.take(padding) == 0); r.bad {
		return malformed()
	}
	*s = t
	return nil
}

func malformed() error { return fmt.Errorf("decode stamp: %w", clock.ErrMalformed) }
