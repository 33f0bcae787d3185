package crdt

import "math"

// An Outbox turns the changes of one replica into messages to its peers: of
// what a peer has not acknowledged it sends the join, and the whole state if
// that is no longer kept. So every change arrives in the end, whatever
// messages are lost, and a peer that keeps up is sent the state but once.
// (Almeida et al. 2018, definitions 4 and 5: delta-intervals, and anti-entropy
// by them.) It does not hold back what
// depends on something that is missing: no type here needs that to converge.
type Outbox[T any, S State[T]] struct {
	state  S
	limit  int
	deltas []S               // numbered up to next
	next   uint64            // the number that the next delta gets
	acked  map[uint64]uint64 // by peer: it has all deltas below
}

// NewOutbox returns an outbox for the changes of state to peers, which keeps
// limit deltas at most: a peer that is further behind is sent the state.
// Numbers begin at life, which must be greater than any of an earlier life of
// the replica, or a late acknowledgement to that would be taken for one of this:
// what it has saved last, or the time in nanoseconds. At first all peers are
// sent the state.
func NewOutbox[T any, S State[T]](state S, limit int, life uint64, peers ...uint64) *Outbox[T, S] {
	o := &Outbox[T, S]{state: state, limit: limit, next: life + 1, acked: map[uint64]uint64{}}
	for _, p := range peers {
		o.acked[p] = 0
	}
	return o
}

// Put takes a delta that has been joined into the state: a change, or what came
// from one peer and must be passed on, if it was news. What is not news must
// not be put, or two replicas would send it to each other for ever.
func (o *Outbox[T, S]) Put(delta S) {
	o.deltas = append(o.deltas, delta.Clone())
	o.next++
	o.forget()
}

// For returns what the peer has not acknowledged, and the number that it must
// return when it has joined and saved it; nil if it has everything. The message
// shares nothing with the state.
func (o *Outbox[T, S]) For(peer uint64) (message S, number uint64) {
	acked, first := o.acked[peer], o.next-uint64(len(o.deltas))
	switch {
	case acked == o.next:
		return nil, o.next
	case acked < first:
		return o.state.Clone(), o.next
	}
	message = new(T)
	for _, d := range o.deltas[acked-first:] {
		message.Join((*T)(d))
	}
	return message, o.next
}

// Acked notes that the peer has joined and saved the message with the number.
// A number that was never given is ignored, and so is an older one.
func (o *Outbox[T, S]) Acked(peer, number uint64) {
	if was, known := o.acked[peer]; known && was < number && number <= o.next {
		o.acked[peer] = number
		o.forget()
	}
}

// Kept returns how many deltas are kept for peers that have not acknowledged
// them.
func (o *Outbox[T, S]) Kept() int { return len(o.deltas) }

// forget drops the deltas that all have acknowledged, and those over the limit.
func (o *Outbox[T, S]) forget() {
	least := uint64(math.MaxUint64)
	for _, n := range o.acked {
		least = min(least, n)
	}
	first := o.next - uint64(len(o.deltas))
	drop := max(0, len(o.deltas)-o.limit)
	if least > first {
		drop = max(drop, int(min(least, o.next)-first))
	}
	clear(o.deltas[:drop])
	o.deltas = o.deltas[drop:]
}
