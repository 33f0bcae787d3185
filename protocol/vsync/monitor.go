package vsync

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"althing/process"
	"althing/quorum"
	"althing/wire"
)

// monitor checks what must hold of a whole group. Names are those of Chockler,
// Keidar and Vitenberg, 2001, where they have one:
//
//	Local Monotonicity     no replica goes back to an earlier view
//	View Agreement         a view has one membership, one view before it and one place after it
//	Primary Views          a view has one next view, for which a majority of it has voted
//	One Sequencer          a view has one, in one life of it
//	Sending View Delivery  what is delivered between two views was cast in the first
//	Virtual Synchrony      a view that is followed by another ends with it for all
//	Strong Total Order     what is delivered at an index is delivered there by all
//	Safe Delivery          a sequencer delivers what all of its view have
type monitor struct {
	views    map[ViewID]viewSeen
	next     map[ViewID]ViewID
	votes    map[ballot]ballotSeen
	replicas map[process.ID]before
	lives    map[process.ID]uint64
	order    []ViewID // by index: the view of what was delivered there, from 1
}

// viewSeen is a view that some replica entered.
type viewSeen struct {
	prev      ViewID
	index     uint64 // of the entry that names it
	group     process.Group
	sequencer process.ID // who could cast in it; 0: nobody yet
	life      uint64     // of that
}

// ballot names an attempt to agree on the view after another one.
type ballot struct{ view, ballot ViewID }

// ballotSeen is what was voted for in it, and by whom.
type ballotSeen struct {
	next ViewID
	by   []process.ID
}

// before is a replica as its last Step left it.
type before struct {
	view ViewID
	last uint64
}

func newMonitor() process.Monitor {
	return &monitor{
		views: map[ViewID]viewSeen{}, next: map[ViewID]ViewID{}, votes: map[ballot]ballotSeen{},
		replicas: map[process.ID]before{}, lives: map[process.ID]uint64{}, order: []ViewID{0},
	}
}

// Crashed implements process.Monitor.
func (m *monitor) Crashed(id process.ID) {
	delete(m.replicas, id)
	m.lives[id]++
}

// Stepped implements process.Monitor.
func (m *monitor) Stepped(id process.ID, p process.Process, in *process.Input, effects []process.Effect) error {
	r := p.(*Member)
	was := m.replicas[id]
	if in.Kind != process.Recover {
		if r.view < was.view {
			return fmt.Errorf("Local Monotonicity: %d goes back from view %d to %d", id, was.view, r.view)
		}
		if in.Kind == process.Start && in.State.Index == 0 && r.view == 0 && len(in.State.Group.Voters) > 0 {
			m.views[0] = viewSeen{group: in.State.Group.Clone()}
		}
	}
	m.replicas[id] = before{r.view, r.log.Last()}
	if in.Kind == process.Recover {
		return nil
	}
	_, byAck := in.Msg.(*Ack) // else it delivers on somebody's word
	for i := range effects {
		if err := m.effect(id, r, &effects[i], byAck && r.leads()); err != nil {
			return err
		}
	}
	return m.casts(id, r)
}

// casts checks One Sequencer.
func (m *monitor) casts(id process.ID, r *Member) error {
	if !r.leads() {
		return nil
	}
	v, ok := m.views[r.view]
	switch {
	case !ok:
		return fmt.Errorf("Primary Views: %d casts in view %d, which nobody agreed on", id, r.view)
	case v.sequencer == 0:
		v.sequencer, v.life = id, m.lives[id]
		m.views[r.view] = v
	case v.sequencer != id || v.life != m.lives[id]:
		return fmt.Errorf("One Sequencer: %d casts in view %d, as %d did before", id, r.view, v.sequencer)
	}
	return nil
}

func (m *monitor) effect(id process.ID, r *Member, e *process.Effect, safe bool) error {
	switch e.Kind {
	case process.Save:
		s, ok := e.Msg.(*Record)
		if !ok {
			return nil
		}
		if s.Vote.Ballot != 0 {
			if err := m.vote(id, s); err != nil {
				return err
			}
		}
		prev := ViewID(0)
		if s.Prev >= r.log.Base() && s.Prev <= r.log.Last() {
			prev = ViewID(r.log.EpochAt(s.Prev))
		}
		for i := range s.Entries {
			if e := &s.Entries[i]; e.Req.Kind == process.Members {
				if err := m.entered(id, prev, e); err != nil {
					return err
				}
			}
			prev = ViewID(s.Entries[i].Epoch)
		}
	case process.Commit:
		for i := range e.Entries {
			if err := m.deliver(id, r, &e.Entries[i], safe); err != nil {
				return err
			}
		}
	}
	return nil
}

// vote notes who voted for what, which in one ballot is one thing.
func (m *monitor) vote(id process.ID, s *Record) error {
	k := ballot{s.View, s.Vote.Ballot}
	b, ok := m.votes[k]
	if ok && b.next != ViewID(s.Vote.View.Epoch) {
		return fmt.Errorf("Primary Views: two proposals of ballot %d after view %d", k.ballot, k.view)
	}
	b.next = ViewID(s.Vote.View.Epoch)
	if !slices.Contains(b.by, id) {
		b.by = append(slices.Clip(b.by), id)
		slices.Sort(b.by)
	}
	m.votes[k] = b
	return nil
}

