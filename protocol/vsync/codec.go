package vsync

import (
	"errors"

	"althing/oplog"
	"althing/oplog/lanes"
	"althing/process"
	"althing/wire"
)

// The first byte of every message and record. Numbers are never reused: disks
// remember them.
const (
	tagCast byte = iota + 1
	tagAck
	tagStable
	tagHere
	tagFetch
	tagSuspect
	tagAgree
	tagFlush
	tagFlushed
	tagPropose
	tagAccept
	tagReject
	tagNewer
	tagHandOver
	tagRecord
	tagCheckpoint
	tagFlushedCounts
	tagKept // from 32 on: package lanes
)

// AppendBinary implements process.Msg.
func (m *Cast) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, tagCast, byte(m.Use)|wire.Flag(m.More, 4))
	b = wire.AppendUints(b, uint64(m.View), m.Prev, m.Epoch, m.Last, m.Stable)
	return oplog.AppendEntries(b, m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Ack) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagAck), uint64(m.View), m.Upto), nil
}

// AppendBinary implements process.Msg.
func (m *Stable) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagStable), uint64(m.View), m.Last, m.Known, m.Stable, m.Round), nil
}

// AppendBinary implements process.Msg.
func (m *Here) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagHere), uint64(m.View), m.Round), nil
}

// AppendBinary implements process.Msg.
func (m *Fetch) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagFetch), uint64(m.View), m.Last), nil
}

// AppendBinary implements process.Msg.
func (m *Suspect) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagSuspect), uint64(m.View)), nil
}

// AppendBinary implements process.Msg.
func (m *Agree) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagAgree), uint64(m.View)), nil
}

// AppendBinary implements process.Msg.
func (m *Flush) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagFlush), uint64(m.View), uint64(m.Ballot)), nil
}

// AppendBinary implements process.Msg.
func (m *Flushed) AppendBinary(b []byte) ([]byte, error) {
	tag := tagFlushed
	if len(m.Counts) > 0 {
		tag = tagFlushedCounts
	}
	b = wire.AppendUints(append(b, tag), uint64(m.View), uint64(m.Ballot), m.Last)
	b = m.Vote.append(b)
	if len(m.Counts) > 0 {
		b = lanes.AppendVector(b, m.Counts)
	}
	return b, nil
}

// AppendBinary implements process.Msg.
func (m *Propose) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagPropose), uint64(m.View), uint64(m.Ballot))
	return appendEntry(b, &m.Next), nil
}

// AppendBinary implements process.Msg.
func (m *Accept) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagAccept), uint64(m.View), uint64(m.Ballot)), nil
}

// AppendBinary implements process.Msg.
func (m *Reject) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagReject), uint64(m.View), uint64(m.Ballot)), nil
}

// AppendBinary implements process.Msg.
func (m *Newer) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagNewer), uint64(m.View)), nil
}

// AppendBinary implements process.Msg.
func (m *HandOver) AppendBinary(b []byte) ([]byte, error) {
	return wire.AppendUints(append(b, tagHandOver), uint64(m.View)), nil
}

// AppendBinary implements process.Msg.
func (m *Record) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagRecord), uint64(m.View), uint64(m.Promised))
	b = wire.AppendUints(m.Vote.append(b), m.Prev)
	return oplog.AppendEntries(b, m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Checkpoint) AppendBinary(b []byte) ([]byte, error) {
	b = wire.AppendUints(append(b, tagCheckpoint), uint64(m.View), uint64(m.Promised))
	b = wire.AppendUints(m.Vote.append(b), m.Base, m.BaseEpoch)
	return oplog.AppendEntries(process.AppendGroup(b, m.Group), m.Entries), nil
}

// AppendBinary implements process.Msg.
func (m *Kept) AppendBinary(b []byte) ([]byte, error) {
	b, _ = m.Views.AppendBinary(append(b, tagKept)) // never fails
	return m.Messages.Append(b), nil
}

func appendEntry(b []byte, e *process.Entry) []byte {
	return oplog.AppendRequest(wire.AppendUints(b, e.Epoch, e.Index), &e.Req)
}

