package crdt

import (
	"encoding/binary"
	"errors"
	"fmt"

	"althing/clock"
)

// ErrBytes is wrapped by every error about bytes that are not the canonical
// bytes of a state of the type that reads them.
var ErrBytes = errors.New("not the canonical bytes of a state")

// maxSeq bounds the numbers of dots and the counts that are read: no actor
// counts so far.
const maxSeq = 1<<63 - 1

// Tags are the first byte of a state, so that no type reads another's.
const (
	tagGCounter byte = iota + 1
	tagPNCounter
	tagBoundedCounter
	tagGSet
	tagAWSet
	tagRWSet
	tagLWWRegister
	tagMVRegister
	tagEWFlag
	tagMap
	tagSequence
)

func appendUint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

func appendText(b []byte, v string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// A reader cuts values off s. After the first mistake bad is set, and every
// further value is zero: callers look once, at the end. It reads from a string
// so that all strings of a state share the memory of one.
type reader struct {
	s   string
	bad bool
}

// read returns a reader behind the tag of a state.
func read(b []byte, tag byte) reader {
	r := reader{s: string(b)}
	r.require(r.byte() == tag)
	return r
}

// done reports a mistake, or bytes that are left over.
func (r *reader) done(what string) error {
	if r.bad || r.s != "" {
		return fmt.Errorf("decode %s: %w", what, ErrBytes)
	}
	return nil
}

// require notes a mistake unless cond holds, and returns cond.
func (r *reader) require(cond bool) bool {
	if !cond {
		r.bad, r.s = true, ""
	}
	return cond
}

func (r *reader) byte() byte {
	if !r.require(r.s != "") {
		return 0
	}
	v := r.s[0]
	r.s = r.s[1:]
	return v
}

// uint reads a varint in its shortest form.
func (r *reader) uint() uint64 {
	var v uint64
	for i := 0; i < len(r.s) && i < binary.MaxVarintLen64; i++ {
		c := r.s[i]
		if i == 9 && c > 1 || i > 0 && c == 0 {
			break
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.s = r.s[i+1:]
			return v
		}
	}
	r.require(false)
	return 0
}

// count reads how many items follow, each of size bytes or more: what is left
// bounds it, and so what a caller allocates.
func (r *reader) count(size int) int {
	n := r.uint()
	if !r.require(n <= uint64(len(r.s)/size)) {
		return 0
	}
	return int(n)
}

func (r *reader) text() string {
	n := r.count(1)
	v := r.s[:n]
	r.s = r.s[n:]
	return v
}

func (c *Context) append(b []byte) []byte {
	b = appendUint(b, uint64(len(c.spans)))
	for _, s := range c.spans {
		b = appendUint(appendUint(appendUint(b, s.actor), s.first), s.last-s.first)
	}
	return b
}

func (r *reader) context() Context {
	n := r.count(3)
	if n == 0 {
		return Context{}
	}
	c := Context{make([]span, 0, n)}
	for range n {
		s := span{actor: r.uint(), first: r.uint()}
		more := r.uint()
		s.last = s.first + more
		r.require(s.first > 0 && s.first <= maxSeq && more <= maxSeq-s.first)
		if k := len(c.spans) - 1; k >= 0 {
			p := c.spans[k]
			r.require(p.actor < s.actor || p.actor == s.actor && p.last+1 < s.first)
		}
		c.spans = append(c.spans, s)
	}
	return c
}

// appendDot writes a dot that c has seen as its place there: short, whatever
// the actors are called, and nothing else can be said.
func (c *Context) appendDot(b []byte, d clock.Dot) []byte {
	i := c.upTo(d) - 1
	return appendUint(appendUint(b, uint64(i)), d.Seq-c.spans[i].first)
}

// dot reads what appendDot wrote.
func (r *reader) dot(c *Context) clock.Dot {
	i, offset := r.uint(), r.uint()
	if !r.require(i < uint64(len(c.spans)) && offset <= c.spans[i].last-c.spans[i].first) {
		return clock.Dot{}
	}
	return clock.Dot{Actor: c.spans[i].actor, Seq: c.spans[i].first + offset}
}

// zip walks two sorted lists side by side and returns what pick makes of each
// key: x is nil where only b has it, y where only a has. Every join here is a
// zip.
func zip[E any](a, b []E, compare func(x, y *E) int, pick func(x, y *E) (E, bool)) []E {
	out := make([]E, 0, max(len(a), len(b)))
	for len(a)+len(b) > 0 {
		var x, y *E
		order := 0
		switch {
		case len(a) == 0:
			order = 1
		case len(b) == 0:
			order = -1
		default:
			order = compare(&a[0], &b[0])
		}
		if order <= 0 {
			x, a = &a[0], a[1:]
		}
		if order >= 0 {
			y, b = &b[0], b[1:]
		}
		if e, ok := pick(x, y); ok {
			out = append(out, e)
		}
	}
	return out
}
