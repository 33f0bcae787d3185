package multipaxos

import "althing/process"

// message is what replicas exchange: every one names a ballot.
type message interface {
	process.Msg
	ballot() Ballot
}

// Ask asks whether an acceptor would promise Ballot. It changes nothing there.
type Ask struct {
	Ballot Ballot // above all that the sender knows
	After  uint64 // the sender knows what is decided up to here
}

// Willing answers Ask.
type Willing struct {
	Ballot   Ballot // the one asked for
	Promised Ballot // by the sender: the proposer's must be above
}

// Prepare is phase 1a, for all slots above After at once: promise me Ballot, and
// tell what you accepted there. Saved, it is the promise. §2.2, §3
type Prepare struct {
	Ballot Ballot
	After  uint64
	Order  bool // the leader itself asked for this campaign
}

// Promise is phase 1b, as far as one message goes: all that the sender knows
// of the slots in (After, Upto]. What it knows to be decided comes first.
type Promise struct {
	Ballot  Ballot
	After   uint64
	Upto    uint64
	More    bool            // ask again, after Upto
	Decided []process.Entry // from slot After+1 on
	Votes   []Vote          // ascending by slot
}

// Reject says that the sender promised Ballot, which is above the one that it
// was addressed in; or, if it is that one, that it does not answer its Prepare,
// for it has compacted slots that were asked for.
type Reject struct {
	Ballot Ballot
}

// Accept is phase 2a, for the slots after Prev. Empty, it asks for the answer.
// Saved, it is what was accepted, with what the acceptor then knew to be decided.
type Accept struct {
	Ballot  Ballot
	Prev    uint64
	Commit  uint64 // all slots up to here are decided
	Entries []process.Entry
}

// Accepted is phase 2b: in each slot up to Match the sender accepted the
// leader's value in Ballot, or knows what is decided.
type Accepted struct {
	Ballot Ballot
	Match  uint64
	Prev   uint64 // of the Accept it answers: above Match, something is missing before it
}

// Chosen tells learners that all slots up to Commit are decided.
type Chosen struct {
	Ballot Ballot
	Commit uint64
}

// Heartbeat keeps others from campaigns, counts who still follows, for reads
// and leases, and says what is decided.
type Heartbeat struct {
	Ballot Ballot
	Commit uint64
	Round  uint64 // of the leader's rounds in its ballot, from 1
}

// HeartbeatReply says that at some time after Round was sent the sender had
// promised no later ballot.
type HeartbeatReply struct {
	Ballot  Ballot
	Round   uint64
	Decided uint64 // it knows what is decided up to here
}

// State comes with an application state, for who lacks what the leader's log
// no longer has.
type State struct {
	Ballot Ballot
}

// HandOver asks the receiver to campaign at once.
type HandOver struct {
	Ballot Ballot
}

// Checkpoint is saved, never sent: it is all that this replica must remember,
// given the application's state.
type Checkpoint struct {
	Promised  Ballot
	Base      uint64 // Entries begin after it; the application holds what came before
	BaseEpoch uint64
	Group     process.Group   // in force at Base
	Entries   []process.Entry // decided, from slot Base+1 on
	Votes     []Vote          // in later slots, ascending
}

func (m *Ask) ballot() Ballot            { return m.Ballot }
func (m *Willing) ballot() Ballot        { return m.Ballot }
func (m *Prepare) ballot() Ballot        { return m.Ballot }
func (m *Promise) ballot() Ballot        { return m.Ballot }
func (m *Reject) ballot() Ballot         { return m.Ballot }
func (m *Accept) ballot() Ballot         { return m.Ballot }
func (m *Accepted) ballot() Ballot       { return m.Ballot }
func (m *Chosen) ballot() Ballot         { return m.Ballot }
func (m *Heartbeat) ballot() Ballot      { return m.Ballot }
func (m *HeartbeatReply) ballot() Ballot { return m.Ballot }
func (m *State) ballot() Ballot          { return m.Ballot }
func (m *HandOver) ballot() Ballot       { return m.Ballot }

// Kind implements process.Msg.
func (*Ask) Kind() string { return "Ask" }

// Kind implements process.Msg.
func (*Willing) Kind() string { return "Willing" }

// Kind implements process.Msg.
func (*Prepare) Kind() string { return "Prepare" }

// Kind implements process.Msg.
func (*Promise) Kind() string { return "Promise" }

// Kind implements process.Msg.
func (*Reject) Kind() string { return "Reject" }

// Kind implements process.Msg.
func (*Accept) Kind() string { return "Accept" }

// Kind implements process.Msg.
func (*Accepted) Kind() string { return "Accepted" }

// Kind implements process.Msg.
func (*Chosen) Kind() string { return "Chosen" }

// Kind implements process.Msg.
func (*Heartbeat) Kind() string { return "Heartbeat" }

// Kind implements process.Msg.
func (*HeartbeatReply) Kind() string { return "HeartbeatReply" }

// Kind implements process.Msg.
func (*State) Kind() string { return "State" }

// Kind implements process.Msg.
func (*HandOver) Kind() string { return "HandOver" }

// Kind implements process.Msg.
func (*Checkpoint) Kind() string { return "Checkpoint" }
