// Package lanes is what a replica holds of messages that each member of a group
// numbers for itself: a lane for each origin, and the order in which this replica
// delivers them, which need not be that of another. Where oplog has one order for
// all and a place in it, lanes has vectors.
//
// Views come from elsewhere. A view begins after a cut: numbers run on over all
// views, so that a vector says what is before it. What a view ended without is
// dropped; what is of our own among that, its origin casts again.
//
// Here are also the messages that protocols of this kind speak, with their bytes,
// and a Witness that checks what they deliver.
package lanes

import (
	"cmp"
	"slices"

	"althing/clock"
	"althing/process"
	"althing/wire"
)

// Lanes is what is held and in which order it is delivered: all of it can be had
// again from records. Vectors have the entry of ID i at i-1. It is used by one
// goroutine.
type Lanes struct {
	Held    [][]*Multicast    // by origin, without gaps: of this view, and what a founder may lack
	Floor   clock.Vector      // Held begins after these: all founders have delivered them
	Cut     clock.Vector      // all that was delivered before this view
	Ordered clock.Vector      // what has its place in the order of delivery here
	Base    uint64            // deliveries that the application has made durable
	Line    []*Multicast      // those after it, in order
	Mine    []process.Request // ours of a view that ended without them: for the next one we are in
}

// At returns the place of id in vectors.
func At(id process.ID) int { return int(id) - 1 }

// Set makes entry i of v be n.
func Set(v *clock.Vector, i int, n uint64) {
	for len(*v) <= i {
		*v = append(*v, 0)
	}
	(*v)[i] = n
}

// Covers reports whether v has all that w has.
func Covers(v, w clock.Vector) bool {
	o := v.Compare(w)
	return o == clock.After || o == clock.Equal
}

// Count returns how many of origin o are here.
func (x *Lanes) Count(o int) uint64 {
	if o >= len(x.Held) {
		return x.Floor.At(o)
	}
	return x.Floor.At(o) + uint64(len(x.Held[o]))
}

// Counts returns how many of each origin are here.
func (x *Lanes) Counts() clock.Vector {
	v := x.Floor.Clone()
	for o := range x.Held {
		Set(&v, o, x.Count(o))
	}
	return v
}

// After returns what is held of origin o beyond seq.
func (x *Lanes) After(o int, seq uint64) []*Multicast {
	seq = max(seq, x.Floor.At(o))
	if seq >= x.Count(o) {
		return nil
	}
	return x.Held[o][seq-x.Floor.At(o):]
}

// Hold puts c, the next of its origin, with the others.
func (x *Lanes) Hold(c *Multicast) {
	for len(x.Held) <= At(c.Origin) {
		x.Held = append(x.Held, nil)
	}
	if c.Seq != x.Count(At(c.Origin))+1 {
		panic("lanes: a message is held that does not follow")
	}
	x.Held[At(c.Origin)] = append(x.Held[At(c.Origin)], c)
}

// Place gives c, the next of its origin, the next place in our order.
func (x *Lanes) Place(c *Multicast) {
	x.Line = append(x.Line, c)
	Set(&x.Ordered, At(c.Origin), c.Seq)
}

// Last returns how many deliveries have their place.
func (x *Lanes) Last() uint64 { return x.Base + uint64(len(x.Line)) }

// inOrder sorts messages in one order that all compute alike, and that extends
// what happened before what: by view, then by how much is before a message. In
// causal order the sum of its vector is that; in FIFO order its number.
func inOrder(cs []*Multicast) {
	slices.SortFunc(cs, func(a, b *Multicast) int {
		return cmp.Or(cmp.Compare(a.View, b.View), cmp.Compare(sum(a.After), sum(b.After)),
			cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Origin, b.Origin))
	})
}

func sum(v clock.Vector) (n uint64) {
	for _, k := range v {
		n += k
	}
	return n
}

// between returns what is held after from, up to to, as inOrder has it.
func (x *Lanes) between(from, to clock.Vector) (cs []*Multicast) {
	for o := range x.Held {
		if n := min(to.At(o), x.Count(o)); n > from.At(o) {
			cs = append(cs, x.After(o, from.At(o))[:n-from.At(o)]...)
		}
	}
	inOrder(cs)
	return cs
}

