package paxos

import "althing/process"

// An acceptor is what must not be forgotten: each change is saved before anybody
// hears of it.
type acceptor struct {
	promised uint64          // no part in a ballot before this one; also the last that was begun here
	voted    uint64          // the ballot of the latest vote, 0: none
	value    process.Request // that it was for
}

// onPrepare promises, unless a later ballot was promised. Phase 1b, §2.2
func (p *Paxos) onPrepare(from process.ID, m *Prepare, out *process.Output) {
	if m.Ballot < p.promised {
		p.nack(from, m.Ballot, out)
		return
	}
	if m.Ballot == p.voted {
		return // the ballot is in its second phase: nobody counts promises any more
	}
	if m.Ballot > p.promised { // else: this replica's own ballot, or the message once more
		p.promised = m.Ballot
		out.Save(m)
	}
	out.Send(from, &Promise{Ballot: m.Ballot, Voted: p.voted, Value: p.value})
}

// onAccept votes, unless a later ballot was promised. Phase 2b, §2.2
func (p *Paxos) onAccept(from process.ID, m *Accept, out *process.Output) {
	if p.promised > m.Ballot {
		p.nack(from, m.Ballot, out)
		return
	}
	if m.Ballot > p.voted {
		p.voted, p.value = m.Ballot, m.Value
		p.promised = m.Ballot // or a vote in an earlier ballot might follow
		out.Save(m)
	}
	out.Send(from, &Accepted{Ballot: m.Ballot, Value: m.Value})
}

func (p *Paxos) nack(from process.ID, ballot uint64, out *process.Output) {
	// Now: it makes a proposer give up and go higher, which it may do at any time,
	// whether we remember this promise or not.
	out.SendNow(from, &Nack{Ballot: ballot, Promised: p.promised})
}

// onAsk tells a learner of the latest vote. §2.3
func (p *Paxos) onAsk(from process.ID, out *process.Output) {
	if p.voted != 0 {
		out.Send(from, &Accepted{Ballot: p.voted, Value: p.value})
	}
}
