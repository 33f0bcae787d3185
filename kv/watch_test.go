package kv

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestEventBounds(t *testing.T) {
	r := newRig(t)
	for i := range 9 {
		r.ok(put("a", fmt.Sprint(i)))
	}
	r.ok(&Compact{Revision: 5})
	r.sweep()
	for _, disk := range []bool{false, true} {
		if disk {
			r.ring.reset()
		}
		for _, c := range []struct {
			from, to    int64
			bytes       int
			first, next int64 // 0: no changes
			err         error
		}{
			{from: 4, to: 10, bytes: 1, next: 4, err: ErrCompacted},
			{from: 0, to: 10, bytes: 1, next: 2, err: ErrCompacted},
			{from: 5, to: 10, bytes: 1 << 20, first: 5, next: 11}, // the watermark itself
			{from: 5, to: 10, bytes: 0, first: 5, next: 6},        // at least one revision
			{from: 6, to: 7, bytes: 1 << 20, first: 6, next: 8},
			{from: 10, to: 99, bytes: 1 << 20, first: 10, next: 11},
			{from: 11, to: 99, bytes: 1, next: 11}, // not yet
			{from: 50, to: 99, bytes: 1, next: 50},
			{from: 8, to: 7, bytes: 1, next: 8},
		} {
			cs, next, err := r.Events(c.from, c.to, c.bytes)
			if !errors.Is(err, c.err) || next != c.next || (len(cs) > 0) != (c.first > 0) ||
				len(cs) > 0 && cs[0].Revision != c.first {
				t.Errorf("disk %v, %d..%d: %d changes, next %d, %v", disk, c.from, c.to, len(cs), next, err)
			}
		}
	}
}

func TestRingForgets(t *testing.T) {
	r := newRig(t)
	big := make([]byte, ringBytes/4)
	for range 8 {
		r.ok(&Put{Key: []byte("a"), Value: big})
	}
	if r.ring.bytes > ringBytes || r.ring.between(2, 9, 1) != nil || len(r.ring.between(9, 9, 1)) != 1 {
		t.Fatalf("the ring holds %d bytes", r.ring.bytes)
	}
	cs, next, err := r.Events(2, 9, len(big)+1)
	if err != nil || len(cs) != 2 && len(cs) != 1 || next != cs[len(cs)-1].Revision+1 {
		t.Fatalf("%d changes, next %d, %v", len(cs), next, err)
	}
	for range ringLength + 10 {
		r.ok(put("b", ""))
	}
	if len(r.ring.cs) != ringLength {
		t.Fatalf("the ring holds %d changes", len(r.ring.cs))
	}
}

