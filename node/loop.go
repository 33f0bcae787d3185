package node

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"althing/process"
)

// A Group is one replica of one application on this node. The fields below a
// heading belong to what the heading names.
type Group struct {
	id      uint32
	n       *Node
	machine process.Machine
	applied atomic.Uint64
	pending atomic.Int64

	// The inbox: all who bring something hold mu.
	mu    sync.Mutex
	room  sync.Cond // the loop took the inbox
	in    inbox
	over  bool          // nobody will take the inbox again
	waits atomic.Uint64 // the LSN that the group waits for, 0 if none

	loop   *loop
	roused atomic.Bool // it has a turn to come

	// The loop.
	proc   process.Process
	out    process.Output
	spare  inbox
	now    time.Duration
	timers [process.MaxTimer + 1]time.Duration // when each fires; 0: not set
	due    time.Duration                       // when the group must have a turn, whatever comes
	ended  bool
	held   queue[hold]
	lsn    uint64 // of the last save
	born   uint64 // of the last save of Start
	saved  bool   // there are saves that the log was not told to flush
	own    []process.Msg

	req     requester
	app     applier
	sending streams

	// What others may ask.
	seen struct {
		sync.Mutex
		status   process.Status
		changed  chan struct{}
		progress []process.Progress
		at       time.Duration // of progress
	}
}

// hold is a Send or SendState that waits for the log.
type hold struct {
	lsn  uint64
	kind process.EffectKind
	to   process.ID
	msg  process.Msg
}

// inbox is what came since the loop looked last.
type inbox struct {
	msgs     []received
	calls    []*call
	barriers []*barrier
	forwards []forward
	answers  []*answer
	served   []*served
	compact  *process.State
	session  uint64 // a session was opened for us
	reopen   bool   // ours is closed
	stop     bool
}

type received struct {
	from  process.ID
	msg   process.Msg
	state *process.State
	done  chan struct{} // with state: closed when stepped
}

type forward struct {
	from process.ID
	reqs requests
}

// maxInbox bounds the messages that wait for the loop: a reader that has more
// waits, and so, by TCP, does the sender.
const maxInbox = 4096

func (i *inbox) reset() {
	clear(i.msgs)
	clear(i.calls)
	clear(i.barriers)
	clear(i.forwards)
	clear(i.answers)
	clear(i.served)
	*i = inbox{
		msgs: i.msgs[:0], calls: i.calls[:0], barriers: i.barriers[:0],
		forwards: i.forwards[:0], answers: i.answers[:0], served: i.served[:0],
	}
}

// bring puts something into the inbox and wakes the loop. It returns false if
// the loop has ended.
func (g *Group) bring(put func(*inbox)) bool {
	g.mu.Lock()
	if g.over {
		g.mu.Unlock()
		return false
	}
	put(&g.in)
	g.mu.Unlock()
	g.rouse()
	return true
}

// begin has the process start.
func (g *Group) begin() {
	defer g.rescue()
	state := g.machine.State()
	g.applied.Store(state.Index)
	g.now = g.n.clock()
	g.step(process.Input{Kind: process.Start, State: &state})
	g.born = g.lsn
	g.n.log.Flush()
}

// rescue turns a broken invariant of the process into the end of the node.
func (g *Group) rescue() {
	if r := recover(); r != nil {
		g.n.fail(fmt.Errorf("group %d: %v\n%s", g.id, r, debug.Stack()))
	}
}

// turn takes the inbox and steps all that is in it. It returns false when the
// group is to stop.
func (g *Group) turn() (on bool) {
	defer g.rescue()
	g.mu.Lock()
	g.in, g.spare = g.spare, g.in
	g.room.Broadcast()
	g.mu.Unlock()
	in := &g.spare
	if in.stop {
		return false // failAll sees to what is in it
	}
	g.now = g.n.clock() // after the inbox is in hand: rule 7
	g.release()
	for i := range in.msgs {
		m := &in.msgs[i]
		g.step(process.Input{Kind: process.Receive, From: m.from, Msg: m.msg, State: m.state})
		if m.done != nil {
			close(m.done)
		}
	}
	g.fireTimers()
	if in.compact != nil {
		g.step(process.Input{Kind: process.Compact, State: in.compact})
	}
	g.takeRequests(in)
	g.waitForDisk()
	g.publish()
	g.due = g.nextTimer()
	in.reset() // not deferred: after a panic failAll needs what is in it
	return true
}

// step steps the process once and carries out what it asks, then steps it with
// what it sent itself.
func (g *Group) step(in process.Input) {
	in.Now = g.now
	g.proc.Step(in, &g.out)
	g.flush()
	g.stepOwn()
}

// stepOwn steps the process with the messages that it sent itself.
func (g *Group) stepOwn() {
	for i := 0; i < len(g.own); i++ { // a step may add to them
		m := g.own[i]
		g.proc.Step(process.Input{Kind: process.Receive, From: g.n.o.Self, Now: g.now, Msg: m}, &g.out)
		g.flush()
	}
	clear(g.own)
	g.own = g.own[:0]
}

