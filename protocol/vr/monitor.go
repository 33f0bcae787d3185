package vr

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"

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
type monitor struct {
	primaries map[uint64]process.ID // by view
	replicas  map[process.ID]before
	seen      [][]seenEntry     // by op-number: every entry that was sent, one of a view
	decided   []uint64          // by op-number: the view of the entry that was committed, 0 if none
	upTo      map[uint64]uint64 // by view: the highest op-number first committed in it
}

// before is a replica as its last Step left it.
type before struct {
	leads bool
	view  uint64
}

// seenEntry is an entry as some log held it, with the view of the one before.
type seenEntry struct {
	view, prevView uint64
	req            process.Request
}

func newMonitor() process.Monitor {
	return &monitor{
		primaries: make(map[uint64]process.ID),
		replicas:  make(map[process.ID]before),
		upTo:      make(map[uint64]uint64),
	}
}

// Clone returns an independent copy.
func (m *monitor) Clone() process.Monitor {
	c := &monitor{primaries: maps.Clone(m.primaries), replicas: maps.Clone(m.replicas), upTo: maps.Clone(m.upTo),
		seen: slices.Clone(m.seen), decided: slices.Clone(m.decided)}
	for i := range c.seen {
		c.seen[i] = slices.Clip(c.seen[i])
	}
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
	b = wire.AppendUints(b, uint64(len(m.seen)))
	for _, es := range m.seen {
		b = wire.AppendUints(b, uint64(len(es)))
		for _, e := range slices.SortedFunc(slices.Values(es), func(x, y seenEntry) int {
			return cmp.Compare(x.view, y.view)
		}) {
			b = wire.AppendUints(b, e.view, e.prevView, uint64(e.req.Kind), e.req.Client, e.req.Seq)
			b = wire.AppendBytes(b, e.req.Cmd)
		}
	}
	b = wire.AppendUints(wire.AppendUints(b, uint64(len(m.decided))), m.decided...)
	b = wire.AppendUints(b, uint64(len(m.upTo)))
	for _, view := range slices.Sorted(maps.Keys(m.upTo)) {
		b = wire.AppendUints(b, view, m.upTo[view])
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
			if err := m.effect(id, r, e); err != nil {
				return err
			}
		}
	}
	m.replicas[id] = before{r.leads(), r.view}
	return nil
}

func (m *monitor) effect(id process.ID, r *VR, e *process.Effect) error {
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
			if err := m.commit(id, r, &e.Entries[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// began checks One Primary and Primary Has All.
func (m *monitor) began(id process.ID, r *VR) error {
	if other, ok := m.primaries[r.view]; ok {
		return fmt.Errorf("one primary: %d begins view %d, which %d began before", id, r.view, other)
	}
	m.primaries[r.view] = id
	for _, view := range slices.Sorted(maps.Keys(m.upTo)) {
		i := m.upTo[view]
		if view < r.view && i > r.log.Base() && !r.log.Has(i, m.decided[i]) {
			return fmt.Errorf("primary has all: %d, primary of view %d, lacks entry %d, committed in view %d",
				id, r.view, i, view)
		}
	}
	return nil
}

// viewstamps checks that entries of one number and view are the same, and so,
// one by one, are all before them.
func (m *monitor) viewstamps(id process.ID, p *Prepare) error {
	prevView := p.PrevView
	for i := range p.Entries {
		e := &p.Entries[i]
		for uint64(len(m.seen)) <= e.Index {
			m.seen = append(m.seen, nil)
		}
		known := false
		for _, k := range m.seen[e.Index] {
			if k.view != e.Epoch {
				continue
			}
			known = true
			if k.prevView != prevView || k.req.Client != e.Req.Client || k.req.Seq != e.Req.Seq ||
				k.req.Kind != e.Req.Kind || !bytes.Equal(k.req.Cmd, e.Req.Cmd) {
				return fmt.Errorf("viewstamps: entry %d of view %d at %d differs from another log's",
					e.Index, e.Epoch, id)
			}
		}
		if !known {
			m.seen[e.Index] = append(m.seen[e.Index], seenEntry{e.Epoch, prevView, e.Req})
		}
		prevView = e.Epoch
	}
	return nil
}

// commit checks Same Entries.
func (m *monitor) commit(id process.ID, r *VR, e *process.Entry) error {
	for uint64(len(m.decided)) <= e.Index {
		m.decided = append(m.decided, 0)
	}
	switch m.decided[e.Index] {
	case 0:
		m.decided[e.Index] = e.Epoch
		m.upTo[r.view] = max(m.upTo[r.view], e.Index)
	case e.Epoch:
	default:
		return fmt.Errorf("same entries: %d commits entry %d of view %d, another had one of view %d",
			id, e.Index, e.Epoch, m.decided[e.Index])
	}
	return nil
}
