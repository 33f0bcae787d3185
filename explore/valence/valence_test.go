package valence_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"althing/explore"
	"althing/explore/group"
	"althing/explore/models"
	"althing/explore/valence"
	"althing/process"
	"althing/protocol/broadcast"
	"althing/protocol/raft"
)

// reachable is the valence by its definition: all states that follow, one by one.
func reachable(m valence.System, state []byte, seen map[string]bool) (set uint64) {
	if seen[string(state)] {
		return 0
	}
	seen[string(state)] = true
	set = m.Decided(state)
	var s explore.Steps
	m.Next(state, &s)
	for i := range s.Len() {
		set |= reachable(m, s.State(i), seen)
	}
	return set
}

// The graph's valences are those of the definition, and its ways lead there.
func TestValenceIsWhatCanBeReached(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, m := range []*models.Binary{{N: 3, Rule: models.WaitAll}, {N: 3, Rule: models.Eager},
		{N: 4, Rule: models.Eager}, {N: 3, Rule: models.Coordinator, Rounds: 1}, {N: 3, Rule: models.Coin, Rounds: 1}} {
		g := valence.Build(m, 1_000_000)
		asked := 0
		g.Each(func(state []byte) {
			if g.Len() > 1000 && rng.IntN(g.Len()) > 200 {
				return
			}
			asked++
			want := reachable(m, state, map[string]bool{})
			if got := g.Valence(state); got != want {
				t.Fatalf("%+v, %s: valence %b, want %b", m, m.Show(state), got, want)
			}
			open := valence.Open(m, g, state) == nil // Eager's ways may end in two decisions
			if open != valence.Bivalent(want) && m.Rule != models.Eager {
				t.Fatalf("%+v, %s: open %v, valence %b", m, m.Show(state), open, want)
			}
		})
		if !g.Whole() || asked < 100 {
			t.Errorf("%+v: whole %v, %d states", m, g.Whole(), asked)
		}
	}
	if g := valence.Build(&models.Binary{N: 3}, 100); g.Whole() || g.Len() != 100 {
		t.Errorf("a bound of 100: %d states, whole %v", g.Len(), g.Whole())
	}
}

// What each initial state leaves open, and what one stopped process changes: the
// three ways in which a protocol can fall short, as FLP says one must.
func TestLemma2(t *testing.T) {
	for _, c := range []struct {
		rule     models.Rule
		rounds   int
		valences []uint64 // by inputs
		adjacent int
	}{
		{models.WaitAll, 0, []uint64{1, 1, 1, 2, 1, 2, 2, 2}, 6},
		{models.Eager, 0, []uint64{1, 1, 1, 3, 1, 3, 3, 2}, 0},
		{models.Coordinator, 2, []uint64{1, 3, 3, 2, 1, 3, 3, 2}, 0},
		{models.Coin, 2, []uint64{1, 3, 3, 3, 3, 3, 3, 2}, 0},
	} {
		m := &models.Binary{N: 3, Rule: c.rule, Rounds: c.rounds, Endless: true}
		g := valence.Build(m, 2_000_000)
		for i, state := range g.Initial() {
			if got := g.Valence(state); got != c.valences[i] {
				t.Errorf("rule %d, inputs %03b: valence %b, want %b", c.rule, i, got, c.valences[i])
			}
		}
		if pairs := g.Adjacent(); len(pairs) != c.adjacent {
			t.Errorf("rule %d: adjacent and of other valence %v, want %d", c.rule, pairs, c.adjacent)
		}
		for p := range m.N {
			w := valence.Build(valence.Without{System: m, Process: p}, 2_000_000)
			_, _, none := w.Count()
			if waits := c.rule == models.WaitAll; waits != (none == w.Len()) {
				t.Errorf("rule %d without %d: %d states of %d lead nowhere", c.rule, p, none, w.Len())
			}
		}
	}
}

// Lemma 3 on a protocol made for it: for ever, for a state comes again.
func TestDelayForEver(t *testing.T) {
	m := &models.Binary{N: 3, Rule: models.Coordinator, Rounds: 2, Endless: true}
	g := valence.Build(m, 2_000_000)
	for inputs := range 8 {
		begin := m.Begin(inputs)
		run, err := valence.Delay(m, g, begin, 200, 10_000)
		if !valence.Bivalent(g.Valence(begin)) {
			if err == nil {
				t.Errorf("%03b: delayed, though it is not bivalent", inputs)
			}
			continue
		}
		if err != nil || run.Loop < 0 || len(run.Way) < 200 || run.Received < 150 || slices.Min(run.Steps) < 50 {
			t.Fatalf("%03b: %d events, %d received, loop %d, steps %v: %v", inputs, len(run.Way)-1, run.Received,
				run.Loop, run.Steps, err)
		}
		if err := valence.Check(m, g, run); err != nil {
			t.Errorf("%03b: %v", inputs, err)
		}
		events := m.Events(run.Way)
		for i, e := range events {
			if e.Seq != uint64(i+1) || e.Kind == "deliver" && (e.Sent == 0 || e.Sent >= e.Seq) {
				t.Fatalf("event %d: %+v", i, e)
			}
		}
	}
	e := &models.Binary{N: 3, Rule: models.Eager}
	if _, err := valence.Delay(e, valence.Build(e, 1000), e.Begin(3), 100, 1000); !errors.Is(err, valence.ErrDecides) {
		t.Errorf("a protocol that always decides was delayed: %v", err)
	}
}

