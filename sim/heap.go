package sim

import "time"

// An event is something that is going to happen.
type event struct {
	at   time.Duration
	seq  uint64 // ties are broken by who was first
	arg  uint64 // of its kind
	kind eventKind
	node uint8 // ID of the replica, or number of the client
}

type eventKind uint8

const (
	evDeliver  eventKind = iota + 1 // arg: FlightID
	evTimer                         // arg: timer
	evSync                          // arg: life
	evArrive                        // arg: call
	evDrain                         // arg: life
	evAnswer                        // arg: reply
	evClient                        // arg: wake
	evFlush                         // arg: life
	evFault                         // arg: number of the fault
	evRestart                       // arg: life
	evResume                        // arg: life
	evMend                          // a partition ends
	evOperator                      // the operator looks at the group
	evHurry                         // the operator asks for much at once
	evStrike                        // a replica crashes; arg: life
	evSettle                        // the second phase: begins, is looked at
)

// before orders events.
func (e *event) before(f *event) bool {
	return e.at < f.at || e.at == f.at && e.seq < f.seq
}

// A heap holds events by value, four children to a node: flatter than a binary
// heap, and siblings lie in two cache lines.
type heap struct {
	events []event
	seq    uint64
}

func (h *heap) push(e event) {
	h.seq++
	e.seq = h.seq
	h.events = append(h.events, e)
	i := len(h.events) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&h.events[parent]) {
			break
		}
		h.events[i] = h.events[parent]
		i = parent
	}
	h.events[i] = e
}

// pop takes out the first event; the heap is not empty.
func (h *heap) pop() event {
	first := h.events[0]
	n := len(h.events) - 1
	last := h.events[n]
	h.events = h.events[:n]
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
			if h.events[c].before(&h.events[least]) {
				least = c
			}
		}
		if !h.events[least].before(&last) {
			break
		}
		h.events[i] = h.events[least]
		i = least
	}
	h.events[i] = last
	return first
}
