package broadcast

import (
	"cmp"
	"slices"

	"althing/clock"
	"althing/process"
	"althing/wire"
)

// An order is the rule by which a member delivers.
type order uint8

const (
	reliable order = iota
	fifo
	causal
	total
)

func (o order) String() string { return [...]string{"reliable", "fifo", "causal", "total"}[o] }

// insert puts a durable cast where it waits for delivery: in the order of
// arrival, which is that of the records and so the same in every life; with
// total, in the order of stamps.
func (m *member) insert(c *Cast) {
	if m.order != total {
		m.pending = append(m.pending, c)
		return
	}
	i, _ := slices.BinarySearchFunc(m.pending, c, byStamp)
	m.pending = slices.Insert(m.pending, i, c)
	for o := at(c.Origin); ; { // it may be the next of its origin, and close a gap
		i := slices.IndexFunc(m.pending, func(p *Cast) bool {
			return p.Origin == c.Origin && p.Seq == m.reached.At(o)+1
		})
		if i < 0 {
			return
		}
		set(&m.reached, o, m.reached.At(o)+1)
		m.last[o] = m.pending[i].Time
	}
}

// byStamp is the total order ⇒ of Lamport 1978.
func byStamp(a, b *Cast) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Origin, b.Origin))
}

// deliver hands over all that can be. The application holds the first upTo
// deliveries already: they are counted, and not handed over again.
func (m *member) deliver(upTo uint64, out *process.Output) {
	var es []process.Entry
	for {
		i := m.next(m.index < upTo)
		if i < 0 {
			break
		}
		c := m.pending[i]
		if i == 0 { // nearly always, and then nothing need be moved
			m.pending = m.pending[1:]
		} else {
			m.pending = slices.Delete(m.pending, i, i+1)
		}
		m.index++
		set(&m.delivered, at(c.Origin), m.delivered.At(at(c.Origin))+1)
		m.find(c.Origin, c.Seq).index = m.index
		if m.index > upTo {
			es = append(es, process.Entry{Epoch: c.Time, Index: m.index, Req: c.Req})
		}
	}
	out.Commit(es)
}

// next returns which of pending is to be delivered, or -1. What was delivered
// in an earlier life needs no leave.
func (m *member) next(again bool) int {
	if m.order == total {
		if len(m.pending) > 0 && (again || m.settled(m.pending[0])) {
			return 0
		}
		return -1
	}
	return slices.IndexFunc(m.pending, m.deliverable)
}

func (m *member) deliverable(c *Cast) bool {
	switch m.order {
	case fifo:
		return c.Seq == m.delivered.At(at(c.Origin))+1
	case causal:
		return m.delivered.Deliverable(c.After, at(c.Origin))
	}
	return true
}

// settled reports whether nothing can come any more that has an earlier stamp
// than c, the earliest here: each member has sent something later, or has
// promised to, and all that it sent before that is here. Of ourselves nothing
// need be asked: what we sent before c came was saved before it, and so became
// durable and was inserted before it.
func (m *member) settled(c *Cast) bool {
	for _, id := range m.group {
		p := m.promised[at(id)]
		settled := id == m.cfg.Self || m.last[at(id)] >= c.Time ||
			p.time >= c.Time && p.count <= m.reached.At(at(id))
		if !settled {
			return false
		}
	}
	return m.reached.At(at(c.Origin)) >= c.Seq
}

// Status implements process.Process.
func (m *member) Status() process.Status {
	return process.Status{Role: "member", Last: m.index + uint64(len(m.pending)+len(m.line)), Commit: m.index}
}

// Progress implements process.Process: there is no leader.
func (m *member) Progress(b []process.Progress) []process.Progress { return b }

// Clone implements process.Process.
func (m *member) Clone() process.Process {
	c := *m
	c.counts, c.delivered, c.reached = m.counts.Clone(), m.delivered.Clone(), m.reached.Clone()
	c.line, c.pending = slices.Clone(m.line), slices.Clone(m.pending)
	c.last, c.promised, c.tell = slices.Clone(m.last), slices.Clone(m.promised), slices.Clone(m.tell)
	c.log = make([][]kept, len(m.log))
	for i, log := range m.log {
		c.log[i] = slices.Clone(log)
	}
	c.known = make([]clock.Vector, len(m.known))
	for i, v := range m.known {
		c.known[i] = v.Clone()
	}
	return &c
}

// AppendState implements process.Process.
func (m *member) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(len(m.group)))
	for _, id := range m.group {
		b = wire.AppendUints(b, uint64(id))
	}
	b = wire.AppendUints(b, m.time, m.index, uint64(len(m.log)))
	for _, v := range append([]clock.Vector{m.counts, m.delivered, m.reached, m.last}, m.known...) {
		b = appendVector(b, v)
	}
	for _, log := range m.log {
		b = wire.AppendUints(b, uint64(len(log)))
		for _, k := range log {
			b = wire.AppendUints(k.append(b), k.index)
		}
	}
	for _, cs := range [][]*Cast{m.line, m.pending} {
		b = wire.AppendUints(b, uint64(len(cs)))
		for _, c := range cs {
			b = wire.AppendUints(b, uint64(c.Origin), c.Seq)
		}
	}
	for _, p := range m.promised {
		b = wire.AppendUints(b, p.count, p.time)
	}
	b = wire.AppendUints(b, uint64(len(m.tell)))
	for _, id := range m.tell {
		b = wire.AppendUints(b, uint64(id))
	}
	if m.armed {
		return append(b, 1)
	}
	return append(b, 0)
}
