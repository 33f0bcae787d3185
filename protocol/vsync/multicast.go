package vsync

import (
	"slices"

	"althing/clock"
	"althing/oplog/lanes"
	"althing/process"
)

// This file is the part of a member that casts and delivers without one order for
// all: CBCAST of BSS §5, and its FIFO variant. Views are as with total order.

// startMessages begins to take part, and delivers what has its place and the
// application does not hold.
func (m *Member) startMessages(s *process.State, out *process.Output) {
	x := m.msgs
	if !m.lived {
		m.log.Reset(&process.State{Group: s.Group})
		x.Base = s.Index // deliveries are counted from here
		m.checkpoint(out)
	}
	assert(s.Index >= x.Base && s.Index <= x.Last(), "deliveries are handed over when their order is durable")
	x.Start(m.log.Group().Members(), s.Index)
	m.delivered = m.log.Last()
	out.Commit(x.Deliver(x.Last()))
	out.SetTimer(election, m.cfg.Election)
	m.resume(out)
	m.ask(out)
}

// resume casts what waited for a view that we are in.
func (m *Member) resume(out *process.Output) {
	x := m.msgs
	switch {
	case m.promised != 0:
		return
	case !m.inView(m.cfg.Self):
		out.Refuse(x.waiting, process.NotLeader, 0)
		x.waiting = nil
		return
	}
	for len(x.Mine) > 0 {
		q := x.Mine[0]
		x.Mine = x.Mine[1:]
		m.multicast(q, out)
	}
	for _, q := range x.waiting {
		m.multicast(q, out)
	}
	x.Mine, x.waiting = nil, nil
}

// submitMessages takes in commands: any member of the view may cast.
func (m *Member) submitMessages(reqs []process.Request, out *process.Output) {
	x, self := m.msgs, lanes.At(m.cfg.Self)
	for i := range reqs {
		q := reqs[i : i+1]
		switch {
		case q[0].Kind != process.Command:
			out.Refuse(q, process.Unsupported, 0)
		case !m.inView(m.cfg.Self):
			out.Refuse(q, process.NotLeader, 0)
		case x.Count(self)-x.Least(self, m.cfg.Self)+uint64(len(x.waiting)+len(x.Mine)) >= maxWaiting:
			out.Refuse(q, process.Busy, 0)
		case m.promised != 0:
			x.waiting = append(x.waiting, q[0])
		default:
			m.multicast(q[0], out)
		}
	}
}

// multicast sends a message to all of the view at once. With causal order it bears
// what was delivered here before it. BSS §5.1
func (m *Member) multicast(q process.Request, out *process.Output) {
	x := m.msgs
	c := &lanes.Multicast{View: uint64(m.view), Origin: m.cfg.Self, Seq: x.Count(lanes.At(m.cfg.Self)) + 1, Req: q}
	if x.Causal {
		c.After = x.Ordered.Clone()
		lanes.Set(&c.After, lanes.At(c.Origin), c.Seq)
	}
	out.Save(c)
	x.Hold(c)
	x.news = max(x.news, ourselves)
	m.toView(c, out)
}

func (m *Member) onMulticast(from process.ID, c *lanes.Multicast, out *process.Output) {
	x := m.msgs
	switch {
	case ViewID(c.View) < m.view:
		m.tell(from, out)
		return
	case ViewID(c.View) > m.view:
		m.fetch(from, out)
		return
	}
	x.Knows(c.Origin, c.Origin, c.Seq) // it leaves when it is durable
	for _, c := range x.Take(c) {
		out.Save(c)
		x.news = all
	}
	m.orderMore(out)
	switch {
	case m.phase == flushing && m.source != 0:
		m.tryPropose(out)
	case m.wanted != nil:
		m.onPropose(m.wantedBy, m.wanted, out)
	}
}

// orderMore gives their places to all messages that a majority of the view has,
// and whose time has come. They are delivered when our disk has the order: so it
// is the same after a crash.
func (m *Member) orderMore(out *process.Output) {
	if origins := m.msgs.Order(m.voters(), m.majority()); len(origins) > 0 {
		out.Save(&lanes.Placed{Origins: origins})
		out.Send(m.cfg.Self, &lanes.Stored{Index: m.msgs.Last()})
	}
}

