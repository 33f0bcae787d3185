package multipaxos

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
}

// A node is what a replica works with, besides what the specification has of it.
type node struct {
	promised       uint64 // saved last, if not yet durable
	last, lastSure uint64 // the highest slot with a vote or known to be decided; the durable one
	applied        uint64 // handed to the application
	flushed        uint64 // and what that has made durable
	begins         bool
	loaded         *message // an application's state that it was given: a Checkpoint says which
}

// A message is one of the protocol, or a record.
type message struct {
	kind                                               string
	ballot, promised, after, upto, prev, commit, match uint64
	decided, base                                      uint64
	more                                               bool
	entries                                            []steps.Entry // those of an Accept; of others, decided ones
	votes                                              []steps.Vote
}

// none is what a step answers: no action depends on it.
type none struct{}

func begin(founders []process.ID, r *steps.Run) steps.Mapping[*message, none] {
	return &mapping{r, NewModel(founders), map[process.ID]*node{}}
}

func parse(kind, text string) (*message, error) {
	x, err := steps.ParseFields(text)
	if err != nil {
		return nil, err
	}
	n, err := x.Numbers("Ballot", "Promised", "After", "Upto", "Prev", "Commit", "Match", "Decided", "Base")
	if err != nil {
		return nil, err
	}
	return &message{kind, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], x.Is("More"), x.Entries, x.Votes}, nil
}

// owner is who alone may begin a ballot: its last five digits say so.
func owner(ballot uint64) process.ID { return process.ID(ballot % 100_000) }

// value is an entry as the specification has it.
func (f *mapping) value(e *steps.Entry) (Value, error) {
	if e.Text == noOp {
		return Value{Ask: noOp}, nil
	}
	v := Value{Ask: fmt.Sprintf("%s @%d", e.Text, e.Epoch)}
	voters, _, err := steps.Members(e.Text)
	if len(voters) > 0 {
		v.Group = steps.Set(voters)
		f.model.groups[v.Group] = voters
	}
	return v, err
}

func (f *mapping) node() *node {
	n := f.nodes[f.Event.Node]
	if n == nil {
		n = new(node)
		f.nodes[f.Event.Node] = n
	}
	return n
}

func (f *mapping) executed() []Value { return f.model.executed[f.Event.Node] }

// do takes a step of the specification.
func (f *mapping) do(name string, ballot, slot uint64, v Value) error {
	a := &Action{name, f.Event.Node, ballot, slot, v}
	if err := f.model.Do(a); err != nil {
		return err
	}
	f.Did(a)
	return nil
}

// know makes the replica execute all up to slot n, for it knows that it is decided.
func (f *mapping) know(n uint64) error {
	for uint64(len(f.executed())) < n {
		if err := f.do("Execute", 0, 0, Value{}); err != nil {
			return err
		}
	}
	return nil
}

// isDecided requires that the replica knows these entries to be decided.
func (f *mapping) isDecided(entries []steps.Entry) error {
	for i := range entries {
		v, err := f.value(&entries[i])
		if err == nil {
			err = f.know(entries[i].Index)
		}
		if err != nil {
			return err
		}
		if is := f.executed()[entries[i].Index-1]; is != v {
			return fmt.Errorf("it takes %q for decided in slot %d, where %q is", v.Ask, entries[i].Index, is.Ask)
		}
	}
	return nil
}

// propose proposes what of entries is new in a ballot. What is not must be what was
// proposed.
func (f *mapping) propose(ballot uint64, entries []steps.Entry) error {
	for i := range entries {
		v, err := f.value(&entries[i])
		if err != nil {
			return err
		}
		if was, ok := f.model.accepts[ballot][entries[i].Index]; ok && was == v {
			continue
		}
		if err := f.do("Propose", ballot, entries[i].Index, v); err != nil {
			return err
		}
	}
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
		n.promised = m.ballot
	case "Accept":
		for i := range m.entries {
			n.last = max(n.last, m.entries[i].Index)
		}
		if err := f.know(m.commit); err != nil {
			return m, err
		}
		if owner(m.ballot) == f.Event.Node {
			return m, f.propose(m.ballot, m.entries)
		}
	case "Checkpoint":
		if n.begins || n.loaded != nil {
			n.applied = max(n.applied, m.base)
		}
		if n.loaded != nil {
			n.loaded.base = m.base
		}
		n.last = max(n.last, m.base)
		return m, f.know(n.applied)
	default:
		return m, fmt.Errorf("%w: there is no record %s", trace.ErrForm, x.Msg)
	}
	return m, nil
}

