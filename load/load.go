package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// A Workload is what is asked for.
type Workload string

// The workloads.
const (
	Put             Workload = "put"
	Get             Workload = "get"              // linearizable
	GetSerializable Workload = "get-serializable" // of whichever member is asked
	Mixed           Workload = "mixed"            // get and put
	Watch           Workload = "watch"            // put, and watchers that are told
)

// Workloads are all of them.
var Workloads = []Workload{Put, Get, GetSerializable, Mixed, Watch}

const (
	minKeyBytes = 16 // room for the prefix and a number
	// maxClients and maxConnections keep the generator within what one process
	// may open.
	maxClients     = 10_000
	maxConnections = 1000
	prefix         = "load/"
	stampBytes     = 8 // in a value: when its put was due
	// fillers put the keys to be read in place, so many at a time.
	fillers = 64
)

// Options say what to ask for, of whom. Zeros stand for the defaults named.
type Options struct {
	Endpoints []string    // connections are shared out among them
	TLS       *tls.Config // nil: in the clear

	Workload    Workload      // Put
	Clients     int           // requests in flight, at most: 64
	Connections int           // 8, or as many as clients
	Rate        float64       // requests a second; 0: a closed loop
	Duration    time.Duration // that is measured: 10 s
	Warmup      time.Duration // before it: 1 s; less than 0: none
	Requests    uint64        // end after so many, warm-up included; 0: no bound
	Keys        int           // distinct ones: 10,000
	KeyBytes    int           // 24, at least 16
	ValueBytes  int           // 256, at least 8
	Reads       float64       // part of a mixed workload that reads, from 0 to 1
	Watchers    int           // of a watch workload, each of all keys: 100
	Timeout     time.Duration // of one request, all tries: 10 s
	Seed        uint64        // of the keys and kinds that are drawn
	PIDs        []int         // processes on this machine whose CPU time is measured

	Log *slog.Logger // nil: nowhere
}

func set[T comparable](v *T, standard T) {
	var zero T
	if *v == zero {
		*v = standard
	}
}

// An OptionError says which option makes no sense, and why.
type OptionError struct{ Option, Why string }

// Error implements error.
func (e *OptionError) Error() string { return e.Option + ": " + e.Why }

func (o *Options) complete() error {
	set(&o.Workload, Put)
	set(&o.Clients, 64)
	set(&o.Connections, min(8, o.Clients))
	set(&o.Duration, 10*time.Second)
	set(&o.Warmup, time.Second)
	set(&o.Keys, 10_000)
	set(&o.KeyBytes, 24)
	set(&o.ValueBytes, 256)
	set(&o.Watchers, 100)
	set(&o.Timeout, 10*time.Second)
	o.Warmup = max(o.Warmup, 0)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if len(o.Endpoints) == 0 {
		return &OptionError{"endpoints", "none given"}
	}
	if !slices.Contains(Workloads, o.Workload) {
		return &OptionError{"workload", fmt.Sprintf("there is no %q; there are %v", o.Workload, Workloads)}
	}
	for _, r := range []struct {
		name           string
		value, low, up float64
	}{
		{"clients", float64(o.Clients), 1, maxClients},
		{"connections", float64(o.Connections), 1, maxConnections},
		{"rate", o.Rate, 0, 1e7},
		{"keys", float64(o.Keys), 1, 1e10},
		{"key bytes", float64(o.KeyBytes), minKeyBytes, 1 << 20},
		{"value bytes", float64(o.ValueBytes), stampBytes, 1 << 20},
		{"reads", o.Reads, 0, 1},
		{"watchers", float64(o.Watchers), 1, 1e6},
		{"duration", o.Duration.Seconds(), 1e-3, 1e6},
		{"timeout", o.Timeout.Seconds(), 1e-3, 1e6},
	} {
		if !(r.value >= r.low && r.value <= r.up) {
			return &OptionError{r.name, fmt.Sprintf("%g is not between %g and %g", r.value, r.low, r.up)}
		}
	}
	return nil
}

// Progress is how it went since the last time that it was told.
type Progress struct {
	Elapsed  time.Duration // since the beginning, warm-up included
	Warming  bool
	Rate     float64 // requests and events a second
	Errors   uint64
	P50, P99 time.Duration
}

// A generator is one run.
type generator struct {
	o       Options
	clients []*clientv3.Client
	began   time.Time
	warm    time.Duration // since began, like all times here: from when on it counts
	end     time.Duration
	next    atomic.Uint64 // number of the next request
	tallies []tally       // one for each connection
}

