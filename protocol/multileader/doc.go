// Package multileader lets each of several replicas take writes by itself, at
// once and without asking, and lets them become the same once they have told
// each other; what was written at the same time in two places is kept until
// somebody who has seen both writes again, or resolved by a rule.
//
// # The problem
//
// Whoever waits for a majority cannot write while cut off from it, and waits for
// the other end of the world. A replica that answers alone does neither. The
// price: two may write the same key without knowing of each other, and no order
// of the two is the right one. What can be promised is this:
//
//	always writable    a replica that runs answers, whatever has become of the others
//	causal             what a replica shows it shows with all that it may follow from
//	convergent         replicas that have taken in the same writes hold the same, and
//	                   in the end they have: to the byte
//	nothing unnoticed  a write is there, or replaced by one whose client was shown it,
//	                   or, where the rule drops writes, counted and named as lost
//
// Not promised: that a read sees what another client was told before, at another
// replica. It is not linearizable, nor sequentially consistent; but of one key
// alone, with multileader-lww, the times of the writes are an order that each
// client sees them in.
//
// # The words
//
// A dot names a write: the replica that took it, and that one's number. What a
// replica has taken in is a version vector, seen. A version is a value that no
// write seen here replaces. Versions of one key are siblings. A token is a
// replica's seen as text, for clients to hand on. (Petersen and others, Flexible
// Update Propagation for Weakly Consistent Replication, 1997: Bayou's
// anti-entropy, without its primary. Dots: Almeida and others, Scalable and
// Accurate Causality Tracking for Eventually Consistent Stores, 2014. Causal and
// convergent: Lloyd and others, Don't Settle for Eventual, 2011.)
//
// # The rows
//
//	multileader      readers are shown all siblings
//	multileader-lww  readers are shown the latest; the others are lost with the
//	                 next write
//
// Both keep the same data: the rule is asked when somebody reads or writes. [Row]
// makes a protocol of any other: crdt.MergeWith, crdt.Joined. Time is a hybrid
// clock: later than all that the replica has seen, and else its own clock's. So
// the latest is never one that another replaced; but of two that did not know of
// each other, a fast clock wins. Ties are broken by the dot.
//
// # The messages
//
//	Write   who took it → all; any → who lacks it   also the record of a write
//	Have    any → any                               what is durable here; and what have you?
//	State   any → who lacks more than the log has   all that is here; also a record
//	Stored  to itself                               so much of what is here is durable
//
// # The steps
//
//  1. To write, name the write, note all that was seen before and which versions
//     it replaces, save it, take it in, send it to all. Answer when it is durable.
//  2. To read, show what the rule makes of the versions. That answer too waits
//     until what it shows is durable.
//  3. Whoever gets a write takes it in when it has all that this one comes after;
//     until then it lies aside. When it is durable, tell the sender: Have.
//  4. As long as some member is not known to have just what is here, a timer goes
//     on: ask it. Who is asked sends what the other lacks, whoever wrote it, and
//     wants in return what it lacks itself. So whatever is lost is made good by
//     any two that reach each other.
//  5. The log has the latest writes. To whom lacks earlier ones, send a State. It
//     is joined: a version stays if both have it, or one has it and the other has
//     not seen its write.
//
// # Why replicas become the same
//
// What is held is a function of the set of writes seen: the versions are those
// that no other of the set replaces, for each write names what it replaces. No
// order comes into it. Two who have the same vector have the same set, and
// step 4 ends only when the vectors are equal.
//
// # Why no dot is used twice
//
// Within a life the numbers go up. After a crash a replica goes on after the last
// that is durable; and what was not durable nobody has heard of: Send, and the
// answers of step 1 and 2, wait for the disk. Who has lost its disk does not come
// back: an ID is never given twice (package process). The machine joins under a
// new ID, which is the new actor of its dots, is sent a State, and the old ID is
// removed. What only the lost disk had is lost, as with any asynchronous
// replication; what came after it is taken in nowhere.
//
// # The group
//
// A change of the group is a write. Members added and members removed are sets
// that only grow, so replicas agree on the group whatever the order of changes.
// Who is removed takes no more requests, and hands over what it has. Two changes
// that do not know of each other both hold: so whoever removes members asks one
// replica at a time, or the two may leave nobody.
//
// # The topology
//
// All to all: a write takes one message to each, and one delay. In a ring or a
// star it would take fewer links, and more delays; step 4 would do without change,
// for writes are passed on by any who have them. But a ring is cut by two
// failures, and a star by that of its hub, where all to all goes on as long as
// there is any way.
//
// # What is left out
//
// There is no delete: a client puts the empty value. To forget a key one must know
// that no replica will ever bring it back. Data is in memory, and a State holds
// all of it in one message, so it is bounded (maxSize; then Busy). A session has
// no retries: to ask again is to write again. Leaders are not handed over
// (Transfer), sessions are not opened: Unsupported.
package multileader
