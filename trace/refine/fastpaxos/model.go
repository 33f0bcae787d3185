package fastpaxos

import (
	"fmt"
	"maps"
	"slices"

	"althing/process"
	"althing/trace/refine/steps"
)

// anything is what a coordinator says in a fast round: vote for what you are sent.
const anything = "anything"

// span is how many rounds follow one another that are of one coordinator.
const span = 4

// A Vote is an acceptor's: for a value, in the words of a trace. Ballot 0 is none.
type Vote struct {
	Ballot uint64
	Value  string
}

// A position is what the specification has of one, but for promises.
type position struct {
	accepted map[process.ID]Vote
	proposed map[string]bool
	accepts  map[uint64]string                // msgs: "accept", with the value
	votes    map[uint64]map[process.ID]string // "accepted", by ballot
}

// A Model is a state of the specification, for each position of a log.
type Model struct {
	acceptors     []process.ID
	between       bool // there is a ballot in which acceptors recover by themselves
	classic, fast int
	promised      map[process.ID]uint64
	prepares      map[uint64]bool
	promises      map[uint64]map[process.ID]map[uint64]Vote // votes by position
	positions     map[uint64]*position
}

// NewModel is the initial state; between says whether acceptors recover from
// collisions by themselves.
func NewModel(acceptors []process.ID, between bool) *Model {
	n := len(acceptors)
	classic := n/2 + 1
	return &Model{
		acceptors: acceptors, between: between, classic: classic, fast: (2*n-classic)/2 + 1,
		promised: map[process.ID]uint64{}, prepares: map[uint64]bool{},
		promises: map[uint64]map[process.ID]map[uint64]Vote{}, positions: map[uint64]*position{},
	}
}

func (m *Model) at(slot uint64) *position {
	p := m.positions[slot]
	if p == nil {
		p = &position{map[process.ID]Vote{}, map[string]bool{}, map[uint64]string{},
			map[uint64]map[process.ID]string{}}
		m.positions[slot] = p
	}
	return p
}

func base(ballot uint64) uint64 { return ballot - ballot%span }

// isFast reports whether a ballot is: the second and third of a coordinator.
func isFast(ballot uint64) bool { return ballot%span == 1 || ballot%span == 2 }

// before is the ballot before another one, of the same coordinator; 0 if there is
// none.
func (m *Model) before(ballot uint64) uint64 {
	switch {
	case ballot%span == 3 && m.between:
		return ballot - 1
	case ballot%span == 3:
		return ballot - 2
	case ballot%span == 2 && m.between:
		return ballot - 1
	}
	return 0
}

func (m *Model) quorum(ballot uint64) int {
	if isFast(ballot) {
		return m.fast
	}
	return m.classic
}

// Chosen reports whether a quorum has voted for a value in a ballot of a position.
func (m *Model) Chosen(slot uint64, value string) bool {
	for ballot, votes := range m.at(slot).votes {
		n := 0
		for _, v := range votes {
			if v == value {
				n++
			}
		}
		if n >= m.quorum(ballot) {
			return true
		}
	}
	return false
}

// An Action is a step of the specification: an action of FastPaxos.tla with its
// parameters. Of the message that it takes, Ballot and Said are the fields.
type Action struct {
	Name   string
	Server process.ID // the acceptor; or who proposes, which the specification does not ask
	Slot   uint64     // the position; 0: all
	Ballot uint64
	Value  string
	Said   string
}

