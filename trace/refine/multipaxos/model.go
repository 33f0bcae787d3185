package multipaxos

import (
	"fmt"
	"slices"

	"althing/process"
	"althing/trace/refine/steps"
)

// A Value is what a slot holds: what is asked for, in the words of a trace and with the
// ballot that it was first proposed in, and the group that it names, if it does.
type Value struct {
	Ask   string
	Group string // as TLA+ writes a set
}

// noOp is what fills a slot.
const noOp = "no-op"

// A Vote is an acceptor's, in a slot. Ballot 0 is none.
type Vote struct {
	Ballot uint64
	Value  Value
}

// An acceptor is what one of them has: its votes by slot, from 1, at [slot-1].
type acceptor struct {
	promised uint64
	accepted []Vote
}

func at(votes []Vote, slot uint64) (v Vote) {
	if slot > 0 && slot <= uint64(len(votes)) {
		v = votes[slot-1]
	}
	return v
}

// A Model is a state of the specification. A message is known by its type, ballot,
// slot and sender, for there is no more than one of each.
type Model struct {
	founders  []process.ID
	groups    map[string][]process.ID // those that were named
	acceptors map[process.ID]*acceptor
	executed  map[process.ID][]Value

	prepares map[uint64]bool                  // msgs: "prepare"
	promises map[uint64]map[process.ID][]Vote // "promise", with all votes
	accepts  map[uint64]map[uint64]Value      // "accept", by slot
	votes    map[uint64]map[Vote][]process.ID // "accepted", by slot
}

// NewModel is the initial state.
func NewModel(founders []process.ID) *Model {
	return &Model{
		founders: founders, groups: map[string][]process.ID{}, acceptors: map[process.ID]*acceptor{},
		executed: map[process.ID][]Value{}, prepares: map[uint64]bool{},
		promises: map[uint64]map[process.ID][]Vote{}, accepts: map[uint64]map[uint64]Value{},
		votes: map[uint64]map[Vote][]process.ID{},
	}
}

func (m *Model) acceptor(id process.ID) *acceptor {
	a := m.acceptors[id]
	if a == nil {
		a = new(acceptor)
		m.acceptors[id] = a
	}
	return a
}

// group is the one that decides the slot after log l.
func (m *Model) group(l []Value) []process.ID {
	for i := len(l) - 1; i >= 0; i-- {
		if l[i].Group != "" {
			return m.groups[l[i].Group]
		}
	}
	return m.founders
}

// majority reports whether those who are in are one of group g.
func majority(g []process.ID, in func(process.ID) bool) bool {
	n := 0
	for _, id := range g {
		if in(id) {
			n++
		}
	}
	return 2*n > len(g)
}

// chosen are the values that a majority of g has voted for in a ballot of a slot.
func (m *Model) chosen(slot uint64, g []process.ID) (all []Value) {
	for v, by := range m.votes[slot] {
		if majority(g, func(id process.ID) bool { return slices.Contains(by, id) }) && !slices.Contains(all, v.Value) {
			all = append(all, v.Value)
		}
	}
	return all
}

// An Action is a step of the specification: an action of MultiPaxos.tla with its
// parameters. Of the message that it takes, Ballot, Slot and Value are the fields.
type Action struct {
	Name   string
	Server process.ID // the acceptor or replica
	Ballot uint64
	Slot   uint64
	Value  Value
}

// actions are those of MultiPaxos.tla, with the names of their parameters. Each
// returns the guard that does not hold, or changes the state.
var actions = map[string]struct {
	do     func(*Model, *Action) string
	params string
}{
	"Prepare": {(*Model).prepare, "b"},
	"Promise": {(*Model).promise, "i m"},
	"Propose": {(*Model).propose, "i b s v"},
	"Accept":  {(*Model).accept, "i m"},
	"Execute": {(*Model).execute, "i"},
}

