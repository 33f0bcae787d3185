package reads_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"althing/process"
	"althing/reads"
)

func read(n uint64) process.Request { return process.Request{Client: 1, Seq: n, Kind: process.Read} }

// A read is let through by no round that had begun when it came.
func TestReadsWaitForTheNextRound(t *testing.T) {
	var r reads.Rounds
	if !r.Quiet() || r.Wanted() {
		t.Error("nothing has happened yet")
	}
	one := r.Begin(0)
	r.Add(read(1))
	if r.Quiet() || !r.Wanted() {
		t.Error("a round is under way, and another is wanted")
	}
	if !r.Confirm(one) || r.Confirm(one) {
		t.Error("a round is confirmed once")
	}
	if qs := r.Confirmed(); len(qs) != 0 {
		t.Errorf("%v by a round from before it", qs)
	}
	two := r.Begin(0)
	r.Add(read(2))
	r.Confirm(two)
	if qs := r.Confirmed(); len(qs) != 1 || qs[0].Seq != 1 {
		t.Errorf("%v, not the first alone", qs)
	}
	if qs := r.Drop(); len(qs) != 1 || qs[0].Seq != 2 {
		t.Errorf("%v waited", qs)
	}
	if r.Wanted() || len(r.Drop()) > 0 {
		t.Error("nothing is left")
	}
}

// A lease counts from when the round began, not from when it was answered.
func TestLease(t *testing.T) {
	var r reads.Rounds
	if r.Lease(0, time.Second) {
		t.Error("nobody has answered")
	}
	r.Begin(1 * time.Second)
	two := r.Begin(2 * time.Second)
	r.Begin(3 * time.Second)
	r.Confirm(two)
	if !r.Lease(2*time.Second+999*time.Millisecond, time.Second) || r.Lease(3*time.Second, time.Second) {
		t.Error("it lasts for a second after the second round began")
	}
	r.EndLease()
	if r.Lease(2*time.Second, time.Second) {
		t.Error("it has ended")
	}
	r.Confirm(3)
	if !r.Lease(3*time.Second, time.Second) {
		t.Error("a later round gives another")
	}
}

func TestMaxReads(t *testing.T) {
	var r reads.Rounds
	for i := range uint64(reads.MaxReads) {
		if !r.Add(read(i)) {
			t.Fatalf("read %d is refused", i)
		}
	}
	if r.Add(read(0)) || len(r.Drop()) != reads.MaxReads {
		t.Error("one more than the most is kept")
	}
}

// Whatever is done, it is as if each read had a list of the rounds that began
// after it; copies and bytes are equal where behaviour is.
func TestAgainstNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var r reads.Rounds
		var begun, confirmed, last uint64
		after := map[uint64]uint64{} // read -> rounds begun before it
		for now := range time.Duration(100) {
			switch rng.IntN(4) {
			case 0:
				last++
				r.Add(read(last))
				after[last] = begun
			case 1:
				begun++
				if got := r.Begin(now); got != begun {
					t.Fatalf("round %d, not %d", got, begun)
				}
			case 2:
				n := rng.Uint64N(begun + 1)
				if got := r.Confirm(n); got != (n > confirmed) {
					t.Fatalf("confirm %d after %d: %v", n, confirmed, got)
				}
				confirmed = max(confirmed, n)
			case 3:
				c := r.Clone()
				if !bytes.Equal(c.AppendState(nil), r.AppendState(nil)) {
					t.Fatal("a copy differs")
				}
				for _, q := range c.Confirmed() {
					if after[q.Seq] >= confirmed {
						t.Fatalf("read %d came after %d rounds, and %d are confirmed", q.Seq, after[q.Seq], confirmed)
					}
				}
				for _, q := range r.Confirmed() {
					delete(after, q.Seq)
				}
				if !bytes.Equal(c.AppendState(nil), r.AppendState(nil)) {
					t.Fatal("alike, they differ")
				}
				for seq, n := range after {
					if n < confirmed {
						t.Fatalf("read %d is kept, though round %d of %d is confirmed", seq, confirmed, n)
					}
				}
			}
		}
	}
}
