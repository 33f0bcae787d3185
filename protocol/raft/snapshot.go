package raft

import (
	"althing/process"
)

// onCompact drops what the application has made durable, but for the last
// Trailing entries, which a server a little behind may still ask for. §7
func (r *Raft) onCompact(s *process.State, out *process.Output) {
	r.log.Trim(min(s.Index, r.commitIndex), r.cfg.Trailing)
	// Even if nothing was dropped: the host frees what lies before it.
	r.checkpoint(out)
}

// checkpoint saves all that this server must remember, in place of all records
// before.
func (r *Raft) checkpoint(out *process.Output) {
	out.Checkpoint(&Checkpoint{
		Term: r.currentTerm, Vote: r.votedFor, Base: r.log.Base(), BaseTerm: r.log.BaseEpoch(),
		Group: *r.log.BaseGroup(), Entries: r.log.Entries(),
	})
}

// sendSnapshot sends p the application's state in place of entries that are
// gone. §7
func (r *Raft) sendSnapshot(p *progress, out *process.Output) {
	p.become(snapshotting)
	p.since = r.now
	out.SendState(p.id, &InstallSnapshot{Term: r.currentTerm})
}

// onInstallSnapshot takes an application state if it is ahead of ours. §7
func (r *Raft) onInstallSnapshot(from process.ID, s *process.State, out *process.Output) {
	r.hear(from, out)
	if s != nil && s.Index > r.commitIndex {
		out.LoadState()
		if r.log.Has(s.Index, s.Epoch) {
			r.log.Compact(s.Index) // what follows it may be needed, and may have been promised
		} else {
			r.log.Reset(s)
		}
		r.commitIndex = s.Index
		r.checkpoint(out)
	}
	// What is committed here is the leader's too.
	out.Send(from, &AppendReply{Term: r.currentTerm, OK: true, Match: r.commitIndex})
}
