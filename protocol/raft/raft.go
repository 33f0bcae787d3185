package raft

import (
	"slices"
	"time"

	"althing/oplog"
	"althing/process"
	"althing/reads"
	"althing/wire"
)

// Protocol is Raft's row in the catalog.
var Protocol = process.Protocol{
	Name:    "raft",
	Paper:   "Diego Ongaro, Consensus: Bridging Theory and Practice, 2014",
	New:     New,
	Decode:  Decode,
	Monitor: newMonitor,
	Facts: process.Facts{
		Faults:   process.Crash,
		Order:    process.Total,
		Replicas: func(f int) int { return 2*f + 1 },
		Rounds:   2,                                      // leader to followers, and back
		Messages: func(n int) int { return 3 * (n - 1) }, // entries, replies, commit index
	},
}

const (
	election   process.Timer = iota + 1 // not leader: no leader was heard
	heartbeat                           // leader: time to be heard
	checkTimer                          // leader: is a quorum still there? Thesis §6.2
	handover                            // leader: a transfer takes too long. Thesis §3.10
)

// Defaults of process.Config.
const (
	defaultHeartbeat  = 50 * time.Millisecond
	defaultBatchBytes = 1 << 20 // a message that a 1 Gbit/s link carries in 8 ms
	defaultWindow     = 64      // messages: 64 MiB on their way is more than a link holds
)

var defaultElection = process.Span{Min: 150 * time.Millisecond, Max: 300 * time.Millisecond} // §9.3

// maxUncommitted bounds the entries that a leader takes in before the first of
// them is decided: more would only wait in memory.
const maxUncommitted = 1 << 16

type role uint8

const (
	follower role = iota
	preCandidate
	candidate
	leader
)

func (r role) String() string {
	return [...]string{"follower", "pre-candidate", "candidate", "leader"}[r]
}

// A Raft is one server. Fields that Figure 2 has bear its names.
type Raft struct {
	cfg process.Config

	// Persistent on all servers: each change is recorded with out.Save.
	currentTerm uint64
	votedFor    process.ID // 0: nobody in currentTerm
	log         oplog.Log

	// Volatile on all servers.
	role        role
	lived       bool       // it has records from an earlier life
	leader      process.ID // 0: unknown
	commitIndex uint64
	now         time.Duration // of the present Input
	started     time.Duration // when Start came
	heard       time.Duration // when a leader was last heard
	bound       bool          // heard is set, and no election timeout has passed since

	// Volatile on candidates.
	granted []process.ID // who voted for us in this campaign
	byOrder bool         // the campaign was ordered by TimeoutNow

	// Volatile on leaders.
	peers      []progress // all of the group, by ID
	rounds     reads.Rounds
	leaseOver  bool       // no lease in this term again: TimeoutNow went out
	transferee process.ID // 0: no transfer under way
}

// progress is what a leader knows of one server, itself too. §5.3
type progress struct {
	id    process.ID
	state progressState
	match uint64 // highest entry known durable there
	next  uint64 // next entry to send
	// inflight is the last indexes of the messages sent after match, ascending.
	inflight []uint64
	told     uint64        // the highest commit index sent since it last replicated anew
	probed   bool          // probing: one message is on its way
	active   bool          // heard since the last check of the quorum
	round    uint64        // highest round answered
	heard    time.Duration // when last heard; 0: not in this term
	since    time.Duration // snapshotting: when the state was sent
	nudged   time.Duration // when last sent something for the sake of an answer
}

type progressState uint8

const (
	probing      progressState = iota // where logs part is not known: one message at a time
	replicating                       // messages follow one another without waiting
	snapshotting                      // an application state is on its way
)

// New returns a server that has never run.
func New(c process.Config) process.Process {
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
	assert(c.Self != 0, "a server needs an ID")
	return &Raft{cfg: c, log: oplog.New()}
}

