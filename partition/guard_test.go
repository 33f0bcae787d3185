package partition

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestGuard names each way to be refused, and the one way to be served.
func TestGuard(t *testing.T) {
	old := must[*Directory](t)(NewDirectory().Assign("n1", "a", "b"))                      // version 2
	moved := must[*Directory](t)(old.Assign("n2", "a"))                                    // 3
	newer := must[*Directory](t)(moved.Assign("n1", "c"))                                  // 4
	again := must[*Directory](t)(must[*Directory](t)(newer.Remove("b")).Assign("n1", "x")) // 6
	for _, c := range []struct {
		what  string
		m     Map
		now   time.Duration
		key   string
		epoch uint64
		want  error
	}{
		{"the owner, the epoch, the lease", old, 9, "a", 2, nil},
		{"what did not change keeps its epoch", newer, 9, "b", 2, nil},
		{"no map", nil, 0, "a", 2, ErrLease},
		{"the lease is out", old, 10, "a", 2, ErrLease},
		{"a client's map is old, and the partition elsewhere", moved, 9, "a", 2, ErrStale},
		{"a client's map is newer", old, 9, "a", 3, ErrBehind},
		{"another node's", moved, 9, "a", 3, ErrOwner},
		{"no such partition", old, 9, "x", 2, ErrUnknown},
		{"made after the node's map", old, 9, "c", 4, ErrBehind},
		{"removed", again, 9, "b", 2, ErrUnknown},
		{"no epoch at all", old, 9, "a", 0, ErrStale},
		{"an epoch that the partition never had", newer, 9, "b", 4, ErrStale},
	} {
		g := must[*Guard](t)(NewGuard("n1"))
		if c.m != nil {
			if err := g.Learn(c.m, 10); err != nil {
				t.Fatal(err)
			}
		}
		err := g.Admit(c.now, c.key, c.epoch)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
		var r *Refusal
		if err != nil && (!errors.As(err, &r) || r.Key != c.key || r.Epoch != c.epoch) {
			t.Errorf("%s: %#v", c.what, err)
		}
	}
}

