package vsync

import (
	"encoding/binary"
	"slices"

	"althing/process"
)

// read is a read request that waits for a round.
type read struct {
	round uint64
	req   process.Request
}

// onRead serves a read without a place in the order: once a majority of the view
// has said after the read came that it promised no change of it.
func (m *Member) onRead(q process.Request, out *process.Output) {
	if len(m.reads) >= maxWaiting {
		out.Refuse([]process.Request{q}, process.Busy, m.sequencer)
		return
	}
	// The next round, not the present one: some of its answers may be older
	// than this read.
	m.reads = append(m.reads, read{m.round + 1, q})
	if m.round == m.confirmed {
		m.beginRound(out)
	}
}

// beginRound sends all a Stable and starts to count who answers.
func (m *Member) beginRound(out *process.Output) {
	m.round++
	if p := m.peer(m.cfg.Self); p != nil {
		p.round = m.round
	}
	m.told = m.delivered
	m.sendStable(m.round, out)
	m.confirmRounds(out) // alone, we are the majority
}

func (m *Member) onHere(from process.ID, h *Here, out *process.Output) {
	p := m.peer(from)
	if h.View != m.view || !m.leads() || p == nil {
		return
	}
	p.active, p.heard = true, m.now
	p.round = max(p.round, h.Round)
	m.confirmRounds(out)
}

// confirmRounds serves the reads whose round a majority has answered, and begins
// the next round if reads wait for it.
func (m *Member) confirmRounds(out *process.Output) {
	n := m.reached(m.majority(), func(p *peer) uint64 { return p.round })
	if n <= m.confirmed {
		return
	}
	m.confirmed = n
	m.serveReads(out)
	if k := len(m.reads); k > 0 && m.reads[k-1].round > m.round {
		m.beginRound(out)
	}
}

// serveReads hands out the reads that are confirmed, once the view itself is
// delivered: then so is all that was in earlier ones.
func (m *Member) serveReads(out *process.Output) {
	n := 0
	for n < len(m.reads) && m.reads[n].round <= m.confirmed && m.delivered >= m.began {
		n++
	}
	qs := make([]process.Request, n)
	for i := range qs {
		qs[i] = m.reads[i].req
	}
	out.Serve(qs, m.delivered)
	if m.reads = m.reads[n:]; len(m.reads) == 0 {
		m.reads = nil
	}
}

// onTransfer hands over: the replica named coordinates the change to a view of
// its own.
func (m *Member) onTransfer(q process.Request, out *process.Output) {
	id, n := binary.Uvarint(q.Cmd)
	to := process.ID(id)
	refuse := func(why process.Reason) { out.Refuse([]process.Request{q}, why, m.sequencer) }
	switch {
	case n <= 0 || id > 1<<16-1 || !m.log.Group().Has(to):
		refuse(process.Invalid)
	case to == m.cfg.Self: // it leads
	case m.delivered < m.began:
		refuse(process.Changing)
	case !m.inView(to) || m.peer(to).match < m.delivered:
		refuse(process.Behind)
	default:
		// Now: it is an order to change the view, which anybody in it may at any time.
		out.SendNow(to, &HandOver{View: m.view})
	}
}

func (m *Member) onHandOver(h *HandOver, out *process.Output) {
	if h.View == m.view && m.promised == 0 && !m.office && m.inView(m.cfg.Self) {
		m.change(out)
	}
}

// onMembers changes who may be in the view: the next one is of those named who
// are there, and the others are outside, until they have caught up.
func (m *Member) onMembers(q process.Request, out *process.Output) {
	want, _, err := process.CutGroup(q.Cmd)
	refuse := func(why process.Reason) { out.Refuse([]process.Request{q}, why, m.sequencer) }
	ready := func(id process.ID) bool {
		p := m.peer(id)
		return m.inView(id) || p != nil && m.joins(p)
	}
	switch {
	case err != nil || !want.Valid() || want.Joint():
		refuse(process.Invalid)
	case m.delivered < m.began || !m.inView(m.cfg.Self):
		refuse(process.Changing) // one change at a time
	case !slices.ContainsFunc(want.Members(), ready):
		refuse(process.Behind)
	default:
		m.joiners, m.wish, m.hasWish = m.ready(), q, true
		m.change(out)
	}
}
