package processtest

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"althing/process"
)

// A fault is a rule that the toy breaks.
type fault int

const (
	none fault = iota
	readsElsewhere
	sharesWithClone
	changesSentMessage
	losesInCodec
	decodesNothing
	forgetsRecord
	skipsIndex
	commitsTwoThings
	refusesRecorded
	sendsToNobody
	setsNoTimer
	loadsNoState
	servesTheFuture
)

// toy is a protocol in which replica 1 decides alone, when its disk has it.
type toy struct {
	self    process.ID
	fault   fault
	log     []process.Entry
	durable uint64
	last    *note
}

// note is the toy's one message and record: the log is this long, and this is
// its last entry.
type note struct {
	Index uint64
	Seq   uint64
	Kept  process.Kind
	Cmd   []byte
}

func (*note) Kind() string { return "note" }

func (n *note) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(append(b, 1, byte(n.Kept)), n.Index)
	return append(binary.AppendUvarint(b, n.Seq), n.Cmd...), nil
}

func decode(f fault) func([]byte) (process.Msg, error) {
	return func(b []byte) (process.Msg, error) {
		if len(b) == 0 && f == decodesNothing {
			return &note{}, nil
		}
		if len(b) < 2 || b[0] != 1 {
			return nil, errors.New("not a note")
		}
		n := &note{Kept: process.Kind(b[1])}
		var w, v int
		if n.Index, w = binary.Uvarint(b[2:]); w <= 0 {
			return nil, errors.New("no index")
		}
		if n.Seq, v = binary.Uvarint(b[2+w:]); v <= 0 {
			return nil, errors.New("no number")
		}
		n.Cmd = b[2+w+v:]
		if f == losesInCodec {
			n.Seq = 0
		}
		return n, nil
	}
}

var elsewhere uint64

func (p *toy) Step(in process.Input, out *process.Output) {
	switch in.Kind {
	case process.Recover:
		n := in.Msg.(*note)
		if n.Index > 0 && !(p.fault == forgetsRecord && n.Index%5 == 0) {
			p.log = append(p.log, n.entry())
		}
	case process.Start:
		p.durable = in.State.Index
		out.SetTimer(1, process.Span{})
		if p.fault == setsNoTimer {
			out.SetTimer(0, process.Span{})
		}
		if p.self == 1 && uint64(len(p.log)) > p.durable {
			out.Send(1, &note{Index: uint64(len(p.log))})
		}
	case process.Submit:
		p.submit(in.Reqs, out)
	case process.Receive:
		p.receive(in.Msg.(*note), out)
	}
}

func (n *note) entry() process.Entry {
	q := process.Request{Kind: n.Kept, Client: 7, Seq: n.Seq, Cmd: n.Cmd}
	return process.Entry{Epoch: 1, Index: n.Index, Req: q}
}

func (p *toy) submit(reqs []process.Request, out *process.Output) {
	if p.self != 1 {
		out.Refuse(reqs, process.NotLeader, 1)
		return
	}
	for _, q := range reqs {
		if q.Kind == process.Read {
			index := p.durable
			if p.fault == servesTheFuture {
				index++
			}
			out.Serve([]process.Request{q}, index)
			continue
		}
		n := &note{Index: uint64(len(p.log)) + 1, Seq: q.Seq, Kept: q.Kind, Cmd: q.Cmd}
		if p.fault == readsElsewhere {
			elsewhere++
			n.Seq = elsewhere
		}
		p.log = append(p.log, n.entry())
		out.Save(n)
	}
	m := &note{Index: uint64(len(p.log))}
	out.Send(1, m)
	if p.fault == changesSentMessage && p.last != nil {
		p.last.Seq++
	}
	p.last = m
	switch p.fault {
	case sendsToNobody:
		out.Send(9, m)
	case loadsNoState:
		out.LoadState()
	case refusesRecorded:
		if p.durable > 0 {
			out.Refuse([]process.Request{p.log[0].Req}, process.Busy, 0)
		}
	case commitsTwoThings:
		for to := process.ID(2); to <= 3; to++ {
			out.Send(to, &note{Index: 1, Seq: uint64(to), Cmd: []byte{byte(to)}})
		}
	}
}

func (p *toy) receive(n *note, out *process.Output) {
	if p.fault == commitsTwoThings && p.self != 1 && p.durable == 0 {
		p.durable = 1
		p.log = append(p.log, n.entry())
		out.Commit(p.log)
	}
	if p.self != 1 || n.Index <= p.durable || n.Index > uint64(len(p.log)) {
		return
	}
	from := p.durable
	if p.fault == skipsIndex && n.Index > from+1 {
		from++
	}
	out.Commit(p.log[from:n.Index:n.Index])
	p.durable = n.Index
}

func (p *toy) Status() process.Status                           { return process.Status{Commit: p.durable} }
func (p *toy) Progress(b []process.Progress) []process.Progress { return b }

func (p *toy) Clone() process.Process {
	c := *p
	if p.fault != sharesWithClone {
		c.log = slices.Clip(c.log)
		return &c
	}
	return p
}

func (p *toy) AppendState(b []byte) []byte {
	b = binary.AppendUvarint(b, p.durable)
	for i := range p.log {
		b = binary.AppendUvarint(b, p.log[i].Req.Seq)
	}
	return b
}

func protocol(f fault) process.Protocol {
	return process.Protocol{
		Name: "toy", Decode: decode(f), Facts: process.Facts{Order: process.Total},
		New: func(c process.Config) process.Process { return &toy{self: c.Self, fault: f} },
	}
}

// TestSuiteBites: a protocol that keeps the rules passes, and each broken rule
// is found and named.
func TestSuiteBites(t *testing.T) {
	if err := Check(protocol(none)); err != nil {
		t.Fatalf("a protocol that keeps the rules: %v", err)
	}
	for f, want := range map[fault]string{
		readsElsewhere:     "led to two states",
		sharesWithClone:    "changed its clone",
		changesSentMessage: "changed after it was sent",
		losesInCodec:       "does not survive its codec",
		decodesNothing:     "no bytes decode",
		forgetsRecord:      "",
		skipsIndex:         "committed after",
		commitsTwoThings:   "elsewhere",
		refusesRecorded:    "was refused, and is in a log",
		sendsToNobody:      "who is nobody",
		setsNoTimer:        "out of range",
		loadsNoState:       "no state came",
		servesTheFuture:    "beyond what is committed",
	} {
		func() {
			defer func() {
				if r := recover(); r != nil && want != "" {
					t.Errorf("fault %d: panic %v, not an error with %q", f, r, want)
				}
			}()
			if err := Check(protocol(f)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("fault %d: %v, not an error with %q", f, err, want)
			}
		}()
	}
}
