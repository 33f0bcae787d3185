package clock

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Names numbers the processes of a [Vector], in the order in which they are
// first named: names stay at the edges, and clocks are slices. Each process may
// number them in its own order, for what leaves it bears the names. The zero
// Names is ready to use; it is not for several goroutines at once.
type Names struct {
	index map[string]int
	names []string
}

// Index returns the number of a name, which it gives if the name is new.
func (n *Names) Index(name string) int {
	if i, ok := n.index[name]; ok {
		return i
	}
	if n.index == nil {
		n.index = make(map[string]int)
	}
	n.index[name] = len(n.names)
	n.names = append(n.names, name)
	return len(n.names) - 1
}

// Len returns how many names have numbers: 0 to Len()-1.
func (n *Names) Len() int { return len(n.names) }

// Name returns the name numbered i, which must have been given.
func (n *Names) Name(i int) string { return n.names[i] }

// Vector returns the clock with these counts.
func (n *Names) Vector(counts map[string]uint64) Vector {
	v := make(Vector, 0, len(n.names))
	for name, count := range counts {
		if count > 0 {
			i := n.Index(name)
			v.grow(i + 1)
			v[i] = count
		}
	}
	return v
}

// Map returns the counts of a clock other than 0. All in v must be named.
func (n *Names) Map(v Vector) map[string]uint64 {
	counts := make(map[string]uint64, len(v))
	for i, count := range v {
		if count > 0 {
			counts[n.names[i]] = count
		}
	}
	return counts
}

// AppendVector appends v in a form that stands for the same counts everywhere:
// how many are not 0, and of each, by name in ascending order, the length of
// the name, the name and the count.
func (n *Names) AppendVector(b []byte, v Vector) []byte {
	order := make([]int, 0, len(v))
	for i, count := range v {
		if count > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int { return strings.Compare(n.names[i], n.names[j]) })
	b = binary.AppendUvarint(b, uint64(len(order)))
	for _, i := range order {
		b = binary.AppendUvarint(b, uint64(len(n.names[i])))
		b = binary.AppendUvarint(append(b, n.names[i]...), v[i])
	}
	return b
}

// DecodeVector reads what AppendVector wrote, here or elsewhere, or fails with
// ErrMalformed. It numbers the names that are new, if there is no mistake.
func (n *Names) DecodeVector(b []byte) (Vector, error) {
	r := reader{b: b}
	size := r.count(2)
	counts := make(map[string]uint64, size)
	last := ""
	for i := range size {
		name := string(r.bytes())
		r.require(i == 0 || name > last)
		counts[name], last = r.positive(), name
	}
	if err := r.done("vector"); err != nil {
		return nil, err
	}
	return n.Vector(counts), nil
}

// AppendJSON appends v as an object of counts by name, sorted, without zeros:
// the form that ShiViz reads. It fails on a name that is not UTF-8, which JSON
// cannot say.
func (n *Names) AppendJSON(b []byte, v Vector) ([]byte, error) {
	counts := n.Map(v)
	for name := range counts {
		if !utf8.ValidString(name) {
			return b, fmt.Errorf("write name %q as JSON: not UTF-8", name)
		}
	}
	text, err := json.Marshal(counts)
	return append(b, text...), err
}

// ParseJSON reads what AppendJSON wrote, here or elsewhere, or fails with
// ErrMalformed. It numbers the names that are new, if there is no mistake.
func (n *Names) ParseJSON(text []byte) (Vector, error) {
	var counts map[string]uint64
	if json.Unmarshal(text, &counts) != nil || counts == nil {
		return nil, malformed("vector")
	}
	again, err := json.Marshal(counts)
	if err != nil || string(again) != string(text) {
		return nil, malformed("vector")
	}
	for _, count := range counts {
		if count == 0 {
			return nil, malformed("vector")
		}
	}
	return n.Vector(counts), nil
}
