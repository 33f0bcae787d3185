// Resize prints what a change of nodes would move, before it is made: of each
// scheme, how many keys go from where to where.
//
//	go run ./examples/resize                            # 3 nodes become 4
//	go run ./examples/resize -remove node-2 -scheme anchor
//	go run ./examples/resize -nodes 10 -add node-11 -copies 3 -keys 50000
//
// The keys are user:0, user:1 and so on. It changes nothing.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"

	"althing/partition"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "resize:", err)
		os.Exit(1)
	}
}

// run prints the plan that the arguments ask for.
func run(args []string, w io.Writer) error {
	flags := flag.NewFlagSet("resize", flag.ContinueOnError)
	flags.SetOutput(w)
	scheme := flags.String("scheme", "ring", "ring, rendezvous, jump or anchor")
	count := flags.Int("nodes", 3, "how many nodes there are: node-1, node-2 …")
	add := flags.String("add", "", "a node that comes; without -remove, node-(n+1)")
	remove := flags.String("remove", "", "a node that goes")
	keys := flags.Int("keys", 100000, "how many keys there are")
	copies := flags.Int("copies", 1, "on how many nodes each key is")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is no flag: see -help", flags.Arg(0))
	}
	if *keys < 1 || *keys > 10_000_000 {
		return fmt.Errorf("%d keys: choose 1 to 10000000", *keys)
	}
	before, err := build(*scheme, *count)
	if err != nil {
		return err
	}
	if *add == "" && *remove == "" {
		*add = fmt.Sprintf("node-%d", *count+1)
	}
	after, err := change(before, *add, *remove)
	if err != nil {
		return err
	}
	plan, err := partition.CopyMoves(before, after, *copies, partition.Prefer, partition.Points(users(*keys)))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s of %d nodes becomes one of %d:\n%s",
		*scheme, len(before.Nodes()), len(after.Nodes()), plan)
	return err
}

// build returns a placement on node-1 to node-n.
func build(scheme string, n int) (partition.Placement, error) {
	if n < 0 || n > partition.MaxNodes {
		return nil, fmt.Errorf("%d nodes: choose 1 to %d", n, partition.MaxNodes)
	}
	d := partition.Description{Scheme: scheme}
	for i := range n {
		d.Nodes = append(d.Nodes, partition.Node{ID: fmt.Sprintf("node-%d", i+1), Weight: 1})
	}
	switch scheme {
	case "ring":
		d.Points = partition.DefaultPoints
	case "anchor":
		d.Capacity = 2 * n
	}
	return d.Place()
}

// change adds a node and removes one, where they are named.
func change(p partition.Placement, add, remove string) (_ partition.Placement, err error) {
	if remove != "" {
		if p, err = p.Remove(remove); err != nil {
			return nil, err
		}
	}
	if add != "" {
		return p.Add(partition.Node{ID: add, Weight: 1})
	}
	return p, nil
}

// users returns so many keys.
func users(n int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range n {
			if !yield(fmt.Sprintf("user:%d", i)) {
				return
			}
		}
	}
}
