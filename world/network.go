package world

import (
	"slices"

	"althing/process"
	"althing/trace"
)

// A FlightID names one copy of a message on its way. It never recurs.
type FlightID uint64

// A Flight is a message on its way.
type Flight struct {
	ID       FlightID
	From, To process.ID
	Msg      process.Msg

	since uint64   // the number of the event in which it left
	image *Machine // the application state that travels with it
	order uint64   // number among all that were sent
}

// A network is the messages in flight, in slots that are used again. The low
// half of a FlightID is the slot, the high half counts the slot's uses.
type network struct {
	slots []Flight // free if Msg is nil
	free  []uint32
	sent  uint64
}

const slotBits = 32

func (n *network) add(f Flight) FlightID {
	n.sent++
	f.order = n.sent
	if k := len(n.free); k > 0 {
		slot := n.free[k-1]
		n.free = n.free[:k-1]
		f.ID = n.slots[slot].ID + 1<<slotBits
		n.slots[slot] = f
	} else {
		f.ID = FlightID(len(n.slots))
		n.slots = append(n.slots, f)
	}
	return f.ID
}

func (n *network) find(id FlightID) *Flight {
	slot := uint32(id)
	if int(slot) >= len(n.slots) || n.slots[slot].ID != id || n.slots[slot].Msg == nil {
		return nil
	}
	return &n.slots[slot]
}

func (n *network) remove(f *Flight) {
	f.Msg, f.image = nil, nil
	n.free = append(n.free, uint32(f.ID))
}

// Flight returns the message in flight as id, if it still is.
func (w *World) Flight(id FlightID) (Flight, bool) {
	if f := w.net.find(id); f != nil {
		return *f, true
	}
	return Flight{}, false
}

// Flights returns all messages in flight in the order in which they were sent.
func (w *World) Flights() []Flight {
	var fs []Flight
	for i := range w.net.slots {
		if w.net.slots[i].Msg != nil {
			fs = append(fs, w.net.slots[i])
		}
	}
	slices.SortFunc(fs, func(a, b Flight) int {
		if a.order < b.order {
			return -1
		}
		return 1
	})
	return fs
}

// Deliver hands the message to its addressee. If that is down or the link is
// cut, the message is lost, which is no error.
func (w *World) Deliver(id FlightID) error {
	f := w.net.find(id)
	if f == nil {
		return errNoFlight
	}
	r := w.replica(f.To)
	if r == nil || r.proc == nil || w.replica(f.From).cut&bit(f.To) != 0 {
		return w.drop(f)
	}
	if r.paused {
		return errPaused
	}
	m, image, since := f.Msg, f.image, f.since
	w.in = process.Input{Kind: process.Receive, From: f.From, Msg: m}
	w.net.remove(f)
	if w.wire && w.in.From != r.id {
		var err error
		if w.in.Msg, err = w.decoded(m); err != nil {
			return err
		}
	}
	if w.Observe != nil {
		w.event(trace.Event{Kind: "deliver", Node: r.id, From: w.in.From, Msg: m.Kind(), Fields: trace.Fields(m),
			Sent: since})
	}
	if image != nil {
		w.in.State = &image.state
	}
	return w.end(w.step(r, image))
}

// Drop loses the message. One from a replica to itself cannot be lost.
func (w *World) Drop(id FlightID) error {
	f := w.net.find(id)
	if f == nil {
		return errNoFlight
	}
	if f.From == f.To {
		return errOwn
	}
	return w.drop(f)
}

func (w *World) drop(f *Flight) error {
	if w.Observe != nil {
		w.event(trace.Event{Kind: "drop", From: f.From, To: f.To, Msg: f.Msg.Kind(), Fields: trace.Fields(f.Msg),
			Sent: f.since})
	}
	w.net.remove(f)
	return w.end(nil)
}

// Duplicate puts a second copy of the message on its way: it is in News.Sent.
// A message from a replica to itself cannot be doubled.
func (w *World) Duplicate(id FlightID) error {
	f := w.net.find(id)
	if f == nil {
		return errNoFlight
	}
	if f.From == f.To {
		return errOwn
	}
	if w.Observe != nil {
		w.event(trace.Event{Kind: "duplicate", From: f.From, To: f.To, Msg: f.Msg.Kind(),
			Fields: trace.Fields(f.Msg), Sent: f.since})
	}
	w.News.Sent = append(w.News.Sent, w.net.add(*f))
	return w.end(nil)
}

// Cut fails the link in the direction from→to: what would be delivered there
// is lost, until Mend or Heal.
func (w *World) Cut(from, to process.ID) error { return w.link(from, to, true) }

// Mend undoes Cut.
func (w *World) Mend(from, to process.ID) error { return w.link(from, to, false) }

func (w *World) link(from, to process.ID, cut bool) error {
	r := w.replica(from)
	if r == nil || w.replica(to) == nil || from == to || r.cut&bit(to) != 0 == cut {
		return errLink
	}
	r.cut ^= bit(to)
	if w.Observe != nil {
		kind := "mend"
		if cut {
			kind = "cut"
		}
		w.event(trace.Event{Kind: kind, From: from, To: to})
	}
	return w.end(nil)
}

// Heal undoes every Cut.
func (w *World) Heal() error {
	for i := range w.replicas {
		w.replicas[i].cut = 0
	}
	if w.Observe != nil {
		w.event(trace.Event{Kind: "heal"})
	}
	return w.end(nil)
}

func bit(id process.ID) uint64 { return 1 << (id - 1) }

// Large reports whether an application state travels with the message.
func (f *Flight) Large() bool { return f.image != nil }
