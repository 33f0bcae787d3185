package kv

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"althing/kv/recent"
)

// forget leaves reads nothing but the engine.
func (r *rig) forget() {
	p := *r.pub.Load()
	p.recent = new(recent.Versions)
	r.pub.Store(&p)
}

// pointsAgree compares reads of one key, as of now, with the model.
func (r *rig) pointsAgree(m *model) {
	r.t.Helper()
	for _, k := range drawnKeys {
		for _, q := range []*Range{
			{Key: []byte(k)}, {Key: []byte(k), KeysOnly: true}, {Key: []byte(k), CountOnly: true},
			{Key: []byte(k), Limit: 1}, {Key: []byte(k), Order: SortDescend}, {Key: []byte(k), MinMod: m.rev},
		} {
			if got, want := show(r.get(q)), show(m.rng(q)); got != want {
				r.t.Fatalf("%+v\n got %s\nwant %s", q, got, want)
			}
		}
	}
}

// A reader who looked at the revision before a batch was published does not
// see what the batch made, nor that it made something.
func TestRecentIsOfOneRevision(t *testing.T) {
	r := newRig(t)
	r.ok(put("a", "1"), put("b", "1"), put("gone", "1"))
	was := r.pub.Load()
	r.ok(put("a", "2"), del("gone"), put("new", "1"))
	for _, k := range []string{"a", "gone", "new"} {
		if got := was.latest(key(k)); got != nil {
			t.Errorf("%s as of revision %d: %s", k, was.meta.rev, show(got))
		}
	}
	if got := was.latest(key("b")); got == nil || string(got.KVs[0].Value) != "1" || got.Revision != was.meta.rev {
		t.Errorf("b: %+v", got)
	}
	if got := r.pub.Load().latest(key("gone")); got == nil || got.Count != 0 || len(got.KVs) != 0 {
		t.Errorf("a deleted key: %+v", got)
	}
}

// Beside a writer, what a read of one key finds is what the engine has at the
// revision that the reply names, and that is not older than the store was.
func TestRecentBesideApply(t *testing.T) {
	r := newRig(t)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for n := range 2 {
		readers.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(n), 1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				q := Range{Key: fmt.Append(nil, rnd.IntN(64))}
				least, _ := r.Revisions()
				got, err := r.Range(&q)
				if err != nil {
					t.Error(err)
					return
				}
				if q.Revision = got.Revision; q.Revision < least {
					t.Errorf("read at %d what was at %d", q.Revision, least)
				}
				want, err := r.Range(&q)
				if err != nil {
					t.Error(err)
					return
				}
				want.Revision = got.Revision
				if show(got) != show(want) {
					t.Errorf("%s at %d\n got %s\nwant %s", q.Key, q.Revision, show(got), show(want))
					return
				}
			}
		})
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for begin := time.Now(); time.Since(begin) < time.Second && !t.Failed(); {
		var cs []Command
		for range 1 + rnd.IntN(300) {
			k := fmt.Sprint(rnd.IntN(64))
			if rnd.IntN(4) == 0 {
				cs = append(cs, del(k))
			} else {
				cs = append(cs, put(k, fmt.Sprint(rnd.Uint64())))
			}
		}
		r.ok(cs...)
	}
	close(stop)
	readers.Wait()
}

// What was recent in one state is not in the state that takes its place.
func TestRecentEndsWithState(t *testing.T) {
	from, to := newRig(t), newRig(t)
	from.ok(put("a", "1"), put("a", "2"), put("b", "1"), del("b"))
	to.ok(put("a", "1"), put("b", "1"))
	if _, err := to.Stage(bytes.NewReader(from.image())); err != nil {
		t.Fatal(err)
	}
	if err := to.Load(); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"a", "b"} {
		if got, want := show(to.get(key(k))), show(from.get(key(k))); got != want {
			t.Errorf("%s\n got %s\nwant %s", k, got, want)
		}
	}
}
