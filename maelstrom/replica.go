package maelstrom

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"althing/process"
	"althing/session"
)

const (
	// retryAfter is how long a request may be with a process before it is
	// handed over again: a few elections of the protocol's own timing.
	retryAfter = 500 * time.Millisecond
	// askAfter is how long to wait when nobody knows a leader.
	askAfter = 50 * time.Millisecond
	// giveUpAfter is well below the five seconds that Maelstrom's clients wait:
	// an error they hear says more than silence.
	giveUpAfter = 3 * time.Second
)

// An application is what entries are for.
type application interface {
	// command tells how a request is put to the application, and whether it only
	// reads. If it is for nobody, answer is what to reply.
	command(m *message) (cmd []byte, read bool, answer *body)
	// apply executes a command, and returns what its client is told.
	apply(cmd []byte) body
}

// A replica hosts one process.
type replica struct {
	*node
	proc   process.Process
	out    process.Output
	began  time.Time
	inbox  []process.Input
	timers [process.MaxTimer + 1]time.Time // zero: not set

	app      application
	index    uint64        // of the last entry applied
	sessions session.Table // of nodes, by ID
	serving  []serving     // reads that wait for an index

	calls  map[name]*call // what clients wait for
	last   [2]uint64      // number of the last call, by kind
	logged bool           // the process cannot read without its log
}

// A name is that of a call: reads, which are in no log, count apart, so that
// sessions see numbers without gaps.
type name struct {
	kind process.Kind
	seq  uint64
}

// A call is a request of a client that has not been answered.
type call struct {
	message *message
	req     process.Request
	tries   int // at processes that may still do it
	retry   time.Time
	end     time.Time
}

type serving struct {
	req   process.Request
	index uint64
}

func newReplica(n *node, app application) (*replica, error) {
	c := n.options.Config
	c.Self = n.self
	r := &replica{node: n, proc: n.options.Protocol.New(c), began: time.Now(), app: app,
		calls: make(map[name]*call)}
	r.out.Chooser = rand.IntN
	var g process.Group
	for i := range n.names {
		g.Voters = append(g.Voters, process.ID(i+1))
		// A node lives once, and its number is in no log: so a session for each is
		// part of the state that all begin with.
		r.sessions.Open(uint64(i + 1))
	}
	return r, r.step(process.Input{Kind: process.Start, State: &process.State{Group: g}})
}

// step steps the process, and then until it has nothing more to say to itself.
func (r *replica) step(in process.Input) error {
	r.inbox = append(r.inbox, in)
	for len(r.inbox) > 0 {
		in, r.inbox = r.inbox[0], r.inbox[1:]
		in.Now = time.Since(r.began)
		r.proc.Step(in, &r.out)
		for i := range r.out.Effects {
			if err := r.effect(&r.out.Effects[i]); err != nil {
				return err
			}
		}
		r.out.Reset()
	}
	return nil
}

func (r *replica) effect(e *process.Effect) error {
	switch e.Kind {
	case process.Save, process.Checkpoint:
		// Durable at once, for as long as we live; and we live once.
	case process.Send, process.SendNow:
		r.post(e.To, e.Msg)
	case process.SetTimer:
		d := e.Span.Min + rand.N(e.Span.Max-e.Span.Min+1)
		r.timers[e.Timer] = time.Now().Add(d)
	case process.StopTimer:
		r.timers[e.Timer] = time.Time{}
	case process.Commit:
		for i := range e.Entries {
			if err := r.apply(&e.Entries[i]); err != nil {
				return err
			}
		}
	case process.Serve:
		for _, q := range e.Reqs {
			r.serving = append(r.serving, serving{q, e.Index})
		}
		r.serve()
	case process.Refuse:
		for i := range e.Reqs {
			r.refused(&e.Reqs[i], e.Why, e.To)
		}
	case process.Undone:
		// Nobody to tell: Maelstrom judges what was lost by what it was answered.
	default: // application states are sent only where a log was cut
		return fmt.Errorf("%s asks for %v, which this host does not do",
			r.options.Protocol.Name, e.Kind)
	}
	return nil
}

func (r *replica) post(to process.ID, m process.Msg) {
	switch {
	case to == r.self:
		r.inbox = append(r.inbox, process.Input{Kind: process.Receive, From: to, Msg: m})
	case to > 0 && int(to) <= len(r.names):
		b, err := m.AppendBinary(nil)
		if err != nil { // the contract: never
			panic(fmt.Sprintf("maelstrom: encode %s: %v", m.Kind(), err))
		}
		r.send(to, body{Type: typeProcess, Data: b})
	}
}

func (r *replica) peer(from process.ID, b *body) error {
	switch b.Type {
	case typeProcess:
		m, err := r.options.Protocol.Decode(b.Data)
		if err != nil {
			return nil // as good as lost
		}
		return r.step(process.Input{Kind: process.Receive, From: from, Msg: m})
	case typeRequest:
		q := process.Request{Client: uint64(from), Seq: b.Number, Cmd: b.Data}
		return r.step(process.Input{Kind: process.Submit, Reqs: []process.Request{q}})
	}
	return nil
}

