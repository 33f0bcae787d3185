package node

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"althing/process"
	"althing/retry"
)

// A requester gets this member's requests done, whoever leads. Writes carry
// the number of a session that the member opened through the log, so that
// they may be submitted again whenever their outcome is in doubt: after a
// change of leader, or when no answer came. The answer to a write is that it
// is applied here.
type requester struct {
	mu    sync.Mutex
	calls map[uint64]*call // by number: submitted and not done

	// The loop's own.
	nonceOf   atomic.Uint64 // names our request for a session; the applier reads it
	session   uint64        // 0: not open yet
	asked     time.Duration
	seq       uint64
	unstamped []*call // wait for the session
	readSeq   uint64
	reads     map[uint64]*readBatch
	origins   map[uint64]process.ID // sessions of other members, for answers
	turned    bool                  // the leader changed since the last sweep
	swept     time.Duration
	took      bool // the Transfer being submitted was not refused
}

// A call is one request of this member.
type call struct {
	ctx   context.Context
	kind  process.Kind
	cmd   []byte
	done  func(any, error)
	began time.Duration
	seq   uint64
	attempt
	maybe   bool // it may be in a log
	settled bool // done was called; under requester.mu
}

// An attempt is how far something has been tried.
type attempt struct {
	tries int           // begun here
	hops  int           // members that the present try was sent on to
	next  time.Duration // when to try again
}

// maxHops bounds the members that one try is sent on to: two that take each
// other for the leader would not rest.
const maxHops = 2

// begin begins a try; the next is due when p says.
func (a *attempt) begin(now time.Duration, p retry.Policy) {
	a.tries++
	a.hops = 0
	a.next = now + p.Delay(a.tries+1, rand.Float64())
}

// refused schedules the next try, since this one was refused.
func (a *attempt) refused(now time.Duration) {
	a.next = now + retry.Consensus.Delay(a.tries+1, rand.Float64())
}

// onward reports whether the present try may go to one more member.
func (a *attempt) onward() bool { a.hops++; return a.hops <= maxHops }

// resend is for requests that got no answer, though nothing says that they are
// lost: patient, or an overload would feed itself.
var resend = retry.Policy{Initial: time.Second, Max: 10 * time.Second, Multiplier: 2, Jitter: 0.25}

// maxApplyLag is how many decided entries may wait to be applied before new
// requests are refused: they would only wait longer. As etcd does.
const maxApplyLag = 5000

// maxOrigins bounds what is remembered of other members' sessions.
const maxOrigins = 1024

func (g *Group) submit(ctx context.Context, kind process.Kind, cmd []byte, done func(any, error)) {
	switch {
	case g.n.closing.Load():
		done(nil, ErrClosed)
		return
	case g.pending.Load() >= int64(g.n.o.Pending):
		done(nil, ErrBusy)
		return
	}
	if s, _ := g.status(); s.Commit > g.applied.Load()+maxApplyLag {
		done(nil, ErrBusy)
		return
	}
	g.pending.Add(1)
	c := &call{ctx: ctx, kind: kind, cmd: cmd, done: done, began: g.n.clock()}
	if !g.bring(func(in *inbox) { in.calls = append(in.calls, c) }) {
		g.req.finish(g, c, nil, ErrClosed)
	}
}

// takeRequests submits what the inbox has of requests, our own and others'.
func (g *Group) takeRequests(in *inbox) {
	r := &g.req
	if in.reopen {
		g.dropSession()
	}
	if in.session != 0 && r.session == 0 {
		r.session, r.seq = in.session, 0
	}
	for i := range in.forwards {
		g.takeForward(&in.forwards[i])
	}
	for _, a := range in.answers {
		if a.why == 0 {
			for i := range a.reqs {
				r.finish(g, r.find(&a.reqs[i]), nil, nil)
			}
			continue
		}
		g.refused(a.reqs, a.why, a.leader)
	}
	r.unstamped = append(r.unstamped, in.calls...)
	g.takeReads(in)
	if r.session != 0 && len(r.unstamped) > 0 {
		g.stamp()
	}
	if r.turned || g.now-r.swept >= tick {
		g.sweep()
	}
}

