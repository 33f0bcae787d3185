package link

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"althing/process"
	"althing/retry"
)

type text []byte

func (t text) AppendBinary(b []byte) ([]byte, error) { return append(b, t...), nil }

// A node is a transport with what happened to it.
type node struct {
	*Transport
	frames chan Frame // payloads copied
	up     chan process.ID
	down   chan process.ID
	log    *logBook
}

type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBook) has(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), s)
}

const patience = 20 * time.Second // for what must happen; no test waits that long when all is well

func start(t testing.TB, id process.ID, addr string, change func(*Config)) *node {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	must(t, err)
	n := &node{frames: make(chan Frame, 1<<16), up: make(chan process.ID, 100),
		down: make(chan process.ID, 100), log: &logBook{}}
	c := Config{
		Self: id, Cluster: 7,
		Up: func(id process.ID) { n.up <- id }, Down: func(id process.ID) { n.down <- id },
		Log:   slog.New(slog.NewTextHandler(n.log, nil)),
		Retry: retry.Policy{Initial: time.Millisecond, Max: 20 * time.Millisecond, Multiplier: 2},
		Handle: func(_ process.ID, fs []Frame) error {
			for _, f := range fs {
				n.frames <- f
			}
			return nil
		},
	}
	if change != nil {
		change(&c)
	}
	n.Transport, err = New(ln, c)
	must(t, err)
	t.Cleanup(func() {
		if err := n.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Errorf("close node %d: %v", id, err)
		}
	})
	return n
}

// pair starts two nodes, the first of which is connected to the second.
func pair(t testing.TB, change func(*Config)) (a, b *node) {
	t.Helper()
	b = start(t, 2, "127.0.0.1:0", change)
	a = start(t, 1, "127.0.0.1:0", change)
	a.Add(2, b.Addr().String())
	wait(t, a.up)
	return a, b
}

func wait[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("nothing happened for %v\n%s", patience, stacks())
		panic("not reached")
	}
}

// until polls, for what no channel tells.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s\n%s", patience, what, stacks())
		}
	}
}

func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// noLeaks fails if a goroutine of a transport is left when all is closed.
func noLeaks(t *testing.T) {
	t.Cleanup(func() {
		until(t, "all goroutines end", func() bool {
			return !strings.Contains(stacks(), "link.(*Transport)")
		})
	})
}

func TestOrder(t *testing.T) {
	noLeaks(t)
	a, b := pair(t, nil)
	b.Add(1, a.Addr().String())
	wait(t, b.up)
	const n = 20_000
	for _, way := range []struct {
		from, to *node
		id       process.ID
	}{{a, b, 2}, {b, a, 1}} {
		go func() {
			for i := range n {
				body := binary.AppendUvarint(nil, uint64(i))
				if i%1000 == 0 {
					body = append(body, make([]byte, 300_000)...) // longer than a chunk
				}
				if !way.from.Send(way.id, uint8(i), uint32(i), text(body)) {
					t.Error("dropped")
				}
			}
		}()
		for i := range n {
			f := wait(t, way.to.frames)
			got, _ := binary.Uvarint(f.Payload)
			if got != uint64(i) || f.Kind != uint8(i) || f.Group != uint32(i) {
				t.Fatalf("frame %d is %d of kind %d and group %d", i, got, f.Kind, f.Group)
			}
		}
	}
	for _, p := range a.Peers() {
		if p.ID != 2 || !p.Connected || p.Sent != n || p.Received != n || p.Dropped != 0 {
			t.Fatalf("%+v", p)
		}
	}
}

// Payloads may be kept: later frames do not touch them.
func TestPayloadsLast(t *testing.T) {
	a, b := pair(t, nil)
	var kept []Frame
	for round := range 50 {
		for i := range 100 {
			a.Send(2, 1, 1, text(bytes.Repeat([]byte{byte(round), byte(i)}, 500)))
		}
		for range 100 {
			kept = append(kept, wait(t, b.frames))
		}
	}
	for i, f := range kept {
		if !bytes.Equal(f.Payload, bytes.Repeat([]byte{byte(i / 100), byte(i % 100)}, 500)) {
			t.Fatalf("frame %d has changed", i)
		}
		if cap(f.Payload) != len(f.Payload) {
			t.Fatal("an append to a payload would write into the next frame")
		}
	}
}

