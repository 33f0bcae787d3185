// Package feed tells watchers what changes in a store: each every change of the
// keys it watches, once, in order, all changes of a revision together, from any
// revision that is not compacted.
//
// The event log of package kv is the one source, and the state of a watcher is
// the next revision that it is to see: a cursor. There are two ways to move it.
//
// The Hub goes through the log once for all, on a goroutine of its own, close
// behind the store, and gives each change to those whose key it is. Watchers
// that it serves are called synced. What it gives waits in their Reader, which
// is one client's stream with any number of watchers.
//
// A Reader whose client does not keep up is not waited for. When too much waits
// in it, the next watcher that is given something falls behind: the Hub forgets
// it, and the Reader goes through the log on its behalf, in bounded steps, when
// what waited is sent, until it is where the Hub is. A watch that begins in the
// past begins behind, and so does one that the log was compacted under; that
// finds its cursor gone.
//
// So a slow client costs a bounded number of bytes, and nobody else anything;
// and the store is read without a lock that its writer takes.
package feed
