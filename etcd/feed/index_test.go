package feed

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// has is what the index must find, asked of one span.
func (s *Span) has(key []byte) bool {
	if s.one {
		return string(key) == s.key
	}
	return string(key) >= s.key && s.beyond(key)
}

// TestIndex compares the index with a list, over spans that nest, touch,
// overlap and are the same.
func TestIndex(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		key := func() []byte {
			b := make([]byte, 1+rnd.IntN(3))
			for i := range b {
				b[i] = byte(rnd.IntN(4))
			}
			return b
		}
		var x index
		var list []*Watcher
		for step := range 400 {
			switch {
			case len(list) > 0 && rnd.IntN(3) == 0:
				i := rnd.IntN(len(list))
				x.remove(list[i])
				list = slices.Delete(list, i, i+1)
			default:
				var end []byte
				if rnd.IntN(3) > 0 {
					end = key()
				}
				w := &Watcher{ID: int64(step), Span: SpanOf(key(), end)}
				if w.Span.Empty() {
					continue
				}
				x.add(w)
				list = append(list, w)
			}
			k := key()
			var got, want []int64
			x.match(k, func(g *group) {
				for _, w := range g.watchers {
					got = append(got, w.ID)
				}
			})
			for _, w := range list {
				if w.Span.has(k) {
					want = append(want, w.ID)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, step %d: key %v is watched by %v, found %v", seed, step, k, want, got)
			}
		}
		if n := len(x.all()); n != len(list) {
			t.Fatalf("seed %d: %d watchers of %d", seed, n, len(list))
		}
		for _, w := range list {
			x.remove(w)
		}
		if x.root != nil || len(x.groups) > 0 || len(x.keys) > 0 {
			t.Fatalf("seed %d: something is left", seed)
		}
	}
}

// Spans added in order must not make the tree a list.
func TestIndexStaysFlat(t *testing.T) {
	var x index
	const n = 1 << 12
	for i := range n {
		k := []byte{byte(i >> 8), byte(i)}
		x.add(&Watcher{Span: SpanOf(k, append(k, 1))})
	}
	var depth func(*treap) int
	depth = func(n *treap) int {
		if n == nil {
			return 0
		}
		return 1 + max(depth(n.left), depth(n.right))
	}
	if d := depth(x.root); d > 60 { // 12 at best; beyond 60 once in many lifetimes
		t.Errorf("%d nodes are %d deep", n, d)
	}
}

func BenchmarkIndex(b *testing.B) {
	var x index
	key := func(i int) []byte { return []byte{byte(i >> 8), byte(i), 'x'} }
	for i := range 1000 {
		k := key(i)
		x.add(&Watcher{Span: SpanOf(k[:2], []byte{k[0], k[1], 0xff})})
	}
	found := 0
	for i := 0; b.Loop(); i++ {
		x.match(key(i%1000), func(*group) { found++ })
	}
	if found != b.N {
		b.Fatalf("%d found in %d", found, b.N)
	}
}
