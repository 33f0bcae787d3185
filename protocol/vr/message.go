package vr

import "althing/process"

// A Use says what the entries of a Prepare are sent for: one form serves three
// messages of the paper.
type Use byte

const (
	// ForPrepare: new entries of a normal view. §4.1, step 3
	ForPrepare Use = iota
	// ForStartView: a view begins: the first entry of the view is among them. §4.2, step 4
	ForStartView
	// ForNewState: state that was asked for. §5.2
	ForNewState
	// ForStartEpoch: what was committed before an epoch began, with the entry that
	// begins it. §7.1, step 4
	ForStartEpoch
)

// Prepare replicates the log of its sender after Prev: that of the primary of
// View, or, within a view change, the one that the next primary takes. A StartEpoch
// holds committed entries, from whomever; without any it says that there are some.
type Prepare struct {
	Use      Use
	More     bool   // NewState: another one follows
	View     uint64 // view-number
	Prev     uint64 // op-number of the entry before Entries
	PrevView uint64 // the view in which that was made
	Last     uint64 // NewState: the last op-number at the sender
	Commit   uint64 // sender's commit-number
	Entries  []process.Entry
}

// PrepareOk says that the sender's log up to N is durable and the primary's.
// §4.1, step 4
type PrepareOk struct {
	View, N uint64
}

// Commit lets the primary be heard, and says what is committed. §4.1, step 6
type Commit struct {
	View   uint64
	Last   uint64 // of what the primary has sent to all
	Known  uint64 // of what the receiver is known to have
	Commit uint64
	Round  uint64 // of the primary's rounds in this view, from 1; 0: no answer is wanted
}

// CommitOk says that at some time after Round was sent its sender was in no
// later view.
type CommitOk struct {
	View, Round uint64
}

// GetState asks for what the sender's log lacks. §5.2
type GetState struct {
	View     uint64
	Sure     uint64 // the log up to here is surely the receiver's too
	Last     uint64 // the last entry, which may be
	LastView uint64 // the view in which that was made
}

// StartViewChange says that the sender hears no primary of a view before View.
// §4.2, step 1
type StartViewChange struct {
	View    uint64
	Order   uint64 // the primary of that view ordered the change; 0: none did
	Entered bool   // the sender is in View, and cannot go back
}

// DoViewChange says that the sender is in View, and where its log ends: with
// entry N, made in view LastView. §4.2, step 2
type DoViewChange struct {
	View, LastView, N uint64
}

// Recovery asks for the state of a view not before View. §4.3, step 1
type Recovery struct {
	View  uint64 // the latest that the sender was in
	Nonce uint64 // of this recovery; its sender uses none twice
}

// RecoveryResponse answers Recovery from the primary of View. §4.3, step 2
type RecoveryResponse struct {
	View, Nonce uint64
	N           uint64 // the primary's last op-number when it was asked
}

// EpochStarted says that the sender has durably begun the epoch of View: it holds
// all that was committed before. §7.1, step 6
type EpochStarted struct {
	View uint64
}

// Lived is saved, never sent: "I have lived", and no view before View is of
// interest.
type Lived struct {
	View  uint64
	Life  uint64        // diskless: how often it was started
	Group process.Group // diskless, after the first epoch: that of the epoch of View
}

// Entries is saved, never sent: the log after Prev is now Entries.
type Entries struct {
	Prev    uint64
	Entries []process.Entry
}

// Checkpoint is saved, never sent: it is all that a replica with a disk must
// remember, given the application's state. §5.1
type Checkpoint struct {
	View     uint64
	Base     uint64          // Entries begin after it; the application holds what came before
	BaseView uint64          // the view in which entry Base was made
	Group    process.Group   // in force at Base
	Entries  []process.Entry // the log after Base
}

// A message is what replicas send each other; records are none.
type message interface {
	process.Msg
	view() uint64 // the sender's, or the one that is wanted
}

func (m *Prepare) view() uint64          { return m.View }
func (m *PrepareOk) view() uint64        { return m.View }
func (m *Commit) view() uint64           { return m.View }
func (m *CommitOk) view() uint64         { return m.View }
func (m *GetState) view() uint64         { return m.View }
func (m *StartViewChange) view() uint64  { return m.View }
func (m *DoViewChange) view() uint64     { return m.View }
func (m *Recovery) view() uint64         { return m.View }
func (m *RecoveryResponse) view() uint64 { return m.View }
func (m *EpochStarted) view() uint64     { return m.View }

// Kind implements process.Msg: the names of the paper stand out in traces.
func (m *Prepare) Kind() string {
	return [...]string{"Prepare", "StartView", "NewState", "StartEpoch"}[m.Use]
}

// Kind implements process.Msg.
func (*PrepareOk) Kind() string { return "PrepareOk" }

// Kind implements process.Msg.
func (*Commit) Kind() string { return "Commit" }

// Kind implements process.Msg.
func (*CommitOk) Kind() string { return "CommitOk" }

// Kind implements process.Msg.
func (*GetState) Kind() string { return "GetState" }

// Kind implements process.Msg.
func (*StartViewChange) Kind() string { return "StartViewChange" }

// Kind implements process.Msg.
func (*DoViewChange) Kind() string { return "DoViewChange" }

// Kind implements process.Msg.
func (*Recovery) Kind() string { return "Recovery" }

// Kind implements process.Msg.
func (*RecoveryResponse) Kind() string { return "RecoveryResponse" }

// Kind implements process.Msg.
func (*EpochStarted) Kind() string { return "EpochStarted" }

// Kind implements process.Msg.
func (*Lived) Kind() string { return "Lived" }

// Kind implements process.Msg.
func (*Entries) Kind() string { return "Entries" }

// Kind implements process.Msg.
func (*Checkpoint) Kind() string { return "Checkpoint" }
