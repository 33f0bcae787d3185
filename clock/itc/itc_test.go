package itc

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"althing/clock"
	"althing/clock/clocktest"
)

func must(s Stamp, err error) Stamp {
	if err != nil {
		panic(err)
	}
	return s
}

func fork(s Stamp) (Stamp, Stamp) {
	a, b, err := s.Fork()
	must(a, err)
	return a, b
}

func tick(s Stamp) Stamp    { return must(s.Event()) }
func join(s, t Stamp) Stamp { return must(s.Join(t)) }

func parse(t testing.TB, text string) (s Stamp) {
	t.Helper()
	if err := s.UnmarshalText([]byte(text)); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// TestPaperRun is the run of the paper's figure, step by step.
func TestPaperRun(t *testing.T) {
	forms(t, Seed(), "(1,0)", "0011000")
	a, b := fork(Seed())
	forms(t, a, "((1,0),0)", "100011000")
	forms(t, b, "((0,1),0)", "010011000")
	a, b = tick(a), tick(b)
	forms(t, a, "((1,0),(0,1,0))", "100010011001")
	forms(t, b, "((0,1),(0,0,1))", "010010001001")
	a, c := fork(a)
	b = tick(b)
	forms(t, a, "(((1,0),0),(0,1,0))", "10100010011001")
	forms(t, c, "(((0,1),0),(0,1,0))", "10010010011001")
	forms(t, b, "((0,1),(0,0,2))", "010010001010")
	a, b = tick(a), join(c, b)
	forms(t, a, "(((1,0),0),(0,(1,1,0),0))", "10100010010110110011001")
	forms(t, b, "(((0,1),1),(1,0,1))", "11010010010110010011001")
	b, c = fork(b)
	forms(t, b, "(((0,1),0),(1,0,1))", "10010010110010011001")
	forms(t, c, "((0,1),(1,0,1))", "010010110010011001")
	a = join(a, b)
	forms(t, a, "((1,0),(1,(0,1,0),1))", "100010111100100110011001")
	forms(t, tick(a), "((1,0),2)", "100011010")
}

// TestHappenedBefore: e → f just if the stamp of f knows more, on 108,000
// events of random executions with forks and retirements.
func TestHappenedBefore(t *testing.T) {
	for seed := range uint64(900) {
		rng := rand.New(rand.NewPCG(seed, 2))
		r := clocktest.New(rng, 120, 2+int(seed%11))
		clocks := make([]Stamp, r.Processes)
		clocks[0] = Seed()
		stamps := make([]Stamp, len(r.Steps))
		for i, s := range r.Steps {
			c := &clocks[s.Process]
			switch s.Kind {
			case clocktest.Receive:
				*c = join(*c, stamps[s.From])
			case clocktest.Retire:
				*c = join(*c, clocks[s.Other])
				clocks[s.Other] = Stamp{}
			}
			*c = tick(*c)
			if stamps[i] = c.Peek(); s.Kind == clocktest.Fork {
				*c, clocks[s.Other] = fork(*c)
			}
			same(t, *c)
		}
		for i := range stamps {
			for j := range stamps {
				want := clock.OrderOf(i != j && !r.Before(j, i), i != j && !r.Before(i, j))
				if o := stamps[i].Compare(stamps[j]); o != want {
					t.Errorf("steps %d and %d are %v, %s and %s say %v",
						i, j, want, stamps[i], stamps[j], o)
				}
			}
		}
		all := Stamp{}
		for _, c := range clocks {
			all = join(all, c)
		}
		if all.id != whole {
			t.Errorf("together they own %s", all)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// A function is a stamp written out: id and count at each of 2^twinDepth equal
// parts of the interval.
type function struct {
	owned []bool
	count []uint64
}

const twinDepth = 7

func (i *id) depth() int {
	if i == nil || i.all() {
		return 0
	}
	return 1 + max(i.l.depth(), i.r.depth())
}

func written(s Stamp) (f function) {
	var walk func(i *id, e event, depth int)
	walk = func(i *id, e event, depth int) {
		if depth == twinDepth {
			f.owned = append(f.owned, i != nil && i.all())
			f.count = append(f.count, e.base)
			return
		}
		l, r := e.halves()
		il, ir := i, i
		if i != nil && !i.all() {
			il, ir = i.l, i.r
		}
		walk(il, l, depth+1)
		walk(ir, r, depth+1)
	}
	walk(s.id, s.event, 0)
	return f
}

// TestJoinIsPointwise: a join is not the greater of two stamps, but of two
// functions at each point; and an event raises the function only where it is
// owned, and somewhere.
func TestJoinIsPointwise(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		live := []Stamp{Seed()}
		for range 60 {
			i := rng.IntN(len(live))
			s := live[i]
			j := (i + 1 + rng.IntN(max(1, len(live)-1))) % len(live)
			u := live[j]
			switch dice := rng.IntN(8); {
			case dice < 2 && s.id.depth() < twinDepth-1:
				a, b := fork(s)
				twinFork(t, s, a, b)
				live[i] = a
				live = append(live, b)
			case dice < 4 && i != j:
				live[i] = join(s, u.Peek())
				twinJoin(t, s, u.Peek(), live[i])
			case dice < 5 && i != j:
				live[i] = join(s, u)
				twinJoin(t, s, u, live[i])
				live[j] = live[len(live)-1]
				live = live[:len(live)-1]
			default:
				live[i] = tick(s)
				twinEvent(t, s, live[i])
			}
		}
	}
}

func twinJoin(t *testing.T, s, u, joined Stamp) {
	t.Helper()
	f, g, got := written(s), written(u), written(joined)
	less := true
	for x := range got.count {
		less = less && f.count[x] <= g.count[x]
		if got.count[x] != max(f.count[x], g.count[x]) || got.owned[x] != (f.owned[x] || g.owned[x]) {
			t.Fatalf("%s joined with %s is %s", s, u, joined)
		}
	}
	if s.Leq(u) != less {
		t.Fatalf("%s ≤ %s: %v", s, u, !less)
	}
}

func twinFork(t *testing.T, s, a, b Stamp) {
	t.Helper()
	f, g, h := written(s), written(a), written(b)
	some := [2]bool{}
	for x := range f.owned {
		if g.owned[x] && h.owned[x] || f.owned[x] != (g.owned[x] || h.owned[x]) {
			t.Fatalf("%s forks into %s and %s", s, a, b)
		}
		some[0], some[1] = some[0] || g.owned[x], some[1] || h.owned[x]
	}
	if some != [2]bool{true, true} {
		t.Fatalf("%s forks into %s and %s", s, a, b)
	}
}

func twinEvent(t *testing.T, s, after Stamp) {
	t.Helper()
	f, g := written(s), written(after)
	raised := false
	for x := range f.count {
		if g.count[x] < f.count[x] || g.count[x] > f.count[x] && !f.owned[x] || g.owned[x] != f.owned[x] {
			t.Fatalf("an event of %s makes it %s", s, after)
		}
		raised = raised || g.count[x] > f.count[x]
	}
	if !raised {
		t.Fatalf("an event of %s leaves %s", s, after)
	}
}

// TestEventTreeIsATriple: the event at (1,0) makes (0,1,0) of 0. A pair is no
// event tree, nor (1) an id.
func TestEventTreeIsATriple(t *testing.T) {
	a, _ := fork(Seed())
	if s := tick(a).String(); s != "((1,0),(0,1,0))" {
		t.Errorf("the first event after a fork: %s", s)
	}
	for _, text := range []string{"((1,0),(0,(1,0)))", "((1),0)", "(1)"} {
		var s Stamp
		if err := s.UnmarshalText([]byte(text)); !errors.Is(err, clock.ErrMalformed) {
			t.Errorf("%s is read as %s, %v", text, s, err)
		}
	}
}

// TestForkDescends: who forks keeps the left half only of what it owns whole.
func TestForkDescends(t *testing.T) {
	for _, c := range [][3]string{
		{"0", "0", "0"},
		{"1", "(1,0)", "(0,1)"},
		{"(0,1)", "(0,(1,0))", "(0,(0,1))"},
		{"(1,0)", "((1,0),0)", "((0,1),0)"},
		{"((0,1),(1,0))", "((0,1),0)", "(0,(1,0))"},
		{"(0,((1,0),1))", "(0,((1,0),0))", "(0,(0,1))"},
	} {
		a, b := fork(parse(t, "("+c[0]+",5)"))
		if a.String() != "("+c[1]+",5)" || b.String() != "("+c[2]+",5)" {
			t.Errorf("%s forks into %s and %s, want %s and %s", c[0], a, b, c[1], c[2])
		}
	}
}

func TestJoinRefusesOverlap(t *testing.T) {
	a, b := fork(Seed())
	c, d := fork(b)
	for _, p := range [][2]Stamp{{a, a}, {a, Seed()}, {Seed(), d}, {b, c}, {d, b}, {join(a, c), join(c, d)}} {
		if s, err := p[0].Join(p[1]); !errors.Is(err, ErrOverlap) || s != p[0] {
			t.Errorf("%s joins %s: %s, %v", p[0], p[1], s, err)
		}
	}
	if s := join(a, join(c, d)); s.String() != "(1,0)" {
		t.Errorf("all joined: %s", s)
	}
}

// TestEventRules: what fill and grow do where the paper leaves one choice.
func TestEventRules(t *testing.T) {
	for _, c := range [][2]string{
		{"(1,(1,2,(0,0,4)))", "(1,5)"},                               // fill takes all
		{"((1,0),(0,0,1))", "((1,0),1)"},                             // up to the least beside it
		{"((0,1),(0,2,(0,0,3)))", "((0,1),(2,0,1))"},                 // and to the greatest below
		{"((1,0),(0,1,0))", "((1,0),(0,2,0))"},                       // else grow
		{"(((1,0),0),0)", "(((1,0),0),(0,(0,1,0),0))"},               // with new nodes
		{"(((1,0),(1,0)),0)", "(((1,0),(1,0)),(0,0,(0,1,0)))"},       // a tie: right
		{"(((1,0),1),(0,0,1))", "(((1,0),1),(0,0,2))"},               // few nodes rather than a low place
		{"((1,(1,0)),(0,1,0))", "((1,(1,0)),(0,2,0))"},               // left if that is less
		{"((0,(1,0)),(0,0,(1,0,1)))", "((0,(1,0)),(0,0,2))"},         // fill below, then normal form
		{"(((1,0),(0,1)),(0,(0,0,1),(0,1,0)))", "(((1,0),(0,1)),1)"}, // fill both
	} {
		s := parse(t, c[0])
		if got := tick(s).String(); got != c[1] {
			t.Errorf("event of %s: %s, want %s", s, got, c[1])
		}
	}
}

func TestEventNeedsAnID(t *testing.T) {
	for _, s := range []Stamp{{}, tick(Seed()).Peek()} {
		if u, err := s.Event(); !errors.Is(err, ErrAnonymous) || u != s || !s.Anonymous() {
			t.Errorf("event of %s: %s, %v", s, u, err)
		}
	}
	if a, b := fork(Stamp{}); !a.Anonymous() || !b.Anonymous() || Seed().Anonymous() {
		t.Errorf("nothing forks into %s and %s", a, b)
	}
}

// TestNeverWraps: counts end at 64 bits with an error, and go elsewhere while
// there is room.
func TestNeverWraps(t *testing.T) {
	last := fmt.Sprint(uint64(math.MaxUint64))
	s := parse(t, "(1,"+last+")")
	same(t, s)
	if u, err := s.Event(); !errors.Is(err, clock.ErrOverflow) || u != s {
		t.Errorf("event of %s: %s, %v", s, u, err)
	}
	s = parse(t, "((1,0),(18446744073709551614,1,0))")
	if u, err := s.Event(); !errors.Is(err, clock.ErrOverflow) || u != s {
		t.Errorf("event of %s: %s, %v", s, u, err)
	}
	s = parse(t, "((1,(1,0)),(0,"+last+",0))")
	if u := tick(s).String(); u != "((1,(1,0)),(0,"+last+",(0,1,0)))" {
		t.Errorf("event of %s: %s", s, u)
	}
	for _, text := range []string{
		"(0,18446744073709551616)", "(0,(1," + last + ",0))", "(0,(1,0,(1,0," + last + ")))",
	} {
		if err := s.UnmarshalText([]byte(text)); !errors.Is(err, clock.ErrMalformed) {
			t.Errorf("%s is read, %v", text, err)
		}
	}
	// 1 and (1, 0, max): as bits, where each number by itself has room.
	w := writer{}
	w.put(0b000_01100_1001_1, 13)
	w.number(math.MaxUint64)
	w.put(0, (8-w.n)%8)
	if err := s.UnmarshalBinary(w.b); !errors.Is(err, clock.ErrMalformed) {
		t.Errorf("a sum beyond 64 bits is read as %s, %v", s, err)
	}
}

// TestDeepForks: a process that forks off all others is served until MaxDepth.
func TestDeepForks(t *testing.T) {
	s := Seed()
	var others Stamp
	for range MaxDepth {
		var o Stamp
		s, o = fork(s)
		others = join(others, o)
	}
	s = tick(s)
	same(t, s)
	if a, b, err := s.Fork(); !errors.Is(err, ErrDepth) || a != s || !b.Anonymous() {
		t.Errorf("fork %d: %s and %s, %v", MaxDepth+1, a, b, err)
	}
	if u := join(s, others); u.id != whole {
		t.Error("after all joined, something is missing")
	}
	over := strings.Repeat("(", MaxDepth+1) + "1" + strings.Repeat(",0)", MaxDepth+1)
	for _, text := range []string{"(" + over + ",0)", "(0," + strings.ReplaceAll(over[:MaxDepth+1], "(", "(0,") +
		"1" + strings.Repeat(",0)", MaxDepth+1) + ")"} {
		if err := s.UnmarshalText([]byte(text)); !errors.Is(err, clock.ErrMalformed) {
			t.Errorf("a tree of depth %d is read, %v", MaxDepth+1, err)
		}
	}
	for _, step := range []struct {
		v uint64
		n int
	}{{0b10, 2}, {0b001, 3}} {
		w := writer{}
		if step.n == 3 {
			w.put(0, 3)
		}
		for range MaxDepth + 1 {
			w.put(step.v, step.n)
		}
		w.put(0b001_1000, 7)
		w.put(0, (8-w.n)%8)
		if err := s.UnmarshalBinary(w.b); !errors.Is(err, clock.ErrMalformed) {
			t.Errorf("a tree of %d times %b is read, %v", MaxDepth+1, step.v, err)
		}
	}
}

// mixed returns n live stamps that have all heard of each other's events.
func mixed(n int) []Stamp {
	live := []Stamp{Seed()}
	for len(live) < n {
		a, b := fork(live[0])
		live = append(live[1:], a, b)
	}
	rng := rand.New(rand.NewPCG(4, 4))
	for range 20 * n {
		i, j := rng.IntN(n), rng.IntN(n)
		live[i] = tick(join(live[i], live[j].Peek()))
	}
	return live
}

// TestSizeIsLinear: where all are active and mixed, stamps grow with their
// number. A logarithm would only double from 4 to 16, and from 16 to 256.
func TestSizeIsLinear(t *testing.T) {
	mean := func(n int) (sum int) {
		for _, s := range mixed(n) {
			sum += len(bits(s))
		}
		return sum / n
	}
	m8, m64, m256 := mean(8), mean(64), mean(256)
	t.Logf("bits of a stamp, mean: %d of 8, %d of 64, %d of 256", m8, m64, m256)
	if m64 < 3*m8 || m256 < 3*m64 {
		t.Errorf("stamps of 8, 64 and 256 have %d, %d and %d bits", m8, m64, m256)
	}
	// Retiring makes them small again.
	all := Stamp{}
	for _, s := range mixed(64) {
		all = join(all, s)
	}
	if n := len(bits(tick(all))); n > 20 {
		t.Errorf("the last of 64, after an event: %d bits", n)
	}
}
