package multipaxos

import (
	"errors"

	"althing/oplog"
	"althing/process"
	"althing/wire"
)

// The first byte of every message and record. Numbers are never reused: disks
// remember them.
const (
	tagAsk byte = iota + 1
	tagWilling
	tagPrepare
	tagPromise
	tagReject
	tagAccept
	tagAccepted
	tagChosen
	tagHeartbeat
	tagHeartbeatReply
	tagState
	tagHandOver
	tagCheckpoint
)

// AppendBinary implements process.Msg.
func (m *Ask) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagAsk), uint64(m.Ballot), m.After), nil
}

// AppendBinary implements process.Msg.
func (m *Willing) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagWilling), uint64(m.Ballot), uint64(m.Promised)), nil
}

// AppendBinary implements process.Msg.
func (m *Prepare) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagPrepare), uint64(m.Ballot), m.After)
	return append(b, wire.Flag(m.Order, 1)), nil
}

// AppendBinary implements process.Msg.
func (m *Promise) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagPromise), uint64(m.Ballot), m.After, m.Upto)
	b = append(b, wire.Flag(m.More, 1))
	return appendVotes(oplog.AppendEntries(b, m.Decided), m.Votes), nil
}

// AppendBinary implements process.Msg.
func (m *Reject) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagReject), uint64(m.Ballot)), nil
}

// AppendBinary implements process.Msg.
func (m *Accept) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagAccept), uint64(m.Ballot), m.Prev, m.Commit)
	return oplog.AppendEntries(b, m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Accepted) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagAccepted), uint64(m.Ballot), m.Match, m.Prev), nil
}

// AppendBinary implements process.Msg.
func (m *Chosen) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagChosen), uint64(m.Ballot), m.Commit), nil
}

// AppendBinary implements process.Msg.
func (m *Heartbeat) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagHeartbeat), uint64(m.Ballot), m.Commit, m.Round), nil
}

// AppendBinary implements process.Msg.
func (m *HeartbeatReply) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagHeartbeatReply), uint64(m.Ballot), m.Round, m.Decided), nil
}

// AppendBinary implements process.Msg.
func (m *State) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagState), uint64(m.Ballot)), nil
}

// AppendBinary implements process.Msg.
func (m *HandOver) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagHandOver), uint64(m.Ballot)), nil
}

// AppendBinary implements process.Msg.
func (m *Checkpoint) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagCheckpoint), uint64(m.Promised), m.Base, m.BaseEpoch)
	b = oplog.AppendEntries(process.AppendGroup(b, m.Group), m.Entries)
	return appendVotes(b, m.Votes), nil
}

// voteBytes is the least that a vote takes in the form of appendVotes.
const voteBytes = 8

func appendVotes(b []byte, vs []Vote) []byte {
	b = wire.AppendUints(b, uint64(len(vs)))
	for i := range vs {
		b = wire.AppendUints(b, uint64(vs[i].Ballot), vs[i].Entry.Index)
		b = oplog.AppendEntries(b, []process.Entry{vs[i].Entry})
	}
	return b
}

var errMalformed = errors.New("multipaxos: malformed message")

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
	case tagAsk:
		return &Ask{Ballot: d.ballot(), After: d.Uint()}
	case tagWilling:
		return &Willing{Ballot: d.ballot(), Promised: d.ballot()}
	case tagPrepare:
		return &Prepare{Ballot: d.ballot(), After: d.Uint(), Order: d.Flags(1) != 0}
	case tagPromise:
		m := &Promise{Ballot: d.ballot(), After: d.Uint(), Upto: d.Uint(), More: d.Flags(1) != 0}
		m.Decided = d.Entries(m.After)
		m.Votes = d.votes(m.After)
		return m
	case tagReject:
		return &Reject{Ballot: d.ballot()}
	case tagAccept:
		m := &Accept{Ballot: d.ballot(), Prev: d.Uint(), Commit: d.Uint()}
		m.Entries = d.Entries(m.Prev)
		return m
	case tagAccepted:
		return &Accepted{Ballot: d.ballot(), Match: d.Uint(), Prev: d.Uint()}
	case tagChosen:
		return &Chosen{Ballot: d.ballot(), Commit: d.Uint()}
	case tagHeartbeat:
		return &Heartbeat{Ballot: d.ballot(), Commit: d.Uint(), Round: d.Uint()}
	case tagHeartbeatReply:
		return &HeartbeatReply{Ballot: d.ballot(), Round: d.Uint(), Decided: d.Uint()}
	case tagState:
		return &State{Ballot: d.ballot()}
	case tagHandOver:
		return &HandOver{Ballot: d.ballot()}
	case tagCheckpoint:
		m := &Checkpoint{Promised: d.ballot(), Base: d.Uint(), BaseEpoch: d.Uint(), Group: d.Group()}
		m.Entries = d.Entries(m.Base)
		m.Votes = d.votes(m.Base)
		return m
	}
	return nil
}

func (d *decoder) ballot() Ballot { return Ballot(d.Uint()) }

// votes reads what appendVotes wrote of votes in ascending slots above prev.
func (d *decoder) votes(prev uint64) []Vote {
	n := d.Count(voteBytes)
	if n == 0 || d.Bad {
		return nil
	}
	vs := make([]Vote, n)
	for i := range vs {
		vs[i].Ballot = d.ballot()
		slot := d.Uint()
		d.Require(slot > prev)
		es := d.Entries(slot - 1)
		d.Require(len(es) == 1)
		if d.Bad {
			return nil
		}
		vs[i].Entry, prev = es[0], slot
	}
	return vs
}
