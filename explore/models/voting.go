package models

import (
	"fmt"

	"althing/explore"
)

// Voting is what Paxos is for, without messages: acceptors vote for values in
// ballots, each only where it is safe. Lamport's specification Voting, from "How
// to Win a Turing Award".
//
// A state is two bytes for each of three acceptors: the highest ballot that it
// has seen, plus one, and the set of its votes, bit ballot·values + value.
type Voting struct {
	Ballots, Values int // at most 8 votes
	buf             []byte
}

const acceptors = 3

// quorums are the majorities of three acceptors.
var quorums = [][]int{{0, 1}, {0, 2}, {1, 2}}

// Kinds implements explore.Model.
func (*Voting) Kinds() []string { return []string{"raise", "vote"} }

// Fork implements explore.Model.
func (v *Voting) Fork() explore.Model { return &Voting{Ballots: v.Ballots, Values: v.Values} }

// Initial implements explore.Model.
func (v *Voting) Initial(s *explore.Steps) { s.Add(0, make([]byte, 2*acceptors)) }

func (v *Voting) voted(state []byte, a, ballot, value int) bool {
	return state[2*a+1]>>(ballot*v.Values+value)&1 == 1
}

// votes returns what a voted for in a ballot, as a set.
func (v *Voting) votes(state []byte, a, ballot int) byte {
	return state[2*a+1] >> (ballot * v.Values) & (1<<v.Values - 1)
}

// Next implements explore.Model.
func (v *Voting) Next(state []byte, s *explore.Steps) {
	for a := range acceptors {
		for b := range v.Ballots {
			if b+1 > int(state[2*a]) {
				v.step(state, s, 0, a, b, 0, state[2*a+1])
			}
			for value := range v.Values {
				if !v.mayVote(state, a, b, value) {
					continue
				}
				vote := state[2*a+1] | 1<<(b*v.Values+value)
				for range v.proofs(state, b, value) {
					v.step(state, s, 1, a, b, value, vote)
				}
			}
		}
	}
}

func (v *Voting) step(state []byte, s *explore.Steps, kind uint8, a, b, value int, votes byte) {
	v.buf = append(v.buf[:0], state...)
	v.buf[2*a], v.buf[2*a+1] = byte(b+1), votes
	s.Add(explore.NewAction(kind, uint64(a<<16|b<<8|value)), v.buf)
}

// mayVote: a has seen nothing higher and not voted in b, and no other has voted
// for another value in b.
func (v *Voting) mayVote(state []byte, a, b, value int) bool {
	if int(state[2*a]) > b+1 || v.votes(state, a, b) != 0 {
		return false
	}
	for c := range acceptors {
		if c != a && v.votes(state, c, b)&^(1<<value) != 0 {
			return false
		}
	}
	return true
}

// proofs returns in how many ways a quorum shows that value is safe in b: all in
// it have seen b, and in the highest ballot below b that one of them voted in, if
// there is any, one voted for value.
func (v *Voting) proofs(state []byte, b, value int) (n int) {
	for _, q := range quorums {
		seen := true
		for _, a := range q {
			seen = seen && int(state[2*a]) >= b+1
		}
		for c := b - 1; seen && c >= -1; c-- {
			if c < 0 {
				n++
				break
			}
			any := false
			for _, a := range q {
				any = any || v.votes(state, a, c) != 0
				if v.voted(state, a, c, value) {
					n++
				}
			}
			if any {
				break
			}
		}
	}
	return n
}

// Properties implements explore.Model.
func (v *Voting) Properties() []explore.Property {
	return []explore.Property{
		{Name: "one value", Mode: explore.Always, Holds: func(s []byte) bool { return v.chosen(s) < 2 }},
		{Name: "chosen", Mode: explore.Sometimes, Holds: func(s []byte) bool { return v.chosen(s) == 1 }},
	}
}

// chosen returns how many values a quorum voted for in one ballot.
func (v *Voting) chosen(state []byte) (n int) {
	for value := range v.Values {
		found := false
		for b := range v.Ballots {
			for _, q := range quorums {
				found = found || v.voted(state, q[0], b, value) && v.voted(state, q[1], b, value)
			}
		}
		if found {
			n++
		}
	}
	return n
}

// Describe implements explore.Model.
func (v *Voting) Describe(_ []byte, a explore.Action) string {
	if a.Kind() == 0 {
		return fmt.Sprintf("%d sees ballot %d", a.Arg()>>16, a.Arg()>>8&255)
	}
	return fmt.Sprintf("%d votes for %d in ballot %d", a.Arg()>>16, a.Arg()&255, a.Arg()>>8&255)
}

// Show implements explore.Model.
func (v *Voting) Show(state []byte) string { return fmt.Sprintf("%08b", state) }
