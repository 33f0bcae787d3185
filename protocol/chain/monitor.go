package chain

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"althing/oplog"
	"althing/process"
	"althing/quorum"
	"althing/wire"
)

// monitor checks over a whole group that
//
//   - an epoch has one chain, of a majority, and its head laid it down;
//   - Update Propagation Invariant (§3): whoever is in a chain has no entry of its
//     epoch that its predecessor has not had;
//   - Inprocess Requests Invariant (§3): what is committed in an epoch all of the
//     chain have; so what a successor may lack has not left the log before it;
//   - entries of the same index and epoch are the same, and all before them;
//   - each index is committed once, and a later head has it.
type monitor struct {
	chains  map[uint64][]process.ID // by epoch
	marks   map[mark]uint64         // the highest that was ever matched
	epochs  map[process.ID]uint64   // that a replica was last head in
	seen    oplog.Seen              // every entry that any log held
	decided []uint64                // by index: the epoch of the entry that was committed, 0 if none
	upTo    map[uint64]uint64       // by epoch: the highest index first committed in it
}

// mark is a replica in an epoch.
type mark struct {
	epoch uint64
	id    process.ID
}

func newMonitor() *monitor {
	return &monitor{chains: map[uint64][]process.ID{}, marks: map[mark]uint64{}, epochs: map[process.ID]uint64{},
		upTo: map[uint64]uint64{}}
}

// Clone returns an independent copy.
func (m *monitor) Clone() process.Monitor {
	c := &monitor{chains: maps.Clone(m.chains), marks: maps.Clone(m.marks), epochs: maps.Clone(m.epochs),
		seen: m.seen.Clone(), decided: slices.Clone(m.decided), upTo: maps.Clone(m.upTo)}
	return c
}

// AppendState appends all that m remembers in one canonical form.
func (m *monitor) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(len(m.chains)))
	for _, epoch := range slices.Sorted(maps.Keys(m.chains)) {
		b = appendIDs(wire.AppendUints(b, epoch), m.chains[epoch])
	}
	b = wire.AppendUints(b, uint64(len(m.marks)))
	for _, k := range slices.SortedFunc(maps.Keys(m.marks), func(x, y mark) int {
		return cmp.Or(cmp.Compare(x.epoch, y.epoch), cmp.Compare(x.id, y.id))
	}) {
		b = wire.AppendUints(b, k.epoch, uint64(k.id), m.marks[k])
	}
	b = wire.AppendUints(b, uint64(len(m.epochs)))
	for _, id := range slices.Sorted(maps.Keys(m.epochs)) {
		b = wire.AppendUints(b, uint64(id), m.epochs[id])
	}
	b = m.seen.AppendState(b)
	b = wire.AppendUints(wire.AppendUints(b, uint64(len(m.decided))), m.decided...)
	b = wire.AppendUints(b, uint64(len(m.upTo)))
	for _, epoch := range slices.Sorted(maps.Keys(m.upTo)) {
		b = wire.AppendUints(b, epoch, m.upTo[epoch])
	}
	return b
}

// Crashed implements process.Monitor.
func (m *monitor) Crashed(process.ID) {}

// Stepped implements process.Monitor.
func (m *monitor) Stepped(id process.ID, p process.Process, in *process.Input, effects []process.Effect) error {
	r := p.(*Chain)
	if in.Kind == process.Recover {
		return nil
	}
	for i := range effects {
		e := &effects[i]
		if s, ok := e.Msg.(*Entries); ok && e.Kind == process.Save {
			if err := m.matching(id, r, s); err != nil {
				return err
			}
		}
	}
	if err := m.place(id, r); err != nil {
		return err
	}
	for i := range effects {
		if effects[i].Kind != process.Commit {
			continue
		}
		if err := m.commit(id, r, effects[i].Entries); err != nil {
			return err
		}
	}
	return nil
}

// place checks the chain that a replica knows, and what it has in it.
func (m *monitor) place(id process.ID, r *Chain) error {
	k := mark{r.epoch, id}
	m.marks[k] = max(m.marks[k], r.matched)
	if r.chain == nil {
		return nil
	}
	was, ok := m.chains[r.epoch]
	switch {
	case !ok && r.role != head:
		return fmt.Errorf("one chain: %d knows a chain of epoch %d that nobody laid down", id, r.epoch)
	case !ok && (len(r.chain) < quorum.Majority(len(r.log.Group().Voters)) || r.chain[0] != id):
		return fmt.Errorf("one chain: %d laid down the chain %v of epoch %d", id, r.chain, r.epoch)
	case !ok:
		m.chains[r.epoch] = r.chain
	case !slices.Equal(was, r.chain):
		return fmt.Errorf("one chain: of epoch %d there are %v and, at %d, %v", r.epoch, was, id, r.chain)
	}
	if r.role == head && m.epochs[id] != r.epoch {
		m.epochs[id] = r.epoch
		if err := m.complete(id, r); err != nil {
			return err
		}
	}
	i := r.is()
	if i <= 0 || r.log.EpochAt(r.matched) != r.epoch {
		return nil
	}
	if had := m.marks[mark{r.epoch, r.chain[i-1]}]; had < r.matched {
		return fmt.Errorf("update propagation: in epoch %d %d has %d entries, and %d before it has had %d",
			r.epoch, id, r.matched, r.chain[i-1], had)
	}
	return nil
}

// complete checks that a new head has what was committed before.
func (m *monitor) complete(id process.ID, r *Chain) error {
	for _, epoch := range slices.Sorted(maps.Keys(m.upTo)) {
		i := m.upTo[epoch]
		if epoch < r.epoch && i > r.log.Base() && !r.log.Has(i, m.decided[i]) {
			return fmt.Errorf("completeness: %d, head of epoch %d, lacks entry %d, committed in epoch %d",
				id, r.epoch, i, epoch)
		}
	}
	return nil
}

// commit checks that each index is committed once, and by all of a chain.
func (m *monitor) commit(id process.ID, r *Chain, es []process.Entry) error {
	for i := range es {
		e := &es[i]
		for uint64(len(m.decided)) <= e.Index {
			m.decided = append(m.decided, 0)
		}
		switch m.decided[e.Index] {
		case 0:
			m.decided[e.Index] = e.Epoch
			m.upTo[r.epoch] = max(m.upTo[r.epoch], e.Index)
		case e.Epoch:
		default:
			return fmt.Errorf("agreement: %d commits entry %d of epoch %d, another had one of epoch %d",
				id, e.Index, e.Epoch, m.decided[e.Index])
		}
	}
	last := &es[len(es)-1]
	if last.Epoch != r.epoch {
		return nil
	}
	for _, o := range m.chains[r.epoch] {
		if m.marks[mark{r.epoch, o}] < last.Index {
			return fmt.Errorf("in process: %d commits entry %d in epoch %d, but %d in its chain lacks it",
				id, last.Index, r.epoch, o)
		}
	}
	return nil
}

// matching checks that entries with the same index and epoch are the same, and
// so, one by one, are all before them.
func (m *monitor) matching(id process.ID, r *Chain, s *Entries) error {
	if len(s.Entries) == 0 || s.Prev < r.log.Base() {
		return nil
	}
	if e := m.seen.Add(r.log.EpochAt(s.Prev), s.Entries); e != nil {
		return fmt.Errorf("log matching: entry %d of epoch %d at %d differs from another log's", e.Index, e.Epoch, id)
	}
	return nil
}
