package primarybackup

import (
	"slices"

	"althing/process"
	"althing/quorum"
	"althing/reads"
)

func (r *PrimaryBackup) onTimeout(t process.Timer, out *process.Output) {
	switch {
	case t == election && r.role != primary:
		r.primary, r.bound = 0, false
		r.campaign(true, false, out)
	case t == heartbeat && r.role == primary:
		r.beginRound(out)
		out.SetTimer(heartbeat, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
	case t == checkTimer && r.role == primary:
		r.check(out)
	case t == handover && r.role == primary:
		r.transferee = 0 // take requests again
	}
}

// campaign asks for promotion in a new epoch, or first asks whether it could be
// had (pre), so that a replica cut off does not come back with an epoch that
// unseats a working primary. One whose application has gone astray stays a
// backup: it holds no state that it could go on from.
func (r *PrimaryBackup) campaign(pre, byOrder bool, out *process.Output) {
	out.SetTimer(election, r.cfg.Election)
	g := r.log.Group()
	if !slices.Contains(g.Voters, r.cfg.Self) || !r.mended() {
		return
	}
	r.primary, r.granted, r.byOrder = 0, r.granted[:0], byOrder
	epoch := r.epoch + 1
	if pre {
		r.role = preCandidate
	} else {
		r.role = candidate
		r.setEpoch(epoch, r.cfg.Self, out)
	}
	ask := &RequestVote{
		Epoch: epoch, LastIndex: r.log.Last(), LastEpoch: r.log.LastEpoch(), Pre: pre, Transfer: byOrder,
	}
	for _, to := range g.Voters {
		if to == r.cfg.Self {
			// By Send: our own vote counts when our own disk has it.
			out.Send(to, &Vote{Epoch: epoch, Granted: true, Pre: pre})
			continue
		}
		out.Send(to, ask)
	}
}

func (r *PrimaryBackup) onReceive(in *process.Input, out *process.Output) {
	if _, ok := in.Msg.(*Founded); ok {
		r.founded = true
		return
	}
	m, ok := in.Msg.(message)
	if !ok {
		return // a record, not a message: no replica sends it
	}
	if v, ok := m.(*RequestVote); ok && r.sticky(v) {
		return
	}
	switch e := m.epoch(); {
	case e > r.epoch && !hypothetical(m):
		r.setEpoch(e, 0, out)
		r.becomeBackup(0, out)
	case e < r.epoch:
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
	case *InstallState:
		r.onInstallState(in.From, m, in.State, out)
	case *TimeoutNow:
		if r.role != primary {
			r.campaign(false, true, out)
		}
	}
}

// hypothetical reports whether m speaks of an epoch that nobody is in yet.
func hypothetical(m message) bool {
	switch m := m.(type) {
	case *RequestVote:
		return m.Pre
	case *Vote:
		return m.Pre && m.Granted
	}
	return false
}

// leases reports whether a primary may rely on its clock: where answers do not
// wait for a majority, nothing else tells it that it is the only one.
func (r *PrimaryBackup) leases() bool { return r.cfg.Lease || r.mode.loses() }

// sticky reports whether m must be ignored because there is a primary: one that
// hears nothing would disturb all others, and a lease rests on it.
func (r *PrimaryBackup) sticky(m *RequestVote) bool {
	if m.Transfer {
		return false
	}
	if r.leases() && r.lived && r.now-r.started < r.cfg.Election.Min {
		return true // before the restart it may have answered a primary that counts on it
	}
	return r.role == primary || r.bound && r.now-r.heard < r.cfg.Election.Min
}

// onStale fences: it answers a message of an earlier epoch with the present one,
// and whoever was primary in it steps down.
func (r *PrimaryBackup) onStale(from process.ID, m message, out *process.Output) {
	switch m := m.(type) {
	case *RequestVote:
		out.Send(from, &Vote{Epoch: r.epoch, Pre: m.Pre})
	case *AppendEntries, *Heartbeat, *InstallState:
		out.Send(from, &AppendReply{Epoch: r.epoch})
	}
}

// onRequestVote grants at most one vote an epoch, to a log as complete as ours:
// of a majority the most complete is promoted, and what a majority had before is
// in it.
func (r *PrimaryBackup) onRequestVote(from process.ID, m *RequestVote, out *process.Output) {
	last, lastEpoch := r.log.Last(), r.log.LastEpoch()
	complete := m.LastEpoch > lastEpoch || m.LastEpoch == lastEpoch && m.LastIndex >= last
	if m.Pre {
		v := &Vote{Epoch: r.epoch, Pre: true}
		if complete && m.Epoch > r.epoch {
			v = &Vote{Epoch: m.Epoch, Pre: true, Granted: true}
		}
		out.Send(from, v)
		return
	}
	granted := complete && r.role == backup && (r.votedFor == 0 || r.votedFor == from)
	if granted && r.votedFor == 0 {
		r.setEpoch(r.epoch, from, out)
	}
	if granted {
		out.SetTimer(election, r.cfg.Election)
	}
	out.Send(from, &Vote{Epoch: r.epoch, Granted: granted})
}

func (r *PrimaryBackup) onVote(from process.ID, m *Vote, out *process.Output) {
	wanted := r.role == candidate && !m.Pre || r.role == preCandidate && m.Pre && m.Epoch == r.epoch+1
	if !wanted || !m.Granted || slices.Contains(r.granted, from) {
		return
	}
	r.granted = append(r.granted, from)
	n := 0
	voters := r.log.Group().Voters
	for _, id := range voters {
		if slices.Contains(r.granted, id) {
			n++
		}
	}
	switch {
	case n < quorum.Majority(len(voters)):
	case m.Pre:
		r.campaign(false, r.byOrder, out)
	default:
		r.becomePrimary(out)
	}
}

// setEpoch records an epoch and a vote in it; both only grow more certain.
func (r *PrimaryBackup) setEpoch(epoch uint64, vote process.ID, out *process.Output) {
	assert(epoch > r.epoch || epoch == r.epoch && r.votedFor == 0, "a vote stands for its epoch")
	r.epoch, r.votedFor = epoch, vote
	out.Save(&HardState{Epoch: epoch, Vote: vote})
}

// becomeBackup follows primary id in the present epoch; 0 if it is not known.
func (r *PrimaryBackup) becomeBackup(id process.ID, out *process.Output) {
	if r.role == primary {
		out.Refuse(r.rounds.Drop(), process.NotLeader, 0)
		out.StopTimer(heartbeat)
		out.StopTimer(checkTimer)
		out.StopTimer(handover)
		out.SetTimer(election, r.cfg.Election)
		r.peers, r.rounds, r.sessions = nil, reads.Rounds{}, nil
		r.begun, r.transferee = 0, 0
	}
	r.role, r.primary, r.granted, r.byOrder = backup, id, r.granted[:0], false
}

// becomePrimary takes over with an entry of its own epoch. Nothing is committed
// before a majority has that: from then on what is not in this log is lost for
// good, and never comes back through a later promotion.
func (r *PrimaryBackup) becomePrimary(out *process.Output) {
	r.role, r.primary, r.granted = primary, r.cfg.Self, r.granted[:0]
	r.begun = r.log.Last() + 1
	g := r.log.Group()
	r.peers = r.peers[:0]
	for _, id := range g.Members() {
		votes := slices.Contains(g.Voters, id)
		r.peers = append(r.peers, progress{id: id, votes: votes, next: r.begun, inStep: votes, due: r.begun})
	}
	out.StopTimer(election)
	out.SetTimer(heartbeat, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
	out.SetTimer(checkTimer, process.Span{Min: r.cfg.Election.Max, Max: r.cfg.Election.Max})
	r.propose([]process.Request{{Kind: process.NoOp}}, out)
	r.beginRound(out)
}

// check makes a primary that no majority hears step down, and answers wait no
// longer for a backup that has stood still since the last check. Those in step
// are never fewer than a majority.
func (r *PrimaryBackup) check(out *process.Output) {
	active, inStep, voters := 0, 0, len(r.log.Group().Voters)
	for i := range r.peers {
		p := &r.peers[i]
		if p.votes && (p.active || p.id == r.cfg.Self) {
			active++
		}
		if p.inStep {
			inStep++
		}
	}
	if active < quorum.Majority(voters) {
		r.becomeBackup(0, out)
		return
	}
	for i := range r.peers {
		p := &r.peers[i]
		late := p.match < p.due && !p.moved && p.id != r.cfg.Self
		if p.inStep && late && inStep > quorum.Majority(voters) {
			p.inStep = false
			inStep--
		}
		p.active, p.moved, p.due = false, false, r.log.Last()
	}
	r.advance(out)
	out.SetTimer(checkTimer, process.Span{Min: r.cfg.Election.Max, Max: r.cfg.Election.Max})
}

// onTransfer hands over: the primary takes nothing new until the other has the
// whole log, and steps down before that one begins.
func (r *PrimaryBackup) onTransfer(q process.Request, to process.ID, ok bool, out *process.Output) {
	switch {
	case !ok || !slices.Contains(r.log.Group().Voters, to):
		out.Refuse([]process.Request{q}, process.Invalid, r.primary)
		return
	case r.transferee != 0:
		out.Refuse([]process.Request{q}, process.Changing, r.primary)
		return
	case to == r.cfg.Self:
		return // it is the primary
	}
	r.transferee = to
	out.SetTimer(handover, r.cfg.Election)
	r.tryTransfer(out)
}

// tryTransfer steps down for the transferee once it has the whole log.
func (r *PrimaryBackup) tryTransfer(out *process.Output) {
	p := r.peer(r.transferee)
	if p == nil || p.match < r.log.Last() {
		return
	}
	to := r.transferee
	r.becomeBackup(0, out)
	// Now: it is an order to campaign, which anybody may do at any time; and its
	// voters need not wait for our lease, for we write no more in this epoch.
	out.SendNow(to, &TimeoutNow{Epoch: r.epoch})
}
