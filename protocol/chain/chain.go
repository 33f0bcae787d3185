package chain

import (
	"slices"
	"time"

	"althing/oplog"
	"althing/process"
	"althing/wire"
)

// Protocol is the row of the catalog whose tail answers all reads.
var Protocol = row("chain", "Robbert van Renesse and Fred Schneider, "+
	"Chain Replication for Supporting High Throughput and Availability, 2004", false)

// CRAQ is the row whose replicas all answer reads.
var CRAQ = row("chain-craq", "Jeff Terrace and Michael Freedman, "+
	"Object Storage on CRAQ: High-Throughput Chain Replication for Read-Mostly Workloads, 2009", true)

func row(name, paper string, craq bool) process.Protocol {
	return process.Protocol{
		Name:    name,
		Paper:   paper,
		New:     func(c process.Config) process.Process { return open(c, craq) },
		Decode:  Decode,
		Monitor: func() process.Monitor { return newMonitor() },
		Facts: process.Facts{
			Faults:   process.Crash,
			Order:    process.Total,
			Replicas: func(f int) int { return 2*f + 1 }, // f+1 hold it; 2f+1 so that a majority is master
			Rounds:   4,                                  // of three: to the tail, and back to the head that answers
			Messages: func(n int) int { return 2 * (n - 1) },
		},
	}
}

const (
	election   process.Timer = iota + 1 // not head: no head was heard
	heartbeat                           // head: time to be heard
	checkTimer                          // head: is everybody in the chain at work?
	gather                              // elected: who has not answered by now is not in the chain
)

// Defaults of process.Config.
const (
	defaultHeartbeat  = 50 * time.Millisecond
	defaultBatchBytes = 1 << 20 // a message that a 1 Gbit/s link carries in 8 ms
	defaultWindow     = 64      // messages: 64 MiB on their way is more than a link holds
)

var defaultElection = process.Span{Min: 150 * time.Millisecond, Max: 300 * time.Millisecond}

// maxUncommitted bounds the entries that a head takes in before the first of
// them is committed: more would only wait in memory.
const maxUncommitted = 1 << 16

// near is how many entries a replica may lack and still be put into a chain: the
// others wait for it, and a few messages bring as many.
const near = 1 << 10

type role uint8

const (
	member role = iota
	preCandidate
	candidate
	elected // a majority voted for it; it waits for the others' answers
	head
)

// A Chain is one replica.
type Chain struct {
	cfg  process.Config
	craq bool

	// Persistent: each change is recorded with out.Save.
	epoch    uint64
	votedFor process.ID // 0: nobody in epoch
	log      oplog.Log

	// Volatile on all, for as long as the epoch lasts.
	role    role
	head    process.ID   // 0: not known
	chain   []process.ID // of epoch, head first; nil: not known
	matched uint64       // up to here the log is the head's; all of it, on the head
	durable uint64       // as far as this disk has said what it holds of that
	down    downstream
	floor   uint64 // what this replica, if it is the tail, may have committed before it restarted
	closed  bool   // the head wants the next epoch: no leases

	// Volatile on all.
	former      []process.ID // the last chain known here before this epoch's
	commitIndex uint64
	lived       bool   // it has records from an earlier life
	life        uint64 // how often it was started before; saved
	founded     bool   // its disk has this life
	now         time.Duration
	started     time.Duration // when Start came
	heard       time.Duration // when a head was last heard
	bound       bool          // heard is set, and no election timeout has passed since
	lent        time.Duration // when a lease was last granted
	lends       bool          // lent is set

	// Volatile on those who read.
	round     uint64    // last round begun
	confirmed uint64    // last round that a majority answered
	sent      []roundAt // rounds after confirmed that may yet make a lease, ascending
	voters    []voter   // what each voter has answered, in order of the group
	leaseFrom time.Duration
	leased    bool // leaseFrom is set
	asked     uint64
	reads     []read

	// Volatile on candidates.
	answers []answer
	avoid   process.ID // whom not to wait for: silent, or stuck
	expel   bool       // avoid is stuck: leave it out if a majority is without it

	// Volatile on heads.
	peers        []peer // all of the group, by ID
	closing      bool   // it asks all to grant no leases
	closingSince time.Duration
	heir         process.ID // who is to be head next; 0: no transfer is under way
	heirSince    time.Duration
}

// downstream is what a replica knows of the one that it feeds: its successor, or
// a learner after the tail.
type downstream struct {
	id       process.ID // 0: nobody
	state    progressState
	match    uint64 // highest entry known durable there
	next     uint64 // next entry to send
	inflight []uint64
	probed   bool          // probing: one message is on its way
	since    time.Duration // installing: when the state was sent
	joined   time.Duration // a learner: when it last asked
}

