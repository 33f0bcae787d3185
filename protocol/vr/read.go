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
	if len(r.reads) >= maxReads {
		out.Refuse([]process.Request{q}, process.Busy, r.primary)
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

// readable reports whether commitIndex covers all that was committed in earlier
// views: it does once an entry of this view is committed.
func (r *VR) readable() bool { return r.log.EpochAt(r.commitIndex) == r.view }

// leaseHolds reports whether no later view can have begun: f+1 answered a round
// that began at leaseFrom, and none of them enters another view before its own
// clock has run for the least election timeout since. Ours may be slower than
// theirs by Drift. §6.2
func (r *VR) leaseHolds() bool {
	span := time.Duration(float64(r.cfg.Election.Min) / (1 + r.cfg.Drift))
	return r.leased && r.now-r.leaseFrom < span
}

// beginRound sends all a Commit and starts to count who answers.
func (r *VR) beginRound(out *process.Output) {
	r.round++
	r.rounds = append(r.rounds, roundAt{r.round, r.now})
	r.peer(r.cfg.Self).round = r.round
	r.told = r.commitIndex
	r.sendCommits(r.round, out)
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
	n := r.quorumOf(func(p *peer) uint64 { return p.round })
	if n <= r.confirmed {
		return
	}
	r.confirmed = n
	for len(r.rounds) > 0 && r.rounds[0].round <= n {
		r.leaseFrom, r.leased = r.rounds[0].at, true
		r.rounds = r.rounds[1:]
	}
	r.serveReads(out)
	if k := len(r.reads); k > 0 && r.reads[k-1].round > r.round {
		r.beginRound(out)
	}
}

// serveReads hands out the reads that are confirmed.
func (r *VR) serveReads(out *process.Output) {
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

// refuseReads gives waiting reads back: this replica is primary no longer.
func (r *VR) refuseReads(out *process.Output) {
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
