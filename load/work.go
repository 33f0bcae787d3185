package load

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"althing/retry"
)

// An operation is what a latency is of.
type operation int

const (
	opPut operation = iota
	opGet
	opEvent
	operations
)

var operationNames = [operations]string{"put", "get", "event"}

// A tally is what the clients of one connection have seen.
type tally struct {
	mu      sync.Mutex
	series  [operations]series
	retries uint64
	recent  Histogram // since progress was last told, warm-up included
	total   uint64    // requests and events, warm-up included
	errors  uint64    // likewise
}

type series struct {
	latency Histogram // from when it was due
	service Histogram // from when it was sent
	errors  map[string]uint64
}

// A worker is one client at work.
type worker struct {
	g      *generator
	client *clientv3.Client
	tally  *tally
	rand   *rand.Rand
	value  []byte
}

// request makes one request that was due at the time given.
func (w *worker) request(ctx context.Context, due time.Duration) {
	o := &w.g.o
	key := w.g.key(w.rand.IntN(o.Keys))
	op := opPut
	if o.Workload == Get || o.Workload == GetSerializable || o.Workload == Mixed && w.rand.Float64() < o.Reads {
		op = opGet
	}
	sent := time.Since(w.g.began)
	err := w.g.try(ctx, w.tally, op == opGet, func(ctx context.Context) error {
		if op == opPut {
			binary.BigEndian.PutUint64(w.value, uint64(due))
			_, err := w.client.Put(ctx, key, string(w.value))
			return err
		}
		var options []clientv3.OpOption
		if o.Workload == GetSerializable {
			options = append(options, clientv3.WithSerializable())
		}
		_, err := w.client.Get(ctx, key, options...)
		return err
	})
	if ctx.Err() != nil {
		return // cut off by us: neither an answer nor an error
	}
	w.tally.add(op, due, sent, time.Since(w.g.began), w.g.warm, err)
}

func (t *tally) add(op operation, due, sent, now, warm time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &t.series[op]
	t.total++
	if err != nil {
		t.errors++
	} else {
		t.recent.Add(now - due)
	}
	switch {
	case due < warm:
	case err != nil:
		if s.errors == nil {
			s.errors = make(map[string]uint64)
		}
		s.errors[kindOf(err)]++
	default:
		s.latency.Add(now - due)
		s.service.Add(now - sent)
	}
}

// try makes a request, and again where that is safe.
func (g *generator) try(ctx context.Context, t *tally, repeatable bool, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, g.o.Timeout)
	defer cancel()
	first := true
	return retry.Do(ctx, retry.Consensus, rand.Float64, func(ctx context.Context) error {
		if !first {
			t.mu.Lock()
			t.retries++
			t.mu.Unlock()
		}
		first = false
		err := f(ctx)
		if err == nil || notDone(err) || repeatable && passing(err) {
			return err
		}
		return retry.Permanent(err)
	})
}

// notDone reports whether the servers say that the request did not and will
// not take effect, and that it may later.
func notDone(err error) bool {
	return is(err, rpctypes.ErrGRPCNoLeader) || is(err, rpctypes.ErrGRPCRequestTooManyRequests)
}

// passing reports whether a request that only reads may succeed later.
func passing(err error) bool {
	return status.Code(rootOf(err)) == codes.Unavailable || notDone(err)
}

// is compares as clients do: by the text.
func is(err, with error) bool { return rpctypes.ErrorDesc(rootOf(err)) == rpctypes.ErrorDesc(with) }

// rootOf finds what carries the status of a call: the client turns those it
// knows into errors of its own.
func rootOf(err error) error {
	var e rpctypes.EtcdError
	if errors.As(err, &e) {
		return status.Error(e.Code(), e.Error())
	}
	return err
}

// kindOf names an error in few words that do not vary.
func kindOf(err error) string {
	var e rpctypes.EtcdError
	switch {
	case errors.As(err, &e):
		return e.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline exceeded"
	case errors.Is(err, errWatch):
		return errWatch.Error()
	}
	return status.Code(err).String()
}

// endKey is put last: who was told of it was told of all.
const endKey = prefix + "end"

// watch begins to watch, and returns what ends it, once every watcher was told
// of all that was put or the time of a request is over.
func (g *generator) watch(ctx context.Context) (stop func(), err error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	ready := make(chan error, g.o.Watchers)
	for i := range g.o.Watchers {
		client, t := g.clients[i%len(g.clients)], &g.tallies[i%len(g.clients)]
		events := client.Watch(ctx, prefix, clientv3.WithPrefix(), clientv3.WithCreatedNotify())
		group.Go(func() {
			first := <-events // the zero value if it ended at once
			if err := first.Err(); err != nil || !first.Created {
				ready <- errors.Join(errWatch, err)
				return
			}
			ready <- nil
			for r := range events {
				if g.told(t, &r) {
					return
				}
			}
			now := time.Since(g.began)
			t.add(opEvent, now, now, now, g.warm, errWatch)
		})
	}
	stop = func() {
		over := time.AfterFunc(g.o.Timeout, cancel)
		defer over.Stop()
		if _, err := g.clients[0].Put(ctx, endKey, ""); err != nil {
			cancel()
		}
		group.Wait()
		cancel()
	}
	for range g.o.Watchers {
		if err := <-ready; err != nil {
			cancel()
			group.Wait()
			return nil, err
		}
	}
	return stop, nil
}

var errWatch = errors.New("a watch ended before it had told all")

// told counts events, and reports whether the last has come.
func (g *generator) told(t *tally, r *clientv3.WatchResponse) (last bool) {
	now := time.Since(g.began)
	if err := r.Err(); err != nil {
		t.add(opEvent, now, now, now, g.warm, err)
	}
	for _, e := range r.Events {
		if len(e.Kv.Value) >= stampBytes {
			due := time.Duration(binary.BigEndian.Uint64(e.Kv.Value))
			t.add(opEvent, due, due, now, g.warm, nil)
		}
		last = last || string(e.Kv.Key) == endKey
	}
	return last
}