// append appends v: one byte if there is none, as nearly always.
func (v *Vote) append(b []byte) []byte {
	b = wire.AppendUints(b, uint64(v.Ballot))
	if v.Ballot == 0 {
		return b
	}
	return appendEntry(b, &v.View)
}

var errMalformed = errors.New("vsync: malformed message")

// Decode reads what AppendBinary wrote. Commands share b, which must not
// change from then on.
func Decode(b []byte) (process.Msg, error) {
	if len(b) == 0 {
		return nil, errMalformed
	}
	if b[0] >= 32 {
		return lanes.Decode(b)
	}
	d := decoder{oplog.Decoder{Decoder: wire.Decoder{B: b[1:]}}}
	m := d.message(b[0])
	if m == nil || !d.Done() {
		return nil, errMalformed
	}
	return m, nil
}

type decoder struct{ oplog.Decoder }

func (d *decoder) view() ViewID { return ViewID(d.Uint()) }

// next reads an entry that names a view: it follows another, and says who is in it.
func (d *decoder) next() process.Entry {
	e := process.Entry{Epoch: d.Uint(), Index: d.Uint(), Req: d.Request()}
	g, _, err := process.CutGroup(e.Req.Cmd)
	d.Require(e.Index > 0 && e.Req.Kind == process.Members && err == nil && g.Valid())
	return e
}

func (d *decoder) vote() Vote {
	v := Vote{Ballot: d.view()}
	if v.Ballot != 0 && !d.Bad {
		v.View = d.next()
	}
	return v
}

func (d *decoder) message(tag byte) process.Msg {
	switch tag {
	case tagCast:
		f := d.Flags(7)
		m := &Cast{Use: Use(f & 3), More: f&4 != 0, View: d.view(),
			Prev: d.Uint(), Epoch: d.Uint(), Last: d.Uint(), Stable: d.Uint()}
		d.Require(m.Use <= ForState)
		m.Entries = d.Entries(m.Prev)
		return m
	case tagAck:
		return &Ack{View: d.view(), Upto: d.Uint()}
	case tagStable:
		return &Stable{View: d.view(), Last: d.Uint(), Known: d.Uint(), Stable: d.Uint(), Round: d.Uint()}
	case tagHere:
		return &Here{View: d.view(), Round: d.Uint()}
	case tagFetch:
		return &Fetch{View: d.view(), Last: d.Uint()}
	case tagSuspect:
		return &Suspect{View: d.view()}
	case tagAgree:
		return &Agree{View: d.view()}
	case tagFlush:
		return &Flush{View: d.view(), Ballot: d.view()}
	case tagFlushed:
		return &Flushed{View: d.view(), Ballot: d.view(), Last: d.Uint(), Vote: d.vote()}
	case tagPropose:
		return &Propose{View: d.view(), Ballot: d.view(), Next: d.next()}
	case tagAccept:
		return &Accept{View: d.view(), Ballot: d.view()}
	case tagReject:
		return &Reject{View: d.view(), Ballot: d.view()}
	case tagNewer:
		return &Newer{View: d.view()}
	case tagHandOver:
		return &HandOver{View: d.view()}
	case tagRecord:
		m := &Record{View: d.view(), Promised: d.view(), Vote: d.vote(), Prev: d.Uint()}
		m.Entries = d.Entries(m.Prev)
		return m
	case tagCheckpoint:
		m := &Checkpoint{View: d.view(), Promised: d.view(), Vote: d.vote(), Base: d.Uint(), BaseEpoch: d.Uint()}
		m.Group = d.Group()
		m.Entries = d.Entries(m.Base)
		return m
	}
	return d.partial(tag)
}

// partial reads the messages of groups without one order for all.
func (d *decoder) partial(tag byte) process.Msg {
	switch tag {
	case tagFlushedCounts:
		m := &Flushed{View: d.view(), Ballot: d.view(), Last: d.Uint(), Vote: d.vote(), Counts: d.Counts()}
		d.Require(len(m.Counts) > 0)
		return m
	case tagKept:
		d.Require(d.Byte() == tagCheckpoint)
		c, _ := d.message(tagCheckpoint).(*Checkpoint)
		m := &Kept{Views: *c}
		m.Messages.Read(&d.Decoder)
		return m
	}
	return nil
}
