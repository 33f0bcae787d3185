package fastpaxos

import "althing/process"

// Scout asks whether its receiver knows of a coordinator. Who does not seconds.
type Scout struct{}

// Second answers Scout.
type Second struct{ Promised uint64 }

// Prepare asks for a promise to take part in no round before Round. Phase 1a.
// Saved, it is that promise.
type Prepare struct{ Round uint64 }

// Promise answers Prepare. Phase 1b
type Promise struct {
	Round  uint64
	Commit uint64 // the sender knows what is chosen in instances 1 to Commit
	Votes  []Vote // its latest in each instance after Commit in which it voted, ascending
}

// A Vote is an acceptor's, in an instance: that of its Entry.
type Vote struct {
	Round uint64
	Entry process.Entry
}

// Propose asks all for votes in a fast round, or the coordinator of a classic one
// to ask for them.
type Propose struct{ Entries []process.Entry }

// Accept asks for votes in a classic round. Phase 2a
type Accept struct {
	Round   uint64
	Entries []process.Entry
}

// Voted tells votes, which are durable. Phase 2b. Saved, it is these votes.
type Voted struct {
	Round   uint64
	Commit  uint64 // of the sender when it voted
	Entries []process.Entry
}

// Nack says that nothing came of Round here, for a later one was promised.
type Nack struct{ Round, Promised uint64 }

// Heartbeat keeps the others from elections. With Any it is phase 2a of the fast
// round, for all instances after After: vote for what is proposed.
type Heartbeat struct {
	Round  uint64
	After  uint64
	Commit uint64
	Any    bool
}

// Alive answers Heartbeat.
type Alive struct {
	Round  uint64
	Commit uint64
	High   uint64 // the highest instance that the sender has heard of
}

// Ask asks for what is chosen after After.
type Ask struct{ After uint64 }

// Learn tells what is chosen, of what the sender knows up to Commit.
type Learn struct {
	Commit  uint64
	Entries []process.Entry
}

// Install comes with an application state, for those who lag too far behind.
type Install struct{}

// Query asks, for reads, for the highest instance with a vote.
type Query struct{ Seq uint64 }

// Answer answers Query.
type Answer struct{ Seq, High uint64 }

// Decided is saved, never sent: values that are chosen in instances in which this
// replica's latest vote was for something else, or in which it has none.
type Decided struct{ Entries []process.Entry }

// Checkpoint is saved, never sent: all that a replica must remember, given the
// application's state.
type Checkpoint struct {
	Promised        uint64
	Base, BaseEpoch uint64
	Group           process.Group   // in force at Base
	Entries         []process.Entry // chosen after Base
	Votes           []Vote          // after these
}

// Kind implements process.Msg.
func (*Scout) Kind() string { return "Scout" }

// Kind implements process.Msg.
func (*Second) Kind() string { return "Second" }

// Kind implements process.Msg.
func (*Prepare) Kind() string { return "Prepare" }

// Kind implements process.Msg.
func (*Promise) Kind() string { return "Promise" }

// Kind implements process.Msg.
func (*Propose) Kind() string { return "Propose" }

// Kind implements process.Msg.
func (*Accept) Kind() string { return "Accept" }

// Kind implements process.Msg.
func (*Voted) Kind() string { return "Voted" }

// Kind implements process.Msg.
func (*Nack) Kind() string { return "Nack" }

// Kind implements process.Msg; "Any" stands out in traces.
func (m *Heartbeat) Kind() string {
	if m.Any {
		return "Any"
	}
	return "Heartbeat"
}

// Kind implements process.Msg.
func (*Alive) Kind() string { return "Alive" }

// Kind implements process.Msg.
func (*Ask) Kind() string { return "Ask" }

// Kind implements process.Msg.
func (*Learn) Kind() string { return "Learn" }

// Kind implements process.Msg.
func (*Install) Kind() string { return "Install" }

// Kind implements process.Msg.
func (*Query) Kind() string { return "Query" }

// Kind implements process.Msg.
func (*Answer) Kind() string { return "Answer" }

// Kind implements process.Msg.
func (*Decided) Kind() string { return "Decided" }

// Kind implements process.Msg.
func (*Checkpoint) Kind() string { return "Checkpoint" }
