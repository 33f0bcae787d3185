package node

import (
	"cmp"
	"context"
	"slices"
	"time"

	"althing/process"
	"althing/retry"
)

// A readBatch is barriers that one read serves.
type readBatch struct {
	id       uint64
	barriers []*barrier
	attempt
}

// A barrier is one caller of Barrier.
type barrier struct {
	began time.Duration
	done  chan barrierDone // room for one
}

type barrierDone struct {
	index uint64
	err   error
}

// rereads is when a read that got no answer is sent again: it costs little and
// changes nothing.
var rereads = retry.Policy{Initial: 200 * time.Millisecond, Max: 2 * time.Second, Multiplier: 2, Jitter: 0.25}

func (g *Group) barrier(ctx context.Context) (uint64, error) {
	if g.n.closing.Load() {
		return 0, ErrClosed
	}
	b := &barrier{began: g.n.clock(), done: make(chan barrierDone, 1)}
	if !g.bring(func(in *inbox) { in.barriers = append(in.barriers, b) }) {
		return 0, ErrClosed
	}
	select {
	case d := <-b.done:
		if hook := g.n.o.Hooks.Done; hook != nil {
			hook(g.id, process.Read, g.n.clock()-b.began, d.err)
		}
		return d.index, d.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// takeReads takes in what the inbox has of reads: barriers, which become one
// read, and answers to earlier ones.
func (g *Group) takeReads(in *inbox) {
	r := &g.req
	for _, s := range in.served {
		for _, id := range s.ids {
			if b := r.reads[id]; b != nil {
				delete(r.reads, id)
				g.app.await(s.index, b)
			}
		}
	}
	if len(in.barriers) > 0 {
		r.readSeq++
		b := &readBatch{id: r.readSeq, barriers: slices.Clone(in.barriers)}
		r.reads[b.id] = b
		g.submitReads([]*readBatch{b})
	}
}

// serve answers reads, or lets the members answer whose reads they are.
func (g *Group) serve(reqs []process.Request, index uint64) {
	for i := range reqs {
		q := &reqs[i]
		if process.ID(q.Client) != g.n.o.Self {
			g.n.transport.Send(process.ID(q.Client), frameServe, g.id, &served{index, []uint64{q.Seq}})
		} else if b := g.req.reads[q.Seq]; b != nil {
			delete(g.req.reads, q.Seq)
			g.app.await(index, b)
		}
	}
}

func (g *Group) submitReads(bs []*readBatch) {
	reqs := make([]process.Request, len(bs))
	for i, b := range bs {
		b.begin(g.now, rereads)
		reqs[i] = process.Request{Kind: process.Read, Client: uint64(g.n.o.Self), Seq: b.id}
	}
	g.submitAll(reqs)
}

func (g *Group) sweepReads(turned bool) {
	var due []*readBatch
	for _, b := range g.req.reads {
		if turned || b.next <= g.now {
			due = append(due, b)
		}
	}
	if len(due) > 0 {
		slices.SortFunc(due, func(a, b *readBatch) int { return cmp.Compare(a.id, b.id) })
		g.submitReads(due)
	}
}
