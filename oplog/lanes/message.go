package lanes

import (
	"errors"

	"althing/clock"
	"althing/oplog"
	"althing/process"
	"althing/wire"
)

// Multicast is a message of a group without one order for all, sent and saved.
type Multicast struct {
	View   uint64 // that it was cast in, and is delivered in
	Origin process.ID
	Seq    uint64       // the origin's number, from 1 over all views
	After  clock.Vector // causal order: what the origin had delivered, and this one
	Req    process.Request
}

// Have says what is durable at its sender, who has not flushed View.
type Have struct {
	View   uint64
	Counts clock.Vector // messages of View and before, by origin
	Done   clock.Vector // those of them that have their place in the order of delivery
	Ask    bool         // and what have you?
}

// Lack asks for messages beyond Counts, if the receiver is in View too; if it is in
// a later one, for all that was delivered beyond Done.
type Lack struct {
	View         uint64
	Counts, Done clock.Vector
}

// History is what was delivered before View, after Since, in an order in which it may be.
type History struct {
	View  uint64
	Index uint64 // of the entry that names it
	Group process.Group
	Cut   clock.Vector // all that was delivered before View
	Since clock.Vector
	Casts []Multicast // follow Since; if they do not reach Cut, more is to be asked for
}

// Stored is what a member tells itself: the order of its deliveries is durable up to Index.
type Stored struct {
	Index uint64
}

// Placed is saved, never sent: the next message of each origin is delivered next.
type Placed struct {
	Origins []process.ID
}

// Kept is what Lanes must remember, given an application that holds the first Base
// deliveries. It is part of a record.
type Kept struct {
	Base   uint64
	Before clock.Vector      // those, by origin
	Floor  clock.Vector      // all founders have delivered these
	Cut    clock.Vector      // of the view
	Held   []Multicast       // after Floor, by origin
	Line   []process.ID      // the origins of the deliveries after Base, in order
	Mine   []process.Request // of our own, to be cast again
}

// Kind implements process.Msg.
func (*Multicast) Kind() string { return "Multicast" }

// Kind implements process.Msg.
func (*Have) Kind() string { return "Have" }

// Kind implements process.Msg.
func (*Lack) Kind() string { return "Lack" }

// Kind implements process.Msg.
func (*History) Kind() string { return "History" }

// Kind implements process.Msg.
func (*Stored) Kind() string { return "Stored" }

// Kind implements process.Msg.
func (*Placed) Kind() string { return "Placed" }

// The first byte of every message. Numbers are never reused: disks remember them,
// and whoever speaks these has others, below 32.
const (
	tagMulticast byte = iota + 32
	tagHave
	tagLack
	tagHistory
	tagStored
	tagPlaced
)

// AppendBinary implements process.Msg.
func (m *Multicast) AppendBinary(b []byte) ([]byte, error) {
	return m.append(append(b, tagMulticast)), nil
}

func (m *Multicast) append(b []byte) []byte {
	b = wire.AppendUints(b, uint64(m.View), uint64(m.Origin), m.Seq)
	return oplog.AppendRequest(AppendVector(b, m.After), &m.Req)
}

// AppendBinary implements process.Msg.
func (m *Have) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagHave, wire.Flag(m.Ask, 1)), uint64(m.View))
	return AppendVector(AppendVector(b, m.Counts), m.Done), nil
}

// AppendBinary implements process.Msg.
func (m *Lack) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagLack), uint64(m.View))
	return AppendVector(AppendVector(b, m.Counts), m.Done), nil
}

// AppendBinary implements process.Msg.
func (m *History) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagHistory), uint64(m.View), m.Index)
	b = AppendVector(AppendVector(process.AppendGroup(b, m.Group), m.Cut), m.Since)
	return appendMulticasts(b, m.Casts), nil
}

// AppendBinary implements process.Msg.
func (m *Stored) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagStored), m.Index), nil
}

// AppendBinary implements process.Msg.
func (m *Placed) AppendBinary(b []byte) ([]byte, error) {
	return appendIDs(append(b, tagPlaced), m.Origins), nil
}