// Check believes nothing.
func TestCheckRefuses(t *testing.T) {
	m := &models.Binary{N: 3, Rule: models.Coordinator, Rounds: 2, Endless: true}
	g := valence.Build(m, 2_000_000)
	run, err := valence.Delay(m, g, m.Begin(1), 60, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(r *valence.Run){
		"a step is missing":        func(r *valence.Run) { r.Way = slices.Delete(slices.Clone(r.Way), 5, 6) },
		"a step leads elsewhere":   func(r *valence.Run) { r.Way[7].State = r.Way[3].State },
		"messages waited longer":   func(r *valence.Run) { r.Waited-- },
		"fewer messages arrived":   func(r *valence.Run) { r.Received++ },
		"something is decided":     func(r *valence.Run) { r.Way = decided(m, r.Way) },
		"the end is not bivalent":  func(r *valence.Run) { *r = *univalent(m, g, r) },
		"it begins somewhere else": func(r *valence.Run) { r.Way[0].State = m.Begin(2) },
	} {
		c := *run
		c.Way = slices.Clone(run.Way)
		if change(&c); valence.Check(m, g, &c) == nil {
			t.Errorf("%s, and nothing was said", name)
		}
	}
}

// decided returns a run on to a decision.
func decided(m valence.System, way []explore.Step) []explore.Step {
	return append(way, valence.Timely(m, way[len(way)-1].State, 0, 7, 200)[1:]...)
}

// univalent returns a run on to just before its decision, with the right counts.
func univalent(m valence.System, o valence.Oracle, r *valence.Run) *valence.Run {
	way := decided(m, r.Way)
	c := &valence.Run{Way: way[:len(way)-1]}
	for c.Received = 0; c.Received < 200; c.Received++ {
		for c.Waited = 0; c.Waited < 30; c.Waited++ {
			if err := valence.Check(m, o, c); err != nil && fmt.Sprint(err)[:20] == "valence: there are w" {
				return c
			}
		}
	}
	return c
}

// Lemma 3 on the Raft that is served: two leaders that each hold a request.
func TestDelayRaft(t *testing.T) {
	g := contest(t, raft.Protocol)
	scout := valence.NewScout(g, 100)
	way := g.Contest(0, 1)
	if way == nil {
		t.Fatal("there is no contest")
	}
	run, err := valence.Delay(g, scout, way[len(way)-1].State, 200, 2000)
	if err != nil {
		t.Fatal(err)
	}
	if err := valence.Check(g, scout, run); err != nil {
		t.Error(err)
	}
	if run.Received < 150 || slices.Min(run.Steps) < 20 {
		t.Errorf("%d received, steps %v", run.Received, run.Steps)
	}
	for i, step := range run.Way { // timers that fire in time end it, wherever it is
		end := valence.Timely(g, step.State, 0, 7, 300)
		if g.Decided(end[len(end)-1].State) == 0 {
			t.Fatalf("from step %d a timely network decides nothing", i)
		}
	}
	if _, broken, err := g.Replay(append(way, run.Way[1:]...), nil); broken != nil || err != nil {
		t.Errorf("in the World: %v, %v", broken, err)
	}
}

// The total broadcast orders what two members have taken: nothing is left open.
func TestNothingIsOpenInATotalBroadcast(t *testing.T) {
	g := contest(t, broadcast.Total)
	way := g.Contest(0, 1)
	if way == nil {
		t.Fatal("there is no contest")
	}
	scout := valence.NewScout(g, 100)
	if _, err := valence.Delay(g, scout, way[len(way)-1].State, 10, 2000); err == nil || g.Decided(way[0].State) != 0 {
		t.Error("it was delayed")
	}
}

func contest(t *testing.T, p process.Protocol) *group.Model {
	t.Helper()
	g, err := group.New(p, group.Bounds{Replicas: 3, Elections: group.MaxBound, Requests: 2, Ordered: true})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// With a coin no adversary keeps a run undecided for long: the exact probabilities
// that two processes come to the end of their rounds without any decision.
func TestOdds(t *testing.T) {
	for rounds, want := range map[int]float64{1: 1, 2: 0.875} {
		m := &models.Binary{N: 3, Rule: models.Coin, Rounds: rounds}
		for inputs := range 8 {
			p := valence.NewOdds(m, m.Finished, 2).Undecided(m.Begin(inputs))
			if alike := inputs == 0 || inputs == 7; alike && p != 0 || !alike && p != want {
				t.Errorf("%d rounds, inputs %03b: %v", rounds, inputs, p)
			}
		}
	}
	for goal, want := range []float64{1, 0.75, 0.5625, 0.421875} { // by hand: the worse of two coins each time
		o := valence.NewOdds(game{}, func(s []byte) int { return int(s[0]) }, goal)
		if p := o.Undecided([]byte{0, 0, 0}); p != want {
			t.Errorf("a game of %d: %v, want %v", goal, p, want)
		}
	}
}

// A game is a System of one player: each level it takes one toss, or two and counts
// if either is lucky.
type game struct{ valence.System }

func (game) Decided(s []byte) uint64    { return uint64(s[2]) }
func (game) Tossed(explore.Action) bool { return true }
func (game) Next(s []byte, all *explore.Steps) {
	if s[1] == 0 {
		all.Add(0, []byte{s[0] + 1, 0, 0})
		all.Add(1, []byte{s[0], 0, 1})
		all.Add(2, []byte{s[0] + 1, 0, 0})
		all.Add(3, []byte{s[0], 1, 0})
		return
	}
	all.Add(0, []byte{s[0] + 1, 0, 0})
	all.Add(1, []byte{s[0], 0, 1})
}
