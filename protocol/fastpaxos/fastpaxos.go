package fastpaxos

import (
	"bytes"
	"slices"
	"time"

	"althing/oplog"
	"althing/process"
	"althing/quorum"
)

// The rows in the catalog: the coordinator recovers from collisions, or the
// acceptors do without it.
var (
	Coordinated   = row("fastpaxos", false)
	Uncoordinated = row("fastpaxos-uncoordinated", true)
)

func row(name string, alone bool) process.Protocol {
	return process.Protocol{
		Name:    name,
		Paper:   "Leslie Lamport, Fast Paxos, 2005",
		New:     func(c process.Config) process.Process { return newReplica(alone, c) },
		Decode:  Decode,
		Monitor: newMonitor,
		Facts: process.Facts{
			Faults:   process.Crash,
			Order:    process.Total,
			Replicas: func(f int) int { return 2*f + 1 },
			Rounds:   2,                                  // to the acceptors, and from them to all
			Messages: func(n int) int { return n*n - 1 }, // Propose, and a vote of each to all
		},
	}
}

const (
	election process.Timer = iota + 1 // no coordinator was heard
	tick                              // time to say again what may be lost
)

// Defaults of process.Config.
const (
	defaultHeartbeat  = 50 * time.Millisecond
	defaultBatchBytes = 1 << 20
	defaultWindow     = 256 // own proposals that are not decided
)

var defaultElection = process.Span{Min: 300 * time.Millisecond, Max: 600 * time.Millisecond}

const (
	// maxOpen bounds the instances after the last that is decided with all before:
	// what is beyond is not listened to.
	maxOpen = 1 << 12
	// maxQueue and maxReads bound the requests that wait here.
	maxQueue, maxReads = 1 << 14, 1 << 14
	// maxReady bounds the queries whose reads wait for the log.
	maxReady = 64
	// maxBytes bounds the commands of own proposals that are not decided, and by
	// that what an acceptor may have to show of votes.
	maxBytes = 8 << 20
	// patience is how many ticks something has to come to an end by itself.
	patience = 3
	// despair is how many ticks an instance may take before the coordinator begins
	// another round for its sake.
	despair = 4 * patience
	// absent is how many ticks of silence make a replica count as down.
	absent = 6
	// steady is how many ticks a fast quorum must have been there for a fast round
	// to begin after a classic one.
	steady = 20
)

// Rounds come in fours, of one coordinator: base is what is promised, and what
// follows are the rounds with votes. All of an earlier base come before.
const (
	fastRound    = 1 // votes for what anybody proposes
	aloneRound   = 2 // votes by which acceptors recover from a collision, uncoordinated
	classicRound = 3 // votes for what the coordinator says, recovery included

	kindBits = 2
	idBits   = 16
)

func baseOf(round uint64) uint64 { return round &^ (1<<kindBits - 1) }

// fast reports whether a round takes fast quorums.
func fast(round uint64) bool {
	k := round & (1<<kindBits - 1)
	return k == fastRound || k == aloneRound
}

// A replica is proposer, acceptor, learner, and at times coordinator.
type replica struct {
	cfg   process.Config
	alone bool // uncoordinated recovery
	group process.Group
	lived bool // it has records from an earlier life

	// Acceptor: saved, but for any.
	promised uint64
	any      Heartbeat // the latest: what it allows

	// Learner.
	log   oplog.Log  // what is chosen, as far as there is no gap
	insts []instance // after log.Last(), as far as anything was heard of them
	high  uint64     // the highest instance heard of, at least log.Last()
	ahead uint64     // what another replica has beyond this log, 0: nothing is known
	from  process.ID // that one
	moved bool       // the log grew since the last tick

	// Proposer.
	queue []process.Request // wait for an instance
	mine  []process.Entry   // proposed, ascending: not known to be decided
	reading

	coordinator
}

// instance is one that is not in the log yet.
type instance struct {
	vote    Vote   // this acceptor's latest, round 0: none
	heard   []Vote // the latest of each voter, by position in the group
	decided bool
	value   process.Entry
	said    bool // coordinator: saying is what it said in the classic round
	saying  process.Entry
	age     uint8 // ticks
}

func newReplica(alone bool, c process.Config) process.Process {
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
	c.Window = min(c.Window, maxOpen/4)
	assert(c.Self != 0, "a replica needs an ID")
	return &replica{cfg: c, alone: alone, log: oplog.New()}
}

// Step implements process.Process.
func (r *replica) Step(in process.Input, out *process.Output) {
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
		r.log.Trim(min(in.State.Index, r.log.Last()), r.cfg.Trailing)
		r.checkpoint(out)
	}
	assert(len(r.insts) == 0 || !r.insts[0].decided || in.Kind == process.Recover, "what is decided is in the log")
}

// recover replays one saved record.
func (r *replica) recover(m process.Msg) {
	r.lived = true
	switch m := m.(type) {
	case *Prepare:
		r.promised = m.Round
	case *Voted:
		r.promised = max(r.promised, baseOf(m.Round))
		r.know(m.Commit)
		for i := range m.Entries {
			if x := r.at(m.Entries[i].Index); x != nil {
				x.vote = Vote{m.Round, m.Entries[i]}
			}
		}
	case *Decided:
		for i := range m.Entries {
			if x := r.at(m.Entries[i].Index); x != nil {
				x.decided, x.value = true, m.Entries[i]
			}
		}
	case *Checkpoint:
		r.promised, r.insts = m.Promised, nil
		r.log.Reset(&process.State{Index: m.Base, Epoch: m.BaseEpoch, Group: m.Group})
		r.log.Append(m.Entries)
		for i := range m.Votes {
			r.at(m.Votes[i].Entry.Index).vote = m.Votes[i]
		}
	}
}

