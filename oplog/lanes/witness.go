package lanes

import (
	"fmt"
	"maps"
	"slices"

	"althing/process"
	"althing/wire"
)

// Witness checks a group without one order for all, by what was cast and delivered,
// and not by the numbers and vectors of the protocol. Names are those of Chockler,
// Keidar and Vitenberg, Group Communication Specifications, 2001.
//
//	FIFO, Causal order     after all that its sender cast before, or had delivered
//	Sending View Delivery  in the view that it was cast in, one view after the other
//	Virtual Synchrony      who enters a view has delivered the same before it
//
// That nobody delivers twice, or what nobody cast, the hosts check; and that all
// deliver all in the end, the simulator.
type Witness struct {
	causal bool
	casts  []castSeen
	named  map[string]int    // by request: its number among casts
	before map[uint64]events // what all who entered a view had delivered
	lanes  map[process.ID]*lane
}

// castSeen is a message, as it was cast last.
type castSeen struct {
	key    string
	origin process.ID
	view   uint64
	past   events // what happened before it
}

// A lane is what one member did.
type lane struct {
	view      uint64
	sent      []int  // not lost, and in order
	delivered []int  // of those that the application holds, after base
	base      uint64 // deliveries before that
	seen      events // of delivered
}

// events is a set of casts: a bit for each.
type events []uint64

func (s *events) add(i int) {
	for len(*s) <= i/64 {
		*s = append(*s, 0)
	}
	(*s)[i/64] |= 1 << (i % 64)
}

func (s events) has(i int) bool { return i/64 < len(s) && s[i/64]>>(i%64)&1 != 0 }

// lacks returns an element of t that is not in s, or -1.
func (s events) lacks(t events) int {
	for i := range 64 * len(t) {
		if t.has(i) && !s.has(i) {
			return i
		}
	}
	return -1
}

// NewWitness returns one that has seen nothing yet.
func NewWitness(causal bool) *Witness {
	return &Witness{causal: causal, named: map[string]int{}, before: map[uint64]events{},
		lanes: map[process.ID]*lane{}}
}

func nameOf(q *process.Request) string {
	return string(wire.AppendUints(nil, uint64(q.Kind), q.Client, q.Seq)) + string(q.Cmd)
}

func (m *Witness) lane(id process.ID) *lane {
	if m.lanes[id] == nil {
		m.lanes[id] = &lane{}
	}
	return m.lanes[id]
}

// Crashed is told that a member lost all but what is durable: what the member cast comes back only with
// its records.
func (m *Witness) Crashed(id process.ID) {
	m.lane(id).sent = nil
}

// Stepped is told of each Step of a member: in which view it is now, and what has
// its place to be delivered next. It returns an error that names what is broken.
func (m *Witness) Stepped(
	id process.ID, view uint64, next []*Multicast, in *process.Input, effects []process.Effect,
) error {
	l := m.lane(id)
	switch in.Kind {
	case process.Recover:
		if c, ok := in.Msg.(*Multicast); ok && c.Origin == id {
			l.send(m.named[nameOf(&c.Req)])
		}
		return nil
	case process.Start:
		l.restarted(in.State.Index)
	}
	for i := range effects {
		e := &effects[i]
		if c, ok := e.Msg.(*Multicast); ok && e.Kind == process.Save && c.Origin == id {
			m.cast(l, c)
		}
		for j := range e.Entries {
			if err := m.deliver(l, id, &e.Entries[j]); err != nil {
				return err
			}
		}
	}
	return m.entered(l, id, view, next)
}

// Recovered is told that a member is back with what it kept.
func (m *Witness) Recovered(id process.ID, k *Kept) {
	l := m.lane(id)
	l.sent = nil
	for i := range k.Held {
		if c := &k.Held[i]; c.Origin == id {
			l.send(m.named[nameOf(&c.Req)])
		}
	}
}

// send notes that the member cast n: again, if it had; and then what it cast after
// that comes again, too.
func (l *lane) send(n int) {
	if i := slices.Index(l.sent, n); i >= 0 {
		l.sent = l.sent[:i]
	}
	l.sent = append(slices.Clip(l.sent), n)
}

// restarted takes back what the application does not hold any more.
func (l *lane) restarted(index uint64) {
	if len(l.delivered) == 0 {
		l.base = index
	}
	l.delivered, l.seen = l.delivered[:min(uint64(len(l.delivered)), index-l.base)], nil
	for _, n := range l.delivered {
		l.seen.add(n)
	}
}

func (m *Witness) cast(l *lane, c *Multicast) {
	key := nameOf(&c.Req)
	n, again := m.named[key]
	if !again {
		n = len(m.casts)
		m.casts = append(m.casts, castSeen{})
		m.named[key] = n
	}
	l.send(n)
	e := castSeen{key: key, origin: c.Origin, view: c.View}
	if m.causal {
		e.past = slices.Clone(l.seen)
	}
	for _, k := range l.sent[:len(l.sent)-1] {
		e.past.add(k)
	}
	m.casts[n] = e
}

