package vsync

import (
	"slices"

	"althing/process"
	"althing/quorum"
)

// onSubmit takes client requests in, or says who should.
func (m *Member) onSubmit(reqs []process.Request, out *process.Output) {
	if m.msgs != nil {
		m.submitMessages(reqs, out)
		return
	}
	for len(reqs) > 0 && m.office { // in order, commands as they lie together
		n := slices.IndexFunc(reqs, special)
		switch {
		case !m.leads():
			n = len(reqs)
			m.wait(reqs, out)
		case n < 0:
			n = len(reqs)
			m.onCommands(reqs, out)
		case n > 0:
			m.onCommands(reqs[:n], out)
		default:
			n = 1
			m.onSpecial(reqs[0], out)
		}
		reqs = reqs[n:]
	}
	out.Refuse(reqs, process.NotLeader, m.sequencer)
}

func special(q process.Request) bool {
	return q.Kind != process.Command && q.Kind != process.Session
}

func (m *Member) onSpecial(q process.Request, out *process.Output) {
	switch q.Kind {
	case process.Read:
		m.onRead(q, out)
	case process.Transfer:
		m.onTransfer(q, out)
	case process.Members:
		m.onMembers(q, out)
	default:
		out.Refuse([]process.Request{q}, process.Unsupported, 0)
	}
}

// wait keeps requests that came while the view changes: what is not cast in this
// view may be cast in the next.
func (m *Member) wait(reqs []process.Request, out *process.Output) {
	if len(m.waiting)+len(reqs) > maxWaiting {
		out.Refuse(reqs, process.Busy, m.sequencer)
		return
	}
	m.waiting = append(slices.Clip(m.waiting), reqs...)
}

func (m *Member) onCommands(reqs []process.Request, out *process.Output) {
	switch {
	case !m.inView(m.cfg.Self): // the last thing it did was to leave
		out.Refuse(reqs, process.NotLeader, 0)
	case m.log.Last()-m.delivered+uint64(len(reqs)) > maxWaiting:
		out.Refuse(reqs, process.Busy, m.sequencer)
	default:
		m.cast(reqs, out)
	}
}

// cast gives requests their place in the order and sends them to all. BSS §4:
// the token holder's order, whose holder is the sequencer for the whole view.
func (m *Member) cast(reqs []process.Request, out *process.Output) {
	prev := m.log.Last()
	m.log.Propose(uint64(m.view), reqs)
	m.save(prev, m.log.Slice(prev, m.log.Last()), out)
	m.sendCasts(out)
	m.acknowledgeOwn(out)
}

// acknowledgeOwn lets our own copy count like any other, when it is durable.
func (m *Member) acknowledgeOwn(out *process.Output) {
	out.Send(m.cfg.Self, &Ack{View: m.view, Upto: m.log.Last()})
}

// sendCasts sends all what was not yet sent, as far as the window lets it. Who
// loses some asks for it (see fetch): a Cast is sent once.
func (m *Member) sendCasts(out *process.Output) {
	m.sent = max(m.sent, m.delivered) // answers to Fetch go beyond what was sent to all
	for m.sent < m.log.Last() && len(m.inflight) < m.cfg.Window {
		c := &Cast{
			View: m.view, Prev: m.sent, Epoch: m.log.EpochAt(m.sent),
			Stable: m.delivered, Entries: m.log.Batch(m.sent, m.cfg.BatchBytes),
		}
		for i := range m.peers {
			if id := m.peers[i].id; id != m.cfg.Self {
				// Now: our own copy is counted only by the Ack that we Send
				// ourselves. Should we crash and lose it, nothing else gets its
				// index in this view, for then we are its sequencer no more.
				out.SendNow(id, c)
			}
		}
		m.sent += uint64(len(c.Entries))
		m.inflight = append(m.inflight, m.sent)
		m.told = max(m.told, c.Stable)
	}
}

// setPeers makes peers the group, of whose logs nothing is known in this view.
func (m *Member) setPeers() {
	ids := m.log.Group().Members()
	m.peers = make([]peer, 0, len(ids))
	for _, id := range ids {
		m.peers = append(m.peers, peer{id: id})
	}
}

func (m *Member) peer(id process.ID) *peer {
	for i := range m.peers { // a handful: faster than a map
		if m.peers[i].id == id {
			return &m.peers[i]
		}
	}
	return nil
}

// reached returns the highest value that so many of the view reach.
func (m *Member) reached(count int, value func(*peer) uint64) uint64 {
	var few [9]uint64
	vs := few[:0]
	for i := range m.peers {
		if p := &m.peers[i]; m.inView(p.id) {
			vs = append(vs, value(p))
		}
	}
	return quorum.Index(vs, count)
}

