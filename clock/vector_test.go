package clock

import (
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"althing/clock/clocktest"
)

func tick(t testing.TB, v *Vector, i int) Vector {
	t.Helper()
	if err := v.Tick(i); err != nil {
		t.Fatal(err)
	}
	return v.Clone()
}

// TestVectorWorked: p0 sends a and b; p1 receives a and sends c; p2 receives c,
// then b.
func TestVectorWorked(t *testing.T) {
	var p [3]Vector
	want := func(i int, v ...uint64) {
		t.Helper()
		if !slices.Equal(p[i].trim(), v) {
			t.Errorf("p%d is at %v, want %v", i, p[i], Vector(v))
		}
	}
	a := tick(t, &p[0], 0)
	want(0, 1)
	b := tick(t, &p[0], 0)
	want(0, 2)
	p[1].Merge(a)
	tick(t, &p[1], 1)
	want(1, 1, 1)
	c := tick(t, &p[1], 1)
	want(1, 1, 2)
	p[2].Merge(c)
	first := tick(t, &p[2], 2)
	want(2, 1, 2, 1)
	p[2].Merge(b)
	tick(t, &p[2], 2)
	want(2, 2, 2, 2)
	if o := b.Compare(first); o != Concurrent {
		t.Errorf("%v and %v are %v", b, first, o)
	}
}

func TestVectorCompare(t *testing.T) {
	for _, c := range []struct {
		v, w Vector
		want Order
	}{
		{nil, nil, Equal},
		{nil, Vector{1}, Before},
		{Vector{1, 2}, Vector{1, 2}, Equal},
		{Vector{1, 2}, Vector{1, 3}, Before},
		{Vector{1, 2}, Vector{2, 1}, Concurrent},
		{Vector{0, 1}, Vector{1}, Concurrent},
		{Vector{1}, Vector{0, 1}, Concurrent},
		{Vector{1}, Vector{1, 1}, Before},
		{Vector{2}, Vector{1, 0, 1}, Concurrent},
	} {
		back := [...]Order{Equal: Equal, Before: After, After: Before, Concurrent: Concurrent}[c.want]
		if o := c.v.Compare(c.w); o != c.want {
			t.Errorf("%v to %v is %v, want %v", c.v, c.w, o, c.want)
		}
		if o := c.w.Compare(c.v); o != back {
			t.Errorf("%v to %v is %v, want %v", c.w, c.v, o, back)
		}
	}
}

// TestZeroIsAbsent: a widely used library takes {a:1} for a descendant of
// {a:1, b:0}, and finds {d:0} and {a:0, b:0} concurrent.
func TestZeroIsAbsent(t *testing.T) {
	var n Names
	a1 := n.Vector(map[string]uint64{"a": 1})
	a1b0 := Vector{1, 0}
	for _, c := range [][2]Vector{{a1, a1b0}, {Vector{0, 0, 0, 0}, Vector{0, 0}}, {nil, Vector{0}}} {
		if o := c[0].Compare(c[1]); o != Equal {
			t.Errorf("%#v to %#v is %v", c[0], c[1], o)
		}
		if o := c[1].Compare(c[0]); o != Equal {
			t.Errorf("%#v to %#v is %v", c[1], c[0], o)
		}
		x, y := must(c[0].MarshalBinary()), must(c[1].MarshalBinary())
		if string(x) != string(y) || c[0].String() != c[1].String() {
			t.Errorf("%#v and %#v are written as %q and %q", c[0], c[1], x, y)
		}
	}
	if m := n.Map(a1b0); !maps.Equal(m, map[string]uint64{"a": 1}) {
		t.Errorf("map with a zero: %v", m)
	}
	if v := n.Vector(map[string]uint64{"never": 0}); n.Len() != 1 || v.Compare(nil) != Equal {
		t.Errorf("a zero is numbered: %v of %d", v, n.Len())
	}
}

