package fastpaxos

import "althing/process"

// onPrepare promises, unless a later round was promised. Phase 1b, §2.1
func (r *replica) onPrepare(from process.ID, m *Prepare, out *process.Output) {
	switch {
	case r.position(r.cfg.Self) < 0:
		return
	case m.Round < r.promised:
		r.nack(from, m.Round, out)
		return
	case m.Round > r.promised: // else: our own round, or the message once more
		r.promised = m.Round
		out.Save(m)
	}
	if from != r.cfg.Self {
		r.resign(out)
		if r.leader != from {
			r.leader = 0
		}
		out.SetTimer(election, r.cfg.Election)
	}
	out.Send(from, &Promise{Round: m.Round, Commit: r.log.Last(), Votes: r.votes()})
}

func (r *replica) nack(from process.ID, round uint64, out *process.Output) {
	// Now: it makes a coordinator give up, which it may do at any time, whether we
	// remember this promise or not.
	out.SendNow(from, &Nack{Round: round, Promised: r.promised})
}

// onPropose votes in a fast round for the first that is proposed in an instance.
// Phase 2b, §3.1
func (r *replica) onPropose(m *Propose, out *process.Output) {
	if r.role == leading && !r.any.Any {
		r.onWish(m.Entries, out)
		return
	}
	if !r.any.Any || r.any.Round < r.promised {
		return
	}
	round := r.any.Round | fastRound
	var es []process.Entry
	for i := range m.Entries {
		e := &m.Entries[i]
		x := r.at(e.Index)
		if x != nil && e.Index > r.any.After && x.vote.Round < round && !x.decided {
			es = append(es, *e)
		}
	}
	r.cast(round, es, out)
}

// onAccept votes for what the coordinator says, unless a later round was promised.
// Phase 2b, §2.1
func (r *replica) onAccept(from process.ID, m *Accept, out *process.Output) {
	if baseOf(m.Round) < r.promised {
		r.nack(from, baseOf(m.Round), out)
		return
	}
	var es []process.Entry
	for i := range m.Entries {
		if x := r.at(m.Entries[i].Index); x != nil && x.vote.Round < m.Round {
			es = append(es, m.Entries[i])
		}
	}
	r.cast(m.Round, es, out)
}

// cast votes, and tells all once it is durable. A vote is a promise, too.
func (r *replica) cast(round uint64, es []process.Entry, out *process.Output) {
	if len(es) == 0 || r.position(r.cfg.Self) < 0 {
		return
	}
	r.promised = max(r.promised, baseOf(round))
	for i := range es {
		r.at(es[i].Index).vote = Vote{round, es[i]}
	}
	m := &Voted{Round: round, Commit: r.log.Last(), Entries: es}
	out.Save(m)
	for _, to := range r.group.Members() {
		out.Send(to, m)
	}
}

// sayVotes tells votes again, of instances that take long.
func (r *replica) sayVotes(out *process.Output) {
	var es []process.Entry
	var round uint64
	say := func() {
		r.batches(es, func(es []process.Entry) {
			for _, to := range r.group.Members() {
				out.Send(to, &Voted{Round: round, Commit: r.log.Last(), Entries: es})
			}
		})
		es = nil
	}
	for i := range r.insts {
		x := &r.insts[i]
		if x.vote.Round == 0 || x.age == 0 || x.age%patience != 0 {
			continue
		}
		if x.vote.Round != round {
			say()
			round = x.vote.Round
		}
		es = append(es, x.vote.Entry)
	}
	say()
}

// batches cuts es into what a message may hold.
func (r *replica) batches(es []process.Entry, f func([]process.Entry)) {
	for len(es) > 0 {
		n, size := 1, r.cfg.BatchBytes-len(es[0].Req.Cmd)
		for n < len(es) && size >= len(es[n].Req.Cmd) {
			size -= len(es[n].Req.Cmd)
			n++
		}
		f(es[:n:n])
		es = es[n:]
	}
}

// follow votes with another acceptor that recovers without the coordinator: what it
// picked may be chosen, and one that did not hear of all votes itself need not. So
// those who pick differently are fewer.
func (r *replica) follow(round uint64, e *process.Entry, x *instance, out *process.Output) {
	if round == r.promised|aloneRound && x.vote.Round < round && !x.decided {
		r.cast(round, []process.Entry{*e}, out)
	}
}

// recoverAlone votes after a collision, in the round for that, as if this acceptor
// were the coordinator: the votes that it has heard of are promises, too, for
// nobody votes twice in a round. Uncoordinated recovery, §3.2
func (r *replica) recoverAlone(index uint64, x *instance, out *process.Output) {
	base := r.promised
	if !r.alone || x.decided || x.vote.Round >= base|aloneRound {
		return
	}
	if votes := x.votesIn(base | fastRound); len(votes) >= r.classic() {
		v := r.pick(votes)
		v.Index = index
		r.cast(base|aloneRound, []process.Entry{v}, out)
	}
}
