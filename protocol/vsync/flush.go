package vsync

import (
	"slices"

	"althing/oplog/lanes"
	"althing/process"
)

// setPhase ends what we did about the next view, or goes on with it.
func (m *Member) setPhase(p phase, out *process.Output) {
	if m.phase >= flushing && p < flushing {
		out.StopTimer(resend)
		out.StopTimer(gather)
		if m.hasWish {
			out.Refuse([]process.Request{m.wish}, process.Changing, 0)
		}
		m.joiners, m.wish, m.hasWish = nil, process.Request{}, false
	}
	m.phase, m.agreed, m.flushed, m.gathered = p, nil, nil, false
	m.source, m.goal, m.proposal = 0, 0, process.Entry{}
	if m.msgs != nil {
		m.msgs.goal = nil
	}
}

// suspect asks whether others hear no sequencer either. It changes nothing that
// binds: one that is cut off does not disturb the others when it comes back.
func (m *Member) suspect(out *process.Output) {
	m.setPhase(idle, out)
	m.sequencer, m.bound = 0, false
	out.SetTimer(election, m.cfg.Election)
	if !m.inView(m.cfg.Self) {
		// We may be the last to know who is: all others may be new, or were told
		// of nothing before who told us was gone.
		m.toView(&Newer{View: m.view}, out)
		return
	}
	m.setPhase(suspecting, out)
	m.agreed = append(m.agreed, m.cfg.Self)
	m.toView(&Suspect{View: m.view}, out)
	m.tryCoordinate(out)
}

// sticky reports whether we hear a sequencer, or somebody who coordinates.
func (m *Member) sticky() bool {
	return m.office || m.coordinates() || m.bound && m.now-m.heard < m.cfg.Election.Min
}

func (m *Member) onSuspect(from process.ID, s *Suspect, out *process.Output) {
	switch {
	case s.View < m.view:
		m.tell(from, out)
	case s.View > m.view:
		m.fetch(from, out)
	case !m.sticky():
		out.Send(from, &Agree{View: m.view})
	}
}

func (m *Member) onAgree(from process.ID, a *Agree, out *process.Output) {
	if m.phase == suspecting && a.View == m.view && m.inView(from) && !slices.Contains(m.agreed, from) {
		m.agreed = append(m.agreed, from)
		m.tryCoordinate(out)
	}
}

// tryCoordinate begins a change if a majority of the view hears no sequencer.
func (m *Member) tryCoordinate(out *process.Output) {
	if len(m.agreed) >= m.majority() {
		m.change(out)
	}
}

// change begins the agreement on the next view, with a ballot never used: it
// leaves when our own promise of it is durable.
func (m *Member) change(out *process.Output) {
	m.promised = max(m.view, m.promised, m.seen).after(m.cfg.Self)
	m.seen = m.promised
	m.saveState(out) // or a crash would let us use it again
	m.phase, m.agreed, m.flushed, m.gathered = flushing, nil, nil, false
	m.source, m.goal, m.proposal = 0, 0, process.Entry{}
	m.wanted, m.wantedBy = nil, 0
	if m.office {
		m.suspendOffice(out)
	}
	out.SetTimer(election, m.cfg.Election)
	out.SetTimer(resend, m.beat())
	m.sendFlush(out)
}

func (m *Member) sendFlush(out *process.Output) {
	m.toView(&Flush{View: m.view, Ballot: m.promised}, out)
	if m.inView(m.cfg.Self) {
		m.flush(m.cfg.Self, out)
	}
}

// sayAgain repeats what may have been lost.
func (m *Member) sayAgain(out *process.Output) {
	out.SetTimer(resend, m.beat())
	switch {
	case m.phase == proposing:
		m.sendProposal(out)
	case m.source != 0:
		m.fetchFrom(m.source, out)
	default:
		m.sendFlush(out)
	}
}

// onSlowChange is for a sequencer whose own change of view gets nowhere, or was
// crossed by a later ballot: another try, and if nobody answers it gives up.
func (m *Member) onSlowChange(out *process.Output) {
	if m.leads() {
		return
	}
	if m.phase == flushing && len(m.flushed) < m.majority() && m.seen <= m.promised {
		m.giveUp(out)
		return
	}
	m.joiners = nil
	m.change(out)
}