// actions are those of FastPaxos.tla, with the names of their parameters. Each returns
// the guard that does not hold, or changes the state.
var actions = map[string]struct {
	do     func(*Model, *Action) string
	params string
}{
	"Ask":     {(*Model).ask, "v"},
	"Prepare": {(*Model).prepare, "b"},
	"Promise": {(*Model).promise, "i m"},
	"Propose": {(*Model).propose, "b v"},
	"Accept":  {(*Model).accept, "i m v"},
	"Recover": {(*Model).recovers, "i b v"},
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

func (m *Model) ask(a *Action) string {
	if m.at(a.Slot).proposed[a.Value] {
		return "it was not asked for"
	}
	m.at(a.Slot).proposed[a.Value] = true
	return ""
}

func (m *Model) prepare(a *Action) string {
	m.prepares[a.Ballot] = true
	return ""
}

func (m *Model) promise(a *Action) string {
	switch {
	case !m.prepares[a.Ballot]:
		return "somebody asks for a promise"
	case a.Ballot < m.promised[a.Server]:
		return "no later ballot is promised"
	case m.promises[a.Ballot][a.Server] != nil:
		return "it did not promise that before"
	}
	m.promised[a.Server] = a.Ballot
	if m.promises[a.Ballot] == nil {
		m.promises[a.Ballot] = map[process.ID]map[uint64]Vote{}
	}
	votes := map[uint64]Vote{}
	for slot, p := range m.positions {
		if v := p.accepted[a.Server]; v.Ballot > 0 {
			votes[slot] = v
		}
	}
	m.promises[a.Ballot][a.Server] = votes
	return ""
}

// pick reports whether some classic quorum, of those whose votes are told, allows a
// value in ballot b. FP 2.2.2
func (m *Model) pick(p *position, b uint64, value string, told map[process.ID]Vote) bool {
	ids := slices.Sorted(maps.Keys(told))
	for set := range 1 << len(ids) {
		var votes []Vote
		for i, id := range ids {
			if set>>i&1 != 0 {
				votes = append(votes, told[id])
			}
		}
		if len(votes) >= m.classic && m.allows(p, b, value, votes) {
			return true
		}
	}
	return false
}

// allows reports whether the votes of a quorum allow a value: the one that they show
// in the latest ballot; of several the one that may be chosen; if there is none, any.
func (m *Model) allows(p *position, b uint64, value string, votes []Vote) bool {
	var k uint64
	for _, v := range votes {
		k = max(k, v.Ballot)
	}
	count := map[string]int{}
	for _, v := range votes {
		if v.Ballot == k && k > 0 {
			count[v.Value]++
		}
	}
	if len(count) == 1 {
		return count[value] > 0
	}
	bound := false
	for v, n := range count {
		// Those who are not asked may all have voted for it.
		if n+len(m.acceptors)-len(votes) >= m.quorum(k) {
			if bound = true; v == value {
				return true
			}
		}
	}
	return !bound && (p.proposed[value] || isFast(b) && value == anything)
}

// pickFirst reports whether the first that a coordinator says may be this.
func (m *Model) pickFirst(slot, b uint64, value string) bool {
	p := m.at(slot)
	for said := range p.accepts {
		if base(said) == base(b) {
			return false
		}
	}
	told := map[process.ID]Vote{}
	for id, votes := range m.promises[base(b)] {
		told[id] = votes[slot]
	}
	return m.pick(p, b, value, told)
}

// pickNext reports whether one may go on with a value from the ballot before.
func (m *Model) pickNext(slot, b uint64, value string) bool {
	p, k := m.at(slot), m.before(b)
	told := map[process.ID]Vote{}
	for id, v := range p.votes[k] {
		told[id] = Vote{k, v}
	}
	return k > 0 && m.pick(p, b, value, told)
}

func (m *Model) propose(a *Action) string {
	p := m.at(a.Slot)
	if _, said := p.accepts[a.Ballot]; said {
		return "nothing is proposed in the ballot yet"
	}
	if !m.pickFirst(a.Slot, a.Ballot, a.Value) && !m.pickNext(a.Slot, a.Ballot, a.Value) {
		return "a quorum of promises, or of votes in the ballot before, allows it"
	}
	p.accepts[a.Ballot] = a.Value
	return ""
}

// vote is the vote of an acceptor who may give it.
func (m *Model) vote(a *Action) string {
	p := m.at(a.Slot)
	switch {
	case base(a.Ballot) < m.promised[a.Server]:
		return "no later ballot is promised"
	case a.Ballot <= p.accepted[a.Server].Ballot:
		return "it has not voted in that ballot"
	}
	m.promised[a.Server], p.accepted[a.Server] = base(a.Ballot), Vote{a.Ballot, a.Value}
	if p.votes[a.Ballot] == nil {
		p.votes[a.Ballot] = map[process.ID]string{}
	}
	p.votes[a.Ballot][a.Server] = a.Value
	return ""
}

func (m *Model) accept(a *Action) string {
	p := m.at(a.Slot)
	said, ok := p.accepts[a.Ballot]
	switch {
	case !ok || said != a.Said:
		return "the coordinator said so"
	case said == anything && !p.proposed[a.Value] || said != anything && said != a.Value:
		return "it is asked to vote for that"
	}
	return m.vote(a)
}

func (m *Model) recovers(a *Action) string {
	if !isFast(a.Ballot) || a.Value == anything || !m.pickNext(a.Slot, a.Ballot, a.Value) {
		return "a quorum of votes in the ballot before allows it"
	}
	return m.vote(a)
}
