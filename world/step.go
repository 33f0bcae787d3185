package world

import (
	"bytes"

	"althing/process"
	"althing/session"
	"althing/trace"
)

// step steps a replica with w.in and carries out what it asks for. The image
// is the application state that came with the input.
func (w *World) step(r *replica, image *Machine) error {
	w.in.Now = r.clock.read(w.now)
	w.mix(uint64(w.now), uint64(r.id)<<16|uint64(w.in.Kind)<<8|uint64(w.in.Timer)<<4|uint64(w.in.From))
	if err := w.call(r); err != nil {
		return err
	}
	for i := range w.out.Effects {
		e := &w.out.Effects[i]
		w.mix(uint64(e.Kind)<<32|uint64(e.To)<<8|uint64(e.Timer), e.Index)
		if w.Observe != nil {
			held := (e.Kind == process.Send || e.Kind == process.SendState) && r.disk.unsynced() > 0
			w.ev.Effects = append(w.ev.Effects, trace.NewEffect(e, held))
		}
		if err := w.effect(r, e, image); err != nil {
			return err
		}
	}
	w.out.Reset()
	if r.status = r.proc.Status(); r.status.Commit != r.app.state.Index {
		return violation("Status", "replica %d says that it handed over %d, but the application is at %d",
			r.id, r.status.Commit, r.app.state.Index)
	}
	if w.Observe != nil {
		w.ev.SetStatus(r.status)
	}
	return nil
}

// replay steps a replica with one record; what it asks for is ignored.
func (w *World) replay(r *replica) error {
	w.in.Now = r.clock.read(w.now)
	err := w.call(r)
	w.out.Reset()
	return err
}

// call steps the process and tells the monitor. A panic is a violation.
func (w *World) call(r *replica) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = violation("Panic", "replica %d: %v", r.id, x)
		}
	}()
	w.stepping = r
	r.proc.Step(w.in, &w.out)
	if w.check.monitor == nil {
		return nil
	}
	return named(w.check.monitor.Stepped(r.id, r.proc, &w.in, w.out.Effects))
}

func (w *World) effect(r *replica, e *process.Effect, image *Machine) error {
	switch e.Kind {
	case process.Save, process.Checkpoint:
		if e.Msg == nil {
			return violation("Contract", "replica %d saves nothing", r.id)
		}
		r.disk.append(record{msg: e.Msg, checkpoint: e.Kind == process.Checkpoint})
	case process.Send, process.SendState, process.SendNow:
		return w.send(r, e)
	case process.LoadState:
		return w.load(r, image)
	case process.SetTimer:
		if e.Timer == 0 || e.Timer > process.MaxTimer || e.Span.Min < 0 || e.Span.Min > e.Span.Max {
			return violation("Contract", "replica %d sets timer %d to %v", r.id, e.Timer, e.Span)
		}
		r.timers[e.Timer] = timer{true, e.Span}
		w.News.Timers = append(w.News.Timers, TimerSet{r.id, e.Timer, e.Span})
	case process.StopTimer:
		if e.Timer == 0 || e.Timer > process.MaxTimer {
			return violation("Contract", "replica %d stops timer %d", r.id, e.Timer)
		}
		r.timers[e.Timer].set = false
	case process.Commit:
		return w.commit(r, e.Entries)
	case process.Serve:
		w.serve(r, e.Reqs, e.Index)
	case process.Reply:
		w.answer(r, Answer{Outcome: Done, Req: e.Reqs[0], Result: e.Data})
	case process.Refuse:
		for i := range e.Reqs {
			w.answer(r, Answer{Outcome: Refused, Req: e.Reqs[i], Why: e.Why, Leader: e.To})
		}
	case process.Undone:
		return w.check.said(r, e)
	default:
		return violation("Contract", "replica %d asks for effect %d", r.id, e.Kind)
	}
	return nil
}

// send is the gate: what is not SendNow leaves only when every record so far
// is durable.
func (w *World) send(r *replica, e *process.Effect) error {
	if e.Msg == nil || e.To == 0 {
		return violation("Contract", "replica %d sends %v to %d", r.id, e.Msg, e.To)
	}
	state := e.Kind == process.SendState
	if e.Kind != process.SendNow && r.disk.unsynced() > 0 {
		r.disk.hold(held{to: e.To, msg: e.Msg, state: state})
		return nil
	}
	w.post(r, e.To, e.Msg, state)
	return nil
}

// post puts a message on its way. What goes to nobody is lost.
func (w *World) post(r *replica, to process.ID, m process.Msg, state bool) {
	if w.replica(to) == nil {
		return
	}
	f := Flight{From: r.id, To: to, Msg: m, since: w.events + 1}
	if state {
		f.image = r.app.clone()
	}
	w.News.Sent = append(w.News.Sent, w.net.add(f))
}

