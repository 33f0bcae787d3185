package snapshot

import (
	"cmp"
	"slices"
	"time"

	"althing/clock"
	"althing/process"
	"althing/wire"
)

// The rows in the catalog.
var (
	ChandyLamport = row("chandylamport", true,
		"K. Mani Chandy, Leslie Lamport, Distributed Snapshots: Determining Global States of Distributed Systems, 1985")
	LaiYang = row("laiyang", false, "Ten H. Lai, Tao H. Yang, On Distributed Snapshots, 1987")
)

func row(name string, ordered bool, paper string) process.Protocol {
	return process.Protocol{
		Name:    name,
		Paper:   paper,
		New:     func(c process.Config) process.Process { return newMember(ordered, c) },
		Decode:  Decode,
		Monitor: func() process.Monitor { return newMonitor() },
		Facts: process.Facts{
			Faults: process.Crash,
			Order:  process.Eventual,
			Replicas: func(f int) int {
				if f > 0 {
					return 0 // money that is gone is gone
				}
				return 1
			},
			Rounds:   1,
			Messages: func(int) int { return 2 }, // a packet and its acknowledgement
		},
	}
}

const (
	resend process.Timer = iota + 1 // packets are not acknowledged
	begin                           // time for a picture
)

const (
	defaultHeartbeat = 50 * time.Millisecond
	// opening is what each account holds at first.
	opening = 100
	// window bounds the packets that are sent again at a time.
	window = 16
	// maxUnacked bounds what waits for another: more would fill the memory while
	// it is away.
	maxUnacked = 1 << 12
)

// A member has an account, and a channel from and to each other member.
type member struct {
	cfg     process.Config
	ordered bool
	group   []process.ID  // ascending
	early   []process.Msg // records, until the group is known

	// What the records say.
	account  uint64
	moves    uint64       // of money, begun here
	channels []channel    // by the other's ID-1
	colour   clock.Vector // pictures recorded, by initiator's ID-1
	pictures []picture    // recorded and not complete, by initiator

	// Of this life.
	replies   []reply   // wait for the disk
	resending bool      // the timer is set
	done      []picture // complete since the present Step began: for those who look from outside
}

// A channel is both directions between two members.
type channel struct {
	sent    uint64    // number of the last packet
	unacked []*Packet // ascending
	got     uint64    // packets 1 to got are here
	beyond  []uint64  // and these, ascending: never with ordered channels
}

// A picture is this member's part of one.
type picture struct {
	Picture
	account uint64
	sides   []side // by the other's ID-1
}

// A side is one channel to us, and back, in a picture.
type side struct {
	flight uint64 // was on its way to us
	marked bool   // its marker has come
	before uint64 // as that says: packets before the other recorded
	mine   uint64 // packets to the other before we recorded
	told   bool   // our marker was sent
}

// A reply waits for the disk.
type reply struct {
	to  process.ID
	seq uint64
	req process.Request
}

func newMember(ordered bool, c process.Config) *member {
	if c.Heartbeat == 0 {
		c.Heartbeat = defaultHeartbeat
	}
	return &member{cfg: c, ordered: ordered}
}

func at(id process.ID) int { return int(id) - 1 }

// Step implements process.Process.
func (m *member) Step(in process.Input, out *process.Output) {
	m.done = nil
	switch in.Kind {
	case process.Recover:
		m.early = append(m.early, in.Msg)
	case process.Start:
		m.start(in.State, out)
	case process.Submit:
		m.submit(in.Reqs, out)
	case process.Receive:
		m.receive(in.From, in.Msg, out)
	case process.Timeout:
		m.timeout(in.Timer, out)
	}
	if in.Kind != process.Recover {
		m.arm(out)
	}
}

// start does again what the records say was done.
func (m *member) start(s *process.State, out *process.Output) {
	m.group = s.Group.Members()
	if !slices.Contains(m.group, m.cfg.Self) {
		m.group = nil // one that joins has no account
		return
	}
	m.account = opening
	m.channels = make([]channel, m.group[len(m.group)-1])
	for _, r := range m.early {
		switch r := r.(type) {
		case *Begun:
			m.record(m.next())
		case *Packet:
			if r.From == m.cfg.Self {
				m.sent(r)
			} else {
				m.got(r)
			}
		}
		m.finish()
	}
	m.early = nil
	m.mark(out) // where the crash came between recording and marking
	out.SetTimer(begin, m.pause())
}

// next names the next picture of our own.
func (m *member) next() Picture {
	return Picture{m.cfg.Self, m.colour.At(at(m.cfg.Self)) + 1}
}

func (m *member) pause() process.Span {
	return process.Span{Min: 4 * m.cfg.Heartbeat, Max: 16 * m.cfg.Heartbeat}
}

