// Package wire is how the house writes values as bytes: unsigned and zigzag
// varints in their shortest form, byte strings behind their length. Equal
// values have equal bytes, and bytes from outside are read without trust.
package wire

import "encoding/binary"

// A Decoder cuts values off B. After the first mistake Bad is set, and every
// further value is zero: callers look once, at the end.
type Decoder struct {
	B   []byte
	Bad bool
}

// Done reports whether there was no mistake, and nothing is left over.
func (d *Decoder) Done() bool { return !d.Bad && len(d.B) == 0 }

// Require notes a mistake unless cond holds.
func (d *Decoder) Require(cond bool) {
	if !cond {
		d.Bad, d.B = true, nil
	}
}

// Byte reads one byte.
func (d *Decoder) Byte() byte {
	if len(d.B) == 0 {
		d.Bad = true
		return 0
	}
	v := d.B[0]
	d.B = d.B[1:]
	return v
}

// Flags reads a byte that may have only the bits of known.
func (d *Decoder) Flags(known byte) byte {
	f := d.Byte()
	d.Require(f&^known == 0)
	return f
}

// Uint reads an unsigned varint in its shortest form: equal values must have
// equal bytes.
func (d *Decoder) Uint() uint64 {
	v, n := binary.Uvarint(d.B)
	if n <= 0 || n > 1 && d.B[n-1] == 0 {
		d.Bad, d.B = true, nil
		return 0
	}
	d.B = d.B[n:]
	return v
}

// Int reads a signed varint.
func (d *Decoder) Int() int64 {
	v := d.Uint()
	return int64(v>>1) ^ -int64(v&1)
}

// Bytes reads a byte string, shared and clipped; nil if it is empty.
func (d *Decoder) Bytes() []byte {
	n := d.Uint()
	if n > uint64(len(d.B)) {
		d.Bad, d.B = true, nil
	}
	if d.Bad || n == 0 {
		return nil
	}
	v := d.B[:n:n]
	d.B = d.B[n:]
	return v
}

// Count reads how many items follow, each of size bytes or more: what is left
// bounds it, and so what a caller allocates.
func (d *Decoder) Count(size int) int {
	n := d.Uint()
	d.Require(n <= uint64(len(d.B)/size))
	if d.Bad {
		return 0
	}
	return int(n)
}

// Strings reads a list of strings.
func (d *Decoder) Strings() []string {
	var vs []string
	for range d.Count(1) {
		vs = append(vs, string(d.Bytes()))
	}
	return vs
}

// Counts reads numbers behind how many there are, without zeros at the end: the
// form of a vector clock. None is nil.
func (d *Decoder) Counts() []uint64 {
	n := d.Count(1)
	if n == 0 {
		return nil
	}
	v := make([]uint64, n)
	for i := range v {
		v[i] = d.Uint()
	}
	d.Require(v[n-1] != 0)
	return v
}

// Flag returns bit if on, and else 0.
func Flag(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}

// AppendUints appends unsigned varints, one behind the other.
func AppendUints(b []byte, vs ...uint64) []byte {
	for _, v := range vs {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

// AppendBytes appends a byte string behind its length.
func AppendBytes(b, v []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// AppendString appends a string behind its length.
func AppendString(b []byte, v string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

// AppendStrings appends a list of strings behind its length.
func AppendStrings(b []byte, vs []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(vs)))
	for _, v := range vs {
		b = AppendString(b, v)
	}
	return b
}