// dropSession gives up a session that is closed, with what was numbered in it.
func (g *Group) dropSession() {
	r := &g.req
	r.session = 0
	r.nonceOf.Store(rand.Uint64() | 1)
	r.mu.Lock()
	calls := slices.Collect(maps.Values(r.calls))
	r.mu.Unlock()
	for _, c := range calls {
		r.finish(g, c, nil, ErrLost)
	}
}

// takeForward submits another member's requests.
func (g *Group) takeForward(f *forward) {
	for i := range f.reqs {
		q := &f.reqs[i]
		if q.Kind != process.Read && q.Client != 0 {
			if len(g.req.origins) >= maxOrigins {
				clear(g.req.origins) // they are learnt again with the next forward
			}
			g.req.origins[q.Client] = f.from
		}
	}
	g.submitAll(f.reqs)
}

// submitAll gives requests to the process, a Transfer by itself, for nothing
// but its not being refused shows that it was taken on.
func (g *Group) submitAll(reqs []process.Request) {
	isTransfer := func(q process.Request) bool { return q.Kind == process.Transfer }
	for len(reqs) > 0 {
		n := slices.IndexFunc(reqs, isTransfer)
		if n < 0 {
			n = len(reqs)
		}
		if n > 0 {
			g.step(process.Input{Kind: process.Submit, Reqs: reqs[:n:n]})
			reqs = reqs[n:]
			continue
		}
		q := reqs[:1:1]
		reqs = reqs[1:]
		g.req.took = true
		g.step(process.Input{Kind: process.Submit, Reqs: q})
		if !g.req.took {
			continue
		}
		if c := g.req.find(&q[0]); c != nil {
			g.req.finish(g, c, nil, nil)
		} else {
			g.answer(q, 0, g.n.o.Self)
		}
	}
}

// stamp numbers the calls that waited for it and submits them.
func (g *Group) stamp() {
	r := &g.req
	reqs := make([]process.Request, 0, len(r.unstamped))
	r.mu.Lock()
	for _, c := range r.unstamped {
		r.seq++
		c.seq = r.seq
		r.calls[c.seq] = c
		c.begin(g.now, resend)
		reqs = append(reqs, r.request(c))
	}
	r.mu.Unlock()
	clear(r.unstamped)
	r.unstamped = r.unstamped[:0]
	g.submitAll(reqs)
}

// request makes c's request, about to be submitted.
func (r *requester) request(c *call) process.Request {
	c.maybe = true
	return process.Request{Kind: c.kind, Client: r.session, Seq: c.seq, Cmd: c.cmd}
}

// find returns the call that q is, if it is one of ours.
func (r *requester) find(q *process.Request) *call {
	if r.session == 0 || q.Client != r.session || q.Kind == process.Read {
		return nil
	}
	return r.numbered(q.Seq)
}

// numbered returns the call of that number. The applier may ask too.
func (r *requester) numbered(seq uint64) *call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[seq]
}

// refused deals with requests that the process, or another member, did not
// take. Our own go to who leads, or wait; others' go back.
func (g *Group) refused(reqs []process.Request, why process.Reason, leader process.ID) {
	r := &g.req
	elsewhere := why == process.NotLeader && leader != 0 && leader != g.n.o.Self
	var onward, back requests
	for i := range reqs {
		q := &reqs[i]
		if q.Kind == process.Transfer {
			r.took = false
		}
		switch {
		case q.Kind == process.Read && process.ID(q.Client) == g.n.o.Self:
			if b := r.reads[q.Seq]; b != nil {
				b.refused(g.now)
				if elsewhere && b.onward() {
					onward = append(onward, *q)
				}
			}
		case q.Kind == process.Session && q.Client == r.nonceOf.Load():
			if elsewhere {
				onward = append(onward, *q)
			}
		case r.session != 0 && q.Client == r.session:
			if c := r.find(q); c != nil && g.refusedCall(c, why, leader) && elsewhere && c.onward() {
				onward = append(onward, r.request(c))
			}
		default:
			back = append(back, *q)
		}
	}
	if len(onward) > 0 {
		g.n.transport.Send(leader, frameForward, g.id, onward)
	}
	if len(back) > 0 {
		g.answer(back, why, leader)
	}
}

