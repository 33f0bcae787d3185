package kv

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"althing/kv/lease"
	"althing/process"
)

// A leasing is a store whose clock the test moves.
type leasing struct {
	*rig
	now time.Duration
}

func newLeasing(t testing.TB) *leasing {
	t.Helper()
	l := &leasing{}
	s, err := Open(Options{Dir: "store", FS: vfs.NewMem(), Group: process.Group{Voters: []process.ID{1}},
		Now: func() time.Duration { return l.now }})
	if err != nil {
		t.Fatal(err)
	}
	l.rig = &rig{s, t}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func (l *leasing) promote(extend time.Duration) {
	l.t.Helper()
	if reign := l.ok(&LeasePromote{}).Index; !l.Lessor().Promote(reign, extend) {
		l.t.Fatal("not promoted")
	}
}

// renew is KeepAlive as a server does it.
func (l *leasing) renew(id int64) error {
	_, clear, err := l.Lessor().KeepAlive(id)
	if err == nil && clear != nil {
		l.ok(clear)
	}
	return err
}

// expire decides and applies, and returns how many leases ended.
func (l *leasing) expire() int {
	l.t.Helper()
	before := len(l.Leases())
	if c := l.Lessor().Expired(); c != nil {
		l.ok(c)
	}
	return before - len(l.Leases())
}

func TestLeaseLivesItsTTL(t *testing.T) {
	l := newLeasing(t)
	l.ok(&LeaseGrant{ID: 1, TTL: 10}, &Put{Key: []byte("a"), Lease: 1})
	if _, _, err := l.Lessor().KeepAlive(1); !errors.Is(err, ErrNotLessor) {
		t.Fatal(err)
	}
	if _, err := l.Lessor().TimeToLive(1); !errors.Is(err, ErrNotLessor) {
		t.Fatal(err)
	}
	l.now = time.Hour
	if l.Lessor().Expired() != nil || l.Lessor().Checkpoint() != nil {
		t.Fatal("a follower decides nothing")
	}
	l.promote(3 * time.Second) // from now, however long nobody counted
	if left, err := l.Lessor().TimeToLive(1); err != nil || left != 13*time.Second {
		t.Fatal(left, err)
	}
	l.now += 13*time.Second - 1
	if l.expire() != 0 {
		t.Fatal("too early")
	}
	if err := l.renew(1); err != nil {
		t.Fatal(err)
	}
	l.ok(&LeaseGrant{ID: 2, TTL: 5})
	l.now += 5*time.Second - 1
	if l.expire() != 0 {
		t.Fatal("too early")
	}
	l.now++
	if err := l.renew(2); !errors.Is(err, ErrLeaseNotFound) {
		t.Fatalf("renewed when it has run out: %v", err)
	}
	if l.expire() != 1 {
		t.Fatal("the second has run out")
	}
	l.now += 5 * time.Second
	if l.expire() != 1 || l.get(key("a")).Count != 0 {
		t.Fatal("the first has run out, and its key with it")
	}
	if _, err := l.Lessor().TimeToLive(1); !errors.Is(err, ErrLeaseNotFound) {
		t.Fatal(err)
	}
	l.ok(&LeaseGrant{ID: 3, TTL: MaxTTL})
	if left, err := l.Lessor().TimeToLive(3); err != nil || left < 1000*time.Hour {
		t.Fatal(left, err)
	}
}

// A decision is good for one reign and one life of the lease.
func TestOldDecisionsAreVoid(t *testing.T) {
	l := newLeasing(t)
	l.ok(&LeaseGrant{ID: 1, TTL: 10})
	l.promote(0)
	l.now += 10 * time.Second
	old := l.Lessor().Expired()
	if old == nil {
		t.Fatal("nothing decided")
	}
	if err := l.renew(1); !errors.Is(err, ErrLeaseNotFound) {
		t.Fatalf("renewed after the decision: %v", err)
	}
	l.promote(0)
	if err := l.renew(1); err != nil {
		t.Fatal(err)
	}
	if got := l.do(old); !errors.Is(got.Err, ErrStale) || len(l.Leases()) != 1 {
		t.Fatalf("a decision of the reign before: %+v", got)
	}
	l.now += 10 * time.Second
	of := l.Lessor().Expired()
	l.ok(&LeaseRevoke{IDs: []int64{1}}, &LeaseGrant{ID: 1, TTL: 10})
	if got := l.do(of); got.Err != nil || len(l.Leases()) != 1 {
		t.Fatalf("a decision about an earlier lease of that ID: %+v", got)
	}
}

func TestReigns(t *testing.T) {
	l := newLeasing(t)
	first := l.ok(&LeasePromote{}).Index
	l.ok(&LeaseGrant{ID: 1, TTL: 10})
	second := l.ok(&LeasePromote{}).Index
	if l.Lessor().Promote(first, 0) || l.Lessor().Promote(0, 0) {
		t.Fatal("a reign that is over, or none, was begun")
	}
	if !l.Lessor().Promote(second, 0) {
		t.Fatal("the present reign was not begun")
	}
	l.ok(&LeasePromote{}) // another's
	if err := l.renew(1); !errors.Is(err, ErrNotLessor) {
		t.Fatalf("renewed in another's reign: %v", err)
	}
	l.promote(0)
	l.Lessor().Demote()
	if err := l.renew(1); !errors.Is(err, ErrNotLessor) {
		t.Fatalf("renewed when demoted: %v", err)
	}
	l.ok(&LeaseRevoke{IDs: []int64{1}}) // must not look for a deadline
}

func TestExpiryIsRepeatedAndBounded(t *testing.T) {
	l := newLeasing(t)
	var cs []Command
	for id := range int64(2500) {
		cs = append(cs, &LeaseGrant{ID: id + 1, TTL: 1})
	}
	l.ok(cs...)
	l.promote(0)
	l.now += time.Second
	first := l.Lessor().Expired()
	if len(first.Leases) != lease.ExpiryRate || l.Lessor().Expired() != nil {
		t.Fatalf("%d decided at once", len(first.Leases))
	}
	l.now += 500 * time.Millisecond
	if c := l.Lessor().Expired(); len(c.Leases) != lease.ExpiryRate/2 {
		t.Fatalf("%d decided in half a second", len(c.Leases))
	}
	seen := map[int64]int{}
	for range 40 { // none of it takes effect: all is decided again
		l.now += 500 * time.Millisecond
		if c := l.Lessor().Expired(); c != nil {
			for _, e := range c.Leases {
				seen[e.ID]++
			}
		}
	}
	if len(seen) != 2500 {
		t.Fatalf("%d of 2500 decided", len(seen))
	}
	for range 10 {
		l.now += time.Second
		l.expire()
	}
	if n := len(l.Leases()); n != 0 {
		t.Fatalf("%d leases are left", n)
	}
}

func TestCheckpoints(t *testing.T) {
	l := newLeasing(t)
	l.ok(&LeaseGrant{ID: 1, TTL: 1000}, &LeaseGrant{ID: 2, TTL: 1000})
	l.promote(0)
	if l.Lessor().Checkpoint() != nil {
		t.Fatal("a checkpoint too early")
	}
	l.now += lease.CheckpointInterval + 500*time.Millisecond
	c := l.Lessor().Checkpoint()
	if c == nil || len(c.Leases) != 2 || c.Leases[0].TTL != 700 { // rounded up
		t.Fatalf("%+v", c)
	}
	// Renewed while its checkpoint is on its way: the renewal must win, in
	// whatever order the two are logged.
	_, clear, err := l.Lessor().KeepAlive(1)
	if err != nil || clear == nil {
		t.Fatalf("%+v, %v", clear, err)
	}
	l.ok(clear)
	if got := l.do(c); !errors.Is(got.Err, ErrStale) {
		t.Fatalf("an overtaken checkpoint: %+v", got)
	}
	if _, clear, err := l.Lessor().KeepAlive(1); err != nil || clear != nil {
		t.Fatalf("nothing is left to clear: %+v, %v", clear, err)
	}
	l.now += lease.CheckpointInterval
	c = l.Lessor().Checkpoint()
	l.ok(c)
	if lease, _ := l.Lease(2); lease.Remaining != 400 {
		t.Fatalf("%+v", lease)
	}
	_, clear, err = l.Lessor().KeepAlive(2)
	if err != nil || clear == nil {
		t.Fatalf("%+v, %v", clear, err)
	}
	old := l.meta.reign
	l.promote(0) // the clear was lost, and the client was not told
	if left, err := l.Lessor().TimeToLive(2); err != nil || left != 400*time.Second {
		t.Fatal(left, err)
	}
	stale := &LeaseCheckpoint{Reign: old, Seq: 100, Leases: []Remaining{{ID: 1, Granted: 1, TTL: 1}}}
	if got := l.do(stale); !errors.Is(got.Err, ErrStale) {
		t.Fatalf("a checkpoint of the reign before: %+v", got)
	}
	other := &LeaseCheckpoint{Reign: l.meta.reign, Seq: 1, Leases: []Remaining{{ID: 1, Granted: 77, TTL: 1}}}
	l.ok(other)
	if lease, _ := l.Lease(1); lease.Remaining == 1 {
		t.Fatal("a checkpoint of an earlier lease of that ID took effect")
	}
}

// TestNeverShorter plays clients, leaders and a lossy, reordering log at random:
// no lease may end sooner than its TTL after the last renewal that its client
// was told of.
func TestNeverShorter(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		l := newLeasing(t)
		ttl := map[int64]int64{1: 2, 2: 400, 3: 900, 4: 3000}
		told := map[int64]time.Duration{}
		for id := range int64(4) {
			l.ok(&LeaseGrant{ID: id + 1, TTL: ttl[id+1]})
			told[id+1] = l.now
		}
		type pending struct {
			c       Command
			renewed int64 // the lease whose client is told if c is applied
			at      time.Duration
		}
		var flying []pending
		ended := 0
		for range 400 {
			switch n := rnd.IntN(100); {
			case n < 10:
				l.promote(time.Duration(rnd.IntN(3)) * time.Second)
			case n < 15:
				l.Lessor().Demote()
			case n < 40:
				l.now += time.Duration(rnd.IntN(int(200 * time.Second)))
			case n < 65:
				id := rnd.Int64N(4) + 1
				if _, clear, err := l.Lessor().KeepAlive(id); err == nil && clear == nil {
					told[id] = l.now
				} else if err == nil {
					flying = append(flying, pending{clear, id, l.now})
				}
			case n < 75:
				if c := l.Lessor().Expired(); c != nil {
					flying = append(flying, pending{c: c})
				}
			case n < 85:
				if c := l.Lessor().Checkpoint(); c != nil {
					flying = append(flying, pending{c: c})
				}
			case len(flying) > 0:
				i := rnd.IntN(len(flying))
				p := flying[i]
				flying = append(flying[:i], flying[i+1:]...)
				if rnd.IntN(5) == 0 {
					break // lost
				}
				got := l.do(p.c)
				if got.Err == nil && p.renewed != 0 {
					told[p.renewed] = max(told[p.renewed], p.at)
				}
			}
			for id, at := range told {
				if _, ok := l.Lease(id); ok {
					continue
				}
				if l.now < at+time.Duration(ttl[id])*time.Second {
					t.Fatalf("seed %d: lease %d of %d s, renewed at %v, had ended at %v", seed, id, ttl[id], at, l.now)
				}
				ended++
				l.ok(&LeaseGrant{ID: id, TTL: ttl[id]})
				told[id] = l.now
			}
		}
		if seed == 0 && ended == 0 {
			t.Fatal("no lease ended: nothing was tested")
		}
	}
}
