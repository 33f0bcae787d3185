package multipaxos

import "althing/process"

// onCompact drops what the application has made durable, but for the last
// Trailing entries, which a replica a little behind may still ask for.
func (p *Paxos) onCompact(s *process.State, out *process.Output) {
	p.log.Trim(min(s.Index, p.commit), p.cfg.Trailing)
	// Even if nothing was dropped: the host frees what lies before it.
	p.checkpoint(out)
}

// checkpoint saves all that this replica must remember, in place of all records
// before.
func (p *Paxos) checkpoint(out *process.Output) {
	m := &Checkpoint{
		Promised: p.promised, Base: p.log.Base(), BaseEpoch: p.log.BaseEpoch(),
		Group: *p.log.BaseGroup(), Entries: p.log.Entries(),
	}
	m.Votes = p.votes.all()
	out.Checkpoint(m)
}

// adopt begins the log after an application state. Votes in later slots stay:
// they may be part of a decision.
func (p *Paxos) adopt(s *process.State, out *process.Output) {
	p.log.Reset(s)
	p.votes.cut(s.Index)
	p.commit = s.Index
	p.checkpoint(out)
}

// sendState sends a the application's state in place of entries that are gone.
func (p *Paxos) sendState(a *peer, out *process.Output) {
	a.become(restoring)
	a.since = p.now
	out.SendState(a.id, &State{Ballot: p.ballot})
}

// onState takes an application state if it is ahead of all that we know.
func (p *Paxos) onState(from process.ID, m *State, s *process.State, out *process.Output) {
	p.follow(from, m.Ballot, out)
	if s != nil && s.Index > p.log.Last() {
		out.LoadState()
		p.adopt(s, out)
	}
	out.Send(from, &Accepted{Ballot: m.Ballot, Match: p.match()})
}
