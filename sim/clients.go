package sim

import (
	"fmt"
	"strconv"
	"time"

	"althing/history"
	"althing/process"
	"althing/sim/agenda"
	"althing/sim/dice"
	"althing/sim/guest"
	"althing/sim/schedule"
	"althing/sim/waits"
	"althing/world"
)

// A client is one user of the group. It opens a session, and then asks one
// thing after the other; it asks again, elsewhere, what is not answered. For
// groups without a total order, see tell.
type client struct {
	dice.Dice
	session uint64 // 0: not open yet
	seq     uint64
	wake    uint64 // number of the wake-up that counts
	busy    bool
	called  bool       // op has reached a replica: from then on it may take effect
	op      history.Op // Kind 0: opening the session
	req     process.Request
	hasty   bool // gives up at the first silence
	began   time.Duration
	again   bool // it was refused, and asks the present target next
	target  process.ID
	seen    [maxKeys]string // the last value it saw, by key
	quiet   bool            // it asks no more
	fresh   int             // operations that began after the faults ended, and were answered
	guest   guest.Guest     // of a store
	reread  int             // keys that it has read after all was over
}

const (
	maxKeys = guest.MaxKeys
	// maxOpen bounds the operations without an answer in one history, for each
	// doubles the work of the check in the worst case.
	maxOpen = 4
)

// A reply is an answer on its way to a client.
type reply struct {
	client int
	at     time.Duration // when the replica gave it
	answer world.Answer
}

func (s *sim) startClients() {
	for i := range s.plan.clients {
		c := client{Dice: dice.New(s.opt.Seed, clientStream+uint64(i)), target: 1}
		if !s.total {
			c.target = process.ID(1 + i%s.plan.nodes)
		}
		if s.store {
			c.session = uint64(i + 1) // as guests name themselves
			c.guest.Plain = s.opt.meter != nil
		}
		s.clients = append(s.clients, c)
		s.sleep(i, s.clients[i].Between(0, 300*time.Millisecond))
	}
}

// sleep wakes the client after d, and not before.
func (s *sim) sleep(i int, d time.Duration) {
	c := &s.clients[i]
	c.wake++
	s.heap.Push(agenda.Event{At: s.now + d, Kind: evClient, Node: uint8(i), Arg: c.wake})
}

// wake lets a client act: begin something, or wait no longer.
func (s *sim) wake(i int, wake uint64) {
	c := &s.clients[i]
	switch {
	case wake != c.wake || c.quiet:
	case !s.total && s.settling.excluded(c.target):
		c.quiet = true
	case s.store && s.w.Gone(c.target):
		s.moveOn(i)
	case !c.busy:
		s.begin(i)
	case c.again:
		c.again = false
		s.ask(i)
	case !s.total && !s.roams(), c.hasty && c.op.Kind != 0 && s.open < maxOpen && !s.settling.on:
		s.giveUp(c)
		s.rest(i)
	default: // no answer: ask somebody else
		c.target = s.another(c, c.target)
		s.ask(i)
	}
}

// another is whom to ask after the one that was of no help. While the group
// settles it is the next in turn: most replicas may be gone for good, and
// progress has a bound that chance alone would miss now and then.
func (s *sim) another(c *client, than process.ID) process.ID {
	n := s.w.Replicas()
	if s.settling.on {
		return than%process.ID(n) + 1
	}
	return process.ID(1 + c.Below(n))
}

// giveUp ends an operation whose outcome the client will never know. If it has
// not reached a replica yet, it may still do so.
func (s *sim) giveUp(c *client) {
	if !c.called {
		c.op.Call = s.now
	}
	c.op.Open = true
	s.open++
	s.ops = append(s.ops, c.op)
}

// rest ends an operation and thinks about the next.
func (s *sim) rest(i int) {
	c := &s.clients[i]
	c.busy, c.called, c.again = false, false, false
	c.quiet = s.settling.on && c.fresh >= freshEnough
	if s.settling.last {
		c.quiet = c.reread >= s.keys()
	}
	if c.quiet {
		return
	}
	s.sleep(i, c.Around(s.pace(i)))
}

// loyal reports whether the client only reads, often, and where it was last
// answered: it is who notices that an old leader is one no longer. In a trial one
// does, no more often than others.
func (s *sim) loyal(i int) bool { return s.plan.pace > 0 && i%2 == 0 || s.onlooker(i) }

