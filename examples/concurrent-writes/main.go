// Concurrent-writes shows how a store that takes writes in several places finds
// those that did not know of each other, keeps both, and lets a client resolve
// them. Run it:
//
//	go run ./examples/concurrent-writes
//
// Two replicas, paris and oslo, hold a shopping cart. Each write names what its
// client had read, as a version vector; each value bears the dot of its write.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"althing/clock"
)

// The replicas, as actors of dots. A replica that lost its disk would have to
// come back under a new number.
const (
	paris uint64 = 1
	oslo  uint64 = 2
)

// A client knows what it read last.
type client struct {
	name    string
	carts   []string
	context clock.Version
}

func (c *client) read(s clock.Siblings[string], where string) {
	c.carts, c.context = nil, s.Context()
	for _, cart := range s.All() {
		c.carts = append(c.carts, cart)
	}
	fmt.Printf("%-5s reads in %-5s  %q, context %v\n", c.name, where, c.carts, c.context)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "concurrent-writes:", err)
		os.Exit(1)
	}
}

func run() error {
	var inParis, inOslo clock.Siblings[string]
	mary, peter := client{name: "Mary"}, client{name: "Peter"}

	inParis, err := inParis.Put(nil, "milk", paris)
	if err != nil {
		return err
	}
	inOslo = inOslo.Sync(inParis)
	mary.read(inParis, "paris")
	peter.read(inOslo, "oslo")

	// The replicas lose sight of each other, and both take a write.
	if inParis, err = inParis.Put(mary.context, "milk eggs", paris); err != nil {
		return err
	}
	if inOslo, err = inOslo.Put(peter.context, "milk figs", oslo); err != nil {
		return err
	}
	p, o := inParis.Context(), inOslo.Context()
	fmt.Printf("\nparis knows %v, oslo %v: %v\n", p, o, p.Compare(o))

	// They meet again. Neither write had read the other, so both stay; both had
	// read "milk", so that is gone.
	both := inParis.Sync(inOslo)
	fmt.Println("together they hold", both.Len(), "siblings:")
	for dot, cart := range both.All() {
		fmt.Printf("  %v %q\n", dot, cart)
	}

	// A client that reads both writes one cart that stands for them.
	fmt.Println()
	mary.read(both, "paris")
	if both, err = both.Put(mary.context, union(mary.carts), paris); err != nil {
		return err
	}
	// An old copy, however late it comes, brings nothing back.
	both = both.Sync(inOslo)
	peter.read(both, "oslo")
	fmt.Printf("\nnow oslo's old copy is %v it: the conflict is resolved\n",
		inOslo.Context().Compare(both.Context()))
	return nil
}

// union merges carts: what is in any of them. A removed item would reappear;
// for sets with removal, see package crdt.
func union(carts []string) string {
	items := strings.Fields(strings.Join(carts, " "))
	slices.Sort(items)
	return strings.Join(slices.Compact(items), " ")
}
