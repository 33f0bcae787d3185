package valence

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"althing/explore"
)

// A Run is one that an adversary has made.
type Run struct {
	Way      []explore.Step // the first is the state that it began in
	Received int            // messages that arrived
	Waited   int            // most events between a message's sending and its arrival
	Steps    []int          // taken by each process
	// Loop is an index in Way whose state, and the order of what is on its way there,
	// comes again at Again, but for names: the run can go on like that for ever. -1
	// if none was seen.
	Loop, Again int
}

// ErrDecides is returned when no schedule was found that keeps a run bivalent.
var ErrDecides = errors.New("no schedule was found that keeps it open")

// An adversary is FLP's.
type adversary struct {
	m       System
	o       Oracle
	run     Run
	state   []byte
	waiting []letter // oldest first
	most    int
	seen    map[string]visited
}

// A letter is a message on its way, and after how many events it left.
type letter struct {
	name uint64
	sent int
}

type visited struct {
	at    int
	names []uint64
}

// Delay makes a run of so many events or a few more from a bivalent state, in which
// messages arrive as the oldest is next, and which ends bivalent; so all its states
// are. It looks at no more than most states for the arrival of one message. With an
// error, the Run is as far as it came.
func Delay(m System, o Oracle, state []byte, events, most int) (*Run, error) {
	a := &adversary{m: m, o: o, state: bytes.Clone(state), most: most, seen: map[string]visited{}}
	a.run = Run{Way: []explore.Step{{State: a.state}}, Steps: make([]int, m.Processes()), Loop: -1}
	if set := o.Valence(state); !Bivalent(set) || m.Decided(state) != 0 {
		return &a.run, fmt.Errorf("valence: the run begins where the set of what may be decided is %b", set)
	}
	a.sent()
	for len(a.run.Way) <= events {
		a.look()
		way := a.next()
		if way == nil {
			return &a.run, fmt.Errorf("valence: after %d events: %w", len(a.run.Way)-1, ErrDecides)
		}
		for _, step := range way {
			a.take(step)
		}
	}
	return &a.run, nil
}

// open reports whether nothing is decided in a state, and two values may be.
func (a *adversary) open(state []byte) bool {
	return a.m.Decided(state) == 0 && Bivalent(a.o.Valence(state))
}

// next returns the steps to the arrival of the oldest message, or to any event if
// none is on its way, that end bivalent.
func (a *adversary) next() []explore.Step {
	if len(a.waiting) > 0 {
		return a.arrival(a.waiting[0].name)
	}
	var best *explore.Step
	fewest := 0
	var s explore.Steps
	a.m.Next(a.state, &s)
	for i := range s.Len() {
		act := s.Action(i)
		n := a.run.Steps[a.m.Event(act).Process]
		if s.Err(i) == nil && (best == nil || n < fewest) && a.open(s.State(i)) {
			best, fewest = a.step(a.state, act, s.State(i)), n
		}
	}
	if best == nil {
		return nil
	}
	return []explore.Step{*best}
}

func (a *adversary) step(from []byte, act explore.Action, to []byte) *explore.Step {
	return &explore.Step{Action: act, Text: a.m.Describe(from, act), State: bytes.Clone(to)}
}

// arrival looks for a shortest schedule that ends with the arrival of a message,
// and open: Lemma 3. First among the nearest states, then along timely runs, which
// go far, then among all.
func (a *adversary) arrival(name uint64) []explore.Step {
	var last []explore.Step
	goal := func(state []byte) bool {
		if !slices.Contains(a.m.Messages(state, nil), name) {
			last = nil // it came to nothing
			return a.open(state)
		}
		var s explore.Steps
		a.m.Next(state, &s)
		for i := range s.Len() {
			e := a.m.Event(s.Action(i))
			if s.Err(i) == nil && e.Receives && e.Message == name && a.open(s.State(i)) {
				last = []explore.Step{*a.step(state, s.Action(i), s.State(i))}
				return true
			}
		}
		return false
	}
	held := withheld{a.m, name}
	undecided := func(state []byte) bool { return a.m.Decided(state) == 0 }
	const near = 300
	if way := search(held, a.state, min(near, a.most), undecided, goal); way != nil {
		return append(way[1:], last...)
	}
	if a.most <= near {
		return nil
	}
	for _, live := range livings(a.m.Processes()) {
		for lead := range a.m.Processes() {
			way := Timely(held, a.state, lead, live, timelySteps)
			for i := 1; i < len(way) && undecided(way[i].State); i++ {
				if goal(way[i].State) {
					return append(way[1:i+1:i+1], last...)
				}
			}
		}
	}
	if way := search(held, a.state, a.most, undecided, goal); way != nil {
		return append(way[1:], last...)
	}
	return nil
}

