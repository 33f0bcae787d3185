package primarybackup

import "althing/process"

// onCompact drops entries that the application has made durable, but for the
// last Trailing of them, and never what is not settled: a log must reach back to
// where another may part from it.
func (r *PrimaryBackup) onCompact(s *process.State, out *process.Output) {
	if to := min(s.Index, r.applied.index, r.settled); to > r.log.Base() && to <= r.log.Last() {
		r.trim(to)
	}
	// Even if nothing was dropped: the host frees what lies before it.
	r.checkpoint(out)
}

// checkpoint saves all that this replica must remember, in place of all records
// before.
func (r *PrimaryBackup) checkpoint(out *process.Output) {
	out.Checkpoint(&Checkpoint{
		Epoch: r.epoch, Vote: r.votedFor, Base: r.log.Base(), BaseEpoch: r.log.BaseEpoch(), Settled: r.settled,
		Sure: r.sure, Group: *r.log.BaseGroup(), Past: r.past, Parted: r.parted,
		Entries: r.log.Entries(),
	})
}

// lend sends p the application's state: because it lacks what is no longer in
// the log, or has applied what is not in it.
func (r *PrimaryBackup) lend(p *progress, out *process.Output) {
	p.lent, p.lends = r.now, true
	out.SendState(p.id, &InstallState{Epoch: r.epoch, Base: r.log.Base(), BaseEpoch: r.log.BaseEpoch(), Past: r.past})
}

// onInstallState takes the primary's application state. The log begins anew only
// if it does not reach Base, or has something else there: then nothing in it
// after Base was ever settled, for that is in every later primary's log.
func (r *PrimaryBackup) onInstallState(from process.ID, m *InstallState, s *process.State, out *process.Output) {
	r.hear(from, out)
	if s == nil || s.Index < m.Base {
		return
	}
	anew := m.Base > r.log.Base() && !r.log.Has(m.Base, m.BaseEpoch)
	switch {
	case anew:
		r.cut(max(r.settled, r.log.Base()))
		r.past = m.Past
		r.log.Reset(&process.State{Index: m.Base, Epoch: m.BaseEpoch, Group: s.Group})
		r.settled = max(r.settled, m.Base)
	case !r.astray() || s.Index < r.log.Base():
		out.Send(from, &AppendReply{Epoch: r.epoch, OK: true, Match: m.Base})
		return
	}
	out.LoadState()
	r.applied = position{s.Index, s.Epoch}
	r.checkpoint(out)
	out.Send(from, &AppendReply{Epoch: r.epoch, OK: true, Match: m.Base})
}
