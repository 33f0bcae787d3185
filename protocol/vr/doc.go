// Package vr keeps a log the same on a group of replicas, as long as a majority
// of them works: Viewstamped Replication, the first protocol that did, older
// than Paxos in print. A primary orders, backups follow, and when the primary is
// not heard a view change makes the next replica primary.
//
// # Papers
//
// Liskov and Cowling, "Viewstamped Replication Revisited", MIT-CSAIL-TR-2012-021:
// cited as §. Oki and Liskov, "Viewstamped Replication", PODC 1988: cited as VR.
// Michael, Ports, Sharma and Szekeres, "Recovering Shared Objects Without Stable
// Storage", DISC 2017: cited as DISC'17.
//
// # Words
//
//	view          a stretch of time with one primary; numbered. Replicas take turns:
//	              of n, the primary of view v is the one at v mod n
//	op-number     the position of an entry in the log
//	viewstamp     an entry's view and op-number. No two entries ever have the same
//	commit-number up to here all is committed: no later view lacks it
//	matched       up to here the log is known to be the primary's too
//	status        normal, view-change or recovering
//	f             how many of 2f+1 may fail
//
// # Messages
//
//	message            from, to                  answered by          when
//	Prepare            primary, all              PrepareOk            new entries
//	Commit             primary, all              CommitOk             the timer, a read, a new commit-number
//	StartViewChange    replica, all              StartViewChange      no primary was heard
//	DoViewChange       replica, next primary     StartView            f others want the next view, too
//	StartView          new primary, all          PrepareOk            f+1 are in the view
//	GetState           replica, primary          NewState             its log lacks something
//	Recovery           recovering replica, all   RecoveryResponse     it lives again, diskless
//	RecoveryResponse   primary, that replica     GetState
//
// Prepare, StartView and NewState are one form: entries, and what they follow.
// On its disk a replica has Lived (its view, and how often it was started), and,
// if it is not diskless, Entries, and now and then a Checkpoint that stands for
// all before it.
//
// # Steps
//
//  1. The primary gives requests op-numbers, and sends them to all, without
//     waiting for its own disk. (§4.1)
//  2. A backup checks that its log agrees where the new entries begin, saves them
//     and answers when they are durable. If its log does not agree, it asks for
//     what follows the place up to which it surely does. (§4.1, §5.2)
//  3. What f+1 have is committed. The primary counts itself when it hears, by a
//     message to itself, that its own disk is done. It tells the others with the
//     next Prepare, or with a Commit.
//  4. A replica that hears no primary for an election timeout says to all that
//     it wants the next view. Nothing binds it yet. When f others want it too,
//     it enters the view: it saves that, takes no message of an earlier one any
//     more, and tells the primary to be where its log ends. (§4.2)
//  5. With f+1 such messages, its own among them, the primary to be knows whose
//     log to take: of those whose last entry is of the latest view, the longest.
//     If that is not its own it asks its owner for the rest. Then it begins the
//     view with an entry of it, which the others take as in step 2.
//  6. A read is served when f+1 have answered a round of Commits that began after
//     it came, and an entry of this view is committed; or at once, while an earlier
//     round still binds them (lease, §6.2).
//
// # A group without disks
//
// A diskless replica that crashed asks for a primary of a view not before its
// own, takes from it all that the log had when the question came (it bears a nonce
// never used before), and takes part in nothing until it has it. §4.3
//
// No entry is lost by that. Say that p helped in view u to commit entry j,
// crashed, and takes the log of the primary of view V, which is not before u. If V
// is u, its log holds j, for it proposed it. If V is later, f+1 entered it, and
// f+1 acknowledged j in u: one did both, and it did so in that order, for its view
// outlives crashes. So it told the primary of V of a log with j, by induction over
// recoveries even if it crashed between. This holds for any number of crashes:
// when more than f are down at once the group stops, for good, but never differs.
//
// # Errors of the published protocol, and what is here instead
//
//   - Forgotten promises. In §4.3 a replica recovers its view from the others. One
//     that crashes in a view change can recover into the view before, and help to
//     commit there what the change does not know of (DISC'17). VR kept the view on
//     disk, and so do we, before DoViewChange leaves: crash-consistent quorums, the
//     remedy of DISC'17, are not needed then, nor are answers of f+1.
//   - State transfer. §5.2 truncates a log to its commit-number on hearing of a later
//     view. But what is cut off may have been promised, and the short log then
//     wins a view change, since its view is the latest. Here nothing is dropped
//     before what replaces it has come.
//   - Logs are compared by the view in which a replica was last normal, and by length
//     (§4.2). A replica is normal before it has the whole log; so here they are
//     compared by the viewstamp of the last entry, as in VR. An entry of an
//     earlier view is not counted as committed before one of the primary's own view
//     is: each view begins with one (NoOp).
//   - With n replicas the same one is primary of views v and v+n. What a backup knows
//     of its log in the one says nothing of the other: a view starts from what is
//     committed here (setView).
//   - A primary that crashed and kept its view would use op-numbers again that its
//     disk has lost. After a restart nobody is primary before the next view change;
//     view 0 has no primary, so all have saved the view that they lead.
//
// # What else is different
//
//   - StartViewChange binds nobody, and is ignored by those who hear a primary: so
//     one that is cut off does not disturb the others when it comes back. Who has
//     entered a later view says so to the primary, who then enters it too.
//   - DoViewChange does not bring the log, nor StartView all of it (§5.3): what is
//     lacking is asked for, in pieces that the window bounds.
//   - Transfer enters the next view of the replica named.
//   - A request to change the group is refused (Unsupported). In §7 the last entry of
//     an epoch is decided by the old group alone, whose later views must not add
//     any: so they could not begin with an entry of their own, on which step 5
//     rests. To have both takes groups that overlap, as Raft's do.
//   - Client sessions are the application's (package session): the log may hold a
//     request twice.
package vr
