package benor

import (
	"slices"
	"time"

	"althing/oplog"
	"althing/process"
	"althing/quorum"
	"althing/wire"
)

// Protocol is the row of Ben-Or's randomised agreement in the catalog.
var Protocol = process.Protocol{
	Name:    "benor",
	Paper:   "Michael Ben-Or, Another Advantage of Free Choice, 1983",
	New:     New,
	Decode:  Decode,
	Monitor: newMonitor,
	Facts: process.Facts{
		Faults:   process.Crash,
		Order:    process.Total,
		Decrees:  1,
		Replicas: func(f int) int { return 2*f + 1 },
		Rounds:   2,                                          // if all inputs are one bit: reports, proposals
		Messages: func(n int) int { return 3 * n * (n - 1) }, // ditto, and Decided
	},
}

// again goes on as long as nothing is known to be decided: to say again what was
// said last, or to ask.
const again process.Timer = 1

// defaultElection is how long a replica waits until it says a thing again.
var defaultElection = process.Span{Min: 150 * time.Millisecond, Max: 300 * time.Millisecond}

// maxPending bounds the commands that wait for the decision.
const maxPending = 1 << 10

// A BenOr is one replica.
type BenOr struct {
	cfg     process.Config
	group   process.Group
	applied uint64            // 1 when the application has the decision, known here or not
	pending []process.Request // wait for the decision

	round    uint64 // 0: it takes no part yet
	phase    phase
	value    Value  // its report of the round; or what is decided
	proposed Value  // if it has proposed
	seats    []seat // what was heard of each voter in this round
}

type phase uint8

const (
	idle      phase = iota // no input
	reporting              // step 2: it waits for reports
	proposing              // step 3: it waits for proposals
	decided
)

// A seat is what was heard of one voter in a round.
type seat struct {
	reports, proposes  bool
	reported, proposed Value
}

// New returns a replica that has never run.
func New(c process.Config) process.Process {
	if c.Election == (process.Span{}) {
		c.Election = defaultElection
	}
	assert(c.Self != 0, "a replica needs an ID")
	return &BenOr{cfg: c}
}

// Step implements process.Process.
func (b *BenOr) Step(in process.Input, out *process.Output) {
	switch in.Kind {
	case process.Recover:
		b.recover(in.Msg)
	case process.Start:
		b.start(in.State, out)
	case process.Submit:
		for _, q := range in.Reqs {
			b.onSubmit(q, out)
		}
	case process.Timeout:
		b.onTimeout(in.Timer, out)
	case process.Receive:
		b.onReceive(in.From, in.Msg, out)
	case process.Compact:
		if m := b.said(); m != nil {
			out.Checkpoint(m)
		}
	}
}

// recover replays one saved record: the last one counts.
func (b *BenOr) recover(m process.Msg) {
	switch m := m.(type) {
	case *Report:
		b.round, b.phase, b.value, b.proposed = m.Round, reporting, m.Value, None
	case *Proposal:
		b.round, b.phase, b.value, b.proposed = m.Round, proposing, m.Reported, m.Value
	case *Decided:
		b.settle(m.Value)
	}
}

// said returns what this replica said last, nil if it said nothing.
func (b *BenOr) said() process.Msg {
	switch b.phase {
	case reporting:
		return &Report{b.round, b.value}
	case proposing:
		return &Proposal{b.round, b.value, b.proposed}
	case decided:
		return &Decided{b.value}
	}
	return nil
}

// start begins to take part. A replica of no group waits until it is of one.
func (b *BenOr) start(s *process.State, out *process.Output) {
	b.group, b.applied = s.Group.Clone(), s.Index
	switch {
	case b.phase == decided:
		b.commit(out)
	case b.group.Has(b.cfg.Self):
		b.seats = make([]seat, len(b.group.Voters))
		out.SetTimer(again, b.cfg.Election)
	}
}

// onSubmit takes a command in. The first is the input.
func (b *BenOr) onSubmit(q process.Request, out *process.Output) {
	switch {
	case q.Kind != process.Command:
		out.Refuse([]process.Request{q}, process.Unsupported, 0)
	case b.phase == decided:
		out.Reply(q, bit(b.value))
	case b.at(b.cfg.Self) < 0:
		out.Refuse([]process.Request{q}, process.NotLeader, 0)
	case len(b.pending) >= maxPending:
		out.Refuse([]process.Request{q}, process.Busy, 0)
	default:
		b.pending = append(b.pending, q)
		if b.phase == idle {
			b.enter(1, Input(q.Cmd), out)
		}
	}
}

