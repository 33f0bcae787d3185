package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// FuzzDecoder: whatever the bytes, a decoder neither panics nor takes more
// memory than they could fill; and what it takes as sound, it can only have
// been written in that form.
func FuzzDecoder(f *testing.F) {
	f.Add(AppendStrings(AppendBytes(binary.AppendUvarint([]byte{3}, 700), []byte("abc")), []string{"x", "yz"}))
	f.Add([]byte{3, 0x80, 0x00, 0, 0})       // a number not in its shortest form
	f.Add([]byte{0, 1, 0xff, 0xff, 0xff, 9}) // more bytes than there are
	f.Fuzz(func(t *testing.T, b []byte) {
		d := Decoder{B: b}
		flags, n, v, ss := d.Flags(3), d.Uint(), d.Bytes(), d.Strings()
		if !d.Done() {
			return
		}
		again := AppendStrings(AppendBytes(binary.AppendUvarint([]byte{flags}, n), v), ss)
		if !bytes.Equal(again, b) {
			t.Fatalf("% x was read as what is written % x", b, again)
		}
	})
}

func TestInt(t *testing.T) {
	for _, v := range []int64{0, 1, -1, 63, -64, 1 << 62, -1 << 63} {
		d := Decoder{B: binary.AppendVarint(nil, v)}
		if got := d.Int(); got != v || !d.Done() {
			t.Errorf("%d was read as %d", v, got)
		}
	}
}

// TestBadStaysBad: after a mistake everything is zero, and nothing is left.
func TestBadStaysBad(t *testing.T) {
	d := Decoder{B: []byte{4, 'a', 'b'}}
	if v := d.Bytes(); v != nil || d.Uint() != 0 || d.Byte() != 0 || d.Count(1) != 0 || d.Done() {
		t.Errorf("%+v after %q", d, v)
	}
	d = Decoder{B: []byte{200, 1, 1}}
	if n := d.Count(1); n != 0 || !d.Bad {
		t.Errorf("room for %d items in a byte", n)
	}
	if slices.Equal(AppendString(nil, "a"), AppendBytes(nil, []byte("b"))) {
		t.Error("different strings have equal bytes")
	}
}

func TestCounts(t *testing.T) {
	for _, v := range [][]uint64{nil, {1}, {0, 0, 7}, {1 << 63, 1}} {
		b := AppendUints(AppendUints(nil, uint64(len(v))), v...)
		d := Decoder{B: b}
		if got := d.Counts(); !slices.Equal(got, v) || !d.Done() {
			t.Errorf("%v comes back as %v", v, got)
		}
	}
	for _, b := range [][]byte{{1, 0}, {2, 5, 0}, {3, 1}, {255, 255, 255, 255, 15}} { // zeros at the end, too few
		d := Decoder{B: b}
		if got := d.Counts(); d.Done() {
			t.Errorf("% x was read as %v", b, got)
		}
	}
}
