package front_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"

	"golang.org/x/net/http2"

	"althing/front"
)

// pipes is a listener whose connections are in memory.
type pipes struct {
	conns chan net.Conn
	quit  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.quit:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.quit) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// FuzzConnection sends whatever to a server. It must end the connection, its
// streams and their handlers by itself or when the client hangs up, and go on
// with others: that is, GracefulStop must return.
func FuzzConnection(f *testing.F) {
	for _, v := range violations {
		var b bytes.Buffer
		if v.name == "headers on a closed stream" {
			continue // it needs an answer
		}
		r := &raw{t: f, Framer: http2.NewFramer(&b, nil)}
		r.AllowIllegalWrites = true
		r.encodeTo()
		f.Add(seed(r, &b, v.do))
	}
	for _, text := range []string{"hello", sayWait, sayOf(100_000), sayFail, sayExit} {
		var b bytes.Buffer
		r := &raw{t: f, Framer: http2.NewFramer(&b, nil)}
		r.encodeTo()
		f.Add(seed(r, &b, func(r *raw) {
			r.call(1, text)
			for id, name := range map[uint32]string{3: "Both", 5: "Many", 7: "Count"} {
				r.headers(id, false, opening("/test.Echo/"+name, "grpc-timeout", "1S", "a-bin", "AA")...)
				r.WriteData(id, id == 5, message(text))
			}
			r.WriteWindowUpdate(5, 1000)
			r.WriteRSTStream(5, http2.ErrCodeCancel)
		}))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := front.New(front.Options{MaxRequestBytes: 1 << 16, MaxStreams: 100})
		e := &echo{ended: make(chan error, 1000)}
		s.RegisterService(&echoService, e)
		l := &pipes{conns: make(chan net.Conn), quit: make(chan struct{})}
		go s.Serve(l) // ends with GracefulStop
		here, there := net.Pipe()
		l.conns <- there
		heard := make(chan struct{})
		go func() {
			defer close(heard)
			io.Copy(io.Discard, here)
		}()
		io.WriteString(here, http2.ClientPreface)
		here.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}) // SETTINGS
		here.Write(b)
		here.Close()
		<-heard
		s.GracefulStop()
	})
}

// maxSeed keeps floods from making every other input long.
const maxSeed = 1 << 10

func seed(r *raw, b *bytes.Buffer, do func(*raw)) []byte {
	do(r)
	return b.Bytes()[:min(b.Len(), maxSeed)]
}
