package chain

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
	tagHeartbeat
	tagHeartbeatReply
	tagUpdate
	tagAck
	tagWritten
	tagInstallState
	tagJoin
	tagConfirm
	tagConfirmed
	tagQuery
	tagVersion
	tagHardState
	tagEntries
	tagCheckpoint
	tagLived
	tagTimeoutNow
)

// AppendBinary implements process.Msg.
func (m *RequestVote) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagRequestVote), m.Epoch, m.LastIndex, m.LastEpoch)
	return append(b, wire.Flag(m.Pre, 1)|wire.Flag(m.Transfer, 2)), nil
}

// AppendBinary implements process.Msg.
func (m *Vote) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagVote), m.Epoch, m.Last)
	return append(b, wire.Flag(m.Granted, 1)|wire.Flag(m.Pre, 2)), nil
}

// AppendBinary implements process.Msg.
func (m *Heartbeat) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagHeartbeat), m.Epoch, m.Commit, m.CommitEpoch, uint64(len(m.Chain)))
	for _, id := range m.Chain {
		b = wire.AppendUints(b, uint64(id))
	}
	return append(b, wire.Flag(m.Close, 1)), nil
}

// AppendBinary implements process.Msg.
func (m *HeartbeatReply) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagHeartbeatReply), m.Epoch, uint64(m.Down), m.Match), nil
}

// AppendBinary implements process.Msg.
func (m *Update) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagUpdate, wire.Flag(m.Ask, 1)), m.Epoch, m.Prev, m.PrevEpoch, m.Commit)
	return oplog.AppendEntries(b, m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Ack) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagAck), m.Epoch, m.Commit, m.Match, m.HintEpoch, m.Prev)
	return append(b, wire.Flag(m.OK, 1)), nil
}

// AppendBinary implements process.Msg.
func (m *Written) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagWritten), m.Epoch, m.Match), nil
}

// AppendBinary implements process.Msg.
func (m *InstallState) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagInstallState), m.Epoch), nil
}

// AppendBinary implements process.Msg.
func (m *Join) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagJoin), m.Epoch), nil
}

// AppendBinary implements process.Msg.
func (m *Confirm) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagConfirm), m.Epoch, m.Round), nil
}

// AppendBinary implements process.Msg.
func (m *Confirmed) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagConfirmed), m.Epoch, m.Round)
	return append(b, wire.Flag(m.Lease, 1)), nil
}

// AppendBinary implements process.Msg.
func (m *Query) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagQuery), m.Epoch, m.Ask), nil
}

// AppendBinary implements process.Msg.
func (m *Version) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagVersion), m.Epoch, m.Ask, m.Commit), nil
}

// AppendBinary implements process.Msg.
func (m *TimeoutNow) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagTimeoutNow), m.Epoch), nil
}

// AppendBinary implements process.Msg.
func (m *HardState) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagHardState), m.Epoch, uint64(m.Vote)), nil
}

// AppendBinary implements process.Msg.
func (m *Lived) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagLived), m.Life), nil
}

// AppendBinary implements process.Msg.
func (m *Entries) AppendBinary(b []byte) ([]byte, error) {
	return oplog.AppendEntries(wire.AppendUints(append(b, tagEntries), m.Prev), m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Checkpoint) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagCheckpoint), m.Epoch, uint64(m.Vote), m.Life, m.Base, m.BaseEpoch)
	return oplog.AppendEntries(process.AppendGroup(b, m.Group), m.Entries), nil
}

var errMalformed = errors.New("chain: malformed message")

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
		m := &Vote{Epoch: d.Uint(), Last: d.Uint()}
		f := d.Flags(3)
		m.Granted, m.Pre = f&1 != 0, f&2 != 0
		return m
	case tagHeartbeat:
		m := &Heartbeat{Epoch: d.Uint(), Commit: d.Uint(), CommitEpoch: d.Uint()}
		m.Chain = d.chain()
		m.Close = d.Flags(1) != 0
		return m
	case tagHeartbeatReply:
		return &HeartbeatReply{Epoch: d.Uint(), Down: d.ID(), Match: d.Uint()}
	case tagUpdate:
		m := &Update{Ask: d.Flags(1) != 0, Epoch: d.Uint(), Prev: d.Uint(), PrevEpoch: d.Uint(), Commit: d.Uint()}
		m.Entries = d.Entries(m.Prev)
		return m
	case tagAck:
		m := &Ack{Epoch: d.Uint(), Commit: d.Uint(), Match: d.Uint(), HintEpoch: d.Uint(), Prev: d.Uint()}
		m.OK = d.Flags(1) != 0
		return m
	case tagWritten:
		return &Written{Epoch: d.Uint(), Match: d.Uint()}
	case tagInstallState:
		return &InstallState{Epoch: d.Uint()}
	case tagJoin:
		return &Join{Epoch: d.Uint()}
	case tagConfirm:
		return &Confirm{Epoch: d.Uint(), Round: d.Uint()}
	case tagConfirmed:
		return &Confirmed{Epoch: d.Uint(), Round: d.Uint(), Lease: d.Flags(1) != 0}
	case tagQuery:
		return &Query{Epoch: d.Uint(), Ask: d.Uint()}
	case tagVersion:
		return &Version{Epoch: d.Uint(), Ask: d.Uint(), Commit: d.Uint()}
	case tagTimeoutNow:
		return &TimeoutNow{Epoch: d.Uint()}
	}
	return d.record(tag)
}

// record reads what is saved, never sent.
func (d *decoder) record(tag byte) process.Msg {
	switch tag {
	case tagHardState:
		return &HardState{Epoch: d.Uint(), Vote: d.ID()}
	case tagLived:
		return &Lived{Life: d.Uint()}
	case tagEntries:
		m := &Entries{Prev: d.Uint()}
		m.Entries = d.Entries(m.Prev)
		return m
	case tagCheckpoint:
		m := &Checkpoint{Epoch: d.Uint(), Vote: d.ID(), Life: d.Uint(), Base: d.Uint(), BaseEpoch: d.Uint()}
		m.Group = d.Group()
		m.Entries = d.Entries(m.Base)
		return m
	}
	return nil
}

// chain reads the IDs of a chain.
func (d *decoder) chain() []process.ID {
	n := d.Count(1)
	d.Require(n > 0 && n <= process.MaxGroup)
	if d.Bad {
		return nil
	}
	ids := make([]process.ID, n)
	for i := range ids {
		ids[i] = d.ID()
	}
	return ids
}