// onCast takes entries: of the present view, of the next one, or what it asked for.
func (m *Member) onCast(from process.ID, c *Cast, s *process.State, out *process.Output) {
	switch {
	case c.View < m.view:
		if c.Use == ForCast {
			m.tell(from, out)
		}
		return
	case c.View == m.view && c.Use == ForView:
		return // it is here already
	case c.Use != ForState && from == c.View.sequencer() && !m.follow(from, c.View, out):
		return
	case m.msgs != nil && !m.follows(c):
		m.fetch(from, out)
		return
	}
	was, had := m.view, m.log.Last()
	if c = m.takeAll(c, s, out); c == nil {
		m.fetch(from, out)
		return
	}
	if m.view != was {
		m.entered(out)
	}
	if c.Use == ForState && !c.More && (m.view != was || m.log.Last() > had) { // no answer that came twice
		m.asking = false
		if c.Last > m.log.Last() {
			m.fetch(from, out)
		}
	}
	if m.view != c.View {
		return
	}
	m.deliverTo(min(c.Stable, m.log.Last()), out)
	m.acknowledge(out)
	switch {
	case m.source != 0 && m.log.Last() >= m.goal:
		m.tryPropose(out)
	case m.wanted != nil && m.log.Last() >= m.wanted.Next.Index-1:
		m.onPropose(m.wantedBy, m.wanted, out)
	}
}

// acknowledge tells the sequencer how much of the view is durable here, when it
// is: unless we have flushed. What we take from then on must not become stable by us.
func (m *Member) acknowledge(out *process.Output) {
	if id := m.view.sequencer(); m.promised == 0 && id != 0 && id != m.cfg.Self {
		out.Send(id, &Ack{View: m.view, Upto: m.log.Last()})
	}
}

// follow notes a sign of life from the sequencer of view v. It reports whether
// we follow it: not if we have flushed its view. Sending View Delivery
func (m *Member) follow(from process.ID, v ViewID, out *process.Output) bool {
	if v == m.view && m.promised != 0 {
		return false
	}
	assert(from == v.sequencer(), "a view has one sequencer")
	assert(v != m.view || !m.office, "a sequencer does not hear itself")
	m.leaveOffice(out) // if we are in one: a later view is there
	m.setPhase(idle, out)
	m.sequencer, m.heard, m.bound = from, m.now, true
	out.SetTimer(election, m.cfg.Election)
	return true
}

// takeAll takes c, and what came early and follows it. It returns the last that
// it took, or nil: then c is early itself, and kept, in place of the oldest if
// there are many.
func (m *Member) takeAll(c *Cast, s *process.State, out *process.Output) *Cast {
	if !m.take(c, s, out) {
		if len(m.early) == 2*m.cfg.Window { // as many are cast at once, and fetched
			m.early = slices.Delete(m.early, 0, 1)
		}
		m.early = append(m.early, c)
		return nil
	}
	for i := 0; i < len(m.early); i++ {
		e := m.early[i]
		if end := e.Prev + uint64(len(e.Entries)); e.View >= m.view && end > m.log.Last() {
			if !m.take(e, nil, out) {
				continue
			}
			c = e
		}
		m.early = slices.Delete(m.early, i, i+1)
		i = -1 // another may follow it; at most twice Window times
	}
	return c
}

// take makes the entries of c part of our log, if they follow something that
// both logs have. Of our own view logs differ in length alone: they come from one
// sequencer, in one life of it. If c is of a later view, then what it brings
// is agreed on where it differs, and what we have beyond the last entry of a view
// was not part of it: it is delivered nowhere.
func (m *Member) take(c *Cast, s *process.State, out *process.Output) bool {
	if s != nil && s.Index > m.delivered {
		m.load(s, out)
	}
	prev, epoch, es := c.Prev, c.Epoch, c.Entries
	if base := m.log.Base(); prev < base { // what is compacted was delivered, and is the sender's too
		n := min(base-prev, uint64(len(es)))
		prev, epoch, es = prev+n, m.log.BaseEpoch(), es[n:]
		if prev < base {
			return true
		}
	}
	if !m.log.Has(prev, epoch) {
		return false
	}
	for len(es) > 0 && m.log.Has(es[0].Index, es[0].Epoch) {
		prev, es = prev+1, es[1:] // here already; a delayed message must not cut off what follows
	}
	if len(es) == 0 {
		return true
	}
	assert(prev >= m.delivered, "what is delivered stays")
	assert(prev == m.log.Last() || es[0].Epoch > uint64(m.view), "a view has one order")
	m.log.Replace(prev, es)
	m.enter(ViewID(m.log.LastEpoch()), out)
	if m.msgs != nil {
		m.msgs.Enter(m.cfg.Self, cutOf(&es[0]), nil)
		m.delivered = m.log.Last() // that a view is agreed on is enough
	}
	m.save(prev, es, out)
	return true
}

