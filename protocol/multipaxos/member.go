package multipaxos

import (
	"encoding/binary"
	"slices"

	"althing/process"
)

// onMembers proposes another group, of whatever voters: they decide the slots
// after this one. Until it is decided nothing is proposed behind it.
func (p *Paxos) onMembers(q process.Request, out *process.Output) {
	want, _, err := process.CutGroup(q.Cmd)
	refuse := func(why process.Reason) { out.Refuse([]process.Request{q}, why, p.leader) }
	have := p.log.Group()
	switch {
	case err != nil || !want.Valid() || want.Joint():
		refuse(process.Invalid)
	case p.transferee != 0 || !p.open() || p.log.GroupIndex() > p.commit || !p.readable():
		refuse(process.Changing) // one change at a time
	case p.behind(have, &want):
		refuse(process.Behind)
	default:
		p.barrier = p.last + 1
		p.propose([]process.Request{q}, out)
	}
}

// behind reports whether a learner that is to vote still lacks a tenth of the
// log: as a voter it would be missed at the next failure.
func (p *Paxos) behind(have, want *process.Group) bool {
	for _, id := range want.Voters {
		if slices.Contains(have.Learners, id) {
			if a := p.peer(id); a == nil || a.match < p.last-p.last/10 {
				return true
			}
		}
	}
	return false
}

// onTransfer hands leadership over.
func (p *Paxos) onTransfer(q process.Request, out *process.Output) {
	id, n := binary.Uvarint(q.Cmd)
	to := process.ID(id)
	switch {
	case n <= 0 || id > 1<<16-1 || !slices.Contains(p.log.Group().Voters, to):
		out.Refuse([]process.Request{q}, process.Invalid, p.leader)
		return
	case p.transferee != 0 || !p.open() || p.log.GroupIndex() > p.commit:
		out.Refuse([]process.Request{q}, process.Changing, p.leader)
		return
	case to == p.cfg.Self:
		return // it leads
	}
	p.transferee = to
	out.SetTimer(handover, p.cfg.Election)
	p.tryTransfer(out)
}

// tryTransfer lets the transferee campaign once it has all that was proposed.
func (p *Paxos) tryTransfer(out *process.Output) {
	a := p.peer(p.transferee)
	if a == nil || a.match < p.last {
		return
	}
	// It and its voters will not wait for our lease to run out, however late
	// this message arrives.
	p.leaseOver = true
	// Now: it is an order to campaign, which anybody may do at any time.
	out.SendNow(p.transferee, &HandOver{Ballot: p.ballot})
}

func (p *Paxos) onHandOver(m *HandOver, out *process.Output) {
	if m.Ballot == p.promised && p.role != leader && p.mayCampaign() {
		p.campaign(true, out)
	}
}
