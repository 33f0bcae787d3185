package raft

import (
	"errors"

	"althing/oplog"
	"althing/process"
	"althing/wire"
)

// The first byte of every message and record. Numbers are never reused: disks
// remember them.
const (
	tagRequestVote byte = iota + 1
	tagVote
	tagAppendEntries
	tagAppendReply
	tagHeartbeat
	tagHeartbeatReply
	tagInstallSnapshot
	tagTimeoutNow
	tagHardState
	tagEntries
	tagCheckpoint
)

// AppendBinary implements process.Msg.
func (m *RequestVote) AppendBinary(b []byte) ([]byte, error) {
	return flags(wire.AppendUints(append(b, tagRequestVote), m.Term, m.LastIndex, m.LastTerm), m.Pre, m.Transfer), nil
}

// AppendBinary implements process.Msg.
func (m *Vote) AppendBinary(b []byte) ([]byte, error) {
	return flags(wire.AppendUints(append(b, tagVote), m.Term), m.Granted, m.Pre), nil
}

// AppendBinary implements process.Msg.
func (m *AppendEntries) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagAppendEntries), m.Term, m.Prev, m.PrevTerm, m.Commit)
	return oplog.AppendEntries(b, m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *AppendReply) AppendBinary(b []byte) ([]byte, error) {
	return flags(wire.AppendUints(append(b, tagAppendReply), m.Term, m.Match, m.HintTerm, m.Prev), m.OK, false), nil
}

// AppendBinary implements process.Msg.
func (m *Heartbeat) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagHeartbeat), m.Term, m.Commit, m.Round), nil
}

// AppendBinary implements process.Msg.
func (m *HeartbeatReply) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagHeartbeatReply), m.Term, m.Round), nil
}

// AppendBinary implements process.Msg.
func (m *InstallSnapshot) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagInstallSnapshot), m.Term), nil
}

// AppendBinary implements process.Msg.
func (m *TimeoutNow) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagTimeoutNow), m.Term), nil
}

// AppendBinary implements process.Msg.
func (m *HardState) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagHardState), m.Term, uint64(m.Vote)), nil
}

// AppendBinary implements process.Msg.
func (m *Entries) AppendBinary(b []byte) ([]byte, error) {
	return oplog.AppendEntries(wire.AppendUints(append(b, tagEntries), m.Prev), m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Checkpoint) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagCheckpoint), m.Term, uint64(m.Vote), m.Base, m.BaseTerm)
	return oplog.AppendEntries(process.AppendGroup(b, m.Group), m.Entries), nil
}

func flags(b []byte, one, two bool) []byte {
	var f byte
	if one {
		f = 1
	}
	if two {
		f |= 2
	}
	return append(b, f)
}

var errMalformed = errors.New("raft: malformed message")

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

// A decoder reads what the messages are made of.
type decoder struct{ oplog.Decoder }

func (d *decoder) message(tag byte) process.Msg {
	switch tag {
	case tagRequestVote:
		m := &RequestVote{Term: d.Uint(), LastIndex: d.Uint(), LastTerm: d.Uint()}
		m.Pre, m.Transfer = d.flags()
		return m
	case tagVote:
		m := &Vote{Term: d.Uint()}
		m.Granted, m.Pre = d.flags()
		return m
	case tagAppendEntries:
		m := &AppendEntries{Term: d.Uint(), Prev: d.Uint(), PrevTerm: d.Uint(), Commit: d.Uint()}
		m.Entries = d.Entries(m.Prev)
		return m
	case tagAppendReply:
		m := &AppendReply{Term: d.Uint(), Match: d.Uint(), HintTerm: d.Uint(), Prev: d.Uint()}
		m.OK, _ = d.flags()
		return m
	case tagHeartbeat:
		return &Heartbeat{Term: d.Uint(), Commit: d.Uint(), Round: d.Uint()}
	case tagHeartbeatReply:
		return &HeartbeatReply{Term: d.Uint(), Round: d.Uint()}
	case tagInstallSnapshot:
		return &InstallSnapshot{Term: d.Uint()}
	case tagTimeoutNow:
		return &TimeoutNow{Term: d.Uint()}
	case tagHardState:
		return &HardState{Term: d.Uint(), Vote: d.ID()}
	case tagEntries:
		m := &Entries{Prev: d.Uint()}
		m.Entries = d.Entries(m.Prev)
		return m
	case tagCheckpoint:
		m := &Checkpoint{Term: d.Uint(), Vote: d.ID(), Base: d.Uint(), BaseTerm: d.Uint()}
		m.Group = d.Group()
		m.Entries = d.Entries(m.Base)
		return m
	}
	return nil
}

func (d *decoder) flags() (one, two bool) {
	f := d.Flags(3)
	return f&1 != 0, f&2 != 0
}
