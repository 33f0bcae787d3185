package group

import "althing/process"

// A disk says how a replica's disk behaves in a state.
type disk struct {
	quick bool // what is recorded is durable at once
	final bool // no crash can follow: what is durable will not be read again
}

// A record is a Save, a Checkpoint, or a LoadState: then it has the state.
type record struct {
	msg        process.Msg
	state      *process.State
	checkpoint bool
}

// A pending is a record that is not durable yet, or a message (to is set) that
// waits for those before it.
type pending struct {
	record
	to process.ID
}

// sync makes the n oldest records durable, and lets go what waited for them.
func (x *stage) sync(n int) {
	for len(x.r.pending) > 0 {
		p := x.r.pending[0]
		switch {
		case p.to != 0:
			x.post(p)
		case n == 0:
			return
		default:
			n--
			x.r.keep(p.record)
		}
		x.r.pending = x.r.pending[1:]
	}
	x.r.pending = nil
}

// keep makes one record durable.
func (r *replica) keep(x record) {
	if x.state != nil && x.state.Index > r.kept.Index {
		r.kept = clone(x.state)
	}
	if x.checkpoint {
		r.durable = nil
	}
	r.durable = append(r.durable, x)
}

// unsynced returns how many records are not durable.
func (r *replica) unsynced() (n int) {
	for i := range r.pending {
		if r.pending[i].to == 0 {
			n++
		}
	}
	return n
}

// crash leaves what is durable and n records more, and starts again.
func (x *stage) crash(n int) {
	r := &x.r
	for i := 0; i < len(r.pending) && n > 0; i++ {
		if r.pending[i].to == 0 {
			r.keep(r.pending[i].record)
			n--
		}
	}
	r.pending, r.waits, r.timers = nil, nil, 0
	r.proc, r.app = x.g.protocol.New(x.g.config(r.id)), clone(&r.kept)
	x.o.crashed = true
	for _, d := range r.durable {
		if d.msg == nil || x.o.err != nil {
			continue // a state that was loaded: it is in the application
		}
		var m process.Msg
		if m, x.o.err = x.g.decoded(d.msg); x.o.err == nil {
			x.step(process.Input{Kind: process.Recover, Msg: m}, nil)
		}
	}
	s := clone(&r.kept)
	x.step(process.Input{Kind: process.Start, State: &s}, nil)
}

func (x *record) appendState(b []byte) []byte {
	flags := byte(0)
	if x.checkpoint {
		flags |= 1
	}
	if x.state != nil {
		flags |= 2
	}
	if x.msg != nil {
		flags |= 4
	}
	b = append(b, flags)
	if x.state != nil {
		b = appendAppState(b, x.state)
	}
	if x.msg != nil {
		b = appendMsg(b, x.msg)
	}
	return b
}
