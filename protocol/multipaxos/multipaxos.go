package multipaxos

import (
	"fmt"
	"slices"
	"time"

	"althing/oplog"
	"althing/process"
	"althing/quorum"
	"althing/reads"
	"althing/wire"
)

// Protocol is Multi-Paxos' row in the catalog: with majorities.
var Protocol = row(quorum.Phases{})

// Flexible returns Multi-Paxos with quorums of other sizes: in a group of s.N
// voters the first phase asks s.First, the second s.Slow; in one of another
// size both ask a majority. All replicas must be given the same. It refuses
// sizes that need not meet. (Howard, Malkhi and Spiegelman, Flexible Paxos,
// 2016, §3)
func Flexible(s quorum.Phases) (process.Protocol, error) {
	if err := s.Check(); err != nil {
		return process.Protocol{}, err
	}
	return row(s), nil
}

func row(s quorum.Phases) process.Protocol {
	p := process.Protocol{
		Name:    "multipaxos",
		Paper:   "Leslie Lamport, Paxos Made Simple, 2001",
		New:     func(c process.Config) process.Process { return newPaxos(c, s) },
		Decode:  Decode,
		Monitor: newMonitor,
		Facts: process.Facts{
			Faults:   process.Crash,
			Order:    process.Total,
			Replicas: survivors(s),
			Rounds:   2,                                      // leader to acceptors, and back
			Messages: func(n int) int { return 3 * (n - 1) }, // accept, accepted, chosen
		},
		Flexible: func(n, first, second int) (process.Protocol, error) {
			return Flexible(quorum.Phases{N: n, First: first, Slow: second})
		},
	}
	if s.N > 0 {
		p.Variant = fmt.Sprintf("quorums of %d and %d among %d", s.First, s.Slow, s.N)
	}
	return p
}

// survivors returns process.Facts.Replicas: both phases need a quorum of those
// that are left.
func survivors(s quorum.Phases) func(f int) int {
	return func(f int) int {
		switch {
		case s.N == 0:
			return 2*f + 1
		case f <= s.N-max(s.First, s.Slow):
			return s.N
		}
		return 0
	}
}

const (
	election   process.Timer = iota + 1 // not leader: no leader was heard
	heartbeat                           // preparing: ask again; leader: time to be heard
	checkTimer                          // leader: is a quorum still there?
	handover                            // leader: a transfer takes too long
)

// Defaults of process.Config.
const (
	defaultHeartbeat  = 50 * time.Millisecond
	defaultBatchBytes = 1 << 20 // a message that a 1 Gbit/s link carries in 8 ms
	defaultWindow     = 64      // messages: 64 MiB on their way is more than a link holds
)

var defaultElection = process.Span{Min: 150 * time.Millisecond, Max: 300 * time.Millisecond}

const (
	// maxUndecided bounds the slots that a leader proposes in, or holds requests
	// for, before the first of them is decided: more would only wait in memory.
	maxUndecided = 1 << 16
	// maxAhead bounds the slots that an acceptor votes in above what it knows to
	// be decided. A leader may know more.
	maxAhead = 2 * maxUndecided
)

type role uint8

const (
	acceptor  role = iota // no proposer
	asking                // would acceptors promise?
	preparing             // phase 1
	leader                // phase 2
)

func (r role) String() string {
	return [...]string{"acceptor", "asking", "preparing", "leader"}[r]
}

