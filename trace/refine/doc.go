// Package refine says whether a recorded run of a protocol is one that its
// specification in package spec allows, step by step.
//
// The two sides share nothing. Each of the rooms inside has the specification of
// one protocol once more, as Go: its state, and for each of its actions what must
// hold before and what holds after. It knows no timer, no network, and no code of
// the protocol. Beside it stands the mapping, which says for each event of a trace
// which actions it stands for: none, one, or a few in order. That is the only part
// that knows the protocol's messages. The model does the actions, and refuses one
// whose guard does not hold; and after each event the state must be the one that
// the replica showed: its role, its term, ballot or view, the end of its log, what
// it has handed to its application. What all of them need is in package steps.
//
// So a run that passes is a behaviour of the specification, whose properties
// have been checked by themselves, on small instances, by TLC. What the
// specifications do not speak of is not checked: time and so leases, reads,
// sessions, and that anything happens at all. The rooms say what else they leave.
//
//	room         module                      runs of
//	raft         Raft                        raft
//	paxos        Paxos                       paxos
//	multipaxos   MultiPaxos                  multipaxos
//	fastpaxos    FastPaxos                   fastpaxos, fastpaxos-uncoordinated
//	vr           ViewstampedReplication      vr, vr-diskless: until another group is asked for
//
// Logs of the specifications are whole, so that a log that is cut changes nothing
// there. A trace must be of a run from its beginning, and no request may contain
// text that looks like the next entry of a log (", 17@3 "): a trace is text.
//
// Export writes the same actions as a module that TLC checks against the
// specification itself, for whoever trusts neither the models nor us.
package refine
