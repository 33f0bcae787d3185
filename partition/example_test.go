package partition_test

import (
	"fmt"

	"althing/partition"
)

func nodes(ids ...string) (nodes []partition.Node) {
	for _, id := range ids {
		nodes = append(nodes, partition.Node{ID: id, Weight: 1})
	}
	return nodes
}

func ExampleRing() {
	ring, err := partition.NewRing(partition.DefaultPoints, nodes("ada", "bob", "cyd")...)
	if err != nil {
		fmt.Println(err)
		return
	}
	key := partition.HashString("user:7")
	fmt.Println("owner:", ring.Owner(key).ID)
	copies, err := partition.Prefer(ring, key, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("copies:", copies[0].ID, copies[1].ID)
	_, err = partition.Prefer(ring, key, 4)
	fmt.Println(err)
	// Output:
	// owner: ada
	// copies: ada bob
	// partition: 4 copies on 3 nodes: ask for 1 to 3, or add nodes
}

// Before a node is added, the plan says what that would move.
func ExampleMoves() {
	before, err := partition.NewRing(partition.DefaultPoints, nodes("ada", "bob", "cyd")...)
	if err != nil {
		fmt.Println(err)
		return
	}
	after, err := before.Add(partition.Node{ID: "dan", Weight: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(partition.Moves(before, after, partition.Sample(10000)))
	// Output:
	// 2497 of 10000 keys move (24.97 %), 0 of them between nodes that stay
	//   ada       -> dan             1134
	//   bob       -> dan              848
	//   cyd       -> dan              515
}

func ExamplePreferRacks() {
	r, err := partition.NewRendezvous(
		partition.Node{ID: "a1", Weight: 1, Rack: "a"}, partition.Node{ID: "a2", Weight: 1, Rack: "a"},
		partition.Node{ID: "b1", Weight: 1, Rack: "b"}, partition.Node{ID: "b2", Weight: 1, Rack: "b"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range []string{"x", "y", "z"} {
		list, err := partition.PreferRacks(r, partition.HashString(key), 2)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(key, list[0].ID, list[1].ID)
	}
	// Output:
	// x a1 b1
	// y b1 a1
	// z b2 a2
}

// A node of weight 3 takes three times as much as one of weight 1.
func ExampleRendezvous() {
	r, err := partition.NewRendezvous(
		partition.Node{ID: "small", Weight: 1}, partition.Node{ID: "large", Weight: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	count := map[string]int{}
	for key := range partition.Sample(4000) {
		count[r.Owner(key).ID]++
	}
	fmt.Println(count)
	// Output:
	// map[large:2983 small:1017]
}

func ExampleJump() {
	j, err := partition.NewJump(nodes("ada", "bob", "cyd")...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(j.Owner(partition.HashString("user:7")).ID)
	_, err = j.Remove("ada")
	fmt.Println(err)
	// Output:
	// bob
	// partition: remove node ada: jump gives up its last only, cyd; remove that, or use anchor, rendezvous or a ring
}

// Any node of an anchor may go, and it is as even as jump; its description
// remembers in which order they went.
func ExampleAnchor() {
	a, err := partition.NewAnchor(6, nodes("ada", "bob", "cyd")...)
	if err != nil {
		fmt.Println(err)
		return
	}
	less, err := a.Remove("ada")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(partition.Moves(a, less, partition.Sample(9000)))
	fmt.Print(less.Describe())
	// Output:
	// 2973 of 9000 keys move (33.03 %), 0 of them between nodes that stay
	//   ada       -> bob             1488
	//   ada       -> cyd             1485
	// anchor capacity=6 removed=0
	// bob 1
	// cyd 1
}

// However hot a key is, no node gets more than 1.25 times the mean.
func ExampleBounded() {
	ring, err := partition.NewRing(partition.DefaultPoints, nodes("ada", "bob", "cyd", "dan")...)
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := partition.NewBounded(ring, 1.25)
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 80 {
		b.Pick(partition.HashString("hot"))
	}
	for _, n := range ring.Nodes() {
		fmt.Println(n.ID, b.Load(n.ID))
	}
	// Output:
	// ada 25
	// bob 25
	// cyd 5
	// dan 25
}
