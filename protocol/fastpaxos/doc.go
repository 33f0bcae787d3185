// Package fastpaxos keeps a log the same on a group of replicas with one message
// delay less than others: who has a request sends it to all acceptors itself, and
// no leader stands between, as long as two do not want the same place.
//
// # Papers
//
// Lamport, "Fast Paxos", MSR-TR-2005-112, 2005: cited as §. Lamport, "Paxos Made
// Simple", 2001.
//
// # Words
//
//	instance     one position of the log: an agreement of its own
//	round        a number that a coordinator begins; see below
//	base         a round without votes: what is promised is a base
//	vote         an acceptor accepts a value in a round of an instance: once
//	fast round   in it an acceptor votes for the first value that anybody proposes
//	classic      in it an acceptor votes for what the coordinator says
//	fast quorum  so large that any two meet within any majority: 3 of 3, 3 of 4, 4 of 5
//	chosen       a quorum of its round voted for a value
//	collision    a fast round in which no value can be chosen any more
//	any          what allows votes in a fast round: a message of the coordinator
//	value        a request with the replica that proposed it, which the epoch of its
//	             entry names; 0 of one that fills a gap
//
// Rounds come in fours, of one coordinator. The first is a base, and is promised for
// all instances at once. The second is fast. The third is fast, too: acceptors vote in
// it to recover from a collision without the coordinator. The fourth is classic.
//
// # Messages
//
//	message    from, to                   answered by    when
//	Scout      replica, acceptors         Second         no coordinator was heard
//	Prepare    coordinator, acceptors     Promise, Nack  a round begins: phase 1a
//	Promise    acceptor, coordinator      -              phase 1b, with its votes
//	Any        coordinator, all           Alive, Nack    the timer; phase 2a of the fast round
//	Heartbeat  coordinator, all           Alive, Nack    the same, if there is no fast round
//	Propose    replica, acceptors         Voted          a request; classic: to the coordinator
//	Accept     coordinator, acceptors     Voted, Nack    phase 2a of the classic round
//	Voted      acceptor, all              -              phase 2b
//	Ask        replica, one that is ahead Learn, Install it lacks what others know
//	Query      replica, acceptors         Answer         a read
//
// On its disk a replica has the Prepare of its promises, its Voted, Decided for what
// was chosen against its vote, and instead of these now and then a Checkpoint.
//
// # Steps
//
//  1. A replica that hears no coordinator asks whether others do (Scout). If a majority
//     does not, it saves a round beyond all known ones and asks for promises.
//  2. With promises of a majority, and once it knows all that these know to be
//     chosen, it leads. Where they show votes it picks by O4 what must be chosen, fills
//     gaps between with nothing, and says so in the classic round. If a fast quorum
//     seems to be there, it allows votes in all instances after these: Any.
//  3. A replica with a request gives it the next instance that it has heard nothing
//     of, and sends it to all acceptors. In a classic round it sends it to the
//     coordinator, who says it if it said nothing of that instance yet.
//  4. An acceptor votes for the first that it is sent, saves that, and tells all.
//  5. Whoever has heard a quorum's votes for one value knows that it is chosen.
//     What is chosen with all before is handed to the application.
//  6. Should another value be chosen, a replica proposes its request in a later
//     instance. A request is proposed in one instance at a time, so it is never
//     chosen twice, though no replica keeps a list of them.
//  7. After a collision the coordinator says in the classic round what O4 makes of a
//     majority's votes: a vote of the fast round is as good as a promise, for there
//     is one in a round (§3.2, coordinated). In the other row of the catalog the
//     acceptors, who hear all votes, do it themselves first, and vote in the
//     third round (uncoordinated).
//  8. What does not come to an end the coordinator proposes again, recovers, and at
//     last takes another round for. It takes a classic one if a fast quorum is not
//     to be heard, and a fast one when it has been there again for a while.
//
// O4: of the votes of a majority Q, take those in the latest round k. If k is fast, v
// may be chosen in it if all acceptors of some fast quorum that are in Q voted for v,
// which is so if at most n - |fast quorum| of all did not. For at most one v that is
// so. If for none, any value will do: that with the most votes, so that those who
// recover without each other are likely to agree. §2.2.2
//
// A read asks a majority for the highest instance in which they voted, and is served
// when the log is there: what was chosen before has a vote among these.
//
// # What is left out
//
//   - The group does not change, and there is no leadership to hand over: unsupported.
//   - No leases: a read costs a round, from any replica.
//   - With three replicas a fast quorum is all of them. When one is down the rounds
//     are classic, and take a delay more.
//   - A replica that was sent an application state does not know what became of the
//     requests that it proposed in instances before it. It answers nothing; their
//     clients ask again, and sessions (package session) do nothing twice.
//   - A replica whose disk was lost must not come back under its ID. Hosts keep it out.
//
// # What is different here
//
// Whoever heard votes may recover from a collision; the paper numbers rounds so
// that i+1 is for that, here i+1 and i+2 are. A proposer names the instance, where
// the paper's acceptors take the next: so a lost message makes no two acceptors
// disagree for ever after. Votes are told to all replicas, for each is a learner.
package fastpaxos
