package group

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"althing/process"
	"althing/world"
)

// A replica is a process with its disk and its timers at some moment. It never
// changes: a step makes another one.
type replica struct {
	id      process.ID
	proc    process.Process
	timers  uint16        // set of process.Timer
	now     time.Duration // one for each timer that has fired
	durable []record      // what a crash leaves
	pending []pending     // what waits for the disk; the first is a record
	app     process.State // of the application
	kept    process.State // of the application, durably
	waits   []uint64      // numbers of the requests whose clients wait here
}

// An envelope is a message on its way.
type envelope struct {
	from, to process.ID
	msg      process.Msg    // as it was decoded from its bytes
	state    *process.State // of the application that travels with it
}

// An outcome is what comes of one event at one replica.
type outcome struct {
	from    origin   // the replica, the event, and which of its outcomes this is
	replica uint32   // number of the replica afterwards
	sent    []uint32 // numbers of envelopes, in order
	err     error    // what was broken
	still   bool     // nothing came of it

	calls   []call // for the monitor
	commits []process.Entry
	highest uint64   // number of the latest request among commits
	replies []uint64 // indexes of commits whose clients were waiting here
	served  []served
	refused []uint64 // numbers of reads
	crashed bool
	choices []int // what Choose returned
}

// A call is one Step as a Monitor is told of it.
type call struct {
	in      process.Input
	proc    process.Process
	effects []process.Effect
}

// served is a read that is answered from an application at index, or later.
type served struct{ seq, index uint64 }

// An event is something that happens to a replica.
type event struct {
	kind uint8
	arg  uint32
	disk
}

// violation names what was broken, in the words of package world.
func violation(name, format string, args ...any) error {
	return &world.Violation{Name: name, Detail: fmt.Sprintf(format, args...)}
}

// A stage is where a replica makes its step: r is on its way to the next one.
type stage struct {
	g    *Model
	r    replica
	disk disk
	own  []process.Msg // to itself, arrived
	o    *outcome
}

// outcomes returns all that may come of an event at a replica: one for each
// sequence of answers to Choose.
func (g *Model) outcomes(id uint32, e event) []*outcome {
	key := moment{id, e}
	if os, ok := g.known[key]; ok {
		return os
	}
	var os []*outcome
	var odometer choices
	for odometer.next() {
		before := g.replicas.at(id)
		from := origin{parent: id, event: e, choice: uint32(len(os))}
		x := &stage{g: g, r: *before, disk: e.disk, o: &outcome{from: from}}
		x.r.proc = before.proc.Clone()
		x.r.pending, x.r.waits = slices.Clip(before.pending), slices.Clone(before.waits)
		x.r.durable = slices.Clip(before.durable)
		g.out.Chooser = odometer.choose
		x.do(e)
		x.end(id)
		x.o.choices = slices.Clone(odometer.value)
		os = append(os, x.o)
	}
	g.known[key] = os
	return os
}

// end gives the new replica its number.
func (x *stage) end(before uint32) {
	if x.o.err != nil {
		return
	}
	x.settle()
	if x.disk.final {
		x.r.durable = nil
	}
	r := x.r
	x.g.buf = r.appendState(x.g.buf[:0])
	x.o.replica = x.g.replicas.number(x.g.buf, &r, x.o.from)
	x.o.still = x.o.replica == before && len(x.o.sent) == 0 && len(x.o.served) == 0
}

// settle lets the replica hear what it told itself, as soon as the disk lets it
// go; a quick disk does so at once.
func (x *stage) settle() {
	for x.o.err == nil {
		if x.disk.quick {
			x.sync(len(x.r.pending))
		}
		if len(x.own) == 0 {
			return
		}
		m := x.own[0]
		x.own = x.own[1:]
		if m, x.o.err = x.g.decoded(m); x.o.err == nil {
			x.step(process.Input{Kind: process.Receive, From: x.r.id, Msg: m}, nil)
		}
	}
}

func (x *stage) do(e event) {
	switch e.kind {
	case doDeliver:
		m := x.g.envelopes.at(e.arg)
		in := process.Input{Kind: process.Receive, From: m.from, Msg: m.msg}
		if m.state != nil {
			s := clone(m.state)
			in.State = &s
		}
		x.step(in, m.state)
	case doElection, doBeat:
		t := process.Timer(e.arg)
		x.r.timers &^= 1 << t
		x.r.now++
		x.step(process.Input{Kind: process.Timeout, Timer: t}, nil)
	case doSubmit:
		x.r.waits = append(x.r.waits, uint64(e.arg))
		x.step(process.Input{Kind: process.Submit, Reqs: []process.Request{request(uint64(e.arg))}}, nil)
	case doRead:
		x.step(process.Input{Kind: process.Submit, Reqs: []process.Request{read(uint64(e.arg))}}, nil)
	case doSync:
		x.sync(1)
	case doCrash:
		x.crash(int(e.arg))
	case doCompact:
		x.r.kept = clone(&x.r.app)
		s := clone(&x.r.kept)
		x.step(process.Input{Kind: process.Compact, State: &s}, nil)
	}
}

