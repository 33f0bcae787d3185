package benor

import (
	"fmt"
	"maps"
	"slices"

	"althing/process"
	"althing/wire"
)

// monitor checks over a whole group what the proof rests on:
//
//	Validity       what is reported is somebody's input
//	One report     a voter reports one bit in a round
//	One proposal   a voter proposes one thing in a round
//	Majority       a bit is proposed if more than half of the group reported it
//	Lock           after more than f proposed a bit in a round, no other is reported
//	               in a later one
//	Decision       what is committed was proposed by more than f in some round
//
// It believes in what a voter said once somebody has received it, for then it is
// durable.
type monitor struct {
	voters int
	inputs byte // bit v: somebody was asked for v
	rounds map[uint64]*heard
	locked uint64 // the least round in which it is known that more than f proposed a bit; 0: none
	lock   Value
}

// heard is what voters said in a round, each list in order of voter.
type heard struct{ reports, proposals []told }

type told struct {
	by    process.ID
	value Value
}

func newMonitor() process.Monitor { return &monitor{rounds: map[uint64]*heard{}} }

// Clone returns an independent copy.
func (m *monitor) Clone() process.Monitor {
	c := *m
	c.rounds = make(map[uint64]*heard, len(m.rounds))
	for n, h := range m.rounds {
		c.rounds[n] = &heard{slices.Clone(h.reports), slices.Clone(h.proposals)}
	}
	return &c
}

// AppendState appends all that m remembers in one canonical form.
func (m *monitor) AppendState(b []byte) []byte {
	b = append(wire.AppendUints(b, uint64(m.voters), m.locked), m.inputs, byte(m.lock))
	for _, n := range slices.Sorted(maps.Keys(m.rounds)) {
		b = wire.AppendUints(b, n)
		for _, list := range [][]told{m.rounds[n].reports, m.rounds[n].proposals} {
			b = wire.AppendUints(b, uint64(len(list)))
			for _, t := range list {
				b = wire.AppendUints(b, uint64(t.by), uint64(t.value))
			}
		}
	}
	return b
}

// Crashed implements process.Monitor: it remembers what others heard alone.
func (m *monitor) Crashed(process.ID) {}

// Stepped implements process.Monitor.
func (m *monitor) Stepped(_ process.ID, p process.Process, in *process.Input, effects []process.Effect) error {
	if in.Kind == process.Recover {
		return nil
	}
	b := p.(*BenOr)
	m.voters = max(m.voters, len(b.group.Voters))
	for i := range in.Reqs {
		if in.Reqs[i].Kind == process.Command {
			m.inputs |= 1 << Input(in.Reqs[i].Cmd)
		}
	}
	if in.Kind == process.Receive && b.at(in.From) >= 0 {
		if err := m.hear(in.From, in.Msg); err != nil {
			return err
		}
	}
	for i := range effects {
		if e := &effects[i]; e.Kind == process.Commit {
			if cmd := e.Entries[0].Req.Cmd; m.locked == 0 || string(cmd) != string(bit(m.lock)) {
				return fmt.Errorf("decision: %s is taken for decided, and too few proposed it", cmd)
			}
		}
	}
	return nil
}

func (m *monitor) hear(from process.ID, msg process.Msg) error {
	switch x := msg.(type) {
	case *Report:
		return m.reported(x.Round, told{from, x.Value})
	case *Proposal:
		if err := m.reported(x.Round, told{from, x.Reported}); err != nil {
			return err
		}
		return m.proposed(x.Round, told{from, x.Value})
	}
	return nil
}

func (m *monitor) reported(round uint64, t told) error {
	if m.inputs>>t.value&1 == 0 {
		return fmt.Errorf("validity: %d reports %v in round %d, which is nobody's input", t.by, t.value, round)
	}
	if m.rounds[round] == nil {
		m.rounds[round] = &heard{}
	}
	h := m.rounds[round]
	if !add(&h.reports, t) {
		return fmt.Errorf("one report: %d reports two bits in round %d", t.by, round)
	}
	return m.held(round, h)
}

func (m *monitor) proposed(round uint64, t told) error {
	h := m.rounds[round]
	if !add(&h.proposals, t) {
		return fmt.Errorf("one proposal: %d proposes two things in round %d", t.by, round)
	}
	if t.value == None {
		return nil
	}
	if n := count(h.reports, t.value); 2*n <= m.voters {
		return fmt.Errorf("majority: %d proposes %v in round %d, which %d of %d reported",
			t.by, t.value, round, n, m.voters)
	}
	if n := count(h.proposals, t.value); n > (m.voters-1)/2 && (m.locked == 0 || round < m.locked) {
		m.locked, m.lock = round, t.value
		for _, n := range slices.Sorted(maps.Keys(m.rounds)) {
			if err := m.held(n, m.rounds[n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// held checks a round against the lock.
func (m *monitor) held(round uint64, h *heard) error {
	if m.locked != 0 && round > m.locked && count(h.reports, m.lock) != len(h.reports) {
		return fmt.Errorf("lock: another bit is reported in round %d than %v, which round %d decides",
			round, m.lock, m.locked)
	}
	return nil
}

func count(list []told, v Value) (n int) {
	for _, t := range list {
		if t.value == v {
			n++
		}
	}
	return n
}

// add adds t, and reports whether that voter said nothing else.
func add(list *[]told, t told) bool {
	i, found := slices.BinarySearchFunc(*list, t, func(a, b told) int { return int(a.by) - int(b.by) })
	if found {
		return (*list)[i].value == t.value
	}
	*list = slices.Insert(*list, i, t)
	return true
}