// Do takes the step, or returns a *steps.Refusal and changes nothing.
func (m *Model) Do(a *Action) error {
	x, ok := actions[a.Name]
	if !ok {
		return fmt.Errorf("there is no action %q", a.Name)
	}
	if guard := x.do(m, a); guard != "" {
		return &steps.Refusal{Action: a.Name, By: a.Server, Guard: guard}
	}
	return nil
}

func (m *Model) prepare(a *Action) string {
	m.prepares[a.Ballot] = true
	return ""
}

func (m *Model) promise(a *Action) string {
	x := m.acceptor(a.Server)
	switch {
	case !m.prepares[a.Ballot]:
		return "somebody asks for a promise"
	case a.Ballot <= x.promised:
		return "no such ballot or later one is promised"
	}
	x.promised = a.Ballot
	if m.promises[a.Ballot] == nil {
		m.promises[a.Ballot] = map[process.ID][]Vote{}
	}
	m.promises[a.Ballot][a.Server] = slices.Clone(x.accepted)
	return ""
}

func (m *Model) propose(a *Action) string {
	said, log := m.accepts[a.Ballot], m.executed[a.Server]
	if _, ok := said[a.Slot]; ok {
		return "nothing is proposed in the slot yet, in this ballot"
	}
	n := uint64(len(log))
	if a.Slot <= n && a.Value != log[a.Slot-1] {
		return "it knows that something else is decided"
	}
	for t := n + 1; t < a.Slot; t++ {
		if v, ok := said[t]; !ok || v.Group != "" {
			return "all before is proposed, and changes no group"
		}
	}
	if a.Slot > n && !m.bound(a, m.group(log)) {
		return "a majority has promised, and shows no later vote for something else"
	}
	if said == nil {
		said = map[uint64]Value{}
		m.accepts[a.Ballot] = said
	}
	said[a.Slot] = a.Value
	return ""
}

// bound reports whether some majority of group g, of those who promised, allows what
// a proposes: the latest vote that they show in the slot is for it, or they show
// none; if they show one in a later slot, then it must be what fills a gap.
func (m *Model) bound(a *Action, g []process.ID) bool {
	promises := m.promises[a.Ballot]
	allowed := func(f func([]Vote) bool) bool {
		return majority(g, func(id process.ID) bool { votes, ok := promises[id]; return ok && f(votes) })
	}
	none := func(votes []Vote) bool {
		if a.Value.Ask != noOp && uint64(len(votes)) > a.Slot {
			return false // of a later slot
		}
		return at(votes, a.Slot).Ballot == 0
	}
	if allowed(none) {
		return true
	}
	for _, id := range g {
		latest := at(promises[id], a.Slot)
		if latest.Ballot > 0 && latest.Value == a.Value &&
			allowed(func(votes []Vote) bool { return at(votes, a.Slot).Ballot <= latest.Ballot }) {
			return true
		}
	}
	return false
}

func (m *Model) accept(a *Action) string {
	x := m.acceptor(a.Server)
	v, said := m.accepts[a.Ballot][a.Slot]
	switch {
	case !said || v != a.Value:
		return "it is asked to vote for that"
	case a.Ballot < x.promised:
		return "no later ballot is promised"
	case a.Ballot <= at(x.accepted, a.Slot).Ballot:
		return "it has not voted in that ballot"
	}
	for uint64(len(x.accepted)) < a.Slot {
		x.accepted = append(x.accepted, Vote{})
	}
	vote := Vote{a.Ballot, a.Value}
	x.promised, x.accepted[a.Slot-1] = a.Ballot, vote
	if m.votes[a.Slot] == nil {
		m.votes[a.Slot] = map[Vote][]process.ID{}
	}
	m.votes[a.Slot][vote] = append(m.votes[a.Slot][vote], a.Server)
	return ""
}

func (m *Model) execute(a *Action) string {
	log := m.executed[a.Server]
	all := m.chosen(uint64(len(log))+1, m.group(log))
	switch len(all) {
	case 0:
		return "a majority has voted for something in the next slot"
	case 1:
		m.executed[a.Server] = append(log, all[0])
		return ""
	}
	return "two values are chosen"
}
