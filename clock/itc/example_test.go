package itc_test

import (
	"fmt"

	"althing/clock/itc"
)

// A replica makes a second one, both write, and the second hears of the first.
func ExampleStamp() {
	a, b, _ := itc.Seed().Fork()
	a, _ = a.Event()
	b, _ = b.Event()
	fmt.Println(a, b, a.Compare(b))

	b, _ = b.Join(a.Peek()) // a message from a
	fmt.Println(b, a.Compare(b))

	b, _ = b.Join(a) // a retires
	b, _ = b.Event()
	fmt.Println(b)
	// Output:
	// ((1,0),(0,1,0)) ((0,1),(0,0,1)) concurrent
	// ((0,1),1) before
	// (1,2)
}
