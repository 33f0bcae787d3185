package world

import (
	"time"

	"althing/process"
	"althing/trace"
)

// Timeout fires a timer that is set. When it should, the hand decides.
func (w *World) Timeout(id process.ID, t process.Timer) error {
	r, err := w.running(id)
	if err != nil {
		return err
	}
	if t > process.MaxTimer || !r.timers[t].set {
		return errTimer
	}
	r.timers[t].set = false
	if w.Observe != nil {
		w.event(trace.Event{Kind: "timeout", Node: id, Timer: t})
	}
	w.in = process.Input{Kind: process.Timeout, Timer: t}
	return w.end(w.step(r, nil))
}

// Submit hands requests to a replica, all in one Input. The replica answers
// when it can, if it lives; reqs must not be changed afterwards.
func (w *World) Submit(id process.ID, reqs []process.Request) error {
	r, err := w.running(id)
	if err != nil {
		return err
	}
	if w.Observe != nil {
		e := trace.Event{Kind: "submit", Node: id}
		for i := range reqs {
			e.Reqs = append(e.Reqs, trace.Request(&reqs[i]))
		}
		w.event(e)
	}
	for i := range reqs {
		w.check.submit(&reqs[i])
		r.wait(&reqs[i])
	}
	w.in = process.Input{Kind: process.Submit, Reqs: reqs}
	return w.end(w.step(r, nil))
}

// wait notes that a client waits here. A client asks one thing at a time, so a
// new request takes the place of its older one: nobody waits for that.
func (r *replica) wait(q *process.Request) {
	if q.Client != 0 {
		for i := range r.waits {
			if r.waits[i].Client == q.Client {
				r.waits[i] = *q
				return
			}
		}
	}
	if i := r.waiting(q); i < 0 {
		r.waits = append(r.waits, *q)
	}
}

// Sync makes the n oldest unsynced records of a replica durable, and lets go
// what waited for them.
func (w *World) Sync(id process.ID, n int) error {
	r, err := w.running(id)
	switch {
	case err != nil:
		return err
	case n < 1 || n > r.disk.unsynced():
		return errRecords
	}
	if w.Observe != nil {
		w.event(trace.Event{Kind: "sync", Node: id, N: n})
	}
	r.disk.sync(n)
	w.mix(uint64(id)<<8|0xf1, uint64(n))
	for h, ok := r.disk.release(); ok; h, ok = r.disk.release() {
		if w.Observe != nil {
			e := process.Effect{Kind: process.Send, To: h.to, Msg: h.msg}
			if h.state {
				e.Kind = process.SendState
			}
			w.ev.Effects = append(w.ev.Effects, trace.NewEffect(&e, false))
		}
		w.post(r, h.to, h.msg, h.state)
	}
	return w.end(nil)
}

// Crash stops a replica. Its durable records stay, and keep of the others: the
// oldest. Everything that waited for its disk and in its memory is lost.
func (w *World) Crash(id process.ID, keep int) error { return w.stop(id, keep, "crash") }

// FailFlush lets the disk report that it could not make records durable. The
// replica stops at once, for it cannot know what is on its disk: keep of the
// records are, the oldest.
func (w *World) FailFlush(id process.ID, keep int) error { return w.stop(id, keep, "flushfail") }

func (w *World) stop(id process.ID, keep int, kind string) error {
	r := w.replica(id)
	switch {
	case r == nil:
		return errNobody
	case r.proc == nil:
		return errDown
	case keep < 0 || keep > r.disk.unsynced():
		return errRecords
	}
	if w.Observe != nil {
		w.event(trace.Event{Kind: kind, Node: id, N: keep})
	}
	w.halt(r, keep)
	return w.end(nil)
}

func (w *World) halt(r *replica, keep int) {
	r.disk.crash(keep)
	r.proc, r.app, r.paused = nil, nil, false
	r.timers = [process.MaxTimer + 1]timer{}
	r.waits, r.reads = nil, nil
	r.status = process.Status{Role: "down"}
	w.mix(uint64(r.id)<<8|0xf2, uint64(keep))
	for i := range w.net.slots {
		f := &w.net.slots[i]
		if f.Msg != nil && f.From == r.id && f.To == r.id {
			w.net.remove(f)
		}
	}
	if w.check.monitor != nil {
		w.check.monitor.Crashed(r.id)
	}
}

// Restart starts a replica with what is on its disk, the first time or again.
func (w *World) Restart(id process.ID) error {
	r := w.replica(id)
	switch {
	case r == nil:
		return errNobody
	case r.proc != nil:
		return errUp
	case r.lost:
		return errGone
	case r.corrupt:
		return errCorrupt
	}
	if r.lived {
		return w.boot(r, "restart")
	}
	return w.boot(r, "start")
}

