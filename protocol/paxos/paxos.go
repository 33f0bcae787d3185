package paxos

import (
	"bytes"
	"slices"
	"time"

	"althing/oplog"
	"althing/process"
	"althing/quorum"
	"althing/wire"
)

// Protocol is the row of single-decree Paxos in the catalog.
var Protocol = process.Protocol{
	Name:    "paxos",
	Paper:   "Leslie Lamport, Paxos Made Simple, 2001",
	New:     New,
	Decode:  Decode,
	Monitor: newMonitor,
	Facts: process.Facts{
		Faults:   process.Crash,
		Order:    process.Total,
		Decrees:  1,
		Replicas: func(f int) int { return 2*f + 1 },
		Rounds:   4,                                      // both phases, there and back
		Messages: func(n int) int { return 5 * (n - 1) }, // those of the phases, and Chosen
	},
}

// again goes on as long as the decree is not known: to propose once more, or to
// ask for it.
const again process.Timer = 1

// defaultElection is how long a proposer leaves its ballot alone.
var defaultElection = process.Span{Min: 150 * time.Millisecond, Max: 300 * time.Millisecond}

const (
	// maxPending and maxReads bound what waits for the decree.
	maxPending, maxReads = 1 << 10, 1 << 10
	// maxBackoff bounds how often the wait between ballots is doubled.
	maxBackoff = 2
)

// A Paxos is one replica: a proposer, a learner, and unless the group has it as
// a learner alone an acceptor.
type Paxos struct {
	cfg   process.Config
	group process.Group

	acceptor
	learner
	proposer
}

// New returns a replica that has never run.
func New(c process.Config) process.Process {
	if c.Election == (process.Span{}) {
		c.Election = defaultElection
	}
	assert(c.Self != 0, "a replica needs an ID")
	return &Paxos{cfg: c}
}

// Step implements process.Process.
func (p *Paxos) Step(in process.Input, out *process.Output) {
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
		p.onReceive(in.From, in.Msg, out)
	case process.Compact:
		p.checkpoint(out)
	}
	assert(p.voted <= p.promised, "a vote is a promise")
}

// recover replays one saved record.
func (p *Paxos) recover(m process.Msg) {
	switch m := m.(type) {
	case *Prepare:
		p.promised = m.Ballot
	case *Accept:
		p.promised, p.voted, p.value = m.Ballot, m.Ballot, m.Value
	case *Checkpoint:
		p.acceptor = acceptor{promised: m.Promised, voted: m.Voted, value: m.Value}
		if m.Chosen {
			p.acceptor, p.known, p.decree = acceptor{}, true, m.Value
		}
	}
}

// start begins to take part. A replica of no group waits until it is of one.
func (p *Paxos) start(s *process.State, out *process.Output) {
	p.group, p.applied = s.Group.Clone(), s.Index
	switch {
	case p.known:
		p.commit(out)
	case p.group.Has(p.cfg.Self):
		out.SetTimer(again, p.cfg.Election)
	}
}

// checkpoint saves all that this replica must remember.
func (p *Paxos) checkpoint(out *process.Output) {
	c := &Checkpoint{Promised: p.promised, Voted: p.voted, Value: p.value}
	if p.known {
		c = &Checkpoint{Chosen: true, Value: p.decree}
	}
	out.Checkpoint(c)
}

// onSubmit takes requests in, until there is a decree.
func (p *Paxos) onSubmit(reqs []process.Request, out *process.Output) {
	for _, q := range reqs {
		refuse := func(why process.Reason) { out.Refuse([]process.Request{q}, why, 0) }
		switch {
		case q.Kind != process.Command && q.Kind != process.Read:
			refuse(process.Unsupported)
		case !p.group.Has(p.cfg.Self):
			refuse(process.NotLeader)
		case q.Kind == process.Read:
			p.onRead(q, out)
		case p.applied > 0:
			refuse(process.Invalid) // the one decree is another, or was asked for before
		case len(p.pending) >= maxPending:
			refuse(process.Busy)
		default:
			p.pending = append(p.pending, q)
		}
	}
	if p.phase == idle && !p.known && len(p.pending)+len(p.reads) > 0 {
		p.begin(out)
	}
}

