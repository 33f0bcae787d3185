package clock

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Vector counts, for each process, how many of its events are known: the
// i-th entry is for process i. An entry beyond the end is 0, and says the same
// as one that is there and 0. The clock of process i follows three rules:
// Tick(i) for an event of its own, a Clone of the clock after that to go with a
// message, Merge and then Tick(i) for a message received. (Fidge, Timestamps in
// Message-Passing Systems, 1988; Mattern, Virtual Time and Global States of
// Distributed Systems, 1989.)
//
// The nil Vector is the clock at the start. [Names] gives processes numbers.
type Vector []uint64

// Tick counts the next event of process i ≥ 0. It fails with ErrOverflow if its
// count has no room left, as only a count that came from outside can be.
func (v *Vector) Tick(i int) error {
	v.grow(i + 1)
	if (*v)[i] == math.MaxUint64 {
		return fmt.Errorf("tick entry %d: %w", i, ErrOverflow)
	}
	(*v)[i]++
	return nil
}

// Merge makes v know what w knows. It allocates only if w is the longer.
func (v *Vector) Merge(w Vector) {
	v.grow(len(w))
	d := (*v)[:len(w)]
	for i, n := range w {
		d[i] = max(d[i], n)
	}
}

func (v *Vector) grow(n int) {
	if n > len(*v) {
		*v = append(*v, make(Vector, n-len(*v))...)
	}
}

// At returns the count of process i ≥ 0.
func (v Vector) At(i int) uint64 {
	if i >= len(v) {
		return 0
	}
	return v[i]
}

// Compare tells whether the event stamped v happened before that stamped w.
// Vectors tell all of causality: Concurrent means that neither did.
func (v Vector) Compare(w Vector) Order {
	n := min(len(v), len(w))
	return OrderOf(exceeds(w, v[:n]), exceeds(v, w[:n]))
}

// exceeds reports whether some entry of v is greater than that of w, which is
// not the longer.
func exceeds(v, w Vector) bool {
	head := v[:len(w)]
	for i, n := range w {
		if head[i] > n {
			return true
		}
	}
	for _, n := range v[len(w):] {
		if n > 0 {
			return true
		}
	}
	return false
}

// Clone returns a copy that later changes to v leave alone.
func (v Vector) Clone() Vector { return append(Vector(nil), v...) }

// Deliverable is the rule of causal broadcast, where v counts the broadcasts
// delivered from each process and m those that its sender had delivered, or
// sent, with this one: m is the next of the sender, and all that the sender had
// delivered before is delivered here. After delivery, Tick(sender). Both must
// count broadcasts alone: if a receipt ticks too, as in the clock of events,
// then the next of a sender that received is never the next. (Birman, Schiper,
// Stephenson, Lightweight Causal and Atomic Group Multicast, 1991, §5.1.)
func (v Vector) Deliverable(m Vector, sender int) bool {
	if m.At(sender) == 0 || m.At(sender)-1 != v.At(sender) {
		return false
	}
	for i, n := range m {
		if i != sender && n > v.At(i) {
			return false
		}
	}
	return true
}

// trim cuts off the zeros at the end, which say nothing.
func (v Vector) trim() Vector {
	for len(v) > 0 && v[len(v)-1] == 0 {
		v = v[:len(v)-1]
	}
	return v
}

// AppendBinary appends the number of entries without zeros at the end, and the
// entries, as varints. It never fails. What i stands for is not in it: between
// processes that do not number alike, use [Names.AppendVector].
func (v Vector) AppendBinary(b []byte) ([]byte, error) {
	v = v.trim()
	b = binary.AppendUvarint(b, uint64(len(v)))
	for _, n := range v {
		b = binary.AppendUvarint(b, n)
	}
	return b, nil
}

// MarshalBinary is AppendBinary to nil.
func (v Vector) MarshalBinary() ([]byte, error) { return v.AppendBinary(nil) }

// UnmarshalBinary reads what AppendBinary wrote, or fails with ErrMalformed.
func (v *Vector) UnmarshalBinary(b []byte) error {
	r := reader{b: b}
	n := r.count(1)
	w := make(Vector, n)
	for i := range w {
		w[i] = r.uint()
	}
	r.require(n == 0 || w[n-1] != 0)
	if err := r.done("vector"); err != nil {
		return err
	}
	*v = w
	return nil
}

// String returns "(n0,n1,…)" without zeros at the end.
func (v Vector) String() string {
	b, _ := v.AppendText(nil)
	return string(b)
}

// AppendText appends what String returns. It never fails.
func (v Vector) AppendText(b []byte) ([]byte, error) {
	b = append(b, '(')
	for i, n := range v.trim() {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, n, 10)
	}
	return append(b, ')'), nil
}

// MarshalText is AppendText to nil.
func (v Vector) MarshalText() ([]byte, error) { return v.AppendText(nil) }

// UnmarshalText reads what AppendText wrote, or fails with ErrMalformed.
func (v *Vector) UnmarshalText(text []byte) error {
	w := Vector{}
	for s := range strings.SplitSeq(strings.Trim(string(text), "()"), ",") {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil && s != "" {
			return malformed("vector")
		}
		w = append(w, n)
	}
	w = w.trim()
	if err := canonical(w, text, "vector"); err != nil {
		return err
	}
	*v = w
	return nil
}
