package feed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"althing/kv"
	"althing/process"
)

// A source is a store that is written to directly.
type source struct {
	t     testing.TB
	store *kv.Store
}

func newSource(t testing.TB) *source {
	s, err := kv.Open(kv.Options{
		Dir: "kv", FS: vfs.NewMem(), Group: process.Group{Voters: []process.ID{1}},
		CacheBytes: 1 << 20, MemTableBytes: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &source{t, s}
}

func (s *source) apply(cs ...kv.Command) {
	s.t.Helper()
	var es []process.Entry
	last := s.store.State().Index
	for i, c := range cs {
		es = append(es, process.Entry{
			Epoch: 1, Index: last + uint64(i) + 1, Req: process.Request{Cmd: kv.Encode(c)},
		})
	}
	s.store.Apply(es, func(_ int, r any) {
		if err := r.(*kv.Result).Err; err != nil {
			s.t.Error(err)
		}
	})
}

func (s *source) put(key, value string) { s.apply(&kv.Put{Key: []byte(key), Value: []byte(value)}) }

// seen is all that a watcher was given, as text.
type seen map[*Watcher][]string

func (s seen) add(given []Given) {
	for _, g := range given {
		for _, it := range g.Items {
			s[g.Watcher] = append(s[g.Watcher], text(it.Event))
		}
	}
}

func text(e *mvccpb.Event) string {
	return fmt.Sprintf("%d %s %s=%s", e.Kv.ModRevision, e.Type, e.Kv.Key, e.Kv.Value)
}

// drain gives a reader all there is, and returns how far that is.
func drain(t testing.TB, r *Reader, to seen, rev int64) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		given, upTo := r.Take()
		to.add(given)
		if upTo >= rev && r.AllReached(upTo) {
			return
		}
		missed, gone, _, err := r.CatchUp(context.Background())
		if err != nil || len(gone) > 0 {
			t.Fatalf("gone %d, error %v", len(gone), err)
		}
		to.add(missed)
		if time.Now().After(deadline) {
			t.Fatalf("never reached revision %d", rev)
		}
	}
}

// history returns the events from revision from on that w is to see.
func (s *source) history(w *Watcher, from int64) (all []string) {
	s.t.Helper()
	rev, _ := s.store.Revisions()
	for next := from; next <= rev; {
		cs, n, err := s.store.Events(next, rev, 1<<20)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, c := range cs {
			for i := range c.Events {
				if e := &c.Events[i]; w.Span.has(e.KV.Key) && !w.leavesOut(e) {
					all = append(all, text(newItem(e).Event))
				}
			}
		}
		next = n
	}
	return all
}

// TestWatchersSeeTheirHistory is what watching is about: whenever a watcher
// began, however slow its client, whatever it shares a reader with, it is given
// every event of its keys once and in order.
func TestWatchersSeeTheirHistory(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			s := newSource(t)
			h := NewHub(s.store)
			ctx, stop := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() { h.Run(ctx); close(done) }()
			defer func() { stop(); <-done }()

			key := func() []byte { return []byte{byte('a' + rnd.IntN(6))} }
			var readers []*Reader
			for range 3 {
				readers = append(readers, h.NewReader(1+rnd.IntN(400))) // a few events fill it
			}
			from, to := map[*Watcher]int64{}, seen{}
			for step := range 300 {
				r := readers[rnd.IntN(len(readers))]
				switch rnd.IntN(10) {
				case 0: // watch: the past, the present, or the future
					rev, _ := s.store.Revisions()
					w := &Watcher{ID: int64(step), NoPut: rnd.IntN(8) == 0, NoDelete: rnd.IntN(8) == 0}
					w.Span = SpanOf(key(), [][]byte{nil, {0}, []byte("z")}[rnd.IntN(3)])
					from[w] = max(1, rev-20+rnd.Int64N(40))
					r.Watch(w, from[w])
				case 1:
					given, _ := r.Take()
					to.add(given)
				case 2:
					missed, _, _, err := r.CatchUp(ctx)
					if err != nil {
						t.Fatal(err)
					}
					to.add(missed)
				case 3:
					s.apply(&kv.DeleteRange{Key: key(), End: []byte("e")})
				case 4:
					s.apply(&kv.Txn{Then: []kv.Op{
						&kv.Put{Key: []byte("a"), Value: key()}, &kv.Put{Key: []byte("c")},
						&kv.DeleteRange{Key: []byte("e"), End: []byte{0}},
					}})
				default:
					s.put(string(key()), fmt.Sprint(step))
				}
			}
			for rev := int64(0); rev < 400; rev, _ = s.store.Revisions() {
				s.put("a", "to overtake those who wait for the future")
			}
			rev, _ := s.store.Revisions()
			for _, r := range readers {
				drain(t, r, to, rev)
			}
			for w, start := range from {
				want := s.history(w, start)
				if got := to[w]; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("%+v from %d saw\n%v, not\n%v", w.Span, start, got, want)
				}
			}
		})
	}
}

