// Package group is an explore.Model over real processes: a few replicas of any
// protocol, as a node would run them, with the disk, the network and the crash
// of package process, and nothing rewritten for the checker.
//
// What may happen, and how often, is in the Bounds: timers fire, requests and
// reads come, replicas crash with any prefix of their unsynced records and
// restart, applications are compacted, messages are doubled or lost. Where a
// process chooses, every answer is tried.
//
// Checked at each step are what package world checks (Agreement, Order,
// Validity, Staleness, Status, Contract, Codec, Panic), that no read is answered
// from before what a client had been told (Linearizability), and the protocol's
// own Monitor, if what it remembers can be written down (Historian).
//
// # What is left out, and why nothing is lost
//
// A message that would change nothing is not delivered: it may as well come
// later. On links without order a message may wait for ever, so it need not get
// lost. A crash and the restart after it are one event: a replica that stays
// down is one that nothing comes to. When no crash can follow, disks forget, for
// nobody will read them. A message to oneself arrives when the disk lets it go:
// where disks are slow, they make it as late as may be.
//
// Three things are bounds, not reductions. Disks that are not slow are faster
// than any message. On links in order, what was under way to a replica that
// crashes still comes, unless it is one of the Drops. And clocks, as Model says,
// promise nothing.
//
// # How it is fast
//
// A process in a state that it was in before does what it did before. So each
// state of a replica, each message and each past of the group is kept once,
// under a number, with what comes of each event; a state of the group is a few
// numbers, and most of its successors are looked up.
//
// A counterexample is played again in a world.World, event by event, and every
// process there is compared with the one here: two hosts, written apart, agree
// on each step. From there it is a trace, or a script for a golden test.
package group
