package chain

import "althing/process"

// message is what replicas exchange: every one names its sender's epoch.
type message interface {
	process.Msg
	epoch() uint64
}

// RequestVote asks to be the head of the chain of Epoch.
type RequestVote struct {
	Epoch     uint64 // Pre: the epoch that it would be head in
	LastIndex uint64 // of the candidate's log
	LastEpoch uint64
	Pre       bool // would you vote for me? Changes nothing at either side
	Transfer  bool // the head itself stepped down for the sender
}

// Vote answers RequestVote.
type Vote struct {
	Epoch   uint64 // Pre and Granted: the epoch asked for; else the voter's own
	Last    uint64 // the end of the voter's log, to see who is far behind
	Granted bool
	Pre     bool
}

// Heartbeat tells all replicas what chain there is, and what it has done.
type Heartbeat struct {
	Epoch       uint64
	Chain       []process.ID // head first
	Commit      uint64       // the head's commit index
	CommitEpoch uint64       // the epoch of that entry
	Close       bool         // grant no leases: the next epoch is to begin
}

// HeartbeatReply says that the sender lives, and what the one it feeds has.
type HeartbeatReply struct {
	Epoch uint64
	Down  process.ID // its successor, or the learner after the tail; 0: none
	Match uint64     // durable there
}

// Update forwards entries down the chain. §3
type Update struct {
	Epoch     uint64
	Prev      uint64 // index of the entry before Entries
	PrevEpoch uint64
	Commit    uint64 // the sender's commit index
	Ask       bool   // a receipt is wanted
	Entries   []process.Entry
}

// Ack goes up the chain: what is committed (§3), and, where asked, what is
// durable at the sender.
type Ack struct {
	Epoch     uint64
	OK        bool
	Commit    uint64 // OK: the sender's commit index
	Match     uint64 // OK: durable there and equal to the head's log, 0: not said; else: a place to try
	HintEpoch uint64 // not OK: the epoch of entry Match there
	Prev      uint64 // not OK: the Prev that did not fit, 0 if only the epoch was stale
}

// Written goes to the sender itself: its disk has the entries up to Match.
type Written struct {
	Epoch uint64
	Match uint64
}

// InstallState comes with the predecessor's application state.
type InstallState struct{ Epoch uint64 }

// Join asks the tail to bring the sender, which is outside, up to date.
type Join struct{ Epoch uint64 }

// Confirm asks whether Epoch is still the latest.
type Confirm struct {
	Epoch uint64
	Round uint64 // of the sender's rounds; no two of a replica in an epoch are alike
}

// Confirmed says that after Round was begun the sender knew of no later epoch.
type Confirmed struct {
	Epoch uint64
	Round uint64
	Lease bool // and that it will vote in none for the least election timeout
}

// Query asks the tail up to where all is committed. CRAQ §2.3
type Query struct {
	Epoch uint64
	Ask   uint64 // of the sender's queries; like Round
}

// Version answers Query.
type Version struct {
	Epoch  uint64
	Ask    uint64
	Commit uint64 // the tail's commit index
}

// TimeoutNow asks the receiver to be head at once: the sender has stepped down.
type TimeoutNow struct{ Epoch uint64 }

// HardState is saved, never sent.
type HardState struct {
	Epoch uint64
	Vote  process.ID
}

// Lived is saved, and sent to the sender itself, when a replica starts.
type Lived struct{ Life uint64 }

// Entries is saved, never sent: the log after Prev is now Entries.
type Entries struct {
	Prev    uint64
	Entries []process.Entry
}

// Checkpoint is saved, never sent: all that a replica must remember, given the
// application's state.
type Checkpoint struct {
	Epoch     uint64
	Vote      process.ID
	Life      uint64
	Base      uint64 // Entries begin after it; the application holds what came before
	BaseEpoch uint64
	Group     process.Group
	Entries   []process.Entry
}

func (m *RequestVote) epoch() uint64    { return m.Epoch }
func (m *Vote) epoch() uint64           { return m.Epoch }
func (m *Heartbeat) epoch() uint64      { return m.Epoch }
func (m *HeartbeatReply) epoch() uint64 { return m.Epoch }
func (m *Update) epoch() uint64         { return m.Epoch }
func (m *Ack) epoch() uint64            { return m.Epoch }
func (m *Written) epoch() uint64        { return m.Epoch }
func (m *InstallState) epoch() uint64   { return m.Epoch }
func (m *Join) epoch() uint64           { return m.Epoch }
func (m *Confirm) epoch() uint64        { return m.Epoch }
func (m *Confirmed) epoch() uint64      { return m.Epoch }
func (m *Query) epoch() uint64          { return m.Epoch }
func (m *Version) epoch() uint64        { return m.Epoch }
func (m *TimeoutNow) epoch() uint64     { return m.Epoch }

// Kind implements process.Msg; "PreVote" and "PreVoteReply" stand out in traces.
func (m *RequestVote) Kind() string {
	if m.Pre {
		return "PreVote"
	}
	return "RequestVote"
}

// Kind implements process.Msg.
func (m *Vote) Kind() string {
	if m.Pre {
		return "PreVoteReply"
	}
	return "Vote"
}

// Kind implements process.Msg.
func (*Heartbeat) Kind() string { return "Heartbeat" }

// Kind implements process.Msg.
func (*HeartbeatReply) Kind() string { return "HeartbeatReply" }

// Kind implements process.Msg.
func (*Update) Kind() string { return "Update" }

// Kind implements process.Msg.
func (*Ack) Kind() string { return "Ack" }

// Kind implements process.Msg.
func (*Written) Kind() string { return "Written" }

// Kind implements process.Msg.
func (*InstallState) Kind() string { return "InstallState" }

// Kind implements process.Msg.
func (*Join) Kind() string { return "Join" }

// Kind implements process.Msg.
func (*Confirm) Kind() string { return "Confirm" }

// Kind implements process.Msg.
func (*Confirmed) Kind() string { return "Confirmed" }

// Kind implements process.Msg.
func (*Query) Kind() string { return "Query" }

// Kind implements process.Msg.
func (*Version) Kind() string { return "Version" }

// Kind implements process.Msg.
func (*TimeoutNow) Kind() string { return "TimeoutNow" }

// Kind implements process.Msg.
func (*HardState) Kind() string { return "HardState" }

// Kind implements process.Msg.
func (*Lived) Kind() string { return "Lived" }

// Kind implements process.Msg.
func (*Entries) Kind() string { return "Entries" }

// Kind implements process.Msg.
func (*Checkpoint) Kind() string { return "Checkpoint" }
