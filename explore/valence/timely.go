package valence

import (
	"bytes"

	"althing/explore"
)

// Timely returns what happens from a state if the network is timely: what is on
// its way among the processes of the set live arrives before anything else
// happens, oldest of each link first, and then only the process lead takes a step
// without a message; one of another, if lead has none. It ends where a value is
// decided, after most steps, or where nothing is possible. The first step is the
// state itself.
func Timely(m System, state []byte, lead int, live uint64, most int) []explore.Step {
	way := []explore.Step{{State: bytes.Clone(state)}}
	var s explore.Steps
	for m.Decided(state) == 0 && len(way) <= most {
		s.Reset()
		m.Next(state, &s)
		best, rank := -1, 0
		for i := range s.Len() {
			if s.Err(i) != nil {
				continue
			}
			r := 1
			switch e := m.Event(s.Action(i)); {
			case live>>e.Process&1 == 0 || e.Receives && live>>e.From&1 == 0:
				continue
			case e.Receives:
				r = 3
			case e.Process == lead:
				r = 2
			}
			if r > rank {
				best, rank = i, r
			}
		}
		if best < 0 {
			break
		}
		a := s.Action(best)
		way = append(way, explore.Step{Action: a, Text: m.Describe(state, a), State: bytes.Clone(s.State(best))})
		state = way[len(way)-1].State
	}
	return way
}

// A Scout is an Oracle that knows only what it has seen: timely runs from a state
// in which one process leads and another one may take no step. It says nothing
// that is not so, and may not say all that is.
type Scout struct {
	m     System
	most  int
	known map[string]found
}

type found struct {
	set  uint64
	ways map[int][]explore.Step
}

// NewScout returns one that follows each run for so many steps.
func NewScout(m System, most int) *Scout { return &Scout{m, most, map[string]found{}} }

// Valence implements Oracle.
func (s *Scout) Valence(state []byte) uint64 { return s.look(state).set }

// Way implements Oracle.
func (s *Scout) Way(state []byte, v int) []explore.Step { return s.look(state).ways[v] }

// maxKnown bounds what a Scout remembers: each takes some kilobytes.
const maxKnown = 20_000

func (s *Scout) look(state []byte) found {
	k := key(s.m, state)
	if f, ok := s.known[k]; ok {
		return f
	}
	f := found{ways: map[int][]explore.Step{}}
	n := s.m.Processes()
	for _, live := range livings(n) {
		for lead := range n {
			if live>>lead&1 == 0 || Bivalent(f.set) {
				continue // two are all that anybody asks for
			}
			way := Timely(s.m, state, lead, live, s.most)
			for v := range 64 {
				if set := s.m.Decided(way[len(way)-1].State); set>>v&1 == 1 && f.set>>v&1 == 0 {
					f.set |= 1 << v
					f.ways[v] = way
				}
			}
		}
	}
	if len(s.known) < maxKnown {
		s.known[k] = f
	}
	return f
}

// livings returns the sets of all processes and of all but one.
func livings(n int) []uint64 {
	all := uint64(1)<<n - 1
	sets := []uint64{all}
	for p := range n {
		sets = append(sets, all&^(1<<p))
	}
	return sets
}
