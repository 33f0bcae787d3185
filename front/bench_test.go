package front_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"

	"althing/front"
)

// connections are shared by all who ask.
const connections = 8

// BenchmarkUnary is unary calls of 256 bytes with a deadline: grpc-go's server,
// the same over the server of net/http, and ours. The client is grpc-go's, in the
// same process: cpu-µs/op is of both.
func BenchmarkUnary(b *testing.B) {
	for _, callers := range []int{1, 64, 256, 1000} {
		b.Run(fmt.Sprintf("grpc-go/%d", callers), func(b *testing.B) {
			g := grpc.NewServer()
			g.RegisterService(&echoService, &echo{})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			go g.Serve(l) // ends with Stop
			defer g.Stop()
			benchmarkUnary(b, l.Addr().String(), callers)
		})
		b.Run(fmt.Sprintf("net-http/%d", callers), func(b *testing.B) {
			g := grpc.NewServer()
			g.RegisterService(&echoService, &echo{})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			h := &http.Server{Handler: g, Protocols: new(http.Protocols)}
			h.Protocols.SetUnencryptedHTTP2(true)
			go h.Serve(l) // ends with Close
			defer h.Close()
			benchmarkUnary(b, l.Addr().String(), callers)
		})
		b.Run(fmt.Sprintf("front/%d", callers), func(b *testing.B) {
			benchmarkUnary(b, serve(b, front.Options{}).address, callers)
		})
	}
}

func benchmarkUnary(b *testing.B, address string, callers int) {
	clients := make([]*grpc.ClientConn, min(connections, callers))
	for i := range clients {
		clients[i] = dial(b, address, nil)
		if _, err := say(b.Context(), clients[i], "hello"); err != nil {
			b.Fatal(err)
		}
	}
	text := strings.Repeat("x", 256)
	b.ReportAllocs()
	before := cpu()
	b.ResetTimer()
	done := make(chan error, callers)
	for i := range callers {
		n := b.N / callers
		if i < b.N%callers {
			n++
		}
		go func() {
			for range n {
				ctx, cancel := context.WithTimeout(b.Context(), patience)
				_, err := say(ctx, clients[i%len(clients)], text)
				cancel()
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric((cpu()-before)/float64(b.N), "cpu-µs/op")
}

// cpu returns the CPU time of this process, in microseconds.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	us := func(t syscall.Timeval) float64 { return float64(t.Sec)*1e6 + float64(t.Usec) }
	return us(u.Utime) + us(u.Stime)
}