// Join starts a blank replica under the next ID, with the zero State: it knows
// no group and must be let in by one.
func (w *World) Join() (process.ID, error) {
	if len(w.replicas) == MaxReplicas {
		return 0, errFull
	}
	r := w.add(process.Group{})
	return r.id, w.boot(r, "join")
}

// boot makes a new process and lets it live through what is on its disk.
func (w *World) boot(r *replica, kind string) error {
	if w.Observe != nil {
		w.event(trace.Event{Kind: kind, Node: r.id, N: len(r.disk.records)})
	}
	c := w.config
	c.Self, r.lived = r.id, true
	r.proc, r.app = w.protocol.New(c), r.disk.kept.clone()
	for i := range r.disk.records {
		m := r.disk.records[i].msg
		if m == nil {
			continue // an image that was loaded: it is in the application
		}
		m, err := w.decoded(m)
		if err != nil {
			return w.end(err)
		}
		w.in = process.Input{Kind: process.Recover, Msg: m}
		if err := w.replay(r); err != nil {
			return w.end(err)
		}
	}
	state := r.disk.kept.state
	state.Group = state.Group.Clone()
	w.in = process.Input{Kind: process.Start, State: &state}
	return w.end(w.step(r, nil))
}

// LoseDisk takes a replica and its disk away for good.
func (w *World) LoseDisk(id process.ID) error {
	r := w.replica(id)
	switch {
	case r == nil:
		return errNobody
	case r.lost:
		return errGone
	}
	if w.Observe != nil {
		w.event(trace.Event{Kind: "losedisk", Node: id})
	}
	if r.proc != nil {
		w.halt(r, 0)
	}
	r.lost, r.disk = true, disk{kept: &Machine{}}
	return w.end(nil)
}

// Corrupt spoils a record in a replica's log. As long as it runs it does not
// notice; once down, it refuses to start again.
func (w *World) Corrupt(id process.ID) error {
	r := w.replica(id)
	switch {
	case r == nil:
		return errNobody
	case r.lost:
		return errGone
	case r.corrupt:
		return errCorrupt
	}
	if w.Observe != nil {
		w.event(trace.Event{Kind: "corrupt", Node: id})
	}
	r.corrupt = true
	return w.end(nil)
}

// Flush makes the application of a replica durable as it is.
func (w *World) Flush(id process.ID) error {
	r, err := w.running(id)
	if err != nil {
		return err
	}
	if k := &r.disk.kept.state; k.Index >= r.app.state.Index && k.Epoch >= r.app.state.Epoch {
		return errNone
	}
	if w.Observe != nil {
		w.event(trace.Event{Kind: "flush", Node: id})
	}
	r.disk.keep(r.app.clone())
	return w.end(nil)
}

// Compact tells the process what of its application is durable.
func (w *World) Compact(id process.ID) error {
	r, err := w.running(id)
	if err != nil {
		return err
	}
	if w.Observe != nil {
		w.event(trace.Event{Kind: "compact", Node: id})
	}
	state := r.disk.kept.state
	state.Group = state.Group.Clone()
	w.in = process.Input{Kind: process.Compact, State: &state}
	return w.end(w.step(r, nil))
}

// Pause makes a replica get nothing, while its clock and the network go on.
func (w *World) Pause(id process.ID) error {
	r, err := w.running(id)
	if err != nil {
		return err
	}
	r.paused = true
	if w.Observe != nil {
		w.event(trace.Event{Kind: "pause", Node: id})
	}
	return w.end(nil)
}

// Resume undoes Pause.
func (w *World) Resume(id process.ID) error {
	r := w.replica(id)
	if r == nil || r.proc == nil || !r.paused {
		return errNone
	}
	r.paused = false
	if w.Observe != nil {
		w.event(trace.Event{Kind: "resume", Node: id})
	}
	return w.end(nil)
}

// Advance lets true time pass until t. It never runs back.
func (w *World) Advance(t time.Duration) { w.now = max(w.now, t) }

// SetClock lets a replica's clock jump ahead by jump, and run at 1 + ppm/10⁶
// of true time from now on; ppm is above -10⁶.
func (w *World) SetClock(id process.ID, ppm int64, jump time.Duration) error {
	r := w.replica(id)
	if r == nil || ppm <= -million || jump < 0 {
		return errNobody
	}
	r.clock = clock{local: r.clock.read(w.now) + jump, base: w.now, ppm: ppm}
	if w.Observe != nil {
		w.event(trace.Event{Kind: "clock", Node: id, N: int(ppm), Note: "ahead by " + jump.String()})
	}
	return w.end(nil)
}
