package raft

import (
	"errors"
	"fmt"

	"althing/process"
	"althing/trace"
	"althing/trace/refine/steps"
)

// A mapping is where in the specification a run is.
type mapping struct {
	*steps.Run
	model  *Model
	states map[departure]*Message // applications' states on their way
}

// departure names a message with a state by the event that it left in.
type departure struct {
	event    uint64
	from, to process.ID
}

// seen is a replica from outside.
type seen struct {
	Server             process.ID
	Role               Role
	Term, Last, Commit uint64
}

// By implements steps.Shown.
func (s *seen) By() process.ID { return s.Server }

// begin is the mapping of a run that begins with founders.
func begin(founders []process.ID, r *steps.Run) steps.Mapping[int, *Message] {
	return &mapping{r, NewModel(founders), map[departure]*Message{}}
}

func (f *mapping) server() *Server { return f.model.Server(f.Event.Node) }

// do takes a step of the specification.
func (f *mapping) do(a Action) error {
	a.Server = f.Event.Node
	if err := f.model.Do(&a); err != nil {
		return err
	}
	f.Did(&a)
	return nil
}

// Begin implements steps.Mapping: a step answers the specification's message that
// it is given. Who shows that it leads has become so.
func (f *mapping) Begin() (*Message, error) {
	cause, err := f.received(f.Event)
	if err == nil && f.Event.Role == string(Leader) && f.server().Role != Leader {
		err = f.do(Action{Name: "BecomeLeader"})
	}
	return cause, err
}

// Durable implements steps.Mapping: a record is one or more of the specification's.
func (f *mapping) Durable(records int) error {
	for range records {
		if err := f.do(Action{Name: "Sync"}); err != nil {
			return err
		}
	}
	return nil
}

// Crash implements steps.Mapping.
func (f *mapping) Crash(records []int) error {
	kept := uint64(1)
	for _, k := range records {
		kept += uint64(k)
	}
	return f.do(Action{Name: "Crash", N: kept})
}

// Flush implements steps.Mapping.
func (f *mapping) Flush() error { return f.do(Action{Name: "Flush"}) }

// Show implements steps.Mapping: the replica shows what the specification has.
func (f *mapping) Show() error {
	e := f.Event
	shown := seen{e.Node, Role(e.Role), e.Epoch, e.Last, e.Commit}
	if shown.Role == "pre-candidate" {
		shown.Role = Follower
	}
	if shown.Role == Follower && f.server().Role != Follower {
		if err := f.do(Action{Name: "StepDown"}); err != nil {
			return err
		}
	}
	s := f.server()
	f.Saw(&shown)
	if is := (seen{e.Node, s.Role, s.last().Term, uint64(len(s.last().Log)), s.Commit}); is != shown {
		return fmt.Errorf("the replica is %s, term %d, last %d, commit %d; "+
			"it ought to be %s, term %d, last %d, commit %d",
			shown.Role, shown.Term, shown.Last, shown.Commit, is.Role, is.Term, is.Last, is.Commit)
	}
	return nil
}

// Commit implements steps.Mapping.
func (f *mapping) Commit(x *trace.Effect, cause *Message) error {
	s := f.server()
	for i, text := range x.Entries {
		n := s.Commit + uint64(i) + 1
		e, err := parseEntry(text, n)
		if err != nil {
			return err
		}
		if l := s.last().Log; n > uint64(len(l)) || !l[n-1].same(&e) {
			return fmt.Errorf("it hands over %q, which is not entry %d of its log", text, n)
		}
	}
	to := s.Commit + uint64(len(x.Entries))
	if s.Role == Leader {
		return f.do(Action{Name: "AdvanceCommit", N: to})
	}
	if cause == nil {
		return fmt.Errorf("it commits %d, and nobody told it", to)
	}
	if err := f.do(Action{Name: "LearnCommit", Message: cause}); err != nil {
		return err
	}
	if s.Commit != to {
		return fmt.Errorf("it commits %d, where the message says %d", to, s.Commit)
	}
	return nil
}

