package crdt

import (
	"encoding/binary"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// A Kind says what a field of a Map holds. It belongs to the name: a counter
// "x" and a set "x" are two fields, so that replicas that disagree about what x
// is never have to join a counter with a set.
type Kind byte

// The kinds of fields.
const (
	Counter  Kind = 'c'
	Flag     Kind = 'f'
	Nested   Kind = 'm' // a map
	Register Kind = 'r' // of several values, as in MVRegister
	Set      Kind = 's' // add wins, as in AWSet
)

var kinds = []Kind{Counter, Flag, Nested, Register, Set} // in order

// String returns the kind as a word.
func (k Kind) String() string {
	switch k {
	case Counter:
		return "counter"
	case Flag:
		return "flag"
	case Nested:
		return "map"
	case Register:
		return "register"
	case Set:
		return "set"
	}
	return "kind " + strconv.Itoa(int(k))
}

type mapKind struct{}

func (mapKind) tag() byte     { return tagMap }
func (mapKind) name() string  { return "Map" }
func (mapKind) shape() *shape { return mapShape }

var (
	countShape = &shape{values: isCount}
	mapShape   = &shape{keys: fieldShape}
)

func fieldShape(key string) *shape {
	if key == "" {
		return nil
	}
	switch Kind(key[0]) {
	case Counter:
		return countShape
	case Flag:
		return ewShape
	case Nested:
		return &shape{keys: fieldShape}
	case Register:
		return mvShape
	case Set:
		return awShape
	}
	return nil
}

// A Map has fields by name: counters, flags, registers, sets, and maps again.
// To remove a field is to reset all that is beneath it, as far as it has been
// seen; what others have written there without seeing it stays, and so does
// the field then. A field is there while anything is beneath it. Of what is
// removed nothing is kept. (Almeida et al. 2018: map embedding causal types.) The zero
// Map is empty.
//
// Fields are named by their path: the names of the maps on the way, and their
// own. A path is one to MaxDepth names long; any other is a mistake of the
// program, and panics.
type Map struct{ state[mapKind] }

func newMap(c causal) *Map { return &Map{state[mapKind]{c}} }

// keyed returns the keys that lead to a field.
func keyed(k Kind, path []string) []string {
	if len(path) == 0 || len(path) > MaxDepth {
		panic("crdt: a path of " + strconv.Itoa(len(path)) + " names, of 1 to " + strconv.Itoa(MaxDepth))
	}
	keys := within(path)
	keys[len(keys)-1] = string(rune(k)) + path[len(path)-1]
	return keys
}

// within returns the keys that lead to a map.
func within(path []string) []string {
	keys := make([]string, len(path))
	for i, name := range path {
		keys[i] = string(rune(Nested)) + name
	}
	return keys
}

// Fields returns the names and kinds of the fields of the map at path, by
// kind, then name; without a path, of the map itself.
func (m *Map) Fields(path ...string) iter.Seq2[string, Kind] {
	entries := m.keys(within(path))
	return func(yield func(string, Kind) bool) {
		for _, e := range entries {
			if !yield(e.key[1:], Kind(e.key[0])) {
				return
			}
		}
	}
}

// Has reports whether there is a field at path, of any kind.
func (m *Map) Has(path ...string) bool {
	return slices.ContainsFunc(kinds, func(k Kind) bool { return at(m.root, keyed(k, path)) != nil })
}

// Seen returns what has been seen at path and beneath, and is still there: what
// a client keeps, to remove later what it has seen now.
func (m *Map) Seen(path ...string) (seen Context) {
	for _, k := range kinds {
		c := m.seen(keyed(k, path))
		seen.Join(&c)
	}
	return seen
}

// Remove removes the field at path, of whatever kind, with all that is beneath
// it and has been seen here, and returns the delta.
func (m *Map) Remove(path ...string) *Map {
	d := new(Map)
	for _, k := range kinds {
		one := m.clear(keyed(k, path))
		d.join(&one)
	}
	return d
}

// RemoveSeen removes everything that seen has seen, wherever in the map, now
// or when it arrives, and returns the delta.
func (m *Map) RemoveSeen(seen Context) *Map { return newMap(m.drop(&seen)) }

// Join takes in a state or a delta.
func (m *Map) Join(o *Map) { m.join(&o.causal) }

// Clone returns a copy that shares nothing with m.
func (m *Map) Clone() *Map { return newMap(m.copy()) }

// A MapCounter is a counter in a map. Each increment is kept by itself, for a
// remove resets those it has seen and no others; a sum could not tell them
// apart. Many increments between two removes make a large map: sum them up
// before they are added, or use a PNCounter beside the map.
type MapCounter struct {
	m    *Map
	path []string
}

// Counter returns the counter at path, whether or not it is there yet.
func (m *Map) Counter(path ...string) MapCounter { return MapCounter{m, keyed(Counter, path)} }

// Add adds n, which may be negative, and returns the delta. To add 0 does
// nothing.
func (c MapCounter) Add(actor uint64, n int64) *Map {
	if n == 0 {
		return new(Map)
	}
	return newMap(c.m.count(c.path, actor, string(binary.AppendVarint(nil, n))))
}

// Value returns the sum, or the nearest number that an int64 can say.
func (c MapCounter) Value() int64 { return c.m.values(c.path).sum() }

func (f values) sum() int64 {
	var w wide
	for _, e := range f {
		if n, _ := binary.Varint([]byte(e.value)); n < 0 {
			w.sub(-uint64(n))
		} else {
			w.add(uint64(n))
		}
	}
	return w.int64()
}

// isCount reports whether v is what Add writes.
func isCount(v string) bool {
	n, size := binary.Varint([]byte(v))
	return n != 0 && size == len(v) && (size == 1 || v[size-1] != 0)
}

// A MapSet is an add-wins set in a map.
type MapSet struct {
	m    *Map
	path []string
}

// Set returns the set at path, whether or not it is there yet.
func (m *Map) Set(path ...string) MapSet { return MapSet{m, keyed(Set, path)} }

func (s MapSet) at(elem string) []string { return append(slices.Clip(s.path), elem) }

// Add adds elem in the name of the actor and returns the delta.
func (s MapSet) Add(actor uint64, elem string) *Map { return newMap(s.m.mark(s.at(elem), actor)) }

// Remove removes elem, as far as it has been seen here, and returns the delta.
func (s MapSet) Remove(elem string) *Map { return newMap(s.m.clear(s.at(elem))) }

// Has reports whether elem is in the set.
func (s MapSet) Has(elem string) bool { return at(s.m.root, s.at(elem)) != nil }

// All returns the elements in order.
func (s MapSet) All() iter.Seq[string] { return names(s.m.keys(s.path), always) }

// A MapRegister is a register of several values in a map.
type MapRegister struct {
	m    *Map
	path []string
}

// Register returns the register at path, whether or not it is there yet.
func (m *Map) Register(path ...string) MapRegister { return MapRegister{m, keyed(Register, path)} }

// Set writes value over all that is seen here, and returns the delta.
func (g MapRegister) Set(actor uint64, value string) *Map {
	return newMap(g.m.write(g.path, actor, value))
}

// Values returns the values in order, each once.
func (g MapRegister) Values() []string { return g.m.values(g.path).words() }

// A MapFlag is an enable-wins flag in a map.
type MapFlag struct {
	m    *Map
	path []string
}

// Flag returns the flag at path, whether or not it is there yet.
func (m *Map) Flag(path ...string) MapFlag { return MapFlag{m, keyed(Flag, path)} }

// Enable switches the flag on and returns the delta.
func (f MapFlag) Enable(actor uint64) *Map { return newMap(f.m.mark(f.path, actor)) }

// Disable takes away the enables that are seen here, and returns the delta.
func (f MapFlag) Disable() *Map { return newMap(f.m.clear(f.path)) }

// On reports whether the flag is on.
func (f MapFlag) On() bool { return at(f.m.root, f.path) != nil }

// String returns the fields by kind and name, and what is in them.
func (m *Map) String() string { return describe(m.keys(nil)) }

func describe(fields []entry) string {
	words := make([]string, len(fields))
	for i, e := range fields {
		words[i] = strconv.Quote(e.key[1:]) + ":"
		switch below := e.store.(type) {
		case *dotSet:
			words[i] += "on"
		case *dotFun:
			if Kind(e.key[0]) == Counter {
				words[i] += strconv.FormatInt(values(below.list).sum(), 10)
			} else {
				words[i] += braces(slices.Values(values(below.list).words()))
			}
		case *dotMap:
			if Kind(e.key[0]) == Set {
				words[i] += braces(names(below.entries, always))
			} else {
				words[i] += describe(below.entries)
			}
		}
	}
	return "{" + strings.Join(words, " ") + "}"
}
