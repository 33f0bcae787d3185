package explore

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A drawing is a Model of a handful of states, drawn edge by edge.
type drawing struct {
	edges  []edge // in any order
	goal   uint   // set of states
	from   uint   // set of states; LeadsTo, unless it is 0
	strong uint   // set of classes that are strongly fair
	start  uint   // set of states
}

type edge struct {
	from, to byte
	class    int
}

func (d *drawing) Initial(s *Steps) {
	for i := range byte(16) {
		if d.start>>i&1 == 1 {
			s.Add(0, []byte{i})
		}
	}
}

func (d *drawing) Next(state []byte, s *Steps) {
	for _, e := range d.edges {
		if e.from == state[0] {
			s.Add(NewAction(0, uint64(e.class+1)), []byte{e.to})
		}
	}
}

func (d *drawing) Fairness(a Action) (int, bool) {
	class := int(a.Arg()) - 1
	return class, class >= 0 && d.strong>>class&1 == 1
}

func (d *drawing) Properties() []Property {
	p := Property{Name: "promise", Mode: Eventually, Holds: func(s []byte) bool { return d.goal>>s[0]&1 == 1 }}
	if d.from != 0 {
		p.Mode, p.From = LeadsTo, func(s []byte) bool { return d.from>>s[0]&1 == 1 }
	}
	return []Property{p}
}

func (d *drawing) Kinds() []string                    { return []string{"go"} }
func (d *drawing) Describe(_ []byte, a Action) string { return fmt.Sprint("by class ", int(a.Arg())-1) }
func (d *drawing) Show(s []byte) string               { return fmt.Sprint(s[0]) }
func (d *drawing) Fork() Model                        { return d }

// broken reports whether the promise is, after checking the lasso that says so.
func (d *drawing) broken(t *testing.T) bool {
	t.Helper()
	r := run(t, d, Options{})
	f := r.Broken()
	if f == nil {
		return false
	}
	follows(t, d, f.Trace)
	d.checkLasso(t, f)
	return true
}

// checkLasso checks that the loop is one, has no goal, and is fair; and that
// the way to it does not keep the promise first.
func (d *drawing) checkLasso(t *testing.T, f *Finding) {
	t.Helper()
	last := f.Trace[len(f.Trace)-1].State[0]
	if !f.Cycle {
		for _, e := range d.edges {
			if e.from == last && e.to != last {
				t.Errorf("%+v: the run does not end at %d", d, last)
			}
		}
		return
	}
	if f.Loop >= len(f.Trace)-1 || f.Trace[f.Loop].State[0] != last {
		t.Fatalf("%+v: no loop: %+v", d, f)
	}
	var nodes uint
	taken := uint64(0)
	for _, s := range f.Trace[f.Loop+1:] {
		nodes |= 1 << s.State[0]
		if class, _ := d.Fairness(s.Action); class >= 0 {
			taken |= 1 << class
		}
	}
	if nodes&d.goal != 0 || !d.fair(nodes, taken) {
		t.Errorf("%+v: the loop through %b by %b keeps the promise, or is unfair: %+v", d, nodes, taken, f)
	}
}

// fair reports whether it is fair to stay in the nodes by what is taken there.
func (d *drawing) fair(nodes uint, taken uint64) bool {
	always, some := ^uint64(0), uint64(0)
	for i := range byte(16) {
		if nodes>>i&1 == 0 {
			continue
		}
		enabled := uint64(0)
		for _, e := range d.edges {
			if e.from == i && e.to != i && e.class >= 0 {
				enabled |= 1 << e.class
			}
		}
		always, some = always&enabled, some|enabled
	}
	strong := uint64(d.strong)
	return (always&^strong|some&strong)&^taken == 0
}

// oracle decides by trying every set of states that a run might stay in.
func (d *drawing) oracle() bool {
	reached := d.spread(d.start, ^uint(0))
	begin := d.start
	if d.from != 0 {
		begin = reached & d.from
	}
	region := d.spread(begin&^d.goal, ^d.goal)
	for nodes := uint(1); nodes < 1<<6; nodes++ {
		if nodes&region == nodes && d.stay(nodes) {
			return true
		}
	}
	return false
}

// spread returns what can be reached from some states within others.
func (d *drawing) spread(from, within uint) uint {
	for range 16 {
		for _, e := range d.edges {
			if from>>e.from&1 == 1 {
				from |= 1 << e.to & within
			}
		}
	}
	return from
}

// stay reports whether a fair run may visit exactly these for ever.
func (d *drawing) stay(nodes uint) bool {
	taken, out, single := uint64(0), false, nodes&(nodes-1) == 0
	for _, e := range d.edges {
		inside := nodes>>e.from&1 == 1 && nodes>>e.to&1 == 1
		out = out || nodes>>e.from&1 == 1 && e.to != e.from
		if inside && e.from != e.to && e.class >= 0 {
			taken |= 1 << e.class
		}
	}
	if single {
		return !out
	}
	for i := range byte(6) {
		if nodes>>i&1 == 1 && d.spread(1<<i, nodes) != nodes {
			return false
		}
	}
	return d.fair(nodes, taken)
}