func (s *sim) onlooker(i int) bool { return s.opt.meter != nil && s.plan.reads > 0 && i == 0 }

// pace is how long the client thinks, on average.
func (s *sim) pace(i int) time.Duration {
	switch {
	case s.loyal(i), s.settling.last:
		return 20 * time.Millisecond
	case s.plan.pace > 0:
		return s.plan.pace
	}
	return time.Second * time.Duration(s.plan.clients) / time.Duration(s.plan.rate)
}

// begin makes up the next operation.
func (s *sim) begin(i int) {
	c := &s.clients[i]
	c.busy, c.called, c.hasty, c.began = true, false, c.Chance(50_000) && s.opt.meter == nil, s.now
	switch {
	case s.store:
		s.useStore(i)
		return
	case !s.total:
		s.tell(i)
		return
	}
	if !s.loyal(i) && c.Chance(s.plan.stray) { // who led before may still believe it
		c.target = process.ID(1 + c.Below(s.w.Replicas()))
	}
	if c.session == 0 {
		c.op = history.Op{Client: i}
		c.req = process.Request{Kind: process.Session, Cmd: strconv.AppendInt([]byte("client "), int64(i), 10)}
		s.ask(i)
		return
	}
	c.seq++
	key := c.Below(min(s.plan.keys, maxKeys))
	o := history.Op{Client: i, Key: "k" + strconv.Itoa(key), Arg: fmt.Sprintf("%d.%d", i, c.seq)}
	kind := process.Command
	switch n := c.Below(100); {
	case c.Below(100) < s.plan.reads || s.loyal(i):
		o.Kind, o.Arg = history.Get, ""
		if n < 85 || s.onlooker(i) { // the others go through the log
			kind = process.Read
		}
	case n < 50 || s.opt.meter != nil:
		o.Kind = history.Put
	case n < 75:
		o.Kind, o.Old = history.CAS, c.seen[key]
	default:
		o.Kind, o.Arg = history.Append, o.Arg+","
	}
	c.op = o
	c.req = process.Request{Kind: kind, Client: c.session, Seq: c.seq, Cmd: command(&o)}
	s.ask(i)
}

// tell makes up a command for a group without a total order. A client stays with
// its replica, and does not repeat what is not answered: it would be another.
func (s *sim) tell(i int) {
	c := &s.clients[i]
	c.seq++
	c.op = history.Op{Client: i, Key: "k0", Arg: fmt.Sprintf("%d.%d", i, c.seq), Kind: history.Put}
	c.req = process.Request{Kind: process.Command, Cmd: command(&c.op)}
	if s.ends && c.Chance(300_000) {
		c.req = process.Request{Kind: process.Read, Cmd: []byte("get k0")}
	}
	s.ask(i)
}

// command is the operation as the application reads it.
func command(o *history.Op) []byte {
	b := append([]byte(o.Kind.String()), ' ')
	b = append(b, o.Key...)
	if o.Kind == history.CAS {
		b = append(append(b, ' '), o.Old...)
	}
	if o.Kind != history.Get {
		b = append(append(b, ' '), o.Arg...)
	}
	return b
}

// ask sends the request on its way, and sets a time to wait for the answer.
func (s *sim) ask(i int) {
	c := &s.clients[i]
	s.send(schedule.Call{Client: i, Op: c.op, Req: c.req, To: c.target}, s.travel(s.home(i), c.target, &c.Dice))
	s.sleep(i, s.plan.retry+c.Around(s.plan.retry/4))
}

func (s *sim) send(c schedule.Call, delay time.Duration) {
	s.heap.Push(agenda.Event{At: s.now + delay, Kind: evArrive, Node: uint8(c.To), Arg: s.calls.Add(c)})
}

// arrive puts a request that reached a replica to those that wait there. All
// that wait make one Submit.
func (s *sim) arrive(c schedule.Call) {
	if !s.w.Up(c.To) {
		return
	}
	n := s.node(c.To)
	n.inbox = append(n.inbox, c)
	if !n.draining {
		n.draining = true
		at := s.now + n.net.Between(0, time.Millisecond)
		s.heap.Push(agenda.Event{At: at, Kind: evDrain, Node: uint8(c.To), Arg: n.life})
	}
}

