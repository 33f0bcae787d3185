package partition_test

import (
	"errors"
	"fmt"
	"time"

	"althing/partition"
)

// A table grows: it splits, and one half goes to another node. The plan says what
// that moves.
func ExampleRanges() {
	table, err := partition.NewRanges("node-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	split, err := table.Split("m")
	if err != nil {
		fmt.Println(err)
		return
	}
	moved, err := split.Move("m", "node-2")
	if err != nil {
		fmt.Println(err)
		return
	}
	letters := func(start, end string) uint64 { // a key for each letter
		if start == "" {
			return 12
		}
		return 14
	}
	fmt.Print(split.Moves(moved, letters))
	fmt.Print(moved)
	// Output:
	// 14 of 26 keys move (53.85 %), 0 of them between nodes that stay
	//   node-1    -> node-2            14
	// ranges version=3
	// "" node-1 2
	// "m" node-2 3
}

// A directory of fixed partitions spreads over one node more.
func ExampleDirectory() {
	d, err := partition.NewDirectory().Assign("node-1", "p1", "p2", "p3", "p4", "p5")
	if err != nil {
		fmt.Println(err)
		return
	}
	wider, err := d.Spread("node-1", "node-2")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(d.Moves(wider, func(string) uint64 { return 1000 }))
	fmt.Print(wider)
	// Output:
	// 2000 of 5000 keys move (40.00 %), 0 of them between nodes that stay
	//   node-1    -> node-2          2000
	// directory version=3
	// p1 node-2 3
	// p2 node-2 3
	// p3 node-1 2
	// p4 node-1 2
	// p5 node-1 2
}

// A client with an old map is refused, and told where to go.
func ExampleGuard() {
	old, err := partition.NewDirectory().Assign("node-1", "orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	moved, err := old.Assign("node-2", "orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	guard, err := partition.NewGuard("node-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := guard.Learn(moved, 10*time.Second); err != nil {
		fmt.Println(err)
		return
	}
	place, _ := old.Locate("orders")
	err = guard.Admit(time.Second, "orders", place.Epoch)
	fmt.Println(errors.Is(err, partition.ErrStale))
	fmt.Println(err)
	// Output:
	// true
	// partition: refuse "orders" with epoch 2: epoch is stale: here it is epoch 3 on node "node-2", by version 3
}

// Half of the requests are for one key, half for another: the range splits
// between them.
func ExampleMeter() {
	meter, err := partition.NewMeter(partition.DefaultPolicy(), 1, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Duration(0)
	for i := 0; now < 15*time.Second; i++ {
		meter.Record(now, []string{"apples", "pears"}[i*i/7%2])
		now += time.Second / 5000
	}
	key, verdict := meter.Split(now)
	fmt.Println(verdict, key)
	// Output:
	// found pears
}

// The bytes are halved where the two sides differ least.
func ExampleHalve() {
	key, ok := partition.Halve(func(yield func(string, uint64) bool) {
		_ = yield("a", 100) && yield("b", 300) && yield("c", 200) && yield("d", 200)
	})
	fmt.Println(key, ok)
	// Output:
	// c true
}