// request returns the client's n-th command, read its n-th read.
func request(n uint64) process.Request {
	return process.Request{Cmd: fmt.Appendf(nil, "put k %d", n)}
}

func read(n uint64) process.Request {
	return process.Request{Kind: process.Read, Cmd: fmt.Appendf(nil, "get %d", n)}
}

// number returns that of a request or a read; 0 for what is neither.
func number(q *process.Request) uint64 {
	var n uint64
	for _, b := range q.Cmd[bytes.LastIndexByte(q.Cmd, ' ')+1:] {
		if b < '0' || b > '9' || n > MaxBound {
			return 0
		}
		n = 10*n + uint64(b-'0')
	}
	return n
}

// step steps the process and carries out what it asks for.
func (x *stage) step(in process.Input, image *process.State) {
	if x.o.err != nil {
		return
	}
	in.Now = x.r.now
	effects := x.call(in)
	for i := range effects {
		if x.o.err == nil && in.Kind != process.Recover {
			x.effect(&effects[i], image)
		}
	}
	if in.Kind == process.Recover || x.o.err != nil {
		return
	}
	if s := x.r.proc.Status(); s.Commit != x.r.app.Index {
		x.o.err = violation("Status", "replica %d says that it handed over %d, but the application is at %d",
			x.r.id, s.Commit, x.r.app.Index)
	}
}

// call steps the process, and keeps what a monitor must be told. A panic is a
// violation.
func (x *stage) call(in process.Input) (effects []process.Effect) {
	out := &x.g.out
	out.Reset()
	defer func() {
		if p := recover(); p != nil {
			x.o.err = violation("Panic", "replica %d: %v", x.r.id, p)
		}
	}()
	x.r.proc.Step(in, out)
	effects = slices.Clone(out.Effects)
	if x.g.monitored {
		x.o.calls = append(x.o.calls, call{in, x.r.proc.Clone(), effects})
	}
	return effects
}

func (x *stage) effect(e *process.Effect, image *process.State) {
	switch e.Kind {
	case process.Save, process.Checkpoint:
		if e.Msg == nil {
			x.o.err = violation("Contract", "replica %d saves nothing", x.r.id)
			return
		}
		x.record(record{msg: e.Msg, checkpoint: e.Kind == process.Checkpoint})
	case process.Send, process.SendState, process.SendNow:
		x.send(e)
	case process.LoadState:
		if image == nil || image.Index < x.r.app.Index && !x.g.protocol.Facts.Loses {
			x.o.err = violation("Staleness", "replica %d loads a state that is older than its own, or none", x.r.id)
			return
		}
		x.r.app = clone(image)
		x.record(record{state: image})
	case process.SetTimer, process.StopTimer:
		if e.Timer == 0 || e.Timer > process.MaxTimer {
			x.o.err = violation("Contract", "replica %d has no timer %d", x.r.id, e.Timer)
			return
		}
		x.r.timers &^= 1 << e.Timer
		if e.Kind == process.SetTimer {
			x.r.timers |= 1 << e.Timer
		}
	case process.Commit:
		x.commit(e.Entries)
	case process.Serve:
		for i := range e.Reqs {
			x.o.served = append(x.o.served, served{number(&e.Reqs[i]), max(e.Index, x.r.app.Index)})
		}
	case process.Undone:
		if !x.g.protocol.Facts.Loses {
			x.o.err = violation("Contract", "replica %d says that a commit is undone", x.r.id)
		}
	case process.Refuse:
		for i := range e.Reqs {
			if e.Reqs[i].Kind == process.Read {
				x.o.refused = append(x.o.refused, number(&e.Reqs[i]))
			} else if j := slices.Index(x.r.waits, number(&e.Reqs[i])); j >= 0 {
				x.r.waits = slices.Delete(x.r.waits, j, j+1)
			}
		}
	}
}

func (x *stage) record(r record) { x.r.pending = append(x.r.pending, pending{record: r}) }

// send is the gate: what is not SendNow waits for all records so far.
func (x *stage) send(e *process.Effect) {
	if e.Msg == nil || e.To == 0 {
		x.o.err = violation("Contract", "replica %d sends %v to %d", x.r.id, e.Msg, e.To)
		return
	}
	p := pending{record: record{msg: e.Msg, checkpoint: e.Kind == process.SendState}, to: e.To}
	if e.Kind != process.SendNow && len(x.r.pending) > 0 {
		x.r.pending = append(x.r.pending, p)
		return
	}
	x.post(p)
}

