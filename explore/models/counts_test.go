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

// Stateright's register after Attiya, Bar-Noy and Dolev.
func TestABD(t *testing.T) {
	agrees(t, ABD(3, 1), explore.Options{}, counts{3_728, 1_449, 17})
	if r := explored(t, ABD(2, 2), explore.Options{}); r.Distinct != 544 || r.Broken() != nil {
		t.Errorf("2 servers, 2 clients: %v, want 544 distinct", &r)
	}
}

// Stateright's register of one copy, and how two copies go wrong.
func TestSingleCopy(t *testing.T) {
	for clients, want := range map[int]counts{2: {121, 93, 9}, 3: {6_778, 4_243, 13}, 4: {731_789, 400_233, 17}} {
		if clients < 4 || !testing.Short() {
			agrees(t, SingleCopy(1, clients), explore.Options{}, want)
		}
	}
	r := explored(t, SingleCopy(2, 2), explore.Options{})
	f := r.Broken()
	if f == nil || f.Name != "linearizable" {
		t.Fatalf("two copies: %v, %+v", &r, f)
	}
	// One client writes, and what it reads from the other copy is not that.
	if n := len(f.Trace) - 1; n != 4 {
		t.Errorf("two copies: the shortest way has %d steps: %+v", n, f.Trace)
	}
}

// Mistakes of the rules are found: a register whose server forgets what it
// promised, and one that does not hear the others.
func TestBrokenRules(t *testing.T) {
	for name, m := range map[string]*Register{
		"accepts anything":   {Servers: 3, Clients: 2, rules: broken{paxos{3}, acceptAnything}},
		"keeps its proposal": {Servers: 3, Clients: 2, rules: broken{paxos{3}, keepProposal}},
		"asks nobody":        {Servers: 3, Clients: 1, rules: broken{abd{3}, askNobody}},
	} {
		r := explored(t, m, explore.Options{MaxStates: 200_000})
		if f := r.Broken(); f == nil || f.Name != "linearizable" {
			t.Errorf("%s: %v", name, &r)
		}
	}
}

// broken are rules that see packets, or states, changed.
type broken struct {
	rules
	change func(state uint64, p packet) (uint64, packet)
}

func (b broken) receive(r *Register, self int, state uint64, p packet) (uint64, bool) {
	s, p := b.change(state, p)
	next, taken := b.rules.receive(r, self, s, p)
	if s != state && !taken {
		return state, false
	}
	return next, taken
}

// acceptAnything forgets the promise when it is asked to accept.
func acceptAnything(s uint64, p packet) (uint64, packet) {
	if p.kind() == accept && s&decidedBit == 0 {
		s = withBallot(s, 0)
	}
	return s, p
}

// keepProposal does not hear what was accepted before.
func keepProposal(s uint64, p packet) (uint64, packet) {
	if p.kind() == promise {
		p = pack(promise, p.from(), p.to(), p.body()&15)
	}
	return s, p
}

// askNobody does not hear what other servers have.
func askNobody(s uint64, p packet) (uint64, packet) {
	if p.kind() == answered {
		p = pack(answered, p.from(), p.to(), p.body()&15)
	}
	return s, p
}

// Lamport's Voting and Paxos, as TLC counts them.
func TestLamport(t *testing.T) {
	agrees(t, &Voting{Ballots: 3, Values: 2}, explore.Options{}, counts{41_017, 6_752, 16})
	agrees(t, &Synod{Ballots: 2, Values: 2}, explore.Options{}, counts{23_563, 3_921, 17})
}

// Fast Paxos and Paxos in brief, with acceptors and values that are alike, as
// TLC counts their orbits.
func TestFastPaxos(t *testing.T) {
	agrees(t, &Fast{Classic: true}, explore.Options{Symmetry: true}, counts{13_290, 1_207, 22})
	agrees(t, &Fast{}, explore.Options{Symmetry: true}, counts{320_053, 25_617, 22})
}

// Dijkstra's ring, as TLC counts it (its depth is exact with one worker only).
// What is over is detected; but nodes may keep each other awake for ever, while
// the token goes round, or waits where it may not go.
func TestRing(t *testing.T) {
	m := &Ring{Nodes: 3}
	r := explored(t, m, explore.Options{KeepOn: true})
	if got, want := (counts{r.Generated, r.Distinct, r.Depth}), (counts{2_001, 302, 9}); got != want {
		t.Errorf("%v, want %+v", &r, want)
	}
	if r.Found("detected when over") != nil || r.Found("over is detected") != nil {
		t.Errorf("%+v", r.Findings)
	}
	f := r.Found("over at last")
	if f == nil || !f.Broken || !f.Cycle {
		t.Fatalf("nodes cannot stay awake: %+v", f)
	}
	fair := false
	for i, s := range f.Trace {
		if s.State[0] == 0 {
			t.Errorf("the lasso is over on its way: %+v", f.Trace)
		}
		if i > f.Loop {
			var next explore.Steps
			m.Next(s.State, &next)
			stuck := true
			for j := range next.Len() {
				stuck = stuck && next.Action(j).Kind() > ringPass
			}
			fair = fair || stuck || s.Action.Kind() <= ringPass
		}
	}
	if !fair {
		t.Errorf("the token could go, and stays: %+v", f.Trace)
	}
}

// A ring whose nodes do not blacken themselves detects what is not over.
func TestABrokenRing(t *testing.T) {
	r := explored(t, white{&Ring{Nodes: 3}}, explore.Options{})
	if f := r.Broken(); f == nil || f.Name != "detected when over" {
		t.Errorf("%v: %+v", &r, f)
	}
}

type white struct{ *Ring }

func (w white) Fork() explore.Model { return w }

func (w white) Next(state []byte, s *explore.Steps) {
	var all explore.Steps
	w.Ring.Next(state, &all)
	for i := range all.Len() {
		next := all.State(i)
		next[1] &= state[1]
		s.Add(all.Action(i), next)
	}
}

// Binary consensus within a round or two: agreement holds but where a rule gives it
// up, and some run decides. The counts are our own.
func TestBinary(t *testing.T) {
	for _, c := range []struct {
		model *Binary
		want  counts
	}{
		{&Binary{N: 3, Rule: WaitAll}, counts{1_544, 512, 7}},
		{&Binary{N: 3, Rule: Coordinator, Rounds: 1}, counts{83_984, 19_306, 13}},
		{&Binary{N: 3, Rule: Coin, Rounds: 1}, counts{85_532, 19_090, 13}},
		{&Binary{N: 3, Rule: Coin, Rounds: 2, Endless: true}, counts{2_931_932, 542_412, 35}},
	} {
		agrees(t, c.model, explore.Options{Symmetry: c.model.Endless}, c.want)
	}
	r := explored(t, &Binary{N: 3, Rule: Eager}, explore.Options{})
	if f := r.Broken(); f == nil || f.Name != "one value" || len(f.Trace)-1 != 4 {
		t.Errorf("two may decide differently: %+v", f)
	}
}
