package fastpaxos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"althing/process"
	"althing/quorum"
	"althing/wire"
)

// monitor checks over a whole group what the proof of §2.2 rests on:
//
//	One vote    an acceptor votes for one value in a round
//	One value   a classic round has one value
//	CP          a vote in a later round than one that chose is for what it chose
//	Decree      what a replica takes for chosen is
//
// It believes in a vote once somebody has received it, for then it is durable.
type monitor struct {
	voters int
	seen   map[uint64]*seen // by instance
}

// seen is one instance: all votes, by round and voter, and what was chosen.
type seen struct {
	votes  []cast
	chosen uint64 // the least round known to have chosen, 0: none
	value  process.Entry
}

type cast struct {
	round uint64
	by    process.ID
	value process.Entry
}

func newMonitor() process.Monitor { return &monitor{seen: map[uint64]*seen{}} }

// Clone returns an independent copy.
func (m *monitor) Clone() process.Monitor {
	c := &monitor{m.voters, make(map[uint64]*seen, len(m.seen))}
	for i, s := range m.seen {
		c.seen[i] = &seen{slices.Clone(s.votes), s.chosen, s.value}
	}
	return c
}

// AppendState appends all that m remembers in one canonical form.
func (m *monitor) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(m.voters), uint64(len(m.seen)))
	for _, i := range slices.Sorted(maps.Keys(m.seen)) {
		s := m.seen[i]
		b = appendEntry(wire.AppendUints(b, i, s.chosen), &s.value)
		b = wire.AppendUints(b, uint64(len(s.votes)))
		for j := range s.votes {
			v := &s.votes[j]
			b = appendEntry(wire.AppendUints(b, v.round, uint64(v.by)), &v.value)
		}
	}
	return b
}

// Crashed implements process.Monitor: it remembers what others heard alone.
func (m *monitor) Crashed(process.ID) {}

// Stepped implements process.Monitor.
func (m *monitor) Stepped(id process.ID, p process.Process, in *process.Input, effects []process.Effect) error {
	if in.Kind == process.Recover {
		return nil
	}
	r := p.(*replica)
	m.voters = max(m.voters, len(r.group.Voters))
	if v, ok := in.Msg.(*Voted); ok && r.position(in.From) >= 0 {
		for i := range v.Entries {
			if err := m.voted(in.From, v.Round, &v.Entries[i]); err != nil {
				return err
			}
		}
	}
	for i := range effects {
		for j := range effects[i].Entries { // of a commit
			e := &effects[i].Entries[j]
			s := m.seen[e.Index]
			if s == nil || s.chosen == 0 || !equal(&s.value, e) {
				return fmt.Errorf("decree: %d takes for chosen in instance %d what no quorum voted for", id, e.Index)
			}
		}
	}
	return nil
}

// voted takes a vote in, and holds it against the others of its instance.
func (m *monitor) voted(by process.ID, round uint64, e *process.Entry) error {
	s := m.seen[e.Index]
	if s == nil {
		s = &seen{}
		m.seen[e.Index] = s
	}
	i, found := slices.BinarySearchFunc(s.votes, cast{round: round, by: by}, func(a, b cast) int {
		return cmp.Or(cmp.Compare(a.round, b.round), cmp.Compare(a.by, b.by))
	})
	if found {
		if !equal(&s.votes[i].value, e) {
			return fmt.Errorf("one vote: %d votes twice in round %d of instance %d", by, round, e.Index)
		}
		return nil
	}
	s.votes = slices.Insert(s.votes, i, cast{round, by, *e})
	return s.check(m, round, e)
}

func (s *seen) check(m *monitor, round uint64, e *process.Entry) error {
	n, need := 0, quorum.Majority(m.voters)
	if fast(round) {
		need, _ = quorum.FastSize(m.voters, need)
	}
	for i := range s.votes {
		v := &s.votes[i]
		switch {
		case v.round == round && equal(&v.value, e):
			n++
		case v.round == round && !fast(round):
			return fmt.Errorf("one value: classic round %d of instance %d has two", round, e.Index)
		}
	}
	if n >= need && (s.chosen == 0 || round < s.chosen) {
		if s.chosen != 0 && !equal(&s.value, e) {
			return fmt.Errorf("agreement: rounds %d and %d chose two values in instance %d", round, s.chosen, e.Index)
		}
		s.chosen, s.value = round, *e
	}
	for i := range s.votes {
		if v := &s.votes[i]; s.chosen != 0 && v.round > s.chosen && !equal(&v.value, &s.value) {
			return fmt.Errorf("CP: %d votes in round %d of instance %d for another value than round %d chose",
				v.by, v.round, e.Index, s.chosen)
		}
	}
	return nil
}
