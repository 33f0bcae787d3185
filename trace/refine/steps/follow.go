package steps

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"althing/process"
	"althing/trace"
)

// An Action is a step of a specification, with its parameters.
type Action interface {
	// By is who takes it; 0 if nobody does.
	By() process.ID
	// Record is the action as the module that reads runs has it, without brackets:
	//	a |-> "Sync", i |-> 2
	Record() string
}

// A Shown is what a replica shows of itself, as Record has it for an Action.
type Shown interface {
	By() process.ID
	Record() string
}

// A Step is what the specification makes of an event.
type Step struct {
	Event   uint64 // its number
	Actions []Action
	// Seen is what the replica showed afterwards; nil if the event shows nothing.
	Seen Shown
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

// A Refusal says that an action is not one of the specification's in this state.
type Refusal struct {
	Action string
	By     process.ID
	Guard  string // what does not hold
}

// Error names the action, who would take it, and the guard.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s by %d: not allowed: %s", r.Action, r.By, r.Guard)
}

// A Mapping says which actions the events of a protocol's runs stand for, and does
// them on a model of the specification, of which it tells Run. It is all that
// knows both. R is what it wants to know of a record on its way to the disk, C of
// a message that a step answers.
//
// An error is that the event is not allowed; or, if it wraps trace.ErrForm, that
// it cannot be read.
type Mapping[R, C any] interface {
	// Begin is called before the effects of a step: of a replica that begins, gets a
	// message, hears of a timer or of a request, or is to compact its log.
	Begin() (C, error)
	// Save explains a record: a Save, a Checkpoint or a LoadState.
	Save(x *trace.Effect, cause C) (R, error)
	// Leave explains a message that leaves, now or after it has waited for the disk.
	Leave(x *trace.Effect, cause C) error
	// Commit explains entries that are handed to the application.
	Commit(x *trace.Effect, cause C) error
	// Show is called after the effects, and compares what the replica shows.
	Show() error
	// Durable is called when a record is.
	Durable(r R) error
	// Crash is called when a replica stops: of what was on its way to the disk, kept
	// is there.
	Crash(kept []R) error
	// Flush is called when the application of a replica is durable.
	Flush() error
}

// A Run is where in a trace a Mapping is.
type Run struct {
	Event *trace.Event
	step  Step
}

// Did notes that the event stands for an action, after those before.
func (r *Run) Did(a Action) { r.step.Actions = append(r.step.Actions, a) }

// Saw notes what the replica shows after the event.
func (r *Run) Saw(s Shown) { r.step.Seen = s }

// A Specification is one that runs of a protocol can be held against. New makes it.
type Specification struct {
	// Module is the name of its file in package spec, without ending. The one that
	// reads runs has "Trace" before it.
	Module string
	// Config returns what TLC is told of a run besides its steps.
	Config func(*Cast) (config, definitions []string)

	follow func(t *trace.Reader, each func(*Step)) (founders []process.ID, err error)
}

// A Cast is who and what occurs in a run.
type Cast struct {
	Founders []process.ID // the replicas that it begins with
	All      []process.ID
	Actions  []Action
}

// New returns the specification of a module, given what TLC is told of a run: lines
// of its configuration, and of the module; and what makes the mapping for a run that
// begins with founders.
func New[R, C any](module string, config func(*Cast) (config, definitions []string),
	begin func(founders []process.ID, r *Run) Mapping[R, C]) *Specification {
	return &Specification{module, config,
		func(t *trace.Reader, each func(*Step)) ([]process.ID, error) { return follow(t, begin, each) }}
}

// Follow reads a trace to its end, or to where its simulation found a violation, and
// hands each event to each as steps of the specification; each may be nil. It
// returns a *Deviation if an event is none, or an error that wraps trace.ErrForm if
// the trace cannot be read.
func (s *Specification) Follow(t *trace.Reader, each func(*Step)) error {
	_, err := s.follow(t, each)
	return err
}