// refusedCall decides what follows for one of our calls, and reports whether
// it is to be tried again.
func (g *Group) refusedCall(c *call, why process.Reason, leader process.ID) bool {
	c.maybe = c.kind == process.Command && c.tries > 1
	again := why == process.NotLeader || why == process.Changing && c.kind == process.Command ||
		why == process.Busy && c.maybe
	if c.kind == process.Members {
		again = false // who made the plan led: what was decided since may not be in it
	}
	switch {
	case again:
		c.refused(g.now)
	case why == process.Busy:
		g.req.finish(g, c, nil, ErrBusy)
	default:
		g.req.finish(g, c, nil, &RefusedError{why, leader})
	}
	return again
}

// answer tells other members that their requests were refused.
func (g *Group) answer(reqs []process.Request, why process.Reason, leader process.ID) {
	byOrigin := make(map[process.ID]*answer)
	for i := range reqs {
		q := &reqs[i]
		to := g.req.origins[q.Client]
		switch {
		case q.Kind == process.Read:
			to = process.ID(q.Client)
		case q.Kind == process.Session:
			continue // its member asks again by itself
		}
		if to == 0 || to == g.n.o.Self {
			continue
		}
		if byOrigin[to] == nil {
			byOrigin[to] = &answer{why: why, leader: leader}
		}
		byOrigin[to].reqs = append(byOrigin[to].reqs, *q)
	}
	for to, a := range byOrigin {
		g.n.transport.Send(to, frameAnswer, g.id, a)
	}
}

// sweep fails what has run out of time and submits again what is due.
func (g *Group) sweep() {
	r := &g.req
	turned := r.turned && g.proc.Status().Leader != 0
	r.turned, r.swept = false, g.now
	if r.session == 0 && (len(r.unstamped) > 0 || turned) && (turned || g.now-r.asked >= 4*tick) {
		r.asked = g.now
		g.submitAll([]process.Request{{Kind: process.Session, Client: r.nonceOf.Load(), Seq: 1}})
	}
	var due, over []*call
	r.unstamped = slices.DeleteFunc(r.unstamped, func(c *call) bool {
		if c.ctx.Err() == nil {
			return false
		}
		over = append(over, c)
		return true
	})
	r.mu.Lock()
	for _, c := range r.calls {
		switch {
		case c.ctx.Err() != nil:
			over = append(over, c)
		case c.maybe && c.kind != process.Command:
			// It may be in a log, and nothing would keep it from a second effect.
		case turned || c.next <= g.now:
			due = append(due, c)
		}
	}
	slices.SortFunc(due, func(a, b *call) int { return cmp.Compare(a.seq, b.seq) })
	reqs := make([]process.Request, len(due))
	for i, c := range due {
		c.begin(g.now, resend)
		reqs[i] = r.request(c)
	}
	r.mu.Unlock()
	for _, c := range over {
		err := error(ErrLost)
		if !c.maybe {
			err = ErrNoLeader
		}
		r.finish(g, c, nil, err)
	}
	if len(reqs) > 0 {
		g.submitAll(reqs)
	}
	g.sweepReads(turned)
}

func (r *requester) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.calls) == 0 && len(r.unstamped) == 0 && len(r.reads) == 0
}

// finish tells the caller, once.
func (r *requester) finish(g *Group, c *call, result any, err error) {
	if c == nil {
		return
	}
	r.mu.Lock()
	settled := c.settled
	c.settled = true
	delete(r.calls, c.seq)
	r.mu.Unlock()
	if settled {
		return
	}
	g.pending.Add(-1)
	if hook := g.n.o.Hooks.Done; hook != nil {
		hook(g.id, c.kind, g.n.clock()-c.began, err)
	}
	c.done(result, err)
}

// failAll fails everything: the group has stopped.
func (g *Group) failAll(err error) {
	r := &g.req
	g.mu.Lock()
	g.over = true
	r.unstamped = append(append(r.unstamped, g.in.calls...), g.spare.calls...)
	barriers := append(slices.Clone(g.in.barriers), g.spare.barriers...)
	g.mu.Unlock()
	for _, c := range r.unstamped {
		if c != nil {
			r.finish(g, c, nil, err)
		}
	}
	r.mu.Lock()
	calls := slices.Collect(maps.Values(r.calls))
	r.mu.Unlock()
	for _, c := range calls {
		r.finish(g, c, nil, err)
	}
	for _, b := range r.reads {
		barriers = append(barriers, b.barriers...)
	}
	for _, b := range barriers {
		if b != nil {
			b.done <- barrierDone{err: err}
		}
	}
}