// TestVectorHappenedBefore: e → f just if V(e) < V(f).
func TestVectorHappenedBefore(t *testing.T) {
	runs(t, func(_ *rand.Rand, r *clocktest.Run) {
		clocks := make([]Vector, r.Processes)
		stamps := make([]Vector, len(r.Steps))
		for i, s := range r.Steps {
			c := &clocks[s.Process]
			switch s.Kind {
			case clocktest.Receive:
				c.Merge(stamps[s.From])
			case clocktest.Retire:
				c.Merge(clocks[s.Other])
			}
			stamps[i] = tick(t, c, s.Process)
			if s.Kind == clocktest.Fork {
				clocks[s.Other] = stamps[i].Clone()
			}
		}
		for i := range stamps {
			for j := range stamps {
				want := happened(r, i, j)
				if o := stamps[i].Compare(stamps[j]); o != want {
					t.Errorf("steps %d and %d are %v, stamps %v, %v say %v",
						i, j, want, stamps[i], stamps[j], o)
				}
			}
		}
	})
}

func TestVectorNeverWraps(t *testing.T) {
	v := Vector{5, math.MaxUint64}
	if err := v.Tick(1); !errors.Is(err, ErrOverflow) || !slices.Equal(v, Vector{5, math.MaxUint64}) {
		t.Errorf("tick beyond the end: %v, %v", v, err)
	}
}

func TestMergeLeavesTheOther(t *testing.T) {
	w := Vector{1, 5, 2}
	v := Vector{3}
	v.Merge(w)
	tick(t, &v, 1)
	if !slices.Equal(v, Vector{3, 6, 2}) || !slices.Equal(w, Vector{1, 5, 2}) {
		t.Errorf("merged %v, other %v", v, w)
	}
	if n := testing.AllocsPerRun(10, func() { v.Merge(w); v.Compare(w) }); n != 0 {
		t.Errorf("merge and compare allocate %v times", n)
	}
}

// TestTicksOnReceiveDeadlockBroadcast: with a clock of events the rule of causal
// broadcast waits for ever; with one that counts broadcasts it delivers.
func TestTicksOnReceiveDeadlockBroadcast(t *testing.T) {
	for _, events := range []bool{true, false} {
		var p [3]Vector
		m1 := tick(t, &p[0], 0)
		if !p[1].Deliverable(m1, 0) {
			t.Fatal("the first broadcast must wait")
		}
		p[1].Merge(m1)
		if events {
			tick(t, &p[1], 1) // the receipt
		}
		m2 := tick(t, &p[1], 1)
		if p[2].Deliverable(m2, 1) {
			t.Errorf("events=%v: the reply %v is delivered before its cause %v", events, m2, m1)
		}
		p[2].Merge(m1)
		if ok := p[2].Deliverable(m2, 1); ok == events {
			t.Errorf("events=%v: after its cause the reply %v is deliverable: %v", events, m2, ok)
		}
	}
}

func TestDeliverable(t *testing.T) {
	for _, c := range []struct {
		local, m Vector
		sender   int
		want     bool
	}{
		{nil, Vector{1}, 0, true},
		{nil, Vector{0, 0, 1}, 2, true},
		{Vector{1}, Vector{1}, 0, false},         // again
		{nil, Vector{2}, 0, false},               // one is missing
		{nil, Vector{1, 1}, 1, false},            // its cause is missing
		{Vector{1}, Vector{1, 1}, 1, true},       // the cause is there
		{Vector{4, 0, 3}, Vector{1, 1}, 1, true}, // and more
		{Vector{math.MaxUint64}, Vector{0, 1}, 0, false},
		{nil, nil, 5, false},
	} {
		if ok := c.local.Deliverable(c.m, c.sender); ok != c.want {
			t.Errorf("at %v, %v from %d: %v", c.local, c.m, c.sender, ok)
		}
	}
}

func TestVectorForms(t *testing.T) {
	forms(t, Vector{}, "()", "\x00")
	forms(t, Vector{7}, "(7)", "\x01\x07")
	forms(t, Vector{0, 300, 1}, "(0,300,1)", "\x03\x00\xac\x02\x01")
	refused[Vector](t, "", "(", ")", "(0)", "(1,0)", "(1,)", "(,1)", "((1)", "(01)", "(1, 2)", "1,2",
		"(18446744073709551616)", "(-1)")
	refusedBytes[Vector](t, "", "\x01", "\x01\x00", "\x02\x01\x00", "\x00\x00", "\x01\x81\x00",
		"\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01")
}

