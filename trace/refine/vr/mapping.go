package vr

import (
	"errors"
	"fmt"
	"slices"

	"althing/process"
	"althing/trace"
	"althing/trace/refine/steps"
)

// A mapping is where in the specification a run is.
type mapping struct {
	*steps.Run
	model  *Model
	nodes  map[process.ID]*node
	images map[departure]*Message // applications' states on their way
	over   bool                   // another group is asked for
}

// A node is what a replica works with, besides what the specification has of it.
type node struct {
	first, saved int // numbers of records of the specification: the durable one, the last saved
	early        []*Message
	answered     bool // the recovery
	pending      int  // records on their way to the disk
}

// departure names a message with a state by the event that it left in.
type departure struct {
	event    uint64
	from, to process.ID
}

// seen is a replica from outside.
type seen struct {
	replica            process.ID
	role               Role
	view, last, commit uint64
}

// By implements steps.Shown.
func (s *seen) By() process.ID { return s.replica }

func begin(diskless bool) func([]process.ID, *steps.Run) steps.Mapping[int, *Message] {
	return func(founders []process.ID, r *steps.Run) steps.Mapping[int, *Message] {
		return &mapping{Run: r, model: NewModel(len(founders), diskless),
			nodes: map[process.ID]*node{}, images: map[departure]*Message{}}
	}
}

// replica is the one that the event is of; nil if it is not spoken of, as it is in no
// group yet, or nothing is any more.
func (f *mapping) replica() *Replica {
	if f.over {
		return nil
	}
	return f.model.replicas[f.Event.Node]
}

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
	a.Replica = f.Event.Node
	if err := f.model.Do(&a); err != nil {
		return err
	}
	f.Did(&a)
	return nil
}

// Begin implements steps.Mapping: what the replica shows when the step is over says
// what it does in it, and in which order is the same always.
func (f *mapping) Begin() (*Message, error) {
	e, r := f.Event, f.replica()
	if r == nil {
		return nil, nil
	}
	cause, err := f.received(e)
	if err != nil {
		return nil, err
	}
	requests, err := f.requests()
	if f.over = f.over || e.Role == ""; err != nil || f.over {
		return nil, err
	}
	if e.Kind == "submit" { // an order to hand over comes after what was asked before: see Save
		for _, text := range requests {
			if err := f.do(Action{Name: "Request", Op: text}); err != nil {
				return cause, err
			}
		}
		return cause, nil
	}
	for _, part := range []func(*Replica, *Message) error{f.changeView, f.takeAll, f.beginView} {
		if err := part(r, cause); err != nil {
			return cause, err
		}
	}
	return cause, nil
}

// requests are those that a primary takes in. With the first for another group the
// specification ends.
func (f *mapping) requests() (taken []string, err error) {
	var refused []string
	for i := range f.Event.Effects {
		if x := &f.Event.Effects[i]; x.Kind == "Refuse" {
			refused = append(refused, x.Entries...)
		}
	}
	for _, text := range slices.Backward(f.Event.Reqs) { // what is asked twice is refused later
		if i := slices.Index(refused, text); i >= 0 {
			refused = slices.Delete(refused, i, i+1)
			continue
		}
		voters, _, err := steps.Members(text)
		if err != nil {
			return nil, err
		}
		f.over = f.over || voters != nil
		if !special(text) {
			taken = append(taken, text)
		}
	}
	slices.Reverse(taken)
	return taken, nil
}

// changeView goes to the view, and into the role, that the replica shows.
func (f *mapping) changeView(r *Replica, cause *Message) error {
	e, n := f.Event, f.node()
	if r.Role == Recovering && cause != nil && cause.Type == "RecoveryResponse" &&
		cause.Nonce == r.last().Life && cause.View >= r.last().View {
		n.answered = true
	}
	if e.Epoch > r.last().View {
		n.early = nil
		a := Action{Name: "Enter", View: e.Epoch}
		if r.Role == Recovering {
			if cause == nil {
				return errors.New("it recovers, and nobody answered")
			}
			a = Action{Name: "Recognize", Message: cause}
		}
		if err := f.do(a); err != nil {
			return err
		}
	}
	switch {
	case r.Role == ViewChange && e.Role == string(Backup):
		return f.do(Action{Name: "Follow"})
	case r.Role == Leading && e.Role != string(Leading):
		return f.do(Action{Name: "StepDown"})
	}
	return nil
}

// takeAll lets a log grow by what a message brings, and by those that came before it
// and fit now.
func (f *mapping) takeAll(r *Replica, cause *Message) error {
	e, n := f.Event, f.node()
	name := ""
	switch {
	case cause == nil || cause.View != r.last().View:
		return nil
	case r.Role == Backup && cause.From == f.model.primary(cause.View),
		r.Role == Recovering && n.answered && e.Msg == "NewState":
		name = "AcceptPrepare"
	case r.Role == ViewChange && cause.Type != "Prepare" &&
		f.model.best(e.Node, cause.View, func(b *Message) bool { return b.From == cause.From }):
		name = "Fetch"
	default:
		return nil
	}
	switch cause.Type {
	case "Image":
		if slices.ContainsFunc(e.Effects, func(x trace.Effect) bool { return x.Kind == "LoadState" }) {
			if err := f.do(Action{Name: "TakeImage", Message: cause}); err != nil {
				return err
			}
		}
	case "Prepare", "NewState":
		n.early = append(n.early, cause)
	}
	return f.takeEarly(r, cause, name)
}

