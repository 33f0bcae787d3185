package paxos

import (
	"slices"

	"althing/process"
)

// A learner finds out what is chosen. It forgets all in a crash, and asks again.
type learner struct {
	votes   []vote // the latest heard of each acceptor, by ID
	known   bool
	decree  process.Request
	applied uint64 // 1 when the application has the decree, which may be before it is known here
}

// vote is an acceptor's.
type vote struct {
	by     process.ID
	ballot uint64
	value  process.Request
}

// ask asks all what is chosen. §2.3
func (p *Paxos) ask(out *process.Output) {
	for _, to := range p.group.Members() {
		// Now: a question says nothing.
		out.SendNow(to, &Ask{})
	}
}

// onAccepted counts a vote. What a majority has voted for in one ballot is
// chosen. Of each acceptor the latest vote will do: in a later ballot the value
// is the same. §2.3
func (p *Paxos) onAccepted(from process.ID, m *Accepted, out *process.Output) {
	if p.known || !p.accepts(from) {
		return
	}
	i, found := slices.BinarySearchFunc(p.votes, from, func(v vote, id process.ID) int { return int(v.by) - int(id) })
	v := vote{from, m.Ballot, m.Value}
	switch {
	case !found:
		p.votes = slices.Insert(p.votes, i, v)
	case p.votes[i].ballot < m.Ballot:
		p.votes[i] = v
	default:
		return
	}
	n := 0
	for i := range p.votes {
		if p.votes[i].ballot == m.Ballot {
			n++
		}
	}
	if !p.enough(n) {
		return
	}
	p.learn(m.Value, out)
	for _, to := range p.group.Members() {
		if to != p.cfg.Self {
			// Now: the votes were durable before we heard of them.
			out.SendNow(to, &Chosen{m.Value})
		}
	}
}

// learn ends the search: the decree is known.
func (p *Paxos) learn(value process.Request, out *process.Output) {
	if p.known {
		assert(same(&p.decree, &value), "there is one decree")
		return
	}
	p.known, p.decree, p.votes = true, value, nil
	out.StopTimer(again)
	p.commit(out)
	pending, reads := p.pending, p.reads
	p.proposer = proposer{}
	for _, q := range pending {
		if !same(&q, &value) {
			out.Refuse([]process.Request{q}, process.Invalid, 0)
		}
	}
	for i := range reads {
		out.Serve([]process.Request{reads[i].req}, p.applied)
	}
}

// commit hands the decree over, once.
func (p *Paxos) commit(out *process.Output) {
	if p.applied == 0 {
		p.applied = 1
		out.Commit([]process.Entry{{Index: 1, Req: p.decree}})
	}
}

// onRead answers a read once it is known what was chosen before it came.
func (p *Paxos) onRead(q process.Request, out *process.Output) {
	switch {
	case p.applied > 0:
		out.Serve([]process.Request{q}, p.applied)
	case len(p.reads) >= maxReads:
		out.Refuse([]process.Request{q}, process.Busy, 0)
	default:
		p.reads = append(p.reads, read{p.promised, q})
	}
}

// serveReads answers, of a ballot in which a majority promised and showed no vote,
// the reads that came before it: when they came nothing was chosen. Had a majority
// voted by then, one of these would have voted, and either shown it, or
// promised a later ballot before this one.
func (p *Paxos) serveReads(out *process.Output) {
	n := 0
	for n < len(p.reads) && p.reads[n].since < p.ballot {
		out.Serve([]process.Request{p.reads[n].req}, 0)
		n++
	}
	p.reads = slices.Delete(p.reads, 0, n)
}
