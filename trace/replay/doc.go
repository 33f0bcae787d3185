// Package replay does again what a trace says.
//
// A trace names everything that a hand did to a World: which message arrived, which
// timer fired, what was asked of whom, what was flushed and lost. Its header says how
// the World began. So the trace is its own schedule, whoever made it: dice, a search,
// or a test.
//
// Run plays a whole trace and compares each event with what happens now, byte for
// byte: the first that differs is a Departure, and says that the code has changed
// since, or that some process is no function of its inputs.
//
// Play is for those who look for a violation in a changed or shortened schedule: what
// is no longer possible is left out, and what happens is not compared.
//
// Shrink makes the schedule of a violation as short as it finds: first it leaves out
// what is not among the causes of the last event (Lamport's happened-before), then
// it takes away events one by one, or some at a time, as long as the same promise is
// broken. Its Steps tell who did what, and what would be without it.
package replay
