package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"althing/history"
)

var kills = flag.Int("kills", 20, "how often the leader is killed under load")

// TestKillTheLeader kills the leader's process under load, again and again.
// No write that was answered is lost, the history of all clients is
// linearizable, and service comes back; how fast is printed, not judged, for
// that is the machine's affair too.
func TestKillTheLeader(t *testing.T) {
	c := newCluster(t, 3)
	admin := c.client()
	c.leader(admin)
	r := &recorder{began: time.Now()}
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	const workers, keys = 6, 4
	for id := range workers {
		cl := c.client()
		clients.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				r.operate(ctx, cl, id, i, keys)
			}
		})
	}
	var outages []time.Duration
	for range *kills {
		down := c.leader(admin)
		r.await(t, 20) // so that there is load when it goes
		c.members[down].kill()
		c.members[down] = nil
		at := time.Since(r.began)
		outages = append(outages, r.awaitAfter(t, at)-at)
		c.start(down)
		c.members[down].await("serving clients")
	}
	cancel()
	clients.Wait()
	ops := r.ops
	open := 0
	for i := range ops {
		if ops[i].Open {
			open++
		}
	}
	slices.Sort(outages)
	median, longest := outages[len(outages)/2], outages[len(outages)-1]
	t.Logf("%d operations, %d without an answer; writes were answered again after %v (median), %v (longest)",
		len(ops), open, median.Round(time.Millisecond), longest.Round(time.Millisecond))
	if v, key := history.Linearizable(ops, time.Minute); v != history.OK {
		t.Fatalf("the history of %q is %v", key, v)
	}
	c.sameEverywhere(admin)
}

// sameEverywhere compares what the members hold: their hashes of one revision.
func (c *cluster) sameEverywhere(cl *clientv3.Client) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	resp, err := cl.Get(ctx, "x")
	if err != nil {
		c.t.Fatal(err)
	}
	sums := map[uint32]bool{}
	for _, endpoint := range c.clients {
		for {
			h, err := cl.HashKV(ctx, endpoint, resp.Header.Revision)
			if err == nil {
				sums[h.Hash] = true
				break
			}
			if ctx.Err() != nil {
				c.t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond) // it catches up
		}
	}
	if len(sums) != 1 {
		c.t.Fatalf("at revision %d the members hold different things: %v", resp.Header.Revision, sums)
	}
}

// A recorder does operations and writes down what their clients saw.
type recorder struct {
	began time.Time
	mu    sync.Mutex
	ops   []history.Op
	wrote atomic.Int64 // writes answered
	last  atomic.Int64 // when the last answered write was invoked
}

// operate does one operation: a read, a write or a compare-and-set. A write
// whose answer did not come stays open: it may take effect at any time.
func (r *recorder) operate(ctx context.Context, cl *clientv3.Client, id, i, keys int) {
	o := history.Op{Client: id, Key: fmt.Sprintf("k%d", rand.IntN(keys)), Arg: fmt.Sprintf("%d.%d", id, i)}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	o.Call = time.Since(r.began)
	var err error
	switch n := rand.IntN(10); {
	case n < 4:
		o.Kind = history.Get
		o.Arg = ""
		var resp *clientv3.GetResponse
		if resp, err = cl.Get(ctx, o.Key); err == nil && len(resp.Kvs) > 0 {
			o.Result = string(resp.Kvs[0].Value)
		}
	case n < 8:
		o.Kind = history.Put
		_, err = cl.Put(ctx, o.Key, o.Arg)
	default:
		o.Kind = history.CAS
		o.Old = r.guess(o.Key)
		var resp *clientv3.TxnResponse
		resp, err = cl.Txn(ctx).If(clientv3.Compare(clientv3.Value(o.Key), "=", o.Old)).
			Then(clientv3.OpPut(o.Key, o.Arg)).Commit()
		if o.Result = "0"; err == nil && resp.Succeeded {
			o.Result = "1"
		}
	}
	o.Return = time.Since(r.began)
	if o.Open = err != nil; !o.Open && o.Kind != history.Get {
		r.wrote.Add(1)
		r.last.Store(max(r.last.Load(), int64(o.Call)))
	}
	r.mu.Lock()
	r.ops = append(r.ops, o)
	r.mu.Unlock()
}

// guess returns a value that the key may have: the last one seen to be written.
// A key that does not exist has none that a comparison could be true of, so it
// is never "".
func (r *recorder) guess(key string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.ops) - 1; i >= 0 && i > len(r.ops)-50; i-- {
		if o := &r.ops[i]; o.Key == key && o.Kind == history.Put && !o.Open {
			return o.Arg
		}
	}
	return "nothing"
}

// await waits for n more answered writes.
func (r *recorder) await(t *testing.T, n int64) {
	t.Helper()
	until := r.wrote.Load() + n
	r.poll(t, func() bool { return r.wrote.Load() >= until })
}

// awaitAfter waits for the answer to a write that was invoked after at, and
// returns when it came.
func (r *recorder) awaitAfter(t *testing.T, at time.Duration) time.Duration {
	t.Helper()
	r.poll(t, func() bool { return time.Duration(r.last.Load()) > at })
	return time.Since(r.began)
}

func (r *recorder) poll(t *testing.T, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ready(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("writes are not answered")
		}
	}
}
