// Package multipaxos keeps a log the same on a group of replicas, as long as a
// majority of them works: Multi-Paxos, which decides each position of the log
// by an instance of Paxos, and lets a leader that lasts do the first half of
// all instances at once.
//
// # Papers
//
// Lamport, "Paxos Made Simple", 2001: cited as §, above all §2.2 (one instance)
// and §3 (the log). Chandra, Griesemer and Redstone, "Paxos Made Live", 2007, for
// leases, snapshots and disks. Howard, Malkhi and Spiegelman, "Flexible Paxos",
// 2016, for the sizes of quorums. Lamport, Malkhi and Zhou, "Reconfiguring a State
// Machine", 2010, for changes of the group.
//
// # Words
//
//	ballot       an attempt to lead: a round, and the ID of its proposer, who alone uses it
//	slot         a position of the log, numbered from 1: an instance of Paxos
//	value        what a slot is to hold: an entry, with the ballot it was first proposed in
//	promised     of an acceptor: the highest ballot it heard of; it takes part in no lower one
//	vote         of an acceptor, in a slot: the value it accepted last, and in which ballot
//	chosen       of a value: a quorum of the second phase accepted it in one ballot
//	decided      of a slot, at a replica: it knows the value chosen, there and in all slots before
//	committed    handed to the application
//	in force     of a group: it decides the next slot
//	round        one heartbeat to all, and its answers; numbered within a ballot
//
// # Messages
//
//	message     from, to                answered by       when
//	Ask         asking, acceptors       Willing           no leader was heard
//	Prepare     preparing, acceptors    Promise           phase 1a: a quorum was willing; the group changed
//	Accept      leader, all             Accepted          phase 2a: new slots, a doubt
//	Chosen      leader, all                               slots were decided
//	Heartbeat   leader, all             HeartbeatReply    the timer, a read
//	State       leader, a replica       Accepted          it needs what the log no longer has
//	Reject      acceptor, proposer                        a message is of a ballot below its promise
//	HandOver    leader, a replica       Prepare           leadership is handed over
//
// On its disk a replica has each Prepare that it promised, each Accept that it
// accepted, and now and then a Checkpoint that stands for all before.
//
// # Steps
//
//  1. A replica that hears no leader for an election timeout asks all whether they
//     would promise it a ballot. Those who hear a leader do not answer.
//  2. If a quorum would, it takes a ballot above all that it knows of, saves its
//     own promise, and prepares it: for all slots above those that it knows to
//     be decided. An acceptor saves the promise and tells its votes there, in as
//     many messages as they take; and what it knows to be decided.
//  3. With the promises of a quorum it leads. In each slot it proposes the value
//     of the highest ballot that was reported, and a no-op where none was though
//     one was above it. What comes after is free for requests.
//  4. A leader proposes slots without waiting for earlier ones, many in one
//     message, and accepts them itself. Acceptors accept in any order; they answer
//     when it is durable, with the highest slot up to which nothing is missing.
//  5. What a quorum has up to some slot is chosen up to there: the leader commits
//     it and tells the others, who commit what they accepted in its ballot.
//  6. To who lacks a slot the leader proposes it again, decided or not. To who
//     lacks more than its log holds it sends the application's state.
//  7. A read is served when a quorum has answered a round that began after the
//     read came, and all that phase 1 found is decided; or at once, while an
//     earlier round still binds a quorum (lease).
//  8. A leader that has not heard from a quorum for an election timeout stops.
//
// # Changes of the group
//
// A group is in force from the slot after the one that names it, so that slot
// must be decided before anybody may propose in a later one. Others let a change
// wait for α slots, and so bound how many are proposed at a time, always. Here a
// leader stops only behind a change (α is 1 there, and without bound elsewhere),
// and while it waits keeps requests back. Then it does phase 1 with the new group,
// which may be any; takes in what that reports; and proposes again, a no-op if
// nothing else is there.
//
// Why nobody decides a slot by another group's quorum: what a leader counts up to
// slot s was accepted in its ballot, or decided, in all slots before s; so if it
// decides s, it has decided these, as it proposed them, and no change was among
// them. And a leader that takes over proposes what lies behind a change that it
// found only when that is decided and the group it names was asked.
//
// A change is committed when the new group has decided the slot behind it. By then
// a quorum of it holds all up to the change, which was accepted before that slot;
// and knows, from the same records, that it is decided. So when its client hears
// of it, replicas that left may be switched off for good, and those who came
// need no state from them. Before, one that left may still campaign: it may be
// alone to know.
//
// # What is different here
//
//   - Acceptors answer with how far nothing is missing, where the paper counts
//     each slot by itself. Commits are in order, so it costs nothing but while a
//     message is lost; and changes of the group rest on it.
//   - A saved Accept has the slots that its acceptor knew to be decided, in place
//     of what the leader knew: so a restart knows them again.
//   - A proposer that lacks what acceptors have compacted gets no promise: another
//     has it, and leads. Only a leader sends states.
//   - An acceptor that answered a leader promises nobody else for the least election
//     timeout, unless the leader itself handed over. Nobody has to promise, so
//     this is safe at any time; that no leader lasts for ever unheard keeps it
//     live. Leases need it (Chandra et al. §5.2 has replicas refuse others, too).
//   - With other quorums than majorities (Flexible), rounds and leases take one of
//     the second phase: it meets each of the first.
//   - A replica whose disk was lost must come back under a new ID, through a change
//     of the group. Chandra et al. §5.1 let it back as a learner until it has seen
//     a full instance of what it may have promised; hosts keep it out here
//     (package member).
//   - There are no outside learners and no roles apart: every replica is proposer,
//     acceptor and learner. Learners of a process.Group are sent everything, and
//     do not count.
//   - Client sessions are the application's (package session): the log may hold a
//     request twice.
package multipaxos
