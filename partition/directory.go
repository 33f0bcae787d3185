package partition

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxPartitions bounds a directory: a change copies it, some 56 MB then.
const MaxPartitions = 1 << 20

// An Entry of a directory says where a partition is.
type Entry struct {
	Name string // unique; formed as a node's ID
	Place
}

// A Directory is a table of partitions: tenants, tables, or the fixed parts of a
// hash. It is a value: a change makes another one, of the next version, which is
// the epoch of each partition it concerns. A partition that is removed and made
// again has a later epoch than ever before.
//
// Its text has a line for the version and one for each partition, by name:
//
//	directory version=3
//	orders node-1 1
//	users node-2 3
type Directory struct {
	version uint64
	entries []Entry // by name
}

// NewDirectory returns a directory without partitions, of version 1.
func NewDirectory() *Directory { return &Directory{version: 1} }

// Version returns how many changes made the directory, itself included.
func (d *Directory) Version() uint64 { return d.version }

// All returns the entries by name. It is not to be changed.
func (d *Directory) All() []Entry { return d.entries }

// Locate returns where a partition is, and whether it exists.
func (d *Directory) Locate(name string) (Place, bool) {
	if i, ok := d.find(name); ok {
		return d.entries[i].Place, true
	}
	return Place{}, false
}

func (d *Directory) find(name string) (int, bool) {
	return slices.BinarySearchFunc(d.entries, name, func(e Entry, name string) int {
		return strings.Compare(e.Name, name)
	})
}

// Assign returns the directory in which these partitions are on a node; those that
// do not exist are made. Those that are there already keep their epoch. Errors: no
// names, a name or a node that is not proper, too many partitions.
func (d *Directory) Assign(node string, names ...string) (*Directory, error) {
	if len(names) == 0 {
		return nil, fmt.Errorf("partition: assign to node %s: no partitions: name at least one",
			node)
	}
	if err := checkName(node); err != nil {
		return nil, fmt.Errorf("partition: assign partition %s: the node: %w", names[0], err)
	}
	target := make(map[string]string, len(names))
	for _, name := range names {
		if err := checkName(name); err != nil {
			return nil, fmt.Errorf("partition: assign to node %s: a partition's name: %w",
				node, err)
		}
		target[name] = node
	}
	return d.change(target)
}