// flush carries effects out, in order.
func (g *Group) flush() {
	for i := range g.out.Effects {
		e := &g.out.Effects[i]
		switch e.Kind {
		case process.Save, process.Checkpoint:
			g.lsn = g.n.log.Append(g.id, e.Kind == process.Checkpoint, e.Msg)
			g.saved = true
		case process.SendNow:
			g.send(e.To, e.Msg)
		case process.Send, process.SendState:
			h := hold{g.lsn, e.Kind, e.To, e.Msg}
			if g.lsn <= g.n.durable.Load() && g.held.len() == 0 {
				g.deliver(&h)
			} else {
				g.held.push(h)
			}
		case process.LoadState:
			g.app.load() // waits: later saves rest on it
		case process.SetTimer:
			g.timers[e.Timer] = g.now + draw(e.Span)
		case process.StopTimer:
			g.timers[e.Timer] = 0
		case process.Commit:
			g.app.commit(e.Entries)
		case process.Serve:
			g.serve(e.Reqs, e.Index)
		case process.Refuse:
			g.refused(e.Reqs, e.Why, e.To)
		case process.Undone:
			g.undone(e.Entries, e.Index)
		case process.Reply:
			g.req.finish(g, g.req.find(&e.Reqs[0]), e.Data, nil)
		}
	}
	g.out.Reset()
}

func draw(s process.Span) time.Duration {
	return s.Min + time.Duration(rand.Int64N(int64(s.Max-s.Min)+1))
}

// send sends a message of the protocol to another replica, or to this one.
func (g *Group) send(to process.ID, m process.Msg) {
	if to == g.n.o.Self {
		g.own = append(g.own, m)
		return
	}
	g.n.transport.Send(to, frameMessage, g.id, m)
}

func (g *Group) deliver(h *hold) {
	if h.kind == process.SendState {
		g.sendState(h.to, h.msg)
		return
	}
	g.send(h.to, h.msg)
}

// release delivers what waited for saves that are durable now.
func (g *Group) release() {
	durable := g.n.durable.Load()
	for g.held.len() > 0 && g.held.front().lsn <= durable {
		h := g.held.pop()
		g.deliver(&h)
	}
	g.stepOwn()
}

// waitForDisk lets the log's writer wake the loop for the first held message.
func (g *Group) waitForDisk() {
	var lsn uint64
	if g.held.len() > 0 {
		lsn = g.held.front().lsn
	}
	g.waits.Store(lsn)
	if lsn != 0 && lsn <= g.n.durable.Load() { // it became durable before waits was set
		g.rouse()
	}
}

func (g *Group) fireTimers() {
	for t := range g.timers {
		if at := g.timers[t]; at != 0 && at <= g.now {
			g.timers[t] = 0
			g.step(process.Input{Kind: process.Timeout, Timer: process.Timer(t)})
		}
	}
}

// tick is how often a group looks after requests that got no answer.
const tick = 50 * time.Millisecond

func (g *Group) nextTimer() time.Duration {
	next := g.now + 20*tick
	if !g.req.idle() {
		next = g.now + tick
	}
	for _, at := range g.timers {
		if at != 0 {
			next = min(next, at)
		}
	}
	return next
}

// publish lets others see what the process has become.
func (g *Group) publish() {
	is := g.proc.Status()
	s := &g.seen
	s.Lock()
	was := s.status
	s.status = is
	turned := was.Role != is.Role || was.Epoch != is.Epoch || was.Leader != is.Leader
	if turned {
		close(s.changed)
		s.changed = make(chan struct{})
	}
	if turned || g.now-s.at >= tick {
		s.at = g.now
		s.progress = g.proc.Progress(s.progress[:0:0])
	}
	s.Unlock()
	if turned {
		g.req.turned = true
		if hook := g.n.o.Hooks.Status; hook != nil {
			hook(g.id, was, is)
		}
		g.rouse() // requests that waited for a leader may go now
	}
}

func (g *Group) status() (process.Status, <-chan struct{}) {
	g.seen.Lock()
	defer g.seen.Unlock()
	return g.seen.status, g.seen.changed
}

func (g *Group) progress() []process.Progress {
	g.seen.Lock()
	defer g.seen.Unlock()
	return g.seen.progress
}

// A queue is first in, first out.
type queue[T any] struct {
	items []T
	head  int
}

func (q *queue[T]) len() int  { return len(q.items) - q.head }
func (q *queue[T]) front() *T { return &q.items[q.head] }
func (q *queue[T]) push(v T)  { q.items = append(q.items, v) }
func (q *queue[T]) pop() (v T) {
	var zero T
	v, q.items[q.head] = q.items[q.head], zero
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	} else if q.head > 1024 && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return v
}
