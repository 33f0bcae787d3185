package paxos

import (
	"slices"

	"althing/process"
)

// A proposer forgets all in a crash but its ballots: see acceptor.promised.
type proposer struct {
	phase    phase
	ballot   uint64       // that was begun last
	highest  uint64       // heard of from those who refused
	promises []process.ID // who promised
	best     vote         // the vote of the highest ballot that they showed
	tries    int          // ballots since the last that came to an end, up to maxBackoff

	pending []process.Request // wait for the decree
	reads   []read
}

type phase uint8

const (
	idle      phase = iota
	preparing       // phase 1 of ballot
	accepting       // phase 2
)

// read waits for promises of a ballot after since.
type read struct {
	since uint64
	req   process.Request
}

// idBits is what of a ballot is the proposer's ID: no two share a ballot. §2.5
const idBits = 16

// begin begins a ballot beyond all known ones. Phase 1a, §2.2
func (p *Paxos) begin(out *process.Output) {
	p.ballot = (max(p.promised, p.highest)>>idBits+1)<<idBits | uint64(p.cfg.Self)
	p.promised = p.ballot // for after a crash another value might come with it
	m := &Prepare{p.ballot}
	out.Save(m)
	p.phase, p.promises, p.best = preparing, p.promises[:0], vote{}
	for _, to := range p.group.Voters {
		out.Send(to, m)
	}
	span := p.cfg.Election
	span.Max <<= p.tries // of two that duel, one will be left alone for long enough
	p.tries = min(p.tries+1, maxBackoff)
	out.SetTimer(again, span)
}

// onPromise counts a promise; with those of a majority it asks for votes. Phase
// 2a, §2.2
func (p *Paxos) onPromise(from process.ID, m *Promise, out *process.Output) {
	if p.phase != preparing || m.Ballot != p.ballot || !p.accepts(from) || slices.Contains(p.promises, from) {
		return
	}
	p.promises = append(p.promises, from)
	if m.Voted > p.best.ballot {
		p.best = vote{from, m.Voted, m.Value}
	}
	if !p.enough(len(p.promises)) {
		return
	}
	value := p.best.value
	if p.best.ballot == 0 { // nothing was chosen, nor will be in an earlier ballot
		p.votes = slices.DeleteFunc(p.votes, func(v vote) bool { return v.ballot < p.ballot })
		p.serveReads(out)
		if len(p.pending) == 0 {
			p.phase, p.tries = idle, 0
			if len(p.reads) > 0 { // they came during this ballot
				p.begin(out)
			}
			return
		}
		value = p.pending[0]
	}
	p.phase, p.promises = accepting, p.promises[:0]
	for _, to := range p.group.Voters {
		// Now: the ballot was durable before the promises came, and it is begun only
		// once. Should we crash, the value is known to those who got it, or nobody.
		out.SendNow(to, &Accept{Ballot: p.ballot, Value: value})
	}
}

// onNack leaves a ballot that another one has overtaken; the timer begins the
// next. §2.5
func (p *Paxos) onNack(m *Nack) {
	p.highest = max(p.highest, m.Promised)
	if m.Ballot == p.ballot {
		p.phase = idle
	}
}
