// Package paxos is spec/Paxos.tla as Go, and what events of Paxos stand for in it.
//
// The specification has no disk: what an acceptor has is on it before it answers. So
// its state is what is durable here, and an acceptor acts when its record is.
//
//	event                  actions
//	sync, crash            of each record that is durable now: Promise of a Prepare, and
//	                       Prepare before it if it is of a ballot begun here; Accept of
//	                       an Accept; none of a Checkpoint, which must say what is there
//	a message that leaves  Prepare of the first Prepare of a ballot, Propose of its first
//	                       Accept; none of a Promise or an Accepted, but it must be one
//	                       that was sent there
//	all others             none
//
// What is handed over, or said to be chosen, must be what a majority has voted for.
//
// Not followed: questions and refusals, and what a proposer knows of them.
package paxos