// A Paxos is one replica: proposer, acceptor and learner.
type Paxos struct {
	cfg   process.Config
	sizes quorum.Phases // of quorums, in a group of sizes.N; N = 0: majorities

	// Persistent: each change is recorded with out.Save.
	promised Ballot
	votes    votes     // the acceptor's, in the slots after log
	log      oplog.Log // the learner's: all that it knows to be decided

	// Volatile on all replicas.
	role    role
	leader  process.ID    // 0: unknown
	commit  uint64        // handed to the application
	told    uint64        // the leader of promised said that so much is decided
	run     uint64        // a part of match() that was counted before
	seen    Ballot        // somebody else's, the highest that was heard of
	now     time.Duration // of the present Input
	started time.Duration // when Start came
	heard   time.Duration // when a leader was last heard
	bound   bool          // heard is set, and no election timeout has passed since
	lived   bool          // it has records from an earlier life

	// Volatile on proposers.
	ballot   Ballot // asked about, prepared, or led; from preparing on, ballot = promised
	byOrder  bool   // the campaign was ordered by HandOver
	willing  []process.ID
	promises []promise // phase 1, by voter of the group in force
	best     votes     // phase 1: what was reported in the slots after log

	// Volatile on leaders.
	prepared   bool   // phase 1 is over, for the group in force
	last       uint64 // the highest slot proposed in
	recovered  uint64 // what phase 1 found reaches up to here
	barrier    uint64 // the slot of a change of the group that is proposed but not decided; or 0
	waiting    []process.Request
	peers      []peer // all of the group in force, by ID
	rounds     reads.Rounds
	leaseOver  bool       // no lease in this ballot again: HandOver went out
	transferee process.ID // 0: no transfer under way
}

// promise is how far phase 1 is with one acceptor.
type promise struct {
	id   process.ID
	upto uint64 // it reported the slots up to here
	done bool   // and there is nothing above
}

// New returns a replica that has never run, with majorities for quorums.
func New(c process.Config) process.Process { return newPaxos(c, quorum.Phases{}) }

func newPaxos(c process.Config, s quorum.Phases) *Paxos {
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
	return &Paxos{cfg: c, sizes: s, log: oplog.New()}
}

// first returns the size of a quorum of the first phase among n voters.
func (p *Paxos) first(n int) int {
	if n == p.sizes.N {
		return p.sizes.First
	}
	return quorum.Majority(n)
}

// second returns the size of a quorum of the second phase among n voters.
func (p *Paxos) second(n int) int {
	if n == p.sizes.N {
		return p.sizes.Slow
	}
	return quorum.Majority(n)
}

// Step implements process.Process.
func (p *Paxos) Step(in process.Input, out *process.Output) {
	p.now = in.Now
	switch in.Kind {
	case process.Recover:
		p.recover(in.Msg)
	case process.Start:
		p.start(in.State, out)
	case process.Submit:
		p.onSubmit(in.Reqs, out)
	case process.Timeout:
		p.onTimeout(in.Timer, out)
	case process.Receive:
		p.onReceive(&in, out)
	case process.Compact:
		p.onCompact(in.State, out)
	}
	assert(p.votes.base == p.log.Last(), "votes begin where what is decided ends")
	assert(p.commit <= p.log.Last(), "nothing is committed that is not decided")
	assert(p.commit >= p.log.Base(), "only committed entries leave the log")
	assert(p.role < preparing || p.ballot == p.promised, "a proposer's ballot is its own promise")
}

// recover replays one saved record.
func (p *Paxos) recover(m process.Msg) {
	p.lived = true
	switch m := m.(type) {
	case *Prepare:
		p.promised = max(p.promised, m.Ballot)
	case *Accept:
		p.promised = max(p.promised, m.Ballot)
		p.votes.put(m.Ballot, m.Entries)
		if m.Commit > p.log.Last() {
			p.learn(m.Commit) // whatever ballots they are of: they were known to be decided
		}
	case *Checkpoint:
		p.promised = m.Promised
		p.log.Reset(&process.State{Index: m.Base, Epoch: m.BaseEpoch, Group: m.Group})
		p.log.Append(m.Entries)
		p.votes = votes{base: p.log.Last()}
		for i := range m.Votes {
			p.votes.put(m.Votes[i].Ballot, []process.Entry{m.Votes[i].Entry})
		}
	}
	p.commit = p.log.Base()
}

