// Package refine says whether a recorded run of Raft is one that the
// specification allows (spec/Raft.tla), step by step.
//
// The two sides share nothing. Model is the specification once more, as Go: its
// state, and for each of its actions what must hold before and what holds after.
// It knows no timer, no index of what was sent to whom, no network, and no code of
// the protocol. Follow reads a trace and says for each event which actions of the
// specification it stands for: none, one, or a few in order. That mapping is the
// only part that knows the protocol's messages. Model does the actions, and
// refuses one whose guard does not hold; and after each event the state must be
// the one that the replica showed: its role, its term, the end of its log, what it
// has handed to its application.
//
// So a run that passes is a behaviour of the specification, whose properties
// have been checked by themselves, on small instances, by TLC. What the
// specification does not speak of is not checked: time and so leases, reads,
// sessions, and that anything happens at all.
//
//	event                 actions
//	deliver, timeout,     those that explain the effects, in order: a HardState is
//	submit, compact       Timeout, UpdateTerm or GrantVote, Entries are Propose,
//	                      ChangeGroup or AcceptAppend, a message that leaves is the
//	                      action that may send it
//	sync                  Sync for each record, and after each what it let go
//	crash, flushfail      Crash
//	losedisk              Crash, of a replica that is not seen again
//	start, restart, join  none: Crash has said what it starts with
//	flush                 Flush
//	all others            none
//
// Logs of the specification are whole, so that a log that is cut changes nothing
// there. A trace must be of a run from its beginning, and no request may contain
// text that looks like the next entry of a log (", 17@3 "): a trace is text.
//
// Export writes the same actions as a module that TLC checks against Raft.tla
// itself, for whoever trusts neither Model nor us.
package refine
