package vr

import (
	"slices"
	"time"

	"althing/oplog"
	"althing/process"
	"althing/quorum"
	"althing/reads"
	"althing/wire"
)

// Protocol is the row of the catalog whose replicas keep their logs on disk.
var Protocol = process.Protocol{
	Name:    "vr",
	Paper:   "Barbara Liskov, James Cowling, Viewstamped Replication Revisited, 2012",
	New:     New,
	Decode:  Decode,
	Monitor: newMonitor,
	Facts:   facts,
}

// Diskless is the row whose replicas keep their logs in memory alone: one that
// crashed recovers from the others. It does not outlive that more than f of
// them are down or recovering at once.
var Diskless = process.Protocol{
	Name:    "vr-diskless",
	Paper:   Protocol.Paper + ", §4.3",
	New:     NewDiskless,
	Decode:  Decode,
	Monitor: newMonitor,
	Facts:   disklessFacts(),
}

var facts = process.Facts{
	Faults:   process.Crash,
	Order:    process.Total,
	Replicas: func(f int) int { return 2*f + 1 },
	Rounds:   2,                                      // primary to backups, and back
	Messages: func(n int) int { return 3 * (n - 1) }, // Prepare, PrepareOk, Commit
}

func disklessFacts() process.Facts {
	f := facts
	f.Volatile = true
	return f
}

const (
	election   process.Timer = iota + 1 // not primary: no primary was heard
	heartbeat                           // primary: time to be heard
	checkTimer                          // primary: is a quorum still there?
	resend                              // in a view change or a recovery: say it again
)

// Defaults of process.Config.
const (
	defaultHeartbeat  = 50 * time.Millisecond
	defaultBatchBytes = 1 << 20 // a message that a 1 Gbit/s link carries in 8 ms
	defaultWindow     = 64      // messages: 64 MiB on their way is more than a link holds
)

var defaultElection = process.Span{Min: 150 * time.Millisecond, Max: 300 * time.Millisecond}

// maxUncommitted bounds the requests that a primary takes in before the first
// of them is decided: more would only wait in memory.
const maxUncommitted = 1 << 16

type status uint8

const (
	normal status = iota
	viewChange
	recovering
)

// A VR is one replica.
type VR struct {
	cfg      process.Config
	diskless bool

	// Saved in a Lived record.
	view uint64 // view-number: no message of an earlier view is taken
	life uint64 // how often it was started, if diskless: the nonce of its recovery. §4.3

	// Saved if not diskless. Entry n is op-number n, its Epoch the view it was made in.
	log oplog.Log

	// Volatile at all replicas.
	status      status
	lived       bool       // it has records from an earlier life
	primary     process.ID // of view, if it was heard from in this life; 0: unknown
	commitIndex uint64     // commit-number
	now         time.Duration
	started     time.Duration // when Start came
	heard       time.Duration // when the primary was last heard
	bound       bool          // heard is set, and no election timeout has passed since
	images      []image       // application states sent lately, by ID

	// Volatile at those who follow, of the present view.
	matched uint64        // the log up to here is known to be the primary's too
	asked   time.Duration // when the primary was last asked for what is lacking
	asking  bool          // asked is set, and it has not answered in full
	early   []*Prepare    // what came before what it follows; at most a window

	// Volatile in a view change.
	target uint64       // the view wanted: beyond view while a primary is not heard
	order  uint64       // the view whose primary ordered the change to target; 0: none did
	svc    []process.ID // who wants target, itself too
	dvc    []promise    // at the primary to be of view: who is in it
	source process.ID   // at the primary to be: whose log it takes; 0: not yet known

	// Volatile in a recovery, or at the primary to be: the log must be fetched up
	// to the entry goal, made in goalView.
	goal, goalView uint64
	remembered     process.Group // in a recovery: of the epoch of view, if the log's is an earlier one

	// Volatile where an epoch begins. §7.1
	handsOn bool         // it does not vote, and tells those who do
	begun   []process.ID // handsOn: who has answered
	first   uint64       // the view that they should want; 0: it does not matter

	// Volatile at the primary.
	peers    []peer   // all of the group, by ID
	sent     uint64   // the log up to here was sent to all
	inflight []uint64 // the last op-numbers of the Prepares after commitIndex, ascending
	told     uint64   // the highest commit-number sent to all
	rounds   reads.Rounds
}

// promise is a DoViewChange that came: where its sender's log ends.
type promise struct {
	id         process.ID
	last, made uint64 // op-number, and view, of its last entry
}

// peer is what a primary knows of one replica, itself too.
type peer struct {
	id     process.ID
	match  uint64        // highest op-number known durable there, in the primary's log
	active bool          // heard since the last check of the quorum
	round  uint64        // highest round answered
	heard  time.Duration // when last heard; 0: not in this view
}

// New returns a replica that has never run, of those that have disks.
func New(c process.Config) process.Process { return newReplica(c, false) }

