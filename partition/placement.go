package partition

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxNodes bounds the nodes of a placement: beyond it, nobody has tried.
	MaxNodes = 1 << 16
	// MaxName bounds IDs and racks, in bytes: so much fits a host name.
	MaxName = 255
)

// A Node is a place for keys: a machine, a process, a disk.
type Node struct {
	ID     string // unique; 1 to MaxName bytes of UTF-8 without blanks and control characters
	Weight uint32 // how much it takes compared with the others: 1 if all are alike, never 0
	Rack   string // what fails as one: a rack, a zone; formed as ID; empty: a rack of its own
}

// A Placement says on which nodes a key lives. It is a value: whoever asks reads
// it only, and a change makes another one, to be compared with this by Moves
// before it is put in its place.
type Placement interface {
	// Nodes returns the nodes in the order of the scheme. It is not to be changed.
	Nodes() []Node
	// Owner returns the node of a key. It allocates nothing.
	Owner(Point) Node
	// Walk returns all nodes, each once, the owner first, then in the order in
	// which they would take over the key.
	Walk(Point) iter.Seq[Node]
	// Add returns the placement with one node more. Errors: one that is there, or
	// that the scheme cannot take.
	Add(Node) (Placement, error)
	// Remove returns the placement without a node. Errors: one that is not there,
	// the only one, or one that the scheme cannot give up.
	Remove(id string) (Placement, error)
	// Describe returns what the placement can be built from again, anywhere.
	Describe() Description
}

// Prefer returns the n nodes for the copies of a key, all different, its owner
// first: the preference list of Dynamo (DeCandia et al. 2007, §4.3). One node
// more or less changes at most one of them. Errors: n not from 1 to the number of
// nodes.
func Prefer(p Placement, key Point, n int) ([]Node, error) {
	if have := len(p.Nodes()); n < 1 || n > have {
		return nil, fmt.Errorf("partition: %d copies on %s: ask for 1 to %d, or add nodes",
			n, count(have, "node"), have)
	}
	return prefer(p, key, n, func([]Node, Node) bool { return true }), nil
}

// PreferRacks is Prefer with no two nodes of one rack, so that the loss of a rack
// costs one copy at most. A node without a rack is a rack of its own. One node
// more or less changes at most one of the list by a ring and by rendezvous; by
// jump and anchor two, where it takes over the owner's place and a rack mate
// precedes the old owner. Errors: n not from 1 to the number of racks.
func PreferRacks(p Placement, key Point, n int) ([]Node, error) {
	if n < 1 {
		return nil, tooFew(p, n)
	}
	list := prefer(p, key, n, func(list []Node, next Node) bool {
		return next.Rack == "" ||
			!slices.ContainsFunc(list, func(n Node) bool { return n.Rack == next.Rack })
	})
	if len(list) < n {
		return nil, tooFew(p, n)
	}
	return list, nil
}

// tooFew returns the error of PreferRacks.
func tooFew(p Placement, n int) error {
	racks := map[string]bool{}
	have := 0
	for _, node := range p.Nodes() {
		if node.Rack == "" || !racks[node.Rack] {
			have++
		}
		racks[node.Rack] = true
	}
	return fmt.Errorf("partition: %d copies on %s: ask for 1 to %d, add nodes in other racks, "+
		"or let copies share a rack (Prefer)", n, count(have, "rack"), have)
}

// prefer returns the first n nodes of the walk that fit to those before them, or
// as many as there are.
func prefer(p Placement, key Point, n int, fits func(list []Node, next Node) bool) []Node {
	var list []Node
	for node := range p.Walk(key) {
		if !fits(list, node) {
			continue
		}
		if list = append(list, node); len(list) == n {
			break
		}
	}
	return list
}

// checkNodes returns what is wrong with a set of nodes, and how to mend it.
func checkNodes(nodes []Node) error {
	if len(nodes) == 0 {
		return fmt.Errorf("partition: no nodes: give at least one")
	}
	if len(nodes) > MaxNodes {
		return fmt.Errorf("partition: %d nodes: at most %d; split them into groups",
			len(nodes), MaxNodes)
	}
	seen := make(map[string]bool, len(nodes))
	for i, n := range nodes {
		if err := checkName(n.ID); err != nil {
			return fmt.Errorf("partition: ID of node %d: %w", i, err)
		}
		if seen[n.ID] {
			return fmt.Errorf("partition: two nodes are called %s: give each an ID of its own",
				n.ID)
		}
		seen[n.ID] = true
		if n.Weight == 0 {
			return fmt.Errorf("partition: node %s has weight 0: give it 1 or more, or remove it",
				n.ID)
		}
		if n.Rack == "" {
			continue
		}
		if err := checkName(n.Rack); err != nil {
			return fmt.Errorf("partition: rack of node %s: %w", n.ID, err)
		}
	}
	return nil
}

// checkName keeps IDs and racks such that they stand in a line of text as they are.
func checkName(s string) error {
	blank := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	switch {
	case s == "":
		return fmt.Errorf("it is empty: give it a name")
	case len(s) > MaxName:
		return fmt.Errorf("it has %d bytes: use at most %d", len(s), MaxName)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, blank):
		return fmt.Errorf("%q: use UTF-8 without blanks and control characters", s)
	}
	return nil
}

// alike returns an error if not all nodes weigh 1.
func alike(scheme string, nodes []Node) error {
	for _, n := range nodes {
		if n.Weight != 1 {
			return fmt.Errorf("partition: %s cannot weigh: node %s has weight %d; give each 1, "+
				"or use a ring or rendezvous", scheme, n.ID, n.Weight)
		}
	}
	return nil
}

// without returns the nodes but the one called id.
func without(nodes []Node, id string) ([]Node, error) {
	i := slices.IndexFunc(nodes, func(n Node) bool { return n.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("partition: remove node %s: there is none; see Nodes for those "+
			"there are", id)
	}
	if len(nodes) == 1 {
		return nil, fmt.Errorf("partition: remove node %s: it is the only one; add another first",
			id)
	}
	return slices.Delete(slices.Clone(nodes), i, i+1), nil
}

// byID returns the nodes sorted: what is a set has one order.
func byID(nodes []Node) []Node {
	return slices.SortedFunc(slices.Values(nodes), func(a, b Node) int {
		return strings.Compare(a.ID, b.ID)
	})
}

// count says how many there are of a thing.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
