package world

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"althing/process"
	"althing/trace"
)

// A Violation is a promise that was broken.
type Violation struct {
	Name   string // of the property
	Detail string // who and where
}

// Error returns the name and the detail.
func (v *Violation) Error() string { return v.Name + ": " + v.Detail }

func violation(name, format string, args ...any) *Violation {
	return &Violation{name, fmt.Sprintf(format, args...)}
}

// named makes a Violation of a monitor's error, whose text begins with the
// name of the property and a colon.
func named(err error) error {
	if err == nil {
		return nil
	}
	var v *Violation
	if errors.As(err, &v) {
		return v
	}
	name, detail, _ := strings.Cut(err.Error(), ":")
	return &Violation{name, strings.TrimSpace(detail)}
}

// check is what a World knows of the whole group's past.
type check struct {
	total     bool                 // the order is total: else each replica has its own
	loses     bool                 // total, but a later epoch may undo the last commits
	wrote     uint64               // loses: the latest epoch in which a leader answered
	undone    []process.Entry      // loses: those, in the order in which they were found to be
	chosen    []process.Entry      // total: the first commit seen of each index, from 1; else: of each request
	committed map[place]submission // loses: all that ever were, anywhere
	submitted map[submission]struct{}
	seen      map[submission]struct{} // not total: those in chosen
	monitor   process.Monitor
}

type submission struct {
	kind        process.Kind
	client, seq uint64
	cmd         string
}

func (c *check) submit(q *process.Request) {
	if q.Kind == process.Command || q.Kind == process.Session {
		c.submitted[submissionOf(q)] = struct{}{}
	}
}

// commit checks that r may commit e.
func (c *check) commit(r *replica, e *process.Entry) error {
	if e.Index != r.app.state.Index+1 {
		return violation("Order", "replica %d commits %d after %d", r.id, e.Index, r.app.state.Index)
	}
	switch {
	case !c.total:
		return c.deliver(r, e)
	case c.loses:
		return c.undo(r, e)
	}
	if e.Index <= uint64(len(c.chosen)) {
		f := &c.chosen[e.Index-1]
		if f.Req.Kind != e.Req.Kind || f.Req.Client != e.Req.Client || f.Req.Seq != e.Req.Seq ||
			!bytes.Equal(f.Req.Cmd, e.Req.Cmd) {
			return violation("Agreement", "replica %d commits %s, but %s was committed before",
				r.id, trace.Entry(e), trace.Entry(f))
		}
		return nil
	}
	if e.Index != uint64(len(c.chosen))+1 {
		return violation("Order", "replica %d commits %d, but nobody committed what is before it", r.id, e.Index)
	}
	if err := c.valid(r, e); err != nil {
		return err
	}
	c.chosen = append(c.chosen, *e)
	return nil
}

// undo checks that r may commit e where a failure may undo the last commits.
// What counts is the history of the latest epoch; but within an epoch there is
// one, and nobody goes on in it from what is not in it.
func (c *check) undo(r *replica, e *process.Entry) error {
	c.committed[placeOf(e)], r.did[placeOf(e)] = submissionOf(&e.Req), struct{}{}
	n := uint64(len(c.chosen))
	at := min(e.Index, n) // the entry in e's place, or the last
	switch {
	case at > 0 && e.Epoch < c.chosen[at-1].Epoch:
		c.undone = append(c.undone, *e) // on a way that others have left
		return c.valid(r, e)
	case e.Index > n+1:
		return violation("Order", "replica %d commits %d, but nobody committed what is before it", r.id, e.Index)
	case e.Index > 1 && r.app.state.Epoch != c.chosen[e.Index-2].Epoch:
		return violation("Agreement", "replica %d commits %s after an entry of epoch %d, which %s had undone",
			r.id, trace.Entry(e), r.app.state.Epoch, trace.Entry(&c.chosen[e.Index-2]))
	case e.Index <= n && c.chosen[at-1].Epoch == e.Epoch:
		if f := &c.chosen[at-1]; submissionOf(&f.Req) != submissionOf(&e.Req) {
			return violation("Agreement", "replica %d commits %s, but %s was committed before",
				r.id, trace.Entry(e), trace.Entry(f))
		}
		return nil
	}
	if err := c.valid(r, e); err != nil {
		return err
	}
	c.undone = append(c.undone, c.chosen[e.Index-1:]...)
	c.chosen = append(slices.Clip(c.chosen[:e.Index-1]), *e)
	return nil
}

// valid checks that somebody asked for e.
func (c *check) valid(r *replica, e *process.Entry) error {
	if e.Req.Kind == process.Command || e.Req.Kind == process.Session {
		if _, ok := c.submitted[submissionOf(&e.Req)]; !ok {
			return violation("Validity", "replica %d commits %s, which nobody submitted", r.id, trace.Entry(e))
		}
	}
	return nil
}

// deliver checks that r may commit e in an order of its own: nothing twice, and
// what it does again after a crash in the order in which it did it before.
func (c *check) deliver(r *replica, e *process.Entry) error {
	q := submissionOf(&e.Req)
	if n := uint64(len(r.delivered)); e.Index <= n {
		if was := r.delivered[e.Index-1]; was != q {
			return violation("Order", "replica %d commits %s, but before the crash its %dth was %s",
				r.id, trace.Entry(e), e.Index, was.cmd)
		}
		return nil
	}
	if at, ok := r.deliveries[q]; ok {
		return violation("Integrity", "replica %d commits %s, which it did as its %dth", r.id, trace.Entry(e), at)
	}
	if err := c.valid(r, e); err != nil {
		return err
	}
	if _, ok := c.seen[q]; !ok {
		c.seen[q] = struct{}{}
		c.chosen = append(c.chosen, *e)
	}
	r.delivered, r.deliveries[q] = append(r.delivered, q), e.Index
	return nil
}

func submissionOf(q *process.Request) submission {
	return submission{q.Kind, q.Client, q.Seq, string(q.Cmd)}
}
