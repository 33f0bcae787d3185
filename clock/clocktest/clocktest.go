// Package clocktest makes random executions of which it is known, exactly and
// without any clock, which event happened before which: to test clocks by.
//
// An execution is a list of steps. Each step is one event of one process: it
// does something by itself, sends, receives, forks another process, or takes
// over what a retiring process knew. Messages are lost, doubled and overtaken.
// The past of each event is kept as the set of all events in it: the
// definition of happened-before (Lamport, 1978), with no shortcut.
package clocktest

import "math/rand/v2"

// A Kind is what a step does.
type Kind uint8

// The kinds of steps.
const (
	Local   Kind = iota // Process acts by itself
	Send                // Process sends a message, known by the index of this step
	Receive             // Process receives the message sent in step From
	Fork                // Process, after its event, becomes two: itself and Other
	Retire              // Other ends, and Process takes over what it knew
)

// A Step is one event.
type Step struct {
	Kind    Kind
	Process int // whose event; processes are numbered from 0, never again
	Other   int // Fork: the new process; Retire: the one that ends
	From    int // Receive: index of the step that sent
}

// A Run is an execution and its happened-before.
type Run struct {
	Steps     []Step
	Processes int // how many there ever were
	past      [][]uint64
}

// New returns a random run of that many steps with up to live processes at a
// time. Process 0 is there from the start, and forks the first of the others.
func New(rng *rand.Rand, steps, live int) *Run {
	r := &Run{Processes: 1}
	alive := []int{0}
	last := []int{-1} // by process: its latest event, or -1
	var sent []int
	for range steps {
		i := rng.IntN(len(alive))
		s := Step{Process: alive[i]}
		other := -1 // an event from elsewhere that the step learns of
		switch dice := rng.IntN(20); {
		case dice < 7 && len(sent) > 0:
			// Recent messages more often than old ones.
			s.Kind, s.From = Receive, sent[len(sent)-1-min(rng.IntN(len(sent)), rng.IntN(len(sent)))]
			other = s.From
		case dice < 13:
			s.Kind = Send
			sent = append(sent, len(r.Steps))
		case dice < 16 && len(alive) < live:
			s.Kind, s.Other = Fork, r.Processes
			r.Processes++
			alive, last = append(alive, s.Other), append(last, -1)
		case dice == 16 && len(alive) > 1:
			j := (i + 1 + rng.IntN(len(alive)-1)) % len(alive)
			s.Kind, s.Other = Retire, alive[j]
			other = last[s.Other]
			alive[j] = alive[len(alive)-1]
			alive = alive[:len(alive)-1]
		}
		r.add(s, last[s.Process], other, (steps+63)/64)
		last[s.Process] = len(r.Steps) - 1
		if s.Kind == Fork {
			last[s.Other] = last[s.Process]
		}
	}
	return r
}

// add appends a step whose past is that of the events given, and itself.
func (r *Run) add(s Step, own, other, words int) {
	past := make([]uint64, words)
	for _, e := range []int{own, other} {
		if e < 0 {
			continue
		}
		for w, set := range r.past[e] {
			past[w] |= set
		}
	}
	e := len(r.Steps)
	past[e/64] |= 1 << (e % 64)
	r.Steps, r.past = append(r.Steps, s), append(r.past, past)
}

// Before reports whether the event of step i happened before that of step j.
func (r *Run) Before(i, j int) bool { return i != j && r.past[j][i/64]>>(i%64)&1 == 1 }
