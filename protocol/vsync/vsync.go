package vsync

import (
	"slices"
	"time"

	"althing/clock"
	"althing/oplog"
	"althing/oplog/lanes"
	"althing/process"
	"althing/quorum"
	"althing/wire"
)

// Protocol is the row of the catalog with total order.
var Protocol = process.Protocol{
	Name: "vsync",
	Paper: "Kenneth Birman, Thomas Joseph, Exploiting Virtual Synchrony in Distributed Systems, 1987; " +
		"Kenneth Birman, André Schiper, Pat Stephenson, Lightweight Causal and Atomic Group Multicast, 1991",
	New:     New,
	Decode:  Decode,
	Monitor: newMonitor,
	Facts: process.Facts{
		Faults:   process.Crash,
		Order:    process.Total,
		Replicas: func(f int) int { return 2*f + 1 },
		Shrinks:  true,
		Rounds:   2,                                      // sequencer to the view, and back
		Messages: func(n int) int { return 3 * (n - 1) }, // Cast, Ack, Stable
	},
}

// The rows of the catalog without: any member casts, and whoever delivers something
// does so after what its sender cast before it, or had delivered.
var (
	FIFO   = partial("vsync-fifo", false)
	Causal = partial("vsync-causal", true)
)

func partial(name string, causal bool) process.Protocol {
	p := Protocol
	p.Name = name
	p.New = func(c process.Config) process.Process { return newPartial(c, causal) }
	p.Monitor = func() process.Monitor { return newMessageMonitor(causal) }
	p.Facts.Order = process.Eventual
	p.Facts.Messages = func(n int) int { return n * (n - 1) } // to all, and word from all of them to all
	return p
}

const (
	election    process.Timer = iota + 1 // not sequencer: none was heard; coordinator: a change takes too long
	heartbeat                            // sequencer: time to be heard
	checkTimer                           // sequencer: are all of the view there, and who could join?
	resend                               // coordinator: say it again
	gather                               // coordinator: a majority has flushed, the others had time
	repairTimer                          // without total order: something may be lost
)

// Defaults of process.Config.
const (
	defaultHeartbeat  = 50 * time.Millisecond
	defaultBatchBytes = 1 << 20 // a message that a 1 Gbit/s link carries in 8 ms
	defaultWindow     = 64      // messages: 64 MiB on their way is more than a link holds
)

var defaultElection = process.Span{Min: 150 * time.Millisecond, Max: 300 * time.Millisecond}

// maxWaiting bounds the requests that a sequencer takes in before the first of
// them is delivered: more would only wait in memory.
const maxWaiting = 1 << 16

// A ViewID names a view, and the change of view that led to it: a round, and
// the ID of the coordinator who first proposed it, who alone uses it and is the
// sequencer of the view. 0 is the view that a group is founded in; it has no
// sequencer. Later views have higher IDs.
type ViewID uint64

// rounds is the distance of the views of one coordinator: above any ID, and such
// that people see both parts. View 300002 is of round 3 and of replica 2.
const rounds = 100_000

// after returns the ViewID of id in the round after that of v.
func (v ViewID) after(id process.ID) ViewID { return (v/rounds+1)*rounds + ViewID(id) }

// sequencer returns who casts in view v.
func (v ViewID) sequencer() process.ID { return process.ID(v % rounds) }

// phase is what a replica does about the next view.
type phase uint8

const (
	idle       phase = iota
	suspecting       // do others hear no sequencer either?
	flushing         // coordinator: the view is asked to stop, and to tell what it has
	proposing        // coordinator: the view is asked to agree on the next one
)