type progressState uint8

const (
	probing     progressState = iota // where logs part is not known: one message at a time
	replicating                      // messages follow one another without waiting
	installing                       // an application state is on its way
)

// voter is how far one voter has answered this replica's rounds.
type voter struct{ round, leased uint64 }

type roundAt struct {
	round uint64
	at    time.Duration
}

// read is one that waits: for its round, and for what the tail has committed.
type read struct {
	round uint64
	ask   uint64 // the query whose answer it waits for
	index uint64 // to be served from there on; 0: not known yet
	req   process.Request
}

// answer is what a voter said in the present campaign.
type answer struct {
	id      process.ID
	granted bool
	last    uint64
}

// peer is one replica as the head sees it.
type peer struct {
	id     process.ID
	match  uint64 // as the one who feeds it says
	due    uint64 // the end of the head's log at the last check
	heard  time.Duration
	active bool // heard since the last check
	moved  bool // match grew since the last check
}

func open(c process.Config, craq bool) *Chain {
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
	return &Chain{cfg: c, craq: craq, log: oplog.New()}
}

// Step implements process.Process.
func (r *Chain) Step(in process.Input, out *process.Output) {
	r.now = in.Now
	switch in.Kind {
	case process.Recover:
		r.recover(in.Msg)
	case process.Start:
		r.start(in.State, out)
	case process.Submit:
		r.onSubmit(in.Reqs, out)
	case process.Timeout:
		r.onTimeout(in.Timer, out)
	case process.Receive:
		r.onReceive(&in, out)
	case process.Compact:
		r.onCompact(in.State, out)
	}
	assert(in.Kind == process.Recover || r.commitIndex <= r.matched, "what is committed is the head's, too")
	assert(r.matched <= r.log.Last(), "nothing is matched beyond the log")
	assert(r.commitIndex >= r.log.Base(), "only committed entries leave the log")
}

// recover replays one saved record.
func (r *Chain) recover(m process.Msg) {
	r.lived = true
	switch m := m.(type) {
	case *HardState:
		r.epoch, r.votedFor = m.Epoch, m.Vote
	case *Entries:
		r.log.Replace(m.Prev, m.Entries)
	case *Lived:
		r.life = m.Life
	case *Checkpoint:
		r.epoch, r.votedFor, r.life = m.Epoch, m.Vote, m.Life
		r.log.Reset(&process.State{Index: m.Base, Epoch: m.BaseEpoch, Group: m.Group})
		r.log.Append(m.Entries)
	}
	r.commitIndex = r.log.Base()
}

// start begins to take part. The application's state may be ahead of the log,
// for it is kept elsewhere and a commit does not wait for this disk. Who was head
// is none any more: it does not know what chain it laid down.
func (r *Chain) start(s *process.State, out *process.Output) {
	assert(s.Index >= r.log.Base(), "the application lost entries that it had made durable")
	r.started = r.now
	r.life++
	if !r.lived || !r.log.Has(s.Index, s.Epoch) {
		r.log.Reset(s)
		r.checkpoint(out)
	} else {
		out.Save(&Lived{Life: r.life})
	}
	out.Send(r.cfg.Self, &Lived{Life: r.life})
	r.round, r.confirmed, r.asked = r.ask0(), r.ask0(), r.ask0()
	r.commitIndex, r.matched = s.Index, s.Index
	if r.log.LastEpoch() == r.epoch {
		r.floor = r.log.Last()
	}
	r.voters = make([]voter, len(r.log.Group().Voters))
	out.SetTimer(election, r.cfg.Election)
}

// ask0 is what rounds and queries are numbered from: no number of an earlier life
// comes again, or an answer to a question from before a restart would be taken
// for a later one.
func (r *Chain) ask0() uint64 { return r.life << 32 }

// is returns the place of this replica in the chain, or -1.
func (r *Chain) is() int { return slices.Index(r.chain, r.cfg.Self) }

// tail returns the tail of the chain; 0 if it is not known.
func (r *Chain) tail() process.ID {
	if len(r.chain) == 0 {
		return 0
	}
	return r.chain[len(r.chain)-1]
}

// isTail reports whether this replica is the tail.
func (r *Chain) isTail() bool { return r.tail() == r.cfg.Self }