func TestReconnect(t *testing.T) {
	noLeaks(t)
	a, b := pair(t, nil)
	addr := b.Addr().String()
	for round := range 5 {
		must(t, b.Close())
		wait(t, a.down)
		if a.Connected(2) || a.Send(2, 1, 1, text("stale")) {
			t.Fatal("sent to a peer that is gone")
		}
		b = start(t, 2, addr, nil)
		wait(t, a.up)
		if !a.Send(2, 1, 1, text(fmt.Sprint(round))) {
			t.Fatal("dropped")
		}
		if f := wait(t, b.frames); string(f.Payload) != fmt.Sprint(round) {
			t.Fatalf("got %q", f.Payload)
		}
	}
	if p := a.Peers()[0]; p.Dropped < 5 || p.Connects != 6 {
		t.Fatalf("%+v", p)
	}
}

func TestReaddressAndRemove(t *testing.T) {
	noLeaks(t)
	a, b := pair(t, nil)
	c := start(t, 2, "127.0.0.1:0", nil) // the same node at another place
	a.Add(2, b.Addr().String())          // no change
	a.Add(2, c.Addr().String())
	wait(t, a.down)
	wait(t, a.up)
	a.Send(2, 1, 1, text("x"))
	wait(t, c.frames)
	c.Add(1, a.Addr().String())
	wait(t, c.up)
	a.Remove(2)
	wait(t, a.down)
	wait(t, c.down) // its way to us is closed too, though it may come again
	if a.Send(2, 1, 1, text("x")) {
		t.Fatal("sent to a removed peer")
	}
	if len(b.frames)+len(a.up) != 0 {
		t.Fatal("the old address is still in use")
	}
	a.Add(1, c.Addr().String()) // itself: ignored
	if a.Send(1, 1, 1, text("x")) {
		t.Fatal("sent to itself")
	}
}

// The second connection of a peer takes the place of the first, whose frames
// all come before its own.
func TestNewerConnectionWins(t *testing.T) {
	noLeaks(t)
	b := start(t, 2, "127.0.0.1:0", nil)
	first := greeted(t, b, forFrames)
	write(t, first, frame(1, "old"))
	wait(t, b.frames)
	second := greeted(t, b, forFrames)
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Fatal("the first connection is still open")
	}
	write(t, second, frame(1, "new"))
	if f := wait(t, b.frames); string(f.Payload) != "new" {
		t.Fatalf("got %q", f.Payload)
	}
}

// dialRaw connects as a stranger.
func dialRaw(t testing.TB, n *node) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", n.Addr().String())
	must(t, err)
	t.Cleanup(func() { c.Close() })
	must(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// greeted connects as node 1 and is welcome.
func greeted(t testing.TB, n *node, purpose byte) net.Conn {
	t.Helper()
	c := dialRaw(t, n)
	h := hello{purpose, 7, 1, n.c.Self}
	write(t, c, h.append(nil))
	must(t, readAnswer(c))
	return c
}

func write(t testing.TB, c net.Conn, b []byte) {
	t.Helper()
	_, err := c.Write(b)
	must(t, err)
}

func frame(kind uint8, s string) []byte {
	b, _ := appendFrame(nil, kind, 1, text(s), 1<<20)
	return b
}

func TestHandshakeRefusals(t *testing.T) {
	noLeaks(t)
	b := start(t, 2, "127.0.0.1:0", nil)
	good := hello{forFrames, 7, 1, 2}
	raw := func(at int, v byte) []byte {
		m := good.append(nil)
		m[at] = v
		return m
	}
	made := func(h hello) []byte { return h.append(nil) }
	for _, c := range []struct {
		why   string
		bytes []byte
	}{
		{"it is of cluster 8", made(hello{forFrames, 8, 1, 2})},
		{"it means node 3", made(hello{forFrames, 7, 1, 3})},
		{"says that it is node 0", made(hello{forFrames, 7, 0, 2})},
		{"says that it is node 2", made(hello{forFrames, 7, 2, 2})},
		{"unknown purpose 9", made(hello{9, 7, 1, 2})},
		{"protocol version 9", raw(4, 9)},
		{"does not speak", raw(0, 'x')},
		{"checksum", raw(9, 1)},
		{"it takes no streams", made(hello{forStream, 7, 1, 2})},
	} {
		conn := dialRaw(t, b)
		write(t, conn, c.bytes)
		var refused *RefusedError
		if err := readAnswer(conn); !errors.As(err, &refused) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("want a refusal with %q, got %v", c.why, err)
		}
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the connection stays open: %v", c.why, err)
		}
		until(t, "the refusal is logged", func() bool { return b.log.has(c.why) })
	}
	if len(b.frames) > 0 {
		t.Error("a frame came in")
	}
}