// timelySteps bounds a timely run: an election and a decision among nine take less.
const timelySteps = 200

// withheld is a System in which a message does not arrive.
type withheld struct {
	System
	name uint64
}

// Next implements explore.Model.
func (w withheld) Next(state []byte, s *explore.Steps) {
	var all explore.Steps
	w.System.Next(state, &all)
	for i := range all.Len() {
		if e := w.Event(all.Action(i)); !(e.Receives && e.Message == w.name) && all.Err(i) == nil {
			s.Add(all.Action(i), all.State(i))
		}
	}
}

// Canonical implements explore.Symmetric. What is withheld has a name that others
// in its place would not have, so nothing is alike.
func (withheld) Canonical([]byte) {}

// take takes one step.
func (a *adversary) take(step explore.Step) {
	e := a.m.Event(step.Action)
	a.run.Steps[e.Process]++
	a.run.Way = append(a.run.Way, step)
	if e.Receives {
		a.arrived(slices.IndexFunc(a.waiting, func(l letter) bool { return l.name == e.Message }))
	}
	a.state = step.State
	a.sent()
}

// arrived takes a message out of the line.
func (a *adversary) arrived(i int) {
	a.run.Received++
	a.run.Waited = max(a.run.Waited, len(a.run.Way)-1-a.waiting[i].sent)
	a.waiting = slices.Delete(a.waiting, i, i+1)
}

// sent lines up what is newly on its way, and takes out what no longer is.
func (a *adversary) sent() {
	count := map[uint64]int{}
	names := a.m.Messages(a.state, nil)
	for _, name := range names {
		count[name]++
	}
	for i := 0; i < len(a.waiting); i++ {
		if count[a.waiting[i].name]--; count[a.waiting[i].name] < 0 {
			a.arrived(i)
			i--
		}
	}
	for _, name := range names {
		if count[name] > 0 {
			count[name]--
			a.waiting = append(a.waiting, letter{name, len(a.run.Way) - 1})
		}
	}
}

// look remembers the state, and sees whether it was there before.
func (a *adversary) look() {
	if _, ok := a.m.(explore.Symmetric); !ok || a.run.Loop >= 0 {
		return
	}
	k := key(a.m, a.state)
	now := visited{at: len(a.run.Way) - 1}
	for _, l := range a.waiting {
		now.names = append(now.names, l.name)
	}
	before, ok := a.seen[k]
	a.seen[k] = now
	if !ok || len(before.names) != len(now.names) {
		return
	}
	for i := range now.names { // all names have moved on by as much
		if now.names[i]-before.names[i] != now.names[0]-before.names[0] {
			return
		}
	}
	a.run.Loop, a.run.Again = before.at, now.at
}

// Check plays a run again, step by step: each is possible and leads where the run
// says, nothing is decided, what is on its way is as old as Waited at most, and from
// the end there is a way to each of two values, which is played too.
func Check(m System, o Oracle, run *Run) error {
	a := &adversary{m: m, run: Run{Way: run.Way[:1:1], Steps: make([]int, m.Processes())}, state: run.Way[0].State}
	a.sent()
	for i, step := range run.Way[1:] {
		got, err := take(m, a.state, step.Action)
		if err != nil {
			return err
		}
		if !bytes.Equal(got.State, step.State) {
			return fmt.Errorf("valence: step %d leads elsewhere", i+1)
		}
		if m.Decided(step.State) != 0 {
			return fmt.Errorf("valence: after %d events something is decided", i+1)
		}
		a.take(step)
	}
	if a.run.Waited != run.Waited || a.run.Received != run.Received {
		return fmt.Errorf("valence: %d messages waited for %d events at most, not %d for %d", a.run.Received,
			a.run.Waited, run.Received, run.Waited)
	}
	return Open(m, o, a.state)
}

// Open returns nil if there is a way from a state to each of two values or more,
// and all that the oracle knows of lead there when they are played.
func Open(m System, o Oracle, state []byte) error {
	ways := 0
	for v := range 64 {
		if o.Valence(state)>>v&1 == 0 {
			continue
		}
		way := o.Way(state, v)
		if len(way) == 0 || !bytes.Equal(way[0].State, state) {
			return fmt.Errorf("valence: no way is known to value %d", v)
		}
		end, err := follow(m, state, way[1:])
		if err != nil {
			return err
		}
		if m.Decided(end) != 1<<v {
			return fmt.Errorf("valence: the way to value %d decides the set %b", v, m.Decided(end))
		}
		ways++
	}
	if ways < 2 {
		return fmt.Errorf("valence: there are ways to %d values, not to two", ways)
	}
	return nil
}
