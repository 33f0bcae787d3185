package crdt_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"althing/crdt"
)

// An event is a change as the oracle sees it: what was done where, and which
// events the replica knew. Of the data type it knows nothing.
type event struct {
	id    int
	actor uint64
	at    uint64
	do    string   // "add", "remove", "count"
	path  []string // what it is about, and with it all that is beneath
	value string
	n     int64
	known map[int]bool
}

// beneath reports whether e is about what o is about, or a part of it.
func (e *event) beneath(o *event) bool {
	return len(o.path) <= len(e.path) && slices.Equal(o.path, e.path[:len(o.path)])
}

// covers reports whether e replaces what it knew of o.
func (e *event) covers(o *event) bool {
	return e.do != "count" && e.known[o.id] && o.beneath(e)
}

// A history is events, by number.
type history []*event

func (h history) of(known map[int]bool, do string) (of []*event) {
	for _, e := range h {
		if known[e.id] && e.do == do {
			of = append(of, e)
		}
	}
	return of
}

// before returns what must be known of the data before e: what it replaced,
// and what that replaced.
func (h history) before(e *event) map[int]bool {
	all := map[int]bool{e.id: true}
	for todo := []*event{e}; len(todo) > 0; todo = todo[1:] {
		for _, o := range h[:todo[0].id] {
			if !all[o.id] && todo[0].covers(o) {
				all[o.id] = true
				todo = append(todo, o)
			}
		}
	}
	return all
}

// A twin is a type with an oracle: what its state must say of the events that
// are known.
type twin[T any, S crdt.State[T]] struct {
	do   func(r *rand.Rand, s *T, e *event) *T // fills in what was done
	want func(h history, known map[int]bool) string
}

// convergesTo runs histories in which states are exchanged, and what each
// replica says is compared with the oracle after every step; and others in which
// single deltas come late, often or never, until all states are exchanged.
func convergesTo[T any, S crdt.State[T]](tw twin[T, S]) func(*testing.T) {
	type message struct {
		s     S
		known map[int]bool
	}
	return func(t *testing.T) {
		for seed := range uint64(2 * seeds) {
			deltas := seed%2 == 1
			r := rand.New(rand.NewPCG(seed, 2))
			var h history
			var sent []message
			replicas := make([]message, 4)
			for i := range replicas {
				replicas[i] = message{new(T), map[int]bool{}}
			}
			check := func(m message) {
				t.Helper()
				if got, want := m.s.String(), tw.want(h, m.known); got != want {
					t.Fatalf("seed %d: %s, not %s, after %s", seed, got, want, h.show(m.known))
				}
			}
			take := func(i int, m message) {
				replicas[i].s.Join((*T)(m.s))
				maps.Copy(replicas[i].known, m.known)
			}
			for range 50 {
				i := r.IntN(len(replicas))
				m := replicas[i]
				switch k := r.IntN(4); {
				case k < 2:
					e := &event{id: len(h), actor: uint64(i + 1), known: maps.Clone(m.known)}
					d := tw.do(r, (*T)(m.s), e)
					h = append(h, e)
					m.known[e.id] = true
					if deltas {
						sent = append(sent, message{d, h.before(e)})
					}
				case k == 2 && !deltas || k == 2 && r.IntN(8) == 0:
					sent = append(sent, message{S(m.s.Clone()), maps.Clone(m.known)})
				case len(sent) > 0:
					take(i, sent[r.IntN(len(sent))])
				}
				if !deltas {
					check(m)
				}
			}
			for i := range replicas {
				for _, m := range replicas {
					take(i, message{S(m.s.Clone()), m.known})
				}
				check(replicas[i])
			}
		}
	}
}

func (h history) show(known map[int]bool) string {
	var b strings.Builder
	for _, e := range h {
		if known[e.id] {
			fmt.Fprintf(&b, "\n%d: %s %q %s %d knowing %v", e.id, e.do, e.path, e.value, e.n,
				slices.Sorted(maps.Keys(e.known)))
		}
	}
	return b.String()
}