// received is the specification's message that an event delivers; nil if it
// delivers none, or one of which the specification does not speak.
func (f *mapping) received(e *trace.Event) (*Message, error) {
	if e.Kind != "deliver" {
		return nil, nil
	}
	if e.Msg == "InstallSnapshot" {
		m := f.states[departure{e.Sent, e.From, e.Node}]
		if m == nil {
			return nil, fmt.Errorf("nobody sent that application's state in event %d", e.Sent)
		}
		return m, nil
	}
	return message(e.Msg, e.Fields, e.From, e.Node)
}

// message is the specification's form of a message; nil if it speaks of none such:
// of a refusal, of what is asked before an election, of a heartbeat that says
// nothing, of the answer to one.
func message(kind, text string, from, to process.ID) (*Message, error) {
	x, err := fields(text)
	if err != nil {
		return nil, err
	}
	n, err := x.Numbers("Term", "LastIndex", "LastTerm", "Prev", "PrevTerm", "Commit", "Match")
	if err != nil {
		return nil, err
	}
	m := &Message{Term: n[0], From: from, To: to}
	switch {
	case kind == "RequestVote":
		m.Type, m.To, m.Index, m.IndexTerm = kind, 0, n[1], n[2]
	case kind == "Vote" && x.Is("Granted"):
		m.Type = kind
	case kind == "AppendEntries":
		m.Type, m.To, m.Index, m.IndexTerm, m.Entries, m.Commit = "Append", 0, n[3], n[4], x.entries, n[5]
		if len(x.entries) > 0 && x.first != m.Index+1 {
			return nil, fmt.Errorf("%w: entries from %d follow %d", trace.ErrForm, x.first, m.Index)
		}
	case kind == "AppendReply" && x.Is("OK"):
		m.Type, m.Match = "Ack", n[6]
	case kind == "Heartbeat" && n[5] > 0:
		m.Type, m.Commit = kind, n[5]
	case kind == "InstallSnapshot":
		m.Type, m.To = "Snapshot", 0
	default:
		return nil, nil
	}
	return m, nil
}

// Save implements steps.Mapping: it returns how many of the specification's records
// a record is.
func (f *mapping) Save(x *trace.Effect, cause *Message) (int, error) {
	if x.Kind == "LoadState" {
		return 1, f.do(Action{Name: "InstallSnapshot", Message: cause})
	}
	p, err := fields(x.Fields)
	if err != nil {
		return 0, err
	}
	n, err := p.Numbers("Term", "Vote", "Prev", "Base", "BaseTerm")
	if err != nil {
		return 0, err
	}
	switch x.Msg {
	case "HardState":
		return 1, f.saveTerm(n[0], process.ID(n[1]), cause)
	case "Entries":
		return f.saveEntries(n[2], p.entries, cause)
	case "Checkpoint":
		return 0, f.checkpoint(n, p.entries)
	}
	return 0, fmt.Errorf("%w: there is no record %s", trace.ErrForm, x.Msg)
}

func (f *mapping) saveTerm(term uint64, vote process.ID, cause *Message) error {
	a := Action{Name: "UpdateTerm", Term: term}
	switch was := f.server().last().Term; {
	case vote == f.Event.Node:
		a = Action{Name: "Timeout"}
	case vote != 0 && cause != nil:
		a = Action{Name: "GrantVote", Message: cause}
	case vote != 0:
		return errors.New("it votes, and nobody asked")
	case term < was:
		return fmt.Errorf("it goes back from term %d to %d", was, term)
	}
	if err := f.do(a); err != nil {
		return err
	}
	if r := f.server().last(); r.Term != term || r.Vote != vote {
		return fmt.Errorf("it saves term %d and a vote for %d, where the step is to term %d and %d",
			term, vote, r.Term, r.Vote)
	}
	return nil
}

