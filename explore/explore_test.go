package explore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A grid is two counters up to Max, which go up one at a time: (Max+1)² states,
// 2·Max·(Max+1) transitions, a depth of 2·Max+1. Bad is a state that breaks a
// promise, trap one whose step up of y fails.
type grid struct {
	max       byte
	bad, trap [2]byte
	goal      [2]byte
	pad       int // bytes that each state is made longer by
}

var errTrap = errors.New("a trap")

func (g *grid) Initial(s *Steps) { s.Add(0, make([]byte, 2+g.pad)) }

func (g *grid) Next(state []byte, s *Steps) {
	for i := range 2 {
		if state[i] == g.max {
			continue
		}
		b := slices.Clone(state)
		b[i]++
		if i == 1 && [2]byte(state) == g.trap && g.trap != [2]byte{} {
			s.Fail(NewAction(1, 0), errTrap)
			continue
		}
		s.Add(NewAction(uint8(i), 0), b)
	}
}

func (g *grid) Properties() []Property {
	return []Property{
		{Name: "not bad", Mode: Always, Holds: func(s []byte) bool {
			return g.bad == [2]byte{} || [2]byte(s) != g.bad
		}},
		{Name: "goal", Mode: Sometimes, Holds: func(s []byte) bool { return [2]byte(s) == g.goal }},
	}
}

func (g *grid) Kinds() []string                    { return []string{"x", "y"} }
func (g *grid) Describe(_ []byte, a Action) string { return g.Kinds()[a.Kind()] }
func (g *grid) Show(s []byte) string               { return fmt.Sprint(s[0], s[1]) }
func (g *grid) Fork() Model                        { return g }
func (g *grid) Canonical(s []byte)                 { slices.Sort(s[:2]) }

