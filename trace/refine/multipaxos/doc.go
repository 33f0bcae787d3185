// Package multipaxos is spec/MultiPaxos.tla as Go, and what events of Multi-Paxos
// stand for in it.
//
// The specification has no disk: what an acceptor has is on it before it answers. So
// its state is what is durable here, and an acceptor acts when its record is. What
// a replica has executed is, there, all that it has shown to know to be decided.
//
//	event                  actions
//	a record of a step     Propose for each slot, of an Accept in a ballot of one's own;
//	                       Execute for each slot that it tells to be decided
//	sync, crash            of each record that is durable now: Promise of a Prepare, and
//	                       Prepare before it if the ballot is one's own; Accept for each
//	                       slot of an Accept; none of a Checkpoint, which must say what
//	                       is there
//	a message that leaves  Prepare of the first Prepare of a ballot; Propose for each slot
//	                       of an Accept that is new in it; Execute for each slot that the
//	                       message tells to be decided. A Promise must tell of just what
//	                       the acceptor has, an Accepted of what it has in its ballot
//	entries handed over    Execute for each that is not executed yet; all must be those
//	                       that are
//	all others             none
//
// A replica that restarts may know less than before, and hands over again what its
// application had lost: the same.
//
// Not followed: what is asked before a campaign, refusals, rounds of reads, orders to
// campaign; whether a leader knew of a quorum what the specification has of it, for
// what was sent there may not have come; and that it asks for a change of the group
// only when the one before is done.
package multipaxos
