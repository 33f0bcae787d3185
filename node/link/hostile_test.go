package link

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"althing/process"
)

// What waited when a connection broke does not come by the next one.
func TestNothingStale(t *testing.T) {
	noLeaks(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	a := start(t, 1, "127.0.0.1:0", func(c *Config) { c.PendingBytes = 1 << 20 })
	a.Add(2, ln.Addr().String())
	accept := func() net.Conn {
		c, err := ln.Accept()
		must(t, err)
		must(t, c.SetDeadline(time.Now().Add(patience)))
		_, err = io.ReadFull(c, make([]byte, helloSize))
		must(t, err)
		write(t, c, appendAnswer(nil, nil))
		wait(t, a.up)
		return c
	}
	c := accept()
	for full := 0; full < 10_000; { // until the buffer is full, and stays so
		if !a.Send(2, 1, 1, text(make([]byte, 10_000))) {
			full++
			runtime.Gosched()
		}
	}
	c.Close()
	wait(t, a.down)
	c = accept()
	defer c.Close()
	want := frame(1, "fresh")
	a.Send(2, 1, 1, text("fresh"))
	got := make([]byte, len(want))
	_, err = io.ReadFull(c, got)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Fatalf("got %q", got)
	}
}

func TestTooManyConnections(t *testing.T) {
	noLeaks(t)
	b := start(t, 2, "127.0.0.1:0", nil)
	count := func(n int) { b.mu.Lock(); b.accepted += n; b.mu.Unlock() }
	count(maxInbound)
	conn := dialRaw(t, b)
	h := hello{forFrames, 7, 1, 2, 5}
	conn.Write(h.append(nil)) // may find the connection closed
	if err := readAnswer(conn); err == nil {
		t.Fatal("one connection too many was taken")
	}
	count(-maxInbound)
	greeted(t, b, forFrames)
}

// A length over the limit is refused when it is seen, not when it has come.
func TestLengthLimit(t *testing.T) {
	for n, want := range map[uint32]error{0: nil, 1: nil, 100 + maxExtra: nil,
		100 + maxExtra + 1: errLength, 1<<32 - 1: errLength} {
		b := binary.LittleEndian.AppendUint32(nil, n)
		size, err := frameSize(append(b, 0, 0, 0, 0), 100)
		if err != want || err == nil && size != frameHeader+int(n) {
			t.Errorf("length %d: size %d, %v", n, size, err)
		}
	}
	over := &body{conn: memory{bytes.NewReader(encoded(string(make([]byte, 101))))}}
	if err := over.fill(100); err != errLength {
		t.Errorf("a chunk over the limit: %v", err)
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
	h := hello{purpose, 7, 1, n.c.Self, 5}
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
	good := hello{forFrames, 7, 1, 2, 5}
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
		{"it is of cluster 8", made(hello{forFrames, 8, 1, 2, 5})},
		{"it means node 3", made(hello{forFrames, 7, 1, 3, 5})},
		{"says that it is node 0", made(hello{forFrames, 7, 0, 2, 5})},
		{"says that it is node 2", made(hello{forFrames, 7, 2, 2, 5})},
		{"unknown purpose 9", made(hello{9, 7, 1, 2, 5})},
		{"protocol version 9", raw(4, 9)},
		{"does not speak", raw(0, 'x')},
		{"checksum", raw(9, 1)},
		{"it takes no streams", made(hello{forStream, 7, 1, 2, 5})},
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
		h := hello{forFrames, 7, process.ID(10 + i), 2, 5}
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
	h := hello{forFrames, 7, 99, 2, 5}
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
			c.Write(appendAnswer(nil, nil))
			ping := make([]byte, frameHeader)
			io.ReadFull(c, ping)
			c.Write(appendPing(nil, pingNumber(ping)+1))
		}
	}()
	a := start(t, 1, "127.0.0.1:0", func(c *Config) { c.Timeout = 500 * time.Millisecond })
	a.Add(2, ln.Addr().String())
	wait(t, a.down)
	until(t, "the reason is logged", func() bool { return a.log.has("answers no ping") })
}

func sumOf(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }
