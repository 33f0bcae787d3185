package broadcast

import (
	"errors"
	"math"

	"althing/clock"
	"althing/process"
	"althing/wire"
)

// A Cast is one message of a sender. It is sent, passed on and saved alike.
type Cast struct {
	Origin process.ID
	Seq    uint64       // the sender's number, from 1
	Time   uint64       // total: the stamp, together with Origin; else 0
	After  clock.Vector // causal: the sender's deliveries by origin, with this one; else empty
	Req    process.Request
}

// Have says what is durable at the sender.
type Have struct {
	Counts clock.Vector // by origin: numbers 1 to count are here
	Time   uint64       // total: what I broadcast after Counts has a greater stamp
	Ask    bool         // and what have you?
}

// Stored is what a member tells itself: this cast is durable, and all that it
// saved before.
type Stored struct {
	Origin process.ID
	Seq    uint64
}

// Kept is saved, never sent: all that a member must remember, given an
// application that holds the first Index deliveries.
type Kept struct {
	Index     uint64
	Time      uint64
	Counts    clock.Vector // of what is here
	Delivered clock.Vector // of what is in the application
	Owed      []Cast       // delivered, but not known to be everywhere
	Line      []Cast       // the others, in the order in which they are to be looked at
}

// Kind implements process.Msg.
func (*Cast) Kind() string { return "Cast" }

// Kind implements process.Msg.
func (*Have) Kind() string { return "Have" }

// Kind implements process.Msg.
func (*Stored) Kind() string { return "Stored" }

// Kind implements process.Msg.
func (*Kept) Kind() string { return "Kept" }

// The first byte of every message and record. Numbers are never reused: disks
// remember them.
const (
	tagCast byte = iota + 1
	tagHave
	tagStored
	tagKept
)

// AppendBinary implements process.Msg.
func (c *Cast) AppendBinary(b []byte) ([]byte, error) { return c.append(append(b, tagCast)), nil }

func (c *Cast) append(b []byte) []byte {
	b = wire.AppendUints(b, uint64(c.Origin), c.Seq, c.Time)
	b = appendVector(b, c.After)
	b = wire.AppendUints(b, uint64(c.Req.Kind), c.Req.Client, c.Req.Seq)
	return wire.AppendBytes(b, c.Req.Cmd)
}

// AppendBinary implements process.Msg.
func (h *Have) AppendBinary(b []byte) ([]byte, error) {
	b = appendVector(append(b, tagHave), h.Counts)
	return append(wire.AppendUints(b, h.Time), wire.Flag(h.Ask, 1)), nil
}

// AppendBinary implements process.Msg.
func (s *Stored) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagStored), uint64(s.Origin), s.Seq), nil
}

// AppendBinary implements process.Msg.
func (k *Kept) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagKept), k.Index, k.Time)
	b = appendVector(appendVector(b, k.Counts), k.Delivered)
	return appendCasts(appendCasts(b, k.Owed), k.Line), nil
}

func appendCasts(b []byte, cs []Cast) []byte {
	b = wire.AppendUints(b, uint64(len(cs)))
	for i := range cs {
		b = cs[i].append(b)
	}
	return b
}

func appendVector(b []byte, v clock.Vector) []byte {
	b, _ = v.AppendBinary(b) // never fails
	return b
}

var errMalformed = errors.New("broadcast: not a message")

// Decode reads what AppendBinary wrote of any message or record here, and
// nothing else. The message shares b.
func Decode(b []byte) (process.Msg, error) {
	d := &wire.Decoder{B: b}
	var m process.Msg
	switch d.Byte() {
	case tagCast:
		c := cast(d)
		m = &c
	case tagHave:
		m = &Have{Counts: d.Counts(), Time: d.Uint(), Ask: d.Flags(1) != 0}
	case tagStored:
		m = &Stored{Origin: origin(d), Seq: d.Uint()}
	case tagKept:
		m = &Kept{
			Index: d.Uint(), Time: d.Uint(), Counts: d.Counts(), Delivered: d.Counts(), Owed: casts(d), Line: casts(d),
		}
	default:
		return nil, errMalformed
	}
	if !d.Done() {
		return nil, errMalformed
	}
	return m, nil
}

func cast(d *wire.Decoder) Cast {
	c := Cast{Origin: origin(d), Seq: d.Uint(), Time: d.Uint(), After: d.Counts()}
	kind := d.Uint()
	d.Require(c.Seq > 0 && kind <= uint64(process.NoOp))
	c.Req = process.Request{Kind: process.Kind(kind), Client: d.Uint(), Seq: d.Uint(), Cmd: d.Bytes()}
	return c
}

func origin(d *wire.Decoder) process.ID {
	id := d.Uint()
	d.Require(id > 0 && id <= math.MaxUint16)
	return process.ID(id)
}

func casts(d *wire.Decoder) []Cast {
	const least = 8 // bytes of a cast
	var cs []Cast
	for range d.Count(least) {
		cs = append(cs, cast(d))
	}
	return cs
}