// giveUp ends the office of a sequencer that a majority of its view does not
// answer, so that its clients look elsewhere. Primary Component Membership
func (m *Member) giveUp(out *process.Output) {
	m.leaveOffice(out)
	m.suspect(out)
}

// onFlush stops: what the sequencer casts is not taken any more, so it does not
// become stable, and the coordinator hears of all that did.
func (m *Member) onFlush(from process.ID, f *Flush, out *process.Output) {
	if !m.obey(from, f.View, f.Ballot, out) {
		return
	}
	m.flush(from, out)
}

func (m *Member) flush(to process.ID, out *process.Output) {
	if m.msgs != nil {
		out.Send(to, &Flushed{View: m.view, Ballot: m.promised, Last: m.log.Last(), Vote: m.vote,
			Counts: m.msgs.Counts()})
		return
	}
	out.Send(to, &Flushed{View: m.view, Ballot: m.promised, Last: m.log.Last(), Vote: m.vote})
}

// obey promises a ballot to its coordinator, if it is not below another promise.
func (m *Member) obey(from process.ID, view, ballot ViewID, out *process.Output) bool {
	m.seen = max(m.seen, ballot)
	switch {
	case view < m.view:
		m.tell(from, out)
		return false
	case view > m.view:
		m.fetch(from, out)
		return false
	case ballot < m.promised:
		// Now: a later ballot exists, whether or not our promise of it is durable.
		out.SendNow(from, &Reject{View: m.view, Ballot: m.promised})
		return false
	}
	if ballot > m.promised {
		m.setPhase(idle, out)
		m.leaveOffice(out)
		m.promised = ballot
		m.wanted, m.wantedBy = nil, 0
		m.saveState(out) // or a crash would let us help an earlier ballot, or the sequencer
	}
	m.sequencer, m.heard, m.bound = 0, m.now, true
	out.SetTimer(election, m.cfg.Election)
	return true
}

// onFlushed counts who has stopped.
func (m *Member) onFlushed(from process.ID, f *Flushed, out *process.Output) {
	known := slices.ContainsFunc(m.flushed, func(k flushed) bool { return k.id == from })
	if m.phase != flushing || f.View != m.view || f.Ballot != m.promised || known || !m.inView(from) {
		return
	}
	m.flushed = append(m.flushed, flushed{from, f.Last, f.Vote, f.Counts})
	if len(m.flushed) == m.majority() {
		out.SetTimer(gather, m.beat())
	}
	m.tryPropose(out)
}

// tryPropose goes on when all of the view have flushed; or a majority has, and
// the others had time to. It proposes once we have all that the view is to end
// with; who flushes before that still counts.
func (m *Member) tryPropose(out *process.Output) {
	n := len(m.flushed)
	if n < m.majority() || n < len(m.voters()) && !m.gathered {
		return
	}
	best := m.best()
	m.source, m.goal = best.id, best.last
	if best.vote.Ballot != 0 {
		m.goal = best.vote.View.Index - 1
	}
	if m.msgs != nil && !m.hasCut(&best, out) {
		return
	}
	if m.log.Last() < m.goal {
		m.fetchFrom(m.source, out)
		return
	}
	m.propose(best.vote.View, out)
}

// best returns the report that decides: the vote of the highest ballot, for
// another view than that may not be agreed on any more (Lamport, Paxos Made
// Simple, 2001, §2.2). If nobody voted, the longest log: it holds all that the
// others of the view have, and all that may have been delivered.
func (m *Member) best() flushed {
	best := m.flushed[0]
	for _, f := range m.flushed {
		if f.vote.Ballot > best.vote.Ballot || f.vote.Ballot == best.vote.Ballot && f.last > best.last {
			best = f
		}
	}
	return best
}

