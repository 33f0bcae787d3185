// Package link carries messages between the nodes of a cluster, over TCP with
// or without TLS.
//
// # Frames
//
// Each node dials each of its peers, and a dialled connection carries frames
// one way: so between two nodes there are two connections, and each direction
// is one ordered stream. Send encodes a message into the peer's buffer and
// returns; one goroutine a peer writes the whole buffer at once. On the other
// side one goroutine a connection reads many frames with one call and hands
// them over together.
//
// Frames may be lost, never reordered, doubled or altered: when a connection
// breaks, what was under way is gone. While a peer is not connected, and when
// too much waits for it, Send drops at once and counts: a protocol sends again
// what still matters, and a stale message only keeps newer ones waiting.
//
// # Streams
//
// An application's state may have gigabytes. It travels on a connection of its
// own, so that heartbeats do not wait behind it. Every chunk's CRC-32C goes on
// from that of the chunk before, and an end is marked: a stream that is cut is
// never taken for a whole one. Close of the writer returns when the receiver
// has said that it took all of it.
//
// # Dead peers
//
// A connection is given up when the peer takes nothing, or leaves a ping
// unanswered, for Config.Timeout. It is dialled again with growing pauses.
//
// # Who is who
//
// A connection is refused unless both sides name the same cluster and the IDs
// that they mean. That catches mistakes, not attackers: against those, TLS with
// client certificates and Config.Verify. A peer may send before it is added
// here, for a new member hears of its group through its messages.
package link

import (
	"context"
	"crypto/tls"
	"encoding"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"althing/process"
	"althing/retry"
)

const (
	// DefaultPendingBytes is half a second of a 1 Gbit/s network. A peer that
	// is behind by more is better served by what the protocol sends then.
	DefaultPendingBytes = 64 << 20
	// DefaultFrameBytes bounds one message on either side: far above any batch.
	DefaultFrameBytes = 64 << 20
	// MaxFrameBytes keeps a length below what its 32 bits can say.
	MaxFrameBytes = 1 << 30
	// DefaultTimeout is longer than any pause of a healthy node, and short
	// enough to free what a dead one holds. Elections do not wait for it.
	DefaultTimeout = 10 * time.Second

	// maxInbound bounds the connections that others have opened, handshakes
	// included: several for each of a large group's peers.
	maxInbound = 1 << 12
	// maxStreams bounds the streams that are received at a time, for each may
	// fill a disk.
	maxStreams = 16
	// keepBytes bounds the buffer that is kept after a burst.
	keepBytes = 4 << 20
)

// DefaultRetry is how a peer is dialled again: after 20 ms first, since most
// nodes that go come back at once, and every second at last.
var DefaultRetry = retry.Policy{
	Initial: 20 * time.Millisecond, Max: time.Second, Multiplier: 2, Jitter: 0.5,
}

// Config is how a transport is run. Self, Cluster and Handle must be set.
type Config struct {
	Self    process.ID
	Cluster uint64 // the same on all nodes that belong together

	// TLS is for both sides of a connection; nil means none. It should ask for
	// client certificates.
	TLS *tls.Config
	// Verify decides whether the certificates of a connection are those of id.
	// It is called with TLS only; nil takes whatever TLS took.
	Verify func(id process.ID, s tls.ConnectionState) error

	// Life names the data that Self has: it is drawn when they are begun, and
	// kept with them. Meet is told of the life of each that connects, and
	// refuses it by an error: one that is known by another life has lost its
	// data, and with them what it promised. A nil Meet refuses nobody.
	Life uint64
	Meet func(id process.ID, life uint64) error

	// Handle takes frames from a peer, in order, one call at a time for each
	// peer. The slice is valid during the call; a payload may be kept, and then
	// keeps up to 128 KiB alive, or thrice its own size if that is more. Handle may
	// block: then the peer is held up, and after its Timeout it dials anew. An
	// error says that a frame makes no sense and closes the connection.
	Handle func(from process.ID, frames []Frame) error
	// HandleStream takes a stream. The body ends with io.EOF only if it is
	// whole; a stream succeeds only if the body has been read to the end and
	// nil is returned. A nil HandleStream refuses all.
	HandleStream func(from process.ID, group uint32, header []byte, body io.Reader) error

	// Up and Down tell that frames can, and can no longer, be sent to a peer.
	// For each peer they alternate, Up first. They must not block.
	Up, Down func(id process.ID)

	// Log is told of connections and of why they end; nil discards.
	Log *slog.Logger

	PendingBytes int           // that wait for a peer before Send drops; 0 means DefaultPendingBytes
	FrameBytes   int           // in a payload, at most; 0 means DefaultFrameBytes
	Timeout      time.Duration // see Dead peers; 0 means DefaultTimeout
	Retry        retry.Policy  // pauses between dials; zero means DefaultRetry
}

