// Package paxos lets a group choose one value, for good: the Synod of Paxos, a
// single decree.
//
// # Papers
//
// Lamport, "Paxos Made Simple", 2001: cited as §. Lamport, "The Part-Time
// Parliament", 1998.
//
// # Words
//
//	ballot     the number of a proposal: a round and the proposer's ID, so that no two
//	           proposers share one; 0 is none
//	proposer   who may begin ballots: every replica
//	acceptor   who promises and votes: the voters of the group
//	learner    who wants to know what is chosen: every replica
//	vote       an acceptor accepts a proposal: a ballot and its value
//	chosen     a majority of acceptors has voted in one ballot
//	decree     the value that is chosen
//
// The roles are apart: each has a file, and speaks with the others by messages
// only, on the same replica too. A replica that is a learner of the group
// (process.Group.Learners) has no acceptor.
//
// # Messages
//
//	message    from, to                 answered by       when
//	Prepare    proposer, acceptors      Promise, Nack     a ballot begins: phase 1a
//	Promise    acceptor, proposer       Accept            phase 1b, with its latest vote
//	Accept     proposer, acceptors      Accepted, Nack    a majority has promised: phase 2a
//	Accepted   acceptor, learner        -                 phase 2b: it has voted; or it was asked
//	Nack       acceptor, proposer       -                 it has promised a later ballot
//	Ask        learner, all             Accepted, Chosen  the timer: what is chosen?
//	Chosen     learner, all             -                 a majority's votes are known
//
// Whoever knows the decree answers everything with Chosen.
//
// On its disk a replica has the Prepare of each ballot that it promised or
// began, the Accept of each vote, and instead of these now and then a Checkpoint.
//
// # Steps
//
//  1. A proposer with a request takes a ballot beyond all that it has heard of,
//     saves it, and asks all acceptors to promise. (Prepare)
//  2. An acceptor that has promised no later ballot saves and answers with its
//     latest vote, if it ever voted. (Promise)
//  3. With promises of a majority the proposer sends a value to all acceptors: that
//     of the vote with the highest ballot in these promises. If they show no vote,
//     its own. (Accept)
//  4. An acceptor that has promised no later ballot saves the vote and tells the
//     proposer, as a learner. The vote is a promise, too. (Accepted)
//  5. A learner that has heard of a majority's votes in one ballot knows the
//     decree, hands it over, and tells all. (Chosen)
//  6. A proposer whose ballot does not come to an end, for instance because another
//     one overtook it, begins another one after a random time. The time becomes
//     longer with each try, up to a bound.
//  7. A learner that hears nothing asks. If it hears of votes that are no majority,
//     it proposes: the ballot brings to an end what was begun. §2.3
//
// A read asks what is chosen by phase 1 of a ballot that begins after it came. If
// a majority's promises show no vote, nothing was chosen when the read came, and the
// application answers as it is at first. Else the ballot goes on to the decree.
//
// # What it can not do
//
//   - There is one decree. Further requests are refused as invalid; so is a request
//     that is the decree, if it comes again, for nothing is done through it.
//   - There is no client session, for opening one would be the decree; no change of
//     the group, and no leader who could hand over: unsupported.
//   - Progress needs that one proposer is left alone for long enough (FLP): the
//     random waiting makes that likely, nothing makes it sure.
//   - A replica whose disk was lost must not come back under its ID: it could vote
//     against its promise. Hosts keep it out.
//
// # What is different here
//
//   - A ballot once begun is saved as a promise of this replica's, whether it is an
//     acceptor or not: so it begins no ballot twice (§2.5), with no record of its own.
//   - Entries have epoch 0, for learners may come to know the decree by different
//     ballots.
//   - An application may be ahead of the log. Then the replica is asked for a value
//     that it does not know, and asks for it itself.
package paxos
