package models

import (
	"encoding/binary"
	"fmt"
	"slices"

	"althing/explore"
)

// Fast is Fast Paxos in brief, as a TLA+ specification of it has it: four
// acceptors, three values, one coordinator, so no phase 1; in ballots 1 and 3
// acceptors may vote for what they like, in 2 and 4 the coordinator resolves a
// collision. With Classic it is Paxos in the same form, with phase 1, in ballots
// 1 and 2. A message, once sent, stays.
//
// A state is five words of four bytes. The head has, from bit 0 on, two bits
// each: the decision; the coordinator's value; from bit 4 the value proposed
// (2a) in each of ballots 0 to 4; then from bit 14 the set of ballots begun by
// "any" or, if Classic, by 1a. A word for each acceptor has, from bit 0 on, 3
// bits the ballot it has seen, 3 that of its vote, 2 the value of its vote; from
// bit 8, 2 bits each, what it voted for in ballots 1 to 4 (2b); and from bit 16,
// 6 bits each, its promise in ballots 1 and 2 (1b): 1, ballot and value of its
// vote.
type Fast struct {
	Classic bool
	head    uint32
	words   [4]uint32
	buf     []byte
}

const (
	fastValues = 3
)

// fastQuorums are three of four acceptors, fast or not.
var fastQuorums = [][]int{{0, 1, 2}, {0, 1, 3}, {0, 2, 3}, {1, 2, 3}}

// Kinds of actions.
const (
	fastBegin uint8 = iota
	fastPromise
	fastPropose
	fastResolve
	fastAccept
	fastDecide
)

// Kinds implements explore.Model.
func (*Fast) Kinds() []string {
	return []string{"begin", "promise", "vote at will", "propose", "vote", "decide"}
}

// Fork implements explore.Model.
func (f *Fast) Fork() explore.Model { return &Fast{Classic: f.Classic} }

// Initial implements explore.Model.
func (f *Fast) Initial(s *explore.Steps) { s.Add(0, make([]byte, 20)) }

func (f *Fast) load(state []byte) {
	f.head = binary.LittleEndian.Uint32(state)
	for i := range f.words {
		f.words[i] = binary.LittleEndian.Uint32(state[4+4*i:])
	}
}

// add adds the state with this head, and this word of acceptor a.
func (f *Fast) add(s *explore.Steps, kind uint8, head uint32, a int, word uint32) {
	f.buf = binary.LittleEndian.AppendUint32(f.buf[:0], head)
	for i, w := range f.words {
		if i == a {
			w = word
		}
		f.buf = binary.LittleEndian.AppendUint32(f.buf, w)
	}
	s.Add(explore.NewAction(kind, uint64(a)), f.buf)
}

// set returns w with n bits at a place replaced.
func set(w uint32, at, n int, x uint32) uint32 { return w&^((1<<n-1)<<at) | x<<at }

func (f *Fast) proposed(b int) uint32   { return f.head >> (4 + 2*b) & 3 }
func (f *Fast) begun(b int) bool        { return f.head>>(14+b)&1 == 1 }
func (f *Fast) saw(a int) uint32        { return f.words[a] & 7 }
func (f *Fast) value(a int) uint32      { return f.words[a] >> 6 & 3 }
func (f *Fast) voted(a, b int) uint32   { return f.words[a] >> (8 + 2*(b-1)) & 3 }
func (f *Fast) promise(a, b int) uint32 { return f.words[a] >> (16 + 6*(b-1)) & 63 }

// Next implements explore.Model.
func (f *Fast) Next(state []byte, s *explore.Steps) {
	f.load(state)
	ballots := 4
	if f.Classic {
		ballots = 2
	}
	for b := 1; b <= ballots; b++ {
		free := !f.Classic && b%2 == 1
		if f.Classic || free {
			f.add(s, fastBegin, f.head|1<<(14+b), 0, f.words[0])
		}
		for a := range f.words {
			f.acceptor(s, a, b, free)
		}
		for _, q := range fastQuorums {
			switch {
			case f.Classic:
				f.propose(s, b, q)
			case !free:
				for earlier := 1; earlier < b; earlier += 2 {
					f.resolve(s, b, earlier, q)
				}
			}
			f.decide(s, b, q, free)
		}
	}
}

