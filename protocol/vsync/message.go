package vsync

import (
	"althing/clock"
	"althing/oplog/lanes"
	"althing/process"
)

// A Use says what a Cast is sent for.
type Use byte

const (
	// ForCast: new messages, from the sequencer of the view.
	ForCast Use = iota
	// ForView: the next view is agreed on, and this is the entry that names it.
	ForView
	// ForState: what was asked for.
	ForState
)

// Cast brings entries of the log after Prev. Its sender is in View, so View is
// agreed on.
type Cast struct {
	Use    Use
	More   bool   // ForState: another one follows
	View   ViewID // that its sender is in
	Prev   uint64 // index of the entry before Entries
	Epoch  uint64 // the view of that entry
	Last   uint64 // ForState: of the sender's log
	Stable uint64 // up to here all is stable
	// Entries follow Prev. Each is of the view it was cast in; one that names a
	// view is the first of it.
	Entries []process.Entry
}

// Ack says that the log of View, up to Upto, is durable at its sender.
type Ack struct {
	View ViewID
	Upto uint64
}

// Stable lets the sequencer be heard, and says what all of the view have.
type Stable struct {
	View   ViewID
	Last   uint64 // of what the sequencer has sent to all
	Known  uint64 // of what the receiver is known to have
	Stable uint64 // up to here all is stable
	Round  uint64 // of the sequencer's rounds in this view, from 1; 0: no answer is wanted
}

// Here says that at some time after Round was sent its sender had promised no
// change of View.
type Here struct {
	View  ViewID
	Round uint64
}

// Fetch asks for what the sender's log lacks.
type Fetch struct {
	View ViewID // that the sender is in
	Last uint64 // its last entry, which is of that view
}

// Suspect asks whether the receiver hears no sequencer of View either.
type Suspect struct {
	View ViewID
}

// Agree says that it does not.
type Agree struct {
	View ViewID
}

// Flush asks a member of View to stop and to tell what it has: phase 1a of the
// agreement on the view after it.
type Flush struct {
	View, Ballot ViewID
}

// Flushed says that its sender takes nothing of View any more but from a
// coordinator, and where its log ends: phase 1b.
type Flushed struct {
	View, Ballot ViewID
	Last         uint64
	Vote         Vote // of an earlier ballot, if there is one
	// Counts are the messages of View and before that are here, by origin; not
	// with total order.
	Counts clock.Vector
}

// Propose asks a member of View to accept the next view: phase 2a.
type Propose struct {
	View, Ballot ViewID
	Next         process.Entry // its index is the one after the last of View
}

// Accept says that its sender has accepted what was proposed, and durably has
// all of View: phase 2b.
type Accept struct {
	View, Ballot ViewID
}

// Reject says that its sender has promised Ballot, a later one than it was asked for.
type Reject struct {
	View, Ballot ViewID
}

// Newer says that its sender is in View, and takes nothing of an earlier one.
type Newer struct {
	View ViewID
}

// HandOver is the sequencer's word that the receiver should have the next view.
type HandOver struct {
	View ViewID
}

// A Vote is what a member accepted for the next view, and in which ballot; none
// if Ballot is 0.
type Vote struct {
	Ballot ViewID
	View   process.Entry
}

// Record is saved, never sent: all that a replica must remember, with what
// changed in the log: after Prev it is now Entries.
type Record struct {
	View, Promised ViewID
	Vote           Vote
	Prev           uint64
	Entries        []process.Entry
}

// Checkpoint is saved, never sent: it is all that a replica must remember, given
// the application's state.
type Checkpoint struct {
	View, Promised ViewID
	Vote           Vote
	Base           uint64        // Entries begin after it; the application holds what came before
	BaseEpoch      uint64        // the view of entry Base
	Group          process.Group // in force at Base
	Entries        []process.Entry
}

// Kept is saved, never sent: all that a member without total order must remember.
type Kept struct {
	Views    Checkpoint
	Messages lanes.Kept
}

// Kind implements process.Msg.
func (m *Cast) Kind() string { return [...]string{"Cast", "View", "State"}[m.Use] }

// Kind implements process.Msg.
func (*Ack) Kind() string { return "Ack" }

// Kind implements process.Msg.
func (*Stable) Kind() string { return "Stable" }

// Kind implements process.Msg.
func (*Here) Kind() string { return "Here" }

// Kind implements process.Msg.
func (*Fetch) Kind() string { return "Fetch" }

// Kind implements process.Msg.
func (*Suspect) Kind() string { return "Suspect" }

// Kind implements process.Msg.
func (*Agree) Kind() string { return "Agree" }

// Kind implements process.Msg.
func (*Flush) Kind() string { return "Flush" }

// Kind implements process.Msg.
func (*Flushed) Kind() string { return "Flushed" }

// Kind implements process.Msg.
func (*Propose) Kind() string { return "Propose" }

// Kind implements process.Msg.
func (*Accept) Kind() string { return "Accept" }

// Kind implements process.Msg.
func (*Reject) Kind() string { return "Reject" }

// Kind implements process.Msg.
func (*Newer) Kind() string { return "Newer" }

// Kind implements process.Msg.
func (*HandOver) Kind() string { return "HandOver" }

// Kind implements process.Msg.
func (*Record) Kind() string { return "Record" }

// Kind implements process.Msg.
func (*Checkpoint) Kind() string { return "Checkpoint" }

// Kind implements process.Msg.
func (*Kept) Kind() string { return "Kept" }
