package kv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"althing/process"
)

const seeds, steps = 25, 250

// draw returns a history, what becomes of each of its commands, and the model
// after it.
func draw(seed uint64) (cs []Command, want []string, m *model) {
	d := drawer{rand.New(rand.NewPCG(seed, 1)), newModel()}
	for range steps {
		c := d.command()
		cs, want = append(cs, c), append(want, d.m.do(c))
	}
	return cs, want, d.m
}

// apply feeds a history from where the store is, in batches as drawn.
func (r *rig) apply(cs []Command, want []string, most int, rnd *rand.Rand) {
	r.t.Helper()
	for at := int(r.State().Index); at < len(cs); {
		n := min(1+rnd.IntN(most), len(cs)-at)
		for i, got := range r.feed(r.entries(cs[at : at+n]...)) {
			if shown := outcome(got.Revision, got.Reply, got.Err); shown != want[at+i] {
				r.t.Fatalf("command %d, %+v\n got %s\nwant %s", at+i, cs[at+i], shown, want[at+i])
			}
		}
		at += n
	}
}

// agrees compares the store with the model at every revision, and through
// every way there is to read it.
func (r *rig) agrees(m *model, rnd *rand.Rand) {
	t := r.t
	t.Helper()
	if rev, compacted := r.Revisions(); rev != m.rev || compacted != m.compacted {
		t.Fatalf("store is at %d, compacted at %d; want %d, %d", rev, compacted, m.rev, m.compacted)
	}
	for rev := max(m.compacted, 1); rev <= m.rev; rev++ {
		q := all()
		q.Revision = rev
		if got, want := show(r.get(q)), show(m.rng(q)); got != want {
			t.Fatalf("at %d\n got %s\nwant %s", rev, got, want)
		}
		for k := range m.states[rev] {
			want := m.states[rev][k]
			if got, err := r.At([]byte(k), rev); err != nil || showKV(got) != showKV(&want) {
				t.Fatalf("%q at %d: %v, %v; want %s", k, rev, got, err, showKV(&want))
			}
		}
	}
	if m.compacted > 1 {
		q := all()
		q.Revision = m.compacted - 1
		if _, err := r.Range(q); !errors.Is(err, ErrCompacted) {
			t.Fatalf("range below the compaction: %v", err)
		}
	}
	d := drawer{rnd, m}
	for range 100 {
		q := d.rng()
		if q.Revision > 0 && q.Revision < m.compacted || q.Revision > m.rev {
			continue
		}
		if got, want := show(r.get(q)), show(m.rng(q)); got != want {
			t.Fatalf("%+v\n got %s\nwant %s", q, got, want)
		}
		r.scans(q)
	}
	r.pointsAgree(m)
	r.leasesAgree(m)
}

// scans compares a Scan with the Range it is to equal.
func (r *rig) scans(q *Range) {
	r.t.Helper()
	c, err := r.Scan(q)
	if !q.Streams() {
		if !errors.Is(err, ErrInvalidSort) {
			r.t.Fatalf("scan of %+v: %v", q, err)
		}
		return
	}
	if err != nil {
		r.t.Fatal(err)
	}
	var kvs []KeyValue
	for kv, ok := c.Next(); ok; kv, ok = c.Next() {
		kvs = append(kvs, kv)
	}
	got, err := c.Finish()
	if err != nil {
		r.t.Fatal(err)
	}
	got.KVs = kvs
	if got, want := show(got), show(r.get(q)); got != want {
		r.t.Fatalf("scan of %+v\n got %s\nwant %s", q, got, want)
	}
}

func (r *rig) leasesAgree(m *model) {
	r.t.Helper()
	ls := r.Leases()
	if len(ls) != len(m.leases) {
		r.t.Fatalf("leases %+v; want %v", ls, m.leases)
	}
	for _, l := range ls {
		if l.TTL != m.leases[l.ID] || l.Granted != m.granted[l.ID] {
			r.t.Fatalf("lease %+v; want %d, granted at %d", l, m.leases[l.ID], m.granted[l.ID])
		}
		var want []string
		for k, kv := range m.now {
			if kv.Lease == l.ID {
				want = append(want, k)
			}
		}
		slices.Sort(want)
		keys, err := r.LeaseKeys(l.ID)
		if got := fmt.Sprintf("%q", keys); err != nil || got != fmt.Sprintf("%q", want) {
			r.t.Fatalf("keys of lease %d: %s, %v; want %q", l.ID, got, err, want)
		}
	}
}

// tells compares the events with the model's, read in pieces.
func (r *rig) tells(m *model, rnd *rand.Rand) {
	r.t.Helper()
	for next := max(m.compacted, 2); next <= m.rev; {
		cs, after, err := r.Events(next, m.rev+5, rnd.IntN(300))
		if err != nil || len(cs) == 0 || after != cs[len(cs)-1].Revision+1 {
			r.t.Fatalf("events from %d: %d changes, next %d, %v", next, len(cs), after, err)
		}
		for _, c := range cs {
			var got []string
			for i := range c.Events {
				got = append(got, showEvent(&c.Events[i]))
			}
			if c.Revision != next || !slices.Equal(got, m.changes[next]) {
				r.t.Fatalf("events of %d as %d\n got %q\nwant %q", next, c.Revision, got, m.changes[next])
			}
			next++
		}
	}
}

func (r *rig) sweep() {
	r.t.Helper()
	_, compacted := r.Revisions()
	if err := r.WaitSwept(context.Background(), compacted); err != nil {
		r.t.Fatal(err)
	}
}

