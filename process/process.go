// Package process is the one shape that every protocol of this house takes.
//
// A Process is one replica. It is a pure function: an Input goes in, Effects
// come out, and nothing else happens. Whatever runs a Process is its host: the
// live node, the simulator, the model checker, a test script, a page. All
// hosts keep the same rules.
//
//  1. One Step at a time. Step never blocks, and reads nothing but its
//     receiver and its Input: no clock, no rand, no I/O, no map order.
//  2. A Msg, a Request and an Entry are immutable from the moment they are
//     recorded or received.
//  3. Saves become durable in the order they were recorded: one FIFO log.
//     A LoadState takes its place in that order: the application's new state
//     is durable before any Save recorded after it.
//  4. A Send leaves only when every Save recorded before it, in this Step or
//     an earlier one, is durable. Nothing else waits.
//  5. After a crash the host makes a new Process and steps it with Recover,
//     once for each durable Save in order, and then with Start. A Save that
//     was not yet durable may be lost, but only with all that follow it.
//  6. The application loses what it had not made durable too: Start and
//     Compact name what it really holds. It may be ahead of the log.
//  7. Now is read when all else of the Input is in hand: a request that came
//     after Now was read belongs to a later Input.
//
// By 3, 4 and 5 a crash looks to others like lost messages and no more, as
// long as no SendNow speaks of what is not yet durable. So each SendNow bears
// a comment that says why it may overtake the disk; and a process that must
// know that its own disk has something sends itself a message.
package process

import (
	"encoding"
	"time"
)

// ID names a replica of a group, from 1; 0 is nobody. An ID is never given to
// a second replica, not even after the first has left the group.
type ID uint16

// A Msg is what a process tells another process, or its own future self.
// Its concrete type is a pointer to a plain struct of exported fields, and
// equal messages have equal bytes.
type Msg interface {
	Kind() string           // the paper's name, as traces show it: "AppendEntries"
	encoding.BinaryAppender // the form on the wire and in the log; never fails
}

// Signed is a Msg that carries signatures which others may pass on. Hosts
// sign after the save and before the wire, and verify before Step, both off
// the process's goroutine; a process sees only what verified.
type Signed interface {
	Msg
	Sign(s Signer) Msg      // a copy with the sender's signature filled in
	Verify(v Verifier) bool // all signatures in it, the sender's and the quoted
}

// Signer signs a digest as this replica.
type Signer interface{ Sign(digest []byte) []byte }

// Verifier knows every replica's key.
type Verifier interface {
	Verify(by ID, digest, signature []byte) bool
}

// A Timer is a protocol's own small enumeration, from 1 to MaxTimer. Setting
// a set timer moves it.
type Timer uint8

// MaxTimer is the highest Timer, so that hosts keep timers in an array.
const MaxTimer Timer = 15

// A Span is a range of durations, both ends included; the host draws from it.
type Span struct{ Min, Max time.Duration }

// Kind says what a Request asks for, and so what an Entry is for.
type Kind uint8

const (
	// Command is for the application, through the log.
	Command Kind = iota
	// Read asks the application and changes nothing: it is never in a log.
	Read
	// Members changes the group: Cmd begins with AppendGroup of the group that
	// is wanted; what follows is for the application. In a log it holds the
	// group that is in force from this entry on.
	Members
	// Session opens a client session; the Index of its entry is the client's
	// number from then on. Raft thesis §6.3
	Session
	// Transfer asks the leader to hand over to the replica whose ID is Cmd, as
	// an unsigned varint. It is never in a log.
	Transfer
	// NoOp fills a position. Only protocols make it.
	NoOp
)

// A Request is one client operation. Cmd is opaque to a replicated log.
type Request struct {
	Kind   Kind
	Client uint64 // a session, or 0 for none: then a retry is a new request
	Seq    uint64 // number within the session, from 1; a retry repeats it
	Cmd    []byte
}

// An Entry is one position of a replicated log.
type Entry struct {
	Epoch uint64 // term, ballot, view or height that it was proposed in
	Index uint64 // position, from 1
	Req   Request
}

// A State names an application state: all entries up to Index, and no other,
// are in it. Replicas that found a group start from equal States with its
// Group; one that joins later starts from the zero State and is sent the rest.
type State struct {
	Index uint64 // of the last entry applied
	Epoch uint64 // of that entry
	Group Group  // in force after that entry
}