// post puts a message on its way, as it comes back from its bytes. What goes to
// nobody is lost.
func (x *stage) post(p pending) {
	if int(p.to) > x.g.bounds.Replicas {
		return
	}
	if p.to == x.r.id {
		x.own = append(x.own, p.msg)
		return
	}
	m, err := x.g.decoded(p.msg)
	if err != nil {
		x.o.err = err
		return
	}
	e := envelope{from: x.r.id, to: p.to, msg: m}
	if p.checkpoint {
		s := clone(&x.r.app)
		e.state = &s
	}
	x.g.buf = e.appendState(x.g.buf[:0])
	from := x.o.from
	from.index = uint32(len(x.o.sent))
	x.o.sent = append(x.o.sent, x.g.envelopes.number(x.g.buf, &e, from))
}

// decoded returns m as it comes back from its bytes.
func (g *Model) decoded(m process.Msg) (process.Msg, error) {
	b, err := m.AppendBinary(nil)
	if err != nil {
		return nil, violation("Codec", "%s does not encode: %v", m.Kind(), err)
	}
	d, err := g.protocol.Decode(b)
	if err != nil {
		return nil, violation("Codec", "%s does not decode from its own bytes: %v", m.Kind(), err)
	}
	if again, err := d.AppendBinary(nil); err != nil || d.Kind() != m.Kind() || !bytes.Equal(again, b) {
		return nil, violation("Codec", "%s came back as another %s", m.Kind(), d.Kind())
	}
	return d, nil
}

func (x *stage) commit(es []process.Entry) {
	for i := range es {
		e := &es[i]
		if e.Index != x.r.app.Index+1 {
			x.o.err = violation("Order", "replica %d commits %d after %d", x.r.id, e.Index, x.r.app.Index)
			return
		}
		x.r.app.Index, x.r.app.Epoch = e.Index, e.Epoch
		switch e.Req.Kind {
		case process.Members:
			g, _, err := process.CutGroup(e.Req.Cmd)
			if err != nil || !g.Valid() {
				x.o.err = violation("Validity", "entry %d changes the members to no group", e.Index)
				return
			}
			x.r.app.Group = g
		case process.Command:
			n := number(&e.Req)
			if want := request(n); n == 0 || !bytes.Equal(want.Cmd, e.Req.Cmd) {
				x.o.err = violation("Validity", "replica %d commits %q, which nobody submitted", x.r.id, e.Req.Cmd)
				return
			}
			x.o.highest = max(x.o.highest, n)
			if j := slices.Index(x.r.waits, n); j >= 0 {
				x.r.waits = slices.Delete(x.r.waits, j, j+1)
				x.o.replies = append(x.o.replies, e.Index)
			}
		}
	}
	x.o.commits = append(x.o.commits, es...)
}

// appendState appends the canonical form: every part with its length.
func (r *replica) appendState(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(r.id))
	b = sized(b, r.proc.AppendState)
	b = binary.AppendUvarint(b, uint64(r.timers))
	b = binary.AppendUvarint(b, uint64(r.now))
	b = binary.AppendUvarint(b, uint64(len(r.durable)))
	for i := range r.durable {
		b = r.durable[i].appendState(b)
	}
	b = binary.AppendUvarint(b, uint64(len(r.pending)))
	for i := range r.pending {
		b = binary.AppendUvarint(b, uint64(r.pending[i].to))
		b = r.pending[i].appendState(b)
	}
	b = appendAppState(b, &r.app)
	b = appendAppState(b, &r.kept)
	b = binary.AppendUvarint(b, uint64(len(r.waits)))
	for _, n := range r.waits {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func (e *envelope) appendState(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(e.from))
	b = binary.AppendUvarint(b, uint64(e.to))
	b = appendMsg(b, e.msg)
	if e.state != nil {
		b = appendAppState(b, e.state)
	}
	return b
}

func clone(s *process.State) process.State {
	return process.State{Index: s.Index, Epoch: s.Epoch, Group: s.Group.Clone()}
}

func appendMsg(b []byte, m process.Msg) []byte {
	return sized(b, func(b []byte) []byte {
		b, _ = m.AppendBinary(b) // never fails; decoded has seen to that
		return b
	})
}

func appendAppState(b []byte, s *process.State) []byte {
	b = binary.AppendUvarint(b, s.Index)
	b = binary.AppendUvarint(b, s.Epoch)
	return process.AppendGroup(b, s.Group)
}

// sized appends what f appends, with four bytes of its length before it.
func sized(b []byte, f func([]byte) []byte) []byte {
	at := len(b)
	b = f(append(b, 0, 0, 0, 0))
	binary.LittleEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}
