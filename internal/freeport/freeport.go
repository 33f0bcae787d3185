// Package freeport finds TCP ports of the loopback interface that stay free
// until a test listens there, and listens there again.
//
// A port that the kernel gave to a listener on port 0 is one of those that it
// also gives to outgoing connections: once closed, it may be in use by the
// time it is wanted again. The ports of this package lie below those
// (net.ipv4.ip_local_port_range begins at 32768), and are held against the
// other tests of this machine by a UDP socket of the same number.
package freeport

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

const (
	lowest  = 10_000
	highest = 32_767
	// tries bounds the search: the range holds many more blocks than that.
	tries = 1000
)

// Addr returns host:port of a free port, held until the test ends.
func Addr(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(Block(t, 1)))
}

// Block returns the first of n consecutive free ports, held until the test
// ends.
func Block(t testing.TB, n int) int {
	t.Helper()
	for range tries {
		first := lowest + rand.IntN(highest-lowest-n)
		if locks, ok := hold(first, n); ok {
			t.Cleanup(func() { release(locks) })
			return first
		}
	}
	t.Fatalf("no %d free ports in a row between %d and %d", n, lowest, highest)
	return 0
}

// hold locks n ports from first on, or none.
func hold(first, n int) (locks []net.PacketConn, ok bool) {
	for port := first; port < first+n; port++ {
		at := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		lock, err := net.ListenPacket("udp", at)
		if err == nil {
			locks = append(locks, lock)
			var l net.Listener
			if l, err = net.Listen("tcp", at); err == nil {
				err = l.Close()
			}
		}
		if err != nil {
			release(locks)
			return nil, false
		}
	}
	return locks, true
}

func release(locks []net.PacketConn) {
	for _, l := range locks {
		l.Close()
	}
}
