package vr

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"althing/oplog"
	"althing/process"
	"althing/wire"
)

// monitor checks what must hold of a whole group:
//
//	One Primary     a view has one primary, in one life of it
//	Views Grow      no replica goes back to an earlier view, nor promises another than its own
//	Viewstamps      entries of one number and view are the same, and so are all before
//	Primary Has All the log of a new primary has all that earlier views committed
//	Same Entries    what is committed at a number is committed there by all
//	One Group       an epoch begins with one entry, and its primaries are of that group
//	Epochs End      nothing of an epoch is committed after what begins the next
type monitor struct {
	primaries map[uint64]process.ID // by view
	replicas  map[process.ID]before
	seen      oplog.Seen        // every entry that any log held
	decided   []uint64          // by op-number: the view of the entry that was committed, 0 if none
	upTo      map[uint64]uint64 // by view: the highest op-number first committed in it
	epochs    []beginning       // by epoch; the first begins with no entry
}

// before is a replica as its last Step left it.
type before struct {
	leads bool
	view  uint64
}

// beginning is the entry that begins an epoch: its op-number, and the group.
type beginning struct {
	index uint64
	cmd   []byte
}

func newMonitor() process.Monitor {
	return &monitor{
		primaries: make(map[uint64]process.ID),
		replicas:  make(map[process.ID]before),
		upTo:      make(map[uint64]uint64),
		epochs:    make([]beginning, 1),
	}
}

// Clone returns an independent copy.
func (m *monitor) Clone() process.Monitor {
	c := &monitor{primaries: maps.Clone(m.primaries), replicas: maps.Clone(m.replicas), upTo: maps.Clone(m.upTo),
		seen: m.seen.Clone(), decided: slices.Clone(m.decided), epochs: slices.Clone(m.epochs)}
	return c
}

// AppendState appends all that m remembers in one canonical form.
func (m *monitor) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(len(m.primaries)))
	for _, view := range slices.Sorted(maps.Keys(m.primaries)) {
		b = wire.AppendUints(b, view, uint64(m.primaries[view]))
	}
	b = wire.AppendUints(b, uint64(len(m.replicas)))
	for _, id := range slices.Sorted(maps.Keys(m.replicas)) {
		s := m.replicas[id]
		b = append(wire.AppendUints(b, uint64(id), s.view), wire.Flag(s.leads, 1))
	}
	b = m.seen.AppendState(b)
	b = wire.AppendUints(wire.AppendUints(b, uint64(len(m.decided))), m.decided...)
	b = wire.AppendUints(b, uint64(len(m.upTo)))
	for _, view := range slices.Sorted(maps.Keys(m.upTo)) {
		b = wire.AppendUints(b, view, m.upTo[view])
	}
	for _, e := range m.epochs[1:] {
		b = wire.AppendBytes(wire.AppendUints(b, e.index), e.cmd)
	}
	return b
}

// Crashed implements process.Monitor.
func (m *monitor) Crashed(id process.ID) { delete(m.replicas, id) }

// Stepped implements process.Monitor.
func (m *monitor) Stepped(id process.ID, p process.Process, in *process.Input, effects []process.Effect) error {
	r := p.(*VR)
	was := m.replicas[id]
	if in.Kind != process.Recover {
		if r.view < was.view {
			return fmt.Errorf("views grow: %d goes back from view %d to %d", id, was.view, r.view)
		}
		if r.leads() && (!was.leads || was.view != r.view) {
			if err := m.began(id, r); err != nil {
				return err
			}
		}
		var last process.Msg
		for i := range effects {
			e := &effects[i]
			if e.Kind == process.SendNow && e.Msg == last {
				continue // to another replica
			}
			if e.Kind == process.SendNow {
				last = e.Msg
			}
			if err := m.effect(id, r, &was, e); err != nil {
				return err
			}
		}
	}
	m.replicas[id] = before{r.leads(), r.view}
	return nil
}

