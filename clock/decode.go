package clock

import (
	"encoding"
	"encoding/binary"
	"fmt"
)

// A reader cuts values off b. After the first mistake bad is set and every
// further value is zero: callers look once, at the end.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) require(cond bool) {
	if !cond {
		r.bad, r.b = true, nil
	}
}

// uint reads an unsigned varint in its shortest form: equal values must have
// equal bytes.
func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.require(n > 0 && (n == 1 || r.b[n-1] != 0))
	if r.bad {
		return 0
	}
	r.b = r.b[n:]
	return v
}

// positive reads an unsigned varint other than 0: what is not there is not
// written.
func (r *reader) positive() uint64 {
	v := r.uint()
	r.require(v != 0)
	return v
}

// count reads how many items follow, each of size bytes or more: what is left
// bounds it, and so what a caller allocates.
func (r *reader) count(size int) int {
	n := r.uint()
	r.require(n <= uint64(len(r.b)/size))
	if r.bad {
		return 0
	}
	return int(n)
}

// bytes reads a byte string behind its length, shared and clipped.
func (r *reader) bytes() []byte {
	n := r.count(1)
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// done returns an error if there was a mistake or something is left over.
func (r *reader) done(what string) error {
	if r.bad || len(r.b) > 0 {
		return malformed(what)
	}
	return nil
}

func malformed(what string) error { return fmt.Errorf("decode %s: %w", what, ErrMalformed) }

// canonical returns an error unless text is just what v writes: a parser may
// then be lenient, for anything but the one form of a value ends here.
func canonical(v encoding.TextAppender, text []byte, what string) error {
	again, err := v.AppendText(nil)
	if err != nil || string(again) != string(text) {
		return malformed(what)
	}
	return nil
}