// change returns the next directory, with partitions on other nodes.
func (d *Directory) change(target map[string]string) (*Directory, error) {
	version, err := after(d.version)
	if err != nil {
		return nil, err
	}
	next := make([]Entry, 0, len(d.entries)+len(target))
	for _, e := range d.entries {
		if node, ok := target[e.Name]; ok && node != e.Node {
			e.Place = Place{node, version}
		}
		next = append(next, e)
	}
	for name, node := range target {
		if _, ok := d.find(name); !ok {
			next = append(next, Entry{name, Place{node, version}})
		}
	}
	if len(next) > MaxPartitions {
		return nil, fmt.Errorf("partition: a directory of %d partitions: at most %d; make them "+
			"larger",
			len(next), MaxPartitions)
	}
	slices.SortFunc(next, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return &Directory{version, next}, nil
}

// Remove returns the directory without a partition. Errors: one that does not
// exist.
func (d *Directory) Remove(name string) (*Directory, error) {
	i, ok := d.find(name)
	if !ok {
		return nil, fmt.Errorf("partition: remove partition %s: there is none; see All for "+
			"those there are", name)
	}
	version, err := after(d.version)
	if err != nil {
		return nil, err
	}
	return &Directory{version, slices.Delete(slices.Clone(d.entries), i, i+1)}, nil
}

// Spread returns the directory in which these nodes, and no others, have all
// partitions, their numbers differing by one at most; and no fewer could have
// moved. Of those that are even it moves none: only from nodes that have too many
// or go, to nodes that have too few or come. Where a remainder is left, those that
// have most keep it. Errors: no nodes, one twice, one without a proper name.
func (d *Directory) Spread(ids ...string) (*Directory, error) {
	nodes := make([]Node, len(ids))
	for i, id := range ids {
		nodes[i] = Node{ID: id, Weight: 1}
	}
	if err := checkNodes(nodes); err != nil {
		return nil, err
	}
	has := make(map[string]int, len(ids))
	for _, e := range d.entries {
		has[e.Node]++
	}
	order := slices.SortedFunc(slices.Values(ids), func(a, b string) int {
		return cmp.Or(cmp.Compare(has[b], has[a]), strings.Compare(a, b))
	})
	room := make(map[string]int, len(ids)) // how many more a node is due; below 0: too many
	for i, id := range order {
		room[id] = len(d.entries)/len(ids) - has[id]
		if i < len(d.entries)%len(ids) {
			room[id]++
		}
	}
	target := map[string]string{}
	to := 0
	for _, e := range d.entries {
		over, stays := room[e.Node]
		if stays && over >= 0 {
			continue
		}
		for room[order[to]] <= 0 { // ends: what is over and what is due sum to 0
			to++
		}
		target[e.Name] = order[to]
		room[order[to]]--
		if stays {
			room[e.Node]++
		}
	}
	return d.change(target)
}

// Moves returns what would move if after took the place of d. count says how many
// keys a partition has. A partition that is made comes from nowhere, and one that
// is removed goes there.
func (d *Directory) Moves(after *Directory, count func(name string) uint64) Plan {
	t := newTally(hosts(d), hosts(after))
	for _, e := range d.entries {
		to, _ := after.Locate(e.Name)
		t.add(e.Node, to.Node, count(e.Name))
	}
	for _, e := range after.entries {
		if _, ok := d.find(e.Name); !ok {
			t.add("", e.Node, count(e.Name))
		}
	}
	return t.plan()
}

// hosts returns all nodes that have a partition.
func hosts(d *Directory) (nodes []Node) {
	for _, e := range d.entries {
		nodes = append(nodes, Node{ID: e.Node, Weight: 1})
	}
	return nodes
}

// String returns the text.
func (d *Directory) String() string {
	b := []byte("directory version=" + strconv.FormatUint(d.version, 10) + "\n")
	for _, e := range d.entries {
		b = append(append(append(append(b, e.Name...), ' '), e.Node...), ' ')
		b = append(strconv.AppendUint(b, e.Epoch, 10), '\n')
	}
	return string(b)
}

// MarshalText returns the one text of the directory. Errors: the zero Directory,
// and a text of more than 256 MiB, which nobody would read.
func (d *Directory) MarshalText() ([]byte, error) {
	return writeMap("directory", d.version, []byte(d.String()))
}

// UnmarshalText reads what MarshalText wrote. Errors: ErrMalformed; then d is
// unchanged.
func (d *Directory) UnmarshalText(text []byte) error {
	var read Directory
	err := readMap(text, "directory", &read.version, read.readLine)
	if err == nil && !bytes.Equal([]byte(read.String()), text) {
		err = fmt.Errorf("%w: the same can be said in another way", ErrMalformed)
	}
	if err != nil {
		return fmt.Errorf("partition: read directory: %w", err)
	}
	*d = read
	return nil
}

// readLine reads the line of a partition.
func (d *Directory) readLine(line string) error {
	name, rest, _ := strings.Cut(line, " ")
	if err := checkName(name); err != nil {
		return fmt.Errorf("%w: a partition's name: %w", ErrMalformed, err)
	}
	place, err := readPlace(rest, d.version)
	if err != nil {
		return err
	}
	if last := len(d.entries) - 1; last >= 0 && name <= d.entries[last].Name {
		return fmt.Errorf("%w: partition %s after %s", ErrMalformed, name, d.entries[last].Name)
	}
	if len(d.entries) == MaxPartitions {
		return fmt.Errorf("%w: more than %d partitions", ErrMalformed, MaxPartitions)
	}
	d.entries = append(d.entries, Entry{name, place})
	return nil
}