func (c *Config) check() error {
	if c.Self == 0 || c.Handle == nil {
		return errors.New("a transport needs an ID and a handler")
	}
	if c.PendingBytes == 0 {
		c.PendingBytes = DefaultPendingBytes
	}
	if c.FrameBytes == 0 {
		c.FrameBytes = DefaultFrameBytes
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Retry == (retry.Policy{}) {
		c.Retry = DefaultRetry
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Up == nil {
		c.Up = func(process.ID) {}
	}
	if c.Down == nil {
		c.Down = func(process.ID) {}
	}
	if c.PendingBytes < 0 || c.FrameBytes < 0 || c.FrameBytes > MaxFrameBytes || c.Timeout < 0 {
		return fmt.Errorf("limits out of range: %d bytes pending, %d bytes a frame, timeout %v",
			c.PendingBytes, c.FrameBytes, c.Timeout)
	}
	return nil
}

// A Transport connects one node with its peers. Its methods may be called by
// any goroutine, also from Up and Down, but for Close.
type Transport struct {
	c   Config
	ln  net.Listener
	ctx context.Context // ends with Close
	end context.CancelFunc
	all sync.WaitGroup

	peers atomic.Pointer[map[process.ID]*peer] // replaced, never changed, under mu

	mu       sync.Mutex
	counters map[process.ID]*counters
	conns    map[net.Conn]struct{}   // all that are open
	inbound  map[process.ID]*inbound // the connection that a peer's frames come by
	accepted int
	streams  int
	closed   bool
}

// counters outlive the connections that they count.
type counters struct {
	connected                          atomic.Bool
	rtt                                atomic.Int64
	sent, sentBytes, dropped, connects atomic.Uint64
	received, receivedBytes            atomic.Uint64
}

// ErrClosed says that the transport has been closed.
var ErrClosed = errors.New("the transport is closed")

// New starts a transport that takes connections from ln, and owns ln from then
// on.
func New(ln net.Listener, c Config) (*Transport, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("start transport: %w", err)
	}
	t := &Transport{
		c: c, ln: ln,
		counters: make(map[process.ID]*counters),
		conns:    make(map[net.Conn]struct{}),
		inbound:  make(map[process.ID]*inbound),
	}
	t.ctx, t.end = context.WithCancel(context.Background())
	t.peers.Store(&map[process.ID]*peer{})
	t.all.Go(t.accept)
	return t, nil
}

// Addr returns the address that the transport listens on.
func (t *Transport) Addr() net.Addr { return t.ln.Addr() }

// Add has frames for id sent to addr, a host and port, from now on. If id has
// another address, its connection is closed and it is dialled at the new one.
func (t *Transport) Add(id process.ID, addr string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := (*t.peers.Load())[id]
	if t.closed || id == t.c.Self || id == 0 || old != nil && old.addr == addr {
		return
	}
	p := &peer{t: t, id: id, addr: addr, count: t.count(id),
		wake: make(chan struct{}, 1), done: make(chan struct{})}
	p.ctx, p.end = context.WithCancel(t.ctx)
	peers := maps.Clone(*t.peers.Load())
	peers[id] = p
	t.peers.Store(&peers)
	before := closedChan
	if old != nil {
		old.end()
		before = old.done // so that Up and Down alternate
	}
	t.all.Go(func() { <-before; p.run() })
}

var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Remove closes the connections with id and dials it no more.
func (t *Transport) Remove(id process.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := (*t.peers.Load())[id]; p != nil {
		peers := maps.Clone(*t.peers.Load())
		delete(peers, id)
		t.peers.Store(&peers)
		p.end()
	}
	if in := t.inbound[id]; in != nil {
		in.conn.Close()
	}
}

// Send sends m to a peer, after all that was sent to it before. It never
// waits. It returns false if m was dropped: the peer is unknown or not
// connected, too much waits for it, or m has no form or is too large. True
// promises nothing: the connection may break.
func (t *Transport) Send(to process.ID, kind uint8, group uint32, m encoding.BinaryAppender) bool {
	p := (*t.peers.Load())[to]
	return p != nil && p.send(kind, group, m)
}

// Connected reports whether frames can be sent to id.
func (t *Transport) Connected(id process.ID) bool {
	p := (*t.peers.Load())[id]
	return p != nil && p.count.connected.Load()
}

// Peer is one peer in numbers; they go on over all its connections.
type Peer struct {
	ID        process.ID
	Addr      string // empty for one that only sends to us
	Connected bool
	RTT       time.Duration // of the last ping, waiting at the other side included; 0: none yet
	Connects  uint64        // connections made to it

	Sent, SentBytes         uint64 // frames written, and bytes with what goes around them
	Dropped                 uint64 // frames that were not written
	Received, ReceivedBytes uint64 // frames
}

// Peers returns all peers that were ever added or heard from, by ID.
func (t *Transport) Peers() []Peer {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ps []Peer
	for _, id := range slices.Sorted(maps.Keys(t.counters)) {
		c := t.counters[id]
		p := Peer{
			ID: id, Connected: c.connected.Load(), RTT: time.Duration(c.rtt.Load()),
			Connects: c.connects.Load(),
			Sent:     c.sent.Load(), SentBytes: c.sentBytes.Load(), Dropped: c.dropped.Load(),
			Received: c.received.Load(), ReceivedBytes: c.receivedBytes.Load(),
		}
		if q := (*t.peers.Load())[id]; q != nil {
			p.Addr = q.addr
		}
		ps = append(ps, p)
	}
	return ps
}

// count returns the counters of id. The caller holds mu.
func (t *Transport) count(id process.ID) *counters {
	c := t.counters[id]
	if c == nil {
		c = new(counters)
		t.counters[id] = c
	}
	return c
}

// Close closes all connections and returns when every goroutine has ended; so
// handlers must have returned, or return when their body fails.
func (t *Transport) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		t.all.Wait()
		return ErrClosed
	}
	t.closed = true
	t.end()
	err := t.ln.Close()
	for c := range t.conns {
		c.Close()
	}
	t.mu.Unlock()
	t.all.Wait()
	return err
}

// track makes sure that Close closes c. The caller calls untrack in the end.
func (t *Transport) track(c net.Conn) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		c.Close()
		return ErrClosed
	}
	t.conns[c] = struct{}{}
	return nil
}

func (t *Transport) untrack(c net.Conn) {
	c.Close()
	t.mu.Lock()
	delete(t.conns, c)
	t.mu.Unlock()
}