// Durable implements steps.Mapping: here acceptors act.
func (f *mapping) Durable(m *message) error {
	n := f.node()
	switch m.kind {
	case "Prepare":
		if owner(m.ballot) == f.Event.Node {
			if err := f.do("Prepare", m.ballot, 0, Value{}); err != nil {
				return err
			}
		}
		return f.do("Promise", m.ballot, 0, Value{})
	case "Accept":
		return f.voted(m)
	case "LoadState":
		n.flushed = max(n.flushed, m.base)
	case "Checkpoint":
		n.lastSure = max(n.lastSure, m.base)
		if p := f.model.acceptor(f.Event.Node).promised; p != m.promised {
			return fmt.Errorf("it saves a promise of %d, where it has one of %d", m.promised, p)
		}
		if err := f.know(m.base); err != nil {
			return err
		}
		if err := f.isDecided(m.entries); err != nil {
			return err
		}
		return f.shows(m.votes, m.base+uint64(len(m.entries)), ^uint64(0))
	}
	return nil
}

// voted lets an acceptor vote in each slot of a record in which it has no such vote.
func (f *mapping) voted(m *message) error {
	n := f.node()
	for i := range m.entries {
		e := &m.entries[i]
		n.lastSure = max(n.lastSure, e.Index)
		v, err := f.value(e)
		if err != nil {
			return err
		}
		if at(f.model.acceptor(f.Event.Node).accepted, e.Index).Ballot >= m.ballot {
			continue
		}
		if err := f.do("Accept", m.ballot, e.Index, v); err != nil {
			return err
		}
	}
	return nil
}

// shows requires that these are the votes of the acceptor in slots after lo and up
// to hi.
func (f *mapping) shows(votes []steps.Vote, lo, hi uint64) error {
	has := f.model.acceptor(f.Event.Node).accepted
	for slot := lo + 1; slot <= min(hi, uint64(len(has))); slot++ {
		var told Vote
		if len(votes) > 0 && votes[0].Index == slot {
			v, err := f.value(&votes[0].Entry)
			if err != nil {
				return err
			}
			told, votes = Vote{votes[0].Ballot, v}, votes[1:]
		}
		if is := has[slot-1]; is != told {
			return fmt.Errorf("it tells of a vote in slot %d for %q in ballot %d, where it has one for %q in %d",
				slot, told.Value.Ask, told.Ballot, is.Value.Ask, is.Ballot)
		}
	}
	if len(votes) > 0 {
		return fmt.Errorf("it tells of a vote in slot %d, where it has none", votes[0].Index)
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
	n.promised = f.model.acceptor(f.Event.Node).promised
	n.last, n.applied = n.lastSure, n.flushed
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
	case "Prepare", "Accept", "Chosen", "Heartbeat":
		if owner(m.ballot) != f.Event.Node {
			return fmt.Errorf("it says so in ballot %d, which is of %d", m.ballot, owner(m.ballot))
		}
	}
	switch m.kind {
	case "Prepare":
		if !f.model.prepares[m.ballot] {
			return f.do("Prepare", m.ballot, 0, Value{})
		}
	case "Accept":
		if err := f.know(m.commit); err != nil {
			return err
		}
		return f.propose(m.ballot, m.entries)
	case "Promise":
		if _, ok := f.model.promises[m.ballot][f.Event.Node]; !ok {
			return fmt.Errorf("it says that it promised %d, and did not", m.ballot)
		}
		if err := f.isDecided(m.entries); err != nil {
			return err
		}
		hi := m.upto
		if !m.more {
			hi = ^uint64(0)
		}
		return f.shows(m.votes, m.after+uint64(len(m.entries)), hi)
	case "Accepted":
		return f.accepted(m)
	case "Chosen", "Heartbeat":
		return f.know(m.commit)
	case "HeartbeatReply":
		return f.know(m.decided)
	}
	return nil
}

// accepted requires of an answer that its sender has all of which it tells.
func (f *mapping) accepted(m *message) error {
	has := f.model.acceptor(f.Event.Node).accepted
	for slot := uint64(len(f.executed())) + 1; slot <= m.match; slot++ {
		if at(has, slot).Ballot == m.ballot {
			continue
		}
		if err := f.know(slot); err != nil {
			return fmt.Errorf("it says that it accepted slot %d in ballot %d: %w", slot, m.ballot, err)
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
			return fmt.Errorf("it hands over slot %d after %d", e.Index, n.applied)
		}
		if err := f.isDecided([]steps.Entry{e}); err != nil {
			return err
		}
		n.applied++
	}
	return nil
}

// Show implements steps.Mapping.
func (f *mapping) Show() error {
	e, n := f.Event, f.node()
	n.begins, n.loaded = false, nil
	if n.applied > 0 {
		f.Saw(&seen{e.Node, n.applied, f.executed()[n.applied-1]})
	}
	if e.Epoch != n.promised || e.Last != n.last || e.Commit != n.applied {
		return fmt.Errorf("the replica shows ballot %d, last %d, commit %d; it ought to show %d, %d, %d",
			e.Epoch, e.Last, e.Commit, n.promised, n.last, n.applied)
	}
	return nil
}
