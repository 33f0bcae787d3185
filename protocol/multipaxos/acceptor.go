package multipaxos

import (
	"althing/process"
)

func (p *Paxos) onReceive(in *process.Input, out *process.Output) {
	m, ok := in.Msg.(message)
	if !ok {
		return // a record, not a message: no replica sends it
	}
	switch m := m.(type) {
	case *Ask:
		p.onAsk(in.From, m, out)
	case *Willing:
		p.onWilling(in.From, m, out)
	case *Promise:
		p.onPromise(in.From, m, out)
	case *Reject:
		p.onReject(m, out)
	case *Accepted:
		p.onAccepted(in.From, m, out)
	case *HeartbeatReply:
		p.onHeartbeatReply(in.From, m, out)
	case *HandOver:
		p.onHandOver(m, out)
	default:
		p.onProposer(in, m, out)
	}
}

// onProposer takes what proposers tell acceptors in their ballots.
func (p *Paxos) onProposer(in *process.Input, m message, out *process.Output) {
	if m.ballot() < p.promised { // §2.2: and so it learns of a later ballot
		// Now: a later ballot exists, whether or not our promise of it is durable.
		out.SendNow(in.From, &Reject{Ballot: p.promised})
		return
	}
	switch m := m.(type) {
	case *Prepare:
		p.onPrepare(in.From, m, out)
	case *Accept:
		p.onAccept(in.From, m, out)
	case *Chosen:
		p.follow(in.From, m.Ballot, out)
		p.hearOf(m.Commit, out)
	case *Heartbeat:
		p.onHeartbeat(in.From, m, out)
	case *State:
		p.onState(in.From, m, in.State, out)
	}
}

// sticky reports whether this acceptor leaves proposers without an answer
// because there is a leader. It is harmless to safety, for nobody has to promise
// anything; nor does it keep a group from getting on, for it ends an election
// timeout after the leader was last heard. A replica that hears nothing would
// otherwise disturb all others, and a leader's lease rests on it. So does one
// that restarted: before, it may have answered a leader that counts on it.
func (p *Paxos) sticky() bool {
	if p.cfg.Lease && p.now-p.started < p.cfg.Election.Min {
		return true
	}
	return p.role == leader || p.bound && p.now-p.heard < p.cfg.Election.Min
}

// onAsk says whether we would promise a ballot above our own.
func (p *Paxos) onAsk(from process.ID, m *Ask, out *process.Output) {
	p.seen = max(p.seen, m.Ballot)
	if p.sticky() || m.After < p.log.Base() {
		return // one that has more should lead: it can tell the other what it lacks
	}
	out.Send(from, &Willing{Ballot: m.Ballot, Promised: p.promised})
}

// onPrepare is phase 1b. §2.2
func (p *Paxos) onPrepare(from process.ID, m *Prepare, out *process.Output) {
	if m.After < p.log.Base() { // we could not tell it all that we accepted
		// Now: it says what we do not do.
		out.SendNow(from, &Reject{Ballot: m.Ballot})
		return
	}
	if m.Ballot > p.promised {
		if !m.Order && p.sticky() {
			p.seen = max(p.seen, m.Ballot)
			return
		}
		p.becomeAcceptor(0, out)
		p.raise(m.Ballot)
		out.Save(m)
	}
	out.SetTimer(election, p.cfg.Election) // also if it asks for more: phase 1 may take long
	p.promise(from, m.After, out)
}

// raise makes b the promised ballot; the caller saves it.
func (p *Paxos) raise(b Ballot) {
	assert(b > p.promised, "a promise stands")
	p.promised, p.told, p.run = b, 0, 0
}

// promise tells a proposer what is known here of the slots above after, as far
// as one message goes. §2.2, §3
func (p *Paxos) promise(to process.ID, after uint64, out *process.Output) {
	m := &Promise{Ballot: p.promised, After: after, Upto: after}
	if after < p.log.Last() {
		m.Decided = p.log.Batch(after, p.cfg.BatchBytes)
		m.Upto += uint64(len(m.Decided))
	}
	if m.More = m.Upto < p.log.Last(); !m.More {
		m.Votes, m.Upto, m.More = p.votes.after(m.Upto, p.cfg.BatchBytes)
	}
	out.Send(to, m)
}

// onAccept is phase 2b. §2.2
func (p *Paxos) onAccept(from process.ID, m *Accept, out *process.Output) {
	p.follow(from, m.Ballot, out)
	n := len(m.Entries)
	changed := n > 0 && m.Entries[n-1].Index <= p.log.Last()+maxAhead && p.votes.put(m.Ballot, m.Entries)
	p.hearOf(m.Commit, out)
	if changed {
		// What we know to be decided, not what the leader knows: only of that
		// does the record say which values they are.
		out.Save(&Accept{Ballot: m.Ballot, Prev: m.Prev, Commit: p.log.Last(), Entries: m.Entries})
	}
	out.Send(from, &Accepted{Ballot: m.Ballot, Match: p.match(), Prev: m.Prev})
}

// match returns the highest slot up to which we accepted everything in the
// promised ballot, or know what is decided.
func (p *Paxos) match() uint64 {
	p.run = max(p.run, p.log.Last())
	for p.votes.ballot(p.run+1) == p.promised && p.run < p.votes.last() {
		p.run++
	}
	return p.run
}

// follow notes a sign of life from the leader of ballot b.
func (p *Paxos) follow(from process.ID, b Ballot, out *process.Output) {
	if p.leader != from || p.role != acceptor || b > p.promised {
		p.becomeAcceptor(from, out)
	}
	if b > p.promised { // §2.2: whoever accepts b has promised it
		p.raise(b)
		out.Save(&Prepare{Ballot: b, After: p.log.Last()})
	}
	p.heard, p.bound = p.now, true
	out.SetTimer(election, p.cfg.Election)
}

// hearOf learns what is decided from the leader of the promised ballot: the
// slots up to n, in so far as we accepted its values. That a later leader
// decided anything else there is impossible, and of this ballot we have what it
// proposed.
func (p *Paxos) hearOf(n uint64, out *process.Output) {
	p.told = max(p.told, n)
	if n := min(p.told, p.match()); n > p.log.Last() {
		p.learn(n)
		p.commitDecided(out)
	}
}

// learn makes the votes up to slot n what is decided.
func (p *Paxos) learn(n uint64) {
	for s := p.log.Last() + 1; s <= n; s++ {
		assert(p.votes.ballot(s) != 0, "what is learnt was accepted here")
	}
	p.log.Append(p.votes.slice(p.votes.base, n))
	p.votes.cut(n)
}

// commitDecided hands what is decided to the application; a change of the group
// not before the new group has decided something, for by then a quorum of it
// holds all up to the change, and knows that it is decided: the old group may go.
func (p *Paxos) commitDecided(out *process.Output) {
	n := p.log.Last()
	if n > p.commit && p.log.GroupIndex() == n {
		n--
	}
	out.Commit(p.log.Slice(p.commit, n))
	p.commit = n
}
