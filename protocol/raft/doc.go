// Package raft keeps a log the same on a group of servers, as long as a
// majority of them works: Raft, the consensus algorithm that elects a leader
// and lets it alone decide the order.
//
// # Papers
//
// Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm",
// extended version, 2014: cited as §. Ongaro, "Consensus: Bridging Theory and
// Practice", 2014: cited as thesis §. Names are those of Figure 2 where it has
// them.
//
// # Words
//
//	term         a stretch of time with at most one leader; numbered
//	entry        one position of the log: an index, the term it was made in, a request
//	committed    decided: no log of a later leader lacks it
//	applied      executed by the application, which is the host's affair
//	match        the highest entry known to be durable on a server and equal to the leader's
//	round        one heartbeat to all, and its answers; numbered within a term
//	base         the entry that the log begins after: the application's state has the rest
//	joint        of a group between two: a decision takes a majority of both
//
// # Messages
//
//	message           from, to              answered by       when
//	PreVote           pre-candidate, all    PreVoteReply      no leader was heard
//	RequestVote       candidate, all        Vote              a pre-vote was won
//	AppendEntries     leader, follower      AppendReply       new entries, a doubt
//	Heartbeat         leader, all           HeartbeatReply    the timer, a read, a new commit index
//	InstallSnapshot   leader, follower      AppendReply       it needs what the log no longer has
//	TimeoutNow        leader, follower      RequestVote       leadership is handed over
//
// On its disk a server has HardState (term and vote), Entries, and now and
// then a Checkpoint that stands for all before it.
//
// # Steps
//
//  1. A follower that hears no leader for an election timeout asks all whether
//     they would vote for it (PreVote). Those who hear a leader do not answer.
//  2. With a majority it begins a new term, saves its vote for itself, and asks
//     for votes. A server votes once in a term, for a log at least as complete
//     as its own, and saves that before it answers.
//  3. Elected, it appends an entry of its own term, and sends every follower
//     what it lacks, without waiting for its own disk.
//  4. A follower checks that its log agrees where the new entries begin. If
//     so it replaces what follows, saves, and answers when they are durable.
//     If not, it names the last place that may agree, and the leader goes back
//     there.
//  5. An entry of the leader's term that is durable on a majority is
//     committed, and with it all before. The leader counts itself when it
//     hears, by a message to itself, that its own disk is done.
//  6. A read is served when a majority has answered a round that began after
//     the read came, and an entry of this term is committed; or at once, while
//     an earlier round still binds a majority (lease).
//  7. A leader that has not heard from a majority for an election timeout
//     steps down.
//
// The group changes by an entry that counts from when it is in the log: by one
// voter at once, or through a joint group if by more. Leadership is handed to
// a server that has the whole log by telling it to campaign.
//
// # What is different here
//
//   - The answer to a heartbeat is a message of its own, for it need not wait
//     for the disk: reads and elections do not feel a slow one.
//   - A server that answered a leader votes for no other for the least election
//     timeout, even if it learns of a later term or restarts meanwhile. Leases
//     need that; the thesis says only the first half.
//   - A new server that is sent the log from its beginning has no group until
//     it finds one in it. It votes before, but does not campaign.
//   - A server whose disk was lost must come back under a new ID, through a
//     change of the group: under the old one it could vote twice in a term.
//     Hosts keep it out (package member).
//   - Client sessions are the application's (package session), as thesis §6.3
//     has them: the log may hold a request twice.
package raft
