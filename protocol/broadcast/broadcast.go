package broadcast

import (
	"cmp"
	"slices"
	"time"

	"althing/clock"
	"althing/process"
)

// The rows in the catalog.
var (
	Reliable = row("reliable", reliable)
	FIFO     = row("fifo", fifo)
	Causal   = row("causal", causal)
	Total    = row("total", total)
)

func row(name string, o order) process.Protocol {
	p := process.Protocol{
		Name:   name,
		Paper:  "Vassos Hadzilacos, Sam Toueg, Fault-Tolerant Broadcasts and Related Problems, 1994",
		New:    func(c process.Config) process.Process { return newMember(o, c) },
		Decode: Decode,
		Facts: process.Facts{
			Faults:   process.Crash,
			Order:    process.Eventual,
			Replicas: func(f int) int { return f + 1 },
			Rounds:   1,
			Messages: func(n int) int { return 2 * (n - 1) }, // casts, and what has been received
		},
	}
	if o == causal {
		p.Paper = "Kenneth Birman, Andre Schiper, Pat Stephenson, Lightweight Causal and Atomic Group Multicast, 1991"
	}
	if o == total {
		p.Paper = "Leslie Lamport, Time, Clocks, and the Ordering of Events in a Distributed System, 1978"
		p.Facts.Order = process.Total
		p.Facts.Replicas = func(f int) int {
			if f > 0 {
				return 0 // it waits for all
			}
			return 1
		}
		p.Facts.Rounds = 2
		p.Facts.Messages = func(n int) int { return n*n - 1 } // casts, and word from all to all
	}
	p.Monitor = func() process.Monitor { return newMonitor(o) }
	return p
}

// repair goes on as long as something is owed or cannot be delivered.
const repair process.Timer = 1

const (
	defaultHeartbeat = 50 * time.Millisecond
	// maxOwed bounds the casts of its own that a member keeps for others: more
	// would fill its memory while one of them is away.
	maxOwed = 1 << 16
	// window bounds what a member is sent again at a time: it may be on its way.
	window = 64
)

// A member is one of the group. Vectors have the entry of ID i at i-1.
type member struct {
	cfg   process.Config
	order order
	group []process.ID // ascending

	// What the records say.
	time   uint64       // total: of the latest cast sent or received
	counts clock.Vector // casts 1 to count of each origin are here
	log    [][]kept     // of each origin, ascending: casts that are here, as long as they must be

	// The way to the application.
	line      []*Cast      // not known to be durable, in the order saved
	pending   []*Cast      // durable, cannot be delivered yet; see insert
	index     uint64       // deliveries
	delivered clock.Vector // of each origin; with fifo and more, its casts 1 to that
	reached   clock.Vector // total: durable casts 1 to that of each origin
	last      []uint64     // total: the time of that cast

	// What the others have said.
	known    []clock.Vector // their counts
	promised []promise      // total
	tell     []process.ID   // who waits for word of what is here, ascending
	lived    bool           // it has records of an earlier life
	armed    bool           // repair is set
}

// kept is a cast with the number of its delivery here; 0: not delivered.
type kept struct {
	*Cast
	index uint64
}

// promise: what comes after count has a time beyond time.
type promise struct{ count, time uint64 }

func newMember(o order, c process.Config) *member {
	if c.Heartbeat == 0 {
		c.Heartbeat = defaultHeartbeat
	}
	return &member{cfg: c, order: o}
}

// at returns the place of id in vectors.
func at(id process.ID) int { return int(id) - 1 }

// Step implements process.Process.
func (m *member) Step(in process.Input, out *process.Output) {
	switch in.Kind {
	case process.Recover:
		m.recover(in.Msg)
	case process.Start:
		m.start(in.State, out)
	case process.Submit:
		m.submit(in.Reqs, out)
	case process.Receive:
		m.receive(in.From, in.Msg, out)
	case process.Timeout:
		m.armed = false
		m.repair(out)
	case process.Compact:
		m.compact(in.State.Index, out)
	}
	if in.Kind != process.Recover {
		m.arm(out)
	}
}

func (m *member) recover(msg process.Msg) {
	m.lived = true
	switch r := msg.(type) {
	case *Cast:
		m.take(r)
	case *Kept:
		*m = member{cfg: m.cfg, order: m.order, lived: true,
			index: r.Index, time: r.Time, delivered: r.Delivered.Clone()}
		for i := range r.Owed {
			m.keep(kept{&r.Owed[i], r.Index})
		}
		for i := range r.Line {
			m.take(&r.Line[i])
		}
		m.counts = r.Counts.Clone()
	}
}

