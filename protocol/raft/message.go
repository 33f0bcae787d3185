package raft

import "althing/process"

// message is what servers exchange: every one names its sender's term. §5.1
type message interface {
	process.Msg
	term() uint64
}

// RequestVote asks for a vote in Term. §5.2; thesis §9.6 for Pre
type RequestVote struct {
	Term      uint64 // Pre: the term it would campaign in
	LastIndex uint64 // of the candidate's log
	LastTerm  uint64
	Pre       bool // would you vote for me? Changes nothing at either side
	Transfer  bool // the leader itself asked for this election. Thesis §3.10
}

// Vote answers RequestVote.
type Vote struct {
	Term    uint64 // Pre and Granted: the term asked for; else the voter's own
	Granted bool
	Pre     bool
}

// AppendEntries replicates the leader's log after Prev. §5.3
type AppendEntries struct {
	Term     uint64
	Prev     uint64 // index of the entry before Entries
	PrevTerm uint64
	Commit   uint64 // leader's commitIndex
	Entries  []process.Entry
}

// AppendReply answers AppendEntries and InstallSnapshot.
type AppendReply struct {
	Term     uint64
	OK       bool
	Match    uint64 // OK: equal to the leader's log and durable here up to Match; else: a place to try
	HintTerm uint64 // not OK: the term of entry Match here. §5.3, last paragraphs
	Prev     uint64 // not OK: the Prev that did not fit, 0 if only the term was stale
}

// Heartbeat keeps followers from elections, counts who still follows, for reads
// and leases, and says what is decided to those who have it already. It is
// apart from AppendEntries because its answer need not wait for a disk.
type Heartbeat struct {
	Term   uint64
	Commit uint64 // at most what the receiver is known to hold
	Round  uint64 // of the leader's rounds in its term, from 1. Thesis §6.4; 0: no answer is wanted
}

// HeartbeatReply says that at some time after Round was sent the sender knew
// of no later term.
type HeartbeatReply struct {
	Term  uint64
	Round uint64
}

// InstallSnapshot comes with an application state. §7
type InstallSnapshot struct {
	Term uint64
}

// TimeoutNow asks the receiver to campaign at once. Thesis §3.10
type TimeoutNow struct {
	Term uint64
}

// HardState is saved, never sent.
type HardState struct {
	Term uint64
	Vote process.ID
}

// Entries is saved, never sent: the log after Prev is now Entries.
type Entries struct {
	Prev    uint64
	Entries []process.Entry
}

// Checkpoint is saved, never sent: it is all that this server must remember,
// given the application's state. §7
type Checkpoint struct {
	Term, BaseTerm uint64
	Vote           process.ID
	Base           uint64          // Entries begin after it; the application holds what came before
	Group          process.Group   // in force at Base
	Entries        []process.Entry // the log after Base
}

func (m *RequestVote) term() uint64     { return m.Term }
func (m *Vote) term() uint64            { return m.Term }
func (m *AppendEntries) term() uint64   { return m.Term }
func (m *AppendReply) term() uint64     { return m.Term }
func (m *Heartbeat) term() uint64       { return m.Term }
func (m *HeartbeatReply) term() uint64  { return m.Term }
func (m *InstallSnapshot) term() uint64 { return m.Term }
func (m *TimeoutNow) term() uint64      { return m.Term }

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
func (*AppendEntries) Kind() string { return "AppendEntries" }

// Kind implements process.Msg.
func (*AppendReply) Kind() string { return "AppendReply" }

// Kind implements process.Msg.
func (*Heartbeat) Kind() string { return "Heartbeat" }

// Kind implements process.Msg.
func (*HeartbeatReply) Kind() string { return "HeartbeatReply" }

// Kind implements process.Msg.
func (*InstallSnapshot) Kind() string { return "InstallSnapshot" }

// Kind implements process.Msg.
func (*TimeoutNow) Kind() string { return "TimeoutNow" }

// Kind implements process.Msg.
func (*HardState) Kind() string { return "HardState" }

// Kind implements process.Msg.
func (*Entries) Kind() string { return "Entries" }

// Kind implements process.Msg.
func (*Checkpoint) Kind() string { return "Checkpoint" }
