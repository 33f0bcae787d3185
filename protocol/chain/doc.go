// Package chain replicates a log along a chain of replicas: updates enter at the
// head and go from disk to disk, and what has reached the tail is committed. Each
// replica sends to one other, whatever their number, and reads are the tail's to
// answer; or, in the second row of the catalog, everybody's.
//
// # Papers
//
// van Renesse and Schneider, "Chain Replication for Supporting High Throughput and
// Availability", OSDI 2004: cited as §. Terrace and Freedman, "Object Storage on
// CRAQ", USENIX ATC 2009: cited as CRAQ §. The master is not in the papers, which
// take one as given: here it is votes and logs compared, as in Raft (Ongaro and
// Ousterhout, 2014).
//
// # Words
//
//	chain        the replicas in order; each feeds the next, its successor
//	head, tail   the first of them, which orders, and the last, which commits
//	outside      not in the chain; a learner if the tail feeds it
//	epoch        a stretch of time with one chain; numbered
//	master       who decides what chain there is: the voters, by majority
//	in transit   sent on, and not known to be committed (Sent, in §3)
//	matched      up to here a log is known to be the head's of this epoch
//	committed    in the tail's log, on its disk, with an entry of this epoch
//	clean        of a log without anything uncommitted; else it is dirty
//	round        a question to all voters whether the epoch is still the latest
//	lease        the time for which a majority has promised not to vote
//
// # Messages
//
//	message        from, to                  answered by      when
//	PreVote        pre-candidate, all        PreVoteReply     no head was heard
//	RequestVote    candidate, all            Vote             a pre-vote was won, or the head wants the next chain
//	Heartbeat      head, all                 HeartbeatReply   the timer
//	Update         predecessor, successor    Ack, if asked    new entries, a doubt
//	Ack            successor, predecessor    -                more is committed; an Update asked
//	Written        itself                    -                its disk has what was matched
//	Join           outside, tail             Update           a chain without it is heard of
//	InstallState   predecessor, successor    Ack              it lacks what the log no longer has
//	Confirm        reader, all               Confirmed        a read, or a lease that is to go on
//	Query          dirty replica, tail       Version          a read (chain-craq)
//	TimeoutNow     head, heir                RequestVote      the head has stepped down for it
//
// On its disk a replica has HardState (epoch and vote), Entries, Lived (how often
// it was started), and now and then a Checkpoint that stands for all before it.
//
// # Steps
//
//  1. Who hears no head for an election timeout asks all, first without consequences,
//     for their votes in the next epoch. A replica votes once in an epoch, for a log at
//     least as complete as its own (the epoch of the last entry, then its index), and
//     saves that before it answers. From then on it takes no message of an earlier one.
//  2. Who has a majority waits a moment for the other answers, and lays down the chain
//     of its epoch: itself as the head, then those who answered, as they stood before.
//     It begins with an entry of its epoch.
//  3. The head appends what it is asked. Each replica saves what comes, and sends it on
//     when its disk has it: only what is matched. So what one has, all before it have
//     (Update Propagation Invariant). (§3)
//  4. The tail commits what its disk has, if that ends in an entry of this epoch, and
//     says so to its predecessor, which commits and passes it on. The replica that was
//     asked answers when it commits. (§3)
//  5. With each heartbeat everybody asks its successor what it has, if anything is in
//     transit, and tells the head. The head campaigns for the next epoch, in which it
//     mostly is head again, without who is silent, or who has stood still between
//     two looks. The new successor of each says where its log parts from the
//     predecessor's, and is sent the rest: all that was in transit. (§5)
//  6. Who comes back asks the tail, which feeds it like a successor without waiting for
//     it; when little is lacking the head takes it in at the next look, as the last,
//     and so as the tail. (§5.3)
//  7. A read is served from what is committed at the tail when it came (version), once
//     the epoch is known to have been the latest then. In chain-craq any replica in the
//     chain serves: if it is clean from its own state, else it asks the tail for the
//     version and waits until it has committed as much. (CRAQ §2.3)
//
// A head hands over (Transfer) by taking nothing new until all it has is committed, and
// stepping down for one of the chain, which then campaigns.
//
// # Why nothing committed is lost
//
// Every chain is of a majority of voters at least. Let entry i be committed in epoch
// e: all of that chain had it on their disks in e, and the head's own first entry of
// e before it. A head of a later epoch has votes of a majority, one of which was in
// that chain. That one had i when it voted, or it could not have passed it on later:
// it had left the epoch. So the log that it voted for ends in epoch e, and is as long,
// or ends in a later epoch, whose head had i by induction. Within an epoch an index
// has one entry, for its head made it, and after a restart nobody is head before the
// next epoch. It follows that a head that was taken out commits nothing: of any chain
// of a majority one has voted for the next, and passes nothing on for the last.
//
// # Why no read is stale
//
// A tail that was taken out does not know it. So a read waits for a round: a majority
// says, after the read came, that it knows of no later epoch. None of these had voted
// for one then; so none had a head, and nothing that was committed when the read
// came was committed in it. And what is committed in this epoch is committed at its
// tail first: its commit index, once it covers an entry of the epoch, is the version.
// A replica elsewhere in the chain has on its disk all that the tail has; if nothing
// there is uncommitted, its commit index is the version, too.
//
// With a lease no round is needed: a majority answered one not long ago, and promised
// not to vote for the least election timeout by its own clock. A replica that restarts
// does not know what it promised, and does not vote for that long. Promises are only
// given while a head is heard that does not want the next epoch (Close): so leases
// run out before a chain must change, and delay that by one election timeout or two.
//
// A tail that restarts may have answered with what its application has lost since. It
// answers nobody before it has committed as much as its log held of this epoch. Rounds
// and queries bear the number of its life, so that no answer to an earlier one counts;
// that number is on its disk before it asks.
//
// # Caveats
//
//   - A chain of the paper goes on while one replica is left, for the master is somebody
//     else. Here it is the same replicas: of three one may fail, not two, as in any
//     protocol with majorities. So no chain is of fewer than a majority, either:
//     otherwise one failure after another, each mended, could leave what is committed
//     on a disk that fails next.
//   - Whoever fails, the chain stands still until the master has noticed; with a
//     leader and a majority only the leader's failure is felt.
//   - A write takes a flush and a message for each replica, one after the other, and as
//     many messages back: the paper's tail answers the client, here the replica that
//     was asked does.
//   - Leases rest on clocks whose rates differ by no more than Config.Drift.
//   - CRAQ keeps versions of each object, and only a read of one that is being written
//     asks the tail. A replicated log knows of no objects: here a replica is dirty as a
//     whole.
//   - A successor of a head that failed need not be the next: of logs equally complete
//     the first to ask is taken.
//   - The group is the one it was founded with: Members is refused as Unsupported. A
//     replica whose disk was lost must not come back under its ID: under the old one it
//     could vote twice in an epoch, or for a head that lacks what it once had.
package chain