// Both sides log why.
func TestWrongCluster(t *testing.T) {
	noLeaks(t)
	b := start(t, 2, "127.0.0.1:0", nil)
	a := start(t, 1, "127.0.0.1:0", func(c *Config) { c.Cluster = 8 })
	a.Add(2, b.Addr().String())
	for _, n := range []*node{a, b} {
		until(t, "the reason is logged", func() bool { return n.log.has("it is of cluster 8") })
	}
	if a.Connected(2) || len(a.up) > 0 {
		t.Fatal("connected")
	}
}

// What no peer would send closes the connection, and nothing else.
func TestGarbage(t *testing.T) {
	noLeaks(t)
	a, b := pair(t, func(c *Config) { c.FrameBytes = 1 << 20 })
	le := binary.LittleEndian
	flipped := frame(1, "hello")
	flipped[len(flipped)-1] ^= 1
	huge := le.AppendUint32(nil, 1<<31)
	over, _ := appendFrame(nil, 1, 1, text(make([]byte, 1<<20+1)), 1<<21)
	noGroup := []byte{3, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff}
	le.PutUint32(noGroup[4:], sumOf(noGroup[8:]))
	for i, bad := range [][]byte{flipped, append(huge, make([]byte, 100)...), over, noGroup,
		{1, 0, 0, 0, 0, 0, 0, 0, 0}, bytes.Repeat([]byte{0xff}, 1000)} {
		conn := dialRaw(t, b)
		h := hello{forFrames, 7, process.ID(10 + i), 2}
		write(t, conn, h.append(nil))
		must(t, readAnswer(conn))
		write(t, conn, append(frame(9, "good"), bad...))
		if f := wait(t, b.frames); string(f.Payload) != "good" {
			t.Fatalf("got %q", f.Payload)
		}
		if _, err := io.ReadAll(conn); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Fatalf("case %d: the connection stays open: %v", i, err)
		}
	}
	conn := dialRaw(t, b)
	h := hello{forFrames, 7, 99, 2}
	write(t, conn, h.append(nil))
	must(t, readAnswer(conn))
	write(t, conn, frame(9, "cut off")[:12])
	conn.Close()
	a.Send(2, 1, 1, text("still here"))
	if f := wait(t, b.frames); string(f.Payload) != "still here" {
		t.Fatalf("got %q", f.Payload)
	}
}

func TestHandlerError(t *testing.T) {
	noLeaks(t)
	a, b := pair(t, func(c *Config) {
		c.Handle = func(_ process.ID, fs []Frame) error { return errors.New("no such kind") }
	})
	a.Send(2, 200, 1, text("x"))
	wait(t, a.down)
	until(t, "the reason is logged", func() bool { return b.log.has("no such kind") })
	wait(t, a.up)
}

type broken struct{}

func (broken) AppendBinary(b []byte) ([]byte, error) {
	return append(b, "half"...), errors.New("x")
}

// A message that cannot be sent leaves nothing in the stream.
func TestUnsendable(t *testing.T) {
	a, b := pair(t, func(c *Config) { c.FrameBytes = 1000 })
	if a.Send(2, 1, 1, broken{}) || a.Send(2, 1, 1, text(make([]byte, 1001))) ||
		a.Send(3, 1, 1, text("")) {
		t.Fatal("sent what cannot be sent")
	}
	if !a.Send(2, 255, 1<<32-1, text(make([]byte, 1000))) {
		t.Fatal("a message of the largest size was dropped")
	}
	if f := wait(t, b.frames); f.Kind != 255 || f.Group != 1<<32-1 || len(f.Payload) != 1000 {
		t.Fatalf("%d %d %d", f.Kind, f.Group, len(f.Payload))
	}
	if p := a.Peers()[0]; p.Dropped != 2 {
		t.Fatalf("%+v", p)
	}
}