// start begins to take part. The application's state may be ahead of the log,
// for it is kept elsewhere and a commit does not wait for this disk; or behind.
func (p *Paxos) start(s *process.State, out *process.Output) {
	assert(s.Index >= p.log.Base(), "the application lost entries that it had made durable")
	p.started = p.now
	if !p.lived || s.Index > p.log.Last() {
		p.adopt(s, out)
	}
	p.commit = s.Index
	p.commitDecided(out)
	out.SetTimer(election, p.cfg.Election)
}

// Status implements process.Process.
func (p *Paxos) Status() process.Status {
	return process.Status{
		Role: p.role.String(), Epoch: uint64(p.promised), Leader: p.leader,
		Last: p.votes.last(), Commit: p.commit,
	}
}

// Progress implements process.Process.
func (p *Paxos) Progress(b []process.Progress) []process.Progress {
	if p.role != leader {
		return b
	}
	g := p.log.Group()
	for i := range p.peers {
		a := &p.peers[i]
		if a.id != p.cfg.Self {
			b = append(b, process.Progress{ID: a.id, Match: a.match, Heard: a.heard, Learner: !g.Votes(a.id)})
		}
	}
	return b
}

// Clone implements process.Process. Entries are shared; clipped, they are
// copied by whichever side appends first.
func (p *Paxos) Clone() process.Process {
	c := *p
	c.log, c.votes, c.best = p.log.Clone(), p.votes.clone(), p.best.clone()
	c.willing, c.promises = slices.Clone(p.willing), slices.Clone(p.promises)
	c.waiting, c.rounds = slices.Clone(p.waiting), p.rounds.Clone()
	c.peers = slices.Clone(p.peers)
	for i := range c.peers {
		c.peers[i].inflight = slices.Clone(c.peers[i].inflight)
	}
	return &c
}

// AppendState implements process.Process. What a role does not use is empty in
// it, so that equal behaviour has equal bytes.
func (p *Paxos) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(p.cfg.Self), uint64(p.promised), uint64(p.role), uint64(p.leader),
		p.commit, p.told, uint64(p.seen), uint64(p.ballot), uint64(p.now-p.started))
	b = append(b, wire.Flag(p.lived, 1)|wire.Flag(p.byOrder, 2)|wire.Flag(p.bound, 4))
	if p.bound {
		b = wire.AppendUints(b, uint64(p.now-p.heard))
	}
	b = p.votes.appendState(p.log.AppendState(b))
	b = wire.AppendUints(b, uint64(len(p.willing)))
	for _, id := range p.willing {
		b = wire.AppendUints(b, uint64(id))
	}
	b = wire.AppendUints(b, uint64(len(p.promises)))
	for _, r := range p.promises {
		b = append(wire.AppendUints(b, uint64(r.id), r.upto), wire.Flag(r.done, 1))
	}
	b = p.best.appendState(b)
	if p.role == leader {
		b = p.appendLeader(b)
	}
	return b
}

func (p *Paxos) appendLeader(b []byte) []byte {
	b = wire.AppendUints(b, p.last, p.recovered, p.barrier, uint64(p.transferee))
	b = append(b, wire.Flag(p.prepared, 1)|wire.Flag(p.leaseOver, 2))
	for i := range p.peers {
		a := &p.peers[i]
		b = wire.AppendUints(b, uint64(a.id), uint64(a.state), a.match, a.next, a.round, a.told,
			uint64(a.heard), uint64(a.since), uint64(a.nudged), uint64(len(a.inflight)))
		b = append(wire.AppendUints(b, a.inflight...), wire.Flag(a.probed, 1)|wire.Flag(a.active, 2))
	}
	b = p.rounds.AppendState(b)
	b = wire.AppendUints(b, uint64(len(p.waiting)))
	for i := range p.waiting {
		b = appendRequest(b, &p.waiting[i])
	}
	return b
}

func appendRequest(b []byte, q *process.Request) []byte {
	return wire.AppendBytes(wire.AppendUints(b, uint64(q.Kind), q.Client, q.Seq), q.Cmd)
}

func assert(ok bool, why string) {
	if !ok {
		panic("multipaxos: " + why)
	}
}
