// Package explore visits every state that a small instance can get into.
//
// A simulation shows what happens; an exploration shows that something cannot
// happen, as long as the instance is small: three replicas, two elections, one
// crash. Most mistakes in protocols show in instances that small, if nobody
// chooses which of the billions of orders of events to try.
//
// # The words
//
// A Model has initial states and, for each state, the actions that lead to its
// successors. A state is bytes: equal states have equal bytes. A transition is
// generated each time an action is tried; a state is distinct the first time it
// is seen. The depth of a state is the number of states on the shortest way to
// it, the initial one counted, so an initial state has depth 1. A Property says
// what to look for:
//
//	Always      holds in every state; a state without it is a counterexample
//	Sometimes   holds in some state; the search finds a witness, or says there is none
//	Eventually  on every fair run there is a state where it holds
//	LeadsTo     after each state where From holds there is, on every fair run,
//	            one where Holds does
//
// # The searches
//
// Breadth goes level by level on all cores, so the first counterexample is a
// shortest one, and the depth is exact. Depth goes down first and needs less
// memory for what waits. Walk visits nothing systematically: it takes random
// ways, each with its own taste in actions, through spaces too large for the
// other two (Holzmann, Joshi and Groce, "Swarm Verification Techniques", 2011).
//
// Breadth and Depth remember a state as a fingerprint of 64 bits and that of
// its parent: 16 bytes, 21 to 32 with the room that a table needs. A way to a
// state is found again by playing the fingerprints from the start. Two states
// with one fingerprint would be taken for one; Result.Missed bounds how likely
// that happened, and a second search with another Seed rules it out.
//
// Eventually and LeadsTo are decided in a second phase over the whole graph, by
// its strongly connected components: a counterexample is a lasso, a way to a
// cycle that fairness allows and that avoids what was promised. Cycles and
// joins are no exception, because no path is taken for a run.
//
// Package group is a Model over the processes that a node would run; package
// models has some whose counts are known.
package explore
