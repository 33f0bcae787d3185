package multipaxos

import (
	"slices"

	"althing/process"
	"althing/reads"
)

func (p *Paxos) onTimeout(t process.Timer, out *process.Output) {
	switch {
	case t == election && p.role != leader:
		p.leader, p.bound = 0, false
		p.ask(out)
	case t == heartbeat && p.role == preparing:
		p.prepareAgain(out)
		out.SetTimer(heartbeat, p.beat())
	case t == heartbeat && p.role == leader:
		p.beginRound(out)
		p.prepareAgain(out)
		out.SetTimer(heartbeat, p.beat())
	case t == checkTimer && p.role == leader:
		p.checkQuorum(out)
	case t == handover && p.role == leader:
		p.transferee = 0 // take requests again
	}
}

func (p *Paxos) beat() process.Span {
	return process.Span{Min: p.cfg.Heartbeat, Max: p.cfg.Heartbeat}
}

// mayCampaign reports whether this replica's campaign makes sense. One that was
// removed may be needed until the new group has decided something: it may be
// alone to know that the change is decided.
func (p *Paxos) mayCampaign() bool {
	if p.log.Group().Votes(p.cfg.Self) {
		return true
	}
	return p.log.GroupIndex() > p.commit && p.log.GroupBefore().Votes(p.cfg.Self)
}

// next returns a ballot of ours above all that we know of.
func (p *Paxos) next() Ballot { return max(p.promised, p.seen).after(p.cfg.Self) }

// ask finds out whether a campaign could be won, so that a replica cut off does
// not come back with a ballot that unseats a working leader.
func (p *Paxos) ask(out *process.Output) {
	p.becomeAcceptor(0, out)
	out.SetTimer(election, p.cfg.Election)
	if !p.mayCampaign() {
		return
	}
	p.role, p.ballot = asking, p.next()
	for _, to := range p.log.Group().Voters {
		if to == p.cfg.Self {
			out.Send(to, &Willing{Ballot: p.ballot})
			continue
		}
		out.Send(to, &Ask{Ballot: p.ballot, After: p.log.Last()})
	}
}

func (p *Paxos) onWilling(from process.ID, m *Willing, out *process.Output) {
	p.seen = max(p.seen, m.Promised)
	if p.role != asking || m.Ballot != p.ballot || slices.Contains(p.willing, from) {
		return
	}
	p.willing = append(p.willing, from)
	voters := p.log.Group().Voters
	n := 0
	for _, id := range voters {
		if slices.Contains(p.willing, id) {
			n++
		}
	}
	if n >= p.first(len(voters)) {
		p.campaign(false, out)
	}
}

// campaign begins phase 1 with a ballot that was never used: it leaves when our
// own promise of it is durable. §2.2, §2.4
func (p *Paxos) campaign(byOrder bool, out *process.Output) {
	p.becomeAcceptor(0, out)
	p.role, p.ballot, p.byOrder = preparing, p.next(), byOrder
	p.raise(p.ballot)
	out.Save(&Prepare{Ballot: p.ballot, After: p.log.Last(), Order: byOrder})
	out.SetTimer(election, p.cfg.Election)
	out.SetTimer(heartbeat, p.beat())
	p.prepare(out)
}

// prepare is phase 1a, for all slots that are not known to be decided, and of
// the group in force there. §3
func (p *Paxos) prepare(out *process.Output) {
	p.prepared, p.best = false, votes{base: p.log.Last()}
	p.promises = p.promises[:0]
	for _, id := range p.log.Group().Voters {
		p.promises = append(p.promises, promise{id: id, upto: p.log.Last()})
	}
	p.prepareAgain(out)
}

// prepareAgain asks those who have not reported all.
func (p *Paxos) prepareAgain(out *process.Output) {
	if p.prepared {
		return
	}
	for i := range p.promises {
		if r := &p.promises[i]; !r.done {
			p.prepareAt(r, out)
		}
	}
}

func (p *Paxos) prepareAt(r *promise, out *process.Output) {
	r.upto = max(r.upto, p.log.Last()) // what is decided need not be told
	if r.id == p.cfg.Self {            // we are an acceptor like any other
		p.promise(r.id, r.upto, out)
		return
	}
	out.Send(r.id, &Prepare{Ballot: p.ballot, After: r.upto, Order: p.byOrder})
}

// onPromise takes in what an acceptor reports; a quorum of reports ends phase 1.
func (p *Paxos) onPromise(from process.ID, m *Promise, out *process.Output) {
	if p.role < preparing || m.Ballot != p.ballot || p.prepared {
		return
	}
	if p.learnFrom(m, out) {
		return
	}
	for i := range m.Votes {
		if v := &m.Votes[i]; v.Entry.Index <= p.log.Last()+maxAhead {
			p.best.put(v.Ballot, []process.Entry{v.Entry}) // the highest ballot's. §2.2, P2c
		}
	}
	done := 0
	for i := range p.promises {
		r := &p.promises[i]
		if r.id == from && !r.done && m.After <= max(r.upto, p.log.Last()) {
			p.reported(r, m, out)
		}
		if r.done {
			done++
		}
	}
	if done >= p.first(len(p.promises)) {
		p.lead(out)
	}
}