func (m *monitor) effect(id process.ID, r *VR, was *before, e *process.Effect) error {
	switch e.Kind {
	case process.SendNow:
		if p, ok := e.Msg.(*Prepare); ok {
			return m.viewstamps(id, p)
		}
	case process.Send:
		if d, ok := e.Msg.(*DoViewChange); ok && (r.status != viewChange || d.View != r.view) {
			return fmt.Errorf("views grow: %d, %v, promises view %d in view %d", id, r.status, d.View, r.view)
		}
	case process.Commit:
		for i := range e.Entries {
			if err := m.commit(id, r, was, &e.Entries[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// began checks One Primary, One Group and Primary Has All.
func (m *monitor) began(id process.ID, r *VR) error {
	if other, ok := m.primaries[r.view]; ok {
		return fmt.Errorf("one primary: %d begins view %d, which %d began before", id, r.view, other)
	}
	m.primaries[r.view] = id
	if e := r.epoch(); e > 0 {
		g, _, err := process.CutGroup(m.epochs[min(e, uint64(len(m.epochs)-1))].cmd)
		if e >= uint64(len(m.epochs)) || err != nil || !r.group().Equal(&g) {
			return fmt.Errorf("one group: %d is primary of a group of its own in epoch %d", id, e)
		}
	}
	for _, view := range slices.Sorted(maps.Keys(m.upTo)) {
		i := m.upTo[view]
		if view < r.view && i > r.log.Base() && !m.has(r, i) {
			return fmt.Errorf("primary has all: %d, primary of view %d, lacks entry %d, committed in view %d",
				id, r.view, i, view)
		}
	}
	return nil
}

// has reports whether r's log has what was committed at i. Until it is, what begins
// an epoch is an entry of the one before.
func (m *monitor) has(r *VR, i uint64) bool {
	if next := r.epoch() + 1; epochOf(m.decided[i]) == next && m.epochs[next].index == i {
		return r.log.Last() == i && bytes.Equal(r.log.Slice(i-1, i)[0].Req.Cmd, m.epochs[next].cmd)
	}
	return r.log.Has(i, m.decided[i])
}

// viewstamps checks that entries of one number and view are the same, and so,
// one by one, are all before them.
func (m *monitor) viewstamps(id process.ID, p *Prepare) error {
	if e := m.seen.Add(p.PrevView, p.Entries); e != nil {
		return fmt.Errorf("viewstamps: entry %d of view %d at %d differs from another log's", e.Index, e.Epoch, id)
	}
	return nil
}

// commit checks Same Entries, Epochs End, and that an epoch begins once.
func (m *monitor) commit(id process.ID, r *VR, was *before, e *process.Entry) error {
	view, epoch := r.view, epochOf(e.Epoch)
	if epoch > epochOf(was.view) {
		view = was.view // that in which it was committed, if it is by the primary of that
	}
	switch known := uint64(len(m.epochs)); {
	case epoch > known || epoch == known && !begins(e.Epoch):
		return fmt.Errorf("epochs end: %d commits entry %d of epoch %d, which did not begin", id, e.Index, epoch)
	case epoch == known:
		m.epochs = append(slices.Clip(m.epochs), beginning{e.Index, e.Req.Cmd})
	case epoch+1 < known && e.Index >= m.epochs[epoch+1].index:
		return fmt.Errorf("epochs end: %d commits entry %d of epoch %d, but the next began with entry %d",
			id, e.Index, epoch, m.epochs[epoch+1].index)
	case begins(e.Epoch) && e.Index != m.epochs[epoch].index:
		return fmt.Errorf("one group: at %d epoch %d begins with entry %d, elsewhere with %d",
			id, epoch, e.Index, m.epochs[epoch].index)
	}
	for uint64(len(m.decided)) <= e.Index {
		m.decided = append(m.decided, 0)
	}
	switch m.decided[e.Index] {
	case 0:
		m.decided[e.Index] = e.Epoch
		m.upTo[view] = max(m.upTo[view], e.Index)
	case e.Epoch:
	default:
		return fmt.Errorf("same entries: %d commits entry %d of view %d, another had one of view %d",
			id, e.Index, e.Epoch, m.decided[e.Index])
	}
	return nil
}
