package fastpaxos

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
	tagPromise
	tagPropose
	tagAccept
	tagVoted
	tagNack
	tagHeartbeat
	tagAlive
	tagAsk
	tagLearn
	tagInstall
	tagQuery
	tagAnswer
	tagDecided
	tagCheckpoint
	tagScout
	tagSecond
)

// AppendBinary implements process.Msg.
func (m *Prepare) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagPrepare), m.Round), nil
}

// AppendBinary implements process.Msg.
func (m *Promise) AppendBinary(b []byte) ([]byte, error) {
	return appendVotes(wire.AppendUints(append(b, tagPromise), m.Round, m.Commit), m.Votes), nil
}

// AppendBinary implements process.Msg.
func (m *Propose) AppendBinary(b []byte) ([]byte, error) {
	return appendEntries(append(b, tagPropose), m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Accept) AppendBinary(b []byte) ([]byte, error) {
	return appendEntries(wire.AppendUints(append(b, tagAccept), m.Round), m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Voted) AppendBinary(b []byte) ([]byte, error) {
	return appendEntries(wire.AppendUints(append(b, tagVoted), m.Round, m.Commit), m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Nack) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagNack), m.Round, m.Promised), nil
}

// AppendBinary implements process.Msg.
func (m *Heartbeat) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagHeartbeat), m.Round, m.After, m.Commit)
	return append(b, wire.Flag(m.Any, 1)), nil
}

// AppendBinary implements process.Msg.
func (m *Alive) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagAlive), m.Round, m.Commit, m.High), nil
}

// AppendBinary implements process.Msg.
func (m *Ask) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagAsk), m.After), nil
}

// AppendBinary implements process.Msg.
func (m *Learn) AppendBinary(b []byte) ([]byte, error) {
	return appendEntries(wire.AppendUints(append(b, tagLearn), m.Commit), m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Install) AppendBinary(b []byte) ([]byte, error) { return append(b, tagInstall), nil }

// AppendBinary implements process.Msg.
func (m *Query) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagQuery), m.Seq), nil
}

// AppendBinary implements process.Msg.
func (m *Answer) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagAnswer), m.Seq, m.High), nil
}

// AppendBinary implements process.Msg.
func (m *Decided) AppendBinary(b []byte) ([]byte, error) {
	return appendEntries(append(b, tagDecided), m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Checkpoint) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagCheckpoint), m.Promised, m.Base, m.BaseEpoch)
	b = oplog.AppendEntries(process.AppendGroup(b, m.Group), m.Entries)
	return appendVotes(b, m.Votes), nil
}

// AppendBinary implements process.Msg.
func (m *Scout) AppendBinary(b []byte) ([]byte, error) { return append(b, tagScout), nil }

// AppendBinary implements process.Msg.
func (m *Second) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagSecond), m.Promised), nil
}

// appendEntries appends entries that need not follow one another.
func appendEntries(b []byte, es []process.Entry) []byte {
	b = wire.AppendUints(b, uint64(len(es)))
	for i := range es {
		b = appendEntry(b, &es[i])
	}
	return b
}

func appendEntry(b []byte, e *process.Entry) []byte {
	return oplog.AppendRequest(wire.AppendUints(b, e.Index, e.Epoch), &e.Req)
}

func appendVotes(b []byte, vs []Vote) []byte {
	b = wire.AppendUints(b, uint64(len(vs)))
	for i := range vs {
		b = appendEntry(wire.AppendUints(b, vs[i].Round), &vs[i].Entry)
	}
	return b
}

// entryBytes is the least that an entry takes.
const entryBytes = 6

var errMalformed = errors.New("fastpaxos: malformed message")

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
	case tagScout:
		return &Scout{}
	case tagSecond:
		return &Second{Promised: d.Uint()}
	case tagPrepare:
		return &Prepare{Round: d.Uint()}
	case tagPromise:
		return &Promise{Round: d.Uint(), Commit: d.Uint(), Votes: d.votes()}
	case tagPropose:
		return &Propose{Entries: d.entries()}
	case tagAccept:
		return &Accept{Round: d.Uint(), Entries: d.entries()}
	case tagVoted:
		return &Voted{Round: d.Uint(), Commit: d.Uint(), Entries: d.entries()}
	case tagNack:
		return &Nack{Round: d.Uint(), Promised: d.Uint()}
	case tagHeartbeat:
		return &Heartbeat{Round: d.Uint(), After: d.Uint(), Commit: d.Uint(), Any: d.Flags(1) == 1}
	case tagAlive:
		return &Alive{Round: d.Uint(), Commit: d.Uint(), High: d.Uint()}
	case tagAsk:
		return &Ask{After: d.Uint()}
	case tagLearn:
		return &Learn{Commit: d.Uint(), Entries: d.entries()}
	case tagInstall:
		return &Install{}
	case tagQuery:
		return &Query{Seq: d.Uint()}
	case tagAnswer:
		return &Answer{Seq: d.Uint(), High: d.Uint()}
	case tagDecided:
		return &Decided{Entries: d.entries()}
	case tagCheckpoint:
		m := &Checkpoint{Promised: d.Uint(), Base: d.Uint(), BaseEpoch: d.Uint()}
		m.Group = d.Group()
		m.Entries = d.Entries(m.Base)
		m.Votes = d.votes()
		return m
	}
	return nil
}

func (d *decoder) entry() process.Entry {
	return process.Entry{Index: d.Uint(), Epoch: d.Uint(), Req: d.Request()}
}

func (d *decoder) entries() (es []process.Entry) {
	for range d.Count(entryBytes) {
		es = append(es, d.entry())
	}
	return es
}

func (d *decoder) votes() (vs []Vote) {
	for range d.Count(entryBytes + 1) {
		vs = append(vs, Vote{Round: d.Uint(), Entry: d.entry()})
	}
	return vs
}