func (m *member) others(yield func(process.ID) bool) {
	for _, id := range m.group {
		if id != m.cfg.Self && !yield(id) {
			return
		}
	}
}

// submit moves money for each command, to each member in turn.
func (m *member) submit(reqs []process.Request, out *process.Output) {
	for i := range reqs {
		q := reqs[i : i+1]
		if q[0].Kind != process.Command {
			out.Refuse(q, process.Unsupported, 0)
			continue
		}
		if len(m.group) < 2 {
			out.Refuse(q, process.NotLeader, 0)
			continue
		}
		i, _ := slices.BinarySearch(m.group, m.cfg.Self)
		to := m.group[(i+1+int(m.moves)%(len(m.group)-1))%len(m.group)]
		amount := min(m.account, 1+m.moves%9)
		if amount == 0 {
			out.Reply(q[0], []byte("nothing to move"))
			continue
		}
		if len(m.channels[at(to)].unacked) >= maxUnacked {
			out.Refuse(q, process.Busy, 0)
			continue
		}
		p := &Packet{To: to, Amount: amount}
		m.send(p, out)
		m.replies = append(m.replies, reply{to, p.Seq, q[0]})
		out.Send(m.cfg.Self, &Stored{p.To, p.Seq})
	}
}

// send puts a packet on a channel.
func (m *member) send(p *Packet, out *process.Output) {
	p.From, p.Seq, p.Colour = m.cfg.Self, m.channels[at(p.To)].sent+1, m.colour.Clone()
	out.Save(p)
	m.sent(p)
	out.Send(p.To, p)
}

// sent is what a sending changes.
func (m *member) sent(p *Packet) {
	c := &m.channels[at(p.To)]
	c.sent = p.Seq
	c.unacked = append(c.unacked, p)
	if p.Amount > 0 {
		m.account -= p.Amount
		m.moves++
		return
	}
	for i := range m.pictures {
		if m.pictures[i].Picture == p.Picture {
			m.pictures[i].sides[at(p.To)].told = true
		}
	}
}

func (m *member) receive(from process.ID, msg process.Msg, out *process.Output) {
	if !slices.Contains(m.group, from) {
		return
	}
	switch r := msg.(type) {
	case *Packet:
		if r.From != from || r.To != m.cfg.Self || from == m.cfg.Self {
			return
		}
		if m.accepts(r) {
			out.Save(r)
			m.got(r)
			m.mark(out)
			m.finish()
		}
		out.Send(from, &Ack{m.channels[at(from)].got})
	case *Ack:
		c := &m.channels[at(from)]
		for len(c.unacked) > 0 && c.unacked[0].Seq <= r.Seq {
			c.unacked = c.unacked[1:]
		}
	case *Stored:
		i := slices.IndexFunc(m.replies, func(w reply) bool { return w.to == r.To && w.seq == r.Seq })
		if i >= 0 {
			out.Reply(m.replies[i].req, []byte("moved"))
			m.replies = slices.Delete(m.replies, i, i+1)
		}
	}
}

// accepts reports whether p is to be taken: once, and in order if there is one.
func (m *member) accepts(p *Packet) bool {
	c := &m.channels[at(p.From)]
	if m.ordered {
		return p.Seq == c.got+1
	}
	_, here := slices.BinarySearch(c.beyond, p.Seq)
	return p.Seq > c.got && !here
}

// got is what a receipt changes.
func (m *member) got(p *Packet) {
	if m.ordered && p.Amount == 0 && p.Picture.N > m.colour.At(at(p.Picture.Initiator)) {
		m.record(p.Picture) // at the first marker
	}
	if !m.ordered {
		for i, n := range p.Colour {
			if n > m.colour.At(i) {
				m.record(Picture{process.ID(i + 1), n}) // before what was sent after it
			}
		}
	}
	c := &m.channels[at(p.From)]
	i, _ := slices.BinarySearch(c.beyond, p.Seq)
	c.beyond = slices.Insert(c.beyond, i, p.Seq)
	for len(c.beyond) > 0 && c.beyond[0] == c.got+1 {
		c.got, c.beyond = c.got+1, c.beyond[1:]
	}
	m.account += p.Amount
	for i := range m.pictures {
		s := &m.pictures[i]
		side := &s.sides[at(p.From)]
		if m.inFlight(s, p) {
			side.flight += p.Amount
		}
		if p.Picture == s.Picture {
			side.marked, side.before = true, p.Before
		}
	}
}

// inFlight reports whether p, which comes now, was on its way in the picture.
func (m *member) inFlight(s *picture, p *Packet) bool {
	if m.ordered {
		return !s.sides[at(p.From)].marked
	}
	return p.Colour.At(at(s.Initiator)) < s.N
}

