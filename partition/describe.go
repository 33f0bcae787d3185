package partition

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrMalformed is what a text is that nobody here has written.
var ErrMalformed = errors.New("malformed text")

// maxText bounds what is read as a text: it fits the greatest placement.
const maxText = MaxNodes*(2*MaxName+16) + MaxBuckets*8

// A Description is what a placement can be built from again, in another process
// or years later. Its text has a line for the scheme and one for each node:
//
//	ring points=100
//	node-1 1 rack-a
//	node-2 2
//
// There is one text for each placement, and no other is read.
type Description struct {
	Scheme   string // ring, rendezvous, jump or anchor
	Points   int    // of a ring: at so many a node of weight 1 stands
	Capacity int    // of an anchor: its buckets
	// Removed are the free buckets of an anchor in the order of their removal, but
	// for those at its beginning that were removed from the last downwards.
	Removed []int
	Nodes   []Node // in the order of the scheme
}

// Place returns the placement. Errors: a scheme that does not exist, what does
// not belong to it, and what the scheme's New refuses.
func (d Description) Place() (Placement, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	switch d.Scheme {
	case "ring":
		p, err := NewRing(d.Points, d.Nodes...)
		return placed(p, err)
	case "rendezvous":
		p, err := NewRendezvous(d.Nodes...)
		return placed(p, err)
	case "jump":
		p, err := NewJump(d.Nodes...)
		return placed(p, err)
	}
	return newAnchor(slices.Clone(d.Nodes), d.stack()), nil
}

// check returns what is wrong. After it, Place does not fail.
func (d Description) check() error {
	if err := checkNodes(d.Nodes); err != nil {
		return err
	}
	switch {
	case d.Scheme != "ring" && d.Points != 0:
		return fmt.Errorf("partition: %s with %d points: only a ring has them; leave them out",
			d.Scheme, d.Points)
	case d.Scheme != "anchor" && (d.Capacity != 0 || len(d.Removed) > 0):
		return fmt.Errorf("partition: %s with capacity %d and %s removed: only an anchor has "+
			"them; leave them out",
			d.Scheme, d.Capacity, count(len(d.Removed), "bucket"))
	}
	switch d.Scheme {
	case "ring":
		return checkPoints(d.Points, d.Nodes)
	case "rendezvous":
		return nil
	case "jump":
		return alike(d.Scheme, d.Nodes)
	case "anchor":
		if err := alike(d.Scheme, d.Nodes); err != nil {
			return err
		}
		return d.checkBuckets()
	}
	return fmt.Errorf("partition: scheme %q: choose ring, rendezvous, jump or anchor", d.Scheme)
}

// checkBuckets returns what is wrong with the buckets of an anchor.
func (d Description) checkBuckets() error {
	if d.Capacity < len(d.Nodes) || d.Capacity > MaxBuckets {
		return fmt.Errorf("partition: an anchor of %s for %s: give it %d to %d",
			count(d.Capacity, "bucket"), count(len(d.Nodes), "node"), len(d.Nodes), MaxBuckets)
	}
	fresh := d.Capacity - len(d.Nodes) - len(d.Removed)
	if fresh < 0 {
		return fmt.Errorf("partition: an anchor of %s for %s with %d removed: that is more than "+
			"it has",
			count(d.Capacity, "bucket"), count(len(d.Nodes), "node"), len(d.Removed))
	}
	seen := make(map[int]bool, len(d.Removed))
	for i, b := range d.Removed {
		switch {
		case b < 0 || b >= d.Capacity-fresh || seen[b]:
			return fmt.Errorf("partition: bucket %d was removed, but it does not exist, or "+
				"was removed before: name each of 0 to %d once at most", b, d.Capacity-fresh-1)
		case i == 0 && b == d.Capacity-fresh-1:
			return fmt.Errorf("partition: bucket %d was removed, the last there was then: leave it "+
				"out, for the buckets that are not named go from the last downwards", b)
		}
		seen[b] = true
	}
	return nil
}

