package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Every duration lies in its slot, no more than a part in 128 below its end,
// and slots follow one another without gaps.
func TestSlots(t *testing.T) {
	for s := range slots - 1 {
		end := longest(s)
		if slotOf(end) != s || slotOf(end+1) != s+1 {
			t.Fatalf("slot %d ends at %d, which is in %d; the next in %d", s, end, slotOf(end), slotOf(end+1))
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		d := time.Duration(r.Uint64() >> (22 + r.IntN(42)))
		if end := longest(slotOf(d)); end < d || end-d > d/sub {
			t.Fatalf("%d is counted as %d", d, end)
		}
	}
	if slotOf(-1) != 0 || slotOf(1<<62) != slots-1 {
		t.Error("what is out of range is not counted at the ends")
	}
}

// Quantiles agree with those of the sorted list.
func TestQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 3, 10, 999, 5000} {
		var h, a, b Histogram
		var list []time.Duration
		for i := range n {
			d := time.Duration(r.ExpFloat64() * 1e6)
			list = append(list, d)
			h.Add(d)
			if i%2 == 0 {
				a.Add(d)
			} else {
				b.Add(d)
			}
		}
		slices.Sort(list)
		a.Merge(&b)
		if a != h {
			t.Fatal("two merged are not the whole")
		}
		for _, q := range []float64{0, .5, .9, .99, .999, 1} {
			rank := min(max(int(q*float64(n)+.5), 1), n)
			want := list[rank-1]
			if got := h.Quantile(q); got < want || got-want > want/sub+1 {
				t.Errorf("n=%d q=%g: %d, want %d", n, q, got, want)
			}
		}
	}
	var none Histogram
	if none.Quantile(.5) != 0 || none.Mean() != 0 || none.Max() != 0 {
		t.Error("an empty histogram says something")
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{}, "endpoints"},
		{Options{Workload: "scan"}, `there is no "scan"`},
		{Options{Clients: -1}, "clients"},
		{Options{Connections: 1001}, "connections"},
		{Options{Rate: -1}, "rate"},
		{Options{KeyBytes: 3}, "key bytes"},
		{Options{ValueBytes: 7}, "value bytes"},
		{Options{Reads: 1.1}, "reads"},
		{Options{Duration: -1}, "duration"},
		{Options{Timeout: time.Nanosecond}, "timeout"},
	} {
		if c.want != "endpoints" {
			c.o.Endpoints = []string{"x"}
		}
		if err := c.o.complete(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
	o := Options{Endpoints: []string{"x"}}
	if err := o.complete(); err != nil {
		t.Error(err)
	}
}

// What may have taken effect is not asked for again, unless it only reads.
func TestRetries(t *testing.T) {
	for _, c := range []struct {
		err         error
		read, write bool // is it tried again?
	}{
		{rpctypes.ErrGRPCNoLeader, true, true},
		{rpctypes.ErrNoLeader, true, true},
		{rpctypes.ErrGRPCRequestTooManyRequests, true, true},
		{rpctypes.ErrGRPCTimeout, true, false},
		{rpctypes.ErrTimeoutDueToLeaderFail, true, false},
		{status.Error(codes.Unavailable, "connection reset"), true, false},
		{rpctypes.ErrGRPCNoSpace, false, false},
		{rpctypes.ErrGRPCEmptyKey, false, false},
		{context.DeadlineExceeded, false, false},
		{errors.New("odd"), false, false},
	} {
		for _, read := range []bool{true, false} {
			g := &generator{o: Options{Timeout: time.Minute}}
			calls, tl := 0, &tally{}
			err := g.try(t.Context(), tl, read, func(context.Context) error {
				if calls++; calls == 1 {
					return c.err
				}
				return nil
			})
			again := read && c.read || !read && c.write
			if (calls == 2) != again || (err == nil) != again || tl.retries != uint64(calls-1) {
				t.Errorf("%v, read %t: %d calls, %d retries, %v", c.err, read, calls, tl.retries, err)
			}
		}
	}
}

// A request that waits for a free client is late by that wait: nothing that
// the server holds up is left out.
func TestLatencyCountsFromWhenDue(t *testing.T) {
	var tl tally
	const ms = time.Millisecond
	tl.add(opPut, 100*ms, 350*ms, 360*ms, 50*ms, nil)
	tl.add(opPut, 40*ms, 40*ms, 360*ms, 50*ms, nil) // of the warm-up
	tl.add(opPut, 100*ms, 100*ms, 360*ms, 50*ms, rpctypes.ErrTimeout)
	s := &tl.series[opPut]
	if s.latency.Count() != 1 || s.latency.Max() != 260*ms || s.service.Max() != 10*ms {
		t.Errorf("%d counted, latency %v, service %v", s.latency.Count(), s.latency.Max(), s.service.Max())
	}
	if got := fmt.Sprint(s.errors); got != "map[etcdserver: request timed out:1]" {
		t.Error(got)
	}
}

func TestParseStat(t *testing.T) {
	const good = "7 (a) b ) R 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0"
	if d, err := parseStat(good); err != nil || d != 3*time.Second {
		t.Error(d, err)
	}
	for _, bad := range []string{"", "7 (x) R 1", "no brackets", strings.Replace(good, "250", "x", 1)} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	if d, err := cpuTime(0); err != nil || d < 0 {
		t.Error(d, err)
	}
}

func TestText(t *testing.T) {
	r := Report{Workload: Put, Clients: 2, Connections: 1, Rate: 10, KeyBytes: 24, ValueBytes: 256, Seconds: 3,
		Series: []Series{{Operation: "put", Count: 30, Throughput: 10, Errors: map[string]uint64{"lost": 2}}},
		CPU:    []CPU{{Name: "generator", Cores: .5, MicrosPer: 20}}}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil || r.Failed() != 2 {
		t.Error(err, r.Failed())
	}
	for _, want := range []string{"10/s asked for", "p99.9", "put failed 2 times: lost", "once sent", "0.50 cores"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}