// A Member is one replica, in the view or outside.
type Member struct {
	cfg  process.Config
	msgs *messages // nil: one order for all. Else the log has views alone

	// Saved: each change is recorded with out.Save.
	view     ViewID    // the latest view known to be agreed on
	promised ViewID    // the change of view that we flushed for; 0: none in this view
	vote     Vote      // for the next view; its Ballot is 0 if there is none
	log      oplog.Log // of this view and those before; each view begins with the entry that names it

	// Volatile at all.
	sequencer process.ID // heard in this life, or ourselves in office; 0: unknown
	delivered uint64     // handed to the application, up to here
	lived     bool       // it has records from an earlier life
	now       time.Duration
	heard     time.Duration // when the sequencer, or a coordinator, was last heard
	bound     bool          // heard is set, and no election timeout has passed since
	seen      ViewID        // the highest ViewID that was heard of
	proposed  ViewID        // the last view that we proposed first, in this life
	early     []*Cast       // what came before what it follows; at most two windows
	asked     time.Duration // when what is lacking was last asked for
	asking    bool          // asked is set, and there was no full answer
	images    []image       // application states sent lately, by ID
	wanted    *Propose      // it waits for the log that it speaks of
	wantedBy  process.ID    // its sender

	// Volatile in a change of view, at who asks for it or coordinates it.
	phase    phase
	agreed   []process.ID // suspecting: who hears no sequencer; proposing: who accepted
	flushed  []flushed    // flushing: who has stopped, and what it has
	gathered bool         // flushing: a majority has flushed some time ago
	source   process.ID   // flushing: whose log is fetched; 0: none is
	goal     uint64       // flushing: up to there
	proposal process.Entry
	joiners  []process.ID    // who may join the next view
	wish     process.Request // of kind Members, if hasWish: the group that is wanted
	hasWish  bool

	// Volatile at the sequencer, from the beginning of its view until the next
	// one, or until it stops for somebody else's change.
	office    bool
	began     uint64            // the entry that names the view
	peers     []peer            // all of the group, by ID
	sent      uint64            // the log up to here was sent to all
	inflight  []uint64          // the last indexes of the Casts after delivered, ascending
	told      uint64            // the highest index known to be stable that was sent to all
	mark      uint64            // delivered at the last check
	pending   uint64            // the last entry at the last check
	round     uint64            // last round of Stables begun
	confirmed uint64            // last round that a majority answered
	reads     []read            // they wait for a round
	waiting   []process.Request // they wait for the next view
}

// flushed is a Flushed that came.
type flushed struct {
	id     process.ID
	last   uint64
	vote   Vote
	counts clock.Vector // not with total order
}

// peer is what a sequencer knows of one replica, itself too.
type peer struct {
	id     process.ID
	match  uint64        // highest index known durable there, in this view
	active bool          // heard since the last check
	round  uint64        // highest round answered
	heard  time.Duration // when last heard; 0: not in this view
}

// New returns a replica that has never run.
func New(c process.Config) process.Process { return newMember(c) }

func newMember(c process.Config) *Member {
	if c.Heartbeat == 0 {
		c.Heartbeat = defaultHeartbeat
	}
	if c.Election == (process.Span{}) {
		c.Election = defaultElection
	}
	if c.BatchBytes == 0 {
		c.BatchBytes = defaultBatchBytes
	}
	if c.Window == 0 {
		c.Window = defaultWindow
	}
	assert(c.Self != 0, "a replica needs an ID")
	return &Member{cfg: c, log: oplog.New()}
}

// newPartial returns a replica whose group has no one order for all.
func newPartial(c process.Config, causal bool) process.Process {
	m := newMember(c)
	m.msgs = &messages{Deliveries: lanes.Deliveries{Causal: causal}}
	return m
}

// Step implements process.Process.
func (m *Member) Step(in process.Input, out *process.Output) {
	m.now = in.Now
	if m.msgs != nil && in.Kind != process.Recover {
		defer m.finish(out)
	}
	switch in.Kind {
	case process.Recover:
		m.recover(in.Msg)
	case process.Start:
		m.start(in.State, out)
	case process.Submit:
		m.onSubmit(in.Reqs, out)
	case process.Timeout:
		m.onTimeout(in.Timer, out)
	case process.Receive:
		m.onReceive(&in, out)
	case process.Compact:
		m.onCompact(in.State, out)
	}
	assert(m.delivered <= m.log.Last(), "nothing is delivered beyond the log")
	assert(m.delivered >= m.log.Base(), "only delivered entries leave the log")
	assert(m.log.LastEpoch() == uint64(m.view), "the log ends in the view")
}

// recover replays one saved record.
func (m *Member) recover(msg process.Msg) {
	m.lived = true
	switch r := msg.(type) {
	case *Record:
		next := m.msgs != nil && r.View != m.view
		m.view, m.promised, m.vote = r.View, r.Promised, r.Vote
		m.log.Replace(r.Prev, r.Entries)
		if next {
			m.msgs.Enter(m.cfg.Self, cutOf(&r.Entries[0]), nil)
		}
	case *Checkpoint:
		m.view, m.promised, m.vote = r.View, r.Promised, r.Vote
		m.log.Reset(&process.State{Index: r.Base, Epoch: r.BaseEpoch, Group: r.Group})
		m.log.Append(r.Entries)
	default:
		m.recoverMessage(msg)
	}
	m.delivered = m.log.Base()
}

