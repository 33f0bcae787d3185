package broadcast

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"althing/process"
	"althing/wire"
)

// monitor checks that each member delivers in its order, by what was broadcast
// and delivered, and not by the numbers, vectors and stamps of the protocol.
// That no member delivers twice, and nothing that nobody broadcast, the hosts
// check of every protocol; and of a total one that all deliver alike.
type monitor struct {
	order order
	casts []event        // every broadcast, numbered from 0
	named map[name]int   // the latest of that name: numbers of lost casts come again
	asked map[string]int // the latest of that key
	of    map[process.ID]*lane
}

// An event is a broadcast and what was before it.
type event struct {
	key    string // of its request
	past   events // causal: happened before it; fifo: broadcast by its sender before it
	origin process.ID
}

// name is how records name a cast.
type name struct {
	origin process.ID
	seq    uint64
}

// A lane is one member.
type lane struct {
	sent      []int // broadcasts of its own that are not lost
	delivered []int // by index, of those that the application holds
	base      uint64
	seen      events // of delivered
}

// events is a set of broadcasts: a bit for each.
type events []uint64

func (s *events) add(i int) {
	for len(*s) <= i/64 {
		*s = append(*s, 0)
	}
	(*s)[i/64] |= 1 << (i % 64)
}

// lacks returns an element of t that is not in s, or -1.
func (s events) lacks(t events) int {
	for i, w := range t {
		if i < len(s) {
			w &^= s[i]
		}
		for bit := range 64 {
			if w>>bit&1 != 0 {
				return i*64 + bit
			}
		}
	}
	return -1
}

func newMonitor(o order) *monitor {
	return &monitor{order: o, named: map[name]int{}, asked: map[string]int{}, of: map[process.ID]*lane{}}
}

// key names a request.
func key(q *process.Request) string {
	return string(wire.AppendUints(nil, uint64(q.Kind), q.Client, q.Seq)) + string(q.Cmd)
}

func (m *monitor) lane(id process.ID) *lane {
	if m.of[id] == nil {
		m.of[id] = &lane{}
	}
	return m.of[id]
}

// Crashed implements process.Monitor: what the member broadcast comes back only
// with its records.
func (m *monitor) Crashed(id process.ID) { m.lane(id).sent = nil }

// Stepped implements process.Monitor.
func (m *monitor) Stepped(id process.ID, _ process.Process, in *process.Input, effects []process.Effect) error {
	l := m.lane(id)
	switch in.Kind {
	case process.Recover:
		m.recovered(l, id, in.Msg)
		return nil
	case process.Start:
		m.restarted(l, in.State.Index)
	}
	for i := range effects {
		e := &effects[i]
		if c, ok := e.Msg.(*Cast); ok && e.Kind == process.Save && c.Origin == id {
			m.broadcast(l, c)
		}
		for j := range e.Entries {
			if err := m.deliver(l, id, &e.Entries[j]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *monitor) recovered(l *lane, id process.ID, msg process.Msg) {
	casts := []Cast{}
	switch r := msg.(type) {
	case *Cast:
		casts = append(casts, *r)
	case *Kept:
		l.sent = nil
		casts = slices.Concat(r.Owed, r.Line)
	}
	for i := range casts {
		if n, ok := m.named[name{casts[i].Origin, casts[i].Seq}]; ok && casts[i].Origin == id {
			l.sent = append(l.sent, n)
		}
	}
}

// restarted takes back what the application does not hold any more.
func (m *monitor) restarted(l *lane, index uint64) {
	if len(l.delivered) == 0 {
		l.base = index
	}
	l.delivered = l.delivered[:min(uint64(len(l.delivered)), index-l.base)]
	l.seen = nil
	for _, n := range l.delivered {
		l.seen.add(n)
	}
}

func (m *monitor) broadcast(l *lane, c *Cast) {
	e := event{key: key(&c.Req), origin: c.Origin}
	if m.order == causal {
		e.past = slices.Clone(l.seen)
	}
	if m.order == fifo || m.order == causal {
		for _, n := range l.sent {
			e.past.add(n)
		}
	}
	n := len(m.casts)
	m.casts = append(m.casts, e)
	m.named[name{c.Origin, c.Seq}], m.asked[e.key] = n, n
	l.sent = append(l.sent, n)
}

func (m *monitor) deliver(l *lane, id process.ID, e *process.Entry) error {
	n, ok := m.asked[key(&e.Req)]
	if !ok {
		return fmt.Errorf("creation: %d delivers %q, which nobody broadcast", id, e.Req.Cmd)
	}
	c := &m.casts[n]
	if i := l.seen.lacks(c.past); i >= 0 {
		return fmt.Errorf("%v order: %d delivers %q of %d without %q of %d before it",
			m.order, id, e.Req.Cmd, c.origin, strings.TrimLeft(m.casts[i].key, "\x00"), m.casts[i].origin)
	}
	l.delivered = append(l.delivered, n)
	l.seen.add(n)
	return nil
}

// Clone returns an independent copy.
func (m *monitor) Clone() process.Monitor {
	c := &monitor{order: m.order, casts: slices.Clone(m.casts), named: maps.Clone(m.named),
		asked: maps.Clone(m.asked), of: map[process.ID]*lane{}}
	for id, l := range m.of {
		c.of[id] = &lane{sent: slices.Clone(l.sent), delivered: slices.Clone(l.delivered), base: l.base,
			seen: slices.Clone(l.seen)}
	}
	return c
}

// AppendState appends all that m remembers in one canonical form.
func (m *monitor) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(len(m.casts)))
	for i := range m.casts {
		c := &m.casts[i]
		b = wire.AppendUints(b, uint64(c.origin), uint64(len(c.key)))
		b = c.past.append(append(b, c.key...))
	}
	b = wire.AppendUints(b, uint64(len(m.named)))
	for _, n := range slices.SortedFunc(maps.Keys(m.named), func(x, y name) int {
		return cmp.Or(cmp.Compare(x.origin, y.origin), cmp.Compare(x.seq, y.seq))
	}) {
		b = wire.AppendUints(b, uint64(n.origin), n.seq, uint64(m.named[n]))
	}
	b = wire.AppendUints(b, uint64(len(m.asked)))
	for _, k := range slices.Sorted(maps.Keys(m.asked)) {
		b = append(wire.AppendUints(b, uint64(m.asked[k]), uint64(len(k))), k...)
	}
	b = wire.AppendUints(b, uint64(len(m.of)))
	for _, id := range slices.Sorted(maps.Keys(m.of)) {
		l := m.of[id]
		b = wire.AppendUints(b, uint64(id), l.base, uint64(len(l.sent)), uint64(len(l.delivered)))
		for _, n := range slices.Concat(l.sent, l.delivered) {
			b = wire.AppendUints(b, uint64(n))
		}
		b = l.seen.append(b)
	}
	return b
}

// append appends s; sets that are equal have equal bytes.
func (s events) append(b []byte) []byte {
	for len(s) > 0 && s[len(s)-1] == 0 {
		s = s[:len(s)-1]
	}
	return wire.AppendUints(wire.AppendUints(b, uint64(len(s))), s...)
}
