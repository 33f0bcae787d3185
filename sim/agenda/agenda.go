// Package agenda keeps what is going to happen in a simulation, in order of
// time.
package agenda

import "time"

// An Event is something that is going to happen.
type Event struct {
	At   time.Duration
	seq  uint64 // ties are broken by who was first
	Arg  uint64 // of its kind
	Kind Kind
	Node uint8 // ID of the replica, or number of the client
}

// Kind says what happens.
type Kind uint8

// before orders events.
func (e *Event) before(f *Event) bool {
	return e.At < f.At || e.At == f.At && e.seq < f.seq
}

// An Agenda holds events by value, the first on top, four children to a node: flatter than a binary
// heap, and siblings lie in two cache lines.
type Agenda struct {
	events []Event
	seq    uint64
}

// Push takes in an event.
func (a *Agenda) Push(e Event) {
	a.seq++
	e.seq = a.seq
	a.events = append(a.events, e)
	i := len(a.events) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&a.events[parent]) {
			break
		}
		a.events[i] = a.events[parent]
		i = parent
	}
	a.events[i] = e
}

// Pop takes out the first event; there is one.
func (a *Agenda) Pop() Event {
	first := a.events[0]
	n := len(a.events) - 1
	last := a.events[n]
	a.events = a.events[:n]
	if n == 0 {
		return first
	}
	i := 0
	for {
		child := 4*i + 1
		if child >= n {
			break
		}
		least := child
		for c := child + 1; c < min(child+4, n); c++ {
			if a.events[c].before(&a.events[least]) {
				least = c
			}
		}
		if !a.events[least].before(&last) {
			break
		}
		a.events[i] = a.events[least]
		i = least
	}
	a.events[i] = last
	return first
}
