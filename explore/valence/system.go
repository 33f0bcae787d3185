package valence

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"

	"althing/explore"
)

// A System is a Model of processes that decide, as FLP has it.
type System interface {
	explore.Model

	// Processes returns how many there are; they count from 0 here.
	Processes() int
	// Decided returns the set of the values decided so far; bit v is value v.
	Decided(state []byte) uint64
	// Messages appends a name for each message on its way, alike for equal ones. One
	// whose arrival can no longer change anything may be left out: it has arrived.
	Messages(state []byte, names []uint64) []uint64
	// Event returns what an action is.
	Event(a explore.Action) Event
}

// An Event is a step of one process.
type Event struct {
	Process  int
	Receives bool   // a message; then
	From     int    // its sender, and
	Message  uint64 // its name
}

// Bivalent reports whether two values or more are in a set.
func Bivalent(set uint64) bool { return bits.OnesCount64(set) > 1 }

// An Oracle knows of ways to decisions.
type Oracle interface {
	// Valence returns values that are decided in states that can be reached.
	Valence(state []byte) uint64
	// Way returns the steps from a state to one where value v is decided, the first
	// being the state itself; nil if it knows none. It knows one for each value of
	// the state's Valence.
	Way(state []byte, v int) []explore.Step
}

// From is a System that begins in one state.
type From struct {
	System
	State []byte
}

// Fork implements explore.Model.
func (f From) Fork() explore.Model { return From{f.System.Fork().(System), f.State} }

// Initial implements explore.Model.
func (f From) Initial(s *explore.Steps) { s.Add(0, f.State) }

// Canonical implements explore.Symmetric.
func (f From) Canonical(state []byte) { canonical(f.System, state) }

// Without is a System in which one process takes no step, and sends nothing.
type Without struct {
	System
	Process int
}

// Fork implements explore.Model.
func (w Without) Fork() explore.Model { return Without{w.System.Fork().(System), w.Process} }

// Next implements explore.Model.
func (w Without) Next(state []byte, s *explore.Steps) {
	var all explore.Steps
	w.System.Next(state, &all)
	for i := range all.Len() {
		e := w.Event(all.Action(i))
		if e.Process != w.Process && !(e.Receives && e.From == w.Process) && all.Err(i) == nil {
			s.Add(all.Action(i), all.State(i))
		}
	}
}

// Canonical implements explore.Symmetric.
func (w Without) Canonical(state []byte) { canonical(w.System, state) }

func canonical(m explore.Model, state []byte) {
	if s, ok := m.(explore.Symmetric); ok {
		s.Canonical(state)
	}
}

// key returns what stands for a state and all that are alike.
func key(m explore.Model, state []byte) string {
	b := slices.Clone(state)
	canonical(m, b)
	return string(b)
}

// take returns the step that an action takes from a state.
func take(m explore.Model, state []byte, a explore.Action) (explore.Step, error) {
	var s explore.Steps
	m.Next(state, &s)
	for i := range s.Len() {
		if s.Action(i) == a && s.Err(i) == nil {
			return explore.Step{Action: a, Text: m.Describe(state, a), State: bytes.Clone(s.State(i))}, nil
		}
	}
	return explore.Step{}, fmt.Errorf("valence: %s is not possible in %s", m.Describe(state, a), m.Show(state))
}

// follow plays steps from a state and returns where they lead; it fails if one of
// them leads elsewhere than it says.
func follow(m explore.Model, state []byte, way []explore.Step) ([]byte, error) {
	for _, want := range way {
		got, err := take(m, state, want.Action)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(got.State, want.State) {
			return nil, fmt.Errorf("valence: %s leads elsewhere", got.Text)
		}
		state = got.State
	}
	return state, nil
}