// onAck learns what a replica holds, itself included.
func (m *Member) onAck(from process.ID, a *Ack, out *process.Output) {
	p := m.peer(from)
	if a.View != m.view || !m.leads() || p == nil {
		return
	}
	assert(a.Upto <= m.log.Last(), "nobody has messages of this view that were not cast")
	p.active, p.heard = true, m.now
	p.match = max(p.match, a.Upto)
	m.deliverStable(out)
}

// deliverStable delivers what all of the view have on their disks: whoever of
// them lives on has it, and so all have whom the next view brings together.
// The view itself is delivered like a message of it, when all have entered it.
// Safe Indication Reliability
func (m *Member) deliverStable(out *process.Output) {
	n := m.reached(len(m.voters()), func(p *peer) uint64 { return p.match })
	if n <= m.delivered {
		return
	}
	m.deliverTo(n, out)
	k, _ := slices.BinarySearch(m.inflight, n+1)
	m.inflight = slices.Delete(m.inflight, 0, k)
	m.serveReads(out)
	m.sendCasts(out)
	if len(m.inflight) == 0 && m.told < n { // else the next Cast tells
		m.told = n
		m.sendStable(0, out)
	}
	if !m.inView(m.cfg.Self) { // we were wanted out, and our last view goes on alone
		m.leaveOffice(out)
		out.SetTimer(election, m.cfg.Election)
	}
}

func (m *Member) deliverTo(n uint64, out *process.Output) {
	if n > m.delivered {
		out.Commit(m.log.Slice(m.delivered, n))
		m.delivered = n
	}
}

// sendStable tells all what is stable, and asks for an answer if round is not 0.
func (m *Member) sendStable(round uint64, out *process.Output) {
	var same *Stable
	for i := range m.peers {
		p := &m.peers[i]
		if p.id == m.cfg.Self {
			continue
		}
		if same == nil || same.Known != p.match {
			same = &Stable{View: m.view, Last: m.sent, Known: p.match, Stable: m.delivered, Round: round}
		}
		// Now: it speaks of what all of the view have on their disks, and of a
		// view that a majority of the one before has accepted durably.
		out.SendNow(p.id, same)
	}
}

// onStable hears from the sequencer.
func (m *Member) onStable(from process.ID, s *Stable, out *process.Output) {
	switch {
	case s.View < m.view:
		m.tell(from, out)
		return
	case !m.follow(from, s.View, out):
		return
	case s.View > m.view:
		m.fetch(from, out)
		return
	}
	if s.Round > 0 {
		// Now: it says that we had promised no change of this view after the round
		// began. A later view that we help to agree on waits for our disk to know
		// of the promise, and so begins after this. If we forget the view in a
		// crash, we have still promised nothing.
		out.SendNow(from, &Here{View: m.view, Round: s.Round})
	}
	m.deliverTo(min(s.Stable, m.log.Last()), out)
	switch {
	case s.Last > m.log.Last():
		m.fetch(from, out)
	case s.Round > 0 && s.Known < m.log.Last(): // an answer was lost
		m.acknowledge(out)
	}
}

// check looks whether all of the view are there and keep up, and who outside it
// does: then the view is changed. Precise Membership asks for both.
func (m *Member) check(out *process.Output) {
	out.SetTimer(checkTimer, process.Span{Min: m.cfg.Election.Max, Max: m.cfg.Election.Max})
	active := func(p *peer) uint64 {
		if p.active || p.id == m.cfg.Self {
			return 1
		}
		return 0
	}
	stuck := m.pending > m.mark && m.delivered == m.mark
	joiners := m.ready()
	switch {
	case m.reached(m.majority(), active) == 0:
		m.giveUp(out)
		return
	case stuck || m.reached(len(m.voters()), active) == 0 || len(joiners) > 0 && m.delivered >= m.began:
		m.joiners = joiners
		m.change(out)
		return
	}
	for i := range m.peers {
		m.peers[i].active = false
	}
	m.mark, m.pending = m.delivered, m.log.Last()
}

// ready returns who may join the view.
func (m *Member) ready() (ids []process.ID) {
	for i := range m.peers {
		if p := &m.peers[i]; m.joins(p) {
			ids = append(ids, p.id)
		}
	}
	return ids
}

// joins reports whether p is outside the view and fit for it: it holds, durably,
// all that was delivered when we last looked.
func (m *Member) joins(p *peer) bool {
	return p.active && !m.inView(p.id) && p.match >= max(m.began, m.mark)
}