// A receiver that does not read costs the sender no more than its bound.
func TestSlowReader(t *testing.T) {
	noLeaks(t)
	stuck := make(chan struct{})
	const bound = 1 << 20
	a, b := pair(t, func(c *Config) {
		c.PendingBytes = bound
		if c.Self == 2 {
			c.Handle = func(process.ID, []Frame) error { <-stuck; return nil }
		}
	})
	defer func() {
		select {
		case <-stuck:
		default:
			close(stuck)
		}
	}()
	m := text(make([]byte, 64<<10))
	for dropped := 0; dropped < 1000; {
		if !a.Send(2, 1, 1, m) {
			dropped++
		}
		p := (*a.peers.Load())[2]
		p.mu.Lock()
		if n := len(p.buf); n > bound+len(m)+100 {
			t.Fatalf("%d bytes wait", n)
		}
		p.mu.Unlock()
	}
	if p := a.Peers()[0]; p.Dropped < 1000 {
		t.Fatalf("%+v", p)
	}
	close(stuck)
	until(t, "the rest arrives", func() bool {
		sent, got := a.Peers()[0].Sent, uint64(0)
		for _, p := range b.Peers() {
			got = p.Received
		}
		return sent > 0 && sent == got
	})
}

// A peer that accepts and never answers a ping, or never reads, is given up.
func TestDeadPeer(t *testing.T) {
	noLeaks(t)
	for _, load := range []bool{false, true} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		var conns []net.Conn
		var mu sync.Mutex
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				io.ReadFull(c, make([]byte, helloSize))
				c.Write(appendAnswer(nil, nil))
				mu.Lock()
				conns = append(conns, c)
				mu.Unlock()
			}
		}()
		a := start(t, 1, "127.0.0.1:0", func(c *Config) { c.Timeout = 100 * time.Millisecond })
		a.Add(2, ln.Addr().String())
		wait(t, a.up)
		for load && len(a.down) == 0 {
			a.Send(2, 1, 1, text(make([]byte, 1<<20)))
			runtime.Gosched()
		}
		wait(t, a.down)
		ln.Close()
		a.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
	}
}

// A connection on which nothing comes, not even a ping, is closed.
func TestSilentDialer(t *testing.T) {
	noLeaks(t)
	b := start(t, 2, "127.0.0.1:0", func(c *Config) { c.Timeout = 50 * time.Millisecond })
	for _, c := range []net.Conn{greeted(t, b, forFrames), dialRaw(t, b)} {
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Fatalf("want the end of the connection, got %v", err)
		}
	}
}

func TestPing(t *testing.T) {
	a, _ := pair(t, func(c *Config) { c.Timeout = 500 * time.Millisecond })
	until(t, "a round trip is measured", func() bool { return a.Peers()[0].RTT > 0 })
}

// An answer to a ping that was not sent is no answer.
func TestWrongPong(t *testing.T) {
	noLeaks(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			io.ReadFull(c, make([]byte, helloSize))
			c.Write(appendPing(appendAnswer(nil, nil), 77))
		}
	}()
	a := start(t, 1, "127.0.0.1:0", nil)
	a.Add(2, ln.Addr().String())
	wait(t, a.down)
	until(t, "the reason is logged", func() bool { return a.log.has("answers no ping") })
}

func TestConfig(t *testing.T) {
	h := func(process.ID, []Frame) error { return nil }
	for _, c := range []Config{
		{Handle: h}, {Self: 1}, {Self: 1, Handle: h, FrameBytes: MaxFrameBytes + 1},
		{Self: 1, Handle: h, PendingBytes: -1}, {Self: 1, Handle: h, Timeout: -1},
	} {
		if _, err := New(nil, c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

func TestClosed(t *testing.T) {
	noLeaks(t)
	a, b := pair(t, nil)
	must(t, a.Close())
	if err := a.Close(); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	a.Add(3, b.Addr().String())
	if a.Send(2, 1, 1, text("x")) || a.Connected(2) || a.Connected(3) {
		t.Fatal("a closed transport sends")
	}
	if _, err := a.Stream(context.Background(), 2, 1, text("x")); err == nil {
		t.Fatal("a closed transport opens a stream")
	}
}

func sumOf(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func BenchmarkOneWay256B(b *testing.B) {
	got := make(chan int, 1024)
	recv := start(b, 2, "127.0.0.1:0", func(c *Config) {
		c.Handle = func(_ process.ID, fs []Frame) error { got <- len(fs); return nil }
	})
	a := start(b, 1, "127.0.0.1:0", nil)
	a.Add(2, recv.Addr().String())
	wait(b, a.up)
	m := text(make([]byte, 256))
	b.ReportAllocs()
	b.SetBytes(256)
	b.ResetTimer()
	sent, arrived := 0, 0
	for arrived < b.N {
		for sent < b.N && sent-arrived < 4096 { // as a window of a protocol would
			if a.Send(2, 1, 1, &m) {
				sent++
			}
		}
		arrived += <-got
	}
}
