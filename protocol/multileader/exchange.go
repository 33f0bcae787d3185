package multileader

import (
	"slices"

	"althing/clock"
	"althing/process"
)

func (r *Replica) onReceive(from process.ID, msg process.Msg, out *process.Output) {
	if m, ok := msg.(*Stored); ok {
		if from == r.cfg.Self {
			r.onStored(m, out)
		}
		return
	}
	if from == r.cfg.Self || !r.knows(from) {
		return
	}
	switch m := msg.(type) {
	case *Write:
		r.onWrite(from, m, out)
	case *Have:
		r.onHave(from, m, out)
	case *State:
		r.onState(from, m, out)
	}
}

// knows reports whether from is or was a member. To a replica that joins, all are
// strangers; and who was taken out may still have to hand over what it took.
func (r *Replica) knows(from process.ID) bool {
	return len(r.members) == 0 || slices.Contains(r.members, from) || slices.Contains(r.removed, from)
}

// onWrite takes w in when all that it comes after is here, and tells the sender.
// One that joins waits for a State: of the group only that tells it.
func (r *Replica) onWrite(from process.ID, w *Write, out *process.Output) {
	if len(r.members) == 0 {
		return
	}
	r.hear(from, w.After.Merge(clock.Version{w.Dot}))
	switch {
	case r.has(w.Dot):
	case r.next(w):
		r.take(w, out)
		r.drain(out)
	default:
		if len(r.early) < maxEarly &&
			!slices.ContainsFunc(r.early, func(e *Write) bool { return e.Dot == w.Dot }) {
			r.early = append(r.early, w)
		}
		return
	}
	out.Send(from, &Have{Seen: r.seen})
}

// drain takes in what waited for what is here now.
func (r *Replica) drain(out *process.Output) {
	for {
		r.early = slices.DeleteFunc(r.early, func(w *Write) bool { return r.has(w.Dot) })
		i := slices.IndexFunc(r.early, r.next)
		if i < 0 {
			return
		}
		r.take(r.early[i], out)
	}
}

// onHave sends what the other lacks, if it wants that.
func (r *Replica) onHave(from process.ID, h *Have, out *process.Output) {
	r.hear(from, h.Seen)
	if h.Ask || h.Want {
		r.send(from, h, out)
	}
	if h.Ask {
		out.Send(from, r.have(false, !covers(r.seen, h.Seen)))
	}
}

func (r *Replica) have(ask, want bool) *Have {
	return &Have{Seen: r.seen, Ask: ask, Want: want || len(r.members) == 0, Blank: len(r.members) == 0}
}

// send sends the oldest writes of the log that the other lacks; or all that is
// here, if the log begins too late for it.
func (r *Replica) send(to process.ID, h *Have, out *process.Output) {
	seen := r.peer(to).seen
	switch {
	case len(r.members) == 0 || !h.Blank && covers(seen, r.seen):
	case h.Blank || !covers(seen, r.base):
		out.Send(to, r.state())
	default:
		n := 0
		for _, w := range r.log {
			if n < r.cfg.Window && !seen.Covers(w.Dot) {
				out.Send(to, w)
				n++
			}
		}
	}
}

// onState takes in all that another holds. The log ends here: what was between
// is not in it.
func (r *Replica) onState(from process.ID, s *State, out *process.Output) {
	r.hear(from, s.Seen)
	if len(r.members) == 0 || !covers(r.seen, s.Seen) {
		r.join(s)
		r.log, r.base = nil, r.seen
		r.checkpoint(out)
		r.drain(out)
	}
	out.Send(from, &Have{Seen: r.seen})
}

// onExchange asks all that are not known to have just what is here.
func (r *Replica) onExchange(out *process.Output) {
	for _, id := range r.members {
		if id != r.cfg.Self && r.differs(id) {
			out.Send(id, r.have(true, false))
		}
	}
}

// differs reports whether there is something to exchange. Who was taken out only
// hands over.
func (r *Replica) differs(id process.ID) bool {
	p := r.peer(id)
	switch {
	case p == nil:
		return true
	case !r.member():
		return !covers(p.seen, r.seen)
	}
	return r.seen.Compare(p.seen) != clock.Equal
}

// arm sets the timer if there is a reason, and once only: it would never fire if
// each message moved it.
func (r *Replica) arm(out *process.Output) {
	if r.armed || !slices.ContainsFunc(r.members, func(id process.ID) bool {
		return id != r.cfg.Self && r.differs(id)
	}) {
		return
	}
	r.armed = true
	out.SetTimer(exchange, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat + r.cfg.Heartbeat/4})
}