// Input returns the bit that a command stands for: the last one of its last byte,
// so "0" is 0 and "1" is 1. No command at all is 0.
func Input(cmd []byte) Value {
	if len(cmd) == 0 {
		return Zero
	}
	return Zero + Value(cmd[len(cmd)-1]&1)
}

// bit is a Value as clients and the log read it.
func bit(v Value) []byte { return []byte{'0' + byte(v-Zero)} }

// onTimeout says again what may be lost.
func (b *BenOr) onTimeout(t process.Timer, out *process.Output) {
	if t != again || b.phase == decided {
		return
	}
	out.SetTimer(again, b.cfg.Election)
	if m := b.said(); m != nil {
		b.tell(m, out)
		return
	}
	for _, to := range b.group.Members() {
		if to != b.cfg.Self {
			// Now: a question says nothing.
			out.SendNow(to, &Ask{})
		}
	}
}

func (b *BenOr) onReceive(from process.ID, m process.Msg, out *process.Output) {
	if m, ok := m.(*Decided); ok {
		b.decide(m.Value, out)
		return
	}
	if b.phase == decided {
		b.inform(from, out)
		return
	}
	switch m := m.(type) {
	case *Report:
		b.onReport(from, m.Round, m.Value, out)
	case *Proposal:
		b.onProposal(from, m, out)
	case *Ask:
		b.answer(from, out)
	}
}

// answer says to one what was said last, once that is durable.
func (b *BenOr) answer(to process.ID, out *process.Output) {
	if m := b.said(); m != nil {
		out.Send(to, m)
	}
}

func (b *BenOr) inform(to process.ID, out *process.Output) {
	if to != b.cfg.Self {
		// Now: the proposals that decided it were durable before anybody heard of them.
		out.SendNow(to, &Decided{b.value})
	}
}

// decide ends it. A, step 3b
func (b *BenOr) decide(v Value, out *process.Output) {
	if b.phase == decided {
		assert(b.value == v, "one bit is decided")
		return
	}
	b.settle(v)
	out.Save(&Decided{v})
	out.StopTimer(again)
	b.commit(out)
	for _, q := range b.pending {
		out.Reply(q, bit(v))
	}
	b.pending = nil
	for _, to := range b.group.Members() {
		b.inform(to, out)
	}
}

// settle leaves nothing but what is decided.
func (b *BenOr) settle(v Value) {
	b.phase, b.value, b.round, b.proposed, b.seats = decided, v, 0, None, nil
}

// commit hands the decision over, once.
func (b *BenOr) commit(out *process.Output) {
	if b.applied == 0 && b.group.Has(b.cfg.Self) {
		b.applied = 1
		out.Commit([]process.Entry{{Index: 1, Req: process.Request{Kind: process.NoOp, Cmd: bit(b.value)}}})
	}
}

// at returns which voter id is, or -1.
func (b *BenOr) at(id process.ID) int { return slices.Index(b.group.Voters, id) }

// enough is n-f, which is a majority: f is the most that the rest can be.
func (b *BenOr) enough() int { return quorum.Majority(len(b.group.Voters)) }

// Status implements process.Process.
func (b *BenOr) Status() process.Status {
	s := process.Status{Role: "learner", Epoch: b.round, Last: b.applied, Commit: b.applied}
	if b.phase == decided || b.at(b.cfg.Self) >= 0 {
		s.Role = [...]string{"idle", "reporting", "proposing", "decided"}[b.phase]
	}
	return s
}

// Progress implements process.Process: nobody leads.
func (b *BenOr) Progress(p []process.Progress) []process.Progress { return p }

// Clone implements process.Process.
func (b *BenOr) Clone() process.Process {
	c := *b
	c.pending, c.seats = slices.Clone(b.pending), slices.Clone(b.seats)
	return &c
}

// AppendState implements process.Process.
func (b *BenOr) AppendState(to []byte) []byte {
	to = process.AppendGroup(wire.AppendUints(to, uint64(b.cfg.Self), b.applied), b.group)
	to = append(wire.AppendUints(to, b.round), byte(b.phase), byte(b.value), byte(b.proposed))
	for i := range b.seats {
		s := &b.seats[i]
		to = append(to, wire.Flag(s.reports, 1)|wire.Flag(s.proposes, 2), byte(s.reported), byte(s.proposed))
	}
	to = wire.AppendUints(to, uint64(len(b.pending)))
	for i := range b.pending {
		to = oplog.AppendRequest(to, &b.pending[i])
	}
	return to
}

func assert(ok bool, why string) {
	if !ok {
		panic("benor: " + why)
	}
}
