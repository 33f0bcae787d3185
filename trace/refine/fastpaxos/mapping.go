package fastpaxos

import (
	"fmt"

	"althing/process"
	"althing/trace"
	"althing/trace/refine/steps"
)

// A mapping is where in the specification a run is.
type mapping struct {
	*steps.Run
	model *Model
	nodes map[process.ID]*node
	after map[uint64]uint64 // by round: the last position in which Any allows no vote
}

// A node is what a replica works with, besides what the specification has of it.
type node struct {
	promised uint64   // saved last, if not yet durable
	applied  uint64   // handed to the application
	flushed  uint64   // and what that has made durable
	begins   bool     // its application may be ahead: a Checkpoint says so
	loaded   *message // an application's state that it was given: a Checkpoint says which
}

// A message is one of the protocol, or a record.
type message struct {
	kind                              string
	round, after, promised, base, log uint64
	entries                           []steps.Entry
	votes                             []steps.Vote
}

// none is what a step answers: no action depends on it.
type none struct{}

// begin is the mapping of a run in which acceptors recover by themselves, or not.
func begin(between bool) func([]process.ID, *steps.Run) steps.Mapping[*message, none] {
	return func(founders []process.ID, r *steps.Run) steps.Mapping[*message, none] {
		return &mapping{r, NewModel(founders, between), map[process.ID]*node{}, map[uint64]uint64{}}
	}
}

func parse(kind, text string) (*message, error) {
	x, err := steps.ParseFields(text)
	if err != nil {
		return nil, err
	}
	n, err := x.Numbers("Round", "After", "Promised", "Base", "Commit")
	if err != nil {
		return nil, err
	}
	return &message{kind, n[0], n[1], n[2], n[3], n[4], x.Entries, x.Votes}, nil
}

// owner is who alone may begin a round: 16 bits above the lowest two say so.
func owner(round uint64) process.ID { return process.ID(round / span) }

// value is an entry as the specification has it: with who proposed it.
func value(e *steps.Entry) string { return fmt.Sprintf("%s @%d", e.Text, e.Epoch) }

func (f *mapping) node() *node {
	n := f.nodes[f.Event.Node]
	if n == nil {
		n = new(node)
		f.nodes[f.Event.Node] = n
	}
	return n
}

// do takes a step of the specification.
func (f *mapping) do(a Action) error {
	a.Server = f.Event.Node
	if err := f.model.Do(&a); err != nil {
		return err
	}
	f.Did(&a)
	return nil
}

// Begin implements steps.Mapping.
func (f *mapping) Begin() (none, error) {
	switch f.Event.Kind {
	case "start", "restart", "join":
		f.node().begins = true
	}
	return none{}, nil
}

// Save implements steps.Mapping.
func (f *mapping) Save(x *trace.Effect, _ none) (*message, error) {
	n := f.node()
	if x.Kind == "LoadState" {
		n.loaded = &message{kind: x.Kind}
		return n.loaded, nil
	}
	m, err := parse(x.Msg, x.Fields)
	if err != nil {
		return m, err
	}
	switch m.kind {
	case "Prepare":
		n.promised = m.round
	case "Voted":
		n.promised = max(n.promised, base(m.round))
	case "Checkpoint":
		if n.begins || n.loaded != nil {
			n.applied = max(n.applied, m.base)
		}
		if n.loaded != nil {
			n.loaded.base = m.base
		}
	case "Decided":
	default:
		return m, fmt.Errorf("%w: there is no record %s", trace.ErrForm, x.Msg)
	}
	return m, nil
}

// Durable implements steps.Mapping: here acceptors act.
func (f *mapping) Durable(m *message) error {
	switch m.kind {
	case "Prepare":
		if owner(m.round) == f.Event.Node {
			if err := f.do(Action{Name: "Prepare", Ballot: m.round}); err != nil {
				return err
			}
		}
		return f.do(Action{Name: "Promise", Ballot: m.round})
	case "Voted":
		for i := range m.entries {
			if err := f.voted(m.round, &m.entries[i]); err != nil {
				return err
			}
		}
	case "LoadState":
		n := f.node()
		n.flushed = max(n.flushed, m.base)
	case "Decided":
		return f.areChosen(m.entries)
	case "Checkpoint":
		if p := f.model.promised[f.Event.Node]; p != m.promised {
			return fmt.Errorf("it saves a promise of %d, where it has one of %d", m.promised, p)
		}
		if err := f.areChosen(m.entries); err != nil {
			return err
		}
		return f.shows(m.votes, m.base+uint64(len(m.entries)))
	}
	return nil
}

// voted lets an acceptor vote.
func (f *mapping) voted(round uint64, e *steps.Entry) error {
	a := Action{Name: "Accept", Slot: e.Index, Ballot: round, Value: value(e)}
	a.Said = a.Value
	switch round % span {
	case 2:
		a.Name, a.Said = "Recover", ""
	case 1:
		a.Said = anything
		if _, said := f.model.at(e.Index).accepts[round]; said {
			break
		}
		if after, ok := f.after[base(round)]; !ok || e.Index <= after {
			return fmt.Errorf("it votes in position %d of round %d, and nobody allowed it", e.Index, round)
		}
		if err := f.do(Action{Name: "Propose", Slot: e.Index, Ballot: round, Value: anything}); err != nil {
			return err
		}
	}
	return f.do(a)
}

