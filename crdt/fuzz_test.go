package crdt_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"althing/crdt"
)

// seedsOf returns bytes of states after random changes.
func seedsOf[T any, S crdt.State[T]](op op[T]) (all [][]byte) {
	r := rand.New(rand.NewPCG(7, 7))
	var s S = new(T)
	all = append(all, bytesOf[T](s))
	for i := range 20 {
		d := S(op(r, (*T)(s), uint64(1+i%3)))
		all = append(all, bytesOf[T](s), bytesOf[T](d))
	}
	return all
}

// holdBytes: bytes are the canonical bytes of what they are read as, or they
// are refused with ErrBytes and change nothing. And what is read is a state
// like any other: it can be changed and joined, and the laws hold.
func holdBytes[T any, S crdt.State[T]](t *testing.T, op op[T], b []byte) {
	var s S = new(T)
	r := rand.New(rand.NewPCG(uint64(len(b)), 8))
	op(r, (*T)(s), 1)
	was := bytesOf[T](s)
	own := S(s.Clone())
	if err := s.UnmarshalBinary(b); err != nil {
		if !errors.Is(err, crdt.ErrBytes) || !bytes.Equal(bytesOf[T](s), was) {
			t.Fatalf("%v changed to %v by %v", own, s, err)
		}
		return
	}
	if again := bytesOf[T](s); !bytes.Equal(again, b) {
		t.Fatalf("%x was read, and written as %x", b, again)
	}
	if clone := S(s.Clone()); !same[T](clone, s) || clone.String() != s.String() {
		t.Fatalf("%v was copied as %v", s, clone)
	}
	if size := s.Size(); size.Bytes < 1 || size.Entries < 0 || size.Tombstones < 0 {
		t.Fatalf("%+v", size)
	}
	before := S(s.Clone())
	d := S(op(r, (*T)(s), 2))
	if !same[T](join[T](before, d), s) || !same[T](join[T](s, before), s) {
		t.Fatalf("%v joined with %v is not %v", before, d, s)
	}
	if both := join[T](own, s); !same[T](both, join[T](s, own)) || !same[T](join[T](both, s), both) {
		t.Fatalf("%v and %v do not join", own, s)
	}
}

func fuzz[T any, S crdt.State[T]](f *testing.F, op op[T]) {
	for _, b := range seedsOf[T, S](op) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { holdBytes[T, S](t, op, b) })
}

func FuzzGCounter(f *testing.F)       { fuzz(f, gcounterOp) }
func FuzzPNCounter(f *testing.F)      { fuzz(f, pncounterOp) }
func FuzzBoundedCounter(f *testing.F) { fuzz(f, boundedOp) }
func FuzzGSet(f *testing.F)           { fuzz(f, gsetOp) }
func FuzzAWSet(f *testing.F)          { fuzz(f, awsetOp) }
func FuzzRWSet(f *testing.F)          { fuzz(f, rwsetOp) }
func FuzzLWWRegister(f *testing.F)    { fuzz(f, lwwOp) }
func FuzzMVRegister(f *testing.F)     { fuzz(f, mvOp) }
func FuzzEWFlag(f *testing.F)         { fuzz(f, flagOp) }
func FuzzMap(f *testing.F)            { fuzz(f, mapOp) }
func FuzzSequence(f *testing.F)       { fuzz(f, sequenceOp) }

func FuzzContext(f *testing.F) {
	for _, b := range seedsOf(awsetOp) {
		var s crdt.AWSet
		if s.UnmarshalBinary(b) == nil {
			c := s.Context()
			bin, _ := c.MarshalBinary()
			f.Add(bin)
			f.Add([]byte(c.String()))
		}
	}
	f.Add([]byte("1:7 2:3 2:5-6"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c, d crdt.Context
		if err := c.UnmarshalBinary(b); err == nil {
			again, _ := c.MarshalBinary()
			if !bytes.Equal(again, b) {
				t.Fatalf("%x was read, and written as %x", b, again)
			}
			if err := d.UnmarshalText([]byte(c.String())); err != nil || !d.Equal(&c) {
				t.Fatalf("%v was read as %v: %v", &c, &d, err)
			}
		} else if !errors.Is(err, crdt.ErrBytes) || c.Len() != 0 {
			t.Fatal(err)
		}
		if err := d.UnmarshalText(b); err == nil {
			if d.String() != string(b) {
				t.Fatalf("%q was read, and written as %q", b, &d)
			}
		} else if !errors.Is(err, crdt.ErrBytes) {
			t.Fatal(err)
		}
	})
}

