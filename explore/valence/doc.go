// Package valence asks which decisions a state still leaves open, and shows what
// Fischer, Lynch and Paterson proved ("Impossibility of Distributed Consensus
// with One Faulty Process", 1985): no deterministic protocol decides in every run,
// if messages may take any time and one process may stop.
//
// # The words
//
// The valence of a state is the set of values that are decided in some state that
// can be reached from it. A state is bivalent if there are two or more, univalent
// if there is one. What happens is events: a process receives a message, or takes
// a step without one (FLP's null message; here a timer, a tick, a request).
//
// # The proof, as code
//
// Lemma 2: a protocol that survives one stopped process has a bivalent initial
// state. For else two of them that differ in one input have different valences,
// and in a run in which the process with that input takes no step nobody sees the
// difference. Adjacent finds such pairs; Without asks what happens then.
//
// Lemma 3: from a bivalent state, and a message that is on its way, some schedule
// ends with that message and in a bivalent state again. Delay looks for such
// schedules, always for the message that has waited longest: what it returns is a
// run in which every message arrives and nobody decides, for as long as is asked.
// Check plays it again and believes nothing.
//
// # What is proved and what is not
//
// That a state is bivalent is shown by two ways out of it, so it is certain
// wherever it is said. That a state is univalent is certain only of a Graph that
// is Whole. A Scout, for spaces that are too large for that, knows ways only: what
// it does not find, there may be.
package valence
