// Package raft is spec/Raft.tla as Go, and what events of Raft stand for in it.
//
//	event                 actions
//	deliver, timeout,     those that explain the effects, in order: a HardState is
//	submit, compact       Timeout, UpdateTerm or GrantVote, Entries are Propose,
//	                      ChangeGroup or AcceptAppend, a message that leaves is the
//	                      action that may send it
//	sync                  Sync for each record, and after each what it let go
//	crash, flushfail,     Crash
//	losedisk
//	start, restart, join  none: Crash has said what it starts with
//	flush                 Flush
//	all others            none
//
// Not followed: what is asked before an election, heartbeats that say nothing and
// their answers, refusals, rounds of reads, orders to campaign.
package raft
