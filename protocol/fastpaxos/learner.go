package fastpaxos

import (
	"slices"

	"althing/process"
)

// onVoted counts votes. §2.1
func (r *replica) onVoted(from process.ID, m *Voted, out *process.Output) {
	p := r.position(from)
	if p < 0 {
		return
	}
	for i := range m.Entries {
		e := &m.Entries[i]
		x := r.at(e.Index)
		if x == nil || x.decided {
			continue
		}
		if x.heard == nil {
			x.heard = make([]Vote, len(r.group.Voters))
		}
		if x.heard[p].Round >= m.Round {
			continue
		}
		x.heard[p] = Vote{m.Round, *e}
		if r.chosen(x, &x.heard[p]) {
			r.decide(e)
			continue
		}
		r.follow(m.Round, e, x, out)
		r.onCollision(e.Index, x, m.Round, out)
	}
	r.advance(out)
}

// chosen reports whether a quorum voted for one value in one round.
func (r *replica) chosen(x *instance, v *Vote) bool {
	n := 0
	for i := range x.heard {
		if x.heard[i].Round == v.Round && equal(&x.heard[i].Entry, &v.Entry) {
			n++
		}
	}
	return n >= r.quorumOf(v.Round)
}

// onCollision looks whether a fast round came to nothing in an instance, or has the
// votes of all who seem to be there.
func (r *replica) onCollision(index uint64, x *instance, round uint64, out *process.Output) {
	if !fast(round) || baseOf(round) != r.promised {
		return
	}
	votes := x.votesIn(round)
	// Who is down will not vote: it may be waited for in vain.
	all := r.role == leading && len(votes) >= max(r.classic(), r.present())
	if !all && !r.collided(round, votes) {
		return
	}
	r.recoverAlone(index, x, out)
	r.recoverAs(index, x, out)
}

// decide notes what is chosen in an instance.
func (r *replica) decide(e *process.Entry) {
	x := r.at(e.Index)
	if x == nil || x.decided {
		return
	}
	x.decided, x.value = true, *e
	if i := slices.IndexFunc(r.mine, func(m process.Entry) bool { return m.Index == e.Index }); i >= 0 {
		if !equal(&r.mine[i], e) { // it will never be chosen there: it may be tried elsewhere
			r.queue = slices.Insert(r.queue, 0, r.mine[i].Req)
		}
		r.mine = slices.Delete(r.mine, i, i+1)
	}
	if q := &e.Req; q.Client != 0 { // a copy that waits here is answered by this one
		r.queue = slices.DeleteFunc(r.queue, func(o process.Request) bool { return retry(&o, q) })
	}
}

// retry reports whether two requests are one of a session, asked again.
func retry(a, b *process.Request) bool {
	return a.Client != 0 && a.Client == b.Client && a.Seq == b.Seq && a.Kind == b.Kind
}

// advance puts into the log what is decided with all before, and goes on with what
// waited for that.
func (r *replica) advance(out *process.Output) {
	from := r.log.Last()
	var others []process.Entry
	n := 0
	for n < len(r.insts) && r.insts[n].decided {
		x := &r.insts[n]
		if x.vote.Round == 0 || !equal(&x.vote.Entry, &x.value) {
			others = append(others, x.value)
		}
		r.log.Append([]process.Entry{x.value})
		n++
	}
	if n > 0 {
		r.insts, r.moved = slices.Delete(r.insts, 0, n), true
		if len(others) > 0 {
			out.Save(&Decided{others}) // what later votes say of the log must be here
		}
		out.Commit(r.log.Slice(from, r.log.Last()))
		r.serveReads(out)
		r.tryLead(out)
	}
	r.propose(out)
}

// hearOf notes that another replica's log is longer.
func (r *replica) hearOf(from process.ID, commit uint64) {
	if commit > r.log.Last() && commit > r.ahead {
		r.ahead, r.from = commit, from
	}
}

// catchUp asks for what others have, if it did not come by itself.
func (r *replica) catchUp(out *process.Output) {
	if r.ahead > r.log.Last() && !r.moved {
		// Now: a question says nothing.
		out.SendNow(r.from, &Ask{After: r.log.Last()})
	}
	r.ahead, r.moved = 0, false // whoever is ahead says so again
}

func (r *replica) onAsk(from process.ID, m *Ask, out *process.Output) {
	switch {
	case m.After >= r.log.Last():
	case m.After < r.log.Base():
		out.SendState(from, &Install{})
	default:
		// Now: what is chosen is a fact about the disks of a quorum.
		out.SendNow(from, &Learn{Commit: r.log.Last(), Entries: r.log.Batch(m.After, r.cfg.BatchBytes)})
	}
}

func (r *replica) onLearn(from process.ID, m *Learn, out *process.Output) {
	was := r.log.Last()
	for i := range m.Entries {
		r.decide(&m.Entries[i])
	}
	r.advance(out)
	if was < r.log.Last() && r.log.Last() < m.Commit {
		// Now: a question says nothing.
		out.SendNow(from, &Ask{After: r.log.Last()})
	}
}

// onInstall takes an application state if it is ahead of ours. What became of own
// proposals that it covers cannot be told: their clients ask again.
func (r *replica) onInstall(s *process.State, out *process.Output) {
	if s == nil || s.Index <= r.log.Last() {
		return
	}
	out.LoadState()
	r.skip(s)
	r.moved = true
	r.mine = slices.DeleteFunc(r.mine, func(e process.Entry) bool { return e.Index <= s.Index })
	r.checkpoint(out)
	r.serveReads(out)
	r.tryLead(out)
	r.advance(out)
}