func TestLassos(t *testing.T) {
	ways := func(more ...edge) []edge { // apart, and together again
		return append([]edge{{0, 1, -1}, {0, 2, -1}, {1, 3, -1}, {2, 3, -1}}, more...)
	}
	back := func(more ...edge) []edge { return append([]edge{{0, 1, -1}, {1, 0, -1}}, more...) }
	for name, c := range map[string]struct {
		d      drawing
		broken bool
	}{
		// A checker that remembers of a state only that it was seen, and not
		// whether the goal had been met before, misses the first two.
		"a join after the goal": {drawing{edges: ways(), goal: 1 << 1}, true},
		"a cycle":               {drawing{edges: back(edge{1, 3, -1}), goal: 1 << 3}, true},
		"an end":                {drawing{edges: []edge{{0, 1, -1}}, goal: 1 << 3}, true},
		"a goal on all ways":    {drawing{edges: ways(), goal: 1 << 3}, false},
		"an action that changes nothing": {
			drawing{edges: []edge{{0, 0, -1}, {0, 1, -1}}, goal: 1 << 1}, false},
		"a goal at the start": {drawing{edges: back(), goal: 1}, false},
		"weakly fair, always possible": {
			drawing{edges: back(edge{0, 2, 0}, edge{1, 2, 0}), goal: 1 << 2}, false},
		"weakly fair, now and then possible": {
			drawing{edges: back(edge{1, 2, 0}), goal: 1 << 2}, true},
		"strongly fair, now and then possible": {
			drawing{edges: back(edge{1, 2, 0}), goal: 1 << 2, strong: 1}, false},
		"strongly fair, and a part without it": {
			drawing{edges: back(edge{1, 2, 0}, edge{0, 3, -1}, edge{3, 0, -1}, edge{3, 4, -1}, edge{4, 3, -1}),
				goal: 1 << 2, strong: 1}, true},
		"leads to, asked on the way": {
			drawing{edges: []edge{{0, 1, -1}, {1, 2, -1}, {2, 3, -1}, {3, 2, -1}}, goal: 1 << 1, from: 1 << 2}, true},
		"leads to, answered each time": {
			drawing{edges: []edge{{0, 1, -1}, {1, 2, -1}, {2, 1, -1}}, goal: 1 << 2, from: 1 << 1}, false},
	} {
		c.d.start = 1
		if got := c.d.broken(t); got != c.broken || c.d.oracle() != c.broken {
			t.Errorf("%s: broken is %v, by the oracle %v, want %v", name, got, c.d.oracle(), c.broken)
		}
	}
}

// TestLassosAtRandom compares with the oracle on drawings of six states.
func TestLassosAtRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	broken := 0
	const tries = 20_000
	for range tries {
		d := &drawing{goal: uint(rng.IntN(64)), strong: uint(rng.IntN(4)), start: uint(1 + rng.IntN(63))}
		d.goal &= uint(rng.IntN(64)) // two states at most times
		if rng.IntN(2) == 0 {
			d.from = uint(rng.IntN(64))
		}
		for range 4 + rng.IntN(12) {
			d.edges = append(d.edges, edge{byte(rng.IntN(6)), byte(rng.IntN(6)), rng.IntN(4) - 1})
		}
		got, want := d.broken(t), d.oracle()
		if got != want {
			t.Fatalf("%+v: broken is %v, want %v", d, got, want)
		}
		if want {
			broken++
		}
	}
	if broken < tries/5 || broken > 4*tries/5 {
		t.Errorf("%d of %d are broken: too few of one sort", broken, tries)
	}
}

// Runs are not judged by who has not seen all of them, nor under symmetry.
func TestLassosNeedEverything(t *testing.T) {
	d := &drawing{start: 1, edges: []edge{{0, 1, -1}, {1, 2, -1}, {2, 3, -1}}, goal: 1 << 3}
	if r := run(t, d, Options{MaxDepth: 2}); r.Broken() != nil || r.Stopped != AtDepth {
		t.Errorf("%v: %+v", &r, r.Broken())
	}
	if r := run(t, d, Options{MaxBytes: 1}); r.Broken() != nil || r.Stopped != AtBytes {
		t.Errorf("%v: %+v", &r, r.Broken())
	}
	p := d.Properties()[0]
	if _, err := Run(t.Context(), symmetric{with{d, p}}, Options{Symmetry: true}); err == nil {
		t.Error("a promise under symmetry: no error")
	}
}

type symmetric struct{ with }

func (symmetric) Canonical([]byte) {}
func (s symmetric) Fork() Model    { return s }