// Begin ends a view, and begins the next after cut: all that is within cut is delivered, in an order that
// needs no word of anybody; what is beyond is delivered nowhere, and what is ours
// of that is cast again. came is what others have delivered since, if we were left
// out: it stands for all that is not ordered here.
func (x *Lanes) Begin(self process.ID, cut clock.Vector, came []*Multicast) {
	lost := x.After(At(self), cut.At(At(self)))
	var again []process.Request
	for _, c := range lost {
		again = append(again, c.Req)
	}
	x.Mine = append(again, x.Mine...)
	if came != nil {
		x.trim(x.Ordered)
	}
	for _, c := range came {
		if c.Seq > x.Count(At(c.Origin)) { // else it got its place after it came
			x.Hold(c)
		}
	}
	for _, c := range x.between(x.Ordered, cut) {
		x.Place(c)
	}
	x.trim(cut)
	x.Cut = cut
}

// trim drops what is beyond v.
func (x *Lanes) trim(v clock.Vector) {
	for o := range x.Held {
		n := max(v.At(o), x.Floor.At(o)) - x.Floor.At(o)
		x.Held[o] = slices.Clip(x.Held[o][:min(n, uint64(len(x.Held[o])))])
	}
}

// Clone returns an independent copy; messages are shared.
func (x *Lanes) Clone() Lanes {
	c := *x
	c.Held = make([][]*Multicast, len(x.Held))
	for o, h := range x.Held {
		c.Held[o] = slices.Clone(h)
	}
	c.Floor, c.Cut, c.Ordered = x.Floor.Clone(), x.Cut.Clone(), x.Ordered.Clone()
	c.Line, c.Mine = slices.Clone(x.Line), slices.Clone(x.Mine)
	return c
}

// Keep returns all that must be remembered.
func (x *Lanes) Keep() Kept {
	k := Kept{Base: x.Base, Before: x.before(), Floor: x.Floor.Clone(), Cut: x.Cut.Clone(), Mine: slices.Clone(x.Mine)}
	for _, held := range x.Held {
		for _, c := range held {
			k.Held = append(k.Held, *c)
		}
	}
	for _, c := range x.Line {
		k.Line = append(k.Line, c.Origin)
	}
	return k
}

// before returns what the first Base deliveries are, by origin.
func (x *Lanes) before() clock.Vector {
	v := x.Ordered.Clone()
	for _, c := range x.Line {
		v[At(c.Origin)]--
	}
	return v
}

// Recall takes what was kept, in place of all that is here.
func (x *Lanes) Recall(k *Kept) {
	*x = Lanes{Floor: k.Floor.Clone(), Cut: k.Cut.Clone(), Ordered: k.Before.Clone(), Base: k.Base,
		Mine: slices.Clone(k.Mine)}
	for i := range k.Held {
		x.Hold(&k.Held[i])
	}
	x.Replace(k.Line)
}

// Compact forgets that the first n deliveries have an order, for the application
// has made them durable; and what all founders have delivered of origin o, which
// is up to least(o).
func (x *Lanes) Compact(n uint64, least func(o int) uint64) {
	x.Line, x.Base = slices.Clip(x.Line[n-x.Base:]), n
	before := x.before()
	for o := range x.Held {
		if f := min(before.At(o), least(o)); f > x.Floor.At(o) {
			x.Held[o] = slices.Clone(x.After(o, f))
			Set(&x.Floor, o, f)
		}
	}
}

// Replace gives the next message of each origin named its place.
func (x *Lanes) Replace(origins []process.ID) {
	for _, id := range origins {
		x.Place(x.After(At(id), x.Ordered.At(At(id)))[0])
	}
}

// AppendState appends all of it in one canonical form.
func (x *Lanes) AppendState(b []byte) []byte {
	for _, v := range []clock.Vector{x.Floor, x.Cut, x.Ordered} {
		b = AppendVector(b, v)
	}
	b = wire.AppendUints(b, x.Base, uint64(len(x.Line)), uint64(len(x.Held)))
	for _, c := range x.Line {
		b = wire.AppendUints(b, uint64(c.Origin))
	}
	for _, cs := range x.Held {
		b = AppendCasts(b, cs)
	}
	return AppendRequests(b, x.Mine)
}