// TestHistories compares random histories with the model: results, reads at
// every revision and events, from memory and from disk, swept and unswept.
func TestHistories(t *testing.T) {
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			cs, want, m := draw(seed)
			rnd := rand.New(rand.NewPCG(seed, 2))
			r := newRig(t)
			r.apply(cs, want, 1+rnd.IntN(40), rnd)
			r.agrees(m, rnd)
			r.tells(m, rnd)
			before := r.hash(0)
			r.sweep()
			r.ring.reset()
			r.forget()
			r.agrees(m, rnd)
			r.tells(m, rnd)
			if after := r.hash(0); after != before {
				t.Fatalf("hash was %+v and is %+v after the sweep", before, after)
			}
			r.leavesNothing(m)
		})
	}
}

// leavesNothing makes sure that the sweeper left nothing that nobody can see, and
// that the bytes in use are those of what is left.
func (r *rig) leavesNothing(m *model) {
	r.t.Helper()
	want := map[string]bool{}
	for rev := max(m.compacted, 1); rev <= m.rev; rev++ {
		for k, kv := range m.states[rev] {
			want[fmt.Sprintf("%q %d", k, kv.Mod)] = true
		}
		if rev > m.compacted {
			for k := range m.states[rev-1] {
				if _, ok := m.states[rev][k]; !ok {
					want[fmt.Sprintf("%q %d", k, rev)] = true // a tombstone
				}
			}
		}
	}
	var bytes int64
	err := eachOf(r.pub.Load().engine.DB, tableData, func(k, v []byte) error {
		prefix, rev, tombstone := cutSuffix(k)
		key, _, _ := cutKey(nil, prefix[1:])
		if name := fmt.Sprintf("%q %d", key, rev); !want[name] {
			r.t.Errorf("%s is still there", name)
		} else {
			delete(want, name)
		}
		kv := KeyValue{Mod: rev}
		if !tombstone {
			if err := cutData(v, &kv); err != nil {
				return err
			}
		}
		bytes += int64(versionSize(key, kv.Value))
		return nil
	})
	if err != nil || len(want) > 0 {
		r.t.Fatalf("gone: %v, %v", want, err)
	}
	if _, inUse := r.Size(); inUse != bytes {
		r.t.Fatalf("in use: %d bytes, counted %d", inUse, bytes)
	}
	first := int64(0)
	if err := eachOf(r.pub.Load().engine.DB, tableEvent, func(k, _ []byte) error {
		if first == 0 {
			first = int64(binary.BigEndian.Uint64(k[1:]))
		}
		return nil
	}); err != nil || first < m.compacted {
		r.t.Fatalf("event log begins at %d, compacted at %d, %v", first, m.compacted, err)
	}
}

// canonical is all that replicas must agree on, at one point of the log.
func (r *rig) canonical() string {
	r.t.Helper()
	return fmt.Sprintf("%+v %x %+v %+v %x", r.hash(0), r.meta.append(nil), r.Leases(), r.Members(),
		r.sessions.AppendState(nil))
}

// TestBatchesDoNotMatter feeds the same history in batches of all sizes.
func TestBatchesDoNotMatter(t *testing.T) {
	for seed := range uint64(5) {
		cs, want, _ := draw(seed)
		var first string
		for _, most := range []int{1, 3, 20, steps} {
			r := newRig(t)
			r.apply(cs, want, most, rand.New(rand.NewPCG(seed, uint64(most))))
			if got := r.canonical(); first == "" {
				first = got
			} else if got != first {
				t.Fatalf("seed %d, batches up to %d:\n got %s\nwant %s", seed, most, got, first)
			}
		}
	}
}

// powerLoss returns what is on the disk after one. Either nothing that was not
// synced is there, or all of it: the storage engine relies on a directory to
// keep its entries in the order they were made, as journals do.
func powerLoss(fs *vfs.MemFS, rnd *rand.Rand) *vfs.MemFS {
	return fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100 * rnd.IntN(2), RNG: rnd})
}

// TestCrashes loses power at random points. What is found then must be a state
// the store was in, no older than the last Sync; and going on from there leads
// where it would have led.
func TestCrashes(t *testing.T) {
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			cs, want, m := draw(seed)
			rnd := rand.New(rand.NewPCG(seed, 3))
			fs := vfs.NewCrashableMem()
			r := openRig(t, fs)
			var synced process.State
			for crashes := 0; r.State().Index < steps; {
				n := min(int(r.State().Index)+1+rnd.IntN(60), steps)
				r.apply(cs[:n], want[:n], 20, rnd)
				if rnd.IntN(2) == 0 {
					var err error
					if synced, err = r.Sync(); err != nil || synced.Index != r.State().Index {
						t.Fatalf("sync: %+v, %v", synced, err)
					}
				}
				if crashes < 5 && rnd.IntN(2) == 0 {
					crashes++
					clone := powerLoss(fs, rnd)
					if err := r.Close(); err != nil {
						t.Fatal(err)
					}
					fs, r = clone, openRig(t, clone)
					if got := r.State(); got.Index < synced.Index || got.Index > uint64(n) {
						t.Fatalf("after the crash at %d: %+v, synced %+v", n, got, synced)
					}
				}
			}
			r.agrees(m, rnd)
			r.tells(m, rnd)
			r.sweep()
			r.agrees(m, rnd)
			r.leavesNothing(m)
			never := newRig(t)
			never.apply(cs, want, 20, rnd)
			if got, want := r.canonical(), never.canonical(); got != want {
				t.Fatalf("\n got %s\nwant %s", got, want)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
