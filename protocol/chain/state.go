package chain

import "althing/process"

// onCompact drops what the application has made durable, but for the last
// Trailing entries, which a replica a little behind may still ask for.
func (r *Chain) onCompact(s *process.State, out *process.Output) {
	r.log.Trim(min(s.Index, r.commitIndex), r.cfg.Trailing)
	// Even if nothing was dropped: the host frees what lies before it.
	r.checkpoint(out)
}

// checkpoint saves all that this replica must remember, in place of all records
// before.
func (r *Chain) checkpoint(out *process.Output) {
	out.Checkpoint(&Checkpoint{
		Epoch: r.epoch, Vote: r.votedFor, Life: r.life, Base: r.log.Base(), BaseEpoch: r.log.BaseEpoch(),
		Group: *r.log.BaseGroup(), Entries: r.log.Entries(),
	})
}

// lend sends the one that follows the application's state in place of entries
// that are gone.
func (r *Chain) lend(out *process.Output) {
	r.down.become(installing)
	r.down.since = r.now
	out.SendState(r.down.id, &InstallState{Epoch: r.epoch})
}

// onInstallState takes an application state if it is ahead of ours. All of it is
// committed, so it is in the head's log.
func (r *Chain) onInstallState(from process.ID, s *process.State, out *process.Output) {
	if s != nil && s.Index > r.commitIndex {
		out.LoadState()
		if r.log.Has(s.Index, s.Epoch) {
			r.log.Compact(s.Index) // what follows it may be needed, and may have been promised
		} else {
			r.log.Reset(s)
		}
		r.commitIndex, r.matched = s.Index, max(r.matched, s.Index)
		r.checkpoint(out)
	}
	out.Send(from, &Ack{Epoch: r.epoch, OK: true, Commit: r.commitIndex, Match: r.commitIndex})
}
