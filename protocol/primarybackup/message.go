package primarybackup

import "althing/process"

// message is what replicas exchange: every one names its sender's epoch.
type message interface {
	process.Msg
	epoch() uint64
}

// RequestVote asks for a vote to promote the sender in Epoch.
type RequestVote struct {
	Epoch     uint64 // Pre: the epoch that it would be promoted in
	LastIndex uint64 // of the candidate's log
	LastEpoch uint64
	Pre       bool // would you vote for me? Changes nothing at either side
	Transfer  bool // the primary itself stepped down for the sender
}

// Vote answers RequestVote.
type Vote struct {
	Epoch   uint64 // Pre and Granted: the epoch asked for; else the voter's own
	Granted bool
	Pre     bool
}

// AppendEntries brings the primary's log after Prev.
type AppendEntries struct {
	Epoch     uint64
	Prev      uint64 // index of the entry before Entries
	PrevEpoch uint64
	Commit    uint64 // committed, and known to be durable at the receiver
	Settled   uint64 // settled, and known to be durable at the receiver
	Entries   []process.Entry
}

// AppendReply answers AppendEntries and InstallState.
type AppendReply struct {
	Epoch     uint64
	OK        bool
	Match     uint64 // OK: durable here, and equal to the primary's log, up to Match; else: a place to try
	HintEpoch uint64 // not OK: the epoch of entry Match here
	Prev      uint64 // not OK: the Prev that did not fit, 0 if only the epoch was stale
}

// Heartbeat keeps backups from promoting another, and carries what is decided.
type Heartbeat struct {
	Epoch   uint64
	Commit  uint64 // as in AppendEntries
	Settled uint64
	Round   uint64 // of the primary's rounds in its epoch, from 1; 0: no answer is wanted
}

// HeartbeatReply says that after Round was sent the sender knew of no later epoch.
type HeartbeatReply struct {
	Epoch  uint64
	Round  uint64
	Astray bool // what was applied here is not in the primary's log: its state is wanted
}

// InstallState comes with the primary's application state.
type InstallState struct {
	Epoch     uint64
	Base      uint64 // the primary's log begins after Base, which is settled
	BaseEpoch uint64
	Past      []Begun // of the entries up to Base
}

// Begun says where an epoch begins in a history: an entry of that epoch and index
// is the same in all logs, so a list of these names a whole history.
type Begun struct {
	Index, Epoch uint64
}

// TimeoutNow asks the receiver to be promoted at once: the sender has stepped down.
type TimeoutNow struct {
	Epoch uint64
}

// Founded goes to the sender itself: its first record is durable.
type Founded struct{}

// HardState is saved, never sent.
type HardState struct {
	Epoch uint64
	Vote  process.ID
}

// Entries is saved, never sent: the log after Prev is now Entries.
type Entries struct {
	Prev    uint64
	Sure    uint64 // as in PrimaryBackup, before
	Perhaps uint64
	Entries []process.Entry
}

// Parted is entries that were cut off the log though they were handed to the
// application: those up to Sure certainly, those after it perhaps.
type Parted struct {
	Sure    uint64
	Entries []process.Entry // one at least
}

// Checkpoint is saved, never sent: all that a replica must remember, given the
// application's state.
type Checkpoint struct {
	Epoch     uint64
	Vote      process.ID
	Base      uint64 // Entries begin after it; the application holds what came before
	BaseEpoch uint64
	Settled   uint64
	Sure      uint64
	Group     process.Group
	Past      []Begun // of the entries up to Base
	Parted    []Parted
	Entries   []process.Entry
}

func (m *RequestVote) epoch() uint64    { return m.Epoch }
func (m *Vote) epoch() uint64           { return m.Epoch }
func (m *AppendEntries) epoch() uint64  { return m.Epoch }
func (m *AppendReply) epoch() uint64    { return m.Epoch }
func (m *Heartbeat) epoch() uint64      { return m.Epoch }
func (m *HeartbeatReply) epoch() uint64 { return m.Epoch }
func (m *InstallState) epoch() uint64   { return m.Epoch }
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
func (*AppendEntries) Kind() string { return "AppendEntries" }

// Kind implements process.Msg.
func (*AppendReply) Kind() string { return "AppendReply" }

// Kind implements process.Msg.
func (*Heartbeat) Kind() string { return "Heartbeat" }

// Kind implements process.Msg.
func (*HeartbeatReply) Kind() string { return "HeartbeatReply" }

// Kind implements process.Msg.
func (*InstallState) Kind() string { return "InstallState" }

// Kind implements process.Msg.
func (*TimeoutNow) Kind() string { return "TimeoutNow" }

// Kind implements process.Msg.
func (*Founded) Kind() string { return "Founded" }

// Kind implements process.Msg.
func (*HardState) Kind() string { return "HardState" }

// Kind implements process.Msg.
func (*Entries) Kind() string { return "Entries" }

// Kind implements process.Msg.
func (*Checkpoint) Kind() string { return "Checkpoint" }
