package clock

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A run is a history with what it was made of: for each event the sending
// that it received, if it did.
type randomRun struct {
	h      History
	causes map[[2]int][2]int // process and number, from 0
}

func newRandomRun(rng *rand.Rand) randomRun {
	n := 1 + rng.IntN(4)
	r := randomRun{h: make(History, n), causes: map[[2]int][2]int{}}
	clocks := make([]Vector, n)
	type message struct {
		from  [2]int
		stamp Vector
	}
	var sent []message
	for range rng.IntN(4 * n) {
		p := rng.IntN(n)
		id := [2]int{p, len(r.h[p])}
		if len(sent) > 0 && rng.IntN(2) == 0 {
			if m := sent[rng.IntN(len(sent))]; m.from[0] != p {
				clocks[p].Merge(m.stamp)
				r.causes[id] = m.from
			}
		}
		if err := clocks[p].Tick(p); err != nil {
			panic(err)
		}
		r.h[p] = append(r.h[p], clocks[p].Clone())
		if rng.IntN(2) == 0 {
			sent = append(sent, message{id, clocks[p].Clone()})
		}
	}
	return r
}

// closed reports whether each receipt in the cut has its sending in it.
func (r *randomRun) closed(cut Vector) bool {
	for to, from := range r.causes {
		if uint64(to[1]) < cut[to[0]] && uint64(from[1]) >= cut[from[0]] {
			return false
		}
	}
	return true
}

// all returns every cut, consistent or not.
func (h History) all() []Vector {
	cuts := []Vector{{}}
	for i := range h {
		var longer []Vector
		for _, c := range cuts {
			for n := range len(h[i]) + 1 {
				longer = append(longer, append(c.Clone(), uint64(n)))
			}
		}
		cuts = longer
	}
	return cuts
}

// TestCuts holds cuts against their definition, on random runs: which are
// consistent, that all of these are found, that they are a lattice.
func TestCuts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 400 {
		r := newRandomRun(rng)
		if err := r.h.Check(); err != nil {
			t.Fatalf("%v: %v", r.h, err)
		}
		var want []Vector
		for _, cut := range r.h.all() {
			ok, err := r.h.Consistent(cut)
			if err != nil || ok != r.closed(cut) {
				t.Fatalf("%v in %v: consistent %v, %v", cut, r.h, ok, err)
			}
			if ok {
				want = append(want, cut)
			}
		}
		got := slices.Collect(r.h.Cuts())
		slices.SortFunc(got, func(a, b Vector) int { return slices.Compare(a, b) })
		if !slices.EqualFunc(got, want, func(a, b Vector) bool { return slices.Equal(a, b) }) {
			t.Fatalf("cuts of %v: %v, want %v", r.h, got, want)
		}
		for range 20 {
			a, b := want[rng.IntN(len(want))], want[rng.IntN(len(want))]
			for _, cut := range []Vector{a.Meet(b), a.Join(b)} {
				if ok, err := r.h.Consistent(cut); err != nil || !ok {
					t.Fatalf("%v and %v give %v, which is not consistent: %v", a, b, cut, err)
				}
			}
		}
		r.modalities(t, rng, want)
	}
}

// modalities holds Possibly and Definitely against all cuts, and all ways
// through them.
func (r *randomRun) modalities(t *testing.T, rng *rand.Rand, cuts []Vector) {
	t.Helper()
	bad := map[string]bool{}
	for _, c := range cuts {
		bad[fmt.Sprint(c)] = rng.IntN(4) == 0
	}
	f := func(c Vector) bool { return bad[fmt.Sprint(append(Vector{}, c...))] }
	_, ok := r.h.Possibly(f)
	if want := slices.ContainsFunc(cuts, f); ok != want {
		t.Fatalf("possibly %v, want %v", ok, want)
	}
	var avoids func(cut Vector) bool
	avoids = func(cut Vector) bool {
		if f(cut) {
			return false
		}
		if slices.Equal(cut, r.h.End()) {
			return true
		}
		for i := range cut {
			up := cut.Clone()
			up[i]++
			if ok, err := r.h.Consistent(up); err == nil && ok && avoids(up) {
				return true
			}
		}
		return false
	}
	if got, want := r.h.Definitely(f), !avoids(make(Vector, len(r.h))); got != want {
		t.Fatalf("definitely %v, want %v", got, want)
	}
}

func TestCutErrors(t *testing.T) {
	h := History{{{1}, {2}}, {{1, 1}}}
	if _, err := h.Consistent(Vector{3}); !errors.Is(err, ErrCut) {
		t.Errorf("a cut beyond the end: %v", err)
	}
	if _, err := h.Consistent(Vector{0, 0, 1}); !errors.Is(err, ErrCut) {
		t.Errorf("a cut of a process that is not there: %v", err)
	}
	for _, bad := range []History{
		{{{2}}}, {{{1}, {1}}}, {{{1, 1}}}, {{{1, 2}}, {{0, 1}}},
		{{{1, 1}, {2}}, {{0, 1}}}, {{{1, 1}}, {{0, 1, 1}}, {{0, 0, 1}}},
	} {
		if bad.Check() == nil {
			t.Errorf("%v is taken for a history", bad)
		}
	}
}

// Two processes pass a token. In the cut after the receipt, but before the
// sending, it would be in two places: the cut is not consistent.
func ExampleHistory() {
	h := History{
		{{1}, {2}}, // process 0 works, then sends
		{{2, 1}},   // process 1 receives
	}
	ok, _ := h.Consistent(Vector{1, 1})
	fmt.Println("without its cause:", ok)
	for cut := range h.Cuts() {
		fmt.Println(cut)
	}
	// Output:
	// without its cause: false
	// ()
	// (1)
	// (2)
	// (2,1)
}