// start begins to take part. The application's state may be ahead of the log,
// for it is kept elsewhere and a delivery does not wait for this disk.
func (m *Member) start(s *process.State, out *process.Output) {
	if m.msgs != nil {
		m.startMessages(s, out)
		return
	}
	assert(s.Index >= m.log.Base(), "the application lost entries that it had made durable")
	if !m.lived || !m.log.Has(s.Index, s.Epoch) {
		m.log.Reset(s)
		if v := ViewID(s.Epoch); v > m.view { // else what we promised in this view stands
			m.view, m.promised, m.vote = v, 0, Vote{}
		}
		m.checkpoint(out)
	}
	m.delivered = s.Index
	// Even the sequencer of its view begins as one who follows: it may have sent
	// Casts that its own disk has lost, and must not use their indexes again.
	out.SetTimer(election, m.cfg.Election)
}

// save records what changed: the log after prev is now es.
func (m *Member) save(prev uint64, es []process.Entry, out *process.Output) {
	out.Save(&Record{View: m.view, Promised: m.promised, Vote: m.vote, Prev: prev, Entries: es})
}

// saveState records what changed beside the log.
func (m *Member) saveState(out *process.Output) { m.save(m.log.Last(), nil, out) }

// voters returns the members of the view.
func (m *Member) voters() []process.ID { return m.log.Group().Voters }

// inView reports whether id is a member of the view.
func (m *Member) inView(id process.ID) bool { return slices.Contains(m.voters(), id) }

// majority is the least that can agree on the next view: more than half of this one.
func (m *Member) majority() int { return quorum.Majority(len(m.voters())) }

// leads reports whether we may cast: in office, and not stopped by a flush.
func (m *Member) leads() bool { return m.office && m.promised == 0 }

// coordinates reports whether we coordinate a change of view.
func (m *Member) coordinates() bool { return m.phase >= flushing }

// toView sends msg to all other members of the view.
func (m *Member) toView(msg process.Msg, out *process.Output) {
	for _, id := range m.voters() {
		if id != m.cfg.Self {
			out.Send(id, msg)
		}
	}
}

func (m *Member) onTimeout(t process.Timer, out *process.Output) {
	switch {
	case t == election && m.office:
		m.onSlowChange(out)
	case t == election:
		m.suspect(out)
	case t == resend && m.coordinates():
		m.sayAgain(out)
	case t == gather && m.phase == flushing:
		m.gathered = true
		m.tryPropose(out)
	case t == heartbeat && m.leads():
		m.beginRound(out)
		out.SetTimer(heartbeat, m.beat())
	case t == checkTimer && m.leads():
		m.check(out)
	case t == repairTimer:
		m.repair(out)
	}
}

func (m *Member) beat() process.Span {
	return process.Span{Min: m.cfg.Heartbeat, Max: m.cfg.Heartbeat}
}

func (m *Member) onReceive(in *process.Input, out *process.Output) {
	switch msg := in.Msg.(type) {
	case *Cast:
		m.onCast(in.From, msg, in.State, out)
	case *Ack:
		m.onAck(in.From, msg, out)
	case *Stable:
		m.onStable(in.From, msg, out)
	case *Here:
		m.onHere(in.From, msg, out)
	case *Fetch:
		m.onFetch(in.From, msg, out)
	case *Suspect:
		m.onSuspect(in.From, msg, out)
	case *Agree:
		m.onAgree(in.From, msg, out)
	case *Flush:
		m.onFlush(in.From, msg, out)
	case *Flushed:
		m.onFlushed(in.From, msg, out)
	case *Propose:
		m.onPropose(in.From, msg, out)
	case *Accept:
		m.onAccept(in.From, msg, out)
	case *Reject:
		m.onReject(msg, out)
	case *Newer:
		m.onNewer(in.From, msg, out)
	case *HandOver:
		m.onHandOver(msg, out)
	default:
		m.receiveMessage(in.From, in.Msg, out)
	}
}

// Status implements process.Process.
func (m *Member) Status() process.Status {
	role := "member"
	switch {
	case m.office:
		role = "sequencer"
	case m.coordinates():
		role = "coordinator"
	case !m.inView(m.cfg.Self):
		role = "outside"
	case m.promised != 0:
		role = "flushed"
	}
	s := process.Status{
		Role: role, Epoch: uint64(m.view), Leader: m.sequencer,
		Last: max(m.log.Last(), m.vote.View.Index), Commit: m.delivered,
	}
	if x := m.msgs; x != nil {
		s.Last, s.Commit = x.Last(), x.Index
	}
	return s
}

