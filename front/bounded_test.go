package front

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// one is a listener with a single connection.
type one struct {
	conns chan net.Conn
	quit  chan struct{}
}

func (l *one) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.quit:
		return nil, net.ErrClosed
	}
}

func (l *one) Close() error   { return nil }
func (l *one) Addr() net.Addr { return &net.TCPAddr{} }

// TestUnread: a client that asks and never reads the answers is not read any
// further either, so that what waits for it stays bounded.
func TestUnread(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	l := &one{make(chan net.Conn, 1), make(chan struct{})}
	l.conns <- there
	s := New(Options{})
	go s.Serve(l) // ends with Stop
	defer s.Stop()
	defer close(l.quit)
	defer there.Close()

	var block, all bytes.Buffer
	enc := hpack.NewEncoder(&block)
	enc.SetMaxDynamicTableSize(0)
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", "/a/b"},
		{":authority", "here"}, {"content-type", "application/grpc"}} {
		if err := enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			t.Fatal(err)
		}
	}
	all.WriteString(http2.ClientPreface)
	to := http2.NewFramer(&all, nil)
	to.WriteSettings()
	for id := uint32(1); all.Len() < 16<<20; id += 2 {
		to.WriteHeaders(http2.HeadersFrameParam{
			StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true,
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(here, &all) // ends with the connection
	}()
	const slack = 4096
	halted := 0
	for deadline := time.Now().Add(20 * time.Second); halted < 100; time.Sleep(time.Millisecond) {
		n := 0
		s.mu.Lock()
		for c := range s.conns {
			c.mu.Lock()
			n = len(c.out)
			c.mu.Unlock()
		}
		s.mu.Unlock()
		if n > haltBytes+slack {
			t.Fatalf("%d bytes wait for a client that does not read", n)
		}
		if n > haltBytes {
			halted++
		}
		if time.Now().After(deadline) {
			t.Fatal("the answers did not come to wait")
		}
	}
	select {
	case <-done:
		t.Error("all that was asked was read, though no answer was")
	default:
	}
}

// TestStuckWriter: a client that takes nothing is cut off where the kernel does
// not see to it.
func TestStuckWriter(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	l := &one{make(chan net.Conn, 1), make(chan struct{})}
	l.conns <- there
	s := New(Options{PingTimeout: 20 * time.Millisecond})
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	if _, err := io.WriteString(here, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	for begun, deadline := false, time.Now().Add(20*time.Second); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		n := len(s.conns)
		s.mu.Unlock()
		if begun = begun || n > 0; begun && n == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Error("the connection goes on")
			break
		}
	}
	there.Close()
	close(l.quit)
	s.Stop()
	<-served
}
