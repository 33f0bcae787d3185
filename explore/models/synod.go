package models

import (
	"fmt"

	"althing/explore"
)

// Synod is single-decree Paxos as Lamport specifies it: three acceptors, anybody
// may begin a ballot, and a message, once sent, stays. From "How to Win a Turing
// Award", Paxos.
//
// A state is bytes:
//
//	3 for each acceptor   highest ballot seen, plus one; that of its vote, plus
//	                      one; the value of its vote, from 1
//	2 for each ballot     whether it was begun (1a); the value proposed (2a)
//	2 for each acceptor   its promise (1b): 1 + 8·(ballot of its vote, plus one)
//	and ballot            + value; its vote (2b): the value
type Synod struct {
	Ballots, Values int // at most 7 each
	buf             []byte
}

const (
	begin uint8 = iota
	give
	propose
	vote
)

// Kinds implements explore.Model.
func (*Synod) Kinds() []string { return []string{"begin", "promise", "propose", "vote"} }

// Fork implements explore.Model.
func (y *Synod) Fork() explore.Model { return &Synod{Ballots: y.Ballots, Values: y.Values} }

// Initial implements explore.Model.
func (y *Synod) Initial(s *explore.Steps) { s.Add(0, make([]byte, y.at(acceptors, 0))) }

// at returns where the messages of an acceptor in a ballot are.
func (y *Synod) at(a, b int) int { return 3*acceptors + 2*y.Ballots + 2*(a*y.Ballots+b) }

// ballot returns where the messages that begin a ballot are.
func (y *Synod) ballot(b int) int { return 3*acceptors + 2*b }

// Next implements explore.Model.
func (y *Synod) Next(state []byte, s *explore.Steps) {
	for b := range y.Ballots {
		y.copy(state)[y.ballot(b)] = 1
		y.add(s, begin, 0, b, 0)
		for v := 1; v <= y.Values && state[y.ballot(b)+1] == 0; v++ {
			for range y.proofs(state, b, v) {
				y.copy(state)[y.ballot(b)+1] = byte(v)
				y.add(s, propose, 0, b, v)
			}
		}
	}
	for a := range acceptors {
		own := state[3*a : 3*a+3]
		for b := range y.Ballots {
			if state[y.ballot(b)] == 1 && b+1 > int(own[0]) {
				next := y.copy(state)
				next[3*a], next[y.at(a, b)] = byte(b+1), 1+8*own[1]+own[2]
				y.add(s, give, a, b, 0)
			}
			if v := state[y.ballot(b)+1]; v != 0 && b+1 >= int(own[0]) {
				next := y.copy(state)
				next[3*a], next[3*a+1], next[3*a+2], next[y.at(a, b)+1] = byte(b+1), byte(b+1), v, v
				y.add(s, vote, a, b, int(v))
			}
		}
	}
}

func (y *Synod) copy(state []byte) []byte {
	y.buf = append(y.buf[:0], state...)
	return y.buf
}

func (y *Synod) add(s *explore.Steps, kind uint8, a, b, v int) {
	s.Add(explore.NewAction(kind, uint64(a<<16|b<<8|v)), y.buf)
}

// proofs returns in how many ways the promises of a quorum allow v in ballot b:
// none tells of a vote, or the highest vote that one tells of is for v.
func (y *Synod) proofs(state []byte, b, v int) (n int) {
	for _, q := range quorums {
		given, highest := true, byte(0)
		for _, a := range q {
			m := state[y.at(a, b)]
			given = given && m != 0
			if m != 0 {
				highest = max(highest, (m-1)/8)
			}
		}
		switch {
		case !given:
		case highest == 0:
			n++
		default:
			for _, a := range q {
				if m := state[y.at(a, b)] - 1; m/8 == highest && int(m%8) == v {
					n++
				}
			}
		}
	}
	return n
}

// Properties implements explore.Model.
func (y *Synod) Properties() []explore.Property {
	return []explore.Property{
		{Name: "one value", Mode: explore.Always, Holds: func(s []byte) bool { return y.chosen(s) < 2 }},
		{Name: "chosen", Mode: explore.Sometimes, Holds: func(s []byte) bool { return y.chosen(s) == 1 }},
	}
}

// chosen returns how many values a quorum voted for in one ballot.
func (y *Synod) chosen(state []byte) (n int) {
	for v := 1; v <= y.Values; v++ {
		found := false
		for b := range y.Ballots {
			for _, q := range quorums {
				found = found || state[y.at(q[0], b)+1] == byte(v) && state[y.at(q[1], b)+1] == byte(v)
			}
		}
		if found {
			n++
		}
	}
	return n
}

// Describe implements explore.Model.
func (y *Synod) Describe(_ []byte, a explore.Action) string {
	who, b, v := a.Arg()>>16, a.Arg()>>8&255, a.Arg()&255
	switch a.Kind() {
	case begin:
		return fmt.Sprintf("ballot %d begins", b)
	case give:
		return fmt.Sprintf("%d promises in ballot %d", who, b)
	case propose:
		return fmt.Sprintf("%d is proposed in ballot %d", v, b)
	}
	return fmt.Sprintf("%d votes for %d in ballot %d", who, v, b)
}

// Show implements explore.Model.
func (y *Synod) Show(state []byte) string { return fmt.Sprint(state) }
