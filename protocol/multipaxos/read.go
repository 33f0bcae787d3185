package multipaxos

import (
	"time"

	"althing/process"
)

// onRead serves a read without a slot: by the lease, or once a quorum has said
// after the read came that it promised no later ballot. Chandra et al. 2007,
// §5.2, for the lease.
func (p *Paxos) onRead(q process.Request, out *process.Output) {
	if p.cfg.Lease && p.readable() && p.leaseHolds() {
		out.Serve([]process.Request{q}, p.commit)
		return
	}
	if !p.rounds.Add(q) {
		out.Refuse([]process.Request{q}, process.Busy, p.leader)
		return
	}
	if p.rounds.Quiet() {
		p.beginRound(out)
	}
}

// readable reports whether we know all that any earlier leader decided: we do
// once all that phase 1 found is decided.
func (p *Paxos) readable() bool { return p.prepared && p.log.Last() >= p.recovered }

// leaseHolds reports whether no other leader can have been elected: a quorum
// answered a round, it meets every quorum of the first phase, and none of it
// promises before its own clock has run for the least election timeout since that
// began. Ours may be slower than theirs by Drift.
func (p *Paxos) leaseHolds() bool {
	span := time.Duration(float64(p.cfg.Election.Min) / (1 + p.cfg.Drift))
	return !p.leaseOver && p.rounds.Lease(p.now, span)
}

// beginRound sends a heartbeat to all and starts to count who still follows.
func (p *Paxos) beginRound(out *process.Output) {
	m := &Heartbeat{Ballot: p.ballot, Commit: p.log.Last(), Round: p.rounds.Begin(p.now)}
	for i := range p.peers {
		a := &p.peers[i]
		if a.id == p.cfg.Self {
			a.round = m.Round
			continue
		}
		a.told = max(a.told, m.Commit)
		// Now: it speaks of our ballot, which a quorum promised durably, and of
		// what a quorum has on its disks.
		out.SendNow(a.id, m)
	}
	p.confirmRounds(out) // alone, we are the quorum
}

func (p *Paxos) onHeartbeat(from process.ID, m *Heartbeat, out *process.Output) {
	p.follow(from, m.Ballot, out)
	p.hearOf(m.Commit, out)
	// Now: it says that we had promised no later ballot after the round began. A
	// later leader with our promise waited for our disk with it, and was elected
	// after this. If we forget the ballot in a crash, we have still not promised
	// a later one; and with leases we do not promise at once when we restart.
	out.SendNow(from, &HeartbeatReply{Ballot: m.Ballot, Round: m.Round, Decided: p.log.Last()})
}

func (p *Paxos) onHeartbeatReply(from process.ID, m *HeartbeatReply, out *process.Output) {
	a := p.peer(from)
	if p.role != leader || m.Ballot != p.ballot || a == nil {
		return
	}
	a.active, a.heard, a.probed = true, p.now, false
	a.round = max(a.round, m.Round)
	if a.state == restoring && p.now-a.since > statePatience*p.cfg.Election.Max {
		a.become(probing) // the state was lost on its way
		a.next = a.match + 1
	}
	if (a.match < p.last || m.Decided < p.log.Last()) && p.now-a.nudged >= p.cfg.Heartbeat {
		a.nudged = p.now
		if len(a.inflight) >= p.cfg.Window {
			a.inflight = a.inflight[1:] // or a full window whose answers were lost would stay full
		}
		// Something on the way there or back may be lost, or it restarted. An
		// empty message, if it lacks nothing, brings the answer again, or a gap.
		p.send(a, true, nil, out)
	}
	p.confirmRounds(out)
}

// statePatience is how many election timeouts a leader waits for a replica to
// take an application state. A host still at work on it ignores a second.
const statePatience = 10

// confirmRounds serves the reads whose round a quorum has answered, and begins
// the next round if reads wait for it.
func (p *Paxos) confirmRounds(out *process.Output) {
	if !p.rounds.Confirm(p.accepted(func(a *peer) uint64 { return a.round })) {
		return
	}
	p.serveReads(out)
	if p.rounds.Wanted() {
		p.beginRound(out)
	}
}

// serveReads hands out the reads that are confirmed.
func (p *Paxos) serveReads(out *process.Output) {
	if p.readable() {
		out.Serve(p.rounds.Confirmed(), p.commit)
	}
}
