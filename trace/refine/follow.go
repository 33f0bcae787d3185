package refine

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"althing/process"
	"althing/trace"
)

// A Step is what the specification makes of an event.
type Step struct {
	Event   uint64 // its number
	Actions []Action
	// Seen is what the replica showed afterwards; nil if the event shows nothing.
	Seen *Seen
}

// Seen is a replica from outside.
type Seen struct {
	Server             process.ID
	Role               Role
	Term, Last, Commit uint64
}

// A Deviation is the first event of a run that the specification does not allow.
type Deviation struct {
	Event trace.Event
	Err   error // a *Refusal, or what the replica showed that is not so
}

// Error says which event it is, and why.
func (d *Deviation) Error() string {
	return fmt.Sprintf("event %d, %s: %v", d.Event.Seq, &d.Event, d.Err)
}

// Unwrap returns why.
func (d *Deviation) Unwrap() error { return d.Err }

// Follow reads a trace of Raft to its end, or to where its simulation found a
// violation, and hands each event to each as steps of the specification. It
// returns a *Deviation if an event is none, or an error that wraps trace.ErrForm
// if the trace cannot be read; each may be nil.
func Follow(t *trace.Reader, each func(*Step)) error {
	_, err := follow(t, each)
	return err
}

// follow is Follow. It returns the founders too: the replicas that start before
// anything else happens.
func follow(t *trace.Reader, each func(*Step)) (founders []process.ID, err error) {
	if p := t.Header().Protocol; p != "raft" {
		return nil, fmt.Errorf("%w: of raft, but of %q", trace.ErrForm, p)
	}
	var early []trace.Event
	for e, err := t.Next(); ; e, err = t.Next() {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		early = append(early, e)
		if err == nil && e.Kind == "start" {
			founders = append(founders, e.Node)
		} else if err != nil || e.Kind != "clock" {
			break
		}
	}
	f := newFollower(founders)
	for i := range early {
		if err := f.follow(&early[i], each); err != nil {
			return founders, err
		}
	}
	for {
		e, err := t.Next()
		if errors.Is(err, io.EOF) {
			return founders, nil
		}
		if err == nil {
			err = f.follow(&e, each)
		}
		if err != nil {
			return founders, err
		}
	}
}

// A follower knows where in the specification the run is, and what of the run is
// below what the specification speaks of: records of a disk, messages that wait.
type follower struct {
	model  *Model
	nodes  map[process.ID]*node
	states map[departure]*Message // applications' states on their way
	ev     *trace.Event
	step   Step
}

// A node is what is known of a replica besides its variables.
type node struct {
	records []int // unsynced, oldest first: how many records of the specification each is
	held    []held
	gone    bool
}

// held is a message that waits until so many of the records are durable.
type held struct {
	behind int
	effect trace.Effect
	cause  *Message // what it answers
}

// departure names a message with a state by the event that it left in.
type departure struct {
	event    uint64
	from, to process.ID
}

func newFollower(founders []process.ID) *follower {
	return &follower{
		model: NewModel(founders), nodes: map[process.ID]*node{}, states: map[departure]*Message{},
	}
}

func (f *follower) follow(e *trace.Event, each func(*Step)) error {
	f.ev, f.step = e, Step{Event: e.Seq}
	err := f.explain(e)
	if err != nil && !errors.Is(err, trace.ErrForm) {
		err = &Deviation{*e, err}
	}
	if err == nil && each != nil {
		each(&f.step)
	}
	return err
}

func (f *follower) node(id process.ID) *node {
	n := f.nodes[id]
	if n == nil {
		n = new(node)
		f.nodes[id] = n
	}
	return n
}

// do takes a step of the specification.
func (f *follower) do(a Action) error {
	a.Server = f.ev.Node
	if err := f.model.Do(&a); err != nil {
		return err
	}
	f.step.Actions = append(f.step.Actions, a)
	return nil
}