// acceptor adds what acceptor a may do in ballot b.
func (f *Fast) acceptor(s *explore.Steps, a, b int, free bool) {
	w, seen := f.words[a], int(f.saw(a))
	vote := func(kind uint8, v uint32) {
		next := set(set(set(w, 0, 3, uint32(b)), 3, 3, uint32(b)), 6, 2, v)
		f.add(s, kind, f.head, a, set(next, 8+2*(b-1), 2, v))
	}
	if f.Classic && f.begun(b) && seen < b {
		f.add(s, fastPromise, f.head, a, set(set(w, 0, 3, uint32(b)), 16+6*(b-1), 6, 1|w>>3&31<<1))
	}
	if free && f.begun(b) && seen <= b && f.voted(a, b) == 0 {
		for v := uint32(1); v <= fastValues; v++ {
			if old := f.value(a); old == 0 || old == v {
				vote(fastPropose, v)
			}
		}
	}
	if v := f.proposed(b); v != 0 && seen <= b {
		vote(fastAccept, v)
	}
}

// propose adds what the promises of a quorum allow.
func (f *Fast) propose(s *explore.Steps, b int, q []int) {
	highest := uint32(0)
	for _, a := range q {
		p := f.promise(a, b)
		if p == 0 {
			return
		}
		if ballot := p >> 1 & 7; ballot > highest>>2 {
			highest = ballot<<2 | p>>4
		}
	}
	for v := uint32(1); v <= fastValues; v++ {
		if f.proposed(b) == 0 && (highest == 0 || highest&3 == v) {
			f.add(s, fastResolve, set(f.head, 4+2*b, 2, v), 0, f.words[0])
		}
	}
}

// resolve adds what the coordinator may propose when the votes of a fast quorum
// differ: what most voted for, or else what any did.
func (f *Fast) resolve(s *explore.Steps, b, earlier int, q []int) {
	var votes [fastValues + 1]int
	for _, a := range q {
		votes[f.voted(a, earlier)]++
	}
	if votes[0] > 0 || slices.Max(votes[:]) == len(q) || f.proposed(b) != 0 {
		return
	}
	most := 1
	if slices.Max(votes[:]) > len(q)/2 {
		most = len(q)/2 + 1
	}
	for v := uint32(1); v <= fastValues; v++ {
		if own := f.head >> 2 & 3; votes[v] >= most && (own == 0 || own == v) {
			f.add(s, fastResolve, set(set(f.head, 2, 2, v), 4+2*b, 2, v), 0, f.words[0])
		}
	}
}

// decide adds the decision of a quorum that voted in b: once for each vote that
// tells of it, as the specification does.
func (f *Fast) decide(s *explore.Steps, b int, q []int, free bool) {
	for _, a := range q {
		if f.voted(a, b) == 0 || free && f.voted(a, b) != f.voted(q[0], b) {
			return
		}
	}
	for _, a := range q {
		v := f.voted(a, b)
		if old := f.head & 3; old != 0 && old != v {
			s.Fail(explore.NewAction(fastDecide, 0), fmt.Errorf("consistency: %d is decided after %d", v, old))
			continue
		}
		f.add(s, fastDecide, set(f.head, 0, 2, v), 0, f.words[0])
	}
}

// renamings are the orders of three values; 0 stays 0.
var renamings = [][4]uint32{{0, 1, 2, 3}, {0, 1, 3, 2}, {0, 2, 1, 3}, {0, 2, 3, 1}, {0, 3, 1, 2}, {0, 3, 2, 1}}

// Canonical implements explore.Symmetric: acceptors and values are alike. The
// smallest of all renamings stands for all; acceptors are renamed by sorting.
func (f *Fast) Canonical(state []byte) {
	f.load(state)
	best := [5]uint32{}
	for i, names := range renamings {
		c := [5]uint32{rename(f.head, names, 0, 7)}
		for a, w := range f.words {
			c[a+1] = rename(rename(rename(rename(w, names, 6, 1), names, 8, 4), names, 20, 1), names, 26, 1)
		}
		slices.Sort(c[1:])
		if i == 0 || slices.Compare(c[:], best[:]) < 0 {
			best = c
		}
	}
	for i, w := range best {
		binary.LittleEndian.PutUint32(state[4*i:], w)
	}
}

// rename replaces n values of two bits each.
func rename(w uint32, names [4]uint32, at, n int) uint32 {
	for i := at; i < at+2*n; i += 2 {
		w = set(w, i, 2, names[w>>i&3])
	}
	return w
}

// Properties implements explore.Model: consistency is asked at each decision.
func (f *Fast) Properties() []explore.Property {
	return []explore.Property{{Name: "decided", Mode: explore.Sometimes,
		Holds: func(state []byte) bool { return state[0]&3 != 0 }}}
}

// Describe implements explore.Model.
func (f *Fast) Describe(_ []byte, a explore.Action) string {
	return fmt.Sprintf("%s (%d)", f.Kinds()[a.Kind()], a.Arg())
}

// Show implements explore.Model.
func (f *Fast) Show(state []byte) string { return fmt.Sprintf("%x", state) }
