// Package worldtest has a protocol that is small enough to read in a minute,
// and broken variants of it, to test the hosts of worlds with.
//
// Replica 1 is the primary, always. It saves what is submitted and sends it to
// the backups once it is durable, so that every log is a prefix of its own. An
// entry is committed when a majority holds it. Nothing happens while the
// primary is down. What the primary has compacted it sends as a state.
package worldtest

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"althing/process"
	"althing/quorum"
)

// A Bug is a promise that a variant breaks.
type Bug uint8

const (
	NoBug       Bug = iota // the protocol as it should be
	AckEarly               // replicas acknowledge before they are durable: Agreement
	CommitTwice            // backups commit an entry again: Order
	CommitAhead            // backups skip entries: Order
	Forge                  // the primary commits what nobody asked for: Validity
	StaleRead              // backups serve reads: Linearizability
	Deaf                   // the primary never sends again what was lost: Liveness
	Rewind                 // backups load old states: Staleness
	LoadNothing            // backups load a state that is not there: Contract
	BadTimer               // the primary sets a timer that does not exist: Contract
	BadStatus              // a backup says that it committed nothing: Status
	BadCodec               // a field is lost on the wire: Codec
	Crashes                // Step panics at the tenth entry: Panic
)

// Protocol returns the protocol with one bug.
func Protocol(bug Bug) process.Protocol {
	return process.Protocol{
		Name:   "primary",
		New:    func(c process.Config) process.Process { return &primary{self: c.Self, bug: bug} },
		Decode: func(b []byte) (process.Msg, error) { return decode(b, bug) },
		Facts:  process.Facts{Faults: process.Crash, Order: process.Total},
	}
}

const (
	leader process.ID    = 1
	resend process.Timer = 1
	every                = 50 * time.Millisecond
)

// The types of a Note.
const (
	appendNote uint8 = iota + 1 // to backups: Entries follow Index; Commit
	ackNote                     // to the primary: durable up to Index
	stateNote                   // to a backup, with the application's state
	logNote                     // saved: Entries follow Index
	baseNote                    // saved as a checkpoint: the same
)

// A Note is every message and record of the protocol.
type Note struct {
	Type    uint8
	Index   uint64
	Commit  uint64
	Entries []process.Entry
}

var kinds = [...]string{"None", "Append", "Ack", "State", "Log", "Base"}

// Kind implements process.Msg.
func (n *Note) Kind() string { return kinds[n.Type] }

// AppendBinary implements process.Msg.
func (n *Note) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, n.Type)
	for _, v := range []uint64{n.Index, n.Commit, uint64(len(n.Entries))} {
		b = binary.AppendUvarint(b, v)
	}
	for i := range n.Entries {
		e := &n.Entries[i]
		b = append(b, byte(e.Req.Kind))
		for _, v := range []uint64{e.Epoch, e.Index, e.Req.Client, e.Req.Seq, uint64(len(e.Req.Cmd))} {
			b = binary.AppendUvarint(b, v)
		}
		b = append(b, e.Req.Cmd...)
	}
	return b, nil
}

var errForm = errors.New("not a note")

func decode(b []byte, bug Bug) (process.Msg, error) {
	var head [3]uint64
	if len(b) == 0 || b[0] == 0 || int(b[0]) >= len(kinds) {
		return nil, errForm
	}
	n := &Note{Type: b[0]}
	b, ok := cut(b[1:], head[:])
	if !ok {
		return nil, errForm
	}
	n.Index, n.Commit = head[0], head[1]
	for range head[2] {
		var v [5]uint64
		if len(b) == 0 {
			return nil, errForm
		}
		kind := process.Kind(b[0])
		if b, ok = cut(b[1:], v[:]); !ok || v[4] > uint64(len(b)) {
			return nil, errForm
		}
		req := process.Request{Kind: kind, Client: v[2], Seq: v[3], Cmd: b[:v[4]:v[4]]}
		n.Entries, b = append(n.Entries, process.Entry{Epoch: v[0], Index: v[1], Req: req}), b[v[4]:]
	}
	if len(b) > 0 {
		return nil, errForm
	}
	if bug == BadCodec {
		n.Commit = 0
	}
	return n, nil
}

func cut(b []byte, vs []uint64) ([]byte, bool) {
	for i := range vs {
		v, w := binary.Uvarint(b)
		if w <= 0 {
			return nil, false
		}
		vs[i], b = v, b[w:]
	}
	return b, true
}

// maxMembers bounds the group.
const maxMembers = 16

type primary struct {
	self   process.ID
	bug    Bug
	group  process.Group
	base   uint64          // compacted up to here
	log    []process.Entry // after base
	commit uint64
	ready  uint64                 // the primary serves reads once this is committed
	match  [maxMembers + 1]uint64 // by ID: durable there
}

func (p *primary) last() uint64 { return p.base + uint64(len(p.log)) }

func (p *primary) after(i uint64) []process.Entry { return slices.Clip(p.log[i-p.base:]) }

// Step implements process.Process.
func (p *primary) Step(in process.Input, out *process.Output) {
	switch in.Kind {
	case process.Recover:
		if n := in.Msg.(*Note); n.Type == baseNote {
			p.base, p.log = n.Index, n.Entries
		} else {
			p.log = append(slices.Clip(p.log), n.Entries...)
		}
	case process.Start:
		p.start(in.State, out)
	case process.Submit:
		p.submit(in.Reqs, out)
	case process.Timeout:
		for _, id := range p.group.Voters {
			p.update(id, out)
		}
		out.SetTimer(resend, process.Span{Min: every, Max: every})
	case process.Receive:
		p.receive(in.From, in.Msg.(*Note), in.State, out)
	case process.Compact:
		if to := min(in.State.Index, p.commit); to > p.base {
			p.log, p.base = p.after(to), to
			p.checkpoint(out)
		}
	}
}

