package vr

import (
	"time"

	"althing/process"
)

// onRead serves a read without a log entry: by the lease (§6.2), or once f+1
// have said after the read came that they are in no later view.
func (r *VR) onRead(q process.Request, out *process.Output) {
	if r.cfg.Lease && r.readable() && r.leaseHolds() {
		out.Serve([]process.Request{q}, r.commitIndex)
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

// readable reports whether commitIndex covers all that was committed in earlier
// views: it does once an entry of this view is committed.
func (r *VR) readable() bool { return r.log.EpochAt(r.commitIndex) == r.view }

// leaseHolds reports whether no later view can have begun: f+1 answered a round,
// and none of them enters another view before its own clock has run for the least
// election timeout since that began. Ours may be slower than theirs by Drift. §6.2
func (r *VR) leaseHolds() bool {
	span := time.Duration(float64(r.cfg.Election.Min) / (1 + r.cfg.Drift))
	return r.rounds.Lease(r.now, span)
}

// beginRound sends all a Commit and starts to count who answers.
func (r *VR) beginRound(out *process.Output) {
	round := r.rounds.Begin(r.now)
	r.peer(r.cfg.Self).round = round
	r.told = r.commitIndex
	r.sendCommits(round, out)
	r.confirmRounds(out) // alone, we are the quorum
}

func (r *VR) onCommitOk(from process.ID, m *CommitOk, out *process.Output) {
	p := r.peer(from)
	if m.View != r.view || !r.leads() || p == nil {
		return
	}
	p.active, p.heard = true, r.now
	p.round = max(p.round, m.Round)
	r.confirmRounds(out)
}

// confirmRounds serves the reads whose round f+1 have answered, and begins the
// next round if reads wait for it.
func (r *VR) confirmRounds(out *process.Output) {
	if !r.rounds.Confirm(r.quorumOf(func(p *peer) uint64 { return p.round })) {
		return
	}
	r.serveReads(out)
	if r.rounds.Wanted() {
		r.beginRound(out)
	}
}

// serveReads hands out the reads that are confirmed.
func (r *VR) serveReads(out *process.Output) {
	if r.readable() {
		out.Serve(r.rounds.Confirmed(), r.commitIndex)
	}
}
