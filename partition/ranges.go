package partition

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	// MaxRanges bounds a map of ranges: a change copies it, some 56 MB then.
	MaxRanges = 1 << 20
	// MaxKey bounds a boundary between ranges, in bytes.
	MaxKey = 1 << 12
	// maxMap bounds what is read as the text of ranges or a directory.
	maxMap = 1 << 28
)

// A Range is the keys from Start to before End, in the order of their bytes.
type Range struct {
	Start string // the first key; empty: from the beginning
	End   string // the first key beyond; empty: to the end
	Node  string // its owner's ID
	Epoch uint64 // the version of the map that made it as it is
}

// Contains says whether a key is in the range.
func (r Range) Contains(key string) bool { return r.Start <= key && (r.End == "" || key < r.End) }

// Ranges give each key, in order, to exactly one range, and each range to a node.
// They are a value: a change makes another one, of the next version, and gives
// that as its epoch to the ranges it makes or moves. So over the life of a map the
// epochs of a key only grow, and two with the same epoch are the same range on the
// same node: an epoch that is refused never comes back. The zero Ranges has no
// ranges, and is only there to be read into.
//
// Their text has a line for the version and one for each range: where it starts,
// its owner, its epoch. Where it ends the next one starts.
//
//	ranges version=3
//	"" node-1 1
//	"m" node-2 3
type Ranges struct {
	version uint64
	ranges  []Range // in order; the first starts, and the last ends, with the empty key
}

// NewRanges returns the map of one range with all keys, of version 1. Errors: a
// node without a proper name.
func NewRanges(node string) (*Ranges, error) {
	if err := checkName(node); err != nil {
		return nil, fmt.Errorf("partition: owner of the first range: %w", err)
	}
	return &Ranges{1, []Range{{Node: node, Epoch: 1}}}, nil
}

// Version returns how many changes made the map, itself included.
func (r *Ranges) Version() uint64 { return r.version }

// All returns the ranges in order. It is not to be changed.
func (r *Ranges) All() []Range { return r.ranges }

// Find returns the range of a key: there is always one.
func (r *Ranges) Find(key string) Range { return r.ranges[r.find(key)] }

// find returns the index of the last range that starts at or before a key.
func (r *Ranges) find(key string) int {
	i, found := slices.BinarySearchFunc(r.ranges, key, func(x Range, key string) int {
		return strings.Compare(x.Start, key)
	})
	if found {
		return i
	}
	return i - 1
}

// Locate returns the owner of a key and the epoch of its range.
func (r *Ranges) Locate(key string) (Place, bool) {
	found := r.Find(key)
	return Place{found.Node, found.Epoch}, true
}

// Split returns the map in which the range of at ends before it, and another one
// starts with it, on the same node. Both have a new epoch. No key moves. Errors: a
// range starts there already, the key is too long, there are too many ranges.
func (r *Ranges) Split(at string) (*Ranges, error) {
	i := r.find(at)
	switch old := r.ranges[i]; {
	case old.Start == at:
		return nil, fmt.Errorf("partition: split at %q: a range starts there already; choose a "+
			"key inside one", at)
	case len(at) > MaxKey:
		return nil, fmt.Errorf("partition: split at a key of %d bytes: at most %d; choose one "+
			"nearby that is shorter",
			len(at), MaxKey)
	case len(r.ranges) == MaxRanges:
		return nil, fmt.Errorf("partition: split at %q: there are %d ranges, and no more may "+
			"be; merge some", at, MaxRanges)
	default:
		return r.replace(i, 1, Range{old.Start, at, old.Node, 0}, Range{at, old.End, old.Node, 0})
	}
}

// Merge returns the map in which the range that ends before at and the one that
// starts with it are one. It is where the left one was: if the right one was on
// another node, its keys move. Errors: no range starts there, or none is before.
func (r *Ranges) Merge(at string) (*Ranges, error) {
	i := r.find(at)
	if at == "" || r.ranges[i].Start != at {
		return nil, fmt.Errorf("partition: merge at %q: no range ends there; choose where one "+
			"starts, and not the first", at)
	}
	left, right := r.ranges[i-1], r.ranges[i]
	return r.replace(i-1, 2, Range{left.Start, right.End, left.Node, 0})
}

// Move returns the map in which the range that starts with start is on a node,
// with a new epoch. Errors: no range starts there, it is there already, the node
// has no proper name.
func (r *Ranges) Move(start, node string) (*Ranges, error) {
	i := r.find(start)
	old := r.ranges[i]
	if old.Start != start {
		return nil, fmt.Errorf("partition: move the range from %q: none starts there; that key "+
			"is in the one from %q",
			start, old.Start)
	}
	if old.Node == node {
		return nil, fmt.Errorf("partition: move the range from %q to %s: it is there", start, node)
	}
	if err := checkName(node); err != nil {
		return nil, fmt.Errorf("partition: move the range from %q: the node: %w", start, err)
	}
	return r.replace(i, 1, Range{old.Start, old.End, node, 0})
}

// replace returns the next map, in which these ranges stand for n others.
func (r *Ranges) replace(i, n int, by ...Range) (*Ranges, error) {
	version, err := after(r.version)
	if err != nil {
		return nil, err
	}
	for j := range by {
		by[j].Epoch = version
	}
	next := make([]Range, 0, len(r.ranges)-n+len(by))
	next = append(append(append(next, r.ranges[:i]...), by...), r.ranges[i+n:]...)
	return &Ranges{version, next}, nil
}

// after returns the next version.
func after(version uint64) (uint64, error) {
	if version+1 == 0 {
		return 0, errors.New("partition: the versions of this map are used up: begin another map")
	}
	return version + 1, nil
}