// start delivers what is here beyond what the application holds.
func (m *member) start(s *process.State, out *process.Output) {
	m.group = s.Group.Members()
	n := len(m.counts)
	for _, id := range m.group {
		n = max(n, int(id))
	}
	m.known, m.promised, m.last = make([]clock.Vector, n), make([]promise, n), make([]uint64, n)
	if !m.lived {
		m.index = s.Index
		out.Save(&Kept{Index: s.Index}) // deliveries are counted from here
	}
	m.reached = m.delivered.Clone()
	line := m.line
	m.line = nil
	for _, c := range line {
		m.insert(c)
	}
	m.deliver(s.Index, out)
	if m.member() {
		m.toAll(&Have{Counts: m.counts.Clone(), Time: m.time, Ask: true}, out)
	}
}

func (m *member) member() bool { return slices.Contains(m.group, m.cfg.Self) }

func (m *member) toAll(msg process.Msg, out *process.Output) {
	for _, id := range m.group {
		if id != m.cfg.Self {
			out.Send(id, msg)
		}
	}
}

func (m *member) submit(reqs []process.Request, out *process.Output) {
	for i := range reqs {
		q := reqs[i : i+1]
		switch ok := q[0].Kind == process.Command || q[0].Kind == process.Session && m.order == total; {
		case !ok:
			out.Refuse(q, process.Unsupported, 0)
		case !m.member():
			out.Refuse(q, process.NotLeader, 0)
		case m.backlog() >= maxOwed:
			out.Refuse(q, process.Busy, 0)
		default:
			m.broadcast(q[0], out)
		}
	}
}

// backlog returns how many casts of our own some member is not known to have.
// What all have counts no more, though the log may keep it until it is cut.
func (m *member) backlog() uint64 {
	self := at(m.cfg.Self)
	sent := m.counts.At(self)
	least := sent
	for _, id := range m.group {
		if id != m.cfg.Self {
			least = min(least, m.known[at(id)].At(self))
		}
	}
	return sent - least
}

func (m *member) broadcast(q process.Request, out *process.Output) {
	c := &Cast{Origin: m.cfg.Self, Seq: m.counts.At(at(m.cfg.Self)) + 1, Req: q}
	switch m.order {
	case causal:
		c.After = m.delivered.Clone()
		set(&c.After, at(c.Origin), c.Seq)
	case total:
		c.Time = m.time + 1
	}
	m.save(c, out)
	m.toAll(c, out)
}

// save makes a cast durable; Stored says when it is.
func (m *member) save(c *Cast, out *process.Output) {
	out.Save(c)
	m.take(c)
	out.Send(m.cfg.Self, &Stored{c.Origin, c.Seq})
}

// take notes a cast that was not here before.
func (m *member) take(c *Cast) {
	m.time = max(m.time, c.Time)
	m.line = append(m.line, c)
	i := m.keep(kept{Cast: c})
	o, n := at(c.Origin), m.counts.At(at(c.Origin))
	for ; i < len(m.log[o]) && m.log[o][i].Seq == n+1; i++ { // it may close a gap
		n++
	}
	set(&m.counts, o, n)
}

// keep puts k into the log, and returns where.
func (m *member) keep(k kept) int {
	o := at(k.Origin)
	for len(m.log) <= o {
		m.log = append(m.log, nil)
	}
	i := m.after(k.Origin, k.Seq-1)
	m.log[o] = slices.Insert(m.log[o], i, k)
	return i
}

// after returns where in the log of origin the casts beyond seq begin.
func (m *member) after(origin process.ID, seq uint64) int {
	i, _ := slices.BinarySearchFunc(m.log[at(origin)], seq+1, func(k kept, seq uint64) int {
		return cmp.Compare(k.Seq, seq)
	})
	return i
}

// find returns the cast of that name as it is in the log, or nil.
func (m *member) find(origin process.ID, seq uint64) *kept {
	if at(origin) >= len(m.log) {
		return nil
	}
	log := m.log[at(origin)]
	if i := m.after(origin, seq-1); i < len(log) && log[i].Seq == seq {
		return &log[i]
	}
	return nil
}

func (m *member) has(c *Cast) bool {
	return c.Seq <= m.counts.At(at(c.Origin)) || m.find(c.Origin, c.Seq) != nil
}

func (m *member) receive(from process.ID, msg process.Msg, out *process.Output) {
	if !slices.Contains(m.group, from) {
		return // a stranger; in a group that never changes there is no reason to listen
	}
	switch r := msg.(type) {
	case *Cast:
		if !slices.Contains(m.group, r.Origin) {
			return
		}
		if !m.has(r) { // who sends it again asks too
			m.owe(from)
			m.save(r, out)
		}
	case *Have:
		m.hear(from, r)
		m.deliver(m.index, out)
		if r.Ask {
			m.owe(from)
			m.answer(out)
		}
	case *Stored:
		i := slices.IndexFunc(m.line, func(c *Cast) bool { return c.Origin == r.Origin && c.Seq == r.Seq })
		for _, c := range m.line[:i+1] {
			m.insert(c)
		}
		m.line = m.line[i+1:]
		m.deliver(m.index, out)
		m.answer(out)
	}
}

