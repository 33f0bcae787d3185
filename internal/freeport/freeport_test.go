package freeport

import (
	"net"
	"strconv"
	"testing"
)

// Nobody gets what another holds or listens on, and all can be listened on.
func TestBlock(t *testing.T) {
	taken := map[int]bool{}
	for range 50 {
		first := Block(t, 20)
		for p := first; p < first+20; p++ {
			if taken[p] {
				t.Fatalf("port %d is given twice", p)
			}
			taken[p] = true
		}
	}
	at := Addr(t)
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, text, _ := net.SplitHostPort(at)
	port, _ := strconv.Atoi(text)
	if _, ok := hold(port, 1); ok {
		t.Errorf("%s is held twice", at)
	}
	free := Block(t, 2)
	locks, ok := hold(free, 2)
	if ok {
		release(locks)
		t.Error("a held block is held again")
	}
}

// A port that somebody listens on is not free, though nobody holds it; and
// what was held for nothing is free again.
func TestListening(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if _, ok := hold(port, 1); ok {
		t.Error("a port in use is held")
	}
	u, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal("the lock was not let go:", err)
	}
	u.Close()
	l.Close()
}