// load puts the state that came with the input in place of the application's.
func (w *World) load(r *replica, image *Machine) error {
	if image == nil {
		return violation("Contract", "replica %d loads a state, but none came with the input", r.id)
	}
	if image.state.Index < r.app.state.Index && !w.check.loses {
		return violation("Staleness", "replica %d goes back from %d to %d by loading a state",
			r.id, r.app.state.Index, image.state.Index)
	}
	r.app = image.clone()
	r.disk.append(record{image: image})
	w.release(r)
	return nil
}

// commit checks and applies decided entries, and answers those who wait.
func (w *World) commit(r *replica, es []process.Entry) error {
	for i := range es {
		e := &es[i]
		if err := w.check.commit(r, e); err != nil {
			return err
		}
		w.mix(e.Epoch<<32|e.Index, e.Req.Client<<32|e.Req.Seq)
		result, verdict, err := r.app.apply(e)
		if err != nil {
			return violation("Validity", "%v", err)
		}
		if r.waiting(&e.Req) >= 0 {
			a := Answer{Outcome: Done, Req: e.Req, Result: result}
			if verdict == session.Expired {
				a.Outcome = Expired
			}
			w.answer(r, a)
		}
	}
	w.release(r)
	return nil
}

// serve answers reads, or lets them wait for the application.
func (w *World) serve(r *replica, reqs []process.Request, index uint64) {
	if index > r.app.state.Index {
		r.reads = append(r.reads, read{index, reqs})
		return
	}
	for i := range reqs {
		w.answer(r, Answer{Outcome: Done, Req: reqs[i], Result: r.app.Read(reqs[i].Cmd)})
	}
}

// release serves the reads that waited for what is now applied.
func (w *World) release(r *replica) {
	if len(r.reads) == 0 {
		return
	}
	waiting := r.reads
	r.reads = nil
	for _, q := range waiting {
		w.serve(r, q.reqs, q.index)
	}
}

// answer tells the client, if it still waits here.
func (w *World) answer(r *replica, a Answer) {
	i := r.waiting(&a.Req)
	if i < 0 {
		return
	}
	last := len(r.waits) - 1
	r.waits[i] = r.waits[last]
	r.waits[last] = process.Request{}
	r.waits = r.waits[:last]
	a.Node = r.id
	w.News.Answers = append(w.News.Answers, a)
	if w.Observe != nil {
		e := trace.Effect{Kind: "Answer", Entries: []string{trace.Request(&a.Req)}, Data: string(a.Result)}
		switch {
		case a.Outcome == Expired:
			e.Data = "expired"
		case a.Outcome == Refused:
			return // the Refuse says so itself
		case a.Req.Kind == process.Session:
			e.Data = "opened"
		}
		w.ev.Effects = append(w.ev.Effects, e)
	}
}

// waiting returns where in r.waits the request is, or -1.
func (r *replica) waiting(q *process.Request) int {
	for i := range r.waits {
		if same(&r.waits[i], q) {
			return i
		}
	}
	return -1
}

// same reports whether a and b are one client operation. A change of members
// is known by what follows the group, for the group itself may be completed by
// the protocol.
func same(a, b *process.Request) bool {
	if a.Kind != b.Kind || a.Client != b.Client || a.Seq != b.Seq {
		return false
	}
	if a.Client != 0 {
		return true
	}
	if a.Kind == process.Members {
		return bytes.Equal(tail(a), tail(b))
	}
	return bytes.Equal(a.Cmd, b.Cmd)
}

func tail(r *process.Request) []byte {
	_, rest, err := process.CutGroup(r.Cmd)
	if err != nil {
		return r.Cmd
	}
	return rest
}

// decoded returns m as it comes back from its bytes.
func (w *World) decoded(m process.Msg) (process.Msg, error) {
	b, err := m.AppendBinary(nil)
	if err != nil {
		return nil, violation("Codec", "%s does not encode: %v", m.Kind(), err)
	}
	d, err := w.protocol.Decode(b)
	if err != nil {
		return nil, violation("Codec", "%s does not decode from its own bytes: %v", m.Kind(), err)
	}
	if again, err := d.AppendBinary(nil); err != nil || d.Kind() != m.Kind() || !bytes.Equal(again, b) {
		return nil, violation("Codec", "%s {%s} came back as %s {%s}",
			m.Kind(), trace.Fields(m), d.Kind(), trace.Fields(d))
	}
	return d, nil
}

// event begins an event for the observer; end completes it.
func (w *World) event(e trace.Event) { w.ev = e }

// end counts the event, lets it be seen, and passes err on.
func (w *World) end(err error) error {
	w.events++
	if w.Observe == nil {
		return err
	}
	w.ev.Seq, w.ev.Time = w.events, w.now
	w.Observe(&w.ev)
	return err
}

// mix adds to the digest: a multiplication by an odd constant and a rotation,
// which spreads each bit over the word within a few events.
func (w *World) mix(a, b uint64) {
	const odd = 0x9e3779b97f4a7c15
	h := (w.digest ^ a) * odd
	h = (h<<29 | h>>35) ^ b
	w.digest = h * odd
}