// owe notes that a member waits for word of what is here.
func (m *member) owe(id process.ID) {
	if i, ok := slices.BinarySearch(m.tell, id); !ok {
		m.tell = slices.Insert(m.tell, i, id)
	}
}

// answer tells what is here: those who wait for it, or all, if they need our
// time to go on. It leaves when all of it is durable.
func (m *member) answer(out *process.Output) {
	h := &Have{Counts: m.counts.Clone(), Time: m.time}
	if m.order == total {
		m.toAll(h, out)
	} else {
		for _, id := range m.tell {
			if id != m.cfg.Self {
				out.Send(id, h)
			}
		}
	}
	m.tell = m.tell[:0]
}

// hear takes in what another has. Both numbers of a promise only grow; messages
// may overtake one another.
func (m *member) hear(from process.ID, h *Have) {
	m.known[at(from)].Merge(h.Counts)
	p := &m.promised[at(from)]
	if n := h.Counts.At(at(from)); n >= p.count && h.Time >= p.time {
		*p = promise{n, h.Time}
	}
}

// repair sends each member what it is not known to have, whoever broadcast it:
// the oldest first. It asks, since what was delivered may wait for an answer.
func (m *member) repair(out *process.Output) {
	h := &Have{Counts: m.counts.Clone(), Time: m.time, Ask: true}
	for _, id := range m.group {
		if id == m.cfg.Self {
			continue
		}
		for o := range m.log {
			origin := process.ID(o + 1)
			missing := m.log[o][m.after(origin, m.known[at(id)].At(o)):]
			for _, k := range missing[:min(window, len(missing))] {
				out.Send(id, k.Cast)
			}
		}
		out.Send(id, h)
	}
}

// arm sets the timer if there is a reason, and once only: it would never fire
// if each message moved it.
func (m *member) arm(out *process.Output) {
	if m.armed || !m.member() || len(m.group) == 1 {
		return
	}
	if len(m.pending) > 0 || !m.everywhere() {
		m.armed = true
		out.SetTimer(repair, process.Span{Min: m.cfg.Heartbeat, Max: m.cfg.Heartbeat + m.cfg.Heartbeat/4})
	}
}

// everywhere reports whether all members are known to have all that is here.
func (m *member) everywhere() bool {
	for _, id := range m.group {
		if id != m.cfg.Self {
			if o := m.counts.Compare(m.known[at(id)]); o == clock.After || o == clock.Concurrent {
				return false
			}
		}
	}
	return !slices.ContainsFunc(m.log, func(log []kept) bool { // beyond a gap
		n := len(log)
		return n > 0 && log[n-1].Seq > m.counts.At(at(log[n-1].Origin))
	})
}

// compact forgets the casts that the application holds durably and all members
// are known to have.
func (m *member) compact(index uint64, out *process.Output) {
	r := &Kept{Index: index, Time: m.time, Counts: m.counts.Clone(), Delivered: m.delivered.Clone()}
	var later []kept
	for o := range m.log {
		m.log[o] = slices.DeleteFunc(m.log[o], func(k kept) bool {
			return k.index > 0 && k.index <= index && m.allHave(k.Cast)
		})
		for _, k := range m.log[o] {
			if k.index > 0 && k.index <= index {
				r.Owed = append(r.Owed, *k.Cast)
			} else if k.index > 0 {
				later = append(later, k)
				set(&r.Delivered, o, r.Delivered.At(o)-1)
			}
		}
	}
	slices.SortFunc(later, func(a, b kept) int { return cmp.Compare(a.index, b.index) })
	for _, k := range later {
		r.Line = append(r.Line, *k.Cast)
	}
	for _, c := range slices.Concat(m.pending, m.line) {
		r.Line = append(r.Line, *c)
	}
	out.Checkpoint(r)
}

// allHave reports whether it is known that all have c, and we too have what was
// broadcast before it: beyond a gap, the log is what tells a cast that was here
// from one that was not.
func (m *member) allHave(c *Cast) bool {
	if m.counts.At(at(c.Origin)) < c.Seq {
		return false
	}
	for _, id := range m.group {
		if id != m.cfg.Self && m.known[at(id)].At(at(c.Origin)) < c.Seq {
			return false
		}
	}
	return true
}

// set makes entry i of v be n.
func set(v *clock.Vector, i int, n uint64) {
	for len(*v) <= i {
		*v = append(*v, 0)
	}
	(*v)[i] = n
}
