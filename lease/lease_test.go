package lease_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"althing/lease"
)

// A client reads a counter, is stopped for longer than its lease, and writes what it
// had in mind. Meanwhile another one has counted.
func ExampleFence() {
	for _, fenced := range []bool{false, true} {
		terms := lease.Terms{Length: 10 * time.Second, Skew: time.Second}
		service := lease.Service{Terms: terms}
		ann, bob := lease.Holder{Terms: terms}, lease.Holder{Terms: terms}
		var fence lease.Fence
		counter := 0
		write := func(number uint64, value int) {
			if !fenced || fence.Take(number) {
				counter = value
			}
		}

		n, _ := service.Grant("ann", 0)
		ann.Granted(n, 0)
		first, holds := ann.Believes(1 * time.Second) // and so she may write
		seen := counter

		// Here ann is stopped, with the write in her hands.
		n, _ = service.Grant("bob", 11*time.Second)
		bob.Granted(n, 11*time.Second)
		second, _ := bob.Believes(12 * time.Second)
		write(second, counter+1)

		if holds { // as she found
			write(first, seen+10)
		}
		fmt.Printf("fenced %v: bob counted 1, the counter is %d\n", fenced, counter)
	}
	// Output:
	// fenced false: bob counted 1, the counter is 10
	// fenced true: bob counted 1, the counter is 1
}

// Random runs of spec/Lease.tla: clocks as far apart as they may be, grants that are
// lost or slow, writes that come at any time. Exclusion, Backed and Fenced hold.
func TestSpecification(t *testing.T) {
	const clients = 3
	type grant struct {
		to     int
		number uint64
		asked  time.Duration
	}
	believed, taken, refused := 0, 0, 0
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		terms := lease.Terms{Length: time.Duration(3 + rng.IntN(6)), Skew: time.Duration(rng.IntN(3))}
		s := lease.Service{Terms: terms}
		now, clock, holders := terms.Skew, [clients]time.Duration{}, [clients]lease.Holder{}
		latest, current := uint64(0), -1 // as granted last
		until := time.Duration(0)
		for c := range clients {
			clock[c], holders[c] = now, lease.Holder{Terms: terms}
		}
		var grants []grant
		var writes []uint64
		var fence lease.Fence
		for range 150 {
			c := rng.IntN(clients)
			switch rng.IntN(7) {
			case 0, 1: // the service's clock goes on, if no client's is too far behind
				if min(clock[0], clock[1], clock[2]) >= now+1-terms.Skew {
					now++
				} else {
					for i := range clock {
						clock[i] = max(clock[i], now)
					}
				}
			case 2:
				if clock[c]+1 <= now+terms.Skew {
					clock[c]++
				}
			case 3:
				if n, ok := s.Grant(fmt.Sprint(c), now); ok {
					if n < latest || n == latest && c != current {
						t.Fatalf("seed %d: %d is granted lease %d after %d had %d", seed, c, n, current, latest)
					}
					latest, current, until = n, c, now+terms.Length
					grants = append(grants, grant{c, n, clock[c]})
				}
			case 4:
				if len(grants) > 0 {
					g := grants[rng.IntN(len(grants))]
					holders[g.to].Granted(g.number, g.asked)
				}
			case 5:
				if n, ok := holders[c].Believes(clock[c]); ok {
					writes = append(writes, n)
				}
			case 6:
				if len(writes) > 0 {
					n, last := writes[rng.IntN(len(writes))], fence.Last
					if fence.Take(n) != (n >= last) || fence.Last < last {
						t.Fatalf("seed %d: a write of lease %d after one of %d", seed, n, last)
					}
					if n >= last {
						taken++
					} else {
						refused++
					}
				}
			}
			for i := range holders {
				n, ok := holders[i].Believes(clock[i])
				if !ok {
					continue
				}
				believed++
				if i != current || n != latest || now >= until {
					t.Fatalf("seed %d: %d thinks at %v (%v) that it holds %d; %d has %d until %v",
						seed, i, clock[i], now, n, current, latest, until)
				}
			}
		}
	}
	if believed == 0 || taken == 0 || refused == 0 {
		t.Errorf("held %d, taken %d, refused %d", believed, taken, refused)
	}
}

func TestUseful(t *testing.T) {
	for _, c := range []struct {
		terms lease.Terms
		want  bool
	}{
		{lease.Terms{Length: 3, Skew: 1}, true},
		{lease.Terms{Length: 2, Skew: 1}, false},
		{lease.Terms{Skew: -1}, false},
	} {
		if c.terms.Useful() != c.want {
			t.Errorf("%+v", c.terms)
		}
	}
}