// takeEarly takes those messages that fit, and keeps those that do not yet.
func (f *mapping) takeEarly(r *Replica, cause *Message, name string) error {
	e, n := f.Event, f.node()
	want := e.Last
	if e.Role == string(Leading) {
		want-- // the entry that the view begins with
	}
	for i := len(n.early) - 1; i >= 0; i-- {
		m, l := n.early[i], r.last().Log
		if !has(l, m.Prev, m.PrevView) {
			continue
		}
		if m != cause && (uint64(len(l)) >= want || m.end() > want) {
			continue // the replica has not kept it
		}
		n.early = slices.Delete(n.early, i, i+1)
		if _, changes := merge(l, m); !changes {
			continue
		}
		if err := f.do(Action{Name: name, Message: m}); err != nil {
			return err
		}
		i = len(n.early) // others may follow it
	}
	return nil
}

// beginView lets a replica take part, as a primary or recovered.
func (f *mapping) beginView(r *Replica, _ *Message) error {
	switch e := f.Event; {
	case r.Role == ViewChange && e.Role == string(Leading):
		f.node().early = nil
		return f.do(Action{Name: "StartView"})
	case r.Role == Recovering && e.Role == string(Backup):
		return f.do(Action{Name: "Recover"})
	}
	return nil
}

// Save implements steps.Mapping: it returns the number of the specification's record
// that is durable with this one.
func (f *mapping) Save(x *trace.Effect, _ *Message) (int, error) {
	r, n := f.replica(), f.node()
	if r == nil {
		return 0, nil
	}
	n.pending++
	m, err := parse(x.Msg, x.Fields)
	if err != nil {
		return 0, err
	}
	if f.Event.Kind == "submit" && x.Msg == "Lived" {
		if err := f.changeView(r, nil); err != nil {
			return 0, err
		}
	}
	var is func(x *Record) bool
	at := max(0, n.saved-n.first)
	was := r.Disk[at]
	switch begins := f.Event.Kind != "deliver" && f.Event.Kind != "compact"; {
	case x.Kind == "LoadState":
		is = func(x *Record) bool { return len(x.Kept) > len(was.Kept) }
	case x.Kind == "Checkpoint" && !(begins && f.model.diskless):
		return n.saved, f.checkpoint(&was, m)
	case x.Msg == "Lived":
		is = func(x *Record) bool { return x.View == m.view && x.Life == m.life }
	case x.Msg == "Entries" && m.prev <= uint64(len(was.Log)):
		is = func(x *Record) bool {
			k := uint64(len(x.Log))
			return k == m.prev+uint64(len(m.entries)) && slices.Equal(x.Log[:m.prev], was.Log[:m.prev]) &&
				slices.Equal(x.Log[m.prev:], m.entries)
		}
	case x.Msg == "Entries":
		return 0, fmt.Errorf("it saves what follows %d entries, and has %d", m.prev, len(was.Log))
	default:
		return 0, fmt.Errorf("%w: there is no record %s", trace.ErrForm, x.Msg)
	}
	i := slices.IndexFunc(r.Disk[at+1:], func(x Record) bool { return is(&x) })
	if i < 0 {
		return 0, fmt.Errorf("it saves %s {%s}, which is not what it does", x.Msg, x.Fields)
	}
	n.saved = n.first + at + i + 1
	return n.saved, nil
}

// checkpoint requires that a record which stands for all others says the same.
func (f *mapping) checkpoint(r *Record, m *message) error {
	if m.view != r.View || m.life != r.Life ||
		!f.model.diskless && (!has(r.Log, m.base, m.baseView) || !slices.Equal(r.Log[m.base:], m.entries)) {
		return fmt.Errorf("it saves view %d, life %d and %d entries after %d of view %d, where it has view %d, "+
			"life %d and a log of %d", m.view, m.life, len(m.entries), m.base, m.baseView, r.View, r.Life, len(r.Log))
	}
	return nil
}

// inMemory reports whether the record after those saved is on no disk, and never will be.
func (f *mapping) inMemory(r *Replica, i int) bool {
	if !f.model.diskless || i >= len(r.Disk) {
		return false
	}
	a, b := &r.Disk[i-1], &r.Disk[i]
	return a.View == b.View && a.Life == b.Life && len(a.Kept) == len(b.Kept)
}

// settle makes durable, for the specification, what needs no disk.
func (f *mapping) settle(r *Replica) error {
	for n := f.node(); n.pending == 0 && f.inMemory(r, 1); {
		if err := f.sync(); err != nil {
			return err
		}
	}
	return nil
}

