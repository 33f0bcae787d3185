package multipaxos

import (
	"math"
	"slices"

	"althing/process"
	"althing/wire"
)

// A Ballot orders attempts to lead: a round, and below it the ID of its
// proposer, so that no two proposers share one. 0 is before all. §2.2
type Ballot uint64

// rounds is the distance of ballots of one proposer: above any ID, and such
// that people see both parts. Ballot 300002 is round 3 of proposer 2.
const rounds = 100_000

// after returns the ballot of id in the round after that of b.
func (b Ballot) after(id process.ID) Ballot { return (b/rounds+1)*rounds + Ballot(id) }

// A Vote is what an acceptor accepted in one slot: the value, which is a whole
// entry, and the ballot it was proposed in. The entry's Epoch is the ballot it
// was first proposed in, and a part of the value.
type Vote struct {
	Ballot Ballot
	Entry  process.Entry
}

// votes holds for each slot above base the vote of the highest ballot, if any.
// There may be gaps. Entries are shared with messages: what is written is never
// written over in place.
type votes struct {
	base    uint64
	ballots []Ballot // [i] of slot base+1+i; 0: none. The last is not 0
	entries []process.Entry
}

// last returns the highest slot with a vote, base if there is none.
func (v *votes) last() uint64 { return v.base + uint64(len(v.ballots)) }

// ballot returns that of the vote in slot s, 0 if there is none.
func (v *votes) ballot(s uint64) Ballot {
	if s <= v.base || s > v.last() {
		return 0
	}
	return v.ballots[s-v.base-1]
}

// put takes es, which follow one another and were proposed in b, where b is
// above the ballot that is there, and reports whether that changed anything.
// Slots up to base are left out.
func (v *votes) put(b Ballot, es []process.Entry) (changed bool) {
	for len(es) > 0 && es[0].Index <= v.base {
		es = es[1:]
	}
	if len(es) == 0 {
		return false
	}
	if first := es[0].Index; first == v.last()+1 { // nearly always
		v.entries = append(v.entries, es...)
		for range es {
			v.ballots = append(v.ballots, b)
		}
		return true
	}
	for i := range es {
		changed = changed || v.ballot(es[i].Index) < b
	}
	if !changed {
		return false
	}
	size := max(len(v.ballots), int(es[len(es)-1].Index-v.base))
	entries, ballots := make([]process.Entry, size), make([]Ballot, size)
	copy(entries, v.entries)
	copy(ballots, v.ballots)
	v.entries, v.ballots = entries, ballots
	for i := range es {
		if at := es[i].Index - v.base - 1; v.ballots[at] < b {
			v.ballots[at], v.entries[at] = b, es[i]
		}
	}
	return true
}

// slice returns the entries in (lo, hi], within [base, last], to be shared.
func (v *votes) slice(lo, hi uint64) []process.Entry {
	i, j := lo-v.base, hi-v.base
	return v.entries[i:j:j]
}

// cut drops the votes up to slot n, not below base.
func (v *votes) cut(n uint64) {
	k := min(n-v.base, uint64(len(v.ballots)))
	v.base, v.ballots, v.entries = n, v.ballots[k:], v.entries[k:]
	if len(v.ballots) == 0 {
		v.ballots, v.entries = nil, nil
	}
}

// after returns the votes in slots above n, as many as take size bytes and one
// at least; the last slot that they cover, and whether there are more.
func (v *votes) after(n uint64, size int) (vs []Vote, upto uint64, more bool) {
	upto = max(n, v.base)
	for s := upto + 1; s <= v.last(); s++ {
		i := s - v.base - 1
		if v.ballots[i] != 0 {
			if size -= len(v.entries[i].Req.Cmd) + voteBytes; size < 0 && len(vs) > 0 {
				return vs, upto, true
			}
			vs = append(vs, Vote{v.ballots[i], v.entries[i]})
		}
		upto = s
	}
	return vs, upto, false
}

// batch returns the entries in (prev, last], as many as take size bytes, and
// one at least. There must be no gap among them.
func (v *votes) batch(prev, last uint64, size int) []process.Entry {
	es := v.slice(prev, last)
	for i := range es {
		if size -= len(es[i].Req.Cmd) + voteBytes; size < 0 && i > 0 {
			return es[:i:i]
		}
	}
	return es
}

func (v *votes) clone() votes {
	return votes{v.base, slices.Clone(v.ballots), slices.Clip(v.entries)}
}

// all returns all votes.
func (v *votes) all() []Vote {
	all, _, _ := v.after(v.base, math.MaxInt)
	return all
}

func (v *votes) appendState(b []byte) []byte {
	return appendVotes(wire.AppendUints(b, v.base), v.all())
}
