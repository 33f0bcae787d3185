package snapshot

import (
	"fmt"
	"maps"
	"slices"

	"althing/clock"
	"althing/process"
)

// monitor checks every picture when all parts of it are complete: the accounts
// and what was on its way add up to what there always was, and the cut is
// consistent, by vector clocks of the monitor's own that the protocol does not
// know of.
type monitor struct {
	group []process.ID
	of    map[process.ID]*lane
	left  map[packet]clock.Vector // with which knowledge a packet was sent
	parts map[Picture]map[process.ID]part
}

type packet struct {
	from, to process.ID
	seq      uint64
}

// A lane is the events of one member: its records, for all else follows from
// them.
type lane struct {
	now    clock.Vector
	stamps map[Picture]clock.Vector // when it recorded
}

// A part is what one member has of a picture.
type part struct {
	money uint64
	stamp clock.Vector
}

func newMonitor() *monitor {
	return &monitor{of: map[process.ID]*lane{}, left: map[packet]clock.Vector{},
		parts: map[Picture]map[process.ID]part{}}
}

// Crashed implements process.Monitor: the records tell what is left.
func (m *monitor) Crashed(id process.ID) {
	m.lane(id).now = nil
	for _, parts := range m.parts {
		delete(parts, id) // what is left of them is complete again on Start
	}
}

func (m *monitor) lane(id process.ID) *lane {
	if m.of[id] == nil {
		m.of[id] = &lane{stamps: map[Picture]clock.Vector{}}
	}
	return m.of[id]
}

// Stepped implements process.Monitor.
func (m *monitor) Stepped(id process.ID, p process.Process, in *process.Input, effects []process.Effect) error {
	l, me := m.lane(id), p.(*member)
	if in.Kind == process.Recover {
		m.happened(l, id, in.Msg)
		return nil
	}
	if in.Kind == process.Start {
		if g := in.State.Group.Members(); len(g) > 0 { // not one that joins
			m.group = g
		}
		maps.DeleteFunc(l.stamps, func(p Picture, _ clock.Vector) bool {
			return p.N > me.colour.At(at(p.Initiator)) // the crash took it back
		})
	}
	before := append(clock.Vector{}, l.now...) // who records does so before all else; never nil
	for i, n := range me.colour {
		if picture := (Picture{process.ID(i + 1), n}); n > 0 && l.stamps[picture] == nil {
			l.stamps[picture] = before
		}
	}
	for i := range effects {
		if effects[i].Kind == process.Save {
			m.happened(l, id, effects[i].Msg)
		}
	}
	for i := range me.done {
		if err := m.complete(id, &me.done[i]); err != nil {
			return err
		}
	}
	return nil
}

// happened takes in a record: an event of the member.
func (m *monitor) happened(l *lane, id process.ID, r process.Msg) {
	p, ok := r.(*Packet)
	if ok && p.To == id {
		l.now.Merge(m.left[packet{p.From, p.To, p.Seq}])
	}
	_ = l.now.Tick(at(id)) // a run is far too short for an overflow
	if ok && p.From == id {
		m.left[packet{p.From, p.To, p.Seq}] = l.now.Clone()
	}
}

// complete takes in a member's part of a picture, and checks the whole if that
// is all.
func (m *monitor) complete(id process.ID, s *picture) error {
	money := s.account
	for _, side := range s.sides {
		money += side.flight
	}
	parts := m.parts[s.Picture]
	if parts == nil {
		parts = map[process.ID]part{}
		m.parts[s.Picture] = parts
	}
	parts[id] = part{money, m.of[id].stamps[s.Picture]}
	if len(parts) < len(m.group) {
		return nil
	}
	var sum uint64
	for _, p := range parts {
		sum += p.money
	}
	if want := uint64(opening * len(m.group)); sum != want {
		return fmt.Errorf("conservation: in picture %d of %d there is %d, not %d", s.N, s.Initiator, sum, want)
	}
	for _, i := range m.group {
		for _, j := range m.group {
			if knows, has := parts[i].stamp.At(at(j)), parts[j].stamp.At(at(j)); knows > has {
				return fmt.Errorf("consistent cut: in picture %d of %d member %d knows of event %d of %d, "+
					"which is at %d", s.N, s.Initiator, i, knows, j, has)
			}
		}
	}
	return nil
}

// Clone returns an independent copy.
func (m *monitor) Clone() process.Monitor {
	c := &monitor{group: slices.Clone(m.group), of: map[process.ID]*lane{}, left: maps.Clone(m.left),
		parts: map[Picture]map[process.ID]part{}}
	for id, l := range m.of {
		c.of[id] = &lane{now: l.now.Clone(), stamps: maps.Clone(l.stamps)}
	}
	for p, parts := range m.parts {
		c.parts[p] = maps.Clone(parts)
	}
	return c
}