func run(t *testing.T, m Model, o Options) Result {
	t.Helper()
	r, err := Run(t.Context(), m, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var everySearch = []Options{{Workers: 1}, {Workers: 4}, {Search: Depth, Workers: 1}, {Search: Depth, Workers: 4},
	{Seed: 7}}

func TestCounts(t *testing.T) {
	for _, o := range everySearch {
		r := run(t, &grid{max: 200, pad: 40}, o)
		want := []uint64{201 * 201, 2*200*201 + 1, 1}
		if got := []uint64{r.Distinct, r.Generated, r.Dead}; !slices.Equal(got, want) {
			t.Errorf("%+v: %v, want %v", o, got, want)
		}
		if o.Search == Breadth && r.Depth != 401 {
			t.Errorf("%+v: depth %d", o, r.Depth)
		}
		if r.Kinds[0] != 200*201 || r.Kinds[1] != 200*201 || r.Stopped != "" {
			t.Errorf("%+v: %v of each kind, stopped at %q", o, r.Kinds, r.Stopped)
		}
		if r.Missed <= 0 || r.Missed > 1e-9 || r.Bytes < slotBytes*r.Distinct {
			t.Errorf("%+v: missed %g, %d bytes", o, r.Missed, r.Bytes)
		}
	}
}

// A counterexample by levels is a shortest one, and its steps are steps of the
// Model.
func TestCounterexample(t *testing.T) {
	for _, o := range everySearch {
		g := &grid{max: 30, bad: [2]byte{3, 5}}
		f := mustBreak(t, g, o)
		if f.Name != "not bad" || o.Search == Breadth && len(f.Trace) != 9 {
			t.Fatalf("%+v: %+v", o, f)
		}
		follows(t, g, f.Trace)
		if last := f.Trace[len(f.Trace)-1].State; [2]byte(last) != g.bad {
			t.Errorf("%+v: it ends at %v", o, last)
		}
	}
}

func mustBreak(t *testing.T, m Model, o Options) *Finding {
	t.Helper()
	r := run(t, m, o)
	f := r.Broken()
	if f == nil || r.Stopped != AtFinding {
		t.Fatalf("%+v: nothing is broken: %v", o, &r)
	}
	return f
}

// follows checks that a trace is a run of m.
func follows(t *testing.T, m Model, trace []Step) {
	t.Helper()
	var s Steps
	m.Initial(&s)
	for i, step := range trace {
		found := false
		for j := range s.Len() {
			found = found || string(s.State(j)) == string(step.State) && s.Action(j) == step.Action
		}
		if !found {
			t.Fatalf("step %d, %q, is no step of the model", i, step.Text)
		}
		s.Reset()
		m.Next(step.State, &s)
	}
}

func TestAFailedAction(t *testing.T) {
	for _, o := range append(everySearch, Options{Search: Walk}) {
		f := mustBreak(t, &grid{max: 9, trap: [2]byte{2, 1}}, o)
		if f.Err != errTrap || f.Name != "y" || f.Mode != 0 {
			t.Fatalf("%+v: %+v", o, f)
		}
		n := len(f.Trace)
		if o.Search != Walk && n != 5 || f.Trace[n-1].State != nil || f.Trace[n-1].Text != "y" {
			t.Errorf("%+v: %+v", o, f.Trace)
		}
	}
}

func TestSometimes(t *testing.T) {
	for _, o := range everySearch {
		r := run(t, &grid{max: 9, goal: [2]byte{4, 4}}, o)
		if f := r.Found("goal"); f == nil || f.Broken || o.Search == Breadth && len(f.Trace) != 9 {
			t.Errorf("%+v: %+v", o, r.Findings)
		}
		r = run(t, &grid{max: 9, goal: [2]byte{4, 10}}, o)
		if f := r.Found("goal"); f == nil || !f.Broken {
			t.Errorf("%+v: a goal that is nowhere: %+v", o, r.Findings)
		}
	}
	// Who has not seen everything cannot say that there is no such state.
	r := run(t, &grid{max: 9, goal: [2]byte{9, 9}}, Options{MaxDepth: 3})
	if r.Broken() != nil || r.Found("goal") != nil {
		t.Errorf("after three levels: %+v", r.Findings)
	}
}

func TestKeepOn(t *testing.T) {
	for _, o := range everySearch {
		o.KeepOn = true
		r := run(t, &grid{max: 9, bad: [2]byte{1, 1}, trap: [2]byte{5, 5}}, o)
		if r.Distinct != 100 || len(r.Findings) != 3 || r.Findings[0].Err != errTrap || r.Stopped != "" {
			t.Errorf("%+v: %v, %+v", o, &r, r.Findings)
		}
	}
}

func TestBounds(t *testing.T) {
	big := &grid{max: 255, pad: 100}
	for _, c := range []struct {
		o    Options
		want Stop
	}{
		{Options{MaxStates: 1000}, AtStates}, {Options{MaxBytes: 1 << 20}, AtBytes}, {Options{MaxDepth: 20}, AtDepth},
		{Options{MaxStates: 1000, Search: Depth}, AtStates}, {Options{MaxBytes: 1 << 20, Search: Depth}, AtBytes},
		{Options{Search: Walk, Walks: 5}, AtWalksEnd},
	} {
		r := run(t, big, c.o)
		if r.Stopped != c.want || c.o.MaxDepth > 0 && (r.Depth != 20 || r.Distinct != 20*21/2) {
			t.Errorf("%+v: %v", c.o, &r)
		}
		if r.Distinct > 60_000 || c.o.MaxBytes > 0 && r.Bytes > 2<<20 {
			t.Errorf("%+v: goes far beyond: %v, %d bytes", c.o, &r, r.Bytes)
		}
	}
	off, cancel := context.WithCancel(t.Context())
	cancel()
	for _, s := range []Search{Breadth, Depth, Walk} {
		r, err := Run(off, big, Options{Search: s})
		if err != nil || r.Stopped != AtContext {
			t.Errorf("%v: %v, %v", s, &r, err)
		}
	}
}

// A walk is the same for the same seed, whoever takes it.
func TestWalk(t *testing.T) {
	g := &grid{max: 20, bad: [2]byte{11, 3}}
	var first string
	for i, workers := range []int{1, 4, 2} {
		f := mustBreak(t, g, Options{Search: Walk, Workers: workers, Seed: 3})
		follows(t, g, f.Trace)
		var b strings.Builder
		for _, s := range f.Trace {
			b.WriteString(s.Text)
		}
		if i == 0 {
			first = b.String()
		} else if b.String() != first {
			t.Errorf("%d workers: %s, want %s", workers, b.String(), first)
		}
	}
}

// Under symmetry a trace is still a run: names do not change on the way.
func TestSymmetry(t *testing.T) {
	for _, o := range everySearch {
		o.Symmetry = true
		r := run(t, &grid{max: 19}, o)
		if r.Distinct != 210 {
			t.Errorf("%+v: %v, want 210 orbits", o, &r)
		}
		g := &grid{max: 19, goal: [2]byte{4, 9}}
		r = run(t, g, o)
		f := r.Found("goal")
		if f == nil || f.Broken {
			t.Fatalf("%+v: %+v", o, r.Findings)
		}
		follows(t, g, f.Trace)
	}
	if _, err := Run(t.Context(), plain{&grid{max: 1}}, Options{Symmetry: true}); err == nil {
		t.Error("a model without symmetry was explored with it")
	}
}

// plain hides that a Model is Symmetric.
type plain struct{ Model }

func TestWhatMakesNoSense(t *testing.T) {
	holds := func([]byte) bool { return true }
	for _, p := range []Property{
		{Name: "no mode", Holds: holds}, {Name: "no function", Mode: Always},
		{Name: "no from", Mode: LeadsTo, Holds: holds},
		{Name: "mode", Mode: LeadsTo + 1, Holds: holds},
	} {
		if _, err := Run(t.Context(), with{plain{&grid{max: 1}}, p}, Options{}); err == nil {
			t.Errorf("%s: no error", p.Name)
		}
	}
}

// with gives a Model one property.
type with struct {
	Model
	p Property
}

func (w with) Properties() []Property { return []Property{w.p} }
func (w with) Fork() Model            { return w }

// TestTable compares the set with a map, through growth and collisions of place.
func TestTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var x table
	want := map[uint64]uint64{}
	for i := range 100_000 {
		fp := 1 + rng.Uint64N(60_000)<<uint(rng.IntN(3)*24)
		if i%3 == 0 {
			fp = fp<<56 | fp // crowds at the end of a shard
		}
		parent := rng.Uint64()
		_, known := want[fp]
		if x.add(fp, parent) == known {
			t.Fatalf("%x: known is %v", fp, known)
		}
		if !known {
			want[fp] = parent
		}
	}
	for fp, parent := range want {
		if got, ok := x.parent(fp); !ok || got != parent {
			t.Fatalf("%x: %x, %v, want %x", fp, got, ok, parent)
		}
	}
	states, bytes := x.size()
	if _, ok := x.parent(1 << 63); ok || states != uint64(len(want)) || bytes < slotBytes*states {
		t.Errorf("%d states in %d bytes, want %d states", states, bytes, len(want))
	}
}

func TestPile(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var p pile
	var want []string
	for range 20_000 {
		if rng.IntN(3) > 0 {
			b := binary.AppendUvarint(make([]byte, rng.IntN(300)), rng.Uint64())
			p.push(b)
			want = append(want, string(b))
		} else {
			b := p.pop(nil)
			if n := len(want); n == 0 {
				if b != nil {
					t.Fatal("something from nothing")
				}
			} else if want = want[:n-1]; string(b) != want[:n][n-1] {
				t.Fatalf("state %d is not what was pushed", n)
			}
		}
	}
	var got []string
	for len(p.bags) > 0 {
		b := p.shift()
		for i := range b.ends {
			got = append(got, string(b.at(i)))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d states, want %d", len(got), len(want))
	}
}

func TestProgress(t *testing.T) {
	told := make(chan Progress, 1)
	g := &slow{plain{&grid{max: 50}}, make(chan struct{})}
	done := make(chan Result)
	go func() {
		r, _ := Run(t.Context(), g, Options{Workers: 1, Every: 1, Progress: func(p Progress) {
			select {
			case told <- p:
			default:
			}
		}})
		done <- r
	}()
	if p := <-told; p.Took <= 0 {
		t.Errorf("%+v", p)
	}
	close(g.gate)
	if r := <-done; r.Distinct != 51*51 {
		t.Errorf("%v", &r)
	}
}

// slow waits at its first step.
type slow struct {
	Model
	gate chan struct{}
}

func (s *slow) Next(state []byte, x *Steps) { <-s.gate; s.Model.Next(state, x) }
func (s *slow) Fork() Model                 { return s }
