package clock

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func put[V any](t testing.TB, s Siblings[V], ctx Version, v V, actor uint64) Siblings[V] {
	t.Helper()
	u, err := s.Put(ctx, v, actor)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (s Siblings[V]) want(t *testing.T, want string) {
	t.Helper()
	if s.String() != want {
		t.Errorf("siblings are %v, want %s", s, want)
	}
}

// TestSiblingsWorked: what the authors' own tests expect. The replicas a and b
// are 1 and 2.
func TestSiblingsWorked(t *testing.T) {
	const a, b = 1, 2
	var none Siblings[string]
	a0 := put(t, none, nil, "v1", a)
	a0.want(t, "[(1,1,[v1])]")
	a1 := put(t, a0, a0.Context(), "v2", a)
	a1.want(t, "[(1,2,[v2])]")
	put(t, a1, a0.Context(), "v4", b).want(t, "[(1,2,[v2]) (2,1,[v4])]")
	put(t, a1, a0.Context(), "v5", a).want(t, "[(1,3,[v5 v2])]")

	read := a0.Discard(a0.Context())
	read.want(t, "[(1,1,[])]")
	both := put(t, put(t, none, nil, "v1", a), nil, "v2", a)
	both.want(t, "[(1,2,[v2 v1])]")
	read.Sync(both).want(t, "[(1,2,[v2])]")
	both.Sync(read).want(t, "[(1,2,[v2])]")
	none.Sync(both).want(t, "[(1,2,[v2 v1])]")
	none.want(t, "[]")
}

// TestPutReplacesWhatWasRead: Mary writes v1, then v2 without having read;
// Peter, who read v1, writes v3. His context is before the version stored, so
// by versions alone his write is stale or replaces nothing. By dots, v1 goes,
// as he had read it, and v2 stays.
func TestPutReplacesWhatWasRead(t *testing.T) {
	mary := put(t, Siblings[string]{}, nil, "v1", 1)
	peter := mary.Context()
	mary = put(t, mary, nil, "v2", 1)
	mary.want(t, "[(1,2,[v2 v1])]")
	if o := peter.Compare(mary.Context()); o != Before {
		t.Errorf("the context of Peter is %v that of the key", o)
	}
	put(t, mary, peter, "v3", 1).want(t, "[(1,3,[v3 v2])]")
}

// TestNoSiblingExplosion: two clients write in turn, each with what its own
// last write returned. There are two siblings at any time. With one vector and
// no dots, each write keeps all before it.
func TestNoSiblingExplosion(t *testing.T) {
	const writes = 100
	var s Siblings[[]int]
	var ctx [2]Version
	var read [2][]int
	plain := struct {
		version Version
		values  int
	}{}
	var plainCtx [2]Version
	for i := range writes {
		c := i % 2
		s = put(t, s, ctx[c], append(slices.Clone(read[c]), i), 1)
		ctx[c], read[c] = s.Context(), nil
		for _, v := range s.All() {
			read[c] = append(read[c], v...)
		}
		slices.Sort(read[c])
		read[c] = slices.Compact(read[c])
		if s.Len() > 2 {
			t.Fatalf("after %d writes there are %d siblings", i+1, s.Len())
		}
		if o := plain.version.Compare(plainCtx[c]); o == Equal || o == Before {
			plain.values = 0
		}
		plain.values++
		plain.version = plain.version.Merge(Version{{1, plain.version.At(1) + 1}})
		plainCtx[c] = plain.version
	}
	if s.Len() != 2 || len(read[(writes-1)%2]) != writes {
		t.Errorf("%d siblings hold %d of %d writes", s.Len(), len(read[1]), writes)
	}
	if plain.values < writes-1 {
		t.Errorf("without dots there are %d values", plain.values)
	}
}

// A model is the definition: which writes a replica knows, as a set.
type model [4]uint64

func (m *model) add(i int)                { m[i/64] |= 1 << (i % 64) }
func (m *model) has(i int) bool           { return m[i/64]>>(i%64)&1 == 1 }
func (m model) union(n model) model       { return model{m[0] | n[0], m[1] | n[1], m[2] | n[2], m[3] | n[3]} }
func (m model) within(n model) (all bool) { return m.union(n) == n }

// TestSiblingSurvivesUntilCovered: on 108,000 random writes, reads, deletes and
// exchanges, a value is there exactly if its write is known and no write or
// delete that is known had read it.
func TestSiblingSurvivesUntilCovered(t *testing.T) {
	for seed := range uint64(540) {
		rng := rand.New(rand.NewPCG(seed, 5))
		walkSiblings(t, rng, 2+int(seed%5), 200)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func walkSiblings(t *testing.T, rng *rand.Rand, replicas, steps int) {
	type replica struct {
		siblings    Siblings[int]
		known, gone model // gone: covered by a write or delete that is known
	}
	type client struct {
		ctx  Version
		read model // all writes known where it read
	}
	all := make([]replica, replicas)
	clients := make([]client, 3)
	for i := range steps {
		actor := rng.IntN(replicas)
		r, c := &all[actor], &clients[rng.IntN(3)]
		switch dice := rng.IntN(10); {
		case dice < 3:
			*c = client{r.siblings.Context(), r.known}
		case dice < 6:
			r.siblings = put(t, r.siblings, c.ctx, i, uint64(actor))
			r.gone = r.gone.union(c.read)
			r.known = r.known.union(c.read)
			r.known.add(i)
		case dice < 7 && rng.IntN(4) == 0:
			r.siblings = r.siblings.Discard(c.ctx)
			r.gone, r.known = r.gone.union(c.read), r.known.union(c.read)
		default:
			o := all[rng.IntN(replicas)]
			forward, back := r.siblings.Sync(o.siblings), o.siblings.Sync(r.siblings)
			if forward.String() != back.String() {
				t.Errorf("%v and %v make %v or %v", r.siblings, o.siblings, forward, back)
			}
			*r = replica{forward, r.known.union(o.known), r.gone.union(o.gone)}
		}
		have := map[int]bool{}
		for d, v := range r.siblings.All() {
			have[v] = true
			if !r.siblings.Context().Covers(d) {
				t.Errorf("step %d: %v does not know %v", i, r.siblings, d)
			}
		}
		for v := range i + 1 {
			if want := r.known.has(v) && !r.gone.has(v); have[v] != want {
				t.Errorf("step %d: value %d is in %v: %v", i, v, r.siblings, have[v])
			}
		}
		for j := range all {
			x, y := r.known, all[j].known
			want := OrderOf(!y.within(x), !x.within(y))
			if o := r.siblings.Context().Compare(all[j].siblings.Context()); o != want {
				t.Errorf("step %d: contexts are %v, not %v", i, o, want)
			}
		}
	}
}

func TestSiblingsAreValues(t *testing.T) {
	s := put(t, put(t, Siblings[string]{}, nil, "x", 1), nil, "y", 1)
	before := s.String()
	put(t, s, nil, "z", 1)
	put(t, s, s.Context(), "z", 1)
	s.Sync(put(t, Siblings[string]{}, nil, "w", 2))
	s.Discard(Version{{0, 0}, {1, 1}}).want(t, "[(1,2,[y])]")
	s.want(t, before)
	for range s.All() {
		break // must not go on
	}
}

// TestLostCounterIsNotReused: a replica that lost its disk, but whose client
// still has the context, counts on from there.
func TestLostCounterIsNotReused(t *testing.T) {
	put(t, Siblings[string]{}, Version{{1, 7}}, "v", 1).want(t, "[(1,8,[v])]")
	full := Version{{1, math.MaxUint64}}
	if s, err := (Siblings[string]{}).Put(full, "v", 1); !errors.Is(err, ErrOverflow) || s.Len() != 0 {
		t.Errorf("a write after the last: %v, %v", s, err)
	}
}

func appendString(b []byte, v string) []byte { return append(b, v...) }
func toString(b []byte) (string, error) {
	if slices.Contains(b, '!') {
		return "", errors.New("not a value")
	}
	return string(b), nil
}

func TestSiblingsForm(t *testing.T) {
	s := put(t, put(t, put(t, Siblings[string]{}, nil, "x", 1), nil, "", 1), nil, "yz", 300)
	b := s.Append(nil, appendString)
	if want := "\x02\x01\x02\x02\x00\x01x\xac\x02\x01\x01\x02yz"; string(b) != want {
		t.Errorf("%v is %q, want %q", s, b, want)
	}
	if u, err := DecodeSiblings(b, toString); err != nil || u.String() != s.String() {
		t.Errorf("%v is read as %v, %v", s, u, err)
	}
	for _, bad := range []string{
		"", "\x01", "\x01\x01\x00\x00", "\x01\x01\x01\x02\x00\x00", "\x02\x02\x01\x00\x01\x01\x00",
		"\x02\x01\x01\x00\x01\x01\x00", "\x01\x01\x01\x01\x02x", "\x00\x00", "\xff\xff\xff\x7f\x01\x01\x00",
		"\x01\x01\x01\xff\xff\xff\x7f",
	} {
		if u, err := DecodeSiblings([]byte(bad), toString); !errors.Is(err, ErrMalformed) || u.Len() > 0 {
			t.Errorf("%q is read as %v, %v", bad, u, err)
		}
	}
	if u, err := DecodeSiblings([]byte("\x01\x01\x01\x01\x01!"), toString); err == nil {
		t.Errorf("a bad value is read as %v", u)
	}
}

func FuzzSiblings(f *testing.F) {
	f.Add([]byte("\x02\x01\x02\x02\x00\x01x\xac\x02\x01\x01\x02yz"))
	f.Add([]byte("\x01\x01\x01\x01\x01!"))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSiblings(b, toString)
		if err != nil {
			return
		}
		if again := s.Append(nil, appendString); string(again) != string(b) {
			t.Errorf("%q is read, and written as %q", b, again)
		}
		s.Sync(s).want(t, s.String())
		if left := s.Discard(s.Context()); left.Len() != 0 {
			t.Errorf("%v without all it knows: %v", s, left)
		}
	})
}

func BenchmarkSiblingsPut(b *testing.B) {
	b.ReportAllocs()
	s := put(b, put(b, Siblings[string]{}, nil, "x", 1), nil, "y", 2)
	ctx := s.Context()
	for b.Loop() {
		_, _ = s.Put(ctx, "z", 1)
	}
}

func BenchmarkSiblingsSync(b *testing.B) {
	b.ReportAllocs()
	s := put(b, put(b, Siblings[string]{}, nil, "x", 1), nil, "y", 2)
	u := put(b, s, s.Context(), "z", 3)
	for b.Loop() {
		s.Sync(u)
	}
}

func BenchmarkVersionCompare3(b *testing.B) {
	b.ReportAllocs()
	v, w := Version{{1, 2}, {2, 5}, {3, 1}}, Version{{1, 2}, {2, 6}, {3, 1}}
	for b.Loop() {
		v.Compare(w)
	}
}
