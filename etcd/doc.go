// Package etcd answers the clients of etcd: it is the gRPC interface etcd v3
// over a store (package kv) that a group of replicas (package node) keeps in
// step. Programs that speak to etcd speak to this, unchanged.
//
// # The way of a request
//
// A write is translated into a command of the store, checked by itself, given
// to the group, and answered when this member has applied it: with the revision
// that it made. A read waits for a barrier of the group and then reads the
// store, beside everything else that goes on; a serializable read does not
// wait. No request has a goroutine of its own beyond the one gRPC gives it.
//
// Whatever is asked can be asked of any member. What the log decides, it decides
// for all. What only the leader knows - how long a lease has left, who is well -
// another member asks the leader for, at its client address: see atLeader.
//
// # What clients rely on
//
// Errors are the values of rpctypes, for clients compare their text. A request
// whose outcome is not known is a request that timed out: it may have been done.
//
// Revisions are the store's. The header of a response says the revision of what
// it speaks of, the member that speaks, and the epoch of the group.
//
// Watches are package feed. A progress notification at a revision promises that
// everything up to it was sent before.
//
// A lease ends by a decision in the log. The leader keeps the deadlines; a
// renewal is confirmed by a round of the group before it is answered, so that
// a leader deposed without knowing cannot promise what its successor does not
// know of: see Server.renew.
//
// Members are changed by the leader, one change at a time, each planned against
// the outcome of the last: see cluster.change.
//
// # What is not here
//
// Authentication: AuthStatus says that it is off, and so it is; other calls of
// that service are Unimplemented. Downgrades: there is one version. The Lock
// and Election services: clients have the same recipes over what is here. A
// snapshot is in a form of this package's own, with the digest where clients
// look for it: see WriteSnapshot.
package etcd
