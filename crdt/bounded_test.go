package crdt_test

import (
	"math/rand/v2"
	"testing"

	"althing/crdt"
)

// TestBoundedCounterIsNeverBelow: whatever the network does, all that is taken
// has been added, and no one replica thinks that it may take more than there is;
// rights are neither lost nor made.
func TestBoundedCounterIsNeverBelow(t *testing.T) {
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 12))
		var replicas [4]crdt.BoundedCounter
		var sent []*crdt.BoundedCounter
		truth, taken := uint64(0), 0
		for range 150 {
			i := r.IntN(len(replicas))
			c, actor, n := &replicas[i], uint64(i), r.Uint64N(8)
			switch r.IntN(5) {
			case 0:
				if n = n / 2; r.IntN(2) == 0 {
					d, _ := c.Add(actor, n)
					sent, truth = append(sent, d), truth+n
				}
			case 1:
				if d, err := c.Take(actor, n); err == nil {
					if n > truth {
						t.Fatalf("seed %d: %d taken of %d", seed, n, truth)
					}
					sent, truth = append(sent, d), truth-n
					taken++
				}
			case 2:
				if d, err := c.Give(actor, r.Uint64N(4), n); err == nil {
					sent = append(sent, d)
				}
			default:
				if len(sent) > 0 {
					c.Join(sent[r.IntN(len(sent))])
				}
			}
			own := uint64(0)
			for k := range replicas {
				own += replicas[k].Rights(uint64(k))
			}
			if own > truth {
				t.Fatalf("seed %d: rights for %d, of %d", seed, own, truth)
			}
		}
		if taken == 0 && seed == 0 {
			t.Fatal("nothing was taken: the test is idle")
		}
		var all crdt.BoundedCounter
		for i := range replicas {
			all.Join(&replicas[i])
		}
		rights := uint64(0)
		for k := range uint64(4) {
			rights += all.Rights(k)
		}
		if all.Value() != truth || rights != truth {
			t.Fatalf("seed %d: %d, and rights for %d, of %d", seed, all.Value(), rights, truth)
		}
	}
}
