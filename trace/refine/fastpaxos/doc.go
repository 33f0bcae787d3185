// Package fastpaxos is spec/FastPaxos.tla as Go, and what events of Fast Paxos stand
// for in it.
//
// The specification is of one position of the log. Here it is taken once for each:
// what is promised is promised in all of them, and so Prepare and Promise are steps
// in all; the others name theirs.
//
// The specification has no disk: what an acceptor has is on it before it answers. So
// its state is what is durable here, and an acceptor acts when its record is.
//
//	event                  actions
//	sync, crash            of each record that is durable now: Promise of a Prepare, and
//	                       Prepare before it if the round is begun here; of a Voted, for
//	                       each position: Accept, or Recover in the round for that. The
//	                       first vote in a fast round stands for what allowed it, too:
//	                       Propose of anything. None of a Checkpoint or of Decided, which
//	                       must say what is so
//	a message that leaves  Prepare of the first Prepare of a round; Ask for each new value
//	                       of a Propose; Propose for each new position of an Accept, and
//	                       Ask before it if it fills a gap; none of a Promise or a Voted,
//	                       which must tell just what the acceptor has, or of it
//	all others             none
//
// What is handed over, or said to be chosen, must have a quorum's votes.
//
// Not followed: scouts, heartbeats, queries and refusals, and whether what a
// coordinator or an acceptor goes on from has come to it.
package fastpaxos