func (m *Member) onHave(from process.ID, h *lanes.Have, out *process.Output) {
	x := m.msgs
	if !slices.Contains(x.Founders, from) {
		return
	}
	x.Done[lanes.At(from)].Merge(h.Done)
	switch {
	case ViewID(h.View) < m.view:
		m.tell(from, out)
		return
	case ViewID(h.View) > m.view:
		m.fetch(from, out)
		return
	}
	x.Known[lanes.At(from)].Merge(h.Counts)
	m.orderMore(out)
	if !lanes.Covers(x.Counts(), h.Counts) {
		m.fetch(from, out)
	}
	if h.Ask && m.promised == 0 {
		out.Send(from, m.have(false))
	}
}

func (m *Member) have(ask bool) *lanes.Have {
	return &lanes.Have{View: uint64(m.view), Counts: m.msgs.Counts(), Done: m.msgs.Ordered.Clone(), Ask: ask}
}

// ask tells all what is here, and asks what is there; not if we have flushed: no
// message may become stable by us any more.
func (m *Member) ask(out *process.Output) {
	if m.promised == 0 && m.inView(m.cfg.Self) {
		for _, id := range m.msgs.Founders {
			if id != m.cfg.Self {
				out.Send(id, m.have(true))
			}
		}
		m.msgs.news = max(m.msgs.news, ourselves)
	}
}

// repair sends again what some of the view are not known to have of ours.
func (m *Member) repair(out *process.Output) {
	x, self := m.msgs, lanes.At(m.cfg.Self)
	x.armed = false
	if m.promised != 0 || !m.inView(m.cfg.Self) {
		return
	}
	for _, id := range m.voters() {
		cs := x.After(self, max(x.Known[lanes.At(id)].At(self), x.Cut.At(self)))
		for i := 0; i < min(len(cs), lanes.Burst) && id != m.cfg.Self; i++ {
			out.Send(id, cs[i])
		}
	}
	m.ask(out)
}

// finish ends a Step: others hear what is durable here when it is, and a timer
// is set if there is a reason.
func (m *Member) finish(out *process.Output) {
	x := m.msgs
	in := m.inView(m.cfg.Self)
	if x.news != none && m.promised == 0 && in {
		h := m.have(false)
		for _, id := range m.voters() {
			if x.news == all || id == m.cfg.Self {
				out.Send(id, h)
			}
		}
	}
	x.news = none
	self := lanes.At(m.cfg.Self)
	if in && !x.armed && (x.Count(self) > x.Least(self, m.cfg.Self) || !lanes.Covers(x.Ordered, x.Counts())) {
		x.armed = true
		out.SetTimer(repairTimer, m.beat())
	}
}

// onLack sends what another has not: of this view, or of all that it was left out of.
func (m *Member) onLack(from process.ID, l *lanes.Lack, out *process.Output) {
	x := m.msgs
	switch {
	case ViewID(l.View) > m.view:
		m.fetch(from, out)
		return
	case ViewID(l.View) < m.view:
		m.sendHistory(from, l.Done, out)
		return
	}
	n := lanes.Burst
	for o := range x.Held {
		for _, c := range x.After(o, max(l.Counts.At(o), x.Cut.At(o))) {
			if n--; n < 0 {
				return
			}
			out.Send(from, c)
		}
	}
}

// sendHistory sends what was delivered since, in the order in which it may be.
func (m *Member) sendHistory(to process.ID, since clock.Vector, out *process.Output) {
	x := m.msgs
	if !lanes.Covers(since, x.Floor) || !lanes.Covers(x.Cut, since) {
		return // it is from an earlier time: all founders have what is not held
	}
	out.Send(to, &lanes.History{
		View: uint64(m.view), Index: m.log.Last(), Group: m.log.Group().Clone(), Cut: x.Cut.Clone(), Since: since,
		Casts: x.Since(since, m.cfg.BatchBytes),
	})
}