// reported notes how far an acceptor's reports go, and asks for more. As long as
// there is progress a campaign goes on.
func (p *Paxos) reported(r *promise, m *Promise, out *process.Output) {
	if m.More && m.Upto <= r.upto {
		return // it was here before
	}
	r.upto, r.done = max(r.upto, m.Upto), !m.More
	if p.role == preparing {
		out.SetTimer(election, p.cfg.Election)
	}
	if m.More {
		p.prepareAt(r, out)
	}
}

// learnFrom learns what is decided from a promise, and saves it like a vote. It
// reports whether the group in force changed: then phase 1 begins anew.
func (p *Paxos) learnFrom(m *Promise, out *process.Output) (regrouped bool) {
	es, decided := m.Decided, p.log.Last()
	if m.After > decided || m.After+uint64(len(es)) <= decided {
		return false
	}
	es = es[decided-m.After:]
	group := p.log.GroupIndex()
	p.log.Append(es)
	last := p.log.Last()
	p.votes.cut(last)
	out.Save(&Accept{Ballot: p.ballot, Prev: decided, Commit: last, Entries: es})
	p.commitDecided(out)
	if p.role == leader {
		p.last = last
	}
	if p.log.GroupIndex() == group {
		p.best.cut(last)
		return false
	}
	p.regroup(out)
	return true
}

// regroup goes on with the group that a decided change brought into force. What
// was reported in later slots the old group told us: the new one must be asked.
func (p *Paxos) regroup(out *process.Output) {
	if p.role == leader {
		p.setPeers()
		p.rounds.EndLease()
	}
	p.prepare(out)
}

// lead ends phase 1: what was found is proposed again, gaps are filled with
// no-ops, and what comes after is ours to choose. §3
func (p *Paxos) lead(out *process.Output) {
	if p.role != leader {
		p.becomeLeader(out)
	}
	decided := p.log.Last()
	es := make([]process.Entry, 0, p.best.last()-decided)
	for s := decided + 1; s <= p.best.last() && p.barrier == 0; s++ {
		e := process.Entry{Epoch: uint64(p.ballot), Index: s, Req: process.Request{Kind: process.NoOp}}
		if p.best.ballot(s) != 0 {
			e = p.best.slice(s-1, s)[0]
		}
		if es = append(es, e); e.Req.Kind == process.Members {
			p.barrier = s // what follows is for another group to decide
		}
	}
	p.prepared, p.promises, p.best = true, p.promises[:0], votes{}
	p.last, p.recovered = decided, decided+uint64(len(es))
	if len(es) == 0 && p.log.GroupIndex() == decided && decided > p.commit {
		p.propose([]process.Request{{Kind: process.NoOp}}, out) // so that the change is committed
	} else {
		p.accept(es, out)
	}
	p.proposeWaiting(out)
}

// onReject learns of a later ballot. Or a leader that found an old change of the
// group, and had it decided, learns that the new group went on long ago: it must
// make way, for it keeps all others from campaigns.
func (p *Paxos) onReject(m *Reject, out *process.Output) {
	p.seen = max(p.seen, m.Ballot)
	behind := m.Ballot == p.ballot && p.role == leader && !p.prepared
	if p.role >= preparing && m.Ballot > p.ballot || behind {
		p.becomeAcceptor(0, out)
	}
}

// becomeAcceptor ends what we proposed. The leader is id; 0 if it is not known.
func (p *Paxos) becomeAcceptor(id process.ID, out *process.Output) {
	if p.role >= preparing {
		out.StopTimer(heartbeat)
	}
	if p.role == leader {
		out.Refuse(p.rounds.Drop(), process.NotLeader, 0)
		out.Refuse(p.waiting, process.NotLeader, 0)
		out.StopTimer(checkTimer)
		out.StopTimer(handover)
		out.SetTimer(election, p.cfg.Election)
		p.waiting, p.peers, p.rounds = nil, nil, reads.Rounds{}
		p.transferee, p.leaseOver = 0, false
		p.last, p.recovered, p.barrier = 0, 0, 0
	}
	p.role, p.leader, p.ballot, p.byOrder, p.prepared = acceptor, id, 0, false, false
	p.willing, p.promises, p.best = p.willing[:0], p.promises[:0], votes{}
}

func (p *Paxos) becomeLeader(out *process.Output) {
	p.role, p.leader = leader, p.cfg.Self
	p.last = p.log.Last()
	p.setPeers()
	out.StopTimer(election)
	out.SetTimer(heartbeat, p.beat())
	out.SetTimer(checkTimer, process.Span{Min: p.cfg.Election.Max, Max: p.cfg.Election.Max})
	p.beginRound(out)
}

// checkQuorum makes a leader without a quorum step down, so that its clients
// look elsewhere.
func (p *Paxos) checkQuorum(out *process.Output) {
	voters := p.log.Group().Voters
	size := p.second(len(voters))
	if !p.prepared {
		size = p.first(len(voters))
	}
	active := p.reached(size, func(a *peer) uint64 {
		if a.active || a.id == p.cfg.Self {
			return 1
		}
		return 0
	})
	if active == 0 {
		p.becomeAcceptor(0, out)
		return
	}
	for i := range p.peers {
		p.peers[i].active = false
	}
	out.SetTimer(checkTimer, process.Span{Min: p.cfg.Election.Max, Max: p.cfg.Election.Max})
}
