// Package broadcast sends messages to a fixed group so that all who live on
// deliver the same ones, in one of four orders: each is a protocol of its own,
// and the four differ in one rule, so that they can be compared.
//
// # The problem
//
// A process that sends a message to each of a group in turn may stop halfway, and
// links lose, repeat and reorder what is sent. Reliable broadcast makes up for
// both: if one of those who live on delivers a message, all of them do, each
// once. What order they see is another question:
//
//	name      a message is delivered                          survives
//	reliable  as soon as it is here                           any number of crashes
//	fifo      after all that its sender broadcast before      any number of crashes
//	causal    after all that can have influenced it           any number of crashes
//	total     after all with an earlier stamp, by all alike   none for good
//
// Two answers to one question may overtake the question under fifo, and never do
// under causal; two questions asked at once come in different orders at different
// members under causal, and never do under total.
//
// # Sources
//
// Hadzilacos and Toueg, A Modular Approach to Fault-Tolerant Broadcasts and Related
// Problems, 1994: the names, and how each builds on the one before. Birman,
// Schiper, Stephenson, Lightweight Causal and Atomic Group Multicast, 1991: the
// vector rule of causal order. Lamport, Time, Clocks, and the Ordering of Events in
// a Distributed System, 1978: total order by stamps, which waits for word from
// every member.
//
// # Words
//
//	cast      one message with its sender's number and what its order needs
//	deliver   hand to the application: a Commit, whose Index counts the
//	          deliveries of this member
//	count     casts numbered 1 to count of a sender are here
//	owed      a cast that some member is not known to have
//
// # Messages
//
//	Cast    sender → all; any → who lacks it   also the record of a cast
//	Have    any → any                          my counts, all durable; and my time
//	Stored  to itself                          this cast and all before it are durable here
//	Kept    never sent                         what a compacted log begins with
//
// # The steps
//
//  1. To broadcast, number the command, stamp it, save it, and send it to all.
//  2. Whoever gets a cast for the first time saves it. Nothing is delivered, and
//     nobody told of it, before it is durable: so a member that comes back knows
//     all that it ever delivered.
//  3. When it is durable, look what can be delivered by the rule of the order.
//  4. Then tell the sender what is here: Have. With total, tell all: the time in it
//     is a promise that whatever I broadcast later has a greater stamp.
//  5. As long as something is owed or cannot be delivered, a timer goes on: send
//     each member what it is not known to have, whoever broadcast it. This is the
//     relay: it is why a sender that dies halfway has told all or none.
//
// # What a member remembers
//
// Every cast, until the application has made its delivery durable and all members
// are known to have it. A member that stays away therefore costs memory at all
// others; beyond maxOwed casts of its own a member takes no more (Busy).
//
// # Crash and recovery
//
// Records are replayed in the order in which they were saved, so the deliveries
// come out in the same order as before, and the application says how many of them
// it holds. The stamps of total need no record of their own: a promise is never
// more than the time of some cast that is durable here.
//
// # What is left out
//
// The group never changes, and a member that has lost its disk cannot come back
// under its old ID: its numbers would begin again. Delivery is not uniform: what a
// member delivered just before it was gone for good, others may never see. Total
// order waits for every member; to go on without some of them takes consensus.
package broadcast
