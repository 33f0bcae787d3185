package paxos

import (
	"errors"

	"althing/oplog"
	"althing/process"
	"althing/wire"
)

// Prepare asks for a promise to take part in no ballot before Ballot. Phase 1a.
// Saved, it is that promise.
type Prepare struct{ Ballot uint64 }

// Promise answers Prepare. Phase 1b
type Promise struct {
	Ballot uint64
	Voted  uint64          // the ballot of the sender's latest vote, 0: none
	Value  process.Request // that it voted for
}

// Accept asks for a vote. Phase 2a. Saved, it is that vote.
type Accept struct {
	Ballot uint64
	Value  process.Request
}

// Accepted tells the sender's latest vote, which is durable. Phase 2b
type Accepted struct {
	Ballot uint64
	Value  process.Request
}

// Nack says that nothing came of Ballot here, for a later one was promised. §2.5
type Nack struct{ Ballot, Promised uint64 }

// Ask asks what is chosen. §2.3
type Ask struct{}

// Chosen tells the decree.
type Chosen struct{ Value process.Request }

// Checkpoint is saved, never sent: all that a replica must remember.
type Checkpoint struct {
	Promised uint64
	Voted    uint64          // 0: no vote
	Value    process.Request // voted for, or the decree
	Chosen   bool            // Value is the decree, and the rest is of no matter
}

// Kind implements process.Msg.
func (*Prepare) Kind() string { return "Prepare" }

// Kind implements process.Msg.
func (*Promise) Kind() string { return "Promise" }

// Kind implements process.Msg.
func (*Accept) Kind() string { return "Accept" }

// Kind implements process.Msg.
func (*Accepted) Kind() string { return "Accepted" }

// Kind implements process.Msg.
func (*Nack) Kind() string { return "Nack" }

// Kind implements process.Msg.
func (*Ask) Kind() string { return "Ask" }

// Kind implements process.Msg.
func (*Chosen) Kind() string { return "Chosen" }

// Kind implements process.Msg.
func (*Checkpoint) Kind() string { return "Checkpoint" }

// The first byte of every message and record. Numbers are never reused: disks
// remember them.
const (
	tagPrepare byte = iota + 1
	tagPromise
	tagAccept
	tagAccepted
	tagNack
	tagAsk
	tagChosen
	tagCheckpoint
)

// AppendBinary implements process.Msg.
func (m *Prepare) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagPrepare), m.Ballot), nil
}

// AppendBinary implements process.Msg.
func (m *Promise) AppendBinary(b []byte) ([]byte, error) {
	return appendVote(wire.AppendUints(append(b, tagPromise), m.Ballot), m.Voted, &m.Value), nil
}

// AppendBinary implements process.Msg.
func (m *Accept) AppendBinary(b []byte) ([]byte, error) {
	return oplog.AppendRequest(wire.AppendUints(append(b, tagAccept), m.Ballot), &m.Value), nil
}

// AppendBinary implements process.Msg.
func (m *Accepted) AppendBinary(b []byte) ([]byte, error) {
	return oplog.AppendRequest(wire.AppendUints(append(b, tagAccepted), m.Ballot), &m.Value), nil
}

// AppendBinary implements process.Msg.
func (m *Nack) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagNack), m.Ballot, m.Promised), nil
}

// AppendBinary implements process.Msg.
func (m *Ask) AppendBinary(b []byte) ([]byte, error) { return append(b, tagAsk), nil }

// AppendBinary implements process.Msg.
func (m *Chosen) AppendBinary(b []byte) ([]byte, error) {
	return oplog.AppendRequest(append(b, tagChosen), &m.Value), nil
}

// AppendBinary implements process.Msg.
func (m *Checkpoint) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, tagCheckpoint, wire.Flag(m.Chosen, 1))
	if m.Chosen {
		return oplog.AppendRequest(b, &m.Value), nil
	}
	return appendVote(wire.AppendUints(b, m.Promised), m.Voted, &m.Value), nil
}

// appendVote appends a ballot, and unless it is 0 its value.
func appendVote(b []byte, ballot uint64, value *process.Request) []byte {
	if b = wire.AppendUints(b, ballot); ballot != 0 {
		b = oplog.AppendRequest(b, value)
	}
	return b
}

var errMalformed = errors.New("paxos: malformed message")

// Decode reads what AppendBinary wrote. Commands share b, which must not
// change from then on.
func Decode(b []byte) (process.Msg, error) {
	if len(b) == 0 {
		return nil, errMalformed
	}
	d := decoder{oplog.Decoder{Decoder: wire.Decoder{B: b[1:]}}}
	m := d.message(b[0])
	if m == nil || !d.Done() {
		return nil, errMalformed
	}
	return m, nil
}

type decoder struct{ oplog.Decoder }

func (d *decoder) message(tag byte) process.Msg {
	switch tag {
	case tagPrepare:
		return &Prepare{Ballot: d.Uint()}
	case tagPromise:
		m := &Promise{Ballot: d.Uint()}
		m.Voted, m.Value = d.vote()
		return m
	case tagAccept:
		return &Accept{Ballot: d.Uint(), Value: d.Request()}
	case tagAccepted:
		return &Accepted{Ballot: d.Uint(), Value: d.Request()}
	case tagNack:
		return &Nack{Ballot: d.Uint(), Promised: d.Uint()}
	case tagAsk:
		return &Ask{}
	case tagChosen:
		return &Chosen{Value: d.Request()}
	case tagCheckpoint:
		m := &Checkpoint{Chosen: d.Flags(1) == 1}
		if m.Chosen {
			m.Value = d.Request()
			return m
		}
		m.Promised = d.Uint()
		m.Voted, m.Value = d.vote()
		return m
	}
	return nil
}

func (d *decoder) vote() (ballot uint64, value process.Request) {
	if ballot = d.Uint(); ballot != 0 {
		value = d.Request()
	}
	return ballot, value
}