// Trap: a stale cache must be rejected by version, not served; and what it is told
// is enough to find the owner.
func TestAStaleCacheIsRefusedAndToldWhereToGo(t *testing.T) {
	before := must[*Ranges](t)(NewRanges("n1"))
	split := must[*Ranges](t)(before.Split("m"))
	after := must[*Ranges](t)(split.Move("m", "n2"))
	guards := map[string]*Guard{}
	for _, node := range []string{"n1", "n2"} {
		guards[node] = must[*Guard](t)(NewGuard(node))
		if err := guards[node].Learn(after, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"a", "m", "z"} {
		for _, cache := range []Map{before, split} {
			place, _ := cache.Locate(key)
			err := guards[place.Node].Admit(0, key, place.Epoch)
			if now := after.Find(key); now.Epoch == place.Epoch {
				if err != nil {
					t.Errorf("%q with epoch %d: %v", key, place.Epoch, err)
				}
				continue
			}
			var r *Refusal
			if !errors.Is(err, ErrStale) || !errors.As(err, &r) || r.Version != after.Version() {
				t.Fatalf("%q with epoch %d: %v", key, place.Epoch, err)
			}
			if err := guards[r.Place.Node].Admit(0, key, r.Place.Epoch); err != nil {
				t.Errorf("told to go to %v: %v", r.Place, err)
			}
		}
	}
}

// Trap: a node in a minority, cut off from the directory, may read from its cache
// only while it has a lease.
func TestACutOffNodeServesOnlyWithALease(t *testing.T) {
	d := must[*Directory](t)(NewDirectory().Assign("n1", "a"))
	g := must[*Guard](t)(NewGuard("n1"))
	if err := g.Learn(d, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := g.Admit(10*time.Second-1, "a", 2); err != nil {
		t.Error(err)
	}
	err := g.Admit(10*time.Second, "a", 2)
	var r *Refusal
	if !errors.Is(err, ErrLease) || !errors.As(err, &r) || r.Place != (Place{}) || r.Version != 0 {
		t.Errorf("after the lease: %#v", err)
	}
	if err := g.Learn(d, 20*time.Second); err != nil { // heard of it again
		t.Fatal(err)
	}
	if err := g.Admit(10*time.Second, "a", 2); err != nil {
		t.Error(err)
	}
	if err := g.Learn(d, 5*time.Second); err != nil || g.Admit(19*time.Second, "a", 2) != nil {
		t.Errorf("a late answer shortened the lease: %v", err)
	}
}

func TestGuardLearnsNothingOlder(t *testing.T) {
	old := must[*Directory](t)(NewDirectory().Assign("n1", "a"))
	moved := must[*Directory](t)(old.Assign("n2", "a"))
	g := must[*Guard](t)(NewGuard("n1"))
	if err := g.Learn(moved, 1); err != nil {
		t.Fatal(err)
	}
	if err := g.Learn(old, 100); !errors.Is(err, ErrStale) {
		t.Errorf("an older map: %v", err)
	}
	if err := g.Admit(0, "a", 2); !errors.Is(err, ErrStale) {
		t.Errorf("served by an older map: %v", err)
	}
	if err := g.Admit(50, "a", 3); !errors.Is(err, ErrLease) {
		t.Errorf("an older map extended the lease: %v", err)
	}
	says(t, g.Learn(nil, 1), "there is none")
	says(t, g.Learn(&Directory{}, 1), "there is none")
	_, err := NewGuard("")
	says(t, err, "give it a name")
}

// lives runs a keeper of a map, three nodes that hear of it late or never, clocks
// that differ by up to skew, and clients with maps of any age. It returns how
// often a key was served, and how often by two nodes at one moment. The keeper
// waits for the end of a lease and then for so long.
func lives(t *testing.T, seed uint64, margin time.Duration) (served, twice int) {
	const span = 20
	r := rand.New(rand.NewPCG(seed, 1))
	maps := []*Directory{must[*Directory](t)(NewDirectory().Assign("n0", "k"))}
	var pending *Directory // decided, and told to none but who loses by it
	var guards [3]*Guard
	var fast [3]time.Duration   // each clock, less the keeper's
	var leased [3]time.Duration // until when, by the keeper's clock
	for i := range guards {
		guards[i] = must[*Guard](t)(NewGuard(fmt.Sprint("n", i)))
		fast[i] = time.Duration(r.IntN(2*skew+1) - skew)
	}
	learn := func(i int, m Map, now time.Duration) {
		leased[i] = now + span
		if err := guards[i].Learn(m, now+span); err != nil {
			t.Fatal(err)
		}
	}
	for now := time.Duration(100); now < 1100; now++ {
		owner, _ := maps[len(maps)-1].Locate("k")
		loser := int(owner.Node[1] - '0')
		if to := fmt.Sprint("n", r.IntN(3)); pending == nil && to != owner.Node && r.IntN(10) == 0 {
			pending = must[*Directory](t)(maps[len(maps)-1].Assign(to, "k"))
		}
		if pending != nil {
			told := r.IntN(20) == 0
			if told {
				learn(loser, pending, now)
			}
			if told || now > leased[loser]+margin {
				maps, pending = append(maps, pending), nil
			}
		}
		// While a change is pending, who loses by it gets no more time.
		if i := r.IntN(3); r.IntN(3) == 0 && (pending == nil || i != loser) {
			learn(i, maps[len(maps)-1], now)
		}
		nodes := 0
		for i, g := range guards {
			for _, m := range maps[max(0, len(maps)-8):] {
				place, _ := m.Locate("k")
				if g.Admit(now+fast[i], "k", place.Epoch) == nil {
					nodes++
				}
			}
		}
		served += min(nodes, 1)
		twice += max(nodes-1, 0)
	}
	return served, twice
}

// skew is how much a clock may differ from the keeper's.
const skew = 3

// TestNoTwoNodesServeAKey holds with the keeper's rule. It fails if the keeper
// does not wait, and if it does not allow for the clocks: so all of the rule is
// needed, and the test would see.
func TestNoTwoNodesServeAKey(t *testing.T) {
	served, hasty, trusting := 0, 0, 0
	for seed := range uint64(100) {
		n, twice := lives(t, seed, skew)
		if served += n; twice > 0 {
			t.Fatalf("seed %d: two nodes served the key %d times", seed, twice)
		}
		_, twice = lives(t, seed, -1000)
		hasty += twice
		_, twice = lives(t, seed, 0)
		trusting += twice
	}
	if served < 100*500 || hasty == 0 || trusting == 0 {
		t.Errorf("served %d times; twice %d without the wait, %d without the margin: nothing is tested",
			served, hasty, trusting)
	}
}
