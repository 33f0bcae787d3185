package primarybackup

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
	tagInstallState
	tagTimeoutNow
	tagFounded
	tagHardState
	tagEntries
	tagCheckpoint
)

// AppendBinary implements process.Msg.
func (m *RequestVote) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagRequestVote), m.Epoch, m.LastIndex, m.LastEpoch)
	return append(b, wire.Flag(m.Pre, 1)|wire.Flag(m.Transfer, 2)), nil
}

// AppendBinary implements process.Msg.
func (m *Vote) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagVote), m.Epoch)
	return append(b, wire.Flag(m.Granted, 1)|wire.Flag(m.Pre, 2)), nil
}

// AppendBinary implements process.Msg.
func (m *AppendEntries) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagAppendEntries), m.Epoch, m.Prev, m.PrevEpoch, m.Commit, m.Settled)
	return oplog.AppendEntries(b, m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *AppendReply) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagAppendReply), m.Epoch, m.Match, m.HintEpoch, m.Prev)
	return append(b, wire.Flag(m.OK, 1)), nil
}

// AppendBinary implements process.Msg.
func (m *Heartbeat) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagHeartbeat), m.Epoch, m.Commit, m.Settled, m.Round), nil
}

// AppendBinary implements process.Msg.
func (m *HeartbeatReply) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagHeartbeatReply), m.Epoch, m.Round)
	return append(b, wire.Flag(m.Astray, 1)), nil
}

// AppendBinary implements process.Msg.
func (m *InstallState) AppendBinary(b []byte) ([]byte, error) {
	return appendPast(wire.AppendUints(append(b, tagInstallState), m.Epoch, m.Base, m.BaseEpoch), m.Past), nil
}

func appendPast(b []byte, past []Begun) []byte {
	b = wire.AppendUints(b, uint64(len(past)))
	for _, p := range past {
		b = wire.AppendUints(b, p.Index, p.Epoch)
	}
	return b
}

// AppendBinary implements process.Msg.
func (m *TimeoutNow) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagTimeoutNow), m.Epoch), nil
}

// AppendBinary implements process.Msg.
func (*Founded) AppendBinary(b []byte) ([]byte, error) { return append(b, tagFounded), nil }

// AppendBinary implements process.Msg.
func (m *HardState) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagHardState), m.Epoch, uint64(m.Vote)), nil
}

// AppendBinary implements process.Msg.
func (m *Entries) AppendBinary(b []byte) ([]byte, error) {
	return oplog.AppendEntries(wire.AppendUints(append(b, tagEntries), m.Prev, m.Sure, m.Perhaps), m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Checkpoint) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagCheckpoint), m.Epoch, uint64(m.Vote), m.Base, m.BaseEpoch, m.Settled,
		m.Sure)
	b = appendParted(appendPast(process.AppendGroup(b, m.Group), m.Past), m.Parted)
	return oplog.AppendEntries(b, m.Entries), nil
}

func appendParted(b []byte, ps []Parted) []byte {
	b = wire.AppendUints(b, uint64(len(ps)))
	for i := range ps {
		b = wire.AppendUints(b, ps[i].Sure, ps[i].Entries[0].Index-1)
		b = oplog.AppendEntries(b, ps[i].Entries)
	}
	return b
}

var errMalformed = errors.New("primarybackup: malformed message")

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
		m := &RequestVote{Epoch: d.Uint(), LastIndex: d.Uint(), LastEpoch: d.Uint()}
		f := d.Flags(3)
		m.Pre, m.Transfer = f&1 != 0, f&2 != 0
		return m
	case tagVote:
		m := &Vote{Epoch: d.Uint()}
		f := d.Flags(3)
		m.Granted, m.Pre = f&1 != 0, f&2 != 0
		return m
	case tagAppendEntries:
		m := &AppendEntries{Epoch: d.Uint(), Prev: d.Uint(), PrevEpoch: d.Uint(), Commit: d.Uint(), Settled: d.Uint()}
		m.Entries = d.Entries(m.Prev)
		return m
	case tagAppendReply:
		m := &AppendReply{Epoch: d.Uint(), Match: d.Uint(), HintEpoch: d.Uint(), Prev: d.Uint()}
		m.OK = d.Flags(1) != 0
		return m
	case tagHeartbeat:
		return &Heartbeat{Epoch: d.Uint(), Commit: d.Uint(), Settled: d.Uint(), Round: d.Uint()}
	case tagHeartbeatReply:
		return &HeartbeatReply{Epoch: d.Uint(), Round: d.Uint(), Astray: d.Flags(1) != 0}
	case tagInstallState:
		return &InstallState{Epoch: d.Uint(), Base: d.Uint(), BaseEpoch: d.Uint(), Past: d.past()}
	case tagTimeoutNow:
		return &TimeoutNow{Epoch: d.Uint()}
	case tagFounded:
		return &Founded{}
	case tagHardState:
		return &HardState{Epoch: d.Uint(), Vote: d.ID()}
	case tagEntries:
		m := &Entries{Prev: d.Uint(), Sure: d.Uint(), Perhaps: d.Uint()}
		m.Entries = d.Entries(m.Prev)
		return m
	case tagCheckpoint:
		m := &Checkpoint{Epoch: d.Uint(), Vote: d.ID(), Base: d.Uint(), BaseEpoch: d.Uint(), Settled: d.Uint(),
			Sure: d.Uint()}
		m.Group, m.Past, m.Parted = d.Group(), d.past(), d.parted()
		m.Entries = d.Entries(m.Base)
		return m
	}
	return nil
}

func (d *decoder) past() (past []Begun) {
	for range d.Count(2) {
		past = append(past, Begun{d.Uint(), d.Uint()})
	}
	return past
}

func (d *decoder) parted() (ps []Parted) {
	for range d.Count(3) {
		p := Parted{Sure: d.Uint()}
		p.Entries = d.Entries(d.Uint())
		d.Require(len(p.Entries) > 0)
		ps = append(ps, p)
	}
	return ps
}
