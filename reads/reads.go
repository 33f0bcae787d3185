// Package reads keeps count of how a leader learns that it is leader still.
//
// It begins a round by asking all; whoever follows it answers, and says by that
// that it knew of no later leader when it was asked. Once a quorum has answered, no
// other had been elected when the round began. Two things rest on that:
//
//   - a read that came before the round began may be answered from what is
//     committed, without an entry in a log (Ongaro 2014, §6.4: the read index);
//   - if who answers also promises not to elect another for a while, the leader
//     may answer reads for that while, counted from when the round began, without
//     asking again: a lease (§6.4.1; Gray and Cheriton 1989).
//
// Who asks whom, who counts, and what a quorum is are the protocol's. So is when
// what is committed covers all that earlier leaders committed.
package reads

import (
	"slices"
	"time"

	"althing/process"
	"althing/wire"
)

// MaxReads bounds the reads that wait for a round.
const MaxReads = 1 << 16

// Rounds are those of one leader in one term; numbered from 1. The zero value has
// begun none.
type Rounds struct {
	begun     uint64        // the last round begun
	confirmed uint64        // the last round that a quorum answered
	starts    []start       // of the rounds after confirmed, ascending
	reads     []read        // by round, ascending
	from      time.Duration // when the last confirmed round began
	leased    bool          // from is set
}

// A start is a round and when it began.
type start struct {
	round uint64
	at    time.Duration
}

// A read waits for a round.
type read struct {
	round uint64
	req   process.Request
}

// Add has a read wait for the next round. Not for the present one: some answers
// to that may be older than the read. It returns false, and forgets the read, if
// MaxReads wait already.
func (r *Rounds) Add(q process.Request) bool {
	if len(r.reads) >= MaxReads {
		return false
	}
	r.reads = append(r.reads, read{r.begun + 1, q})
	return true
}

// Quiet reports whether no round is under way.
func (r *Rounds) Quiet() bool { return r.begun == r.confirmed }

// Wanted reports whether reads wait for a round that has not begun.
func (r *Rounds) Wanted() bool {
	n := len(r.reads)
	return n > 0 && r.reads[n-1].round > r.begun
}

// Begin begins a round and returns its number.
func (r *Rounds) Begin(now time.Duration) uint64 {
	r.begun++
	r.starts = append(r.starts, start{r.begun, now})
	return r.begun
}

// Begun returns the number of the last round begun; 0 for none.
func (r *Rounds) Begun() uint64 { return r.begun }

// Confirm says that a quorum has answered a round, and so all before it. It
// returns false if that was known.
func (r *Rounds) Confirm(round uint64) bool {
	if round <= r.confirmed {
		return false
	}
	r.confirmed = round
	for len(r.starts) > 0 && r.starts[0].round <= round {
		r.from, r.leased = r.starts[0].at, true
		r.starts = r.starts[1:]
	}
	return true
}

// Confirmed returns the reads whose round is confirmed, in the order in which
// they came, and keeps them no longer.
func (r *Rounds) Confirmed() []process.Request {
	n := 0
	for n < len(r.reads) && r.reads[n].round <= r.confirmed {
		n++
	}
	return r.take(n)
}

// Drop returns all reads that wait, and keeps none.
func (r *Rounds) Drop() []process.Request { return r.take(len(r.reads)) }

func (r *Rounds) take(n int) []process.Request {
	if n == 0 {
		return nil
	}
	qs := make([]process.Request, n)
	for i := range qs {
		qs[i] = r.reads[i].req
	}
	if r.reads = r.reads[n:]; len(r.reads) == 0 {
		r.reads = nil
	}
	return qs
}

// Lease reports whether less time than span has passed since the last confirmed
// round began.
func (r *Rounds) Lease(now, span time.Duration) bool { return r.leased && now-r.from < span }

// EndLease ends what Lease reports, until another round is confirmed.
func (r *Rounds) EndLease() { r.leased = false }

// Clone returns an independent copy.
func (r *Rounds) Clone() Rounds {
	c := *r
	c.starts, c.reads = slices.Clone(r.starts), slices.Clone(r.reads)
	return c
}

// AppendState appends all of it in one canonical form.
func (r *Rounds) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, r.begun, r.confirmed, uint64(r.from), uint64(len(r.starts)), uint64(len(r.reads)))
	b = append(b, wire.Flag(r.leased, 1))
	for _, s := range r.starts {
		b = wire.AppendUints(b, s.round, uint64(s.at))
	}
	for i := range r.reads {
		q := &r.reads[i]
		b = wire.AppendUints(b, q.round, q.req.Client, q.req.Seq, uint64(q.req.Kind), uint64(len(q.req.Cmd)))
		b = append(b, q.req.Cmd...)
	}
	return b
}