func (p *Paxos) onTimeout(t process.Timer, out *process.Output) {
	switch {
	case t != again || p.known:
	case len(p.pending)+len(p.reads)+len(p.votes) > 0:
		p.begin(out)
	default:
		p.phase = idle // of a ballot for the sake of reads that are answered
		p.ask(out)
		out.SetTimer(again, p.cfg.Election)
	}
}

func (p *Paxos) onReceive(from process.ID, m process.Msg, out *process.Output) {
	switch m := m.(type) {
	case *Chosen:
		p.learn(m.Value, out)
		return
	case *Promise:
		p.onPromise(from, m, out)
		return
	case *Accepted:
		p.onAccepted(from, m, out)
		return
	case *Nack:
		p.onNack(m)
		return
	}
	if p.known {
		// Now: a decree is a fact about the disks of a majority, not about ours.
		out.SendNow(from, &Chosen{p.decree})
		return
	}
	if !p.accepts(p.cfg.Self) {
		return
	}
	switch m := m.(type) {
	case *Prepare:
		p.onPrepare(from, m, out)
	case *Accept:
		p.onAccept(from, m, out)
	case *Ask:
		p.onAsk(from, out)
	}
}

// accepts reports whether id is an acceptor.
func (p *Paxos) accepts(id process.ID) bool { return slices.Contains(p.group.Voters, id) }

// enough reports whether n acceptors are a majority: any two share one. §2.2
func (p *Paxos) enough(n int) bool { return n >= quorum.Majority(len(p.group.Voters)) }

// Status implements process.Process.
func (p *Paxos) Status() process.Status {
	s := process.Status{Role: "acceptor", Epoch: max(p.promised, p.highest), Last: p.applied, Commit: p.applied}
	switch {
	case p.phase != idle:
		s.Role = "proposer"
	case !p.accepts(p.cfg.Self):
		s.Role = "learner"
	}
	if p.voted != 0 {
		s.Last = 1
	}
	return s
}

// Progress implements process.Process: nobody leads.
func (p *Paxos) Progress(b []process.Progress) []process.Progress { return b }

// Clone implements process.Process.
func (p *Paxos) Clone() process.Process {
	c := *p
	c.votes, c.promises = slices.Clone(p.votes), slices.Clone(p.promises)
	c.pending, c.reads = slices.Clone(p.pending), slices.Clone(p.reads)
	return &c
}

// AppendState implements process.Process. A replica that knows the decree has
// nothing else to say, so all that do are alike.
func (p *Paxos) AppendState(b []byte) []byte {
	b = process.AppendGroup(wire.AppendUints(b, uint64(p.cfg.Self), p.applied), p.group)
	b = append(b, wire.Flag(p.known, 1), byte(p.phase))
	if p.known {
		return oplog.AppendRequest(b, &p.decree)
	}
	b = appendVote(wire.AppendUints(b, p.promised), p.voted, &p.value)
	b = wire.AppendUints(b, p.highest, uint64(p.tries), uint64(len(p.votes)))
	for i := range p.votes {
		v := &p.votes[i]
		b = appendVote(wire.AppendUints(b, uint64(v.by)), v.ballot, &v.value)
	}
	b = wire.AppendUints(b, uint64(len(p.pending)))
	for i := range p.pending {
		b = oplog.AppendRequest(b, &p.pending[i])
	}
	b = wire.AppendUints(b, uint64(len(p.reads)))
	for i := range p.reads {
		b = oplog.AppendRequest(wire.AppendUints(b, p.reads[i].since), &p.reads[i].req)
	}
	if p.phase == idle {
		return b
	}
	b = appendVote(wire.AppendUints(b, p.ballot), p.best.ballot, &p.best.value)
	b = wire.AppendUints(b, uint64(len(p.promises)))
	for _, id := range p.promises {
		b = wire.AppendUints(b, uint64(id))
	}
	return b
}

// same reports whether two requests are one.
func same(a, b *process.Request) bool {
	return a.Kind == b.Kind && a.Client == b.Client && a.Seq == b.Seq && bytes.Equal(a.Cmd, b.Cmd)
}

func assert(ok bool, why string) {
	if !ok {
		panic("paxos: " + why)
	}
}
