package primarybackup

import (
	"slices"
	"time"

	"althing/oplog"
	"althing/process"
	"althing/reads"
	"althing/wire"
)

// Sync is the row of the catalog that answers when all backups in step have it.
var Sync = row("primarybackup", synchronous, 2, false)

// SemiSync is the row that answers when Config.Acks backups have it.
var SemiSync = row("primarybackup-semisync", semiSynchronous, 2, true)

// Async is the row that answers when the primary's own disk has it.
var Async = row("primarybackup-async", asynchronous, 0, true)

// row makes a row of the catalog; rounds are message delays until the answer.
func row(name string, m mode, rounds int, loses bool) process.Protocol {
	return process.Protocol{
		Name:    name,
		Paper:   "Peter Alsberg and John Day, A Principle for Resilient Sharing of Distributed Resources, 1976",
		New:     func(c process.Config) process.Process { return open(c, m) },
		Decode:  Decode,
		Monitor: func() process.Monitor { return newMonitor() },
		Facts: process.Facts{
			Faults:   process.Crash,
			Order:    process.Total,
			Loses:    loses,
			Replicas: func(f int) int { return 2*f + 1 }, // a majority promotes
			Rounds:   rounds,
			Messages: func(n int) int { return 3 * (n - 1) }, // entries, replies, what is committed
		},
	}
}

// mode says what an answer waits for.
type mode uint8

const (
	synchronous     mode = iota // every backup in step
	semiSynchronous             // Config.Acks backups
	asynchronous                // the primary's own disk
)

func (m mode) loses() bool { return m != synchronous }

const (
	election   process.Timer = iota + 1 // not primary: no primary was heard
	heartbeat                           // primary: time to be heard
	checkTimer                          // primary: is a majority still there, and who is in step?
	handover                            // primary: a transfer takes too long
)

// Defaults of process.Config.
const (
	defaultHeartbeat  = 50 * time.Millisecond
	defaultBatchBytes = 1 << 20 // a message that a 1 Gbit/s link carries in 8 ms
	defaultWindow     = 64      // messages: 64 MiB on their way is more than a link holds
	defaultAcks       = 1       // as MySQL has it
)

var defaultElection = process.Span{Min: 150 * time.Millisecond, Max: 300 * time.Millisecond}

// maxUnsettled bounds the entries that a primary takes in before a majority has
// the first of them: what waits in memory, and what can be lost.
const maxUnsettled = 1 << 16

type role uint8

const (
	backup role = iota
	preCandidate
	candidate
	primary
)

func (r role) String() string {
	return [...]string{"backup", "pre-candidate", "candidate", "primary"}[r]
}

// A PrimaryBackup is one replica.
type PrimaryBackup struct {
	cfg  process.Config
	mode mode

	// Persistent: each change is recorded with out.Save.
	epoch    uint64
	votedFor process.ID // 0: nobody in epoch
	log      oplog.Log

	// Volatile on all.
	role    role
	lived   bool // it has records from an earlier life
	founded bool // its first record is durable
	primary process.ID
	applied position // what the application holds; it may have gone astray
	settled uint64   // durable on a majority, as far as known here; Checkpoints keep it
	parted  []Parted // what was cut off and is not decided yet; records tell it
	past    []Begun  // where the epochs up to the log's base begin; Checkpoints keep it
	sure    uint64   // the log up to here was handed to the application, in any life; records keep it
	perhaps uint64   // the log up to here, an earlier life may have handed on
	now     time.Duration
	started time.Duration // when Start came
	heard   time.Duration // when a primary was last heard
	bound   bool          // heard is set, and no election timeout has passed since

	// Volatile on candidates.
	granted []process.ID
	byOrder bool

	// Volatile on primaries.
	peers      []progress // all of the group, by ID
	begun      uint64     // index of the first entry of its own epoch
	sessions   []uint64   // entries after settled that open a session, ascending
	rounds     reads.Rounds
	transferee process.ID
}

// position names an entry.
type position struct{ index, epoch uint64 }

// progress is what a primary knows of one replica, itself too.
type progress struct {
	id       process.ID
	votes    bool
	state    progressState
	match    uint64 // highest entry known durable there
	next     uint64 // next entry to send
	inflight []uint64
	told     uint64        // the highest commit index sent since it last replicated anew
	probed   bool          // probing: one message is on its way
	active   bool          // heard since the last check
	inStep   bool          // synchronous: an answer waits for it
	moved    bool          // match grew since the last check
	due      uint64        // the end of the primary's log at the last check
	round    uint64        // highest round answered
	heard    time.Duration // when last heard; 0: not in this epoch
	lent     time.Duration // when a state was last sent
	lends    bool          // lent is set
	nudged   time.Duration // when last sent something for the sake of an answer
}

type progressState uint8

const (
	probing     progressState = iota // where logs part is not known: one message at a time
	replicating                      // messages follow one another without waiting
	installing                       // an application state is on its way
)

func open(c process.Config, m mode) *PrimaryBackup {
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
	if c.Acks == 0 {
		c.Acks = defaultAcks
	}
	assert(c.Self != 0, "a replica needs an ID")
	return &PrimaryBackup{cfg: c, mode: m, log: oplog.New()}
}