// InputKind says which fields of an Input are set.
type InputKind uint8

const (
	Start   InputKind = iota + 1 // State: what the application holds; after the last Recover
	Recover                      // Msg: one saved record, replayed; effects are ignored
	Receive                      // From, Msg; State if an application state came with it and is staged
	Timeout                      // Timer
	Submit                       // Reqs: one or more, as many as were waiting
	Compact                      // State: the application has made this durable
)

// String returns the name as traces show it.
func (k InputKind) String() string {
	return name(inputNames[:], int(k))
}

var inputNames = [...]string{"none", "Start", "Recover", "Receive", "Timeout", "Submit", "Compact"}

// An Input is one thing that happens to a process.
type Input struct {
	Kind  InputKind
	Timer Timer
	From  ID
	Now   time.Duration // this replica's clock, from an origin of its own; never runs back
	Msg   Msg
	Reqs  []Request
	State *State
}

// EffectKind says which fields of an Effect are set.
type EffectKind uint8

const (
	Save       EffectKind = iota + 1 // Msg
	Checkpoint                       // Msg: a Save that stands for all saves so far; they may go once it is durable
	Send                             // To, Msg
	SendNow                          // To, Msg
	SendState                        // To, Msg: a Send with the application's newest state, whichever that is
	LoadState                        // the application takes the state that came with this Input
	SetTimer                         // Timer, Span
	StopTimer                        // Timer
	Commit                           // Entries: decided, in order of Index, without gaps, each once
	Serve                            // Reqs, Index: the application may answer these reads once it is at Index
	Reply                            // Reqs (one), Data: the process itself answers
	Refuse                           // Reqs, Why, To: none of them was or will be done through this call
	Undone                           // Entries, Index: what was committed here, and is in the log no more
)

// String returns the name as traces show it.
func (k EffectKind) String() string {
	return name(effectNames[:], int(k))
}

var effectNames = [...]string{"none", "Save", "Checkpoint", "Send", "SendNow", "SendState", "LoadState",
	"SetTimer", "StopTimer", "Commit", "Serve", "Reply", "Refuse", "Undone"}

// Reason says why requests were refused.
type Reason uint8

const (
	NotLeader   Reason = iota + 1 // ask To, or anybody later if that is 0
	Busy                          // too much is in flight: later
	Changing                      // another change of the group, or a transfer, is under way: later
	Behind                        // the replica named has not caught up: later
	Invalid                       // the request makes no sense to this group: never
	Unsupported                   // the protocol cannot do this: never
)

// String returns the name as traces show it.
func (r Reason) String() string { return name(reasonNames[:], int(r)) }

var reasonNames = [...]string{"none", "NotLeader", "Busy", "Changing", "Behind", "Invalid", "Unsupported"}

func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return "unknown"
}

// An Effect is one thing that a process asks of its host.
type Effect struct {
	Kind    EffectKind
	Timer   Timer
	Why     Reason
	To      ID
	Index   uint64
	Span    Span
	Msg     Msg
	Reqs    []Request
	Entries []Entry
	Data    []byte
}

// A Process is one replica of a protocol.
type Process interface {
	Step(in Input, out *Output)

	// Status is what people look at: lanes of a diagram, metrics, tests. It
	// allocates nothing.
	Status() Status

	// Progress appends, on a leader, what it knows of each other replica.
	Progress(b []Progress) []Progress

	// Clone returns an independent copy; immutable parts may be shared.
	Clone() Process

	// AppendState appends the whole state in one canonical form: two
	// processes that behave alike from here on append the same bytes.
	AppendState(b []byte) []byte
}

// Status is a process from outside, in the words all protocols share.
type Status struct {
	Role   string // the paper's word: "leader", "acceptor", "primary"
	Epoch  uint64 // term, ballot, view, round
	Leader ID     // 0: none known
	Last   uint64 // highest index in the log, decided or not
	Commit uint64 // highest index handed to the application
}

// Recovering is the Role of a replica that has forgotten in a crash what it
// knew, and does not yet know it again from the others: see Facts.Volatile.
const Recovering = "recovering"