// Moves returns what would move if after took the place of r. count says how many
// keys there are from start to before end (empty: to the end).
func (r *Ranges) Moves(after *Ranges, count func(start, end string) uint64) Plan {
	t := newTally(owners(r), owners(after))
	i, j, start := 0, 0, ""
	for i < len(r.ranges) && j < len(after.ranges) {
		a, b := r.ranges[i], after.ranges[j]
		end := a.End
		if end == "" || b.End != "" && b.End < end {
			end = b.End
		}
		t.add(a.Node, b.Node, count(start, end))
		if a.End == end {
			i++
		}
		if b.End == end {
			j++
		}
		start = end
	}
	return t.plan()
}

// owners returns all nodes that have a range.
func owners(r *Ranges) (nodes []Node) {
	for _, x := range r.ranges {
		nodes = append(nodes, Node{ID: x.Node, Weight: 1})
	}
	return nodes
}

// String returns the text.
func (r *Ranges) String() string {
	b := []byte("ranges version=" + strconv.FormatUint(r.version, 10) + "\n")
	for _, x := range r.ranges {
		b = strconv.AppendQuoteToASCII(b, x.Start)
		b = append(append(b, ' '), x.Node...)
		b = append(strconv.AppendUint(append(b, ' '), x.Epoch, 10), '\n')
	}
	return string(b)
}

// MarshalText returns the one text of the map. Errors: the zero Ranges, and a text
// of more than 256 MiB, which nobody would read.
func (r *Ranges) MarshalText() ([]byte, error) {
	return writeMap("ranges", r.version, []byte(r.String()))
}

// UnmarshalText reads what MarshalText wrote. Errors: ErrMalformed; then r is
// unchanged.
func (r *Ranges) UnmarshalText(text []byte) error {
	var read Ranges
	err := readMap(text, "ranges", &read.version, read.readLine)
	if err == nil && len(read.ranges) == 0 {
		err = fmt.Errorf("%w: no range", ErrMalformed)
	}
	if err == nil && !bytes.Equal([]byte(read.String()), text) {
		err = fmt.Errorf("%w: the same can be said in another way", ErrMalformed)
	}
	if err != nil {
		return fmt.Errorf("partition: read ranges: %w", err)
	}
	*r = read
	return nil
}

// readLine reads the line of a range, and ends with it the one before.
func (r *Ranges) readLine(line string) error {
	quoted, err := strconv.QuotedPrefix(line)
	if err != nil {
		return fmt.Errorf("%w: line %.80q: begin with a quoted key", ErrMalformed, line)
	}
	start, err := strconv.Unquote(quoted)
	if err != nil {
		return fmt.Errorf("%w: line %.80q: %w", ErrMalformed, line, err)
	}
	place, err := readPlace(strings.TrimPrefix(line[len(quoted):], " "), r.version)
	if err != nil {
		return err
	}
	last := len(r.ranges) - 1
	switch {
	case len(start) > MaxKey:
		return fmt.Errorf("%w: a key of %d bytes, of %d at most", ErrMalformed, len(start), MaxKey)
	case last < 0 && start != "":
		return fmt.Errorf("%w: the first range starts with %q, not with the empty key",
			ErrMalformed, start)
	case last >= 0 && start <= r.ranges[last].Start:
		return fmt.Errorf("%w: a range from %q after one from %q",
			ErrMalformed, start, r.ranges[last].Start)
	case last+1 == MaxRanges:
		return fmt.Errorf("%w: more than %d ranges", ErrMalformed, MaxRanges)
	case last >= 0:
		r.ranges[last].End = start
	}
	r.ranges = append(r.ranges, Range{start, "", place.Node, place.Epoch})
	return nil
}

// writeMap returns a text that readMap reads.
func writeMap(name string, version uint64, text []byte) ([]byte, error) {
	if version == 0 {
		return nil, fmt.Errorf("partition: write %s: there are none; begin with New", name)
	}
	if len(text) > maxMap {
		return nil, fmt.Errorf("partition: write %s: %d bytes, of %d at most; use shorter keys "+
			"or names",
			name, len(text), maxMap)
	}
	return text, nil
}

// readMap reads a first line of a name and a version, then each other line.
func readMap(text []byte, name string, version *uint64, read func(string) error) error {
	if len(text) > maxMap {
		return fmt.Errorf("%w: %d bytes, of %d at most", ErrMalformed, len(text), maxMap)
	}
	head, rest, _ := strings.Cut(string(text), "\n")
	number, ok := strings.CutPrefix(head, name+" version=")
	v, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil || v == 0 {
		return fmt.Errorf("%w: first line %.80q: begin with %q and a number from 1",
			ErrMalformed, head, name+" version=")
	}
	*version = v
	for line := range strings.Lines(rest) {
		if err := read(strings.TrimSuffix(line, "\n")); err != nil {
			return err
		}
	}
	return nil
}

// readPlace reads a node and an epoch, which a version of the map has given.
func readPlace(s string, version uint64) (Place, error) {
	node, number, _ := strings.Cut(s, " ")
	if err := checkName(node); err != nil {
		return Place{}, fmt.Errorf("%w: node: %w", ErrMalformed, err)
	}
	epoch, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return Place{}, fmt.Errorf("%w: epoch: %w", ErrMalformed, err)
	}
	if epoch == 0 || epoch > version {
		return Place{}, fmt.Errorf("%w: epoch %d in a map of version %d",
			ErrMalformed, epoch, version)
	}
	return Place{node, epoch}, nil
}