func (r *replica) request(m *message) error {
	cmd, reads, answer := r.app.command(m)
	if answer != nil {
		r.reply(m, *answer)
		return nil
	}
	kind := process.Command
	if reads && !r.logged {
		kind = process.Read
	}
	c := &call{message: m, req: process.Request{Kind: kind, Client: uint64(r.self), Cmd: cmd},
		end: time.Now().Add(giveUpAfter)}
	r.enter(c)
	return r.step(r.submit(c))
}

// enter gives a call its name.
func (r *replica) enter(c *call) {
	r.last[c.req.Kind]++
	c.req.Seq = r.last[c.req.Kind]
	r.calls[name{c.req.Kind, c.req.Seq}] = c
}

// submit is the input that hands a call to our own process.
func (r *replica) submit(c *call) process.Input {
	c.tries++
	c.retry = time.Now().Add(retryAfter)
	return process.Input{Kind: process.Submit, Reqs: []process.Request{c.req}}
}

// log makes a read an entry, to be handed over anew. What the process still
// does for the read then finds nobody.
func (r *replica) log(c *call) {
	delete(r.calls, name{c.req.Kind, c.req.Seq})
	c.req.Kind = process.Command
	r.enter(c)
}

// refused does what is left to do for a request that the process does not take.
// One of another node is left to that node, which asks again.
func (r *replica) refused(q *process.Request, why process.Reason, leader process.ID) {
	c := r.calls[name{q.Kind, q.Seq}]
	if q.Client != uint64(r.self) || c == nil {
		return
	}
	c.tries--
	switch {
	case q.Kind == process.Read:
		r.logged = r.logged || why == process.Unsupported
		r.log(c)
		r.inbox = append(r.inbox, r.submit(c))
	case why == process.Unsupported || why == process.Invalid:
		r.end(c, "refused: "+why.String())
	case leader > 0 && int(leader) <= len(r.names) && leader != r.self:
		c.tries++
		c.retry = time.Now().Add(retryAfter)
		r.send(leader, body{Type: typeRequest, Number: q.Seq, Data: q.Cmd})
	default:
		c.retry = time.Now().Add(askAfter)
	}
}

// end gives up. What a process may have taken may still be done, and only then
// is the error indefinite.
func (r *replica) end(c *call, text string) {
	delete(r.calls, name{c.req.Kind, c.req.Seq})
	if c.tries > 0 {
		r.reply(c.message, fault(timeout, "%s; it may have been done", text))
		return
	}
	r.reply(c.message, fault(unavailable, "%s", text))
}

// apply executes the next entry. Its client is told by the node that it asked.
func (r *replica) apply(e *process.Entry) error {
	if e.Index != r.index+1 {
		return fmt.Errorf("%s commits entry %d after %d", r.options.Protocol.Name, e.Index, r.index)
	}
	r.index = e.Index
	if e.Req.Kind == process.Command {
		c := r.calls[name{process.Command, e.Req.Seq}]
		if e.Req.Client != uint64(r.self) {
			c = nil
		}
		switch v, _ := r.sessions.Check(&e.Req); {
		case v == session.New:
			answer := r.app.apply(e.Req.Cmd)
			r.sessions.Done(&e.Req, nil)
			if c != nil {
				delete(r.calls, name{process.Command, e.Req.Seq})
				r.reply(c.message, answer)
			}
		case v == session.Expired && c != nil:
			// Had it been applied, the client would have been told then; and from
			// here on no replica applies it.
			c.tries = 0
			r.end(c, "too late for its session")
		}
	}
	r.serve()
	return nil
}

// serve answers the reads whose entry has been applied.
func (r *replica) serve() {
	r.serving = slices.DeleteFunc(r.serving, func(s serving) bool {
		if s.index > r.index {
			return false
		}
		id := name{s.req.Kind, s.req.Seq}
		if c := r.calls[id]; c != nil {
			delete(r.calls, id)
			r.reply(c.message, r.app.apply(s.req.Cmd))
		}
		return true
	})
}

// wake fires timers, and hands over again what was not answered.
func (r *replica) wake(now time.Time) (next time.Time, err error) {
	for t := range r.timers {
		if due := r.timers[t]; !due.IsZero() && !due.After(now) {
			r.timers[t] = time.Time{}
			if err := r.step(process.Input{Kind: process.Timeout, Timer: process.Timer(t)}); err != nil {
				return next, err
			}
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(r.calls), byNumber) {
		c := r.calls[id]
		switch {
		case c == nil: // answered by a step before
		case !c.end.After(now):
			r.end(c, "no leader answered in time")
		case !c.retry.After(now):
			if c.req.Kind == process.Read {
				r.log(c)
			}
			if err := r.step(r.submit(c)); err != nil {
				return next, err
			}
		}
	}
	for _, due := range r.timers {
		next = earlier(next, due)
	}
	for _, c := range r.calls {
		next = earlier(earlier(next, c.retry), c.end)
	}
	return next, nil
}

func byNumber(a, b name) int {
	if a.kind != b.kind {
		return int(a.kind) - int(b.kind)
	}
	if a.seq < b.seq {
		return -1
	}
	return 1
}

// earlier returns the earlier of two times; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
