package kv

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"althing/process"
)

func benchRig(b *testing.B) *rig {
	b.Helper()
	s, err := Open(Options{Dir: b.TempDir() + "/kv", Group: process.Group{Voters: []process.ID{1}}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return &rig{s, b}
}

func benchKeys(n int) [][]byte {
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "/registry/pods/namespace/%08d", i)
	}
	return keys
}

// BenchmarkPut is one put of 256 B, in batches of 64, over a number of keys.
func BenchmarkPut(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			r, keys := benchRig(b), benchKeys(n)
			rnd, value := rand.New(rand.NewPCG(1, 2)), make([]byte, 256)
			es := make([]process.Entry, 64)
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += len(es) {
				at := r.State().Index
				for j := range es {
					c := Put{Key: keys[rnd.IntN(n)], Value: value}
					es[j] = process.Entry{Index: at + uint64(j) + 1, Req: process.Request{Cmd: Encode(&c)}}
				}
				r.Apply(es, func(int, any) {})
			}
		})
	}
}

func filled(b *testing.B, n int) (*rig, [][]byte) {
	b.Helper()
	r, keys := benchRig(b), benchKeys(n)
	value := make([]byte, 256)
	for i := 0; i < n; i += 1000 {
		var cs []Command
		for _, k := range keys[i:min(i+1000, n)] {
			cs = append(cs, &Put{Key: k, Value: value})
		}
		r.ok(cs...)
	}
	if _, err := r.Sync(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	return r, keys
}

func BenchmarkGet(b *testing.B) {
	r, keys := filled(b, 10_000)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range b.N {
		r.get(&Range{Key: keys[rnd.IntN(len(keys))]})
	}
}

func BenchmarkRange1000(b *testing.B) {
	r, keys := filled(b, 10_000)
	for range b.N {
		r.get(&Range{Key: keys[0], End: keys[1000]})
	}
}

func BenchmarkCount(b *testing.B) {
	r, keys := filled(b, 10_000)
	for range b.N {
		r.get(&Range{Key: keys[0], End: []byte{0}, CountOnly: true})
	}
}
