package clock

import "cmp"

// A Dot names one event: the Seq-th of an actor, counted from 1. An actor is
// whoever counts by itself: a replica, or one life of it if it may forget what
// it has counted. (Almeida et al., Scalable and Accurate Causality Tracking for
// Eventually Consistent Stores, 2014, §3.)
type Dot struct{ Actor, Seq uint64 }

// Compare orders dots by actor, then by number: an order to store them in, not
// that of their events.
func (d Dot) Compare(e Dot) int {
	return cmp.Or(cmp.Compare(d.Actor, e.Actor), cmp.Compare(d.Seq, e.Seq))
}
