package raft

import (
	"fmt"
	"maps"
	"slices"

	"althing/oplog"
	"althing/process"
	"althing/wire"
)

// monitor checks the five properties of Figure 3 over a whole group.
type monitor struct {
	leaders map[uint64]process.ID // by term: Election Safety
	servers map[process.ID]before
	seen    oplog.Seen        // every entry that any log held
	decided []uint64          // by index: the term of the entry that was committed, 0 if none
	upTo    map[uint64]uint64 // by term: the highest index first committed in it
}

// before is a server as its last Step left it.
type before struct {
	role role
	term uint64
	last uint64
}

func newMonitor() process.Monitor {
	return &monitor{
		leaders: make(map[uint64]process.ID),
		servers: make(map[process.ID]before),
		upTo:    make(map[uint64]uint64),
	}
}

// Clone returns an independent copy.
func (m *monitor) Clone() process.Monitor {
	c := &monitor{leaders: maps.Clone(m.leaders), servers: maps.Clone(m.servers), upTo: maps.Clone(m.upTo),
		seen: m.seen.Clone(), decided: slices.Clone(m.decided)}
	return c
}

// AppendState appends all that m remembers in one canonical form.
func (m *monitor) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(len(m.leaders)))
	for _, term := range slices.Sorted(maps.Keys(m.leaders)) {
		b = wire.AppendUints(b, term, uint64(m.leaders[term]))
	}
	b = wire.AppendUints(b, uint64(len(m.servers)))
	for _, id := range slices.Sorted(maps.Keys(m.servers)) {
		s := m.servers[id]
		b = wire.AppendUints(b, uint64(id), uint64(s.role), s.term, s.last)
	}
	b = m.seen.AppendState(b)
	b = wire.AppendUints(wire.AppendUints(b, uint64(len(m.decided))), m.decided...)
	b = wire.AppendUints(b, uint64(len(m.upTo)))
	for _, term := range slices.Sorted(maps.Keys(m.upTo)) {
		b = wire.AppendUints(b, term, m.upTo[term])
	}
	return b
}

// Crashed implements process.Monitor.
func (m *monitor) Crashed(id process.ID) { delete(m.servers, id) }

// Stepped implements process.Monitor.
func (m *monitor) Stepped(id process.ID, p process.Process, in *process.Input, effects []process.Effect) error {
	r := p.(*Raft)
	was := m.servers[id]
	if in.Kind != process.Recover {
		for i := range effects {
			if err := m.effect(id, r, &was, &effects[i]); err != nil {
				return err
			}
		}
		if r.role == leader && (was.role != leader || was.term != r.currentTerm) {
			if err := m.elected(id, r); err != nil {
				return err
			}
		}
	}
	m.servers[id] = before{r.role, r.currentTerm, r.log.Last()}
	return nil
}

func (m *monitor) effect(id process.ID, r *Raft, was *before, e *process.Effect) error {
	switch e.Kind {
	case process.Save:
		if s, ok := e.Msg.(*Entries); ok {
			if was.role == leader && was.term == r.currentTerm && r.role == leader && s.Prev < was.last {
				return fmt.Errorf("leader append-only: %d, leader of term %d, replaces its log after %d",
					id, was.term, s.Prev)
			}
			return m.matching(id, r, s)
		}
	case process.Commit:
		for i := range e.Entries {
			if err := m.commit(id, r, &e.Entries[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// elected checks Election Safety and Leader Completeness.
func (m *monitor) elected(id process.ID, r *Raft) error {
	if other, ok := m.leaders[r.currentTerm]; ok && other != id {
		return fmt.Errorf("election safety: %d and %d both lead term %d", other, id, r.currentTerm)
	}
	m.leaders[r.currentTerm] = id
	for _, term := range slices.Sorted(maps.Keys(m.upTo)) {
		i := m.upTo[term]
		if term < r.currentTerm && i > r.log.Base() && !r.log.Has(i, m.decided[i]) {
			return fmt.Errorf("leader completeness: %d, leader of term %d, lacks entry %d, committed in term %d",
				id, r.currentTerm, i, term)
		}
	}
	return nil
}

// matching checks Log Matching: entries with the same index and term are the
// same, and so, one by one, are all before them.
func (m *monitor) matching(id process.ID, r *Raft, s *Entries) error {
	if len(s.Entries) == 0 || s.Prev < r.log.Base() {
		return nil
	}
	if e := m.seen.Add(r.log.EpochAt(s.Prev), s.Entries); e != nil {
		return fmt.Errorf("log matching: entry %d of term %d at %d differs from another log's", e.Index, e.Epoch, id)
	}
	return nil
}

// commit checks State Machine Safety.
func (m *monitor) commit(id process.ID, r *Raft, e *process.Entry) error {
	for uint64(len(m.decided)) <= e.Index {
		m.decided = append(m.decided, 0)
	}
	switch m.decided[e.Index] {
	case 0:
		m.decided[e.Index] = e.Epoch
		m.upTo[r.currentTerm] = max(m.upTo[r.currentTerm], e.Index)
	case e.Epoch:
	default:
		return fmt.Errorf("state machine safety: %d commits entry %d of term %d, another had one of term %d",
			id, e.Index, e.Epoch, m.decided[e.Index])
	}
	return nil
}
