package multipaxos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"althing/process"
	"althing/wire"
)

// monitor checks what the proof of Paxos rests on, over a whole group. A value
// is known by its slot and its Epoch, the ballot it was first proposed in.
type monitor struct {
	proposed map[proposal]uint64 // the value that a ballot proposed in a slot
	decided  map[uint64]decision // by slot
	replicas map[process.ID]before
}

type proposal struct {
	ballot Ballot
	slot   uint64
}

type decision struct {
	value uint64
	by    Ballot // the ballot that the first to learn of it had promised
}

// before is a replica as its last Step left it.
type before struct {
	promised Ballot
	decided  uint64
}

func newMonitor() process.Monitor {
	return &monitor{
		proposed: make(map[proposal]uint64),
		decided:  make(map[uint64]decision),
		replicas: make(map[process.ID]before),
	}
}

// Clone returns an independent copy.
func (m *monitor) Clone() process.Monitor {
	return &monitor{maps.Clone(m.proposed), maps.Clone(m.decided), maps.Clone(m.replicas)}
}

// AppendState appends all that m remembers in one canonical form.
func (m *monitor) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(len(m.proposed)))
	for _, k := range slices.SortedFunc(maps.Keys(m.proposed), func(x, y proposal) int {
		return cmp.Or(cmp.Compare(x.slot, y.slot), cmp.Compare(x.ballot, y.ballot))
	}) {
		b = wire.AppendUints(b, k.slot, uint64(k.ballot), m.proposed[k])
	}
	b = wire.AppendUints(b, uint64(len(m.decided)))
	for _, slot := range slices.Sorted(maps.Keys(m.decided)) {
		b = wire.AppendUints(b, slot, m.decided[slot].value, uint64(m.decided[slot].by))
	}
	b = wire.AppendUints(b, uint64(len(m.replicas)))
	for _, id := range slices.Sorted(maps.Keys(m.replicas)) {
		b = wire.AppendUints(b, uint64(id), uint64(m.replicas[id].promised), m.replicas[id].decided)
	}
	return b
}

// Crashed implements process.Monitor.
func (m *monitor) Crashed(id process.ID) { delete(m.replicas, id) }

// Stepped implements process.Monitor.
func (m *monitor) Stepped(id process.ID, p process.Process, in *process.Input, effects []process.Effect) error {
	x := p.(*Paxos)
	was, known := m.replicas[id]
	m.replicas[id] = before{x.promised, x.log.Last()}
	if in.Kind == process.Recover {
		return nil
	}
	if x.promised < was.promised {
		return fmt.Errorf("promise: %d promised ballot %d, and is at %d", id, was.promised, x.promised)
	}
	for i := range effects {
		if a, ok := effects[i].Msg.(*Accept); ok && effects[i].Kind == process.Save {
			if a.Ballot < was.promised {
				return fmt.Errorf("promise: %d promised ballot %d, and accepts in %d", id, was.promised, a.Ballot)
			}
			if err := m.accepted(id, a); err != nil {
				return err
			}
		}
	}
	if !known {
		was.decided = x.log.Base()
	}
	for s := max(was.decided, x.log.Base()) + 1; s <= x.log.Last(); s++ {
		value := x.log.EpochAt(s)
		d, ok := m.decided[s]
		if ok && d.value != value {
			return fmt.Errorf("agreement: %d learns in slot %d the value of ballot %d, another that of %d",
				id, s, value, d.value)
		}
		if !ok {
			m.decided[s] = decision{value, x.promised}
		}
	}
	return nil
}

// accepted checks that a ballot proposes one value in a slot (§2.2: its
// proposer alone does), and after a decision no other than it (P2b).
func (m *monitor) accepted(id process.ID, a *Accept) error {
	for i := range a.Entries {
		e := &a.Entries[i]
		k := proposal{a.Ballot, e.Index}
		if value, ok := m.proposed[k]; ok && value != e.Epoch {
			return fmt.Errorf("one value: %d accepts in slot %d of ballot %d the value of %d, another that of %d",
				id, e.Index, a.Ballot, e.Epoch, value)
		}
		m.proposed[k] = e.Epoch
		if d, ok := m.decided[e.Index]; ok && a.Ballot > d.by && d.value != e.Epoch {
			return fmt.Errorf("P2b: %d accepts in slot %d of ballot %d the value of %d, but that of %d was decided",
				id, e.Index, a.Ballot, e.Epoch, d.value)
		}
	}
	return nil
}