// TestNoOtherBytes: of every state each byte is changed, cut off or doubled; what
// is read is then another state, with those bytes, or nothing.
func TestNoOtherBytes(t *testing.T) {
	t.Run("GCounter", tamper(gcounterOp))
	t.Run("PNCounter", tamper(pncounterOp))
	t.Run("BoundedCounter", tamper(boundedOp))
	t.Run("GSet", tamper(gsetOp))
	t.Run("AWSet", tamper(awsetOp))
	t.Run("RWSet", tamper(rwsetOp))
	t.Run("LWWRegister", tamper(lwwOp))
	t.Run("MVRegister", tamper(mvOp))
	t.Run("EWFlag", tamper(flagOp))
	t.Run("Map", tamper(mapOp))
	t.Run("Sequence", tamper(sequenceOp))
}

func tamper[T any, S crdt.State[T]](op op[T]) func(*testing.T) {
	return func(t *testing.T) {
		for _, b := range seedsOf[T, S](op) {
			for i := range b {
				for _, v := range []byte{0, 1, b[i] + 1, b[i] - 1, b[i] ^ 0x80, 0xff} {
					c := bytes.Clone(b)
					c[i] = v
					holdBytes[T, S](t, op, c)
				}
				holdBytes[T, S](t, op, b[:i])
				holdBytes[T, S](t, op, slices.Insert(bytes.Clone(b), i, b[i]))
			}
			var s S = new(T)
			if s.UnmarshalBinary(append(bytes.Clone(b), 0)) == nil {
				t.Fatalf("%x with one byte more was read", b)
			}
		}
	}
}

// TestHostileBytes: lengths that promise more than there is, dots that nobody
// has seen, a dot in two places, maps without end.
func TestHostileBytes(t *testing.T) {
	const aw, mv, nested, sequence = 5, 8, 10, 11
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f} // 2^63-1
	var deep crdt.Map
	reading := func(s interface{ UnmarshalBinary([]byte) error }) func(b ...[]byte) error {
		return func(b ...[]byte) error { return s.UnmarshalBinary(slices.Concat(b...)) }
	}
	for name, err := range map[string]error{
		"elements":         reading(new(crdt.GSet))([]byte{4}, huge),
		"cells":            reading(new(crdt.GCounter))([]byte{1}, huge),
		"spans":            reading(new(crdt.AWSet))([]byte{aw}, huge),
		"nodes":            reading(new(crdt.Sequence))([]byte{sequence, 1, 1, 1}, huge[:8], []byte{0x3f, 0}),
		"dot of no span":   reading(new(crdt.AWSet))([]byte{aw, 1, 1, 1, 0, 1, 1, 'a', 1, 1, 0}),
		"dot past a span":  reading(new(crdt.AWSet))([]byte{aw, 1, 1, 1, 0, 1, 1, 'a', 1, 0, 1}),
		"one dot twice":    reading(new(crdt.AWSet))([]byte{aw, 1, 1, 1, 0, 2, 1, 'a', 1, 0, 0, 1, 'b', 1, 0, 0}),
		"spans that touch": reading(new(crdt.AWSet))([]byte{aw, 2, 1, 1, 0, 1, 2, 0, 0}),
		"empty element":    reading(new(crdt.AWSet))([]byte{aw, 1, 1, 1, 0, 1, 1, 'a', 0}),
		"long varint":      reading(new(crdt.MVRegister))([]byte{mv, 0x80, 0, 0}),
		"another's tag":    reading(new(crdt.MVRegister))([]byte{aw, 0, 0}),
		"no kind":          reading(&deep)([]byte{nested, 1, 1, 1, 0, 1, 1, 'x', 1, 0, 0}),
		"maps in maps": reading(&deep)([]byte{nested, 1, 1, 1, 0},
			bytes.Repeat([]byte{1, 1, 'm'}, 1<<20), []byte{1, 1, 'f', 1, 0, 0}),
		"child of itself": reading(new(crdt.Sequence))([]byte{sequence, 1, 1, 1, 0, 0, 3, 1, 1, 1, 'a'}),
		"follows nothing": reading(new(crdt.Sequence))([]byte{sequence, 1, 1, 1, 0, 0, 0, 1, 'a'}),
	} {
		if !errors.Is(err, crdt.ErrBytes) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
