package etcd_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"althing/etcd"
)

// clients is how many goroutines ask at once, for each processor.
const clients = 64

// BenchmarkPut puts 256 bytes at the leader of three members, which share this
// process with the clients.
func BenchmarkPut(b *testing.B) {
	client, value := benchmarked(b), strings.Repeat("x", 256)
	ctx := b.Context()
	var n atomic.Uint64
	run(b, func() error {
		_, err := client.Put(ctx, fmt.Sprintf("key%05d", n.Add(1)%10_000), value)
		return err
	})
}

// BenchmarkGet reads one key, linearizable, at the leader.
func BenchmarkGet(b *testing.B) {
	client := benchmarked(b)
	ctx := b.Context()
	if _, err := client.Put(ctx, "key", strings.Repeat("x", 256)); err != nil {
		b.Fatal(err)
	}
	run(b, func() error {
		_, err := client.Get(ctx, "key")
		return err
	})
}

// BenchmarkWatch is events delivered: each put is seen by 100 watchers on ten
// streams.
func BenchmarkWatch(b *testing.B) {
	const streams, each = 10, 10
	client := benchmarked(b)
	ctx := b.Context()
	var all []clientv3.WatchChan
	for range streams {
		w := clientv3.NewWatcher(client)
		defer w.Close()
		for range each {
			all = append(all, w.Watch(ctx, "key", clientv3.WithPrefix(), clientv3.WithCreatedNotify()))
		}
	}
	for _, w := range all {
		<-w
	}
	b.ReportAllocs()
	b.ResetTimer()
	done := make(chan error, len(all))
	for _, w := range all {
		go func() {
			for seen := 0; seen < b.N; {
				r, ok := <-w
				if !ok || r.Err() != nil {
					done <- fmt.Errorf("watch ended: %v", r.Err())
					return
				}
				seen += len(r.Events)
			}
			done <- nil
		}()
	}
	for range b.N {
		if _, err := client.Put(ctx, "key", "value"); err != nil {
			b.Fatal(err)
		}
	}
	for range all {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(all))/b.Elapsed().Seconds(), "events/s")
}

func benchmarked(b *testing.B) *clientv3.Client {
	b.Helper()
	c := newCluster(b, 3, etcd.Limits{})
	return c.dial(c.leader())
}

func run(b *testing.B, do func() error) {
	b.SetParallelism(clients)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := do(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