// Progress implements process.Process.
func (m *Member) Progress(b []process.Progress) []process.Progress {
	for i := range m.peers {
		p := &m.peers[i]
		if p.id != m.cfg.Self {
			b = append(b, process.Progress{ID: p.id, Match: p.match, Heard: p.heard, Learner: !m.inView(p.id)})
		}
	}
	return b
}

// Clone implements process.Process. Entries are shared; clipped, they are
// copied by whichever side appends first.
func (m *Member) Clone() process.Process {
	c := *m
	c.log = m.log.Clone()
	c.early, c.images = slices.Clone(m.early), slices.Clone(m.images)
	c.agreed, c.flushed, c.joiners = slices.Clone(m.agreed), slices.Clone(m.flushed), slices.Clone(m.joiners)
	c.peers, c.inflight = slices.Clone(m.peers), slices.Clone(m.inflight)
	c.reads, c.waiting = slices.Clone(m.reads), slices.Clone(m.waiting)
	if m.msgs != nil {
		c.msgs = m.msgs.clone()
	}
	return &c
}

// AppendState implements process.Process. What a phase does not use is empty in
// it, so that equal behaviour has equal bytes.
func (m *Member) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(m.cfg.Self), uint64(m.view), uint64(m.promised), uint64(m.sequencer),
		m.delivered, uint64(m.seen), uint64(m.proposed), uint64(m.phase))
	b = append(b, wire.Flag(m.lived, 1)|wire.Flag(m.bound, 2)|wire.Flag(m.asking, 4)|wire.Flag(m.office, 8)|
		wire.Flag(m.gathered, 16)|wire.Flag(m.hasWish, 32)|wire.Flag(m.wanted != nil, 64))
	b = m.log.AppendState(m.vote.append(b))
	if m.bound {
		b = wire.AppendUints(b, uint64(m.now-m.heard))
	}
	if m.asking {
		b = wire.AppendUints(b, uint64(m.now-m.asked))
	}
	b = wire.AppendUints(b, uint64(len(m.early)), uint64(len(m.images)))
	for _, c := range m.early {
		b, _ = c.AppendBinary(b) // never fails, by its contract
	}
	for _, i := range m.images {
		b = wire.AppendUints(b, uint64(i.to), i.index, uint64(i.at))
	}
	if m.wanted != nil {
		b, _ = m.wanted.AppendBinary(wire.AppendUints(b, uint64(m.wantedBy)))
	}
	if m.phase != idle {
		b = m.appendChange(b)
	}
	if m.office {
		b = m.appendOffice(b)
	}
	if m.msgs != nil {
		b = m.msgs.appendState(b)
	}
	return b
}

// appendChange appends what only who asks for a change or coordinates it has.
func (m *Member) appendChange(b []byte) []byte {
	b = wire.AppendUints(b, uint64(m.source), m.goal,
		uint64(len(m.agreed)), uint64(len(m.flushed)), uint64(len(m.joiners)))
	for _, id := range slices.Concat(m.agreed, m.joiners) {
		b = wire.AppendUints(b, uint64(id))
	}
	for i := range m.flushed {
		f := &m.flushed[i]
		b = f.vote.append(wire.AppendUints(b, uint64(f.id), f.last))
		b = lanes.AppendVector(b, f.counts)
	}
	b = wire.AppendUints(b, m.proposal.Epoch, m.proposal.Index)
	b = oplog.AppendRequest(b, &m.proposal.Req)
	return oplog.AppendRequest(b, &m.wish)
}

// appendOffice appends what only a sequencer has.
func (m *Member) appendOffice(b []byte) []byte {
	for i := range m.peers {
		p := &m.peers[i]
		b = wire.AppendUints(b, uint64(p.id), p.match, p.round, uint64(p.heard))
		b = append(b, wire.Flag(p.active, 1))
	}
	b = wire.AppendUints(b, m.began, m.sent, m.told, m.mark, m.pending, m.round, m.confirmed,
		uint64(len(m.inflight)), uint64(len(m.reads)), uint64(len(m.waiting)))
	b = wire.AppendUints(b, m.inflight...)
	for i := range m.reads {
		b = oplog.AppendRequest(wire.AppendUints(b, m.reads[i].round), &m.reads[i].req)
	}
	for i := range m.waiting {
		b = oplog.AppendRequest(b, &m.waiting[i])
	}
	return b
}

func assert(ok bool, why string) {
	if !ok {
		panic("vsync: " + why)
	}
}