// onHistory takes what was delivered while we were left out, and enters the view
// when all of it is here.
func (m *Member) onHistory(from process.ID, h *lanes.History, out *process.Output) {
	x := m.msgs
	if ViewID(h.View) <= m.view || x.Had().Compare(h.Since) != clock.Equal {
		return
	}
	for i := range h.Casts {
		x.Coming = append(x.Coming, &h.Casts[i])
	}
	m.asking = false
	switch x.Had().Compare(h.Cut) {
	case clock.Before:
		m.fetch(from, out)
	case clock.Equal:
		m.log.Reset(&process.State{Index: h.Index, Epoch: h.View, Group: h.Group})
		m.enter(ViewID(h.View), out)
		came := append([]*lanes.Multicast{}, x.Coming...) // not nil: it stands for what we had
		x.Enter(m.cfg.Self, h.Cut.Clone(), came)
		m.delivered = m.log.Last()
		m.checkpoint(out)
		m.entered(out)
		m.acknowledge(out)
	}
}

// follows reports whether c is the view after ours, and all is here that ours ends
// with.
func (m *Member) follows(c *Cast) bool {
	return len(c.Entries) == 1 && c.Prev == m.log.Last() && m.log.Has(c.Prev, c.Epoch) &&
		lanes.Covers(m.msgs.Counts(), cutOf(&c.Entries[0]))
}

// cutOf returns where the view before ends that e names the next of.
func cutOf(e *process.Entry) (cut clock.Vector) {
	_, rest, _ := process.CutGroup(e.Req.Cmd)
	if err := cut.UnmarshalBinary(rest); err != nil {
		return nil // total order: there is none
	}
	return cut
}

// hasCut finds where the view is to end, and reports whether all up to there is
// here: what was voted for in the highest ballot, or all that anybody has who
// flushed. A message that was delivered is on the disks of a majority that had
// not flushed, so one of these has it.
func (m *Member) hasCut(best *flushed, out *process.Output) bool {
	x := m.msgs
	x.goal = nil
	if best.vote.Ballot != 0 {
		x.goal = cutOf(&best.vote.View)
	} else {
		for _, f := range m.flushed {
			x.goal.Merge(f.counts)
		}
	}
	here := x.Counts()
	if lanes.Covers(here, x.goal) {
		return true
	}
	for _, f := range m.flushed {
		if f.id != m.cfg.Self && !lanes.Covers(here, f.counts) {
			m.source = f.id
			m.fetch(f.id, out)
			break
		}
	}
	return false
}

// compactMessages forgets what the application has made durable, and what all
// founders have delivered.
func (m *Member) compactMessages(n uint64, out *process.Output) {
	x := m.msgs
	x.Compact(n, func(o int) uint64 { return x.Least(o, m.cfg.Self) })
	m.log.Trim(m.log.Last(), 0)
	m.checkpoint(out)
}

// receiveMessage takes a message of a group without one order for all.
func (m *Member) receiveMessage(from process.ID, msg process.Msg, out *process.Output) {
	switch r := msg.(type) {
	case *lanes.Multicast:
		m.onMulticast(from, r, out)
	case *lanes.Have:
		m.onHave(from, r, out)
	case *lanes.Lack:
		m.onLack(from, r, out)
	case *lanes.History:
		m.onHistory(from, r, out)
	case *lanes.Stored:
		out.Commit(m.msgs.Deliver(r.Index))
	}
}

// recoverMessage replays a record that is not of views.
func (m *Member) recoverMessage(msg process.Msg) {
	x := m.msgs
	switch r := msg.(type) {
	case *lanes.Multicast:
		if r.Origin == m.cfg.Self && len(x.Mine) > 0 {
			x.Mine = x.Mine[1:]
		}
		x.Hold(r)
	case *lanes.Placed:
		x.Replace(r.Origins)
	case *Kept:
		m.recover(&r.Views)
		x.Recall(&r.Messages)
	}
}
