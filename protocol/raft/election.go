package raft

import (
	"slices"

	"althing/process"
	"althing/quorum"
	"althing/reads"
)

func (r *Raft) onTimeout(t process.Timer, out *process.Output) {
	switch {
	case t == election && r.role != leader:
		r.leader, r.bound = 0, false
		r.campaign(true, false, out)
	case t == heartbeat && r.role == leader:
		r.beginRound(out)
		out.SetTimer(heartbeat, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
	case t == checkTimer && r.role == leader:
		r.checkQuorum(out)
	case t == handover && r.role == leader:
		r.transferee = 0 // take requests again. Thesis §3.10
	}
}

// mayCampaign reports whether this server's candidacy makes sense. One that
// was removed by an entry not yet decided may be needed to decide it.
// Thesis §4.2.2
func (r *Raft) mayCampaign() bool {
	if r.log.Group().Votes(r.cfg.Self) {
		return true
	}
	return r.log.GroupIndex() > r.commitIndex && r.log.GroupBefore().Votes(r.cfg.Self)
}

// campaign starts an election in a new term (§5.2), or first asks whether one
// could be won (pre; thesis §9.6), so that a server cut off does not come back
// with a term that unseats a working leader.
func (r *Raft) campaign(pre, byOrder bool, out *process.Output) {
	out.SetTimer(election, r.cfg.Election)
	if !r.mayCampaign() {
		return
	}
	r.leader, r.granted, r.byOrder = 0, r.granted[:0], byOrder
	term := r.currentTerm + 1
	if pre {
		r.role = preCandidate
	} else {
		r.role = candidate
		r.setTerm(term, r.cfg.Self, out)
	}
	ask := &RequestVote{
		Term: term, LastIndex: r.log.Last(), LastTerm: r.log.LastEpoch(), Pre: pre, Transfer: byOrder,
	}
	g := r.log.Group()
	for _, to := range g.Members() {
		if !g.Votes(to) {
			continue
		}
		if to == r.cfg.Self {
			// By Send: our own vote counts when our own disk has it.
			out.Send(to, &Vote{Term: term, Granted: true, Pre: pre})
			continue
		}
		out.Send(to, ask)
	}
}

func (r *Raft) onReceive(in *process.Input, out *process.Output) {
	m, ok := in.Msg.(message)
	if !ok {
		return // a record, not a message: no server sends it
	}
	if v, ok := m.(*RequestVote); ok && r.sticky(v) {
		return
	}
	switch t := m.term(); {
	case t > r.currentTerm && !hypothetical(m):
		r.setTerm(t, 0, out) // §5.1
		r.becomeFollower(0, out)
	case t < r.currentTerm:
		r.onStale(in.From, m, out)
		return
	}
	switch m := m.(type) {
	case *RequestVote:
		r.onRequestVote(in.From, m, out)
	case *Vote:
		r.onVote(in.From, m, out)
	case *AppendEntries:
		r.onAppendEntries(in.From, m, out)
	case *AppendReply:
		r.onAppendReply(in.From, m, out)
	case *Heartbeat:
		r.onHeartbeat(in.From, m, out)
	case *HeartbeatReply:
		r.onHeartbeatReply(in.From, m, out)
	case *InstallSnapshot:
		r.onInstallSnapshot(in.From, in.State, out)
	case *TimeoutNow:
		r.onTimeoutNow(out)
	}
}

// hypothetical reports whether m speaks of a term that nobody is in yet.
func hypothetical(m message) bool {
	switch m := m.(type) {
	case *RequestVote:
		return m.Pre
	case *Vote:
		return m.Pre && m.Granted
	}
	return false
}

// sticky reports whether m must be ignored because there is a leader: a server
// that was removed, or hears nothing, would otherwise disturb all others
// (thesis §4.2.3), and a leader's lease rests on it (thesis §6.4.1).
func (r *Raft) sticky(m *RequestVote) bool {
	if m.Transfer {
		return false
	}
	if r.cfg.Lease && r.now-r.started < r.cfg.Election.Min {
		// Before a restart it may have answered a leader that counts on it: also
		// if nothing is on its disk yet, for answers to heartbeats do not wait.
		return true
	}
	return r.role == leader || r.bound && r.now-r.heard < r.cfg.Election.Min
}

// onStale answers a message of an earlier term, so that its sender learns of
// this one. Without an answer a server ahead of its leader's term would be cut
// off for good.
func (r *Raft) onStale(from process.ID, m message, out *process.Output) {
	switch m := m.(type) {
	case *RequestVote:
		out.Send(from, &Vote{Term: r.currentTerm, Pre: m.Pre})
	case *AppendEntries, *Heartbeat, *InstallSnapshot:
		out.Send(from, &AppendReply{Term: r.currentTerm})
	}
}

// onRequestVote grants at most one vote a term, to a log as complete as ours.
// §5.2, §5.4.1
func (r *Raft) onRequestVote(from process.ID, m *RequestVote, out *process.Output) {
	last, lastTerm := r.log.Last(), r.log.LastEpoch()
	complete := m.LastTerm > lastTerm || m.LastTerm == lastTerm && m.LastIndex >= last
	if m.Pre {
		v := &Vote{Term: r.currentTerm, Pre: true}
		if complete && m.Term > r.currentTerm {
			v = &Vote{Term: m.Term, Pre: true, Granted: true}
		}
		out.Send(from, v)
		return
	}
	granted := complete && r.role == follower && (r.votedFor == 0 || r.votedFor == from)
	if granted && r.votedFor == 0 {
		r.setTerm(r.currentTerm, from, out)
	}
	if granted {
		out.SetTimer(election, r.cfg.Election)
	}
	out.Send(from, &Vote{Term: r.currentTerm, Granted: granted})
}

func (r *Raft) onVote(from process.ID, m *Vote, out *process.Output) {
	wanted := r.role == candidate && !m.Pre || r.role == preCandidate && m.Pre && m.Term == r.currentTerm+1
	if !wanted || !m.Granted || slices.Contains(r.granted, from) {
		return
	}
	r.granted = append(r.granted, from)
	g := r.log.Group()
	if !r.elected(g.Voters) || g.Joint() && !r.elected(g.Outgoing) {
		return
	}
	if m.Pre {
		r.campaign(false, r.byOrder, out)
		return
	}
	r.becomeLeader(out)
}

// elected reports whether a majority of voters granted their vote.
func (r *Raft) elected(voters []process.ID) bool {
	n := 0
	for _, id := range voters {
		if slices.Contains(r.granted, id) {
			n++
		}
	}
	return n >= quorum.Majority(len(voters))
}

// setTerm records a term and a vote in it; both only grow more certain.
func (r *Raft) setTerm(term uint64, vote process.ID, out *process.Output) {
	assert(term > r.currentTerm || term == r.currentTerm && r.votedFor == 0, "a vote stands for its term")
	r.currentTerm, r.votedFor = term, vote
	out.Save(&HardState{Term: term, Vote: vote})
}

// becomeFollower follows leader id in the present term; 0 if it is not known.
func (r *Raft) becomeFollower(id process.ID, out *process.Output) {
	if r.role == leader {
		out.Refuse(r.rounds.Drop(), process.NotLeader, 0)
		out.StopTimer(heartbeat)
		out.StopTimer(checkTimer)
		out.StopTimer(handover)
		out.SetTimer(election, r.cfg.Election)
		r.peers, r.rounds = nil, reads.Rounds{}
		r.leaseOver, r.transferee = false, 0
	}
	r.role, r.leader, r.granted, r.byOrder = follower, id, r.granted[:0], false
}

// becomeLeader takes over with an entry of its own term, for only by such a
// one can it commit those of earlier terms. §5.4.2, §8
func (r *Raft) becomeLeader(out *process.Output) {
	r.role, r.leader, r.granted = leader, r.cfg.Self, r.granted[:0]
	r.setPeers()
	out.StopTimer(election)
	out.SetTimer(heartbeat, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
	out.SetTimer(checkTimer, process.Span{Min: r.cfg.Election.Max, Max: r.cfg.Election.Max})
	r.propose([]process.Request{{Kind: process.NoOp}}, out)
	r.beginRound(out)
}

// checkQuorum makes a leader without a quorum step down, so that its clients
// look elsewhere. Thesis §6.2
func (r *Raft) checkQuorum(out *process.Output) {
	active := r.quorumOf(func(p *progress) uint64 {
		if p.active || p.id == r.cfg.Self {
			return 1
		}
		return 0
	})
	if active == 0 {
		r.becomeFollower(0, out)
		return
	}
	for i := range r.peers {
		r.peers[i].active = false
	}
	out.SetTimer(checkTimer, process.Span{Min: r.cfg.Election.Max, Max: r.cfg.Election.Max})
}
