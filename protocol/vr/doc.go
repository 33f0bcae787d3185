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
//	epoch         a stretch of time with one group; numbered. Its views are numbered
//	              behind those of all epochs before: one number tells both
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
//	StartEpoch         any, of the next epoch    EpochStarted         an epoch begins; somebody is behind
//	EpochStarted       replica, who told it
//
// Prepare, StartView, NewState and StartEpoch are one form: entries, and what they
// follow. On its disk a replica has Lived (its view, how often it was started, and, if
// it is diskless, the group), and, if it is not diskless, Entries, and now and then a
// Checkpoint that stands for all before it.
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
// # Another group
//
// A Reconfiguration is a request for another group, any other, as a whole. §7
//
//  1. The primary makes it an entry, and takes no request behind it. The old group
//     decides it like any other. Should the view change before, the next primary
//     that finds it at the end of the log makes it an entry of its own view, in its
//     place: that is then the entry with which the view begins. (§7.1, step 1)
//  2. Who commits it ends its epoch. The entry becomes the first of the next one, of
//     view 0, in every log the same, whichever view committed it; it bears the group.
//     All of both groups are told with StartEpoch, which names a view to begin with:
//     the old primary's, if it stays. (§7.1, steps 2 and 3)
//  3. A replica enters an epoch only with all that was committed before it: what it
//     lacks it asks of who told it, and takes it whole, as entries or as the
//     application's state, or not at all. Until then it is in its own epoch. So nobody
//     of an earlier epoch is ever counted with one of a later; it is answered with
//     StartEpoch. That it is in the epoch it says when its disk knows. (§7.1, steps 4
//     and 5)
//  4. Nobody is primary in view 0. The new group changes to a view like to any other,
//     and begins it when f'+1 of it are in the epoch. (Steps 4 and 5 above)
//  5. Who does not vote in an epoch tells those who do until f'+1 have answered, or
//     it hears a primary. From then on the old group may be switched off. (§7.1, step 6)
//
// An epoch decides nothing behind the entry that ends it: a primary proposes nothing
// there, and a view begins with that very entry. If it is committed, f+1 hold it, and
// so the log that any later view of the epoch begins with: that can commit nothing
// else, and comes to the same end. So epochs need not overlap, nor their groups.
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
// With epochs the argument is the same within each. One that recovers remembers its
// view, and so its epoch, and the group of that, whom it asks. In a later epoch than
// its own it has promised nothing; and in view 0 of its own no more than to hold what
// was committed before: both it may learn from anybody of that epoch. A group must
// not lose its f+1 memories before f'+1 of the next have begun.
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
//   - In §7 a replica that hears of the next epoch leaves its own at once, to fetch what
//     it lacks. If then who told it fails, the old group may be one too few to decide
//     again what nobody else knows. Here it stays until it has all.
//   - In §7 the view-number begins anew with the epoch, and messages bear both. Here one
//     number does, so that logs of two epochs compare like those of two views.
//   - A learner of the group (§7.3 warms replicas up before they join) is sent all and
//     counts for nothing. It is not promoted while a tenth of the log is lacking there.
//   - A group between two that decides with majorities of both (Outgoing), as Raft has
//     it, is not needed, and refused: whatever changes, the whole group does at once.
//   - Client sessions are the application's (package session): the log may hold a
//     request twice.
package vr
