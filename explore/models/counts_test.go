package models

import (
	"testing"

	"althing/explore"
)

// counts is what is known of a model.
type counts struct {
	generated, distinct uint64
	depth               int
}

func explored(t *testing.T, m explore.Model, o explore.Options) explore.Result {
	t.Helper()
	r, err := explore.Run(t.Context(), m, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// agrees explores m by levels, alone and with others, and depth first.
func agrees(t *testing.T, m explore.Model, o explore.Options, want counts) {
	t.Helper()
	for _, c := range []struct {
		search  explore.Search
		workers int
	}{{explore.Breadth, 1}, {explore.Breadth, 3}, {explore.Depth, 1}, {explore.Depth, 3}} {
		o.Search, o.Workers = c.search, c.workers
		r := explored(t, m, o)
		got := counts{r.Generated, r.Distinct, r.Depth}
		if c.search == explore.Depth {
			got.depth = want.depth
		}
		if got != want || r.Stopped != "" || r.Broken() != nil {
			t.Errorf("%+v: %v, want %+v; broken: %+v", c, &r, want, r.Broken())
		}
	}
}

// Gray and Lamport's TwoPhase: TLC and Stateright agree on these.
func TestTwoPhase(t *testing.T) {
	for n, want := range map[int]counts{
		3: {1_146, 288, 11}, 5: {58_146, 8_832, 17}, 7: {2_744_706, 296_448, 23},
	} {
		if n < 7 || !testing.Short() {
			agrees(t, &TwoPhase{Managers: n}, explore.Options{}, want)
		}
	}
}

// With interchangeable managers there is one state for each orbit; TLC agrees
// for 5 and 7.
func TestTwoPhaseSymmetry(t *testing.T) {
	for n, want := range map[int]counts{
		3: {318, 80, 11}, 5: {2_048, 314, 17}, 7: {8_410, 920, 23},
	} {
		agrees(t, &TwoPhase{Managers: n}, explore.Options{Symmetry: true}, want)
	}
}

// Stateright's single-decree Paxos as a register, three servers.
func TestPaxos(t *testing.T) {
	for clients, want := range map[int]counts{
		1: {482, 265, 14}, 2: {32_971, 16_668, 21}, 3: {2_420_477, 1_194_428, 28},
	} {
		if clients < 3 {
			agrees(t, Paxos(3, clients), explore.Options{}, want)
		} else if !testing.Short() {
			r := explored(t, Paxos(3, clients), explore.Options{})
			if got := (counts{r.Generated, r.Distinct, r.Depth}); got != want || r.Broken() != nil {
				t.Errorf("%v, want %+v", &r, want)
			}
			t.Logf("%v: %.2f million a second, %d bytes a state, missed with p < %.1g",
				&r, float64(r.Generated)/r.Took.Seconds()/1e6, r.Bytes/r.Distinct, r.Missed)
		}
	}
}
