package benor

import (
	"errors"

	"althing/process"
	"althing/wire"
)

// A Value is a bit, or that there is none.
type Value uint8

// The values.
const (
	None Value = iota // "?"
	Zero
	One
)

// String returns the value as the paper writes it.
func (v Value) String() string { return [...]string{"?", "0", "1"}[min(v, One)] }

// Report tells the sender's bit in a round. A, step 1
type Report struct {
	Round uint64 // from 1
	Value Value  // not None
}

// Proposal tells the bit that most of the group reported in a round, or None. A,
// step 2
type Proposal struct {
	Round    uint64
	Reported Value // the sender's own report of the round
	Value    Value
}

// Decided tells what is decided, for good.
type Decided struct{ Value Value }

// Ask asks what was said last.
type Ask struct{}

// Kind implements process.Msg.
func (*Report) Kind() string { return "Report" }

// Kind implements process.Msg.
func (*Proposal) Kind() string { return "Proposal" }

// Kind implements process.Msg.
func (*Decided) Kind() string { return "Decided" }

// Kind implements process.Msg.
func (*Ask) Kind() string { return "Ask" }

// The first byte of every message and record. Numbers are never reused: disks
// remember them.
const (
	tagReport byte = iota + 1
	tagProposal
	tagDecided
	tagAsk
)

// AppendBinary implements process.Msg.
func (m *Report) AppendBinary(b []byte) ([]byte, error) {
	return append(wire.AppendUints(append(b, tagReport), m.Round), byte(m.Value)), nil
}

// AppendBinary implements process.Msg.
func (m *Proposal) AppendBinary(b []byte) ([]byte, error) {
	return append(wire.AppendUints(append(b, tagProposal), m.Round), byte(m.Reported), byte(m.Value)), nil
}

// AppendBinary implements process.Msg.
func (m *Decided) AppendBinary(b []byte) ([]byte, error) {
	return append(b, tagDecided, byte(m.Value)), nil
}

// AppendBinary implements process.Msg.
func (m *Ask) AppendBinary(b []byte) ([]byte, error) { return append(b, tagAsk), nil }

var errMalformed = errors.New("benor: malformed message")

// Decode reads what AppendBinary wrote.
func Decode(b []byte) (process.Msg, error) {
	if len(b) == 0 {
		return nil, errMalformed
	}
	d := decoder{wire.Decoder{B: b[1:]}}
	m := d.message(b[0])
	if m == nil || !d.Done() {
		return nil, errMalformed
	}
	return m, nil
}

type decoder struct{ wire.Decoder }

func (d *decoder) message(tag byte) process.Msg {
	switch tag {
	case tagReport:
		return &Report{Round: d.round(), Value: d.value(Zero)}
	case tagProposal:
		return &Proposal{Round: d.round(), Reported: d.value(Zero), Value: d.value(None)}
	case tagDecided:
		return &Decided{Value: d.value(Zero)}
	case tagAsk:
		return &Ask{}
	}
	return nil
}

func (d *decoder) round() uint64 {
	n := d.Uint()
	d.Require(n > 0)
	return n
}

func (d *decoder) value(lowest Value) Value {
	v := Value(d.Byte())
	d.Require(lowest <= v && v <= One)
	return v
}
