package primarybackup

import (
	"fmt"
	"maps"
	"slices"

	"althing/oplog"
	"althing/process"
	"althing/wire"
)

// monitor checks over a whole group that
//
//   - an epoch has one primary;
//   - entries of the same index and epoch are the same, and all before them;
//   - what is settled stays: each later primary has it, and in the modes that
//     lose nothing, each later primary has all that was committed.
type monitor struct {
	primaries map[uint64]process.ID // by epoch
	servers   map[process.ID]before
	seen      oplog.Seen // every entry that any log held
	kept      []uint64   // by index: the epoch of the entry that must stay, 0 if none
}

// before is a replica as its last Step left it.
type before struct {
	role           role
	epoch, settled uint64
}

func newMonitor() *monitor {
	return &monitor{primaries: map[uint64]process.ID{}, servers: map[process.ID]before{}}
}

// Clone returns an independent copy.
func (m *monitor) Clone() process.Monitor {
	c := &monitor{primaries: maps.Clone(m.primaries), servers: maps.Clone(m.servers),
		seen: m.seen.Clone(), kept: slices.Clone(m.kept)}
	return c
}

// AppendState appends all that m remembers in one canonical form.
func (m *monitor) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(len(m.primaries)))
	for _, epoch := range slices.Sorted(maps.Keys(m.primaries)) {
		b = wire.AppendUints(b, epoch, uint64(m.primaries[epoch]))
	}
	b = wire.AppendUints(b, uint64(len(m.servers)))
	for _, id := range slices.Sorted(maps.Keys(m.servers)) {
		s := m.servers[id]
		b = wire.AppendUints(b, uint64(id), uint64(s.role), s.epoch, s.settled)
	}
	b = m.seen.AppendState(b)
	return wire.AppendUints(wire.AppendUints(b, uint64(len(m.kept))), m.kept...)
}

// Crashed implements process.Monitor.
func (m *monitor) Crashed(id process.ID) { delete(m.servers, id) }

// Stepped implements process.Monitor.
func (m *monitor) Stepped(id process.ID, p process.Process, in *process.Input, effects []process.Effect) error {
	r := p.(*PrimaryBackup)
	was := m.servers[id]
	m.servers[id] = before{r.role, r.epoch, r.settled}
	if in.Kind == process.Recover {
		return nil
	}
	for i := range effects {
		if err := m.effect(id, r, &effects[i]); err != nil {
			return err
		}
	}
	if r.role != primary {
		return nil
	}
	if was.role != primary || was.epoch != r.epoch {
		if err := m.promoted(id, r); err != nil {
			return err
		}
	}
	for i := max(was.settled, r.log.Base()) + 1; i <= r.settled; i++ {
		if err := m.keep(id, i, r.log.EpochAt(i)); err != nil {
			return err
		}
	}
	return nil
}

func (m *monitor) effect(id process.ID, r *PrimaryBackup, e *process.Effect) error {
	switch e.Kind {
	case process.Save:
		if s, ok := e.Msg.(*Entries); ok {
			return m.matching(id, r, s)
		}
	case process.Commit:
		for i := range e.Entries {
			if !r.lossless() {
				break
			}
			if err := m.keep(id, e.Entries[i].Index, e.Entries[i].Epoch); err != nil {
				return err
			}
		}
	}
	return nil
}

// promoted checks that an epoch has one primary, and that it has what is kept.
func (m *monitor) promoted(id process.ID, r *PrimaryBackup) error {
	if other, ok := m.primaries[r.epoch]; ok && other != id {
		return fmt.Errorf("one primary: %d and %d are both primary in epoch %d", other, id, r.epoch)
	}
	m.primaries[r.epoch] = id
	k := uint64(len(m.kept)) - 1
	if len(m.kept) > 0 && m.kept[k] < r.epoch && k > r.log.Base() && !r.log.Has(k, m.kept[k]) {
		return fmt.Errorf("kept: %d, primary of epoch %d, lacks entry %d of epoch %d", id, r.epoch, k, m.kept[k])
	}
	return nil
}

// keep notes that entry i must stay.
func (m *monitor) keep(id process.ID, i, epoch uint64) error {
	for uint64(len(m.kept)) <= i {
		m.kept = append(m.kept, 0)
	}
	switch m.kept[i] {
	case 0:
		m.kept[i] = epoch
	case epoch:
	default:
		return fmt.Errorf("kept: %d has entry %d of epoch %d, another had one of epoch %d", id, i, epoch, m.kept[i])
	}
	return nil
}

// matching checks that entries with the same index and epoch are the same, and
// so, one by one, are all before them.
func (m *monitor) matching(id process.ID, r *PrimaryBackup, s *Entries) error {
	if len(s.Entries) == 0 || s.Prev < r.log.Base() {
		return nil
	}
	if e := m.seen.Add(r.log.EpochAt(s.Prev), s.Entries); e != nil {
		return fmt.Errorf("log matching: entry %d of epoch %d at %d differs from another log's", e.Index, e.Epoch, id)
	}
	return nil
}