// Progress is one replica as a leader sees it.
type Progress struct {
	ID      ID
	Match   uint64        // highest index known durable there
	Heard   time.Duration // the leader's clock when it last heard from it; 0 if not in this epoch
	Learner bool          // it does not vote
}

// Config is what a replica is told before its first Step. The group comes
// with Start, for it is part of the application's state.
type Config struct {
	Self ID

	// Heartbeat is how often a leader lets itself be heard; 0 leaves it to the
	// protocol.
	Heartbeat time.Duration
	// Election is how long a replica waits for a leader before it acts; zero
	// leaves it to the protocol. Min should be ten round trips or more.
	Election Span

	// Lease lets a leader serve reads without a round, as long as no two
	// replicas' clocks differ in rate by more than Drift.
	Lease bool
	// Drift bounds how much faster one clock runs than another: 0.05 is 5 %.
	Drift float64

	// Trailing is how many applied entries a Compact leaves in the log, so
	// that a replica a little behind needs no application state.
	Trailing uint64
	// BatchBytes bounds the commands of one message; 0 leaves it to the protocol.
	BatchBytes int
	// Window bounds the messages on their way to one replica; 0 leaves it to
	// the protocol.
	Window int
	// Acks is how many replicas beside the primary must hold an entry before it
	// is committed, where the protocol lets that be chosen; 0 leaves it to the
	// protocol.
	Acks int
}

// A Protocol is one row of the catalog.
type Protocol struct {
	Name   string // as on the command line
	Paper  string // author, title, year
	New    func(Config) Process
	Decode func([]byte) (Msg, error) // of AppendBinary; the Msg may share the bytes
	// Monitor returns a new check of the protocol's own safety properties over
	// a whole group; nil if it has none beyond those of its Order.
	Monitor func() Monitor
	Facts   Facts

	// Flexible returns the protocol with quorums of first and second replicas in its
	// two phases, in a group of n voters, or why that is not safe. It is nil where
	// there is no such choice.
	Flexible func(n, first, second int) (Protocol, error)
	// Variant says what was chosen so: all replicas of a group must have the same,
	// for good. "" is the protocol as the catalog has it.
	Variant string
}

// A Monitor watches a group from outside and knows what must never happen.
// A host of a whole group (simulator, checker, script) calls it.
type Monitor interface {
	// Stepped is told of each Step after it, with the effects it recorded, and
	// returns an error that names the property that no longer holds.
	Stepped(id ID, p Process, in *Input, effects []Effect) error
	// Crashed is told that id lost all but what is durable. The next that is
	// heard of id are its Recover steps.
	Crashed(id ID)
}

// Facts are what the planner compares.
type Facts struct {
	Faults   FaultModel                   // what it survives
	Order    Order                        // what it promises of commits
	Loses    bool                         // a failure may undo commits, the last ones, and with them what was answered
	Replicas func(f int) int              // group size to survive f faults for good; 0: none does
	Shrinks  bool                         // who fails is left out; of those who are in, less than half may fail at once
	Volatile bool                         // a crash costs the log: no more than f may be down or Recovering at once
	Rounds   int                          // one-way message delays from submit to commit, leader known
	Messages func(n int) (perCommand int) // messages per command among n replicas

	// Stores: its processes are Stores. They commit nothing, and any of them answers.
	Stores bool

	// Decrees is how many entries a group ever commits; 0: no end is set. Clients
	// of a group that comes to an end are told Invalid from then on, and have no
	// sessions.
	Decrees uint64
}

// Serves reports whether a service can be built on it: one log for all, without end.
func (f *Facts) Serves() bool { return f.Order.One() && f.Decrees == 0 }

// FaultModel is what may go wrong, from weak to strong.
type FaultModel uint8

const (
	Crash     FaultModel = iota + 1 // a replica stops, and keeps its disk
	Byzantine                       // a replica does anything
)

// Order is what commits promise, from weak to strong.
type Order uint8

const (
	Eventual      Order = iota + 1 // replicas converge
	Probabilistic                  // a deep entry stays, almost surely
	Partial                        // entries that conflict have one order
	Total                          // all entries have one order
)

// One reports whether all replicas commit the same entries at the same indexes;
// a protocol that does not say otherwise is held to that.
func (o Order) One() bool { return o == 0 || o == Total }
