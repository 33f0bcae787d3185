package valence

import (
	"althing/explore"
)

// A Tosser is a System with coins. The two sides of a toss are two actions, one
// behind the other, and equally likely.
type Tosser interface {
	System
	Tossed(a explore.Action) bool
}

// Odds are probabilities under the worst adversary, who sees each coin as it falls
// and then chooses what happens next.
type Odds struct {
	m     Tosser
	level func(state []byte) int
	goal  int
	known map[string]float64
	free  []*explore.Steps
}

// NewOdds returns the odds that a run comes to where level is goal or higher. The
// level must not fall, and no run may go round in a circle below the goal.
func NewOdds(m Tosser, level func(state []byte) int, goal int) *Odds {
	return &Odds{m: m, level: level, goal: goal, known: map[string]float64{}}
}

// Undecided returns the highest probability, over all adversaries, that a run from a
// state comes to the goal before any value is decided. It is exact: a coin halves,
// and a float64 does that without rounding, a thousand times over.
func (o *Odds) Undecided(state []byte) float64 {
	switch {
	case o.m.Decided(state) != 0:
		return 0
	case o.level(state) >= o.goal:
		return 1
	}
	if p, ok := o.known[string(state)]; ok {
		return p
	}
	s := new(explore.Steps)
	if n := len(o.free); n > 0 {
		s, o.free = o.free[n-1], o.free[:n-1]
	}
	s.Reset()
	o.m.Next(state, s)
	best := 0.0
	for i := 0; i < s.Len() && best < 1; i++ {
		p := o.Undecided(s.State(i))
		if o.m.Tossed(s.Action(i)) {
			i++
			p = (p + o.Undecided(s.State(i))) / 2
		}
		best = max(best, p)
	}
	o.free = append(o.free, s)
	o.known[string(state)] = best
	return best
}
