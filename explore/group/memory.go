package group

import (
	"encoding/binary"
	"errors"
	"fmt"

	"althing/process"
)

// An origin is how a thing in a pool first came about: as outcome number choice
// of an event at a replica (parent). An envelope is the index-th that was sent
// then, and a past the one that followed past, with the event at replica at; the
// number of the read that was asked, if any.
type origin struct {
	parent        uint32
	event         event
	choice, index uint32
	past, asked   uint32
	at            process.ID
}

// AppendMemory implements explore.Keeper. A process cannot be written down, but
// how it came about can: the memory is the origins of all things, in order.
func (g *Model) AppendMemory(b []byte) []byte {
	b = append(b, g.about()...)
	for _, from := range [][]origin{g.replicas.from, g.envelopes.from, g.pasts.from} {
		b = binary.AppendUvarint(b, uint64(len(from)))
		for i := range from {
			b = from[i].append(b)
		}
	}
	return b
}

// about names the protocol and the bounds.
func (g *Model) about() string { return fmt.Sprintf("%s %+v\n", g.protocol.Name, g.bounds) }

func (o *origin) append(b []byte) []byte {
	flags := byte(0)
	if o.event.quick {
		flags |= 1
	}
	if o.event.final {
		flags |= 2
	}
	b = append(b, o.event.kind, flags)
	for _, n := range []uint32{o.parent, o.event.arg, o.choice, o.index, o.past, o.asked, uint32(o.at)} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

var errMemory = errors.New("group: not the memory of such a group")

// cut reads what append wrote.
func (o *origin) cut(b []byte) ([]byte, error) {
	if len(b) < 2 || b[0] > doForget || b[1] > 3 {
		return nil, errMemory
	}
	o.event = event{kind: b[0], disk: disk{b[1]&1 != 0, b[1]&2 != 0}}
	b = b[2:]
	var at uint32
	for _, n := range []*uint32{&o.parent, &o.event.arg, &o.choice, &o.index, &o.past, &o.asked, &at} {
		x, w := binary.Uvarint(b)
		if w <= 0 || x > 1<<32-1 {
			return nil, errMemory
		}
		*n, b = uint32(x), b[w:]
	}
	o.at = process.ID(at)
	return b, nil
}

// Recall implements explore.Keeper: everything comes about again, and gets the
// number that it had.
func (g *Model) Recall(b []byte) error {
	about := g.about()
	if len(b) < len(about) || string(b[:len(about)]) != about {
		return errMemory
	}
	fresh, err := New(g.protocol, g.bounds)
	if err != nil {
		return err
	}
	r := &recaller{g: fresh}
	if err := r.read(b[len(about):]); err != nil {
		return err
	}
	for kind := range r.old {
		for i := range r.old[kind] {
			if _, err := r.find(kind, uint32(i)); err != nil {
				return err
			}
		}
	}
	s := g.shared
	s.replicas, s.envelopes, s.pasts = pool[replica]{}, pool[envelope]{}, pool[past]{}
	clear(g.known)
	clear(g.judged)
	ok := refill(&s.replicas, &fresh.replicas, r.old[ofReplica], r.now[ofReplica]) &&
		refill(&s.envelopes, &fresh.envelopes, r.old[ofEnvelope], r.now[ofEnvelope]) &&
		refill(&s.pasts, &fresh.pasts, r.old[ofPast], r.now[ofPast])
	if !ok {
		return errMemory
	}
	return nil
}

// refill puts things into an empty pool in the order that they once had.
func refill[T any, P interface {
	*T
	appendState([]byte) []byte
}](to, from *pool[T], old []origin, now []uint32) bool {
	for i, n := range now {
		x := from.at(n)
		if to.number(P(x).appendState(nil), x, old[i]) != uint32(i) {
			return false // it was there already
		}
	}
	return true
}

// What origins are of.
const (
	ofReplica = iota
	ofEnvelope
	ofPast
)

// A recaller lets things come about again in a Model of its own, where they have
// other numbers.
type recaller struct {
	g     *Model
	old   [3][]origin
	now   [3][]uint32 // number in g, if it is known
	state [3][]byte   // 0: not known, 1: looked for, 2: known
}

// read takes in the origins. Those of the beginning are the same each time.
func (r *recaller) read(b []byte) error {
	for kind := range r.old {
		n, w := binary.Uvarint(b)
		if b = b[max(w, 0):]; w <= 0 || n < uint64(r.g.roots[kind]) || n > uint64(len(b)) {
			return errMemory
		}
		r.old[kind], r.now[kind], r.state[kind] = make([]origin, n), make([]uint32, n), make([]byte, n)
		for i := range r.old[kind] {
			var err error
			if b, err = r.old[kind][i].cut(b); err != nil {
				return err
			}
			if i < r.g.roots[kind] {
				r.now[kind][i], r.state[kind][i] = uint32(i), 2
			}
		}
	}
	if len(b) > 0 {
		return errMemory
	}
	return nil
}

// find returns the present number of a thing.
func (r *recaller) find(kind int, i uint32) (uint32, error) {
	if i >= uint32(len(r.old[kind])) || r.state[kind][i] == 1 {
		return 0, errMemory // there is no such thing, or it would be its own origin
	}
	if r.state[kind][i] == 2 {
		return r.now[kind][i], nil
	}
	r.state[kind][i] = 1
	from := &r.old[kind][i]
	o, err := r.outcome(from)
	if err != nil {
		return 0, err
	}
	n := o.replica
	switch kind {
	case ofEnvelope:
		if int(from.index) >= len(o.sent) {
			return 0, errMemory
		}
		n = o.sent[from.index]
	case ofPast:
		before, err := r.find(ofPast, from.past)
		if err != nil {
			return 0, err
		}
		v := r.g.judge(before, from.at, o, uint64(from.asked))
		if v.err != nil {
			return 0, errMemory
		}
		n = v.past
	}
	r.now[kind][i], r.state[kind][i] = n, 2
	return n, nil
}

func (r *recaller) outcome(from *origin) (*outcome, error) {
	parent, err := r.find(ofReplica, from.parent)
	if err != nil {
		return nil, err
	}
	e := from.event
	if e.kind == doDeliver {
		if e.arg, err = r.find(ofEnvelope, e.arg); err != nil {
			return nil, err
		}
	}
	os := r.g.outcomes(parent, e)
	if int(from.choice) >= len(os) || os[from.choice].err != nil {
		return nil, errMemory
	}
	return os[from.choice], nil
}