// NewDiskless returns a replica that has never run, of those that have none.
func NewDiskless(c process.Config) process.Process { return newReplica(c, true) }

func newReplica(c process.Config, diskless bool) process.Process {
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
	return &VR{cfg: c, diskless: diskless, log: oplog.New()}
}

// Step implements process.Process.
func (r *VR) Step(in process.Input, out *process.Output) {
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
	assert(in.Kind == process.Recover || r.status == recovering ||
		epochOf(r.log.EpochAt(r.commitIndex)) == r.epoch(), "who is in an epoch has what came before")
}

// recover replays one saved record.
func (r *VR) recover(m process.Msg) {
	r.lived = true
	switch m := m.(type) {
	case *Lived:
		r.view, r.life, r.remembered = m.View, m.Life, m.Group
	case *Entries:
		r.log.Replace(m.Prev, m.Entries)
	case *Checkpoint:
		r.view = m.View
		r.log.Reset(&process.State{Index: m.Base, Epoch: m.BaseView, Group: m.Group})
		r.log.Append(m.Entries)
	}
	r.target, r.commitIndex = r.view, r.log.Base()
}

// start begins to take part. The application's state may be ahead of the log,
// for it is kept elsewhere and a commit does not wait for this disk.
func (r *VR) start(s *process.State, out *process.Output) {
	assert(s.Index >= r.log.Base(), "the application lost entries that it had made durable")
	r.started = r.now
	keep := r.lived && !r.diskless && r.log.Has(s.Index, s.Epoch)
	if !keep {
		r.log.Reset(s)
	}
	r.commitIndex = s.Index
	// What begins an epoch is committed, and all before it. Until it was, it was an
	// entry of the epoch before: see endEpoch.
	for i := r.log.Last(); i > r.commitIndex; i-- {
		if begins(r.log.EpochAt(i)) {
			r.commitTo(i, out)
		}
	}
	r.matched = r.commitIndex
	if epochOf(s.Epoch) >= r.epoch() {
		r.remembered = process.Group{} // it is the application's
	}
	// A commit, or an epoch, may be of a view that was not yet on this disk.
	r.view = max(r.view, s.Epoch, r.log.LastEpoch())
	r.target = r.view
	if r.diskless {
		r.startDiskless(out)
		return
	}
	if !keep {
		r.checkpoint(out)
	}
	// Even the primary of its view begins as one who follows: it may have sent
	// Prepares that its own disk has lost, and must not use their numbers again.
	out.SetTimer(election, r.cfg.Election)
	r.handOn(out)
}

// setView records that no message of a view before v will be taken again.
func (r *VR) setView(v uint64, out *process.Output) {
	assert(v > r.view, "views only grow")
	// The same replica may be primary again, of another log: see follow.
	r.view, r.primary = v, 0
	out.Save(r.past()) // or a crash would lead back to a view that was left
}

// past returns what even a diskless replica must remember.
func (r *VR) past() *Lived {
	m := &Lived{View: r.view, Life: r.life}
	if r.diskless && r.epoch() > 0 {
		m.Group = *r.group()
	}
	return m
}

// saveEntries records that the log after prev is now es.
func (r *VR) saveEntries(prev uint64, es []process.Entry, out *process.Output) {
	if !r.diskless {
		out.Save(&Entries{Prev: prev, Entries: es})
	}
}

// primaryOf returns the primary of view v: replicas take turns. §4
func (r *VR) primaryOf(v uint64) process.ID {
	vs := r.group().Voters
	if len(vs) == 0 {
		return 0 // it knows no group yet
	}
	return vs[v%uint64(len(vs))]
}

func (r *VR) voter(id process.ID) bool { return slices.Contains(r.group().Voters, id) }

// leads reports whether this replica is the primary of its view, in this life.
func (r *VR) leads() bool { return r.primary == r.cfg.Self }

// majority is f+1 of 2f+1.
func (r *VR) majority() int { return quorum.Majority(len(r.group().Voters)) }

// toVoters sends m to all other voters.
func (r *VR) toVoters(m process.Msg, out *process.Output) {
	for _, id := range r.group().Voters {
		if id != r.cfg.Self {
			out.Send(id, m)
		}
	}
}