// propose proposes what may be agreed on already, or a view of our own if nothing is.
func (m *Member) propose(next process.Entry, out *process.Output) {
	if next.Index == 0 {
		next = m.nextView(out)
		m.proposed = m.promised
	}
	if m.hasWish && next.Epoch != uint64(m.promised) {
		out.Refuse([]process.Request{m.wish}, process.Changing, 0)
	}
	m.wish, m.hasWish = process.Request{}, false
	m.setPhase(proposing, out)
	m.proposal = next
	out.StopTimer(gather)
	out.SetTimer(resend, m.beat())
	m.sendProposal(out)
}

// nextView names the members of the next view: all of this one who have flushed,
// and those who may join, as far as they are wanted.
func (m *Member) nextView(out *process.Output) process.Entry {
	fit := func(id process.ID) bool {
		return slices.Contains(m.joiners, id) ||
			slices.ContainsFunc(m.flushed, func(f flushed) bool { return f.id == id })
	}
	req := process.Request{Kind: process.Members}
	g := viewOf(m.log.Group(), fit)
	if m.hasWish {
		want, rest, _ := process.CutGroup(m.wish.Cmd) // onMembers has read it before
		if w := viewOf(&want, fit); w.Valid() {
			g, req = w, m.wish
			req.Cmd = append(process.AppendGroup(nil, g), rest...)
		} else {
			out.Refuse([]process.Request{m.wish}, process.Behind, 0)
			m.wish, m.hasWish = process.Request{}, false
		}
	}
	if len(req.Cmd) == 0 {
		req.Cmd = process.AppendGroup(nil, g)
	}
	if m.msgs != nil {
		req.Cmd = lanes.AppendVector(req.Cmd, m.msgs.goal)
	}
	return process.Entry{Epoch: uint64(m.promised), Index: m.goal + 1, Req: req}
}

// viewOf returns all of g, as a view of those who are fit; the others are outside.
func viewOf(g *process.Group, fit func(process.ID) bool) (v process.Group) {
	for _, id := range g.Members() {
		if fit(id) {
			v.Voters = append(v.Voters, id)
		} else {
			v.Learners = append(v.Learners, id)
		}
	}
	return v
}

func (m *Member) sendProposal(out *process.Output) {
	p := &Propose{View: m.view, Ballot: m.promised, Next: m.proposal}
	m.toView(p, out)
	if m.inView(m.cfg.Self) {
		m.accept(m.cfg.Self, p, out)
	}
}

func (m *Member) onPropose(from process.ID, p *Propose, out *process.Output) {
	if !m.obey(from, p.View, p.Ballot, out) {
		return
	}
	m.wanted, m.wantedBy = nil, 0
	if m.log.Last() < p.Next.Index-1 || m.msgs != nil && !lanes.Covers(m.msgs.Counts(), cutOf(&p.Next)) {
		m.wanted, m.wantedBy = p, from
		m.fetch(from, out)
		return
	}
	m.accept(from, p, out)
}

// accept votes for what was proposed, having all that the view ends with.
func (m *Member) accept(from process.ID, p *Propose, out *process.Output) {
	if m.vote.Ballot != p.Ballot {
		m.vote = Vote{p.Ballot, p.Next}
		m.saveState(out) // or a later coordinator would not hear of it
	}
	out.Send(from, &Accept{View: m.view, Ballot: p.Ballot})
}

// onAccept counts votes; with those of a majority of this view the next one is
// agreed on.
func (m *Member) onAccept(from process.ID, a *Accept, out *process.Output) {
	known := slices.Contains(m.agreed, from)
	if m.phase != proposing || a.View != m.view || a.Ballot != m.promised || known || !m.inView(from) {
		return
	}
	m.agreed = append(m.agreed, from)
	if len(m.agreed) < m.majority() {
		return
	}
	prev, e := m.proposal.Index-1, m.proposal
	c := &Cast{
		Use: ForView, View: ViewID(e.Epoch), Prev: prev, Epoch: m.log.EpochAt(prev),
		Stable: m.delivered, Entries: []process.Entry{e},
	}
	to := m.log.Group().Members()
	m.take(c, nil, out)
	for _, id := range m.log.Group().Members() {
		if !slices.Contains(to, id) {
			to = append(to, id)
		}
	}
	for _, id := range to {
		if id != m.cfg.Self {
			// Now: a majority has it on its disks, whatever we remember.
			out.SendNow(id, c)
		}
	}
	m.entered(out)
}