func (m *Witness) deliver(l *lane, id process.ID, e *process.Entry) error {
	n, ok := m.named[nameOf(&e.Req)]
	if !ok {
		return fmt.Errorf("Validity: %d delivers %q, which nobody cast", id, e.Req.Cmd)
	}
	c := &m.casts[n]
	if i := l.seen.lacks(c.past); i >= 0 {
		name := "FIFO order"
		if m.causal {
			name = "Causal order"
		}
		return fmt.Errorf("%s: %d delivers %q of %d without %q of %d before it",
			name, id, c.key, c.origin, m.casts[i].key, m.casts[i].origin)
	}
	if v := e.Epoch; v != c.view {
		return fmt.Errorf("Sending View Delivery: %d delivers %q in view %d, which was cast in view %d",
			id, c.key, v, c.view)
	}
	for v, set := range m.before {
		if set.has(n) != (c.view < v) {
			return fmt.Errorf("Virtual Synchrony: %d delivers %q in view %d; had who entered view %d: %v",
				id, c.key, c.view, v, set.has(n))
		}
	}
	if k := len(l.delivered); k > 0 && m.casts[l.delivered[k-1]].view > c.view {
		return fmt.Errorf("Sending View Delivery: %d delivers %q of view %d after what is of view %d",
			id, c.key, c.view, m.casts[l.delivered[k-1]].view)
	}
	l.delivered = append(slices.Clip(l.delivered), n)
	l.seen.add(n)
	return nil
}

// entered checks Virtual Synchrony when a member enters a view: what it is certain
// to deliver before, though not yet handed over, counts.
func (m *Witness) entered(l *lane, id process.ID, view uint64, next []*Multicast) error {
	if view == l.view {
		return nil
	}
	l.view = view
	var had events // and not what came since: it may be back from a crash
	for _, n := range l.delivered {
		if m.casts[n].view < view {
			had.add(n)
		}
	}
	for _, c := range next {
		if c.View < view {
			had.add(m.named[nameOf(&c.Req)])
		}
	}
	first, known := m.before[view]
	if !known {
		m.before[view], first = had, had
		for _, o := range m.lanes {
			for _, n := range o.delivered {
				if m.casts[n].view < view && !had.has(n) {
					return fmt.Errorf("Virtual Synchrony: %d enters view %d without %q of view %d, which was delivered",
						id, view, m.casts[n].key, m.casts[n].view)
				}
			}
		}
	}
	for _, pair := range [][2]events{{had, first}, {first, had}} {
		if i := pair[0].lacks(pair[1]); i >= 0 {
			return fmt.Errorf("Virtual Synchrony: of those who enter view %d, not all, like %d, delivered %q before",
				view, id, m.casts[i].key)
		}
	}
	return nil
}

// Clone returns an independent copy.
func (m *Witness) Clone() *Witness {
	c := &Witness{causal: m.causal, casts: slices.Clone(m.casts),
		named: maps.Clone(m.named), before: maps.Clone(m.before), lanes: map[process.ID]*lane{}}
	for id, l := range m.lanes {
		d := *l
		d.sent, d.delivered, d.seen = slices.Clone(l.sent), slices.Clone(l.delivered), slices.Clone(l.seen)
		c.lanes[id] = &d
	}
	return c
}

// AppendState appends all that m remembers in one canonical form.
func (m *Witness) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(len(m.casts)))
	for i := range m.casts { // named follows from these
		c := &m.casts[i]
		b = wire.AppendBytes(wire.AppendUints(b, uint64(c.origin), c.view), []byte(c.key))
		b = c.past.append(b)
	}
	b = wire.AppendUints(b, uint64(len(m.before)))
	for _, v := range slices.Sorted(maps.Keys(m.before)) {
		b = m.before[v].append(wire.AppendUints(b, v))
	}
	b = wire.AppendUints(b, uint64(len(m.lanes)))
	for _, id := range slices.Sorted(maps.Keys(m.lanes)) {
		l := m.lanes[id]
		b = wire.AppendUints(b, uint64(id), l.view, l.base, uint64(len(l.sent)), uint64(len(l.delivered)))
		for _, n := range slices.Concat(l.sent, l.delivered) {
			b = wire.AppendUints(b, uint64(n))
		}
	}
	return b // seen follows from delivered
}

// append appends s; sets that are equal have equal bytes.
func (s events) append(b []byte) []byte {
	for len(s) > 0 && s[len(s)-1] == 0 {
		s = s[:len(s)-1]
	}
	return wire.AppendUints(wire.AppendUints(b, uint64(len(s))), s...)
}