func (f *mapping) sync() error {
	f.node().first++
	return f.do(Action{Name: "Sync"})
}

// Durable implements steps.Mapping.
func (f *mapping) Durable(record int) error {
	if f.replica() == nil {
		return nil
	}
	n := f.node()
	n.pending--
	for n.first < record {
		if err := f.sync(); err != nil {
			return err
		}
	}
	return nil
}

// Crash implements steps.Mapping.
func (f *mapping) Crash(records []int) error {
	if f.replica() == nil {
		return nil
	}
	n := f.node()
	last := n.first
	if len(records) > 0 {
		last = max(last, records[len(records)-1])
	}
	kept := last - n.first + 1
	*n = node{}
	return f.do(Action{Name: "Crash", N: uint64(kept)})
}

// Flush implements steps.Mapping.
func (f *mapping) Flush() error {
	if f.replica() == nil {
		return nil
	}
	return f.do(Action{Name: "Flush"})
}

// Leave implements steps.Mapping.
func (f *mapping) Leave(x *trace.Effect, _ *Message) error {
	r := f.replica()
	if r == nil {
		return nil
	}
	m, err := f.message(x.Msg, x.Fields, f.Event.Node, x.To)
	if err != nil || m == nil {
		return err
	}
	if f.Event.Kind != "sync" {
		if err := f.settle(r); err != nil {
			return err
		}
	}
	if x.Kind == "SendState" {
		return f.sendImage(r, m, x.To)
	}
	a := Action{Name: m.Type}
	switch m.Type {
	case "Prepare":
		a.Prev, a.N = m.Prev, uint64(len(m.Entries))
	case "NewState":
		a.Name, a.Prev, a.N = "SendState", m.Prev, uint64(len(m.Entries))
	case "Commit":
		a.Name = "SendCommit"
	case "PrepareOk":
		if a.N = m.N; m.N == 0 {
			return nil // it says nothing
		}
	case "RecoveryResponse":
		a.Message = &Message{Type: "Recovery", From: x.To, Nonce: m.Nonce}
	}
	for err = f.do(a); ; err = f.do(a) {
		if err == nil && !f.model.sent(m) {
			err = fmt.Errorf("it sends %s {%s} to %d, which is not what it may say", x.Msg, x.Fields, x.To)
		}
		if err == nil || !f.inMemory(r, 1) {
			return err
		}
		if err := f.sync(); err != nil { // it was said when that was there
			return err
		}
	}
}

func (f *mapping) sendImage(r *Replica, m *Message, to process.ID) error {
	if m.View != r.durable().View {
		return fmt.Errorf("it sends an application's state of view %d, and is in %d", m.View, r.durable().View)
	}
	if err := f.do(Action{Name: "SendImage"}); err != nil {
		return err
	}
	s := r.last()
	f.images[departure{f.Event.Seq, f.Event.Node, to}] = &Message{
		Type: "Image", View: m.View, From: f.Event.Node, Entries: s.Log[:s.Commit:s.Commit]}
	return nil
}

// Commit implements steps.Mapping.
func (f *mapping) Commit(x *trace.Effect, cause *Message) error {
	r := f.replica()
	if r == nil {
		return nil
	}
	s := r.last()
	for i, text := range x.Entries {
		n := s.Commit + uint64(i) + 1
		e, err := steps.ParseEntry(text)
		if err != nil {
			return err
		}
		if n > uint64(len(s.Log)) || e.Index != n || s.Log[n-1] != (Entry{e.Epoch, e.Text}) {
			return fmt.Errorf("it hands over %q, which is not entry %d of its log", text, n)
		}
	}
	a := Action{Name: "Commit", N: s.Commit + uint64(len(x.Entries))}
	if cause != nil && cause.Type != "PrepareOk" {
		a.Name = "Learn"
	}
	return f.do(a)
}

// Show implements steps.Mapping: the replica shows what the specification has, and
// has saved what it must.
func (f *mapping) Show() error {
	e, r := f.Event, f.replica()
	if r == nil {
		return nil
	}
	if err := f.settle(r); err != nil {
		return err
	}
	for i := max(0, f.node().saved-f.node().first) + 1; i < len(r.Disk); i++ {
		if !f.inMemory(r, i) {
			return fmt.Errorf("it does not save that it is in view %d, with a log of %d",
				r.Disk[i].View, len(r.Disk[i].Log))
		}
	}
	shown := seen{e.Node, Role(e.Role), e.Epoch, e.Last, e.Commit}
	f.Saw(&shown)
	s := r.last()
	if is := (seen{e.Node, r.Role, s.View, uint64(len(s.Log)), s.Commit}); is != shown {
		return fmt.Errorf("the replica is %s, view %d, last %d, commit %d; "+
			"it ought to be %s, view %d, last %d, commit %d",
			shown.role, shown.view, shown.last, shown.commit, is.role, is.view, is.last, is.commit)
	}
	return nil
}