// Step implements process.Process.
func (r *Raft) Step(in process.Input, out *process.Output) {
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
	assert(r.commitIndex <= r.log.Last(), "nothing is committed beyond the log")
	assert(r.commitIndex >= r.log.Base(), "only committed entries leave the log")
}

// recover replays one saved record.
func (r *Raft) recover(m process.Msg) {
	r.lived = true
	switch m := m.(type) {
	case *HardState:
		r.currentTerm, r.votedFor = m.Term, m.Vote
	case *Entries:
		r.log.Replace(m.Prev, m.Entries)
	case *Checkpoint:
		r.currentTerm, r.votedFor = m.Term, m.Vote
		r.log.Reset(&process.State{Index: m.Base, Epoch: m.BaseTerm, Group: m.Group})
		r.log.Append(m.Entries)
	}
	r.commitIndex = r.log.Base()
}

// start begins to take part. The application's state may be ahead of the log,
// for it is kept elsewhere and a commit does not wait for this disk.
func (r *Raft) start(s *process.State, out *process.Output) {
	assert(s.Index >= r.log.Base(), "the application lost entries that it had made durable")
	r.started = r.now
	if !r.lived || !r.log.Has(s.Index, s.Epoch) {
		r.log.Reset(s) // as if a snapshot had come. §7
		r.checkpoint(out)
	}
	r.commitIndex = s.Index
	out.SetTimer(election, r.cfg.Election)
}

// Status implements process.Process.
func (r *Raft) Status() process.Status {
	return process.Status{
		Role: r.role.String(), Epoch: r.currentTerm, Leader: r.leader,
		Last: r.log.Last(), Commit: r.commitIndex,
	}
}

// Progress implements process.Process.
func (r *Raft) Progress(b []process.Progress) []process.Progress {
	if r.role != leader {
		return b
	}
	g := r.log.Group()
	for i := range r.peers {
		p := &r.peers[i]
		if p.id != r.cfg.Self {
			b = append(b, process.Progress{ID: p.id, Match: p.match, Heard: p.heard, Learner: !g.Votes(p.id)})
		}
	}
	return b
}

// Clone implements process.Process. Entries are shared; clipped, they are
// copied by whichever side appends first.
func (r *Raft) Clone() process.Process {
	c := *r
	c.log = r.log.Clone()
	c.granted = slices.Clone(r.granted)
	c.peers = slices.Clone(r.peers)
	for i := range c.peers {
		c.peers[i].inflight = slices.Clone(c.peers[i].inflight)
	}
	c.rounds = r.rounds.Clone()
	return &c
}

// AppendState implements process.Process. What a role does not use is empty in
// it, so that equal behaviour has equal bytes.
func (r *Raft) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(r.cfg.Self), r.currentTerm, uint64(r.votedFor), uint64(r.role),
		uint64(r.leader), r.commitIndex, uint64(r.now-r.started))
	b = flags(flags(b, r.lived, r.byOrder), r.bound, false)
	if r.bound {
		b = wire.AppendUints(b, uint64(r.now-r.heard))
	}
	b = r.log.AppendState(b)
	b = wire.AppendUints(b, uint64(len(r.granted)))
	for _, id := range r.granted {
		b = wire.AppendUints(b, uint64(id))
	}
	if r.role != leader {
		return b
	}
	for i := range r.peers {
		p := &r.peers[i]
		b = wire.AppendUints(b, uint64(p.id), uint64(p.state), p.match, p.next, p.round, p.told,
			uint64(p.heard), uint64(p.since), uint64(p.nudged), uint64(len(p.inflight)))
		b = flags(wire.AppendUints(b, p.inflight...), p.probed, p.active)
	}
	b = flags(wire.AppendUints(b, uint64(r.transferee)), r.leaseOver, false)
	return r.rounds.AppendState(b)
}

func assert(ok bool, why string) {
	if !ok {
		panic("raft: " + why)
	}
}