// Step implements process.Process.
func (r *PrimaryBackup) Step(in process.Input, out *process.Output) {
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
	if in.Kind != process.Recover && !r.lossless() && r.mended() {
		r.sure = max(r.sure, r.applied.index)
	}
	if in.Kind != process.Recover && len(r.parted) > 0 {
		r.decideParted(out)
	}
	assert(in.Kind == process.Recover || r.applied.index >= r.log.Base(), "only applied entries leave the log")
	assert(r.settled >= r.log.Base() || !r.mode.loses(), "only settled entries leave the log")
}

// recover replays one saved record.
func (r *PrimaryBackup) recover(m process.Msg) {
	r.lived = true
	switch m := m.(type) {
	case *HardState:
		r.epoch, r.votedFor = m.Epoch, m.Vote
	case *Entries:
		r.sure, r.perhaps = m.Sure, m.Perhaps
		r.cut(m.Prev)
		r.log.Replace(m.Prev, m.Entries)
	case *Checkpoint:
		r.epoch, r.votedFor, r.settled = m.Epoch, m.Vote, m.Settled
		r.log.Reset(&process.State{Index: m.Base, Epoch: m.BaseEpoch, Group: m.Group})
		r.log.Append(m.Entries)
		r.sure, r.past, r.parted = m.Sure, m.Past, m.Parted
	}
}

// start begins to take part. What the application holds may be ahead of the log,
// or astray, if a state was taken and the crash came before its checkpoint.
func (r *PrimaryBackup) start(s *process.State, out *process.Output) {
	assert(s.Index >= r.log.Base() || !r.lived, "the application lost entries that it had made durable")
	r.started, r.founded = r.now, r.lived
	r.applied = position{s.Index, s.Epoch}
	if r.lived && !r.lossless() {
		r.perhaps = r.log.Last()
	}
	if !r.lived {
		r.log.Reset(s)
		r.settled, r.past = s.Index, []Begun{{s.Index, s.Epoch}}
		r.checkpoint(out)
		out.Send(r.cfg.Self, &Founded{})
	}
	out.SetTimer(election, r.cfg.Election)
}

// mended reports whether the log goes on from what the application holds.
func (r *PrimaryBackup) mended() bool { return r.log.Has(r.applied.index, r.applied.epoch) }

// astray reports whether the application holds what is not in the log: epochs
// never fall along a log, so an entry of a later epoch in its place, or before
// it, has taken another way.
func (r *PrimaryBackup) astray() bool {
	return r.log.EpochAt(min(r.applied.index, r.log.Last())) > r.applied.epoch
}

// Status implements process.Process.
func (r *PrimaryBackup) Status() process.Status {
	return process.Status{
		Role: r.role.String(), Epoch: r.epoch, Leader: r.primary,
		Last: r.log.Last(), Commit: r.applied.index,
	}
}

// Progress implements process.Process.
func (r *PrimaryBackup) Progress(b []process.Progress) []process.Progress {
	if r.role != primary {
		return b
	}
	for i := range r.peers {
		if p := &r.peers[i]; p.id != r.cfg.Self {
			b = append(b, process.Progress{ID: p.id, Match: p.match, Heard: p.heard, Learner: !p.votes})
		}
	}
	return b
}

// Clone implements process.Process. Entries are shared; clipped, they are
// copied by whichever side appends first.
func (r *PrimaryBackup) Clone() process.Process {
	c := *r
	c.log = r.log.Clone()
	c.granted = slices.Clone(r.granted)
	c.peers = slices.Clone(r.peers)
	for i := range c.peers {
		c.peers[i].inflight = slices.Clone(c.peers[i].inflight)
	}
	c.sessions, c.rounds = slices.Clone(r.sessions), r.rounds.Clone()
	return &c
}

// AppendState implements process.Process. What a role does not use is empty in
// it, so that equal behaviour has equal bytes.
func (r *PrimaryBackup) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(r.cfg.Self), uint64(r.mode), r.epoch, uint64(r.votedFor), uint64(r.role),
		uint64(r.primary), r.applied.index, r.applied.epoch, r.settled, uint64(r.now-r.started), r.sure, r.perhaps)
	b = append(b, wire.Flag(r.lived, 1)|wire.Flag(r.byOrder, 2)|wire.Flag(r.bound, 4)|wire.Flag(r.founded, 8))
	if r.bound {
		b = wire.AppendUints(b, uint64(r.now-r.heard))
	}
	b = appendParted(appendPast(r.log.AppendState(b), r.past), r.parted)
	b = wire.AppendUints(b, uint64(len(r.granted)))
	for _, id := range r.granted {
		b = wire.AppendUints(b, uint64(id))
	}
	if r.role != primary {
		return b
	}
	for i := range r.peers {
		p := &r.peers[i]
		b = wire.AppendUints(b, uint64(p.id), uint64(p.state), p.match, p.next, p.round, p.told,
			p.due, uint64(p.heard), uint64(p.lent), uint64(p.nudged), uint64(len(p.inflight)))
		b = append(wire.AppendUints(b, p.inflight...), wire.Flag(p.probed, 1)|wire.Flag(p.active, 2)|
			wire.Flag(p.inStep, 4)|wire.Flag(p.moved, 8)|wire.Flag(p.lends, 16)|wire.Flag(p.votes, 32))
	}
	b = wire.AppendUints(b, r.begun, uint64(r.transferee), uint64(len(r.sessions)))
	return r.rounds.AppendState(wire.AppendUints(b, r.sessions...))
}

func assert(ok bool, why string) {
	if !ok {
		panic("primarybackup: " + why)
	}
}
