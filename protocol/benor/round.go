package benor

import "althing/process"

// enter begins a round with a bit. A, step 1
func (b *BenOr) enter(round uint64, v Value, out *process.Output) {
	b.round, b.phase, b.value, b.proposed = round, reporting, v, None
	clear(b.seats)
	b.say(&Report{round, v}, out)
}

// say tells all a new thing, and remembers that it did.
func (b *BenOr) say(m process.Msg, out *process.Output) {
	out.Save(m)
	b.tell(m, out)
}

// tell sends m to all voters, and to this one too: it counts when the disk has it.
func (b *BenOr) tell(m process.Msg, out *process.Output) {
	for _, to := range b.group.Voters {
		out.Send(to, m)
	}
}

// hear takes in that a voter reported v in a round, and returns the voter's seat if
// that is the round of this replica, or has become it; else nil.
func (b *BenOr) hear(from process.ID, round uint64, v Value, out *process.Output) *seat {
	i := b.at(from)
	switch {
	case i < 0 || b.at(b.cfg.Self) < 0:
		return nil
	case round < b.round:
		if from != b.cfg.Self {
			b.answer(from, out)
		}
		return nil
	case round > b.round:
		b.enter(round, v, out) // see the page of the package
	}
	s := &b.seats[i]
	s.reports, s.reported = true, v
	return s
}

func (b *BenOr) onReport(from process.ID, round uint64, v Value, out *process.Output) {
	if b.hear(from, round, v, out) != nil {
		b.advance(out)
	}
}

func (b *BenOr) onProposal(from process.ID, m *Proposal, out *process.Output) {
	if s := b.hear(from, m.Round, m.Reported, out); s != nil {
		s.proposes, s.proposed = true, m.Value
		b.advance(out)
	}
}

// advance ends a phase of which enough was heard.
func (b *BenOr) advance(out *process.Output) {
	if b.phase == reporting {
		b.propose(out)
	}
	if b.phase == proposing {
		b.conclude(out)
	}
}

// propose is step 2 of A.
func (b *BenOr) propose(out *process.Output) {
	heard, of := 0, [One + 1]int{}
	for i := range b.seats {
		if s := &b.seats[i]; s.reports {
			heard++
			of[s.reported]++
		}
	}
	if heard < b.enough() {
		return
	}
	b.phase = proposing
	for v, n := range of {
		if 2*n > len(b.seats) { // of all, not of those heard: or two bits might be proposed
			b.proposed = Value(v)
		}
	}
	b.say(&Proposal{b.round, b.value, b.proposed}, out)
}

// conclude is step 3 of A.
func (b *BenOr) conclude(out *process.Output) {
	heard, of := 0, [One + 1]int{}
	for i := range b.seats {
		if s := &b.seats[i]; s.proposes {
			heard++
			of[s.proposed]++
		}
	}
	if heard < b.enough() { // or a bit that others decide might be missed
		return
	}
	f := len(b.seats) - b.enough()
	for v := Zero; v <= One; v++ {
		switch {
		case of[v] > f: // whoever ends this round hears of it
			b.decide(v, out)
			return
		case of[v] > 0: // it may be decided elsewhere
			b.enter(b.round+1, v, out)
			return
		}
	}
	b.enter(b.round+1, Zero+Value(out.Choose(2)), out)
}