// stack returns all free buckets of an anchor in the order of their removal.
func (d Description) stack() []int32 {
	fresh := d.Capacity - len(d.Nodes) - len(d.Removed)
	removed := make([]int32, 0, fresh+len(d.Removed))
	for i := range fresh {
		removed = append(removed, int32(d.Capacity-1-i))
	}
	for _, b := range d.Removed {
		removed = append(removed, int32(b))
	}
	return removed
}

// String returns the text of the description, valid or not.
func (d Description) String() string {
	var b strings.Builder
	b.WriteString(d.Scheme)
	if d.Points != 0 {
		fmt.Fprintf(&b, " points=%d", d.Points)
	}
	if d.Capacity != 0 {
		fmt.Fprintf(&b, " capacity=%d", d.Capacity)
	}
	sign := " removed="
	for _, r := range d.Removed {
		b.WriteString(sign + strconv.Itoa(r))
		sign = ","
	}
	b.WriteByte('\n')
	for _, n := range d.Nodes {
		b.WriteString(n.ID + " " + strconv.FormatUint(uint64(n.Weight), 10))
		if n.Rack != "" {
			b.WriteString(" " + n.Rack)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// MarshalText returns the one text of the placement. Errors: those of Place.
func (d Description) MarshalText() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if d.sorted() {
		d.Nodes = byID(d.Nodes)
	}
	return []byte(d.String()), nil
}

// sorted says that the order of the nodes has no meaning: then it is that of IDs.
func (d Description) sorted() bool { return d.Scheme == "ring" || d.Scheme == "rendezvous" }

// UnmarshalText reads what MarshalText wrote. Errors: ErrMalformed, and those of
// Place. Then d is unchanged.
func (d *Description) UnmarshalText(text []byte) error {
	if len(text) > maxText {
		return fmt.Errorf("partition: read placement: %w: %d bytes, of %d at most",
			ErrMalformed, len(text), maxText)
	}
	head, rest, _ := strings.Cut(string(text), "\n")
	read, err := readScheme(head)
	if err != nil {
		return fmt.Errorf("partition: read placement: %w", err)
	}
	for line := range strings.Lines(rest) {
		if len(read.Nodes) == MaxNodes {
			return fmt.Errorf("partition: read placement: %w: more than %d nodes",
				ErrMalformed, MaxNodes)
		}
		n, err := readNode(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return fmt.Errorf("partition: read placement: %w", err)
		}
		read.Nodes = append(read.Nodes, n)
	}
	again, err := read.MarshalText()
	if err != nil {
		return fmt.Errorf("partition: read placement: %w: %w", ErrMalformed, err)
	}
	if !bytes.Equal(again, text) {
		return fmt.Errorf("partition: read placement: %w: it says in another way what this "+
			"says:\n%s",
			ErrMalformed, again)
	}
	*d = read
	return nil
}

// readScheme reads the first line.
func readScheme(line string) (d Description, err error) {
	words := strings.Split(line, " ")
	d.Scheme = words[0]
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "points":
			d.Points, err = strconv.Atoi(value)
		case "capacity":
			d.Capacity, err = strconv.Atoi(value)
		case "removed":
			for number := range strings.SplitSeq(value, ",") {
				var b int
				if b, err = strconv.Atoi(number); err != nil {
					break
				}
				d.Removed = append(d.Removed, b)
			}
		default:
			err = errors.New("choose points, capacity or removed")
		}
		if err != nil {
			return d, fmt.Errorf("%w: %q: %w", ErrMalformed, word, err)
		}
	}
	return d, nil
}

// readNode reads the line of a node.
func readNode(line string) (n Node, err error) {
	words := strings.Split(line, " ")
	if len(words) < 2 || len(words) > 3 {
		return n, fmt.Errorf("%w: line %q: write an ID, a weight and perhaps a rack",
			ErrMalformed, line)
	}
	weight, err := strconv.ParseUint(words[1], 10, 32)
	if err != nil {
		return n, fmt.Errorf("%w: weight of node %s: %w", ErrMalformed, words[0], err)
	}
	n = Node{ID: words[0], Weight: uint32(weight)}
	if len(words) == 3 {
		n.Rack = words[2]
	}
	return n, nil
}