// TestReadersBesideWriters: while the store is written, compacted, swept,
// flushed and replaced, each reader sees one revision and each watcher all of
// them, in order. Every revision puts its own number into both keys, so that a
// mixture would show.
func TestReadersBesideWriters(t *testing.T) {
	const last = 3000
	r := openRig(t, vfs.NewMem())
	var wg sync.WaitGroup
	failed := make(chan error, 16)
	fail := func(format string, args ...any) {
		select {
		case failed <- fmt.Errorf(format, args...):
		default:
		}
	}
	r.ok(txn(put("a", "2"), put("b", "2")))
	for w := range 2 {
		wg.Go(func() { r.watch(last, fail) })
		wg.Go(func() { r.reads(last, uint64(w), fail) })
	}
	wg.Go(func() {
		for r.rev() < last {
			if _, err := r.Sync(); err != nil {
				fail("sync: %w", err)
			}
		}
	})
	rnd := rand.New(rand.NewPCG(1, 1))
	for rev := int64(3); rev <= last; {
		var cs []Command
		for range min(1+rnd.Int64N(20), last+1-rev) {
			v := fmt.Sprint(rev)
			cs = append(cs, txn(put("a", v), put("b", v)))
			rev++
		}
		if rnd.IntN(4) == 0 {
			cs = append(cs, &Compact{Revision: rev - 1 - rnd.Int64N(3)})
		}
		r.do(cs...)
		if rnd.IntN(20) == 0 {
			img, err := r.Image()
			if err != nil {
				t.Fatal(err)
			}
			if err := r.reload(img); err != nil {
				t.Fatal(err)
			}
		}
	}
	wg.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// watch follows the store to a revision, from wherever it begins or was
// compacted to.
func (r *rig) watch(last int64, fail func(string, ...any)) {
	for next := int64(2); next <= last; {
		_, later := r.Changed()
		cs, after, err := r.Events(next, last, 1000)
		switch {
		case errors.Is(err, ErrCompacted):
			_, next = r.Revisions()
			continue
		case err != nil:
			fail("events from %d: %w", next, err)
			return
		case len(cs) == 0:
			select {
			case <-later:
			case <-time.After(20 * time.Second):
				fail("no news of revision %d, store at %d", next, r.rev())
				return
			}
		}
		for _, c := range cs {
			v := fmt.Sprint(c.Revision)
			if c.Revision != next || len(c.Events) != 2 || string(c.Events[0].KV.Value) != v ||
				string(c.Events[1].KV.Value) != v {
				fail("change of %d for %d: %+v", c.Revision, next, c)
				return
			}
			next++
		}
		if next != after {
			fail("next is %d after %d", after, next-1)
			return
		}
	}
}

func (r *rig) reads(last int64, seed uint64, fail func(string, ...any)) {
	rnd := rand.New(rand.NewPCG(seed, 9))
	for seen := int64(0); seen < last; {
		q := all()
		if rnd.IntN(2) == 0 {
			_, q.Revision = r.Revisions()
		}
		got, err := r.Range(q)
		if errors.Is(err, ErrCompacted) && q.Revision > 0 {
			continue
		}
		if err != nil {
			fail("range at %d: %w", q.Revision, err)
			return
		}
		at := q.Revision
		if at == 0 {
			at = got.Revision
		}
		if v := fmt.Sprint(at); len(got.KVs) != 2 || string(got.KVs[0].Value) != v || string(got.KVs[1].Value) != v {
			fail("range at %d: %s", at, show(got))
			return
		}
		if got.Revision < seen {
			fail("revision %d after %d", got.Revision, seen)
			return
		}
		seen = got.Revision
		if _, err := r.HashKV(0); err != nil {
			fail("hash: %w", err)
			return
		}
	}
}

func TestWaitSwept(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.WaitSwept(ctx, 2); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	var cs []Command
	for i := range 5 * sweepStep { // several steps
		cs = append(cs, put("a", fmt.Sprint(i)))
	}
	r.ok(append(cs, &Compact{Revision: 5 * sweepStep})...)
	r.sweep()
	if n := r.count(tableData); n != 2 {
		t.Fatalf("%d versions are left", n)
	}
	if n := r.count(tableEvent); n != 2 {
		t.Fatalf("%d revisions are left in the event log", n)
	}
}

func (r *rig) count(table byte) (n int) {
	if err := eachOf(r.pub.Load().engine.DB, table, func(_, _ []byte) error {
		n++
		return nil
	}); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// A step of the sweeper and its record are one: a crash between steps repeats
// nothing and leaves nothing out.
func TestSweepCrashes(t *testing.T) {
	for seed := range uint64(6) {
		cs, want, m := draw(seed)
		rnd := rand.New(rand.NewPCG(seed, 6))
		fs := vfs.NewCrashableMem()
		r := openRig(t, fs)
		r.apply(cs, want, 20, rnd)
		hash := r.hash(0)
		for range 3 {
			if _, err := r.Sync(); err != nil { // wherever the sweeper is
				t.Fatal(err)
			}
			clone := powerLoss(fs, rnd)
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			fs, r = clone, openRig(t, clone)
			if got := r.hash(0); got != hash {
				t.Fatalf("%+v, was %+v", got, hash)
			}
		}
		r.sweep()
		r.leavesNothing(m)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A reader that is overtaken, between its look at the present and its
// snapshot, by a compaction and the sweep must not miss what was removed.
func TestOvertakenReader(t *testing.T) {
	r := newRig(t)
	r.ok(put("a", "1"))
	p, err := r.pin()
	if err != nil {
		t.Fatal(err)
	}
	r.ok(put("a", "2"), &Compact{Revision: 3})
	r.sweep()
	v, done := r.viewOf(p)
	if _, err := v.at(2); !errors.Is(err, ErrCompacted) {
		t.Errorf("what is swept may be asked for: %v", err)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
}

// Watchers see nothing that readers do not yet see.
func TestEventsWaitForReaders(t *testing.T) {
	r := newRig(t)
	r.ok(put("a", "1"))
	r.ring.add([]Change{{Revision: 3, Events: make([]Event, 1)}})
	if cs, next, err := r.Events(2, 9, 1<<20); err != nil || len(cs) != 1 || next != 3 {
		t.Fatalf("%+v, next %d, %v", cs, next, err)
	}
}