// TestNamesAtTheEdge: two processes that number differently understand each
// other.
func TestNamesAtTheEdge(t *testing.T) {
	var here, there Names
	here.Index("b")
	there.Index("x")
	counts := map[string]uint64{"a": 1, "b": 300, "": 2}
	v := here.Vector(counts)
	b := here.AppendVector(nil, v)
	if want := "\x03\x00\x02\x01a\x01\x01b\xac\x02"; string(b) != want {
		t.Errorf("%v is %q, want %q", counts, b, want)
	}
	text := must(here.AppendJSON(nil, v))
	if want := `{"":2,"a":1,"b":300}`; string(text) != want {
		t.Errorf("%v is %s, want %s", counts, text, want)
	}
	for _, w := range []Vector{must(there.DecodeVector(b)), must(there.ParseJSON(text))} {
		if got := there.Map(w); !maps.Equal(got, counts) {
			t.Errorf("%v arrives as %v", counts, got)
		}
	}
	if there.Len() != 4 || there.Name(0) != "x" {
		t.Errorf("%d names, the first %q", there.Len(), there.Name(0))
	}
}

func TestNamesRefuse(t *testing.T) {
	var n Names
	for _, s := range []string{"", "\x01", "\x01\x01a", "\x01\x01a\x00", "\x02\x01b\x01\x01a\x01",
		"\x02\x01a\x01\x01a\x01", "\x00\x00", "\x01\x02a\x01", "\xff\xff\xff\x7f"} {
		if v, err := n.DecodeVector([]byte(s)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q is read as %v, %v", s, v, err)
		}
	}
	for _, s := range []string{"", "null", "[]", `{"a":0}`, `{"b":1,"a":1}`, `{"a":1,"a":1}`, `{"a": 1}`,
		`{"a":1.0}`, `{"a":-1}`, `{"a":18446744073709551616}`, `{"a":1}x`} {
		if v, err := n.ParseJSON([]byte(s)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q is read as %v, %v", s, v, err)
		}
	}
	if n.Len() != 0 {
		t.Errorf("%d names were numbered on the way", n.Len())
	}
	v := n.Vector(map[string]uint64{"\xff": 1})
	if text, err := n.AppendJSON(nil, v); err == nil {
		t.Errorf("a name that is no text is written as %s", text)
	}
}

func FuzzVector(f *testing.F) { fuzz[Vector](f, "\x03\x00\xac\x02\x01", "(0,300,1)", "()") }

func FuzzNames(f *testing.F) {
	f.Add([]byte("\x03\x00\x02\x01a\x01\x01b\xac\x02"))
	f.Add([]byte(`{"":2,"a":1,"b":300}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, m := Names{}, Names{}
		if v, err := n.DecodeVector(b); err == nil {
			if again := n.AppendVector(nil, v); string(again) != string(b) {
				t.Errorf("%q is read, and written as %q", b, again)
			}
		}
		if v, err := m.ParseJSON(b); err == nil {
			if again, err := m.AppendJSON(nil, v); err != nil || string(again) != string(b) {
				t.Errorf("%q is read, and written as %q, %v", b, again, err)
			}
		}
	})
}

func ramp(n int) Vector {
	v := make(Vector, n)
	for i := range v {
		v[i] = uint64(i + 1)
	}
	return v
}

func BenchmarkVectorTick(b *testing.B) {
	b.ReportAllocs()
	v := ramp(100)
	for b.Loop() {
		_ = v.Tick(50)
	}
}

func BenchmarkVectorMerge100(b *testing.B) {
	b.ReportAllocs()
	v, w := ramp(100), ramp(100)
	for b.Loop() {
		v.Merge(w)
	}
}

func BenchmarkVectorCompare100(b *testing.B) {
	b.ReportAllocs()
	v, w := ramp(100), ramp(100)
	for b.Loop() {
		v.Compare(w)
	}
}

func BenchmarkVectorClone100(b *testing.B) {
	b.ReportAllocs()
	v := ramp(100)
	for b.Loop() {
		v.Clone()
	}
}