func (s *sim) drain(e *agenda.Event) {
	id := process.ID(e.Node)
	n := s.node(id)
	if e.Arg != n.life || s.putOff(e) {
		return
	}
	a := schedule.Action{Kind: schedule.Submit, Node: id, Reqs: make([]process.Request, len(n.inbox))}
	for i := range n.inbox {
		in := &n.inbox[i]
		a.Reqs[i] = in.Req
		if in.Client == schedule.NoClient {
			continue
		}
		c := &s.clients[in.Client]
		if c.busy && !c.called && c.req.Seq == in.Req.Seq && c.req.Client == in.Req.Client {
			c.called, c.op.Call = true, s.now
		}
	}
	if s.opt.record {
		a.Calls = append(a.Calls, n.inbox...)
	}
	n.inbox, n.draining = n.inbox[:0], false
	s.do(&a)
}

// reply sends an answer on its way to whom it is for.
func (s *sim) reply(a *world.Answer) {
	i := s.whose(&a.Req)
	if i == schedule.NoClient {
		s.operator.told(a)
		return
	}
	c := &s.clients[i]
	if c.Chance(s.plan.loss) {
		return
	}
	at := s.now + s.travel(a.Node, s.home(i), &c.Dice)
	s.heap.Push(agenda.Event{At: at, Kind: evAnswer, Arg: s.replies.Add(reply{i, s.now, *a})})
}

// whose returns the client that made the request.
func (s *sim) whose(r *process.Request) int {
	for i := range s.clients {
		c := &s.clients[i]
		if r.Client != c.session {
			continue
		}
		if r.Client != 0 || string(r.Cmd) == string(c.req.Cmd) {
			return i
		}
	}
	return schedule.NoClient
}

// answered takes in an answer, if the client still waits for it.
func (s *sim) answered(r reply) {
	c, a := &s.clients[r.client], &r.answer
	if !c.busy || a.Req.Client != c.req.Client || a.Req.Seq != c.req.Seq || a.Req.Kind != c.req.Kind {
		return
	}
	switch a.Outcome {
	case world.Refused:
		if s.ends && a.Why == process.Invalid {
			break // the group has come to its end: that is an answer
		}
		s.refused(r.client, a)
		return
	case world.Expired:
		s.violation = &world.Violation{Name: "Session",
			Detail: fmt.Sprintf("replica %d has forgotten session %d", a.Node, a.Req.Client)}
		return
	}
	c.target = a.Node
	if c.op.Kind == 0 {
		c.session = schedule.SessionOf(a.Result)
		s.rest(r.client)
		return
	}
	c.op.Return = r.at
	if s.store {
		c.guest.Learn(&c.op, a.Result)
	} else {
		c.op.Result = string(a.Result)
		c.remember()
	}
	if m := s.opt.meter; m != nil {
		m.waits = append(m.waits, waits.Wait{At: s.now, Took: s.now - c.began})
	}
	if s.settling.on && c.op.Call >= s.settling.since {
		c.fresh++
	}
	s.ops = append(s.ops, c.op)
	s.rest(r.client)
}

// remember keeps what the client now knows of the register, for a later CAS.
func (c *client) remember() {
	seen := &c.seen[c.op.Key[1]-'0']
	switch {
	case c.op.Kind == history.Get || c.op.Kind == history.Append:
		*seen = c.op.Result
	case c.op.Kind == history.Put || c.op.Result == "1":
		*seen = c.op.Arg
	}
}

// refused tries again after a while, where the replica says.
func (s *sim) refused(i int, a *world.Answer) {
	c := &s.clients[i]
	if s.settling.on && c.guest.Moving() {
		s.moveOn(i)
		return
	}
	if a.Why == process.Unsupported && c.req.Kind == process.Read {
		c.req.Kind = process.Command // through the log, then
	}
	// As long as there is no leader all clients ask again and again: not so
	// often that little else happens.
	wait := 20 * time.Millisecond
	if c.target = a.Leader; c.target == 0 {
		wait *= 5
	}
	if c.target == 0 || int(c.target) > s.w.Replicas() {
		c.target = s.another(c, a.Node)
	}
	if !s.total && !s.roams() {
		c.target = a.Node
	}
	c.again = true
	s.sleep(i, c.Between(time.Millisecond, wait))
}
