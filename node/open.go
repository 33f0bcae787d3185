package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"althing/node/link"
	"althing/node/wal"
	"althing/process"
)

// A Node is one member of a cluster.
type Node struct {
	o         Options
	origin    time.Time
	log       *wal.Log
	transport *link.Transport
	groups    map[uint32]*Group
	durable   atomic.Uint64 // LSN
	grown     chan struct{} // durable grew; holds one
	done      sync.WaitGroup
	closing   atomic.Bool
	ctx       context.Context
	cancel    context.CancelFunc

	failOnce sync.Once
	failed   chan struct{}
	err      error // set before failed is closed
}

const (
	defaultPending      = 8192
	defaultCompactEvery = 100_000
	// defaultTrailing is shared by the groups, for every checkpoint repeats what
	// its group keeps.
	defaultTrailing = 5000
	minTrailing     = 100
)

func (o *Options) defaults() error {
	if o.Self == 0 || o.Protocol.New == nil || len(o.Groups) == 0 || o.Listener == nil {
		return errors.New("node: Self, Protocol, Groups and Listener are needed")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Pending == 0 {
		o.Pending = defaultPending
	}
	if o.CompactEvery == 0 {
		o.CompactEvery = defaultCompactEvery
	}
	if o.Config.Trailing == 0 {
		o.Config.Trailing = max(minTrailing, defaultTrailing/uint64(len(o.Groups)))
	}
	o.Config.Self = o.Self
	return nil
}

func open(o Options) (*Node, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	n := &Node{o: o, origin: time.Now(), groups: make(map[uint32]*Group), failed: make(chan struct{}),
		grown: make(chan struct{}, 1)}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	for id, m := range o.Groups {
		n.groups[id] = n.newGroup(id, m)
	}
	loops := n.newLoops()
	err := n.openLog()
	if err != nil {
		o.Listener.Close()
		return nil, err
	}
	peer := o.Hooks.Peer
	if peer == nil {
		peer = func(process.ID, bool) {}
	}
	n.transport, err = link.New(o.Listener, link.Config{
		Self: o.Self, Cluster: o.Cluster, TLS: o.TLS, Verify: o.Verify, Log: o.Log,
		Life: o.Life, Meet: o.Meet,
		Handle: n.handle, HandleStream: n.takeState,
		Up:   func(id process.ID) { peer(id, true) },
		Down: func(id process.ID) { peer(id, false) },
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open transport: %w", err), n.log.Close())
	}
	for _, g := range n.groups {
		g.app.start(g)
	}
	for _, g := range n.groups {
		g.begin()
	}
	for _, l := range loops {
		n.done.Add(1)
		go l.run()
	}
	if err := n.awaitBirth(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// awaitBirth waits until a new member's first records are durable: from then on
// its log must never be empty again.
func (n *Node) awaitBirth() error {
	if err := n.Err(); err != nil {
		return err
	}
	for _, g := range n.groups {
		if n.o.Started || g.born == 0 {
			continue
		}
		for n.durable.Load() < g.born {
			select {
			case <-n.grown:
			case <-n.failed:
				return n.err
			}
		}
	}
	return nil
}

func (n *Node) newGroup(id uint32, m process.Machine) *Group {
	g := &Group{id: id, n: n, machine: m, proc: n.o.Protocol.New(n.o.Config)}
	g.room.L = &g.mu
	g.out.Chooser = rand.IntN
	g.req.calls = make(map[uint64]*call)
	g.req.reads = make(map[uint64]*readBatch)
	g.req.origins = make(map[uint64]process.ID)
	// Of reads the number must be new in every life, or a late answer to an
	// earlier one could pass for one to a new one.
	g.req.readSeq = rand.Uint64() >> 1
	g.req.nonceOf.Store(rand.Uint64() | 1)
	g.seen.changed = make(chan struct{})
	return g
}

// openLog recovers every group from the log.
func (n *Node) openLog() error {
	var out process.Output
	out.Chooser = rand.IntN
	records := make(map[uint32]int)
	log, err := wal.Open(wal.Dir(filepath.Join(n.o.Dir, "wal")), wal.Options{
		SegmentBytes: n.o.SegmentBytes, Durable: n.onDurable, Synced: n.o.Hooks.Synced, Crowded: n.onCrowded,
		Failed: func(err error) { n.fail(fmt.Errorf("log: %w", err)) },
	}, func(group uint32, rec []byte) error {
		g := n.groups[group]
		if g == nil {
			return fmt.Errorf("the log has records of group %d, which this node does not have", group)
		}
		m, err := n.o.Protocol.Decode(slices.Clone(rec))
		if err != nil {
			return fmt.Errorf("group %d: a record: %w", group, err)
		}
		g.proc.Step(process.Input{Kind: process.Recover, Msg: m}, &out)
		out.Reset()
		records[group]++
		return nil
	})
	if err != nil {
		return err
	}
	n.log = log
	for id, g := range n.groups {
		// A machine that founds a group is at 1, and one that joins at 0.
		if records[id] == 0 && (n.o.Started || g.machine.State().Index > 1) {
			return errors.Join(ErrLogGone, log.Close())
		}
	}
	return nil
}

// onDurable is called by the log's writer.
func (n *Node) onDurable(lsn uint64) {
	n.durable.Store(lsn)
	select {
	case n.grown <- struct{}{}: // awaitBirth may look
	default:
	}
	for _, g := range n.groups {
		if w := g.waits.Load(); w != 0 && w <= lsn {
			g.rouse()
		}
	}
}

// onCrowded is called by the log's writer.
func (n *Node) onCrowded(groups []uint32) {
	for _, id := range groups {
		if g := n.groups[id]; g != nil {
			g.app.give(task{do: g.app.checkpoint})
		}
	}
}

// clock is the node's time: it never runs back.
func (n *Node) clock() time.Duration { return time.Since(n.origin) + time.Nanosecond }

// handle takes frames from another member into the inboxes.
func (n *Node) handle(from process.ID, frames []link.Frame) error {
	for i := range frames {
		f := &frames[i]
		g := n.groups[f.Group]
		if g == nil {
			continue // a group that this member does not have, or not yet
		}
		if err := g.take(from, f); err != nil {
			return fmt.Errorf("group %d, frame of kind %d: %w", f.Group, f.Kind, err)
		}
	}
	for i := range frames { // one wake-up each, for most frames are of one group
		if i == len(frames)-1 || frames[i].Group != frames[i+1].Group {
			if g := n.groups[frames[i].Group]; g != nil {
				g.rouse()
			}
		}
	}
	return nil
}

// take decodes a frame and puts it into the inbox.
func (g *Group) take(from process.ID, f *link.Frame) error {
	var put func(*inbox)
	switch f.Kind {
	case frameMessage:
		m, err := g.n.o.Protocol.Decode(f.Payload)
		if err != nil {
			return err
		}
		g.mu.Lock()
		for len(g.in.msgs) >= maxInbox && !g.n.closing.Load() {
			g.rouse()
			g.room.Wait()
		}
		g.in.msgs = append(g.in.msgs, received{from: from, msg: m})
		g.mu.Unlock()
		return nil
	case frameForward:
		rs, err := decodeForward(f.Payload)
		if err != nil {
			return err
		}
		put = func(in *inbox) { in.forwards = append(in.forwards, forward{from, rs}) }
	case frameAnswer:
		a, err := decodeAnswer(f.Payload)
		if err != nil {
			return err
		}
		put = func(in *inbox) { in.answers = append(in.answers, a) }
	case frameServe:
		s, err := decodeServed(f.Payload)
		if err != nil {
			return err
		}
		put = func(in *inbox) { in.served = append(in.served, s) }
	default:
		return nil // of a later release
	}
	g.mu.Lock()
	put(&g.in)
	g.mu.Unlock()
	return nil
}

// fail stops the node for good.
func (n *Node) fail(err error) {
	n.failOnce.Do(func() {
		n.err = err
		n.o.Log.Error("node failed", "error", err)
		close(n.failed)
		n.closing.Store(true)
		for _, g := range n.groups {
			g.mu.Lock()
			g.room.Broadcast()
			g.mu.Unlock()
		}
	})
}

// Err returns why the node failed, nil if it did not.
func (n *Node) Err() error {
	select {
	case <-n.failed:
		return n.err
	default:
		return nil
	}
}

// Peers returns the other members in numbers, by ID.
func (n *Node) Peers() []link.Peer { return n.transport.Peers() }

// LogStats returns the log in numbers.
func (n *Node) LogStats() wal.Stats { return n.log.Stats() }

// Close stops the node. What was done stays done; what is in flight fails with
// ErrClosed. The machines are their owner's to close, after this.
func (n *Node) Close() error {
	if n.closing.Swap(true) && n.Err() == nil {
		return ErrClosed
	}
	n.cancel()
	for _, g := range n.groups {
		g.mu.Lock()
		g.in.stop = true
		g.room.Broadcast()
		g.mu.Unlock()
		g.rouse()
	}
	n.done.Wait()
	for _, g := range n.groups {
		g.sending.wg.Wait()
	}
	return errors.Join(n.transport.Close(), n.log.Close())
}
