package models

import (
	"fmt"

	"althing/explore"
)

// Ring is the detection of termination by a token that goes round: Dijkstra,
// Feijen and van Gasteren, "Derivation of a Termination Detection Algorithm for
// Distributed Computations", EWD 840. Nodes work, wake each other, and rest;
// the token goes down the ring, and comes back white to node 0 only if all rest.
//
// A state is four bytes: the set of nodes that work, the set of black nodes, the
// token's place, and whether it is black.
type Ring struct {
	Nodes int // at most 8
}

const (
	ringProbe uint8 = iota
	ringPass
	ringWake
	ringRest
)

// Kinds implements explore.Model.
func (*Ring) Kinds() []string { return []string{"probe", "pass", "wake", "rest"} }

// Fork implements explore.Model.
func (r *Ring) Fork() explore.Model { return r }

// Initial implements explore.Model: any node may work or be black, and the token
// may be anywhere, but it is black.
func (r *Ring) Initial(s *explore.Steps) {
	all := 1 << r.Nodes
	for i := range all * all * r.Nodes {
		s.Add(0, []byte{byte(i % all), byte(i / all % all), byte(i / all / all), 1})
	}
}

// Next implements explore.Model.
func (r *Ring) Next(state []byte, s *explore.Steps) {
	works, black, at, token := state[0], state[1], state[2], state[3]
	add := func(kind uint8, i int, works, black, at, token byte) {
		s.Add(explore.NewAction(kind, uint64(i)), []byte{works, black, at, token})
	}
	// Each reason to let the token go counts, as in the specification.
	for range int(token) + int(black&1) {
		if at == 0 {
			add(ringProbe, 0, works, black&^1, byte(r.Nodes-1), 0)
		}
	}
	for range int(1-works>>at&1) + int(black>>at&1) + int(token) {
		if at > 0 {
			add(ringPass, int(at), works, black&^(1<<at), at-1, token|black>>at&1)
		}
	}
	for i := range r.Nodes {
		if works>>i&1 == 0 {
			continue
		}
		for j := range r.Nodes {
			stain := byte(0)
			if j > i {
				stain = 1 << i
			}
			if j != i {
				add(ringWake, i, works|1<<j, black|stain, at, token)
			}
		}
		add(ringRest, i, works&^(1<<i), black, at, token)
	}
}

// Fairness implements explore.Fair: the token does not stay for ever where it
// may go.
func (r *Ring) Fairness(a explore.Action) (class int, strong bool) {
	if a.Kind() > ringPass {
		return -1, false
	}
	return 0, false
}

// Properties implements explore.Model.
func (r *Ring) Properties() []explore.Property {
	over := func(s []byte) bool { return s[0] == 0 }
	detected := func(s []byte) bool { return s[2] == 0 && s[3] == 0 && s[0]&1 == 0 && s[1]&1 == 0 }
	return []explore.Property{
		{Name: "detected when over", Mode: explore.Always,
			Holds: func(s []byte) bool { return over(s) || !detected(s) }},
		{Name: "over is detected", Mode: explore.LeadsTo, From: over, Holds: detected},
		{Name: "over at last", Mode: explore.Eventually, Holds: over},
	}
}

// Describe implements explore.Model.
func (r *Ring) Describe(_ []byte, a explore.Action) string {
	return fmt.Sprintf("%d: %s", a.Arg(), r.Kinds()[a.Kind()])
}

// Show implements explore.Model.
func (r *Ring) Show(s []byte) string {
	return fmt.Sprintf("working %0*b, black %0*b, token at %d, black %d", r.Nodes, s[0], r.Nodes, s[1], s[2], s[3])
}
