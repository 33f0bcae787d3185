package partition

import (
	"fmt"
	"testing"
)

func BenchmarkBuildRing(b *testing.B) {
	nodes := named(1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewRing(100, nodes...); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOwner is a look-up with the hash of its key.
func BenchmarkOwner(b *testing.B) {
	keys := make([]string, 1<<14)
	for i := range keys {
		keys[i] = fmt.Sprint("user:", i)
	}
	for _, scheme := range schemes {
		for _, n := range []int{10, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", scheme, n), func(b *testing.B) {
				p := place(b, scheme, named(n)...)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					p.Owner(HashString(keys[i&(1<<14-1)]))
					i++
				}
			})
		}
	}
}

func BenchmarkPrefer(b *testing.B) {
	for _, scheme := range schemes {
		b.Run(scheme, func(b *testing.B) {
			p := place(b, scheme, named(100)...)
			b.ReportAllocs()
			key := Point(1)
			for b.Loop() {
				key = Point(mix(uint64(key)))
				if _, err := PreferRacks(p, key, 3); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPick(b *testing.B) {
	bounded, err := NewBounded(place(b, "ring", named(100)...), 1.25)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	key := Point(1)
	for b.Loop() {
		key = Point(mix(uint64(key)))
		bounded.Pick(key)
	}
}

func BenchmarkHash(b *testing.B) {
	for _, size := range []int{8, 16, 64, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			key := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				Hash(key)
			}
		})
	}
}
