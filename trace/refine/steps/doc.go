// Package steps follows a trace as steps of a specification: what is the same for
// all protocols.
//
// A Specification reads a trace event by event, and knows what of it lies below
// what specifications speak of: which records of a replica are not durable yet, and
// which messages wait for them. What an event means, a Mapping says: it does the
// actions on a model of its own, and tells the Run of each that was allowed.
//
//	event                 calls of the Mapping
//	deliver, timeout,     Begin; for each effect Save, Leave or Commit, in order, but
//	submit, compact,      no Leave for what waits for the disk; Show
//	start, restart, join
//	sync                  Durable for each record, and after each Leave for what it held
//	crash, flushfail      Crash
//	losedisk              Crash, of a replica that is not seen again
//	flush                 Flush
//	all others            none
//
// The actions of a run are handed on one by one (Follow), or become a module that
// TLC reads (Export).
package steps
