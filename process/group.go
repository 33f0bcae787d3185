package process

import (
	"encoding/binary"
	"errors"
	"slices"
)

// A Group is who takes part in a protocol. Every slice is ascending and has
// no ID twice.
type Group struct {
	Voters []ID
	// Outgoing is the voters before a change of more than one: while there are
	// any, a decision takes a quorum of both. Raft §6, joint consensus.
	Outgoing []ID
	// Learners are sent everything and count for nothing. No voter is one, but
	// an outgoing voter may be named: it is a learner once the change is over.
	Learners []ID
}

// MaxGroup bounds each list of a Group: no protocol here is of use beyond it.
const MaxGroup = 1 << 12

// Votes reports whether id is a voter, incoming or outgoing.
func (g *Group) Votes(id ID) bool {
	return slices.Contains(g.Voters, id) || slices.Contains(g.Outgoing, id)
}

// Has reports whether id takes part at all.
func (g *Group) Has(id ID) bool { return g.Votes(id) || slices.Contains(g.Learners, id) }

// Joint reports whether the group is between two.
func (g *Group) Joint() bool { return len(g.Outgoing) > 0 }

// Members returns all that take part, ascending.
func (g *Group) Members() []ID {
	ids := slices.Concat(g.Voters, g.Outgoing, g.Learners)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Clone returns a copy that shares nothing.
func (g *Group) Clone() Group {
	return Group{slices.Clone(g.Voters), slices.Clone(g.Outgoing), slices.Clone(g.Learners)}
}

// Equal reports whether g and h name the same replicas in the same parts.
func (g *Group) Equal(h *Group) bool {
	return slices.Equal(g.Voters, h.Voters) && slices.Equal(g.Outgoing, h.Outgoing) &&
		slices.Equal(g.Learners, h.Learners)
}

// Valid reports whether there is a voter, no ID is 0 or twice in a list, and
// no voter is a learner.
func (g *Group) Valid() bool {
	for _, ids := range [][]ID{g.Voters, g.Outgoing, g.Learners} {
		for i, id := range ids {
			if id == 0 || i > 0 && ids[i-1] >= id {
				return false
			}
		}
	}
	for _, id := range g.Learners {
		if slices.Contains(g.Voters, id) {
			return false
		}
	}
	return len(g.Voters) > 0
}

// AppendGroup appends g to b: the form that begins the Cmd of a Members entry.
func AppendGroup(b []byte, g Group) []byte {
	for _, ids := range [][]ID{g.Voters, g.Outgoing, g.Learners} {
		b = binary.AppendUvarint(b, uint64(len(ids)))
		for _, id := range ids {
			b = binary.AppendUvarint(b, uint64(id))
		}
	}
	return b
}

var errGroup = errors.New("not a group")

// CutGroup reads what AppendGroup wrote and returns what follows it.
func CutGroup(b []byte) (g Group, rest []byte, err error) {
	for _, ids := range []*[]ID{&g.Voters, &g.Outgoing, &g.Learners} {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > MaxGroup || n > uint64(len(b)) {
			return Group{}, nil, errGroup
		}
		b = b[w:]
		for range n {
			v, w := binary.Uvarint(b)
			if w <= 0 || v > 1<<16-1 {
				return Group{}, nil, errGroup
			}
			*ids, b = append(*ids, ID(v)), b[w:]
		}
	}
	return g, b, nil
}
