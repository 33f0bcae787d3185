// Package node is the live host: it runs processes of any protocol over real
// disks, wires and clocks, and keeps the rules of package process.
//
// A Node is one member of a cluster. It has one log (package wal), one
// transport (package link) and any number of groups. A Group is one replica of
// one replicated application: a process.Process, the process.Machine that it
// feeds, and two goroutines. The loop steps the process and carries its
// effects out; the applier runs the machine. All that happens to a process
// comes in through one inbox: messages, timers, requests, and how far the disk
// is. What the loop finds there it steps in one go, and one flush of the log
// serves all of it, while the next inbox fills.
//
// # What a group promises
//
// A request that was done is durable on a quorum and applied here. Requests
// may be given to any member: one that does not lead forwards them. A write is
// retried until it is applied, its context ends or the node closes, and takes
// effect once at most (package session): when its context ends first, nobody
// knows whether it will. A protocol that Loses (package process) may undo what was
// done; a member that comes to know of it says so in its log, with the names that a
// machine gives its commands if it is a process.Toucher, and to Hooks.Undone.
package node

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"

	"althing/process"
)

// ErrLogGone is Open's answer when the log of a member that has run is empty.
var ErrLogGone = errors.New("node: the log of this member is gone; what it promised to the others went " +
	"with it: remove the member, and add it again under a new ID with an empty directory")

// What may become of a request that was not done. A request that failed with
// one of these may yet take effect only where it says so.
var (
	ErrClosed   = errors.New("node: closed")                      // may take effect
	ErrBusy     = errors.New("node: too many requests in flight") // not done
	ErrNoLeader = errors.New("node: no leader")                   // not done
	ErrLost     = errors.New("node: outcome unknown")             // may take effect
)

// A RefusedError is a protocol's own answer: nothing was done.
type RefusedError struct {
	Why    process.Reason
	Leader process.ID // 0: unknown
}

// Error implements error.
func (e *RefusedError) Error() string { return "node: refused: " + e.Why.String() }

// Options are what a node is and where it lives.
type Options struct {
	Self    process.ID
	Cluster uint64 // all members have the same; others are not talked to
	Dir     string // of the log; made if it is not there
	// Started says that this member has run before. Then its log must be there:
	// without it, it could vote a second time where it has voted.
	Started bool

	// Life and Meet keep out a member that lost its data; see link.Config. What
	// Meet learns must outlive a crash before it returns.
	Life uint64
	Meet func(id process.ID, life uint64) error

	Protocol process.Protocol
	Config   process.Config // Self is filled in

	Listener net.Listener // where other members reach this one; the node closes it
	TLS      *tls.Config  // nil: in the clear
	// Verify decides whether the certificates of a connection are those of a
	// member; see link.Config.
	Verify func(id process.ID, s tls.ConnectionState) error

	// Groups are the applications, by group number. A machine that has never
	// run must hold the founding State, or the zero State to join a group that
	// runs elsewhere.
	Groups map[uint32]process.Machine

	Log   *slog.Logger // nil: nowhere
	Hooks Hooks
	Limits
}

// Limits bound what a node takes on. Zeros stand for the defaults.
type Limits struct {
	Pending      int    // requests of this member not yet done, for each group; 8192
	CompactEvery uint64 // applied entries between two checkpoints; 100,000
	SegmentBytes int64  // of the log; see wal.Options
}

// Hooks tell the surroundings what happens. Any may be nil. They are called
// where it happens: they must be quick and must not call the node.
type Hooks struct {
	Status  func(group uint32, was, is process.Status)                           // role, epoch or leader changed
	Done    func(group uint32, kind process.Kind, took time.Duration, err error) // of each request of this member
	Applied func(group uint32, entries int, index uint64, took time.Duration)
	Synced  func(took time.Duration, bytes int)
	Peer    func(id process.ID, up bool)                              // a connection to another member came or went
	State   func(group uint32, to process.ID, bytes int64, err error) // an application state was sent
	// Undone counts commands that were done here and have no effect any more:
	// certainly, and possibly, for a restart forgot whether they were done.
	Undone func(group uint32, certain, possible int)
}

// Open recovers what the directory holds and begins to take part.
func Open(o Options) (*Node, error) { return open(o) }

// Group returns a group, nil if the node does not have it.
func (n *Node) Group(id uint32) *Group { return n.groups[id] }

// SetPeer tells where another member is reached, anew if need be.
func (n *Node) SetPeer(id process.ID, address string) { n.transport.Add(id, address) }

// RemovePeer forgets a member and closes its connections.
func (n *Node) RemovePeer(id process.ID) { n.transport.Remove(id) }

// Failed is closed when the node can go on no longer: its disk failed, or a
// rule that must hold did not. Err then tells why. The process should end:
// what it would do next could not be trusted.
func (n *Node) Failed() <-chan struct{} { return n.failed }

// Submit has one request done: done is called once, from a goroutine of the
// group, with the machine's result or an error. ctx bounds how long it is
// tried. Kinds are Command, Members and Transfer; a Transfer is done when the
// leader has taken it on. A Members is for the leader alone and is tried once,
// for it is made of the group that its maker knew: others get a RefusedError.
func (g *Group) Submit(ctx context.Context, kind process.Kind, cmd []byte, done func(result any, err error)) {
	g.submit(ctx, kind, cmd, done)
}

// Do is Submit, waiting.
func (g *Group) Do(ctx context.Context, kind process.Kind, cmd []byte) (any, error) {
	type outcome struct {
		result any
		err    error
	}
	c := make(chan outcome, 1)
	g.submit(ctx, kind, cmd, func(r any, err error) { c <- outcome{r, err} })
	o := <-c
	return o.result, o.err
}

// Barrier returns once this member's machine holds everything that had been
// done anywhere in the group when Barrier was called: a read of the machine
// after it is linearizable. It returns the index that it waited for.
func (g *Group) Barrier(ctx context.Context) (uint64, error) { return g.barrier(ctx) }

// Status returns the process as it is now, and a channel that is closed when
// its role, epoch or leader changes.
func (g *Group) Status() (process.Status, <-chan struct{}) { return g.status() }

// Progress returns, on a leader, what it knows of the others; else nothing.
// It is as of the last heartbeat.
func (g *Group) Progress() []process.Progress { return g.progress() }

// Applied returns the index of the last entry that the machine holds.
func (g *Group) Applied() uint64 { return g.applied.Load() }

// Pending returns the number of requests of this member that are not yet done.
func (g *Group) Pending() int { return int(g.pending.Load()) }