// entered checks View Agreement and Primary Views, when a replica takes in the
// entry that names a view.
func (m *monitor) entered(id process.ID, prev ViewID, e *process.Entry) error {
	v := ViewID(e.Epoch)
	g, _, err := process.CutGroup(e.Req.Cmd)
	if err != nil {
		return fmt.Errorf("View Agreement: %d enters view %d of nobody", id, v)
	}
	if seen, ok := m.views[v]; ok {
		if seen.prev != prev || seen.index != e.Index || !seen.group.Equal(&g) {
			return fmt.Errorf("View Agreement: %d enters view %d as %v at %d after view %d; it is %v at %d after %d",
				id, v, g.Voters, e.Index, prev, seen.group.Voters, seen.index, seen.prev)
		}
		return nil
	}
	if n, ok := m.next[prev]; ok {
		return fmt.Errorf("Primary Views: %d enters view %d after view %d, but %d is the next", id, v, prev, n)
	}
	if !m.agreed(prev, v) {
		return fmt.Errorf("Primary Views: %d enters view %d, but no majority of view %d voted for it", id, v, prev)
	}
	if last := m.last(prev); last >= e.Index {
		return fmt.Errorf("Virtual Synchrony: view %d ends before %d, but %d was delivered in it",
			prev, e.Index, last)
	}
	m.views[v] = viewSeen{prev: prev, index: e.Index, group: g}
	m.next[prev] = v
	return nil
}

// agreed reports whether a majority of view prev voted for next in one ballot.
func (m *monitor) agreed(prev, next ViewID) bool {
	voters := m.views[prev].group.Voters
	for k, b := range m.votes {
		if k.view != prev || b.next != next {
			continue
		}
		n := 0
		for _, id := range voters {
			if slices.Contains(b.by, id) {
				n++
			}
		}
		if n >= quorum.Majority(len(voters)) {
			return true
		}
	}
	return false
}

// last returns the highest index delivered of view v, 0 if nothing of it was.
func (m *monitor) last(v ViewID) uint64 {
	for i := len(m.order) - 1; i > 0 && m.order[i] >= v; i-- {
		if m.order[i] == v {
			return uint64(i)
		}
	}
	return 0
}

// deliver checks the order, and at who leads that all of its view have e.
func (m *monitor) deliver(id process.ID, r *Member, e *process.Entry, safe bool) error {
	v := ViewID(e.Epoch)
	switch n := uint64(len(m.order)); {
	case e.Index < n && m.order[e.Index] != v:
		return fmt.Errorf("Strong Total Order: %d delivers %d of view %d, another did of view %d",
			id, e.Index, v, m.order[e.Index])
	case e.Index > n:
		return fmt.Errorf("Strong Total Order: %d delivers %d, nobody what is before it", id, e.Index)
	case e.Index == n:
		m.order = append(m.order, v)
	}
	if e.Req.Kind != process.Members && m.order[e.Index-1] != v {
		return fmt.Errorf("Sending View Delivery: %d delivers %d of view %d in view %d",
			id, e.Index, v, m.order[e.Index-1])
	}
	if next, ok := m.next[v]; ok && m.views[next].index <= e.Index {
		return fmt.Errorf("Virtual Synchrony: %d delivers %d in view %d, which ended before it", id, e.Index, v)
	}
	if !safe {
		return nil
	}
	for _, other := range r.voters() {
		if o, up := m.replicas[other]; up && (o.view < r.view || o.view == r.view && o.last < e.Index) {
			return fmt.Errorf("Safe Delivery: %d delivers %d in view %d, but %d does not have it",
				id, e.Index, r.view, other)
		}
	}
	return nil
}

// Clone returns an independent copy.
func (m *monitor) Clone() process.Monitor {
	return &monitor{
		views: maps.Clone(m.views), next: maps.Clone(m.next), votes: maps.Clone(m.votes),
		replicas: maps.Clone(m.replicas), lives: maps.Clone(m.lives), order: slices.Clone(m.order),
	}
}

// AppendState appends all that m remembers in one canonical form.
func (m *monitor) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(len(m.views)))
	for _, id := range slices.Sorted(maps.Keys(m.views)) {
		v := m.views[id]
		b = wire.AppendUints(b, uint64(id), uint64(v.prev), v.index, uint64(v.sequencer), v.life)
		b = process.AppendGroup(b, v.group)
	}
	b = wire.AppendUints(b, uint64(len(m.votes)))
	for _, k := range slices.SortedFunc(maps.Keys(m.votes), func(x, y ballot) int {
		return cmp.Or(cmp.Compare(x.view, y.view), cmp.Compare(x.ballot, y.ballot))
	}) {
		v := m.votes[k]
		b = wire.AppendUints(b, uint64(k.view), uint64(k.ballot), uint64(v.next), uint64(len(v.by)))
		for _, id := range v.by {
			b = wire.AppendUints(b, uint64(id))
		}
	}
	b = wire.AppendUints(b, uint64(len(m.replicas)))
	for _, id := range slices.Sorted(maps.Keys(m.replicas)) {
		r := m.replicas[id]
		b = wire.AppendUints(b, uint64(id), uint64(r.view), r.last)
	}
	b = wire.AppendUints(b, uint64(len(m.lives)))
	for _, id := range slices.Sorted(maps.Keys(m.lives)) {
		b = wire.AppendUints(b, uint64(id), m.lives[id])
	}
	b = wire.AppendUints(b, uint64(len(m.order)))
	for _, v := range m.order {
		b = wire.AppendUints(b, uint64(v))
	}
	return b // next follows from views
}
