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
	if len(r.reads) >= maxReads {
		out.Refuse([]process.Request{q}, process.Busy, r.leader)
		return
	}
	// The next round, not the present one: some of its answers may be older
	// than this read.
	r.reads = append(r.reads, read{r.round + 1, q})
	if r.round == r.confirmed {
		r.beginRound(out)
	}
}

// maxReads bounds the reads that wait for a round.
const maxReads = 1 << 16

// readable reports whether commitIndex covers all that any earlier leader
// committed: it does once an entry of this term is committed. Thesis §6.4
func (r *Raft) readable() bool { return r.log.EpochAt(r.commitIndex) == r.currentTerm }

// leaseHolds reports whether no other leader can have been elected: a quorum
// answered a round that began at leaseFrom, and none of them votes before its
// own clock has run for the least election timeout since. Ours may be slower
// than theirs by Drift. Thesis §6.4.1
func (r *Raft) leaseHolds() bool {
	span := time.Duration(float64(r.cfg.Election.Min) / (1 + r.cfg.Drift))
	return r.leased && !r.leaseOver && r.now-r.leaseFrom < span
}

// beginRound sends a heartbeat to all and starts to count who still follows.
func (r *Raft) beginRound(out *process.Output) {
	r.round++
	r.sent = append(r.sent, roundAt{r.round, r.now})
	var same *Heartbeat
	for i := range r.peers {
		p := &r.peers[i]
		if p.id == r.cfg.Self {
			p.round = r.round
			continue
		}
		commit := min(r.commitIndex, p.match)
		if same == nil || same.Commit != commit {
			same = &Heartbeat{Term: r.currentTerm, Commit: commit, Round: r.round}
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
	n := r.quorumOf(func(p *progress) uint64 { return p.round })
	if n <= r.confirmed {
		return
	}
	r.confirmed = n
	for len(r.sent) > 0 && r.sent[0].round <= n {
		r.leaseFrom, r.leased = r.sent[0].at, true
		r.sent = r.sent[1:]
	}
	r.serveReads(out)
	if k := len(r.reads); k > 0 && r.reads[k-1].round > r.round {
		r.beginRound(out)
	}
}

// serveReads hands out the reads that are confirmed.
func (r *Raft) serveReads(out *process.Output) {
	if len(r.reads) == 0 || !r.readable() {
		return
	}
	n := 0
	for n < len(r.reads) && r.reads[n].round <= r.confirmed {
		n++
	}
	out.Serve(requests(r.reads[:n]), r.commitIndex)
	r.reads = r.reads[n:]
}

// refuseReads gives waiting reads back: this server leads no longer.
func (r *Raft) refuseReads(out *process.Output) {
	out.Refuse(requests(r.reads), process.NotLeader, 0)
	r.reads = nil
}

func requests(reads []read) []process.Request {
	qs := make([]process.Request, len(reads))
	for i := range reads {
		qs[i] = reads[i].req
	}
	return qs
}