func (p *primary) start(s *process.State, out *process.Output) {
	p.group, p.commit = s.Group, s.Index
	if s.Index > p.last() {
		p.base, p.log = s.Index, nil
		p.checkpoint(out)
	}
	p.ready = p.last()
	if p.self == leader {
		p.ack(out)
		if p.bug != Deaf {
			out.SetTimer(resend, process.Span{Min: every, Max: every})
		}
	}
}

func (p *primary) checkpoint(out *process.Output) {
	out.Checkpoint(&Note{Type: baseNote, Index: p.base, Entries: p.after(p.base)})
}

func (p *primary) submit(reqs []process.Request, out *process.Output) {
	prev := p.last()
	for _, q := range reqs {
		one := []process.Request{q}
		switch {
		case q.Kind == process.Members || q.Kind == process.Transfer:
			out.Refuse(one, process.Unsupported, 0)
		case q.Kind == process.Read && p.bug == StaleRead:
			out.Serve(one, 0)
		case p.self != leader:
			out.Refuse(one, process.NotLeader, leader)
		case q.Kind == process.Read && p.commit < p.ready:
			out.Refuse(one, process.Busy, leader)
		case q.Kind == process.Read:
			out.Serve(one, p.commit)
		default:
			if p.bug == Forge && p.last() > 5 {
				q.Cmd = []byte("put forged 1")
			}
			p.log = append(p.log, process.Entry{Epoch: 1, Index: p.last() + 1, Req: q})
		}
	}
	if p.last() == prev {
		return
	}
	if p.bug == Crashes && p.last() >= 10 {
		panic("the tenth entry")
	}
	if p.bug == BadTimer {
		out.SetTimer(process.MaxTimer+1, process.Span{})
	}
	out.Save(&Note{Type: logNote, Index: prev, Entries: p.after(prev)})
	for _, id := range p.group.Voters {
		p.update(id, out)
	}
	p.ack(out)
}

// ack tells the primary what is durable here, when it is.
func (p *primary) ack(out *process.Output) {
	n := &Note{Type: ackNote, Index: p.last()}
	if p.bug == AckEarly {
		out.SendNow(leader, n) // Now: nothing keeps this safe; it is the bug
	} else {
		out.Send(leader, n)
	}
}

// update sends a backup what it lacks, as far as is known.
func (p *primary) update(id process.ID, out *process.Output) {
	match := p.match[id]
	switch {
	case id == p.self || p.self != leader:
	case match < p.base:
		out.SendState(id, &Note{Type: stateNote})
	default:
		n := &Note{Type: appendNote, Index: match, Commit: p.commit, Entries: p.after(match)}
		if p.bug == AckEarly {
			out.SendNow(id, n) // Now: nothing keeps this safe; it is the bug
		} else {
			out.Send(id, n)
		}
	}
}

func (p *primary) receive(from process.ID, n *Note, s *process.State, out *process.Output) {
	switch n.Type {
	case appendNote:
		p.onAppend(n, out)
	case stateNote:
		p.onState(s, out)
	case ackNote:
		p.match[from] = max(p.match[from], n.Index)
		var held []uint64
		for _, id := range p.group.Voters {
			held = append(held, p.match[id])
		}
		p.commitTo(quorum.Index(held, quorum.Majority(len(held))), out)
	}
}

func (p *primary) onAppend(n *Note, out *process.Output) {
	if have := p.last(); n.Index <= have && n.Index+uint64(len(n.Entries)) > have {
		news := n.Entries[have-n.Index:]
		p.log = append(slices.Clip(p.log), news...)
		out.Save(&Note{Type: logNote, Index: have, Entries: news})
	}
	if p.bug == LoadNothing {
		out.LoadState()
	}
	p.ack(out)
	to := min(n.Commit, p.last())
	if p.bug == CommitTwice && to > p.base && to == p.commit && p.self == 2 {
		p.commit--
	}
	if p.bug == CommitAhead && to > p.commit+1 && p.commit >= p.base {
		p.commit++
	}
	p.commitTo(to, out)
}

func (p *primary) onState(s *process.State, out *process.Output) {
	if s == nil || s.Index <= p.commit && p.bug != Rewind {
		p.ack(out) // the primary has forgotten what is here
		return
	}
	out.LoadState()
	if s.Index >= p.last() || p.bug == Rewind {
		p.log = nil
	} else {
		p.log = p.after(max(s.Index, p.base))
	}
	p.base, p.commit = s.Index, s.Index
	p.checkpoint(out)
	p.ack(out)
}

func (p *primary) commitTo(to uint64, out *process.Output) {
	if to > p.commit {
		out.Commit(slices.Clip(p.log[p.commit-p.base : to-p.base]))
		p.commit = to
	}
}

// Status implements process.Process.
func (p *primary) Status() process.Status {
	s := process.Status{Role: "backup", Epoch: 1, Leader: leader, Last: p.last(), Commit: p.commit}
	if p.self == leader {
		s.Role = "primary"
	} else if p.bug == BadStatus {
		s.Commit = 0
	}
	return s
}

// Progress implements process.Process.
func (p *primary) Progress(b []process.Progress) []process.Progress { return b }

// Clone implements process.Process.
func (p *primary) Clone() process.Process {
	c := *p
	c.log = slices.Clip(p.log)
	return &c
}

// AppendState implements process.Process.
func (p *primary) AppendState(b []byte) []byte {
	b, _ = (&Note{Type: baseNote, Index: p.base, Commit: p.commit, Entries: p.log}).AppendBinary(b)
	b = binary.AppendUvarint(b, p.ready)
	for _, m := range p.match {
		b = binary.AppendUvarint(b, m)
	}
	return b
}