func (r *VR) onTimeout(t process.Timer, out *process.Output) {
	switch {
	case t == election && !r.leads() && r.status != recovering:
		r.suspect(out)
	case t == resend && !r.leads():
		r.onResend(out)
	case t == heartbeat && r.leads():
		r.beginRound(out)
		out.SetTimer(heartbeat, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
	case t == checkTimer && r.leads():
		r.checkQuorum(out)
	}
}

func (r *VR) onReceive(in *process.Input, out *process.Output) {
	m, ok := in.Msg.(message)
	if !ok {
		return // a record, not a message: no replica sends it
	}
	if p, ok := m.(*Prepare); ok && p.Use == ForStartEpoch {
		r.onStartEpoch(in.From, p, in.State, out)
		return
	}
	switch e := epochOf(m.view()); {
	case e > r.epoch():
		r.onLaterEpoch(in.From, m, out)
	case r.status == recovering:
		r.receiveRecovering(in, out)
	case e < r.epoch():
		r.onEarlierEpoch(in.From, m, out)
	default:
		r.onMessage(in, out)
	}
}

// onMessage takes a message of our own epoch.
func (r *VR) onMessage(in *process.Input, out *process.Output) {
	switch m := in.Msg.(type) {
	case *Prepare:
		r.onPrepare(in.From, m, in.State, out)
	case *PrepareOk:
		r.onPrepareOk(in.From, m, out)
	case *Commit:
		r.onCommit(in.From, m, out)
	case *CommitOk:
		r.onCommitOk(in.From, m, out)
	case *GetState:
		r.onGetState(in.From, m, out)
	case *StartViewChange:
		r.onStartViewChange(in.From, m, out)
	case *DoViewChange:
		r.onDoViewChange(in.From, m, out)
	case *Recovery:
		r.onRecovery(in.From, m, out)
	case *EpochStarted:
		r.onEpochStarted(in.From, out)
	}
}

// Status implements process.Process.
func (r *VR) Status() process.Status {
	role := "backup"
	switch {
	case r.leads():
		role = "primary"
	case r.status == viewChange:
		role = "view-change"
	case r.status == recovering:
		role = process.Recovering
	}
	return process.Status{
		Role: role, Epoch: r.view, Leader: r.primary, Last: r.log.Last(), Commit: r.commitIndex,
	}
}

// Progress implements process.Process.
func (r *VR) Progress(b []process.Progress) []process.Progress {
	for i := range r.peers {
		p := &r.peers[i]
		if p.id != r.cfg.Self {
			b = append(b, process.Progress{ID: p.id, Match: p.match, Heard: p.heard, Learner: !r.voter(p.id)})
		}
	}
	return b
}

// Clone implements process.Process. Entries are shared; clipped, they are
// copied by whichever side appends first.
func (r *VR) Clone() process.Process {
	c := *r
	c.log = r.log.Clone()
	c.images, c.early = slices.Clone(r.images), slices.Clone(r.early)
	c.svc, c.dvc = slices.Clone(r.svc), slices.Clone(r.dvc)
	c.peers, c.inflight = slices.Clone(r.peers), slices.Clone(r.inflight)
	c.rounds = r.rounds.Clone()
	c.begun = slices.Clone(r.begun)
	return &c
}

// AppendState implements process.Process. What a role does not use is empty in
// it, so that equal behaviour has equal bytes.
func (r *VR) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(r.cfg.Self), r.view, r.life, uint64(r.status), uint64(r.primary),
		r.commitIndex, uint64(r.now-r.started), r.matched, r.target, r.order, uint64(r.source), r.goal, r.goalView,
		r.first, uint64(len(r.begun)))
	b = append(b, wire.Flag(r.lived, 1)|wire.Flag(r.bound, 2)|wire.Flag(r.asking, 4)|wire.Flag(r.handsOn, 8))
	b = process.AppendGroup(b, r.remembered)
	for _, id := range r.begun {
		b = wire.AppendUints(b, uint64(id))
	}
	if r.bound {
		b = wire.AppendUints(b, uint64(r.now-r.heard))
	}
	if r.asking {
		b = wire.AppendUints(b, uint64(r.now-r.asked))
	}
	b = r.log.AppendState(b)
	b = wire.AppendUints(b, uint64(len(r.images)), uint64(len(r.early)), uint64(len(r.svc)), uint64(len(r.dvc)))
	for _, m := range r.early {
		b, _ = m.AppendBinary(b) // never fails, by its contract
	}
	for _, i := range r.images {
		b = wire.AppendUints(b, uint64(i.to), i.index, uint64(i.at))
	}
	for _, id := range r.svc {
		b = wire.AppendUints(b, uint64(id))
	}
	for _, p := range r.dvc {
		b = wire.AppendUints(b, uint64(p.id), p.last, p.made)
	}
	if r.leads() {
		b = r.appendOffice(b)
	}
	return b
}

// appendOffice appends what only a primary has.
func (r *VR) appendOffice(b []byte) []byte {
	for i := range r.peers {
		p := &r.peers[i]
		b = wire.AppendUints(b, uint64(p.id), p.match, p.round, uint64(p.heard))
		b = append(b, wire.Flag(p.active, 1))
	}
	b = wire.AppendUints(b, r.sent, r.told, uint64(len(r.inflight)))
	return r.rounds.AppendState(wire.AppendUints(b, r.inflight...))
}

func assert(ok bool, why string) {
	if !ok {
		panic("vr: " + why)
	}
}
