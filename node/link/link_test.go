package link

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
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

// The new address is dialled when Down has been told of the old one.
func TestUpDownAlternate(t *testing.T) {
	noLeaks(t)
	b := start(t, 2, "127.0.0.1:0", nil)
	c := start(t, 2, "127.0.0.1:0", nil)
	ups, downs := make(chan bool, 10), make(chan bool, 10)
	a := start(t, 1, "127.0.0.1:0", func(cfg *Config) {
		cfg.Up = func(process.ID) { ups <- true }
		cfg.Down = func(process.ID) {
			select {
			case <-ups:
				t.Error("Up came before Down had returned")
			case <-time.After(50 * time.Millisecond):
			}
			downs <- true
		}
	})
	a.Add(2, b.Addr().String())
	wait(t, ups)
	a.Add(2, c.Addr().String())
	wait(t, downs)
	wait(t, ups)
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

// The new connection waits for the handler of the old one.
func TestOneHandlerAtATime(t *testing.T) {
	noLeaks(t)
	entered, release := make(chan string, 2), make(chan struct{})
	b := start(t, 2, "127.0.0.1:0", func(c *Config) {
		c.Handle = func(_ process.ID, fs []Frame) error {
			entered <- string(fs[0].Payload)
			<-release
			return nil
		}
	})
	write(t, greeted(t, b, forFrames), frame(1, "old"))
	wait(t, entered)
	second := dialRaw(t, b)
	h := hello{forFrames, 7, 1, 2, 5}
	write(t, second, append(h.append(nil), frame(1, "new")...))
	must(t, second.SetDeadline(time.Now().Add(50*time.Millisecond)))
	if err := readAnswer(second); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("an answer while the old handler runs: %v", err)
	}
	close(release)
	if got := wait(t, entered); got != "new" {
		t.Errorf("got %q", got)
	}
}

func TestPing(t *testing.T) {
	a, _ := pair(t, func(c *Config) { c.Timeout = 500 * time.Millisecond })
	until(t, "a round trip is measured", func() bool { return a.Peers()[0].RTT > 0 })
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
