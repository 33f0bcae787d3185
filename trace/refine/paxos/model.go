package paxos

import (
	"fmt"

	"althing/process"
	"althing/trace/refine/steps"
)

// A Vote is an acceptor's: for a value, in the words of a trace. Ballot 0 is none.
type Vote struct {
	Ballot uint64
	Value  string
}

// A Model is a state of the specification. A Message is known by its type, ballot
// and sender, for there is no more than one of each.
type Model struct {
	acceptors []process.ID
	promised  map[process.ID]uint64
	accepted  map[process.ID]Vote
	prepares  map[uint64]bool                // msgs: "prepare"
	promises  map[uint64]map[process.ID]Vote // "promise", with the vote
	accepts   map[uint64]string              // "accept", with the value
	votes     map[Vote]map[process.ID]bool   // "accepted"
}

// NewModel is the initial state.
func NewModel(acceptors []process.ID) *Model {
	return &Model{
		acceptors: acceptors, promised: map[process.ID]uint64{}, accepted: map[process.ID]Vote{},
		prepares: map[uint64]bool{}, promises: map[uint64]map[process.ID]Vote{},
		accepts: map[uint64]string{}, votes: map[Vote]map[process.ID]bool{},
	}
}

func (m *Model) majority(n int) bool { return 2*n > len(m.acceptors) }

// Chosen reports whether a majority has voted for a value in one ballot.
func (m *Model) Chosen(value string) bool {
	for v, by := range m.votes {
		if v.Value == value && m.majority(len(by)) {
			return true
		}
	}
	return false
}

// An Action is a step of the specification: an action of Paxos.tla with its
// parameters. Of the message that it takes, Ballot and Value are the fields.
type Action struct {
	Name   string
	Server process.ID // the acceptor; or who proposes, which the specification does not ask
	Ballot uint64
	Value  string
}

// actions are those of Paxos.tla, with the names of their parameters. Each returns
// the guard that does not hold, or changes the state.
var actions = map[string]struct {
	do     func(*Model, *Action) string
	params string
}{
	"Prepare": {(*Model).prepare, "b"},
	"Promise": {(*Model).promise, "i m"},
	"Propose": {(*Model).propose, "b v"},
	"Accept":  {(*Model).accept, "i m"},
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
	switch {
	case !m.prepares[a.Ballot]:
		return "somebody asks for a promise"
	case a.Ballot <= m.promised[a.Server]:
		return "no such ballot or later one is promised"
	}
	m.promised[a.Server] = a.Ballot
	if m.promises[a.Ballot] == nil {
		m.promises[a.Ballot] = map[process.ID]Vote{}
	}
	m.promises[a.Ballot][a.Server] = m.accepted[a.Server]
	return ""
}

func (m *Model) propose(a *Action) string {
	if _, said := m.accepts[a.Ballot]; said {
		return "nothing is proposed in the ballot yet"
	}
	if !m.bound(a.Ballot, a.Value) {
		return "a majority has promised, and shows no later vote for something else"
	}
	m.accepts[a.Ballot] = a.Value
	return ""
}

// bound reports whether some majority of those who promised b allows a value: none
// of them has voted, or the latest vote among theirs is for it.
func (m *Model) bound(b uint64, value string) bool {
	upTo := func(latest uint64) (n int) {
		for _, v := range m.promises[b] {
			if v.Ballot <= latest {
				n++
			}
		}
		return n
	}
	if m.majority(upTo(0)) {
		return true
	}
	for _, v := range m.promises[b] {
		if v.Ballot > 0 && v.Value == value && m.majority(upTo(v.Ballot)) {
			return true
		}
	}
	return false
}

func (m *Model) accept(a *Action) string {
	value, said := m.accepts[a.Ballot]
	switch {
	case !said || value != a.Value:
		return "it is asked to vote for that"
	case a.Ballot < m.promised[a.Server]:
		return "no later ballot is promised"
	case a.Ballot <= m.accepted[a.Server].Ballot:
		return "it has not voted in that ballot"
	}
	v := Vote{a.Ballot, a.Value}
	m.promised[a.Server], m.accepted[a.Server] = a.Ballot, v
	if m.votes[v] == nil {
		m.votes[v] = map[process.ID]bool{}
	}
	m.votes[v][a.Server] = true
	return ""
}
