package crdt

import (
	"cmp"
	"slices"
	"strconv"

	"althing/clock"
)

// An LWWRegister holds the value that was written last by the clocks of the
// writers: of two writes that knew nothing of each other one is lost, and so
// is a write by a clock that is behind. Where times are equal the greater
// actor wins, and then the greater value: all replicas choose the same. With
// hybrid logical clocks as times, a write at least wins over all it has seen;
// with others, a clock that runs ahead silences all until they have caught up.
// (Shapiro et al. 2011, §3.2.1.) The zero LWWRegister has no
// value.
type LWWRegister struct {
	set   bool
	at    uint64
	actor uint64
	value string
}

// Set writes value at a time, in units that all writers share, and returns the
// delta. If what is there is later the write is lost at once.
func (g *LWWRegister) Set(at, actor uint64, value string) *LWWRegister {
	d := &LWWRegister{true, at, actor, value}
	g.Join(d)
	return d
}

// Value returns the value, and whether there is one.
func (g *LWWRegister) Value() (value string, ok bool) { return g.value, g.set }

// Written returns when and by whom the value was written.
func (g *LWWRegister) Written() (at, actor uint64) { return g.at, g.actor }

// Join takes in a state or a delta.
func (g *LWWRegister) Join(o *LWWRegister) {
	if o.set && (!g.set || cmp.Or(cmp.Compare(o.at, g.at), cmp.Compare(o.actor, g.actor),
		cmp.Compare(o.value, g.value)) > 0) {
		*g = *o
	}
}

// Clone returns a copy that shares nothing with g.
func (g *LWWRegister) Clone() *LWWRegister { c := *g; return &c }

// Size says what the state costs.
func (g *LWWRegister) Size() Size {
	if !g.set {
		return sizeOf(0, g)
	}
	return sizeOf(1, g)
}

// String returns the value, quoted, or "none".
func (g *LWWRegister) String() string {
	if !g.set {
		return "none"
	}
	return strconv.Quote(g.value)
}

// AppendBinary appends the canonical bytes of g. It never fails.
func (g *LWWRegister) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, tagLWWRegister)
	if !g.set {
		return b, nil
	}
	return appendText(appendUint(appendUint(b, g.at), g.actor), g.value), nil
}

// MarshalBinary is AppendBinary to nil.
func (g *LWWRegister) MarshalBinary() ([]byte, error) { return g.AppendBinary(nil) }

// UnmarshalBinary replaces g by what AppendBinary wrote. It returns ErrBytes
// for any other bytes, and then changes nothing.
func (g *LWWRegister) UnmarshalBinary(b []byte) error {
	r := read(b, tagLWWRegister)
	var l LWWRegister
	if r.s != "" {
		l = LWWRegister{true, r.uint(), r.uint(), r.text()}
	}
	if err := r.done("LWWRegister"); err != nil {
		return err
	}
	*g = l
	return nil
}

type mvRegister struct{}

func (mvRegister) tag() byte     { return tagMVRegister }
func (mvRegister) name() string  { return "MVRegister" }
func (mvRegister) shape() *shape { return mvShape }

var mvShape = &shape{values: func(string) bool { return true }}

// An MVRegister holds every value that was written and that no later write has
// seen: one, unless several wrote without knowing of each other. (Shapiro et al.
// 2011, §3.2.2; Almeida et al. 2018: multi-value register.) The zero MVRegister has no value.
type MVRegister struct{ state[mvRegister] }

func newMVRegister(c causal) *MVRegister { return &MVRegister{state[mvRegister]{c}} }

// Set writes value over all that is seen here, and returns the delta.
func (g *MVRegister) Set(actor uint64, value string) *MVRegister {
	return newMVRegister(g.write(nil, actor, value))
}

// SetSeen writes value over what seen has seen, and no more: the context that
// came with the values a client has read. It returns the delta.
func (g *MVRegister) SetSeen(actor uint64, value string, seen Context) *MVRegister {
	next := g.ctx.Clone()
	next.Join(&seen)
	return newMVRegister(g.change(nil, one(next.Next(actor), value), seen.Clone()))
}

// RemoveSeen removes the values that seen has seen, and returns the delta.
func (g *MVRegister) RemoveSeen(seen Context) *MVRegister { return newMVRegister(g.drop(&seen)) }

// Clear removes all values that are seen here, and returns the delta.
func (g *MVRegister) Clear() *MVRegister { return newMVRegister(g.clear(nil)) }

// Values returns the values in order, each once.
func (g *MVRegister) Values() []string { return g.values(nil).words() }

func (f values) words() []string {
	var all []string
	for _, e := range f {
		all = append(all, e.value)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Versions returns the values with the writes they are of, for a [Strategy].
func (g *MVRegister) Versions() []Version {
	var all []Version
	for _, e := range g.values(nil) {
		all = append(all, Version{Dot: e.dot, Value: e.value})
	}
	return all
}

// Join takes in a state or a delta.
func (g *MVRegister) Join(o *MVRegister) { g.join(&o.causal) }

// Clone returns a copy that shares nothing with g.
func (g *MVRegister) Clone() *MVRegister { return newMVRegister(g.copy()) }

// String returns the values, quoted, in braces.
func (g *MVRegister) String() string { return braces(slices.Values(g.Values())) }

type ewFlag struct{}

func (ewFlag) tag() byte     { return tagEWFlag }
func (ewFlag) name() string  { return "EWFlag" }
func (ewFlag) shape() *shape { return ewShape }

var ewShape = &shape{}

// An EWFlag is on or off; an enable wins over a disable that has not seen it.
// (Almeida et al. 2018: enable-wins flag.) The zero EWFlag is off.
type EWFlag struct{ state[ewFlag] }

func newEWFlag(c causal) *EWFlag { return &EWFlag{state[ewFlag]{c}} }

// Enable switches the flag on and returns the delta.
func (f *EWFlag) Enable(actor uint64) *EWFlag { return newEWFlag(f.mark(nil, actor)) }

// Disable takes away the enables that are seen here, and returns the delta.
func (f *EWFlag) Disable() *EWFlag { return newEWFlag(f.clear(nil)) }

// RemoveSeen takes away the enables that seen has seen, and returns the delta.
func (f *EWFlag) RemoveSeen(seen Context) *EWFlag { return newEWFlag(f.drop(&seen)) }

// On reports whether the flag is on.
func (f *EWFlag) On() bool { return f.root != nil }

// Join takes in a state or a delta.
func (f *EWFlag) Join(o *EWFlag) { f.join(&o.causal) }

// Clone returns a copy that shares nothing with f.
func (f *EWFlag) Clone() *EWFlag { return newEWFlag(f.copy()) }

// String returns "on" or "off".
func (f *EWFlag) String() string {
	if f.On() {
		return "on"
	}
	return "off"
}

func compareVersions(x, y Version) int {
	return cmp.Or(cmp.Compare(x.At, y.At), x.Dot.Compare(y.Dot), cmp.Compare(x.Value, y.Value))
}

// A Version is one of several values that were written without knowing of each
// other.
type Version struct {
	At    uint64    // when, by the clock of the writer, in units that all share; 0 if unknown
	Dot   clock.Dot // which write
	Value string
}
