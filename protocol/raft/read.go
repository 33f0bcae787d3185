package raft

import (
	"time"

	"althing/process"
)

// onRead serves a read without a log entry: by the lease, or once a quorum has
// said after the read came that it knows of no later term. Thesis §6.4
func (r *Raft) onRead(q process.Request, out *process.Output) {
	if r.cfg.Lease && r.readable() && r.leaseHolds() {
		out.Serve([]process.Request{q}, r.commitIndex)
		return
	}
	if !r.rounds.Add(q) {
		out.Refuse([]process.Request{q}, process.Busy, r.leader)
		return
	}
	if r.rounds.Quiet() {
		r.beginRound(out)
	}
}

// readable reports whether commitIndex covers all that any earlier leader
// committed: it does once an entry of this term is committed. Thesis §6.4
func (r *Raft) readable() bool { return r.log.EpochAt(r.commitIndex) == r.currentTerm }

// leaseHolds reports whether no other leader can have been elected: a quorum
// answered a round, and none of them votes before its own clock has run for the
// least election timeout since that began. Ours may be slower than theirs by
// Drift. Thesis §6.4.1
func (r *Raft) leaseHolds() bool {
	span := time.Duration(float64(r.cfg.Election.Min) / (1 + r.cfg.Drift))
	return !r.leaseOver && r.rounds.Lease(r.now, span)
}

// beginRound sends a heartbeat to all and starts to count who still follows.
func (r *Raft) beginRound(out *process.Output) {
	round := r.rounds.Begin(r.now)
	var same *Heartbeat
	for i := range r.peers {
		p := &r.peers[i]
		if p.id == r.cfg.Self {
			p.round = round
			continue
		}
		commit := min(r.commitIndex, p.match)
		if same == nil || same.Commit != commit {
			same = &Heartbeat{Term: r.currentTerm, Commit: commit, Round: round}
		}
		p.told = max(p.told, commit)
		// Now: it speaks of the term, in which we were elected by votes that
		// were durable, and of what the receiver itself holds.
		out.SendNow(p.id, same)
	}
	r.confirmRounds(out) // alone, we are the quorum
}

func (r *Raft) onHeartbeat(from process.ID, m *Heartbeat, out *process.Output) {
	r.hear(from, out)
	if m.Round > 0 {
		// Now: it says that we knew of no later term after the round began. A
		// later leader with our vote waited for our disk with it, and was elected
		// after this. If we forget the term in a crash, we have still not voted
		// for a later one; and with leases we do not vote at once when we restart.
		out.SendNow(from, &HeartbeatReply{Term: r.currentTerm, Round: m.Round})
	}
	r.commitTo(min(m.Commit, r.log.Last()), out)
}

func (r *Raft) onHeartbeatReply(from process.ID, m *HeartbeatReply, out *process.Output) {
	p := r.peer(from)
	if r.role != leader || p == nil {
		return
	}
	p.active, p.heard, p.probed = true, r.now, false
	p.round = max(p.round, m.Round)
	r.confirmRounds(out)
	if p.state == snapshotting && r.now-p.since > snapshotPatience*r.cfg.Election.Max {
		p.become(probing) // the state was lost on its way
		p.next = p.match + 1
	}
	if p.match < r.log.Last() && r.now-p.nudged >= r.cfg.Heartbeat {
		p.nudged = r.now
		if len(p.inflight) >= r.cfg.Window {
			p.inflight = p.inflight[1:] // or a full window whose answers were lost would stay full
		}
		// Something on the way there or back may be lost. If it lacks nothing,
		// an empty message brings the answer again; if it lacks, a refusal.
		r.sendAppend(p, true, nil, out)
	}
}

// snapshotPatience is how many election timeouts a leader waits for a server
// to take an application state. A host still at work on it ignores a second.
const snapshotPatience = 10

// confirmRounds serves the reads whose round a quorum has answered, and begins
// the next round if reads wait for it.
func (r *Raft) confirmRounds(out *process.Output) {
	if !r.rounds.Confirm(r.quorumOf(func(p *progress) uint64 { return p.round })) {
		return
	}
	r.serveReads(out)
	if r.rounds.Wanted() {
		r.beginRound(out)
	}
}

// serveReads hands out the reads that are confirmed.
func (r *Raft) serveReads(out *process.Output) {
	if r.readable() {
		out.Serve(r.rounds.Confirmed(), r.commitIndex)
	}
}