func (r *Chain) roleName() string {
	i := r.is()
	switch {
	case r.role != member && r.role != head:
		return [...]string{preCandidate: "pre-candidate", candidate: "candidate", elected: "elected"}[r.role]
	case r.role == head:
		return "head"
	case i < 0:
		return "outside"
	case r.isTail():
		return "tail"
	}
	return "middle"
}

// Status implements process.Process.
func (r *Chain) Status() process.Status {
	return process.Status{
		Role: r.roleName(), Epoch: r.epoch, Leader: r.head, Last: r.log.Last(), Commit: r.commitIndex,
	}
}

// Progress implements process.Process.
func (r *Chain) Progress(b []process.Progress) []process.Progress {
	if r.role != head {
		return b
	}
	for i := range r.peers {
		p := &r.peers[i]
		if p.id == r.cfg.Self {
			continue
		}
		match := p.match
		if p.id == r.down.id {
			match = r.down.match
		}
		b = append(b, process.Progress{
			ID: p.id, Match: match, Heard: p.heard, Learner: !r.log.Group().Votes(p.id),
		})
	}
	return b
}

// Clone implements process.Process. Entries are shared; clipped, they are copied
// by whichever side appends first. A chain never changes once it is laid down.
func (r *Chain) Clone() process.Process {
	c := *r
	c.log = r.log.Clone()
	c.down.inflight = slices.Clone(r.down.inflight)
	c.sent = slices.Clone(r.sent)
	c.voters = slices.Clone(r.voters)
	c.reads = slices.Clone(r.reads)
	c.answers = slices.Clone(r.answers)
	c.peers = slices.Clone(r.peers)
	return &c
}

// AppendState implements process.Process. What is not in use is empty in it, so
// that equal behaviour has equal bytes.
func (r *Chain) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(r.cfg.Self), r.epoch, uint64(r.votedFor), uint64(r.role), uint64(r.head),
		r.matched, r.durable, r.floor, r.commitIndex, uint64(r.now-r.started))
	b = append(b, wire.Flag(r.craq, 1)|wire.Flag(r.closed, 2)|wire.Flag(r.lived, 4)|wire.Flag(r.bound, 8)|
		wire.Flag(r.lends, 16)|wire.Flag(r.leased, 32)|wire.Flag(r.expel, 64)|wire.Flag(r.closing, 128))
	b = append(wire.AppendUints(b, r.life), wire.Flag(r.founded, 1))
	if r.bound {
		b = wire.AppendUints(b, uint64(r.now-r.heard))
	}
	if r.lends {
		b = wire.AppendUints(b, uint64(r.now-r.lent))
	}
	b = appendIDs(appendIDs(b, r.chain), r.former)
	b = r.log.AppendState(b)
	d := &r.down
	b = wire.AppendUints(b, uint64(d.id), uint64(d.state), d.match, d.next, uint64(d.since), uint64(d.joined),
		uint64(len(d.inflight)))
	b = append(wire.AppendUints(b, d.inflight...), wire.Flag(d.probed, 1))
	b = wire.AppendUints(b, r.round, r.confirmed, uint64(r.leaseFrom), r.asked, uint64(r.avoid),
		uint64(r.closingSince), uint64(r.heir), uint64(r.heirSince),
		uint64(len(r.sent)))
	for _, s := range r.sent {
		b = wire.AppendUints(b, s.round, uint64(s.at))
	}
	for _, v := range r.voters {
		b = wire.AppendUints(b, v.round, v.leased)
	}
	b = wire.AppendUints(b, uint64(len(r.reads)))
	for i := range r.reads {
		q := &r.reads[i]
		b = wire.AppendUints(b, q.round, q.ask, q.index)
		b = oplog.AppendRequest(b, &q.req)
	}
	b = wire.AppendUints(b, uint64(len(r.answers)))
	for _, a := range r.answers {
		b = append(wire.AppendUints(b, uint64(a.id), a.last), wire.Flag(a.granted, 1))
	}
	b = wire.AppendUints(b, uint64(len(r.peers)))
	for i := range r.peers {
		p := &r.peers[i]
		b = wire.AppendUints(b, uint64(p.id), p.match, p.due, uint64(p.heard))
		b = append(b, wire.Flag(p.active, 1)|wire.Flag(p.moved, 2))
	}
	return b
}

func appendIDs(b []byte, ids []process.ID) []byte {
	b = wire.AppendUints(b, uint64(len(ids)))
	for _, id := range ids {
		b = wire.AppendUints(b, uint64(id))
	}
	return b
}

func assert(ok bool, why string) {
	if !ok {
		panic("chain: " + why)
	}
}