// know puts into the log what was chosen up to commit: its latest vote, unless a
// record says otherwise.
func (r *replica) know(commit uint64) {
	n := 0
	for n < len(r.insts) && r.log.Last() < commit {
		x := &r.insts[n]
		e := x.value
		if !x.decided {
			e = x.vote.Entry
		}
		assert(e.Index == r.log.Last()+1, "what was chosen was voted for, or saved")
		r.log.Append([]process.Entry{e})
		n++
	}
	r.insts = slices.Delete(r.insts, 0, n)
}

// start begins to take part. The application's state may be ahead of the log.
func (r *replica) start(s *process.State, out *process.Output) {
	assert(s.Index >= r.log.Base(), "the application lost entries that it had made durable")
	r.group = s.Group.Clone()
	if !r.lived || r.log.Last() < s.Index {
		r.skip(s)
		r.checkpoint(out)
	}
	out.Commit(r.log.Slice(s.Index, r.log.Last()))
	r.high = r.log.Last() + uint64(len(r.insts))
	n := len(r.group.Voters)
	r.silent, r.commits, r.heardAt = make([]uint8, n), make([]uint64, n), make([]time.Duration, n)
	r.advance(out)
	if r.group.Has(r.cfg.Self) {
		out.SetTimer(tick, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
		out.SetTimer(election, r.cfg.Election)
	}
}

// skip makes the log begin after an application state, and keeps the votes after it.
func (r *replica) skip(s *process.State) {
	n := min(s.Index-r.log.Last(), uint64(len(r.insts)))
	r.insts = slices.Delete(r.insts, 0, int(n))
	r.log.Reset(s)
	r.high = max(r.high, s.Index)
}

// checkpoint saves all that this replica must remember, in place of all records
// before.
func (r *replica) checkpoint(out *process.Output) {
	out.Checkpoint(&Checkpoint{
		Promised: r.promised, Base: r.log.Base(), BaseEpoch: r.log.BaseEpoch(),
		Group: *r.log.BaseGroup(), Entries: r.log.Entries(), Votes: r.votes(),
	})
}

// votes returns this acceptor's latest votes after its log.
func (r *replica) votes() (vs []Vote) {
	for i := range r.insts {
		if v := r.insts[i].vote; v.Round != 0 {
			vs = append(vs, v)
		}
	}
	return vs
}

// at returns an instance, or nil if it is in the log already or out of reach.
func (r *replica) at(index uint64) *instance {
	last := r.log.Last()
	if index <= last || index-last > maxOpen {
		return nil
	}
	for uint64(len(r.insts)) < index-last {
		r.insts = append(r.insts, instance{})
	}
	r.high = max(r.high, index)
	return &r.insts[index-last-1]
}

func (r *replica) onReceive(in *process.Input, out *process.Output) {
	switch m := in.Msg.(type) {
	case *Scout:
		r.onScout(in.From, out)
	case *Second:
		r.onSecond(in.From, m, out)
	case *Prepare:
		r.onPrepare(in.From, m, out)
	case *Promise:
		r.onPromise(in.From, m, out)
	case *Propose:
		r.onPropose(m, out)
	case *Accept:
		r.onAccept(in.From, m, out)
	case *Voted:
		r.onVoted(in.From, m, out)
	case *Nack:
		r.onNack(m, out)
	case *Heartbeat:
		r.onHeartbeat(in.From, m, out)
	case *Alive:
		r.onAlive(in.From, m)
	case *Ask:
		r.onAsk(in.From, m, out)
	case *Learn:
		r.onLearn(in.From, m, out)
	case *Install:
		r.onInstall(in.State, out)
	case *Query:
		r.onQuery(in.From, m, out)
	case *Answer:
		r.onAnswer(in.From, m, out)
	}
}

// position returns the place of a voter in the group, or -1.
func (r *replica) position(id process.ID) int { return slices.Index(r.group.Voters, id) }

// classic and fastSize are the sizes of quorums. Any two fast quorums meet within
// any classic one. §2.2, (Q)
func (r *replica) classic() int { return quorum.Majority(len(r.group.Voters)) }

func (r *replica) fastSize() int {
	n, err := quorum.FastSize(len(r.group.Voters), r.classic())
	assert(err == nil, "a majority is a quorum")
	return n
}

// quorumOf returns how many votes in a round choose.
func (r *replica) quorumOf(round uint64) int {
	if fast(round) {
		return r.fastSize()
	}
	return r.classic()
}

// Status implements process.Process.
func (r *replica) Status() process.Status {
	s := process.Status{Role: "acceptor", Epoch: r.promised, Leader: r.leader, Last: r.high, Commit: r.log.Last()}
	switch {
	case r.role >= preparing:
		s.Role = "coordinator"
	case r.position(r.cfg.Self) < 0:
		s.Role = "learner"
	}
	return s
}

// Progress implements process.Process.
func (r *replica) Progress(b []process.Progress) []process.Progress {
	if r.role != leading {
		return b
	}
	for i, id := range r.group.Voters {
		if id != r.cfg.Self {
			b = append(b, process.Progress{ID: id, Match: r.commits[i], Heard: r.heardAt[i]})
		}
	}
	return b
}

// equal reports whether two entries are one value. The epoch of an entry is the
// replica that proposed it, 0 of one that fills a gap: so two replicas' requests
// are two values, though they be alike.
func equal(a, b *process.Entry) bool {
	return a.Epoch == b.Epoch && a.Req.Kind == b.Req.Kind && a.Req.Client == b.Req.Client &&
		a.Req.Seq == b.Req.Seq && bytes.Equal(a.Req.Cmd, b.Req.Cmd)
}

func assert(ok bool, why string) {
	if !ok {
		panic("fastpaxos: " + why)
	}
}
