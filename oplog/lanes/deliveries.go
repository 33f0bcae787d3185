package lanes

import (
	"slices"

	"althing/clock"
	"althing/process"
	"althing/wire"
)

// Burst bounds what a replica is sent again at a time, for it may be on its way.
// Twice as many that came early are kept.
const Burst = 64

// Deliveries are Lanes, and what is known of those of others: that is lost in a crash.
type Deliveries struct {
	Causal   bool         // order: else FIFO
	Founders []process.ID // the group, in the view and outside
	Lanes
	Index  uint64         // handed to the application
	Coming []*Multicast   // follows Ordered, of views that we were not in
	early  []*Multicast   // came before what it follows
	Known  []clock.Vector // what is durable at each founder, in this view
	Done   []clock.Vector // what has its place at each founder, durably
}

// Start begins a life with an application that holds index deliveries.
func (x *Deliveries) Start(founders []process.ID, index uint64) {
	n := 0
	for _, id := range founders {
		n = max(n, int(id))
	}
	x.Founders, x.Index, x.Coming = founders, index, nil
	x.Known, x.Done = make([]clock.Vector, n), make([]clock.Vector, n)
}

// Least returns what all founders have delivered of origin o, as far as is known.
func (x *Deliveries) Least(o int, self process.ID) uint64 {
	n := x.Ordered.At(o)
	for _, id := range x.Founders {
		if id != self {
			n = min(n, x.Done[At(id)].At(o))
		}
	}
	return n
}

// Enter begins a view after cut: see Lanes.Begin.
func (x *Deliveries) Enter(self process.ID, cut clock.Vector, came []*Multicast) {
	x.Begin(self, cut, came)
	x.early, x.Coming = nil, nil
	x.Known = make([]clock.Vector, len(x.Done))
}

// Had returns what of other views is here: ordered, or coming.
func (x *Deliveries) Had() clock.Vector {
	v := x.Ordered.Clone()
	for _, c := range x.Coming {
		Set(&v, At(c.Origin), max(v.At(At(c.Origin)), c.Seq))
	}
	return v
}

// Take takes c, of this view, and what came early and follows it. It returns what is
// new, to be saved.
func (x *Deliveries) Take(c *Multicast) (cs []*Multicast) {
	if c.Seq > x.Count(At(c.Origin)) {
		if len(x.early) == 2*Burst { // what is lost here comes again
			x.early = slices.Delete(x.early, 0, 1)
		}
		x.early = append(x.early, c)
	}
	for i := 0; i < len(x.early); i++ {
		e := x.early[i]
		n := x.Count(At(e.Origin))
		if e.Seq > n+1 {
			continue
		}
		if e.Seq == n+1 {
			x.Hold(e)
			cs = append(cs, e)
		}
		x.early = slices.Delete(x.early, i, i+1)
		i = -1 // another may follow it; at most so many times
	}
	return cs
}

// Knows notes that id has n messages of an origin on its disk, and had when it could
// still say so.
func (x *Deliveries) Knows(id, origin process.ID, n uint64) {
	if k := &x.Known[At(id)]; n > k.At(At(origin)) {
		Set(k, At(origin), n)
	}
}

// Order gives their places to all messages that a majority of the voters has, which
// is so many of them, and whose time has come. It returns their origins.
func (x *Deliveries) Order(voters []process.ID, majority int) (origins []process.ID) {
	for i := 0; i < len(voters); i++ {
		if c := x.next(voters[i], voters, majority); c != nil {
			x.Place(c)
			origins = append(origins, c.Origin)
			i = -1 // others may have waited for it
		}
	}
	return origins
}

// next returns the next message of origin, if it can be delivered.
func (x *Deliveries) next(origin process.ID, voters []process.ID, majority int) *Multicast {
	o := At(origin)
	cs := x.After(o, x.Ordered.At(o))
	if len(cs) == 0 {
		return nil
	}
	c, n := cs[0], 0
	for _, id := range voters {
		if x.Known[At(id)].At(o) >= c.Seq {
			n++
		}
	}
	if n < majority || x.Causal && !x.Ordered.Deliverable(c.After, o) {
		return nil
	}
	return c
}

// Deliver returns the deliveries after Index up to n, and hands them over.
func (x *Deliveries) Deliver(n uint64) (es []process.Entry) {
	for ; x.Index < n; x.Index++ {
		c := x.Line[x.Index-x.Base]
		es = append(es, process.Entry{Epoch: c.View, Index: x.Index + 1, Req: c.Req})
	}
	return es
}

// Since returns what was delivered before this view and after since, in an order in
// which it may be: so many bytes of commands, and one message at least.
func (x *Deliveries) Since(since clock.Vector, size int) (ms []Multicast) {
	for _, c := range x.between(since, x.Cut) {
		if size -= len(c.Req.Cmd); size < 0 && len(ms) > 0 {
			break
		}
		ms = append(ms, *c)
	}
	return ms
}

// Clone returns an independent copy; messages are shared.
func (x *Deliveries) Clone() Deliveries {
	c := *x
	c.Lanes, c.Coming, c.early = x.Lanes.Clone(), slices.Clone(x.Coming), slices.Clone(x.early)
	c.Known, c.Done = make([]clock.Vector, len(x.Known)), make([]clock.Vector, len(x.Done))
	for i := range x.Known {
		c.Known[i] = x.Known[i].Clone()
	}
	for i := range x.Done {
		c.Done[i] = x.Done[i].Clone()
	}
	return c
}

// AppendState appends all of it in one canonical form.
func (x *Deliveries) AppendState(b []byte) []byte {
	b = wire.AppendUints(x.Lanes.AppendState(b), x.Index)
	for _, vs := range [][]clock.Vector{x.Known, x.Done} {
		b = wire.AppendUints(b, uint64(len(vs)))
		for _, v := range vs {
			b = AppendVector(b, v)
		}
	}
	return AppendCasts(AppendCasts(b, x.Coming), x.early)
}
