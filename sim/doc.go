// Package sim plays dice with a World: from one seed it makes a schedule of
// deliveries, timeouts, requests and faults, lets a group live through it, and
// says what broke.
//
// # One seed decides everything
//
// The seed gives independent streams of numbers, one for each purpose: one for
// each kind of fault to draw its plan, one for each replica's timers, disk and
// messages, one for each client. So taking a fault away, or a client, changes
// little of what the others do, which is what makes failing runs shrink. All
// arithmetic is on integers; nothing depends on the order of a map, on an
// address or on the machine. The same options give the same trace, byte for
// byte.
//
// # Swarm
//
// Of the faults that are allowed, each seed takes some, and draws the rate of
// each anew over orders of magnitude: a bug that needs many crashes and no
// loss is not found by runs that have a little of everything.
//
//	net     loss duplicate reorder delay partition
//	disk    slowdisk failflush losedisk corrupt
//	clock   skew drift pause
//	crash   crash
//	ops     compact members transfer (not faults, but they meet them)
//	all     all of these        none  nothing
//
// Disks are lost only as far as the group can bear: no more at a time than it
// survives, and the next only when the replacement is a member and no request
// to change the group is open. Clocks drift within Config.Drift if leases are
// on. Each lost replica is replaced by a blank one under a new ID, if the
// protocol can change its members.
//
// Beside that many seeds have a mood: they bring about what chance alone rarely
// does. They know what any protocol shows in its Status, and no more.
//
//	storm    elections hardly last longer than messages; voters crash
//	ambush   who begins to lead, or commits for the first time, is struck
//	leases   a leader is cut off while others elect the next, and is still asked
//	changes  the group changes whenever somebody begins to lead, and falls apart
//
// # Two phases
//
// First everything may happen, for Options.Duration. Then the faults end: all
// is healed, or only a majority while the others stay down or half cut off.
// Within Options.Settle every client must get an answer to a new request, and
// all replicas must come to hold the same application state. If not, that is a
// violation of Liveness. In the end the history of the clients must be
// linearizable; of a store (process.Store) causally convergent, and all replicas
// hold the same bytes.
//
// # A failing seed
//
// Shrink looks for the shortest run with the same violation: fewer faults,
// clients and seconds first, then the schedule itself, piece by piece, played
// by hand to a fresh World. What remains reads as a list of steps.
package sim