// TestOracle: what the types say is what their definition says of the events,
// which are compared by what was known when they were made, and by nothing else.
func TestOracle(t *testing.T) {
	t.Run("GCounter", convergesTo(twin[crdt.GCounter, *crdt.GCounter]{
		func(r *rand.Rand, s *crdt.GCounter, e *event) *crdt.GCounter {
			e.do, e.n = "count", r.Int64N(5)
			d, _ := s.Add(e.actor, uint64(e.n))
			return d
		}, wantSum}))
	t.Run("PNCounter", convergesTo(twin[crdt.PNCounter, *crdt.PNCounter]{
		func(r *rand.Rand, s *crdt.PNCounter, e *event) *crdt.PNCounter {
			e.do, e.n = "count", r.Int64N(11)-5
			d, _ := s.Add(e.actor, e.n)
			return d
		}, wantSum}))
	t.Run("GSet", convergesTo(twin[crdt.GSet, *crdt.GSet]{
		func(r *rand.Rand, s *crdt.GSet, e *event) *crdt.GSet {
			e.do, e.path = "add", []string{letter(r)}
			return s.Add(e.path[0])
		}, wantAddWins}))
	t.Run("AWSet", convergesTo(twin[crdt.AWSet, *crdt.AWSet]{doAWSet, wantAddWins}))
	t.Run("RWSet", convergesTo(twin[crdt.RWSet, *crdt.RWSet]{doRWSet, wantRemoveWins}))
	t.Run("LWWRegister", convergesTo(twin[crdt.LWWRegister, *crdt.LWWRegister]{doLWW, wantLatest}))
	t.Run("MVRegister", convergesTo(twin[crdt.MVRegister, *crdt.MVRegister]{doMV, wantValues}))
	t.Run("EWFlag", convergesTo(twin[crdt.EWFlag, *crdt.EWFlag]{doFlag, wantOn}))
	t.Run("Map", convergesTo(twin[crdt.Map, *crdt.Map]{doMap, wantMap}))
}

func wantSum(h history, known map[int]bool) string {
	sum := int64(0)
	for _, e := range h.of(known, "count") {
		sum += e.n
	}
	return fmt.Sprint(sum)
}

// quoted returns words, each once, in order, quoted, in braces.
func quoted(words []string) string {
	words = slices.Compact(slices.Sorted(slices.Values(words)))
	for i := range words {
		words[i] = fmt.Sprintf("%q", words[i])
	}
	return "{" + strings.Join(words, " ") + "}"
}

func doAWSet(r *rand.Rand, s *crdt.AWSet, e *event) *crdt.AWSet {
	e.do, e.path = "add", []string{letter(r)}
	if r.IntN(2) == 0 {
		e.do = "remove"
		return s.Remove(e.path[0])
	}
	return s.Add(e.actor, e.path[0])
}

// wantAddWins: an element is in if some add of it is known of which no remove
// of it that is known knew.
func wantAddWins(h history, known map[int]bool) string {
	var in []string
	for _, a := range h.of(known, "add") {
		if !slices.ContainsFunc(h.of(known, "remove"), func(r *event) bool { return r.covers(a) }) {
			in = append(in, a.path[0])
		}
	}
	return quoted(in)
}

func doRWSet(r *rand.Rand, s *crdt.RWSet, e *event) *crdt.RWSet {
	e.do, e.path = "add", []string{letter(r)}
	if r.IntN(2) == 0 {
		e.do = "remove"
		return s.Remove(e.actor, e.path[0])
	}
	return s.Add(e.actor, e.path[0])
}

// wantRemoveWins: an element is in if it was added, and each remove of it that
// is known was known to some add of it.
func wantRemoveWins(h history, known map[int]bool) string {
	var in []string
	adds := h.of(known, "add")
	for _, a := range adds {
		beaten := func(r *event) bool {
			after := func(later *event) bool { return h.before(later)[r.id] && later.beneath(r) }
			return r.beneath(a) && !slices.ContainsFunc(adds, after)
		}
		if !slices.ContainsFunc(h.of(known, "remove"), beaten) {
			in = append(in, a.path[0])
		}
	}
	return quoted(in)
}

func doLWW(r *rand.Rand, s *crdt.LWWRegister, e *event) *crdt.LWWRegister {
	e.do, e.at, e.value = "add", r.Uint64N(6), letter(r)
	return s.Set(e.at, e.actor, e.value)
}