func (f *mapping) areChosen(entries []steps.Entry) error {
	for i := range entries {
		if e := &entries[i]; !f.model.Chosen(e.Index, value(e)) {
			return fmt.Errorf("%q is not chosen in position %d", value(e), e.Index)
		}
	}
	return nil
}

// shows requires that these are the votes of the acceptor after a position.
func (f *mapping) shows(votes []steps.Vote, after uint64) error {
	n := 0
	for slot, p := range f.model.positions {
		if slot > after && p.accepted[f.Event.Node].Ballot > 0 {
			n++
		}
	}
	for i := range votes {
		v := &votes[i]
		is := f.model.at(v.Index).accepted[f.Event.Node]
		if told := (Vote{v.Ballot, value(&v.Entry)}); v.Index <= after || told != is {
			return fmt.Errorf("it tells of a vote in position %d for %q in round %d, where it has one for %q in %d",
				v.Index, told.Value, told.Ballot, is.Value, is.Ballot)
		}
	}
	if n != len(votes) {
		return fmt.Errorf("it tells of %d votes after position %d, where it has %d", len(votes), after, n)
	}
	return nil
}

// Crash implements steps.Mapping.
func (f *mapping) Crash(kept []*message) error {
	for _, m := range kept {
		if err := f.Durable(m); err != nil {
			return err
		}
	}
	n := f.node()
	n.promised, n.applied = f.model.promised[f.Event.Node], n.flushed
	return nil
}

// Flush implements steps.Mapping.
func (f *mapping) Flush() error {
	n := f.node()
	n.flushed = n.applied
	return nil
}

// Leave implements steps.Mapping: proposers act, and nobody says what is not so.
func (f *mapping) Leave(x *trace.Effect, _ none) error {
	m, err := parse(x.Msg, x.Fields)
	if err != nil {
		return err
	}
	switch m.kind {
	case "Prepare", "Accept", "Any", "Heartbeat":
		if owner(m.round) != f.Event.Node {
			return fmt.Errorf("it says so in round %d, which is of %d", m.round, owner(m.round))
		}
	}
	switch m.kind {
	case "Prepare":
		if !f.model.prepares[m.round] {
			return f.do(Action{Name: "Prepare", Ballot: m.round})
		}
	case "Any":
		if after, ok := f.after[m.round]; ok && after != m.after {
			return fmt.Errorf("it allows votes after %d in round %d, where it said after %d", m.after, m.round, after)
		}
		f.after[m.round] = m.after
	case "Propose":
		return f.asks(m.entries, false)
	case "Accept":
		return f.propose(m)
	case "Promise":
		if f.model.promises[m.round][f.Event.Node] == nil { // it voted in the round before it was asked
			if err := f.do(Action{Name: "Promise", Ballot: m.round}); err != nil {
				return err
			}
		}
		return f.shows(m.votes, m.log)
	case "Voted":
		for i := range m.entries {
			e := &m.entries[i]
			if v := f.model.at(e.Index).votes[m.round][f.Event.Node]; v != value(e) {
				return fmt.Errorf("it tells of a vote for %q in position %d of round %d, which is for %q",
					value(e), e.Index, m.round, v)
			}
		}
	case "Learn":
		return f.areChosen(m.entries)
	}
	return nil
}

// asks makes each value one that was asked for: by the replica itself, or what fills
// a gap.
func (f *mapping) asks(entries []steps.Entry, gapsOnly bool) error {
	for i := range entries {
		e := &entries[i]
		filling := e.Epoch == 0 && e.Text == "no-op"
		if f.model.at(e.Index).proposed[value(e)] || gapsOnly && !filling {
			continue
		}
		if !filling && process.ID(e.Epoch) != f.Event.Node {
			return fmt.Errorf("it asks for %q in position %d, which nobody did", value(e), e.Index)
		}
		if err := f.do(Action{Name: "Ask", Slot: e.Index, Value: value(e)}); err != nil {
			return err
		}
	}
	return nil
}

// propose proposes what of an Accept is new in its round.
func (f *mapping) propose(m *message) error {
	if err := f.asks(m.entries, true); err != nil {
		return err
	}
	for i := range m.entries {
		e := &m.entries[i]
		if was, ok := f.model.at(e.Index).accepts[m.round]; ok && was == value(e) {
			continue
		}
		a := Action{Name: "Propose", Slot: e.Index, Ballot: m.round, Value: value(e)}
		if err := f.do(a); err != nil {
			return err
		}
	}
	return nil
}

// Commit implements steps.Mapping.
func (f *mapping) Commit(x *trace.Effect, _ none) error {
	n := f.node()
	for _, text := range x.Entries {
		e, err := steps.ParseEntry(text)
		if err != nil {
			return err
		}
		if e.Index != n.applied+1 {
			return fmt.Errorf("it hands over position %d after %d", e.Index, n.applied)
		}
		if err := f.areChosen([]steps.Entry{e}); err != nil {
			return err
		}
		n.applied++
		f.Saw(&seen{f.Event.Node, e.Index, value(&e)})
	}
	return nil
}

// Show implements steps.Mapping.
func (f *mapping) Show() error {
	e, n := f.Event, f.node()
	n.begins, n.loaded = false, nil
	if e.Epoch != n.promised || e.Commit != n.applied || e.Last < e.Commit {
		return fmt.Errorf("the replica shows round %d, last %d, commit %d; it ought to show %d, as much at least, %d",
			e.Epoch, e.Last, e.Commit, n.promised, n.applied)
	}
	return nil
}
