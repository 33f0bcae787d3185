// Package vr is spec/ViewstampedReplication.tla as Go, and what events of Viewstamped
// Replication stand for in it, with logs on disks and without.
//
// What a replica shows when its step is over, and what came to it, say which actions it
// has taken; then its records, and what it says, must be theirs.
//
//	event                  actions
//	a step that ends in a  Enter, if the view is a later one; Recognize, if it recovers;
//	view, and in a role    Follow, StepDown, StartView, Recover
//	entries that come      AcceptPrepare, Fetch from the best log in a change of views;
//	                       TakeImage of an application's state. What does not fit yet is
//	                       kept, and taken when it does
//	requests of clients    Request for each that the primary does not refuse
//	sync, crash, flush     Sync for each record, Crash, Flush
//	a message that leaves  Prepare, SendState, PrepareOk, SendCommit, DoViewChange,
//	                       SendImage, Recovery, RecoveryResponse: with just what it says
//	entries handed over    Commit by the primary, Learn by others
//	all others             none
//
// A record must be what an action makes of the one before; a step that makes one, and
// saves nothing, is none. Without disks a log is in no record: there, only that of the
// view and of the life must be.
//
// Not followed: whoever wants a view, and why; rounds of reads, leases, questions for
// what a log lacks. And other groups: with the first request for one that a primary does
// not refuse the specification ends, and so does what is said of a run.
package vr
