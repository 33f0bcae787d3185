package quorum

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestMajority(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 3: 2, 4: 3, 5: 3, 6: 4, 7: 4} {
		if got := Majority(n); got != want {
			t.Errorf("Majority(%d) = %d, want %d", n, got, want)
		}
	}
}

// TestIndexNaive compares Index with counting, over random small groups.
func TestIndexNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		vs := make([]uint64, rng.IntN(8))
		for i := range vs {
			vs[i] = rng.Uint64N(6)
		}
		q := rng.IntN(9)
		var want uint64
		for v := range uint64(6) {
			reach := 0
			for _, w := range vs {
				if w >= v {
					reach++
				}
			}
			if q >= 1 && reach >= q {
				want = v
			}
		}
		in := slices.Clone(vs)
		if got := Index(in, q); got != want {
			t.Fatalf("Index(%v, %d) = %d, want %d", vs, q, got, want)
		}
	}
}
