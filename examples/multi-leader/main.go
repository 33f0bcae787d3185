// Multi-leader shows three replicas that all take writes: two of them lose sight
// of each other, both are written to, and what comes of it when they meet again,
// if readers are shown all, the latest, or a merge. Run it:
//
//	go run ./examples/multi-leader
//
// It is the protocol that "althing sim multileader" simulates, in the same World:
// messages, disks and clocks are data, and nothing happens by itself.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"althing/crdt"
	"althing/process"
	"althing/protocol/multileader"
	"althing/world"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "multi-leader:", err)
		os.Exit(1)
	}
}

func run() error {
	merged := multileader.Row("multileader-union", crdt.MergeWith("union", union))
	for _, p := range []process.Protocol{multileader.Siblings, multileader.LastWriter, merged} {
		fmt.Printf("%s:\n", p.Name)
		if err := conflict(p); err != nil {
			return err
		}
	}
	return nil
}

// union merges two carts: what is in any of them.
func union(a, b string) (string, error) {
	items := strings.Fields(a + " " + b)
	slices.Sort(items)
	return strings.Join(slices.Compact(items), " "), nil
}

// A group is three replicas.
type group struct{ *world.World }

func conflict(p process.Protocol) error {
	g := group{world.New(p, world.Config{Replicas: 3})}
	for id := range process.ID(3) {
		if err := g.Restart(id + 1); err != nil {
			return err
		}
	}
	g.ask(1, "put cart milk")
	for id := range process.ID(2) { // replica 3 loses sight of the others
		if err := g.Cut(3, id+1); err != nil {
			return err
		}
		if err := g.Cut(id+1, 3); err != nil {
			return err
		}
	}
	g.ask(1, "put cart milk eggs")
	g.ask(3, "put cart milk figs")
	g.ask(2, "get cart")
	g.ask(3, "get cart")
	fmt.Println("  -- they meet again")
	g.Heal()
	g.exchange()
	g.ask(2, "get cart")
	token, _, _ := strings.Cut(g.ask(3, "get cart"), " ")
	g.ask(3, "set cart "+token+" milk eggs figs")
	g.ask(1, "get cart")
	for _, name := range g.Store(1).Lost() {
		fmt.Printf("  lost, by the rule: %s\n", name)
	}
	if !g.Converged([]process.ID{1, 2, 3}) {
		return fmt.Errorf("%s: the replicas differ", p.Name)
	}
	return nil
}

// ask asks a replica, lets all go on until nothing moves, and prints the answer.
func (g *group) ask(id process.ID, cmd string) (answer string) {
	q := process.Request{Cmd: []byte(cmd)}
	if strings.HasPrefix(cmd, "get") {
		q.Kind = process.Read
	}
	if err := g.Submit(id, []process.Request{q}); err != nil {
		return err.Error()
	}
	g.settle()
	for i := range g.News.Answers {
		answer = string(g.News.Answers[i].Result)
	}
	g.News.Reset()
	fmt.Printf("  %d: %-33s %s\n", id, cmd, answer)
	return answer
}

// exchange lets the replicas ask each other for what they lack.
func (g *group) exchange() {
	const timer = 1 // the protocol's only one
	for id := process.ID(1); id <= 3; id++ {
		if g.Timeout(id, timer) == nil {
			g.settle()
		}
	}
}

// settle lets disks write and messages arrive, until nothing moves.
func (g *group) settle() {
	for moved := true; moved; {
		moved = false
		for id := process.ID(1); id <= 3; id++ {
			if n := g.Unsynced(id); n > 0 {
				moved = g.Sync(id, n) == nil || moved
			}
		}
		for _, f := range g.Flights() {
			moved = g.Deliver(f.ID) == nil || moved
		}
	}
}