// enter goes to view v, if that is later than ours: the log holds the entry that
// names it. What was promised about this one does not matter any more. The caller
// saves it.
func (m *Member) enter(v ViewID, out *process.Output) {
	if v <= m.view {
		return
	}
	m.setPhase(idle, out)
	if m.sequencer != v.sequencer() {
		m.sequencer = 0 // not yet heard
	}
	m.view, m.promised, m.vote = v, 0, Vote{}
	m.wanted, m.wantedBy = nil, 0
}

// entered takes office, if the view is ours, or leaves it.
func (m *Member) entered(out *process.Output) {
	out.SetTimer(election, m.cfg.Election)
	m.heard, m.bound = m.now, true // give its sequencer time
	if m.msgs != nil {
		m.asking = false
		out.Send(m.cfg.Self, &lanes.Stored{Index: m.msgs.Last()})
		m.resume(out)
	}
	if m.view == m.proposed {
		m.takeOffice(out)
		return
	}
	m.leaveOffice(out)
}

// takeOffice begins to cast in our view, first what waited for it.
func (m *Member) takeOffice(out *process.Output) {
	waiting := m.waiting
	m.clearOffice()
	m.office, m.sequencer, m.bound = true, m.cfg.Self, false
	m.began = m.log.Last()
	m.setPeers()
	m.sent, m.mark = m.log.Last(), m.log.Last()
	out.StopTimer(election)
	out.SetTimer(heartbeat, m.beat())
	out.SetTimer(checkTimer, process.Span{Min: m.cfg.Election.Max, Max: m.cfg.Election.Max})
	if m.inView(m.cfg.Self) {
		m.acknowledgeOwn(out)
	}
	m.beginRound(out)
	m.onSubmit(waiting, out)
}

// suspendOffice stops casting until the next view.
func (m *Member) suspendOffice(out *process.Output) {
	out.StopTimer(heartbeat)
	out.StopTimer(checkTimer)
	for i := range m.reads {
		m.waiting = append(slices.Clip(m.waiting), m.reads[i].req)
	}
	m.reads = nil
}

// leaveOffice ends a sequencer's office. In its view it holds none again.
func (m *Member) leaveOffice(out *process.Output) {
	if !m.office {
		return
	}
	m.suspendOffice(out)
	out.Refuse(m.waiting, process.NotLeader, 0)
	m.clearOffice()
	m.sequencer = 0
	out.SetTimer(election, m.cfg.Election)
}

func (m *Member) clearOffice() {
	m.office, m.began, m.peers, m.inflight, m.reads, m.waiting = false, 0, nil, nil, nil, nil
	m.sent, m.told, m.mark, m.pending, m.round, m.confirmed = 0, 0, 0, 0, 0, 0
}

// onReject learns of a later ballot. Its coordinator may be at work: we wait for
// a while, and not longer for being told again, before another try.
func (m *Member) onReject(r *Reject, out *process.Output) {
	news := r.Ballot > m.seen
	m.seen = max(m.seen, r.Ballot)
	if news && r.View == m.view && m.coordinates() && r.Ballot > m.promised {
		out.SetTimer(election, process.Span{Min: m.cfg.Heartbeat, Max: m.cfg.Election.Max})
	}
}

// tell says to who is in an earlier view that it is over.
func (m *Member) tell(to process.ID, out *process.Output) {
	// Now: the view is agreed on, whether or not our disk knows it.
	out.SendNow(to, &Newer{View: m.view})
}

// onNewer makes a sequencer or a coordinator of a view that is over stop: it was
// left out without knowing.
func (m *Member) onNewer(from process.ID, n *Newer, out *process.Output) {
	if n.View <= m.view {
		return
	}
	m.setPhase(idle, out)
	m.leaveOffice(out)
	out.SetTimer(election, m.cfg.Election)
	m.fetch(from, out)
}
