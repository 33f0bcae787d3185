package clock_test

import (
	"errors"
	"fmt"
	"time"

	"althing/clock"
)

// A message carries its sender's time; the receipt is later than both.
func ExampleLamport() {
	a, b := clock.Lamport{Process: 1}, clock.Lamport{Process: 2}
	a, _ = a.Tick()
	a, _ = a.Tick()          // a sends
	b, _ = b.Witness(a.Time) // b receives
	fmt.Println(a, b, a.Compare(b))
	// Output: 2@1 3@2 -1
}

// Two replicas write without knowing of each other.
func ExampleVector() {
	var names clock.Names
	paris, oslo := names.Index("paris"), names.Index("oslo")
	var a, b clock.Vector
	_ = a.Tick(paris)
	_ = b.Tick(oslo)
	fmt.Println(a.Compare(b))

	b.Merge(a)
	_ = b.Tick(oslo)
	fmt.Println(a.Compare(b), names.Map(b))
	// Output:
	// concurrent
	// before map[oslo:2 paris:1]
}

// Two replicas are compared by what they know.
func ExampleVersion() {
	a := clock.Version{{Actor: 1, Seq: 3}, {Actor: 2, Seq: 1}}
	b := clock.Version{{Actor: 1, Seq: 2}, {Actor: 2, Seq: 4}}
	fmt.Println(a.Compare(b), a.Merge(b), a.Merge(b).Compare(b))
	// Output: concurrent {1:3,2:4} after
}

// Mary and Peter read the same cart and write it through different replicas.
func ExampleSiblings() {
	cart, _ := clock.Siblings[string]{}.Put(nil, "milk", 1)
	read := cart.Context()
	one, _ := cart.Put(read, "milk, eggs", 1) // Mary
	two, _ := cart.Put(read, "milk, figs", 2) // Peter

	both := one.Sync(two)
	for dot, v := range both.All() {
		fmt.Println(dot, v)
	}
	merged, _ := both.Put(both.Context(), "milk, eggs, figs", 2)
	fmt.Println(merged.Sync(one), merged.Len())
	// Output:
	// 1:2 milk, eggs
	// 2:1 milk, figs
	// [(1,2,[]) (2,2,[milk, eggs, figs])] 1
}

// A process writes a limit to disk before it goes beyond it, and after a
// restart begins where the limit ends, even if time has gone back.
func ExampleHybridClock() {
	now := time.UnixMilli(5000)
	physical := func() time.Time { return now }
	c := clock.RestoreHybridClock(physical, 250*time.Millisecond, 0)
	disk, _ := c.Reserve(100 * time.Millisecond) // written, and then
	c.Extend(disk)
	a, _ := c.Now()
	b, _ := c.Witness(clock.NewHybrid(5020, 3))
	fmt.Println(a, b)

	_, err := c.Witness(clock.NewHybrid(9999, 0))
	fmt.Println(errors.Is(err, clock.ErrOffset))

	now = time.UnixMilli(4000)
	c = clock.RestoreHybridClock(physical, 250*time.Millisecond, disk)
	disk, _ = c.Reserve(100 * time.Millisecond)
	c.Extend(disk)
	d, _ := c.Now()
	fmt.Println(d, d > b)
	// Output:
	// 5000+0 5020+4
	// true
	// 5101+0 true
}

// A transaction is stamped, waits until its stamp has surely passed, and is
// released: whatever starts later, anywhere, gets a greater stamp.
func ExampleIntervalClock() {
	now, uncertainty := time.Unix(0, 100), 4*time.Nanosecond
	c := clock.NewIntervalClock(func() (time.Time, time.Duration) { return now, uncertainty }, 0)
	s, _ := c.Commit()
	wait, _ := c.Wait(s)
	fmt.Println(s, wait)

	now = now.Add(wait) // sleep, then ask again
	wait, _ = c.Wait(s)
	fmt.Println(wait)
	// Output:
	// 104 9ns
	// 0s
}

// What is known of the present may neither reach a time nor have passed it.
func ExampleInterval() {
	now := clock.Interval{Earliest: 96, Latest: 104}
	fmt.Println(now.After(95), now.Before(105), now.After(100), now.Before(100))
	// Output: true true false false
}