// record notes the account for a picture.
func (m *member) record(p Picture) {
	for len(m.colour) < int(p.Initiator) {
		m.colour = append(m.colour, 0)
	}
	m.colour[at(p.Initiator)] = p.N
	s := picture{Picture: p, account: m.account, sides: make([]side, len(m.channels))}
	for i := range m.channels {
		s.sides[i].mine = m.channels[i].sent
	}
	m.pictures = append(m.pictures, s)
	slices.SortFunc(m.pictures, func(a, b picture) int {
		return cmp.Or(cmp.Compare(a.Initiator, b.Initiator), cmp.Compare(a.N, b.N))
	})
}

// mark sends the markers of what was recorded: with ordered channels they go
// before whatever else is sent.
func (m *member) mark(out *process.Output) {
	for i := range m.pictures {
		s := &m.pictures[i]
		for id := range m.others {
			if side := &s.sides[at(id)]; !side.told {
				m.send(&Packet{To: id, Picture: s.Picture, Before: side.mine}, out)
			}
		}
	}
}

// finish takes out the pictures of which our part is complete: all have told
// us what they sent before, and it is here.
func (m *member) finish() {
	m.pictures = slices.DeleteFunc(m.pictures, func(s picture) bool {
		for id := range m.others {
			side := &s.sides[at(id)]
			if !side.told || !side.marked || m.channels[at(id)].got < side.before {
				return false
			}
		}
		m.done = append(m.done, s)
		return true
	})
}

func (m *member) timeout(t process.Timer, out *process.Output) {
	if t == begin {
		m.begin(out)
		out.SetTimer(begin, m.pause())
		return
	}
	m.resending = false
	for id := range m.others {
		unacked := m.channels[at(id)].unacked
		for _, p := range unacked[:min(window, len(unacked))] {
			out.Send(id, p)
		}
	}
}

// begin takes a picture, unless the last of our own is not complete.
func (m *member) begin(out *process.Output) {
	if len(m.group) < 2 || slices.ContainsFunc(m.pictures, func(s picture) bool { return s.Initiator == m.cfg.Self }) {
		return
	}
	out.Save(&Begun{})
	m.record(m.next())
	m.mark(out)
}

// arm sets the timer once: it would never fire if each packet moved it.
func (m *member) arm(out *process.Output) {
	waits := func(c channel) bool { return len(c.unacked) > 0 }
	if !m.resending && slices.ContainsFunc(m.channels, waits) {
		m.resending = true
		out.SetTimer(resend, process.Span{Min: m.cfg.Heartbeat, Max: 2 * m.cfg.Heartbeat})
	}
}

// Status implements process.Process. Nothing is committed: the account is the
// protocol's own.
func (m *member) Status() process.Status { return process.Status{Role: "member"} }

// Progress implements process.Process: there is no leader.
func (m *member) Progress(b []process.Progress) []process.Progress { return b }

// Clone implements process.Process.
func (m *member) Clone() process.Process {
	c := *m
	c.early, c.replies, c.colour = slices.Clone(m.early), slices.Clone(m.replies), m.colour.Clone()
	c.channels = slices.Clone(m.channels)
	for i := range c.channels {
		c.channels[i].unacked = slices.Clone(c.channels[i].unacked)
		c.channels[i].beyond = slices.Clone(c.channels[i].beyond)
	}
	c.pictures, c.done = clonePictures(m.pictures), clonePictures(m.done)
	return &c
}

func clonePictures(ps []picture) []picture {
	c := slices.Clone(ps)
	for i := range c {
		c[i].sides = slices.Clone(c[i].sides)
	}
	return c
}

// AppendState implements process.Process.
func (m *member) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(len(m.early)), uint64(len(m.group)), m.account, m.moves)
	for _, r := range m.early {
		b, _ = r.AppendBinary(b) // never fails
	}
	b, _ = m.colour.AppendBinary(b)
	for _, c := range m.channels {
		b = wire.AppendUints(b, c.sent, uint64(len(c.unacked)), c.got, uint64(len(c.beyond)))
		for _, p := range c.unacked {
			b, _ = p.AppendBinary(b)
		}
		b = wire.AppendUints(b, c.beyond...)
	}
	b = wire.AppendUints(b, uint64(len(m.pictures)))
	for _, s := range m.pictures {
		b = wire.AppendUints(b, uint64(s.Initiator), s.N, s.account)
		for _, side := range s.sides {
			b = wire.AppendUints(b, side.flight, side.before, side.mine, bit(side.marked)<<1|bit(side.told))
		}
	}
	b = wire.AppendUints(b, uint64(len(m.replies)), bit(m.resending))
	for _, w := range m.replies {
		b = wire.AppendUints(b, uint64(w.to), w.seq)
	}
	return b
}

func bit(on bool) uint64 {
	if on {
		return 1
	}
	return 0
}