// follow is Follow. It returns the founders too: the replicas that start before
// anything else happens.
func follow[R, C any](t *trace.Reader, begin func([]process.ID, *Run) Mapping[R, C],
	each func(*Step)) (founders []process.ID, err error) {
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
	f := &follower[R, C]{nodes: map[process.ID]*node[R, C]{}}
	f.mapping = begin(founders, &f.run)
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

// A follower knows what of a run is below what specifications speak of: records of a
// disk, messages that wait for them.
type follower[R, C any] struct {
	mapping Mapping[R, C]
	nodes   map[process.ID]*node[R, C]
	run     Run
}

// A node is what is known of a replica.
type node[R, C any] struct {
	records []R // unsynced, oldest first
	held    []held[C]
	gone    bool
}

// held is a message that waits until so many of the records are durable.
type held[C any] struct {
	behind int
	effect trace.Effect
	cause  C // what it answers
}

func (f *follower[R, C]) follow(e *trace.Event, each func(*Step)) error {
	f.run = Run{e, Step{Event: e.Seq}}
	n := f.nodes[e.Node]
	if n == nil {
		n = new(node[R, C])
		f.nodes[e.Node] = n
	}
	err := f.explain(e, n)
	if err != nil && !errors.Is(err, trace.ErrForm) {
		err = &Deviation{*e, err}
	}
	if err == nil && each != nil {
		each(&f.run.step)
	}
	return err
}

func (f *follower[R, C]) explain(e *trace.Event, n *node[R, C]) error {
	switch e.Kind {
	case "start", "restart", "join", "deliver", "timeout", "submit", "compact":
		if n.gone {
			return errors.New("it lost its disk, and is here again")
		}
		return f.stepped(e, n)
	case "sync":
		return f.synced(e, n)
	case "crash", "flushfail":
		return f.crashed(e, n)
	case "losedisk":
		n.gone = true
		return f.crashed(e, n)
	case "flush":
		return f.mapping.Flush()
	case "violation":
		if strings.HasPrefix(e.Note, "Panic:") {
			return errors.New("the replica did not get through its step")
		}
	}
	return nil
}

// stepped explains the effects of a Step in their order.
func (f *follower[R, C]) stepped(e *trace.Event, n *node[R, C]) error {
	cause, err := f.mapping.Begin()
	for i := range e.Effects {
		if err != nil {
			return err
		}
		switch x := &e.Effects[i]; x.Kind {
		case "Save", "Checkpoint", "LoadState":
			var r R
			r, err = f.mapping.Save(x, cause)
			n.records = append(n.records, r)
		case "Send", "SendState", "SendNow":
			if x.Kind != "SendNow" && len(n.records) > 0 {
				n.held = append(n.held, held[C]{len(n.records), *x, cause})
				continue
			}
			err = f.mapping.Leave(x, cause)
		case "Commit":
			err = f.mapping.Commit(x, cause)
		default: // timers, answers and refusals are not spoken of
		}
	}
	if err != nil || e.Role == "" { // the simulation ended within it
		return err
	}
	return f.mapping.Show()
}

// synced makes records durable one by one, and lets go what waited for each.
func (f *follower[R, C]) synced(e *trace.Event, n *node[R, C]) error {
	if e.N > len(n.records) {
		return fmt.Errorf("%d records become durable, of %d", e.N, len(n.records))
	}
	left := 0
	for range e.N {
		r := n.records[0]
		n.records = n.records[1:]
		if err := f.mapping.Durable(r); err != nil {
			return err
		}
		for i := range n.held {
			n.held[i].behind--
		}
		for len(n.held) > 0 && n.held[0].behind == 0 {
			h := n.held[0]
			n.held = n.held[1:]
			left++
			if err := f.mapping.Leave(&h.effect, h.cause); err != nil {
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
func (f *follower[R, C]) crashed(e *trace.Event, n *node[R, C]) error {
	if e.N > len(n.records) {
		return fmt.Errorf("%d records survive, of %d", e.N, len(n.records))
	}
	kept := n.records[:e.N]
	n.records, n.held = nil, nil
	return f.mapping.Crash(kept)
}
