// Package world is a group of processes with its network, its disks and its
// clocks as data. It is the host in which everything may happen, and nothing
// happens by itself: each method of a World is one thing that can happen, and
// a hand (dice, search, script, mouse) decides which does.
//
//	the network   Deliver Drop Duplicate Cut Mend Heal
//	a replica     Timeout Submit Pause Resume Crash Restart Join
//	its disk      Sync Flush Compact FailFlush LoseDisk Corrupt
//	its clock     Advance (all clocks) SetClock
//
// A method returns nil, or a Cannot if the thing is not possible now (the
// replica is down, the message gone) and nothing changed, or a *Violation if
// it showed that the protocol broke a promise. What a hand must know of the
// outcome (messages now in flight, timers now set, clients answered) is left
// in News.
//
// The World keeps the rules of package process like any host:
//
//   - Saves form one log per replica. Each has a position; Sync makes the
//     oldest durable; a Crash keeps the durable ones and any number of those
//     that follow, in order. A record torn in two by a crash is one that was
//     not kept: that is what a log with checksums makes of it.
//   - A Send waits until all that was saved before it is durable; SendNow does
//     not. A SendState is given the application's state when it leaves.
//   - A LoadState changes the application at once and the disk in its turn.
//   - Restart replays what is durable, decoded from its bytes, and then Start
//     names the state that the application really held. Flush may have made
//     that newer than the log.
//   - A replica's messages to itself are not on the network. They are neither
//     lost nor doubled, and die with it in a crash.
//
// A lost disk is never given back: a blank replica under an old ID could vote
// twice. LoseDisk and Corrupt take a replica out for good, and Join adds a
// blank one under a new ID, which the group must then let in.
//
// The application is a handful of registers with a session table: small enough
// to copy, and enough to tell whether requests were lost, doubled, or seen in
// an order that no single machine would have shown.
//
// A process.Store is its own application: the World passes on its answers, and
// asks it who is in the group and what it holds.
//
// After each step a World checks what must hold of every protocol that orders
// its commits totally:
//
//	Agreement   no two replicas commit different requests at one index
//	Order       each replica commits without gaps, and each index once
//	Validity    what is committed was submitted, or is the protocol's own
//	Staleness   no replica's application goes back by a LoadState, unless the protocol Loses
//	Status      a process's Commit is what it handed to the application
//	Undone      what a replica says is undone was committed once
//	Contract    its effects make sense: a known timer, a span, an addressee
//	Panic       Step returned
//
// and asks the protocol's own Monitor.
package world