// Append appends k.
func (k *Kept) Append(b []byte) []byte {
	b = wire.AppendUints(b, k.Base)
	for _, v := range []clock.Vector{k.Before, k.Floor, k.Cut} {
		b = AppendVector(b, v)
	}
	return AppendRequests(appendIDs(appendMulticasts(b, k.Held), k.Line), k.Mine)
}

// AppendCasts appends messages behind how many there are.
func AppendCasts(b []byte, cs []*Multicast) []byte {
	b = wire.AppendUints(b, uint64(len(cs)))
	for _, c := range cs {
		b = c.append(b)
	}
	return b
}

// AppendVector appends v: it does not fail.
func AppendVector(b []byte, v clock.Vector) []byte {
	b, _ = v.AppendBinary(b) // never fails
	return b
}

func appendMulticasts(b []byte, ms []Multicast) []byte {
	b = wire.AppendUints(b, uint64(len(ms)))
	for i := range ms {
		b = ms[i].append(b)
	}
	return b
}

func appendIDs(b []byte, ids []process.ID) []byte {
	b = wire.AppendUints(b, uint64(len(ids)))
	for _, id := range ids {
		b = wire.AppendUints(b, uint64(id))
	}
	return b
}

// AppendRequests appends requests behind how many there are.
func AppendRequests(b []byte, qs []process.Request) []byte {
	b = wire.AppendUints(b, uint64(len(qs)))
	for i := range qs {
		b = oplog.AppendRequest(b, &qs[i])
	}
	return b
}

var errMalformed = errors.New("lanes: malformed message")

// Decode reads what AppendBinary wrote. Commands share b, which must not change
// from then on.
func Decode(b []byte) (process.Msg, error) {
	if len(b) == 0 {
		return nil, errMalformed
	}
	d := &decoder{oplog.Decoder{Decoder: wire.Decoder{B: b[1:]}}}
	m := d.message(b[0])
	if m == nil || !d.Done() {
		return nil, errMalformed
	}
	return m, nil
}

// Read reads what Append wrote, at d.
func (k *Kept) Read(o *oplog.Decoder) {
	d := &decoder{*o}
	*k = Kept{Base: d.Uint(), Before: d.Counts(), Floor: d.Counts(), Cut: d.Counts(),
		Held: d.multicasts(), Line: d.ids()}
	for range d.Count(4) { // bytes of a request
		k.Mine = append(k.Mine, d.Request())
	}
	*o = d.Decoder
}

type decoder struct{ oplog.Decoder }

func (d *decoder) message(tag byte) process.Msg {
	switch tag {
	case tagMulticast:
		m := d.multicast()
		return &m
	case tagHave:
		return &Have{Ask: d.Flags(1) != 0, View: d.Uint(), Counts: d.Counts(), Done: d.Counts()}
	case tagLack:
		return &Lack{View: d.Uint(), Counts: d.Counts(), Done: d.Counts()}
	case tagHistory:
		return &History{View: d.Uint(), Index: d.Uint(), Group: d.Group(), Cut: d.Counts(), Since: d.Counts(),
			Casts: d.multicasts()}
	case tagStored:
		return &Stored{Index: d.Uint()}
	case tagPlaced:
		return &Placed{Origins: d.ids()}
	}
	return nil
}

func (d *decoder) origin() process.ID {
	id := d.ID()
	d.Require(id != 0)
	return id
}

func (d *decoder) multicast() Multicast {
	m := Multicast{View: d.Uint(), Origin: d.origin(), Seq: d.Uint(), After: d.Counts()}
	m.Req = d.Request()
	d.Require(m.Seq > 0)
	return m
}

func (d *decoder) multicasts() (ms []Multicast) {
	for range d.Count(8) { // bytes of one
		ms = append(ms, d.multicast())
	}
	return ms
}

func (d *decoder) ids() (ids []process.ID) {
	for range d.Count(1) {
		ids = append(ids, d.origin())
	}
	return ids
}
