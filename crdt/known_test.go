package crdt_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"althing/clock"
	"althing/crdt"
)

// says fails unless the state says so.
func says(t *testing.T, s fmt.Stringer, want string) {
	t.Helper()
	if got := s.String(); got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

func TestAddWinsKnownAnswer(t *testing.T) {
	var x, y crdt.AWSet
	x.Add(1, "apple")
	x.Remove("apple")
	y.Add(2, "juice")
	y.Add(2, "apple")
	x.Join(&y)
	says(t, &x, `{"apple" "juice"}`)
}

func TestRemoveWinsKnownAnswer(t *testing.T) {
	var x, y crdt.RWSet
	x.Add(1, "apple")
	x.Remove(1, "apple")
	y.Add(2, "juice")
	y.Add(2, "apple")
	x.Join(&y)
	says(t, &x, `{"juice"}`)
	x.Add(1, "apple") // having seen the remove
	says(t, &x, `{"apple" "juice"}`)
}

func TestGSetKnownAnswer(t *testing.T) {
	var s, d crdt.GSet
	s.Add("1", "4")
	s.Join(d.Add("3", "2", "3"))
	says(t, &s, `{"1" "2" "3" "4"}`)
	if !s.Has("3") || s.Has("5") || s.Len() != 4 {
		t.Error("Has or Len")
	}
}

func TestPNCounterKnownAnswer(t *testing.T) {
	var x, y crdt.PNCounter
	add(t, &x, 1, 5)
	add(t, &x, 1, -2)
	add(t, &y, 2, 1)
	x.Join(&y)
	says(t, &x, "4")
	x.Join(&y)
	says(t, &x, "4")
}

func add(t *testing.T, c *crdt.PNCounter, actor uint64, n int64) {
	t.Helper()
	if _, err := c.Add(actor, n); err != nil {
		t.Fatal(err)
	}
}

func TestRemoveWithEmptyContextIsNoRemove(t *testing.T) {
	var s crdt.AWSet
	s.Add(1, "apple")
	d := s.RemoveSeen(crdt.Context{})
	says(t, &s, `{"apple"}`)
	if !same(d, new(crdt.AWSet)) {
		t.Errorf("the delta of nothing is %v", d)
	}
}

func TestRemoveWithStaleContextKeepsConcurrentAdd(t *testing.T) {
	var x, y crdt.AWSet
	y.Join(x.Add(1, "apple"))
	read := y.Seen("apple")
	y.Join(x.Add(1, "apple"))
	y.Join(x.Add(1, "pear"))
	x.Join(y.RemoveSeen(read))
	says(t, &x, `{"apple" "pear"}`)
	x.Join(y.RemoveSeen(y.Seen("apple")))
	says(t, &x, `{"pear"}`)
	says(t, &y, `{"pear"}`)
}

// TestRemoveOverAnotherReplica: what a client has read at x it removes at z,
// which has not heard of it, and y hears of the remove first.
func TestRemoveOverAnotherReplica(t *testing.T) {
	var x, y, z crdt.AWSet
	added := x.Add(1, "apple")
	y.Join(z.RemoveSeen(x.Seen("apple")))
	y.Join(added)
	says(t, &y, `{}`)
}

func TestMapCounterKeepsOnlyConcurrentIncrements(t *testing.T) {
	var x, y crdt.Map
	x.Counter("visits").Add(1, 5)
	y.Join(&x)
	x.Remove("visits")
	y.Counter("visits").Add(2, 3)
	y.Counter("visits").Add(2, -1)
	x.Join(&y)
	y.Join(&x)
	says(t, &x, `{"visits":2}`)
	says(t, &y, `{"visits":2}`)
	// And of one actor, which must not carry into a new increment what was reset.
	var z crdt.Map
	z.Join(&x)
	x.Counter("visits").Add(1, 10)
	z.Remove("visits")
	z.Join(&x)
	says(t, &z, `{"visits":10}`)
}

// TestConflictResolutionLWW: the later timestamp wins, in whatever order they meet.
func TestConflictResolutionLWW(t *testing.T) {
	a := new(crdt.LWWRegister).Set(1000, 1, "A")
	b := new(crdt.LWWRegister).Set(1001, 2, "B")
	for _, both := range []*crdt.LWWRegister{join(a, b), join(b, a)} {
		if got, ok := both.Value(); got != "B" || !ok {
			t.Errorf("%q, %v", got, ok)
		}
	}
	versions := []crdt.Version{{At: 1001, Value: "B"}, {At: 1000, Value: "A"}}
	if got, err := crdt.LastWriterWins.Resolve(versions); !slices.Equal(got, []string{"B"}) || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestLWWTiesAreDeterministic(t *testing.T) {
	write := func(at, actor uint64, value string) *crdt.LWWRegister {
		return new(crdt.LWWRegister).Set(at, actor, value)
	}
	for _, c := range []struct{ low, high *crdt.LWWRegister }{
		{write(1, 9, "z"), write(2, 1, "a")}, // the later,
		{write(5, 1, "z"), write(5, 2, "a")}, // then the greater actor,
		{write(5, 1, "a"), write(5, 1, "b")}, // then the greater bytes
		{new(crdt.LWWRegister), write(0, 0, "")},
	} {
		if !same(join(c.low, c.high), c.high) || !same(join(c.high, c.low), c.high) {
			t.Errorf("%v and %v: not the latter", c.low, c.high)
		}
	}
}

func TestMVRegisterKnownAnswer(t *testing.T) {
	var x, y crdt.MVRegister
	x.Set(1, "a")
	y.Set(2, "b")
	x.Join(&y)
	says(t, &x, `{"a" "b"}`)
	x.Set(1, "c")
	says(t, &x, `{"c"}`)
	x.Join(&y)
	says(t, &x, `{"c"}`)
	y.Join(x.Clear())
	says(t, &y, `{"b"}`) // for what is cleared is c: that c had replaced b was said before
	y.Join(&x)
	says(t, &y, `{}`)
}

// TestORSetWithoutTombstones: what was in and is not any more takes no room but
// for the context, which is one span an actor.
func TestORSetWithoutTombstones(t *testing.T) {
	var s crdt.AWSet
	for i := range 1000 {
		s.Add(uint64(i%3), fmt.Sprint(i))
	}
	for i := range 1000 {
		s.Remove(fmt.Sprint(i))
	}
	if size := s.Size(); size.Entries != 0 || size.Tombstones != 0 || size.Spans != 3 || size.Bytes > 20 {
		t.Errorf("%+v", size)
	}
}

// TestE6DotsNotVectors: a write names what its client has read, and replaces
// that and nothing else. With a version vector of servers and no dots, Mary's
// second value would be lost, or her first would stay for ever.
func TestE6DotsNotVectors(t *testing.T) {
	var g crdt.MVRegister
	g.SetSeen(1, "v1 by Mary", crdt.Context{})
	peter := g.Context()
	g.SetSeen(1, "v2 by Mary, who has not read", crdt.Context{})
	says(t, &g, `{"v1 by Mary" "v2 by Mary, who has not read"}`)
	g.SetSeen(1, "v3 by Peter, who has read v1", peter)
	says(t, &g, `{"v2 by Mary, who has not read" "v3 by Peter, who has read v1"}`)
}

// TestE6NoSiblingExplosion: two clients write in turn, and each has read all but
// the other's last. With vectors alone there are 100 siblings in the end.
func TestE6NoSiblingExplosion(t *testing.T) {
	var g crdt.MVRegister
	var read [2]crdt.Context
	for i := range 100 {
		g.SetSeen(1, fmt.Sprint(i), read[i%2])
		read[i%2] = g.Context()
		if i > 0 && len(g.Values()) != 2 {
			t.Fatalf("after %d writes: %v", i+1, &g)
		}
	}
}

// TestE8LastWriterLosesAcknowledgedWrites: as R+W>N is no cure against a clock
// that is behind; siblings lose nothing.
func TestE8LastWriterLosesAcknowledgedWrites(t *testing.T) {
	var l crdt.LWWRegister
	l.Set(1000, 1, "first")
	l.Set(999, 2, "second, which had read the first, by a slow clock")
	says(t, &l, `"first"`)
	var g crdt.MVRegister
	g.Set(1, "first")
	g.Set(2, "second")
	says(t, &g, `{"second"}`)
}

// TestE11OneReplicaIsEnough: there is no quorum to wait for; the last replica
// that is left takes changes.
func TestE11OneReplicaIsEnough(t *testing.T) {
	var replicas [5]crdt.GSet
	for i := range replicas {
		replicas[i].Add(fmt.Sprint(i))
	}
	last := &replicas[4]
	for i := range replicas {
		last.Join(&replicas[i])
	}
	says(t, last, `{"0" "1" "2" "3" "4"}`)
}

// TestE12DuplicatesCountOnce: a delta that comes again, late, changes nothing.
func TestE12DuplicatesCountOnce(t *testing.T) {
	var x, y crdt.PNCounter
	d, err := x.Add(1, 5)
	if err != nil {
		t.Fatal(err)
	}
	late := d.Clone()
	y.Join(d)
	add(t, &x, 1, 2)
	y.Join(&x)
	y.Join(late)
	says(t, &y, "7")
}

// TestActorReuseLosesData shows why a replica that has lost its disk must go on
// as a new actor: others take its new change for one they have seen.
func TestActorReuseLosesData(t *testing.T) {
	var x, y crdt.AWSet
	y.Join(x.Add(1, "old"))
	y.Remove("old")
	var reborn crdt.AWSet
	y.Join(reborn.Add(1, "new, as the actor it was"))
	says(t, &y, `{}`)
	y.Join(reborn.Add(3, "new, as a new actor"))
	says(t, &y, `{"new, as a new actor"}`)
}

func TestCounterLimits(t *testing.T) {
	var g crdt.GCounter
	for actor := range uint64(5) {
		if _, err := g.Add(actor, math.MaxInt64); err != nil {
			t.Fatal(err)
		}
	}
	was := g.Clone()
	if _, err := g.Add(1, 1); !errors.Is(err, crdt.ErrRange) || !same(&g, was) {
		t.Error("an overflow", err, &g)
	}
	if _, err := g.Add(7, math.MaxUint64); !errors.Is(err, crdt.ErrRange) || !same(&g, was) {
		t.Error("an overflow at once", err, &g)
	}
	says(t, &g, "9223372036854775807")
	var p crdt.PNCounter
	add(t, &p, 1, math.MaxInt64)
	add(t, &p, 2, math.MaxInt64)
	says(t, &p, "9223372036854775807")
	for actor := range uint64(4) {
		add(t, &p, actor, -math.MaxInt64)
	}
	add(t, &p, 9, -5)
	says(t, &p, "-9223372036854775808")
	add(t, &p, 7, math.MaxInt64)
	add(t, &p, 8, math.MaxInt64-3)
	says(t, &p, "-8")
	was2 := p.Clone()
	if _, err := p.Add(11, math.MinInt64); !errors.Is(err, crdt.ErrRange) || !same(&p, was2) {
		t.Error(err)
	}
	m := new(crdt.Map)
	m.Counter("c").Add(1, math.MinInt64)
	m.Counter("c").Add(1, math.MinInt64)
	m.Counter("c").Add(1, math.MaxInt64)
	says(t, m, `{"c":-9223372036854775808}`)
	m.Counter("c").Add(1, math.MaxInt64)
	says(t, m, `{"c":-2}`)
}

func TestBoundedCounterKnownAnswer(t *testing.T) {
	var x, y crdt.BoundedCounter
	must := func(d *crdt.BoundedCounter, err error) *crdt.BoundedCounter {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	y.Join(must(x.Add(1, 10)))
	if _, err := y.Take(2, 1); !errors.Is(err, crdt.ErrRights) {
		t.Error("taken without rights:", err)
	}
	must(x.Take(1, 4))
	given := must(x.Give(1, 2, 5))
	if x.Rights(1) != 1 || x.Rights(2) != 5 || x.Value() != 6 {
		t.Errorf("%d %d %d", x.Rights(1), x.Rights(2), x.Value())
	}
	if _, err := x.Give(1, 2, 2); !errors.Is(err, crdt.ErrRights) {
		t.Error("given without rights:", err)
	}
	must(x.Give(1, 1, 1)) // to oneself: no new rights
	if x.Rights(1) != 1 {
		t.Error(x.Rights(1))
	}
	y.Join(given)
	taken := must(y.Take(2, 5))
	x.Join(&y)
	says(t, &x, "1")
	z := taken.Clone() // what takes came before what added
	says(t, z, "0")
	z.Join(&x)
	says(t, z, "1")
}

// TestRWSetPrune: a mark goes when all replicas have seen it and all they had
// seen is here, and not before, for then a late add would win over the remove.
func TestRWSetPrune(t *testing.T) {
	var x, y crdt.RWSet
	y.Join(x.Add(1, "a"))
	late := y.Clone().Add(2, "a") // has not seen the remove
	old := y.Context()
	x.Remove(1, "a")
	if x.Prune(x.Context(), old); x.Size().Tombstones != 1 {
		t.Error("pruned what y has not seen")
	}
	y.Join(late)
	seen := y.Clone()
	seen.Join(&x)
	if x.Prune(x.Context(), seen.Context()); x.Size().Tombstones != 1 {
		t.Error("pruned though not all that y has seen is here")
	}
	x.Join(late)
	says(t, &x, `{}`)
	x.Join(seen)
	x.Prune(x.Context(), seen.Context())
	if size := x.Size(); size.Tombstones != 0 || size.Bytes > 10 {
		t.Errorf("%+v", size)
	}
	seen.Join(&x)
	x.Join(late)
	says(t, &x, `{}`)
	says(t, seen, `{}`)
	x.Join(seen.Add(2, "a"))
	says(t, &x, `{"a"}`)
}

func TestMapIsByKind(t *testing.T) {
	var x, y crdt.Map
	x.Counter("a").Add(1, 1)
	y.Set("a").Add(2, "e")
	y.Flag("a").Enable(2)
	y.Register("a").Set(2, "v")
	y.Counter("a", "b").Add(2, 7)
	x.Join(&y)
	says(t, &x, `{"a":1 "a":on "a":{"b":7} "a":{"v"} "a":{"e"}}`)
	var all []string
	for name, kind := range x.Fields() {
		all = append(all, name+" "+kind.String())
	}
	if got := strings.Join(all, ", "); got != "a counter, a flag, a map, a register, a set" {
		t.Error(got)
	}
	if !x.Has("a", "b") || x.Has("b") || !x.Set("a").Has("e") || !x.Flag("a").On() {
		t.Error("Has")
	}
	y.Join(x.Remove("a"))
	says(t, &y, `{}`)
	if size := y.Size(); size.Entries != 0 || size.Spans != 2 {
		t.Errorf("%+v", size)
	}
}

func TestMapDepth(t *testing.T) {
	deep := slices.Repeat([]string{"x"}, crdt.MaxDepth)
	var m crdt.Map
	m.Set(deep...).Add(1, "e")
	m.Counter(deep...).Add(1, 3)
	reread(t, &m)
	if !panics(func() { m.Set(append(deep, "x")...) }) || !panics(func() { m.Flag() }) {
		t.Error("a path too long or too short: no panic")
	}
}

func TestStrategies(t *testing.T) {
	v := func(at, actor uint64, value string) crdt.Version {
		return crdt.Version{At: at, Dot: clock.Dot{Actor: actor, Seq: 1}, Value: value}
	}
	versions := []crdt.Version{v(5, 1, "b"), v(5, 2, "a"), v(3, 9, "c"), v(3, 9, "c")}
	concat := crdt.MergeWith("concat", func(a, b string) (string, error) { return a + b, nil })
	set := func(elems ...string) string { return string(bytesOf(new(crdt.GSet).Add(elems...))) }
	union := crdt.Joined[crdt.GSet]("union")
	for _, c := range []struct {
		s        crdt.Strategy
		versions []crdt.Version
		want     []string
	}{
		{crdt.LastWriterWins, versions, []string{"a"}},
		{crdt.KeepSiblings, versions, []string{"a", "b", "c"}},
		{crdt.Strategy{}, versions, []string{"a", "b", "c"}},
		{concat, versions, []string{"cba"}},
		{union, []crdt.Version{v(1, 1, set("a")), v(1, 2, set("b", "c"))}, []string{set("a", "b", "c")}},
		{union, nil, nil},
		{crdt.LastWriterWins, nil, nil},
	} {
		for range max(1, len(c.versions)) { // in whatever order
			got, err := c.s.Resolve(c.versions)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%v: %q, %v, not %q", c.s, got, err, c.want)
			}
			if len(c.versions) > 1 {
				c.versions = append(slices.Clone(c.versions[1:]), c.versions[0])
			}
		}
	}
	if _, err := union.Resolve(versions); !errors.Is(err, crdt.ErrBytes) {
		t.Error("what is no set was joined:", err)
	}
	refuse := errors.New("no")
	never := crdt.MergeWith("never", func(a, b string) (string, error) { return "", refuse })
	if _, err := never.Resolve(versions); !errors.Is(err, refuse) {
		t.Error(err)
	}
	var g crdt.MVRegister
	g.SetSeen(1, "x", crdt.Context{})
	g.SetSeen(2, "y", crdt.Context{})
	if got, _ := crdt.LastWriterWins.Resolve(g.Versions()); !slices.Equal(got, []string{"y"}) {
		t.Error(got)
	}
}

// TestBytesKnownAnswer holds the format: what one version has written another
// must read.
func TestBytesKnownAnswer(t *testing.T) {
	var gc crdt.GCounter
	gc.Add(7, 300)
	var pn crdt.PNCounter
	pn.Add(1, 5)
	pn.Add(1, -2)
	var bc crdt.BoundedCounter
	bc.Add(1, 9)
	bc.Give(1, 2, 4)
	bc.Take(1, 3)
	var aw crdt.AWSet
	aw.Add(1, "a")
	aw.Add(1, "b")
	aw.Remove("a")
	var rw crdt.RWSet
	rw.Add(1, "a")
	rw.Remove(2, "b")
	var m crdt.Map
	m.Counter("n", "c").Add(1, -3)
	m.Flag("f").Enable(2)
	var s crdt.Sequence
	s.InsertText(1, 0, "ac")
	s.InsertText(2, 1, "b")
	s.Delete(0, 1)
	for name, c := range map[string]struct {
		s    interface{ MarshalBinary() ([]byte, error) }
		want string
	}{
		"GCounter":       {&gc, "01 01 07 00 ac 02"},
		"PNCounter":      {&pn, "02 02 01 00 05 01 01 02"},
		"BoundedCounter": {&bc, "03 02 01 01 09 01 02 04 01 01 00 03"},
		"GSet":           {new(crdt.GSet).Add("b", "a"), "04 02 01 61 01 62"},
		"AWSet":          {&aw, "05 01 01 01 01 01 01 62 01 00 01"},
		"RWSet":          {&rw, "06 02 01 01 00 02 01 00 02 01 61 01 00 00 01 2b 01 62 01 01 00 01 2d"},
		"LWWRegister":    {new(crdt.LWWRegister).Set(300, 2, "v"), "07 ac 02 02 01 76"},
		"no LWWRegister": {new(crdt.LWWRegister), "07"},
		"MVRegister":     {new(crdt.MVRegister).Set(3, "v"), "08 01 03 01 00 01 00 00 01 76"},
		"EWFlag":         {new(crdt.EWFlag).Enable(3), "09 01 03 01 00 01 00 00"},
		"Map":            {&m, "0a 02 01 01 00 02 01 00 02 02 66 66 01 01 00 02 6d 6e 01 02 63 63 01 00 00 01 05"},
		"Sequence":       {&s, "0b 02 01 01 01 02 01 00 01 01 01 00 01 00 01 63 02 01 02 01 62"},
	} {
		b, err := c.s.MarshalBinary()
		if got := fmt.Sprintf("% x", b); err != nil || got != c.want {
			t.Errorf("%s: %s, not %s", name, got, c.want)
		}
	}
}

// TestDeltasAreSmall: a change of a large state is a few bytes.
func TestDeltasAreSmall(t *testing.T) {
	var set crdt.AWSet
	var m crdt.Map
	var text crdt.Sequence
	for i := range 1000 {
		set.Add(1, fmt.Sprint(i))
		m.Register("users", fmt.Sprint(i)).Set(1, "value")
		text.InsertText(1, i/2, "x")
	}
	for name, size := range map[string]crdt.Size{
		"add":    set.Add(1, "500").Size(),
		"remove": set.Remove("501").Size(),
		"set":    m.Register("users", "500").Set(1, "new").Size(),
		"insert": text.InsertText(1, 500, "x").Size(),
		"delete": text.Delete(500, 1).Size(),
	} {
		if size.Bytes > 40 {
			t.Errorf("%s: %+v", name, size)
		}
	}
}