func (f *follower) explain(e *trace.Event) error {
	switch e.Kind {
	case "start", "restart", "join", "deliver", "timeout", "submit", "compact":
		if f.node(e.Node).gone {
			return errors.New("it lost its disk, and is here again")
		}
		return f.stepped(e)
	case "sync":
		return f.synced(e)
	case "crash", "flushfail":
		return f.crashed(e)
	case "losedisk":
		f.node(e.Node).gone = true
		return f.crashed(e)
	case "flush":
		return f.do(Action{Name: "Flush"})
	case "violation":
		if strings.HasPrefix(e.Note, "Panic:") {
			return errors.New("the replica did not get through its step")
		}
	}
	return nil
}

// synced makes records durable one by one, and lets go what waited for each.
func (f *follower) synced(e *trace.Event) error {
	n := f.node(e.Node)
	if e.N > len(n.records) {
		return fmt.Errorf("%d records become durable, of %d", e.N, len(n.records))
	}
	left := 0
	for range e.N {
		for range n.records[0] {
			if err := f.do(Action{Name: "Sync"}); err != nil {
				return err
			}
		}
		n.records = n.records[1:]
		for i := range n.held {
			n.held[i].behind--
		}
		for len(n.held) > 0 && n.held[0].behind == 0 {
			h := n.held[0]
			n.held = n.held[1:]
			left++
			if err := f.leave(&h.effect, h.cause); err != nil {
				return err
			}
		}
	}
	if left != len(e.Effects) {
		return fmt.Errorf("%d messages leave, but %d waited for these records", len(e.Effects), left)
	}
	return nil
}

// crashed lets a replica begin again with the records that survived.
func (f *follower) crashed(e *trace.Event) error {
	n := f.node(e.Node)
	if e.N > len(n.records) {
		return fmt.Errorf("%d records survive, of %d", e.N, len(n.records))
	}
	kept := uint64(1)
	for _, k := range n.records[:e.N] {
		kept += uint64(k)
	}
	n.records, n.held = nil, nil
	return f.do(Action{Name: "Crash", N: kept})
}

// stepped explains the effects of a Step in their order.
func (f *follower) stepped(e *trace.Event) error {
	cause, err := f.received(e)
	if err != nil {
		return err
	}
	if e.Role == string(Leader) && f.server().Role != Leader {
		if err := f.do(Action{Name: "BecomeLeader"}); err != nil {
			return err
		}
	}
	for i := range e.Effects {
		if err := f.effect(&e.Effects[i], cause); err != nil {
			return err
		}
	}
	if e.Role == "" {
		return nil // the simulation ended within it
	}
	return f.compare(e)
}

func (f *follower) server() *Server { return f.model.Server(f.ev.Node) }

// compare requires that the replica shows what the specification has.
func (f *follower) compare(e *trace.Event) error {
	seen := Seen{e.Node, Role(e.Role), e.Epoch, e.Last, e.Commit}
	if seen.Role == "pre-candidate" {
		seen.Role = Follower
	}
	if seen.Role == Follower && f.server().Role != Follower {
		if err := f.do(Action{Name: "StepDown"}); err != nil {
			return err
		}
	}
	s := f.server()
	f.step.Seen = &seen
	if is := (Seen{e.Node, s.Role, s.last().Term, uint64(len(s.last().Log)), s.Commit}); is != seen {
		return fmt.Errorf("the replica is %s, term %d, last %d, commit %d; "+
			"it ought to be %s, term %d, last %d, commit %d",
			seen.Role, seen.Term, seen.Last, seen.Commit, is.Role, is.Term, is.Last, is.Commit)
	}
	return nil
}

// effect explains one effect, which answers cause.
func (f *follower) effect(x *trace.Effect, cause *Message) error {
	n := f.node(f.ev.Node)
	switch x.Kind {
	case "Save", "Checkpoint":
		count, err := f.save(x, cause)
		n.records = append(n.records, count)
		return err
	case "LoadState":
		n.records = append(n.records, 1)
		return f.do(Action{Name: "InstallSnapshot", Message: cause})
	case "Send", "SendState", "SendNow":
		if x.Kind != "SendNow" && len(n.records) > 0 {
			n.held = append(n.held, held{len(n.records), *x, cause})
			return nil
		}
		return f.leave(x, cause)
	case "Commit":
		return f.commit(x, cause)
	}
	return nil // timers, answers and refusals are not spoken of
}

// commit explains entries handed to the application.
func (f *follower) commit(x *trace.Effect, cause *Message) error {
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
