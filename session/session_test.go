package session

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"althing/process"
)

// TestNaive holds the table against sets, over random orders of arrival with
// retries and numbers that never come: no request is New twice, and none that
// was applied is New again, even after the table went through its bytes.
func TestNaive(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var tab Table
		results := seed%2 == 0
		tab.Open(5)
		applied := map[uint64]string{}
		for step := range 300 {
			r := &process.Request{Client: 5, Seq: 1 + rng.Uint64N(40) + uint64(step/4)}
			v, got := tab.Check(r)
			want, was := applied[r.Seq]
			switch {
			case was && v == New:
				t.Fatalf("seed %d: request %d would be applied twice", seed, r.Seq)
			case v == Done && results && string(got) != want:
				t.Fatalf("seed %d: request %d: result %q, first was %q", seed, r.Seq, got, want)
			case v == New:
				applied[r.Seq] = fmt.Sprint("r", step)
				var result []byte
				if results {
					result = []byte(applied[r.Seq])
				}
				tab.Done(r, result)
			}
			if rng.IntN(10) == 0 {
				b := tab.AppendState(nil)
				var again Table
				if rest, err := again.LoadState(b); err != nil || len(rest) > 0 {
					t.Fatalf("seed %d: %v, %d bytes left", seed, err, len(rest))
				}
				if !bytes.Equal(again.AppendState(nil), b) {
					t.Fatalf("seed %d: the table is not what its bytes were", seed)
				}
				tab = again
			}
			if results && rng.IntN(20) == 0 {
				tab.Forget(5, uint64(step/4))
			}
		}
		if c := tab.clients[5]; !results && len(c.done) > 45 {
			t.Errorf("seed %d: %d records for requests without results", seed, len(c.done))
		}
	}
}

func TestUnknownClient(t *testing.T) {
	var tab Table
	if v, _ := tab.Check(&process.Request{Client: 9, Seq: 1}); v != Expired {
		t.Errorf("a request of a session that was never opened: %v", v)
	}
	if v, _ := tab.Check(&process.Request{Seq: 1}); v != New {
		t.Errorf("a request without a session: %v", v)
	}
}

// TestEviction: the session longest unused is closed, and its requests are
// refused from then on rather than applied again.
func TestEviction(t *testing.T) {
	var tab Table
	for id := uint64(1); id <= MaxClients; id++ {
		tab.Open(id)
	}
	tab.Done(&process.Request{Client: 1, Seq: 1}, nil)
	if closed := tab.Open(MaxClients + 1); closed != 2 {
		t.Errorf("closed %d, but 2 was longest unused", closed)
	}
	if v, _ := tab.Check(&process.Request{Client: 2, Seq: 1}); v != Expired {
		t.Errorf("a closed session: %v", v)
	}
}

// TestBound: whatever never arrives, the table forgets rather than grows.
func TestBound(t *testing.T) {
	var tab Table
	tab.Open(1)
	for seq := uint64(2); seq < 4*MaxOpen; seq += 2 { // odd ones never come
		tab.Done(&process.Request{Client: 1, Seq: seq}, nil)
	}
	if n := len(tab.clients[1].done); n > MaxOpen {
		t.Errorf("%d records are kept", n)
	}
	if v, _ := tab.Check(&process.Request{Client: 1, Seq: 3}); v != Expired {
		t.Errorf("a request older than the table remembers: %v", v)
	}
}

func FuzzLoadState(f *testing.F) {
	var tab Table
	tab.Open(3)
	tab.Done(&process.Request{Client: 3, Seq: 4}, []byte("x"))
	tab.Done(&process.Request{Client: 3, Seq: 6}, nil)
	f.Add(tab.AppendState(nil))
	f.Add([]byte{1, 3, 0, 0, 1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var tab Table
		if _, err := tab.LoadState(b); err != nil {
			return
		}
		one := tab.AppendState(nil)
		var again Table
		if _, err := again.LoadState(one); err != nil || !bytes.Equal(one, again.AppendState(nil)) {
			t.Fatalf("%v: % x", err, one)
		}
	})
}
