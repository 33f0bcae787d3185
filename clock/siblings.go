package clock

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
)

// Siblings are the values of one key of which none replaced another: a dotted
// version vector set. Each write has a [Dot] of the replica that took it, and
// what its client had read is a [Version], the context. A value stays exactly
// until the context of some write covers its dot; so a client replaces what it
// has read and nothing else, even if it writes through a replica that has since
// taken other writes. A version vector of replicas alone, without dots, cannot
// tell these writes apart: it loses values, or keeps what was replaced, more
// with each write. (Almeida et al., Scalable and Accurate Causality Tracking
// for Eventually Consistent Stores, 2014.)
//
// The life of a key: a client reads the values and the Context; writes by Put
// with that context; if it had read several values, it writes one that stands
// for all of them, and so resolves them. Replicas exchange Siblings and Sync.
// Nothing is ever pruned: a context that has forgotten actors makes values
// reappear. There is no way to drop a sibling but by a context that covers it:
// were the survivor to move to another dot, replicas would no longer agree.
//
// An actor must not use a dot twice. A replica that may have lost writes has to
// go on as a new actor. The zero Siblings has no values; Siblings are never
// changed in place.
type Siblings[V any] struct {
	entries []entry[V] // by actor
}

// An entry knows the dots 1 to seq of an actor. The values are those of the
// latest dots, from seq down: contexts know an actor's dots up to some number,
// so what they leave is the end.
type entry[V any] struct {
	actor, seq uint64
	values     []V
}

// Put returns the siblings after a write, through the replica that is called
// actor, of a client that had read ctx; the nil Version if it had read nothing.
// It fails with ErrOverflow if ctx names the last of all dots, which no replica
// will ever have given.
func (s Siblings[V]) Put(ctx Version, v V, actor uint64) (Siblings[V], error) {
	t := s.Discard(ctx)
	i, ok := slices.BinarySearchFunc(t.entries, actor, func(e entry[V], a uint64) int {
		return cmp.Compare(e.actor, a)
	})
	if !ok {
		t.entries = slices.Insert(t.entries, i, entry[V]{actor: actor})
	}
	e := &t.entries[i]
	if e.seq == math.MaxUint64 {
		return s, fmt.Errorf("put by actor %d: %w", actor, ErrOverflow)
	}
	e.seq++
	e.values = append([]V{v}, e.values...)
	return t, nil
}

// Discard returns the siblings without those that ctx covers: what is left when
// a client deletes what it has read.
func (s Siblings[V]) Discard(ctx Version) Siblings[V] {
	ctx = ctx.known()
	t := Siblings[V]{entries: make([]entry[V], len(ctx))}
	for i, d := range ctx {
		t.entries[i] = entry[V]{actor: d.Actor, seq: d.Seq}
	}
	return s.Sync(t)
}

// Sync returns what two replicas hold together: a value stays if both have it,
// or if one has it and the other has not known of its write.
func (s Siblings[V]) Sync(t Siblings[V]) Siblings[V] {
	a, b := s.entries, t.entries
	u := make([]entry[V], 0, max(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].actor < b[0].actor:
			u, a = append(u, a[0]), a[1:]
		case a[0].actor > b[0].actor:
			u, b = append(u, b[0]), b[1:]
		default:
			u = append(u, a[0].sync(b[0]))
			a, b = a[1:], b[1:]
		}
	}
	return Siblings[V]{append(append(u, a...), b...)}
}

func (e entry[V]) sync(f entry[V]) entry[V] {
	if e.seq < f.seq {
		e, f = f, e
	}
	// e has the values after this dot, f has or has not known them.
	after := max(e.seq-uint64(len(e.values)), f.seq-uint64(len(f.values)))
	if n := int(e.seq - after); n < len(e.values) {
		e.values = slices.Clone(e.values[:n]) // and let go of the others
	}
	return e
}

// Context returns the version that covers all writes known here: what a client
// that reads must hand back when it writes.
func (s Siblings[V]) Context() Version {
	v := make(Version, len(s.entries))
	for i, e := range s.entries {
		v[i] = Dot{Actor: e.actor, Seq: e.seq}
	}
	return v
}

// All yields each value behind its dot: by actor, and of an actor the latest
// first.
func (s Siblings[V]) All() iter.Seq2[Dot, V] {
	return func(yield func(Dot, V) bool) {
		for _, e := range s.entries {
			for i, v := range e.values {
				if !yield(Dot{Actor: e.actor, Seq: e.seq - uint64(i)}, v) {
					return
				}
			}
		}
	}
}

// Len returns how many values there are: 0 if there was no write or all were
// discarded, above 1 in conflict.
func (s Siblings[V]) Len() (n int) {
	for _, e := range s.entries {
		n += len(e.values)
	}
	return n
}

// String returns, for each actor, "(actor,seq,[values])".
func (s Siblings[V]) String() string {
	b := []byte{'['}
	for i, e := range s.entries {
		if i > 0 {
			b = append(b, ' ')
		}
		b = fmt.Appendf(b, "(%d,%d,%v)", e.actor, e.seq, e.values)
	}
	return string(append(b, ']'))
}

// Append appends how many actors there are, and of each, in ascending order,
// its name, its number of writes, the number of its values and each value
// behind its length; value appends one. Equal siblings have equal bytes if
// equal values do.
func (s Siblings[V]) Append(b []byte, value func(b []byte, v V) []byte) []byte {
	var scratch []byte
	b = binary.AppendUvarint(b, uint64(len(s.entries)))
	for _, e := range s.entries {
		b = binary.AppendUvarint(b, e.actor)
		b = binary.AppendUvarint(b, e.seq)
		b = binary.AppendUvarint(b, uint64(len(e.values)))
		for _, v := range e.values {
			scratch = value(scratch[:0], v)
			b = append(binary.AppendUvarint(b, uint64(len(scratch))), scratch...)
		}
	}
	return b
}

// DecodeSiblings reads what Append wrote, and each value by a function that
// must accept just what was written of one, and must keep no part of its
// argument. It fails with ErrMalformed, or with what value failed with.
func DecodeSiblings[V any](b []byte, value func([]byte) (V, error)) (Siblings[V], error) {
	r := reader{b: b}
	s := Siblings[V]{entries: make([]entry[V], r.count(3))}
	for i := range s.entries {
		e := &s.entries[i]
		e.actor, e.seq = r.uint(), r.positive()
		r.require(i == 0 || s.entries[i-1].actor < e.actor)
		n := r.count(1)
		r.require(uint64(n) <= e.seq)
		for range n {
			v, err := value(r.bytes())
			if r.bad {
				break
			}
			if err != nil {
				return Siblings[V]{}, fmt.Errorf("decode sibling: %w", err)
			}
			e.values = append(e.values, v)
		}
	}
	if err := r.done("siblings"); err != nil {
		return Siblings[V]{}, err
	}
	return s, nil
}