// Run asks until it is done or ctx ends, and reports. It tells progress, if
// that is not nil, every second. What ctx cut off is reported nevertheless.
func Run(ctx context.Context, o Options, progress func(Progress)) (*Report, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	g := &generator{o: o, tallies: make([]tally, o.Connections)}
	defer g.close()
	if err := g.connect(ctx); err != nil {
		return nil, err
	}
	if o.Workload == Get || o.Workload == GetSerializable || o.Workload == Mixed {
		if err := g.fill(ctx); err != nil {
			return nil, fmt.Errorf("put the keys that are to be read: %w", err)
		}
	}
	stopWatching := func() {}
	if o.Workload == Watch {
		var err error
		if stopWatching, err = g.watch(ctx); err != nil {
			return nil, fmt.Errorf("begin to watch: %w", err)
		}
	}
	g.began = time.Now()
	g.warm, g.end = o.Warmup, o.Warmup+o.Duration
	var work, beside sync.WaitGroup
	done := make(chan struct{})
	cpu := newUsage(o.PIDs)
	beside.Go(func() { g.tell(done, cpu, progress) })
	for i := range o.Clients {
		work.Go(func() { g.ask(ctx, i) })
	}
	work.Wait()
	took := time.Since(g.began)
	close(done)
	beside.Wait()
	spent := cpu.since()
	stopWatching()
	return g.report(took, spent), nil
}

// connect makes sure that every endpoint answers before anything is measured.
func (g *generator) connect(ctx context.Context) error {
	for i := range g.o.Connections {
		c, err := clientv3.New(clientv3.Config{
			Endpoints: []string{g.o.Endpoints[i%len(g.o.Endpoints)]}, TLS: g.o.TLS, Logger: zap.NewNop(),
			DialTimeout: g.o.Timeout, MaxCallSendMsgSize: 4 << 20, Context: context.WithoutCancel(ctx),
		})
		if err != nil {
			return fmt.Errorf("connect to %s: %w", g.o.Endpoints[i%len(g.o.Endpoints)], err)
		}
		g.clients = append(g.clients, c)
	}
	for i, e := range g.o.Endpoints {
		if i >= len(g.clients) {
			break
		}
		ctx, cancel := context.WithTimeout(ctx, g.o.Timeout)
		_, err := g.clients[i].Get(ctx, prefix)
		cancel()
		if err != nil {
			return fmt.Errorf("ask %s: %w", e, err)
		}
	}
	return nil
}

func (g *generator) close() {
	for _, c := range g.clients {
		if err := c.Close(); err != nil && !errors.Is(err, context.Canceled) {
			g.o.Log.Warn("a client did not close", "error", err)
		}
	}
}

func (g *generator) key(n int) string {
	return fmt.Sprintf("%s%0*d", prefix, g.o.KeyBytes-len(prefix), n)
}

// fill puts all keys in place.
func (g *generator) fill(ctx context.Context) error {
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, min(fillers, g.o.Clients))
	value := string(make([]byte, g.o.ValueBytes))
	for i := range errs {
		group.Go(func() {
			for n := int(next.Add(1)) - 1; n < g.o.Keys && errs[i] == nil; n = int(next.Add(1)) - 1 {
				errs[i] = g.try(ctx, &tally{}, true, func(ctx context.Context) error {
					_, err := g.clients[i%len(g.clients)].Put(ctx, g.key(n), value)
					return err
				})
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// ask is one client.
func (g *generator) ask(ctx context.Context, client int) {
	w := &worker{
		g: g, client: g.clients[client%len(g.clients)], tally: &g.tallies[client%len(g.clients)],
		rand: rand.New(rand.NewPCG(g.o.Seed, uint64(client))), value: make([]byte, g.o.ValueBytes),
	}
	for i := range w.value {
		w.value[i] = byte(w.rand.UintN(256)) // or a store would compress it away
	}
	for ctx.Err() == nil {
		n := g.next.Add(1) - 1
		if g.o.Requests > 0 && n >= g.o.Requests {
			return
		}
		due := time.Since(g.began)
		if g.o.Rate > 0 {
			due = time.Duration(float64(n) / g.o.Rate * float64(time.Second))
		}
		if due >= g.end || !sleepUntil(ctx, g.began.Add(due)) {
			return
		}
		w.request(ctx, due)
	}
}

// sleepUntil returns false if ctx ends first.
func sleepUntil(ctx context.Context, at time.Time) bool {
	d := time.Until(at)
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// tell tells progress every second, and notes the CPU time when the warm-up
// ends.
func (g *generator) tell(done <-chan struct{}, cpu *usage, progress func(Progress)) {
	warm := time.NewTimer(g.warm)
	defer warm.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var before moment
	for {
		select {
		case <-done:
			return
		case <-warm.C:
			cpu.begin()
		case <-tick.C:
			now := g.moment()
			if progress != nil {
				progress(now.since(&before))
			}
			before = now
		}
	}
}
