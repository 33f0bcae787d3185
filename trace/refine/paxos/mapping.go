package paxos

import (
	"errors"
	"fmt"
	"strings"

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
	promised uint64 // saved last, if not yet durable
	voted    uint64
	applied  uint64 // 1: the application has the decree
	flushed  uint64 // and what it has made durable
	decided  bool   // a checkpoint with the decree stands for all votes
	value    string // the decree
}

// A record is one on its way to the disk.
type record struct {
	message
	own bool // a ballot that is begun here
}

// A message is one of the protocol, or a record.
type message struct {
	kind                    string
	ballot, voted, promised uint64
	value                   string
	chosen                  bool
}

// none is what a step answers: no action depends on it.
type none struct{}

func begin(founders []process.ID, r *steps.Run) steps.Mapping[record, none] {
	return &mapping{r, NewModel(founders), map[process.ID]*node{}}
}

func parse(kind, text string) (m message, err error) {
	text, value, _ := strings.Cut(text, "Value=")
	m.kind = kind
	if kind == "Checkpoint" {
		value, m.chosen = strings.CutSuffix(value, " Chosen")
	}
	m.value = value
	x, err := steps.ParseFields(text)
	if err != nil {
		return m, err
	}
	n, err := x.Numbers("Ballot", "Voted", "Promised")
	if err == nil {
		m.ballot, m.voted, m.promised = n[0], n[1], n[2]
	}
	return m, err
}

// owner is who alone may begin a ballot: its lower 16 bits say so.
func owner(ballot uint64) process.ID { return process.ID(ballot) }

func (f *mapping) node() *node {
	n := f.nodes[f.Event.Node]
	if n == nil {
		n = new(node)
		f.nodes[f.Event.Node] = n
	}
	return n
}

// do takes a step of the specification.
func (f *mapping) do(name string, ballot uint64, value string) error {
	a := &Action{name, f.Event.Node, ballot, value}
	if err := f.model.Do(a); err != nil {
		return err
	}
	f.Did(a)
	return nil
}

// Begin implements steps.Mapping.
func (f *mapping) Begin() (none, error) { return none{}, nil }

// Save implements steps.Mapping.
func (f *mapping) Save(x *trace.Effect, _ none) (record, error) {
	m, err := parse(x.Msg, x.Fields)
	r := record{message: m}
	n := f.node()
	switch {
	case err != nil:
	case m.kind == "Prepare":
		r.own = owner(m.ballot) == f.Event.Node
		n.promised = m.ballot
	case m.kind == "Accept":
		n.promised, n.voted = m.ballot, m.ballot
	case m.kind == "Checkpoint":
		if !m.chosen && (m.promised != n.promised || m.voted != n.voted) {
			err = fmt.Errorf("it saves a promise of %d and a vote in %d, where it has %d and %d",
				m.promised, m.voted, n.promised, n.voted)
		}
	default:
		err = fmt.Errorf("%w: there is no record %s", trace.ErrForm, x.Msg)
	}
	return r, err
}

// Durable implements steps.Mapping: here acceptors act.
func (f *mapping) Durable(r record) error {
	switch {
	case r.kind == "Prepare":
		if r.own {
			if err := f.do("Prepare", r.ballot, ""); err != nil {
				return err
			}
		}
		return f.do("Promise", r.ballot, "")
	case r.kind == "Accept":
		return f.do("Accept", r.ballot, r.value)
	case r.chosen:
		f.node().decided = true
		return f.isChosen(r.value)
	}
	if v := f.model.accepted[f.Event.Node]; v != (Vote{r.voted, r.value}) {
		return fmt.Errorf("it saves a vote in ballot %d for %q, where it has one in %d for %q",
			r.voted, r.value, v.Ballot, v.Value)
	}
	return nil
}

// Crash implements steps.Mapping.
func (f *mapping) Crash(kept []record) error {
	for _, r := range kept {
		if err := f.Durable(r); err != nil {
			return err
		}
	}
	n := f.node()
	n.promised, n.voted = f.model.promised[f.Event.Node], f.model.accepted[f.Event.Node].Ballot
	if n.decided {
		n.promised, n.voted = 0, 0
	}
	n.applied = n.flushed
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
	said := true
	switch m.kind {
	case "Prepare":
		if owner(m.ballot) != f.Event.Node {
			return fmt.Errorf("it begins ballot %d, which is of %d", m.ballot, owner(m.ballot))
		}
		if !f.model.prepares[m.ballot] {
			return f.do("Prepare", m.ballot, "")
		}
	case "Accept":
		if v, ok := f.model.accepts[m.ballot]; !ok || v != m.value {
			return f.do("Propose", m.ballot, m.value)
		}
	case "Promise":
		var v Vote
		v, said = f.model.promises[m.ballot][f.Event.Node]
		said = said && v == Vote{m.voted, m.value}
	case "Accepted":
		said = f.model.votes[Vote{m.ballot, m.value}][f.Event.Node]
	case "Chosen":
		return f.isChosen(m.value)
	}
	if !said {
		return fmt.Errorf("it sends %s {%s} to %d, which is not what it may say", x.Msg, x.Fields, x.To)
	}
	return nil
}

func (f *mapping) isChosen(value string) error {
	if !f.model.Chosen(value) {
		return fmt.Errorf("%q is not chosen", value)
	}
	return nil
}

// Commit implements steps.Mapping.
func (f *mapping) Commit(x *trace.Effect, _ none) error {
	n := f.node()
	if n.applied > 0 || len(x.Entries) != 1 {
		return errors.New("it hands over more than one decree")
	}
	e, err := steps.ParseEntry(x.Entries[0])
	if err != nil {
		return err
	}
	n.applied, n.value = 1, e.Text
	return f.isChosen(e.Text)
}

// Show implements steps.Mapping.
func (f *mapping) Show() error {
	e, n := f.Event, f.node()
	last := n.applied
	if n.voted > 0 {
		last = 1
	}
	if n.applied > 0 && n.value != "" {
		f.Saw(&seen{e.Node, n.value})
	}
	if e.Commit != n.applied || e.Last != last || e.Epoch < n.promised {
		return fmt.Errorf("the replica shows ballot %d, last %d, commit %d; it ought to show %d at least, %d, %d",
			e.Epoch, e.Last, e.Commit, n.promised, last, n.applied)
	}
	return nil
}
