package raft

import (
	"encoding/binary"
	"slices"

	"althing/process"
)

// onMembers changes the group: in one step if one voter comes or goes (thesis
// §4.1), through a joint group if more do (§6).
func (r *Raft) onMembers(q process.Request, out *process.Output) {
	want, context, err := process.CutGroup(q.Cmd)
	refuse := func(why process.Reason) { out.Refuse([]process.Request{q}, why, r.leader) }
	have := r.log.Group()
	switch {
	case err != nil || !want.Valid() || want.Joint():
		refuse(process.Invalid)
		return
	case r.transferee != 0 || have.Joint() || r.log.GroupIndex() > r.commitIndex:
		refuse(process.Changing) // one change at a time: two uncommitted ones need not overlap
		return
	case !r.readable():
		// Not before an entry of this term is committed: a change of an earlier
		// leader might still be decided. Ongaro, raft-dev, 10 July 2015
		refuse(process.Changing)
		return
	case r.behind(have, &want):
		refuse(process.Behind)
		return
	}
	if changed(have.Voters, want.Voters) > 1 {
		want.Outgoing = have.Voters
	}
	q.Cmd = append(process.AppendGroup(nil, want), context...)
	r.propose([]process.Request{q}, out)
}

// changed returns how many are in one of a and b but not in both.
func changed(a, b []process.ID) (n int) {
	for _, id := range a {
		if !slices.Contains(b, id) {
			n++
		}
	}
	for _, id := range b {
		if !slices.Contains(a, id) {
			n++
		}
	}
	return n
}

// behind reports whether a learner that is to vote still lacks a tenth of the
// log: as a voter it would be missed at the next failure. Thesis §4.2.1
func (r *Raft) behind(have, want *process.Group) bool {
	for _, id := range want.Voters {
		if slices.Contains(have.Learners, id) {
			if p := r.peer(id); p == nil || p.match < r.log.Last()-r.log.Last()/10 {
				return true
			}
		}
	}
	return false
}

// afterGroupCommit goes on once the latest group is decided: out of a joint
// one, or out of office if we are no longer in it. §6, thesis §4.2.2
func (r *Raft) afterGroupCommit(out *process.Output) {
	g := r.log.Group()
	if r.log.GroupIndex() > r.commitIndex {
		return
	}
	if g.Joint() {
		final := process.Group{Voters: g.Voters, Learners: g.Learners}
		r.propose([]process.Request{{Kind: process.Members, Cmd: process.AppendGroup(nil, final)}}, out)
		return
	}
	if !g.Votes(r.cfg.Self) {
		r.sendAll(true, out) // or the others would wait for an election to learn of it
		r.becomeFollower(0, out)
	}
}

// onTransfer hands leadership over. Thesis §3.10
func (r *Raft) onTransfer(q process.Request, out *process.Output) {
	id, n := binary.Uvarint(q.Cmd)
	to := process.ID(id)
	switch {
	case n <= 0 || id > 1<<16-1 || !slices.Contains(r.log.Group().Voters, to):
		out.Refuse([]process.Request{q}, process.Invalid, r.leader)
		return
	case r.transferee != 0 || r.log.GroupIndex() > r.commitIndex:
		out.Refuse([]process.Request{q}, process.Changing, r.leader)
		return
	case to == r.cfg.Self:
		return // it leads
	}
	r.transferee = to
	out.SetTimer(handover, r.cfg.Election)
	r.tryTransfer(out)
}

// tryTransfer lets the transferee campaign once it has the whole log.
func (r *Raft) tryTransfer(out *process.Output) {
	p := r.peer(r.transferee)
	if p == nil || p.match < r.log.Last() {
		return
	}
	// It and its voters will not wait for our lease to run out, however late
	// this message arrives.
	r.leaseOver = true
	// Now: it is an order to campaign, which anybody may do at any time.
	out.SendNow(r.transferee, &TimeoutNow{Term: r.currentTerm})
}

func (r *Raft) onTimeoutNow(out *process.Output) {
	if r.role != leader {
		r.campaign(false, true, out)
	}
}
