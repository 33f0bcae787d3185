package clock

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// A Version is a version vector: how many writes of each actor are known. Each
// dot in it stands for itself and all earlier ones of its actor. Where a
// [Vector] is for a fixed group whose members count all their events, a Version
// is for data, whose writers are few of many. An actor that is not in it has
// Seq 0, and a dot with Seq 0 says the same as none. (Parker et al., Detection
// of Mutual Inconsistency in Distributed Systems, 1983.)
//
// The nil Version knows nothing. Versions are sorted by actor, each of them
// once, and never changed in place.
type Version []Dot

// At returns how many writes of an actor are known.
func (v Version) At(actor uint64) uint64 {
	i, ok := slices.BinarySearchFunc(v, actor, func(d Dot, a uint64) int {
		return cmp.Compare(d.Actor, a)
	})
	if !ok {
		return 0
	}
	return v[i].Seq
}

// Covers reports whether the write named d is known.
func (v Version) Covers(d Dot) bool { return d.Seq <= v.At(d.Actor) }

// Merge returns what v and w know together.
func (v Version) Merge(w Version) Version {
	u := make(Version, 0, max(len(v), len(w)))
	v.pairs(w, func(actor, n, m uint64) { u = append(u, Dot{actor, max(n, m)}) })
	return u
}

// Compare tells how what v knows stands to what w knows.
func (v Version) Compare(w Version) Order {
	var lacks, has bool
	v.pairs(w, func(_, n, m uint64) { lacks, has = lacks || n < m, has || n > m })
	return OrderOf(lacks, has)
}

// pairs calls f with each actor of v or w, in order, and what they know of it.
func (v Version) pairs(w Version, f func(actor, n, m uint64)) {
	for len(v) > 0 || len(w) > 0 {
		switch {
		case len(w) == 0 || len(v) > 0 && v[0].Actor < w[0].Actor:
			f(v[0].Actor, v[0].Seq, 0)
			v = v[1:]
		case len(v) == 0 || v[0].Actor > w[0].Actor:
			f(w[0].Actor, 0, w[0].Seq)
			w = w[1:]
		default:
			f(v[0].Actor, v[0].Seq, w[0].Seq)
			v, w = v[1:], w[1:]
		}
	}
}

// known returns v without actors of whom nothing is known.
func (v Version) known() Version {
	none := func(d Dot) bool { return d.Seq == 0 }
	if !slices.ContainsFunc(v, none) {
		return v
	}
	return slices.DeleteFunc(slices.Clone(v), none)
}

// AppendBinary appends how many dots there are, and the dots. It never fails.
func (v Version) AppendBinary(b []byte) ([]byte, error) {
	v = v.known()
	b = binary.AppendUvarint(b, uint64(len(v)))
	for _, d := range v {
		b, _ = d.AppendBinary(b)
	}
	return b, nil
}

// MarshalBinary is AppendBinary to nil.
func (v Version) MarshalBinary() ([]byte, error) { return v.AppendBinary(nil) }

// UnmarshalBinary reads what AppendBinary wrote, or fails with ErrMalformed.
func (v *Version) UnmarshalBinary(b []byte) error {
	r := reader{b: b}
	w := make(Version, r.count(2))
	for i := range w {
		w[i] = Dot{Actor: r.uint(), Seq: r.positive()}
		r.require(i == 0 || w[i-1].Actor < w[i].Actor)
	}
	if err := r.done("version"); err != nil {
		return err
	}
	*v = w
	return nil
}

// String returns "{actor:seq,…}".
func (v Version) String() string {
	b, _ := v.AppendText(nil)
	return string(b)
}

// AppendText appends what String returns. It never fails.
func (v Version) AppendText(b []byte) ([]byte, error) {
	b = append(b, '{')
	for i, d := range v.known() {
		if i > 0 {
			b = append(b, ',')
		}
		b, _ = d.AppendText(b)
	}
	return append(b, '}'), nil
}

// MarshalText is AppendText to nil.
func (v Version) MarshalText() ([]byte, error) { return v.AppendText(nil) }

// UnmarshalText reads what AppendText wrote, or fails with ErrMalformed.
func (v *Version) UnmarshalText(text []byte) error {
	w := Version{}
	for s := range strings.SplitSeq(strings.Trim(string(text), "{}"), ",") {
		var d Dot
		if s == "" {
			continue
		}
		if d.UnmarshalText([]byte(s)) != nil || len(w) > 0 && w[len(w)-1].Actor >= d.Actor {
			return malformed("version")
		}
		w = append(w, d)
	}
	if err := canonical(w, text, "version"); err != nil {
		return err
	}
	*v = w
	return nil
}
