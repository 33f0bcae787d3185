package peers

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"testing"

	"github.com/dgryski/go-jump"
	"github.com/dgryski/go-rendezvous"
	"github.com/serialx/hashring"
	"github.com/stathat/consistent"
)

// ownerSizes are those of BenchmarkOwner in package partition.
var ownerSizes = []int{10, 100, 1000}

// owners makes, for each library, a function from keys to nodes.
var owners = map[string]func(nodes []string) func(key string) string{
	"serialx ring": func(nodes []string) func(string) string {
		r := hashring.New(nodes)
		return func(key string) string { n, _ := r.GetNode(key); return n }
	},
	"stathat ring": func(nodes []string) func(string) string {
		c := consistent.New()
		c.NumberOfReplicas = 100 // the points of a node in ours
		c.Set(nodes)
		return func(key string) string { n, _ := c.Get(key); return n }
	},
	"dgryski rendezvous": func(nodes []string) func(string) string {
		r := rendezvous.New(nodes, hash)
		return r.Lookup
	},
	"dgryski jump": func(nodes []string) func(string) string {
		return func(key string) string { return nodes[jump.Hash(hash(key), len(nodes))] }
	},
}

func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // never fails
	return h.Sum64()
}

func named(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("node-", i)
	}
	return names
}

// BenchmarkOwner is a look-up with the hash of its key.
func BenchmarkOwner(b *testing.B) {
	keys := make([]string, 1<<14)
	for i := range keys {
		keys[i] = fmt.Sprint("user:", i)
	}
	for _, name := range slices.Sorted(maps.Keys(owners)) {
		of := owners[name]
		for _, n := range ownerSizes {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				owner := of(named(n))
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					owner(keys[i&(1<<14-1)])
					i++
				}
			})
		}
	}
}

// BenchmarkBuildRing builds 1,000 nodes of 100 points.
func BenchmarkBuildRing(b *testing.B) {
	nodes := named(1000)
	b.Run("stathat ring", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			owners["stathat ring"](nodes)
		}
	})
	b.Run("serialx ring", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			owners["serialx ring"](nodes)
		}
	})
}