func (f *mapping) saveEntries(prev uint64, entries []Entry, cause *Message) (int, error) {
	s := f.server()
	if s.Role != Leader {
		if cause == nil {
			return 0, errors.New("its log grows, though it does not lead and nobody sent anything")
		}
		old := s.last().Log
		if err := f.do(Action{Name: "AcceptAppend", Message: cause}); err != nil {
			return 0, err
		}
		end := prev + uint64(len(entries))
		if l := s.last().Log; prev > uint64(len(old)) || end != uint64(len(l)) ||
			!equal(l[:prev], old[:prev]) || !equal(l[prev:], entries) {
			return 0, fmt.Errorf("its log becomes what it was up to %d and %d entries, of %d in all; "+
				"it ought to become one of %d entries", prev, len(entries), end, len(l))
		}
		return 1, nil
	}
	if last := uint64(len(s.last().Log)); prev != last {
		return 0, fmt.Errorf("it leads, and changes its log from %d on, of %d", prev, last)
	}
	for _, e := range entries {
		a := Action{Name: "Propose", Entry: e}
		if len(e.Voters) > 0 {
			a.Name = "ChangeGroup"
		}
		if err := f.do(a); err != nil {
			return 0, err
		}
	}
	return len(entries), nil
}

// checkpoint requires that a record which stands for all others says the same.
func (f *mapping) checkpoint(n []uint64, entries []Entry) error {
	r := f.server().last()
	term, vote, base, baseTerm := n[0], process.ID(n[1]), n[3], n[4]
	if term != r.Term || vote != r.Vote || !has(r.Log, base, baseTerm) || !equal(r.Log[base:], entries) {
		return fmt.Errorf("it saves term %d, a vote for %d and %d entries after %d of term %d, where it has term %d, "+
			"a vote for %d and a log of %d", term, vote, len(entries), base, baseTerm, r.Term, r.Vote, len(r.Log))
	}
	return nil
}

// Leave implements steps.Mapping.
func (f *mapping) Leave(x *trace.Effect, cause *Message) error {
	m, err := message(x.Msg, x.Fields, f.Event.Node, x.To)
	if err != nil {
		return err
	}
	a, ok := f.sending(m, cause)
	if !ok {
		// It still names a term, of which others may hear in this way alone.
		if t := f.server().durable().Term; !f.model.terms[t] {
			return f.do(Action{Name: "TellTerm"})
		}
		return nil
	}
	if err := f.do(a); err != nil {
		return err
	}
	if m.Type == "Snapshot" {
		s := f.server()
		m.Entries = s.last().Log[:s.Commit:s.Commit]
		f.states[departure{f.Event.Seq, f.Event.Node, x.To}] = m
	}
	if !f.model.sent(m) {
		return fmt.Errorf("it sends %s {%s} to %d, which is not what it may say", x.Msg, x.Fields, x.To)
	}
	return nil
}

// sending is the action that sends m.
func (f *mapping) sending(m *Message, cause *Message) (a Action, ok bool) {
	if m == nil {
		return Action{}, false
	}
	switch m.Type {
	case "RequestVote":
		return Action{Name: "AskVotes"}, true
	case "Vote":
		return Action{Name: "SendVote"}, true
	case "Append":
		return Action{Name: "SendAppend", Prev: m.Index, N: uint64(len(m.Entries))}, true
	case "Heartbeat":
		return Action{Name: "SendHeartbeat", To: m.To, N: m.Commit}, true
	case "Snapshot":
		return Action{Name: "SendSnapshot", Term: m.Term}, true
	}
	switch d := f.server().durable(); {
	case m.Match == 0:
		return Action{}, false // it says nothing
	case m.To == m.From:
		return Action{Name: "AcknowledgeOwn", N: m.Match}, true
	case cause != nil && cause.Type == "Append" && cause.From == m.To && cause.end() == m.Match:
		return Action{Name: "Acknowledge", Message: cause}, true
	case has(d.Log, m.Match, termAt(d.Log, min(m.Match, uint64(len(d.Log))))) && termAt(d.Log, m.Match) > m.Term:
		// A state that left late brought entries of a later term than its leader's,
		// who leads no longer: what is answered is of no use to anybody.
		return Action{}, false
	}
	return Action{Name: "AcknowledgeCommitted", To: m.To, N: m.Match}, true
}
