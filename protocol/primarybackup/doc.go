// Package primarybackup replicates a log from one primary to its backups, and
// lets whoever runs it choose what an answer waits for: all backups, some, or
// none. It says what that choice can cost.
//
// # Papers
//
// Alsberg and Day, "A Principle for Resilient Sharing of Distributed Resources",
// ICSE 1976: one primary orders what is asked, and answers when its backups have
// it. Budhiraja, Marzullo, Schneider and Toueg, "The Primary-Backup Approach",
// 1993: what such a service can promise at best. Lin, Yang, Zhang and Zhou,
// "PacificA", 2008: promotion by agreement, and the fencing of old primaries. The
// modes are those of databases: MySQL's semi-synchronous replication,
// PostgreSQL's synchronous_commit.
//
// # Words
//
//	epoch        a stretch of time with at most one primary; numbered
//	promotion    the election of a primary by a majority
//	in step      of a backup that answers wait for, in the synchronous mode
//	committed    applied by a primary, and so answered
//	settled      durable on a majority, under a primary of its own epoch: no later
//	             primary lacks it
//	undone       committed, but not in the log of a later primary: lost
//	parted       cut off a log though it was, or may have been, committed: undone once
//	             something else is settled in its place
//	astray       of a replica whose application holds what was undone
//	match        the highest entry known to be durable at a replica and equal to
//	             the primary's
//	round        one heartbeat to all, and its answers
//	lease        the time for which a majority has promised not to promote another
//
// # Modes
//
//	row                      an answer waits for                 may be undone
//	primarybackup            all backups in step                 nothing
//	primarybackup-semisync   Config.Acks backups (1), whichever  if Acks+1 and a majority need not meet
//	primarybackup-async      the primary's own disk              what no majority had
//
// With three replicas and one acknowledgement nothing is undone; with five, two
// are needed for that. What may be undone is bounded: a primary refuses more than
// 65,536 entries beyond what is settled. There is no silent change of mode: a
// semi-synchronous primary without enough backups keeps its clients waiting.
//
// # Messages
//
//	message         from, to             answered by      when
//	PreVote         pre-candidate, all   PreVoteReply     no primary was heard
//	RequestVote     candidate, all       Vote             a pre-vote was won
//	AppendEntries   primary, backup      AppendReply      new entries, a doubt
//	Heartbeat       primary, all         HeartbeatReply   the timer, a read, a new commit index
//	InstallState    primary, backup      AppendReply      it lacks what the log no longer has, or is astray
//	TimeoutNow      primary, backup      RequestVote      the primary has stepped down for it
//	Founded         itself               -                its first record is durable
//
// On its disk a replica has HardState (epoch and vote), Entries, and now and then
// a Checkpoint that stands for all before it.
//
// # Steps
//
//  1. Two replicas cannot tell a primary that failed from one that is cut off, and
//     one alone would promote itself beside it. So the replicas vote: a backup that
//     hears no primary for an election timeout asks all, first without
//     consequences, then in a new epoch. A replica votes once in an epoch, for a log
//     at least as complete as its own (the epoch of the last entry, then its index),
//     and saves that before it answers.
//  2. Who has a majority is promoted, and appends an entry of its own epoch. Until
//     that is settled it commits nothing: so what it has not got is lost now, and
//     does not come back with a later primary.
//  3. The primary appends what it is asked, and sends it on when its own disk has it.
//     A backup replaces what parts from that, saves, and answers when it is durable.
//  4. The primary commits what those have whom the mode names (held), and tells
//     each backup as much of that as is durable there.
//  5. Synchronous: in step are all voters at first. Who lacks at one look at the
//     group what it lacked at the last, and got nothing in between, is waited for no
//     longer; but never fewer than a majority are in step. Who has all that is
//     committed is in step again. So what is committed is settled.
//  6. In the other modes nothing but its clock tells a primary that it is the only
//     one: it commits only under a lease. Voters that heard it do not vote for
//     another for the least election timeout. Whoever is deposed learns of it by the
//     later epoch in the answer to anything it sends, and is a backup from then on.
//  7. A session's number is the index of its entry, and must never be given twice:
//     its answer, and those after it, wait until it is settled.
//  8. A replica whose log was replaced under what its application holds is astray.
//     It says so in its answers to heartbeats, and is sent the primary's state. Until
//     then it votes and keeps its log, but does not campaign: it holds no state to go
//     on from. If all replicas are up, somebody can be promoted: of all logs, take
//     one that ends in the latest epoch. That epoch's primary has at least as long a
//     one, for nothing leaves it before it is on its own disk (step 3); and it is not
//     astray, for only a later primary could have replaced its log, and that one's
//     own entry would then be in a log.
//  9. Nothing leaves a log before it is settled and applied: so a log always reaches
//     back to where it parts from another, and a state that is installed takes
//     nothing with it that was settled.
//  10. A replica says what it committed and is undone (process.Output.Undone), once a
//     majority has something else there: until then a later primary may still bring
//     it back. It remembers up to where it committed with each record it saves; of
//     entries after that, a replica that has been restarted says that they may have
//     been committed. If the log begins anew, it goes by where the epochs of the
//     primary's history begin, which come with the state: entries of one index and
//     epoch are the same.
//
// # Caveats
//
//   - A majority promotes, so two of three replicas are needed, not one of two as in
//     the books: those leave it to somebody outside to say who failed.
//   - In the modes that may lose, a group may have to wait for one particular
//     replica, if the primary fails while it mends those who went astray.
//   - The leases rest on clocks whose rates differ by no more than Config.Drift.
//   - Reads are the primary's to allow. In the modes that may lose they may show
//     what is undone later; and a host that lets each member answer from its own
//     state once that is at an index may show what is undone already, at a member
//     that is astray and not yet mended.
//   - The group is the one it was founded with: Members is refused as Unsupported.
//   - A synchronous primary writes, then its backups do: two flushes, not one.
//   - A replica whose disk was lost must not come back under its ID.
package primarybackup
