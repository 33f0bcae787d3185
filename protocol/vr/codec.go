package vr

import (
	"errors"

	"althing/oplog"
	"althing/process"
	"althing/wire"
)

// The first byte of every message and record. Numbers are never reused: disks
// remember them.
const (
	tagPrepare byte = iota + 1
	tagPrepareOk
	tagCommit
	tagCommitOk
	tagGetState
	tagStartViewChange
	tagDoViewChange
	tagRecovery
	tagRecoveryResponse
	tagLived
	tagEntries
	tagCheckpoint
	tagEpochStarted
)

// AppendBinary implements process.Msg.
func (m *Prepare) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, tagPrepare, byte(m.Use)|wire.Flag(m.More, 4))
	b = wire.AppendUints(b, m.View, m.Prev, m.PrevView, m.Last, m.Commit)
	return oplog.AppendEntries(b, m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *PrepareOk) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagPrepareOk), m.View, m.N), nil
}

// AppendBinary implements process.Msg.
func (m *Commit) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagCommit), m.View, m.Last, m.Known, m.Commit, m.Round), nil
}

// AppendBinary implements process.Msg.
func (m *CommitOk) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagCommitOk), m.View, m.Round), nil
}

// AppendBinary implements process.Msg.
func (m *GetState) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagGetState), m.View, m.Sure, m.Last, m.LastView), nil
}

// AppendBinary implements process.Msg.
func (m *StartViewChange) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagStartViewChange), m.View, m.Order)
	return append(b, wire.Flag(m.Entered, 1)), nil
}

// AppendBinary implements process.Msg.
func (m *DoViewChange) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagDoViewChange), m.View, m.LastView, m.N), nil
}

// AppendBinary implements process.Msg.
func (m *Recovery) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagRecovery), m.View, m.Nonce), nil
}

// AppendBinary implements process.Msg.
func (m *RecoveryResponse) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagRecoveryResponse), m.View, m.Nonce, m.N), nil
}

// AppendBinary implements process.Msg.
func (m *EpochStarted) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagEpochStarted), m.View), nil
}

// AppendBinary implements process.Msg.
func (m *Lived) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagLived), m.View, m.Life)
	if len(m.Group.Voters) > 0 {
		b = process.AppendGroup(b, m.Group)
	}
	return b, nil
}

// AppendBinary implements process.Msg.
func (m *Entries) AppendBinary(b []byte) ([]byte, error) {
	return oplog.AppendEntries(wire.AppendUints(append(b, tagEntries), m.Prev), m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Checkpoint) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagCheckpoint), m.View, m.Base, m.BaseView)
	return oplog.AppendEntries(process.AppendGroup(b, m.Group), m.Entries), nil
}

var errMalformed = errors.New("vr: malformed message")

// Decode reads what AppendBinary wrote. Commands share b, which must not
// change from then on.
func Decode(b []byte) (process.Msg, error) {
	if len(b) == 0 {
		return nil, errMalformed
	}
	d := oplog.Decoder{Decoder: wire.Decoder{B: b[1:]}}
	m := decode(b[0], &d)
	if m == nil || !d.Done() {
		return nil, errMalformed
	}
	return m, nil
}

func decode(tag byte, d *oplog.Decoder) process.Msg {
	switch tag {
	case tagPrepare:
		f := d.Flags(7)
		m := &Prepare{Use: Use(f & 3), More: f&4 != 0,
			View: d.Uint(), Prev: d.Uint(), PrevView: d.Uint(), Last: d.Uint(), Commit: d.Uint()}
		m.Entries = d.Entries(m.Prev)
		return m
	case tagPrepareOk:
		return &PrepareOk{View: d.Uint(), N: d.Uint()}
	case tagCommit:
		return &Commit{View: d.Uint(), Last: d.Uint(), Known: d.Uint(), Commit: d.Uint(), Round: d.Uint()}
	case tagCommitOk:
		return &CommitOk{View: d.Uint(), Round: d.Uint()}
	case tagGetState:
		return &GetState{View: d.Uint(), Sure: d.Uint(), Last: d.Uint(), LastView: d.Uint()}
	case tagStartViewChange:
		return &StartViewChange{View: d.Uint(), Order: d.Uint(), Entered: d.Flags(1) != 0}
	case tagDoViewChange:
		return &DoViewChange{View: d.Uint(), LastView: d.Uint(), N: d.Uint()}
	case tagRecovery:
		return &Recovery{View: d.Uint(), Nonce: d.Uint()}
	case tagRecoveryResponse:
		return &RecoveryResponse{View: d.Uint(), Nonce: d.Uint(), N: d.Uint()}
	case tagLived:
		m := &Lived{View: d.Uint(), Life: d.Uint()}
		if len(d.B) > 0 {
			m.Group = d.Group()
			d.Require(len(m.Group.Voters) > 0)
		}
		return m
	case tagEpochStarted:
		return &EpochStarted{View: d.Uint()}
	case tagEntries:
		m := &Entries{Prev: d.Uint()}
		m.Entries = d.Entries(m.Prev)
		return m
	case tagCheckpoint:
		m := &Checkpoint{View: d.Uint(), Base: d.Uint(), BaseView: d.Uint()}
		m.Group = d.Group()
		m.Entries = d.Entries(m.Base)
		return m
	}
	return nil
}