// A reader that is never emptied holds a bounded number of bytes, whatever
// happens.
func TestSlowReaderIsBounded(t *testing.T) {
	s := newSource(t)
	h := NewHub(s.store)
	r := h.NewReader(10_000)
	ws := []*Watcher{{ID: 1, Span: SpanOf(nil, []byte{0})}, {ID: 2, Span: SpanOf([]byte("k"), nil)}}
	for _, w := range ws {
		r.Watch(w, 2)
	}
	to := seen{}
	drain(t, r, to, 1)
	for i := range 400 {
		s.put("k", fmt.Sprintf("%0900d", i))
		rev, _ := s.store.Revisions()
		h.give(rev)
	}
	if r.bytes > 10_000 || r.lag != 2 {
		t.Fatalf("%d bytes wait, %d watchers are behind", r.bytes, r.lag)
	}
	if len(h.index.all()) > 0 {
		t.Fatal("the hub still serves who cannot follow")
	}
	drain(t, r, to, 401)
	for _, w := range ws {
		if fmt.Sprint(to[w]) != fmt.Sprint(s.history(w, 2)) {
			t.Fatalf("watcher %d saw %d events", w.ID, len(to[w]))
		}
	}
}

// A cursor below the compaction is gone; one at it, or above, is not, even if
// the hub itself was overtaken.
func TestCompacted(t *testing.T) {
	s := newSource(t)
	h := NewHub(s.store)
	r := h.NewReader(1 << 20)
	synced := &Watcher{ID: 1, Span: SpanOf([]byte("k"), nil)}
	r.Watch(synced, 2)
	drain(t, r, seen{}, 1)
	for i := range 10 {
		s.put("k", fmt.Sprint(i)) // revisions 2 to 11
	}
	s.apply(&kv.Compact{Revision: 8})
	late, good := &Watcher{ID: 2, Span: synced.Span}, &Watcher{ID: 3, Span: synced.Span}
	future := &Watcher{ID: 4, Span: synced.Span}
	r.Watch(future, 13)
	if !h.enter(future) {
		t.Fatal("the future is not behind")
	}
	r.Watch(late, 7)
	r.Watch(good, 8)
	h.give(11) // from 2: compacted
	lost := map[*Watcher]bool{}
	to := seen{}
	for range 20 {
		given, gone, _, err := r.CatchUp(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		to.add(given)
		for _, w := range gone {
			lost[w] = true
			r.Forget(w)
		}
	}
	if !lost[synced] || !lost[late] || lost[good] || lost[future] {
		t.Fatalf("lost: %v", lost)
	}
	if fmt.Sprint(to[good]) != fmt.Sprint(s.history(good, 8)) {
		t.Fatalf("saw %v", to[good])
	}
	s.put("k", "12, which it is not to see")
	h.give(12)
	if given, _ := r.Take(); len(given) != 1 || given[0].Watcher != good {
		t.Fatalf("given: %v", given)
	}
}

// Reached is a promise: nothing up to there is still to come. One that begins
// in the future has promised nothing.
func TestReached(t *testing.T) {
	s := newSource(t)
	h := NewHub(s.store)
	r := h.NewReader(1 << 20)
	w, future := &Watcher{ID: 1, Span: SpanOf([]byte("k"), nil)}, &Watcher{ID: 2, Span: SpanOf([]byte("k"), nil)}
	r.Watch(w, 2)
	drain(t, r, seen{}, 1)
	r.Watch(future, 5)
	for _, _, more, _ := r.CatchUp(context.Background()); more; {
		_, _, more, _ = r.CatchUp(context.Background())
	}
	s.put("k", "at 2")
	if _, upTo := r.Take(); upTo != 1 {
		t.Fatalf("reached %d, which the hub has not given", upTo)
	}
	h.give(2)
	given, upTo := r.Take()
	if upTo != 2 || len(given) != 1 || !r.Reached(w, upTo) || r.Reached(future, upTo) || r.AllReached(upTo) {
		t.Fatalf("reached %d with %d given", upTo, len(given))
	}
	late := &Watcher{ID: 3, Span: SpanOf([]byte("k"), nil)}
	r.Watch(late, 1)
	if r.Reached(late, upTo) {
		t.Fatal("one that is behind has not reached it")
	}
}

func TestPrevious(t *testing.T) {
	s := newSource(t)
	for _, v := range []string{"1", "2"} {
		s.put("k", v) // 2, 3
	}
	s.apply(&kv.DeleteRange{Key: []byte("k")}) // 4
	s.put("k", "3")                            // 5
	s.put("k", "4")                            // 6
	s.apply(&kv.Compact{Revision: 3})
	cs, _, err := s.store.Events(3, 6, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "2", "", "3"} { // at 3 it is compacted, at 5 there is none
		e, err := newItem(&cs[i].Events[0]).WithPrevious(s.store)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(e.GetPrevKv().GetValue()); got != want {
			t.Errorf("revision %d replaced %q, want %q", cs[i].Revision, got, want)
		}
	}
}

// TestReachedUnderWay: what Take promises holds while the hub is at work, for
// one who follows, one who cannot, and one who comes late.
func TestReachedUnderWay(t *testing.T) {
	s := newSource(t)
	h := NewHub(s.store)
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { h.Run(ctx) })
	defer work.Wait()
	defer stop()
	const last = 6000
	work.Go(func() {
		for rev := int64(1); rev < last; rev, _ = s.store.Revisions() {
			s.put("k", "a value of some length, so that a few of them fill the reader")
		}
	})
	r := h.NewReader(4000)
	ws := []*Watcher{{ID: 1, Span: SpanOf([]byte("k"), nil)}, {ID: 2, Span: SpanOf(nil, []byte{0})}}
	r.Watch(ws[0], 2)
	promised, seen := map[*Watcher]int64{}, map[*Watcher]int64{ws[0]: 1, ws[1]: 1}
	check := func(given []Given) {
		for _, g := range given {
			for _, it := range g.Items {
				switch rev := it.Revision(); {
				case rev <= promised[g.Watcher]:
					t.Fatalf("%d came after everything up to %d was promised", rev, promised[g.Watcher])
				case rev != seen[g.Watcher]+1:
					t.Fatalf("%d came after %d", rev, seen[g.Watcher])
				}
				seen[g.Watcher] = it.Revision()
			}
		}
	}
	for seen[ws[0]] < last || seen[ws[1]] < last {
		given, upTo := r.Take()
		check(given)
		for _, w := range ws {
			if w.reader != nil && r.Reached(w, upTo) {
				promised[w] = upTo
			}
		}
		if upTo > last/2 && ws[1].reader == nil {
			r.Watch(ws[1], 2)
		}
		missed, gone, more, err := r.CatchUp(ctx)
		if err != nil || len(gone) > 0 {
			t.Fatal(gone, err)
		}
		check(missed)
		if len(given) == 0 && !more {
			r.Await(upTo)
			select {
			case <-r.Wake():
			case <-time.After(20 * time.Second):
				t.Fatalf("nothing more after %v", seen)
			}
		}
	}
}