func wantLatest(h history, known map[int]bool) string {
	best, value := "", "none"
	for _, e := range h.of(known, "add") { // all numbers have one digit
		if rank := fmt.Sprint(e.at, e.actor, e.value); rank > best {
			best, value = rank, fmt.Sprintf("%q", e.value)
		}
	}
	return value
}

func doMV(r *rand.Rand, s *crdt.MVRegister, e *event) *crdt.MVRegister {
	e.do, e.value = "add", letter(r)
	if r.IntN(5) == 0 {
		e.do = "remove"
		return s.Clear()
	}
	return s.Set(e.actor, e.value)
}

// alive returns the events of a kind of which none that is known, and replaces
// what it knew, knew.
func (h history) alive(known map[int]bool, do string) (alive []*event) {
	for _, a := range h.of(known, do) {
		over := func(e *event) bool { return known[e.id] && e.covers(a) }
		if !slices.ContainsFunc(h, over) {
			alive = append(alive, a)
		}
	}
	return alive
}

func wantValues(h history, known map[int]bool) string {
	var values []string
	for _, e := range h.alive(known, "add") {
		values = append(values, e.value)
	}
	return quoted(values)
}

func doFlag(r *rand.Rand, s *crdt.EWFlag, e *event) *crdt.EWFlag {
	e.do = "add"
	if r.IntN(2) == 0 {
		e.do = "remove"
		return s.Disable()
	}
	return s.Enable(e.actor)
}

func wantOn(h history, known map[int]bool) string {
	if len(h.alive(known, "add")) > 0 {
		return "on"
	}
	return "off"
}

// doMap writes paths as names, and behind them what the field is: a, b, "=c" is
// the counter b in the map a. A remove of a, b is of all of it.
func doMap(r *rand.Rand, m *crdt.Map, e *event) *crdt.Map {
	var path []string
	for len(path) == 0 || len(path) < 3 && r.IntN(2) == 0 {
		path = append(path, letter(r))
	}
	e.do, e.value, e.path = "add", letter(r), path
	field := func(more ...string) { e.path = append(slices.Clone(path), more...) }
	switch r.IntN(8) {
	case 0:
		field("=c")
		e.do, e.n = "count", 1+r.Int64N(3)
		return m.Counter(path...).Add(e.actor, e.n)
	case 1:
		field("=s", e.value)
		return m.Set(path...).Add(e.actor, e.value)
	case 2:
		field("=s", e.value)
		e.do = "remove"
		return m.Set(path...).Remove(e.value)
	case 3:
		field("=r")
		return m.Register(path...).Set(e.actor, e.value)
	case 4:
		field("=f")
		return m.Flag(path...).Enable(e.actor)
	case 5:
		field("=f")
		e.do = "remove"
		return m.Flag(path...).Disable()
	case 6:
		e.do = "remove"
		return m.RemoveSeen(m.Seen(path...))
	}
	e.do = "remove"
	return m.Remove(path...)
}

// wantMap builds, from the events that are alive, what the map must say.
func wantMap(h history, known map[int]bool) string {
	leaves := map[string][]*event{}
	for _, do := range []string{"add", "count"} {
		for _, e := range h.alive(known, do) {
			where := strings.Join(e.path, "\x00")
			leaves[where] = append(leaves[where], e)
		}
	}
	m := new(crdt.Map)
	actor := uint64(100)
	for _, where := range slices.Sorted(maps.Keys(leaves)) {
		keys := strings.Split(where, "\x00")
		leaf := slices.IndexFunc(keys, func(k string) bool { return k[0] == '=' })
		kind, path := keys[leaf][1], keys[:leaf]
		var ds []*crdt.Map
		for _, e := range leaves[where] {
			actor++
			switch one := new(crdt.Map); kind {
			case 'c':
				ds = append(ds, one.Counter(path...).Add(actor, e.n))
			case 's':
				ds = append(ds, one.Set(path...).Add(actor, e.value))
			case 'r':
				ds = append(ds, one.Register(path...).Set(actor, e.value))
			case 'f':
				ds = append(ds, one.Flag(path...).Enable(actor))
			}
		}
		m.Join(join(ds...))
	}
	return m.String()
}
