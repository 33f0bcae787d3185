package snapshot

import (
	"errors"
	"math"

	"althing/clock"
	"althing/process"
	"althing/wire"
)

// A Packet is one step of a channel. It is sent, and it is the record of its
// sending and of its receipt.
type Packet struct {
	From, To process.ID
	Seq      uint64
	Amount   uint64       // of money; 0: a marker
	Colour   clock.Vector // pictures that the sender had recorded, by initiator
	Picture  Picture      // marker: of which
	Before   uint64       // marker: the number of the last packet before its sender recorded
}

// A Picture names a snapshot.
type Picture struct {
	Initiator process.ID
	N         uint64 // from 1
}

// Begun is saved, never sent: this member began the next picture of its own.
type Begun struct{}

// Ack says that packets 1 to Seq are durable at the sender.
type Ack struct{ Seq uint64 }

// Stored is what a member tells itself: the packet that it sent to another is
// durable.
type Stored struct {
	To  process.ID
	Seq uint64
}

// Kind implements process.Msg; a marker stands out in traces.
func (p *Packet) Kind() string {
	if p.Amount == 0 {
		return "Marker"
	}
	return "Money"
}

// Kind implements process.Msg.
func (*Begun) Kind() string { return "Begun" }

// Kind implements process.Msg.
func (*Ack) Kind() string { return "Ack" }

// Kind implements process.Msg.
func (*Stored) Kind() string { return "Stored" }

// The first byte of every message and record. Numbers are never reused.
const (
	tagPacket byte = iota + 1
	tagBegun
	tagAck
	tagStored
)

// AppendBinary implements process.Msg.
func (p *Packet) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagPacket), uint64(p.From), uint64(p.To), p.Seq, p.Amount)
	b, _ = p.Colour.AppendBinary(b) // never fails
	return wire.AppendUints(b, uint64(p.Picture.Initiator), p.Picture.N, p.Before), nil
}

// AppendBinary implements process.Msg.
func (*Begun) AppendBinary(b []byte) ([]byte, error) { return append(b, tagBegun), nil }

// AppendBinary implements process.Msg.
func (a *Ack) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagAck), a.Seq), nil
}

// AppendBinary implements process.Msg.
func (s *Stored) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagStored), uint64(s.To), s.Seq), nil
}

var errMalformed = errors.New("snapshot: not a message")

// Decode reads what AppendBinary wrote of any message or record here, and
// nothing else.
func Decode(b []byte) (process.Msg, error) {
	d := &wire.Decoder{B: b}
	var m process.Msg
	switch d.Byte() {
	case tagPacket:
		p := &Packet{From: id(d, 1), To: id(d, 1), Seq: d.Uint(), Amount: d.Uint(), Colour: d.Counts()}
		p.Picture = Picture{Initiator: id(d, 0), N: d.Uint()}
		p.Before = d.Uint()
		marker := p.Amount == 0
		d.Require(p.Seq > 0 && marker == (p.Picture.N > 0) && marker == (p.Picture.Initiator > 0))
		m = p
	case tagBegun:
		m = &Begun{}
	case tagAck:
		m = &Ack{Seq: d.Uint()}
	case tagStored:
		m = &Stored{To: id(d, 1), Seq: d.Uint()}
	default:
		return nil, errMalformed
	}
	if !d.Done() {
		return nil, errMalformed
	}
	return m, nil
}

func id(d *wire.Decoder, least uint64) process.ID {
	v := d.Uint()
	d.Require(v >= least && v <= math.MaxUint16)
	return process.ID(v)
}
