package primarybackup

import (
	"time"

	"althing/process"
)

// onRead serves a read without a log entry: by the lease, or once a majority has
// said after the read came that it knows of no later epoch.
func (r *PrimaryBackup) onRead(q process.Request, out *process.Output) {
	if r.leases() && r.readable() && r.leaseHolds() {
		out.Serve([]process.Request{q}, r.applied.index)
		return
	}
	if !r.rounds.Add(q) {
		out.Refuse([]process.Request{q}, process.Busy, r.primary)
		return
	}
	if r.rounds.Quiet() {
		r.beginRound(out)
	}
}

// readable reports whether this primary has committed in its epoch, and so all
// that it took over.
func (r *PrimaryBackup) readable() bool { return r.applied.epoch == r.epoch }

// leaseHolds reports whether no other can have been promoted: a majority
// answered a round, and none of them votes before its own clock has run for the
// least election timeout since that began. Ours may be slower than theirs by
// Drift.
func (r *PrimaryBackup) leaseHolds() bool {
	span := time.Duration(float64(r.cfg.Election.Min) / (1 + r.cfg.Drift))
	return r.rounds.Lease(r.now, span)
}

// beginRound sends a heartbeat to all and starts to count who still follows.
func (r *PrimaryBackup) beginRound(out *process.Output) {
	round := r.rounds.Begin(r.now)
	for i := range r.peers {
		p := &r.peers[i]
		if p.id == r.cfg.Self {
			p.round = round
			continue
		}
		// Now: it speaks of the epoch, in which we were promoted by votes that were
		// durable, and of what is durable here and at the receiver.
		out.SendNow(p.id, &Heartbeat{Epoch: r.epoch, Commit: min(r.applied.index, p.match),
			Settled: min(r.settled, p.match), Round: round})
	}
	r.confirmRounds(out) // alone, we are the majority
}

func (r *PrimaryBackup) onHeartbeat(from process.ID, m *Heartbeat, out *process.Output) {
	r.hear(from, out)
	r.learn(m.Commit, m.Settled, out)
	if m.Round > 0 && r.founded {
		// Now: it says that we knew of no later epoch after the round began. A
		// later primary with our vote waited for our disk with it. If we forget the
		// epoch in a crash, we have still not voted for a later one; and a replica
		// that has lived, which this one will know, does not vote when it restarts
		// until a lease that counts on it is over.
		out.SendNow(from, &HeartbeatReply{Epoch: r.epoch, Round: m.Round, Astray: r.astray()})
	}
}

func (r *PrimaryBackup) onHeartbeatReply(from process.ID, m *HeartbeatReply, out *process.Output) {
	p := r.peer(from)
	if r.role != primary || p == nil {
		return
	}
	p.active, p.heard, p.probed = true, r.now, false
	p.round = max(p.round, m.Round)
	r.confirmRounds(out)
	impatient := !p.lends || r.now-p.lent > patience*r.cfg.Election.Max
	switch {
	case p.state == installing && impatient:
		p.become(probing) // the state was lost on its way
		p.next = p.match + 1
	case p.state != installing && m.Astray && impatient:
		r.lend(p, out)
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

// patience is how many election timeouts a primary waits for a backup to take
// an application state.
const patience = 10

// confirmRounds extends the lease to the rounds that a majority has answered,
// goes on with what waited for that, and begins the next round if reads wait.
func (r *PrimaryBackup) confirmRounds(out *process.Output) {
	if !r.rounds.Confirm(r.majority(func(p *progress) uint64 { return p.round })) {
		return
	}
	r.advance(out)
	r.serveReads(out)
	if r.rounds.Wanted() {
		r.beginRound(out)
	}
}

// serveReads hands out the reads that are confirmed.
func (r *PrimaryBackup) serveReads(out *process.Output) {
	if r.readable() {
		out.Serve(r.rounds.Confirmed(), r.applied.index)
	}
}
