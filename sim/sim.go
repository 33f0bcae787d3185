package sim

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"time"

	"althing/history"
	"althing/process"
	"althing/sim/agenda"
	"althing/sim/dice"
	"althing/sim/schedule"
	"althing/trace"
	"althing/world"
)

// Result is what a run came to.
type Result struct {
	Seed      uint64
	Options   string // in full, with what the seed drew
	Events    uint64 // deliveries, timeouts, requests, flushes, faults
	Elections uint64 // leaders that took office
	Done      int    // operations that were answered
	Open      int    // operations of which no client knows the outcome
	Entries   int    // committed
	Undone    int    // committed and then undone, as a protocol that Loses may
	Faults    map[string]int
	Virtual   time.Duration // time that passed in the World
	Took      time.Duration // by the clock on the wall
	Violation *world.Violation
	History   []history.Op
	Digest    uint64 // of all that happened: equal for equal options
}

// Run simulates what o says of p. Its error is that of writing the trace.
func Run(p process.Protocol, o Options) (Result, error) {
	s, err := run(p, o)
	return s.result(), err
}

// A sim is one run.
type sim struct {
	opt   Options
	plan  plan
	total bool // the protocol orders all commits alike, without end
	store bool // its replicas are the data, and all of them answer
	ends  bool // it commits so much and no more
	w     *world.World
	heap  agenda.Agenda
	now   time.Duration

	nodes    []node
	links    [world.MaxReplicas][world.MaxReplicas]time.Duration // when the last message arrives
	clients  []client
	calls    agenda.Pool[schedule.Call]
	replies  agenda.Pool[reply]
	faults   [faultKinds]dice.Dice
	settle   dice.Dice
	mood     dice.Dice // strikes
	operator operator
	settling settling

	ops       []history.Op
	counts    map[string]int
	elections uint64
	epoch     uint64 // the highest in which a leader took office
	splits    uint64 // cuts of a mood: each takes the place of all that was cut
	highest   uint64 // the highest that any replica was in
	open      int
	violation *world.Violation
	schedule  []schedule.Action
	started   time.Time
	took      time.Duration
}

// A node is what the dice know of a replica.
type node struct {
	timer, disk, net dice.Dice
	timers           [process.MaxTimer + 1]deadline
	life             uint64 // counts crashes: events of an earlier life are void
	syncing          int    // records on their way to the disk
	slow             time.Duration
	failing          bool            // the next flush fails
	doomed           bool            // after the next flush, when promises have just left, it crashes
	resume           time.Duration   // when a paused replica goes on
	inbox            []schedule.Call // requests that wait for the next Submit
	draining         bool
	epoch            uint64 // as last shown
	first            uint64 // leading: what it had committed when it began, until it commits more
}

// A deadline is when a timer fires, and the time of the event that will look
// for it: the deadline may have moved on since, for most timers are set again
// and again before they fire.
type deadline struct{ at, queued time.Duration }

func run(p process.Protocol, o Options) (*sim, error) {
	o.defaults()
	s := newSim(p, o)
	var t *trace.Writer
	if o.Trace != nil {
		c := s.config()
		t = trace.NewWriter(o.Trace, trace.Header{Protocol: p.Name, Seed: o.Seed, Options: o.String(),
			World: c.String()})
		s.w.Observe = t.Write
	}
	s.live()
	if t == nil {
		return s, nil
	}
	if s.violation != nil {
		t.Write(&trace.Event{Time: s.now, Seq: s.w.Events() + 1, Kind: "violation", Note: s.violation.Error()})
	}
	return s, t.Flush()
}

func newSim(p process.Protocol, o Options) *sim {
	s := &sim{opt: o, plan: planned(&o), total: p.Facts.Serves(), ends: p.Facts.Decrees > 0,
		store: p.Facts.Stores, counts: map[string]int{}, started: time.Now()}
	s.plan.bear(&p, int(o.Process.Drift*1e6))
	s.w = world.New(p, s.config())
	s.settle, s.mood = dice.New(o.Seed, settleStream), dice.New(o.Seed, strikeStream)
	s.operator.Dice = dice.New(o.Seed, operatorStream)
	for i := range s.faults {
		s.faults[i] = dice.New(o.Seed, faultStream+uint64(i))
	}
	return s
}

// config is that of the World.
func (s *sim) config() world.Config {
	c := world.Config{Replicas: s.plan.nodes, Process: s.opt.Process, Seed: s.opt.Seed, Wire: s.plan.wire}
	set(&c.Process.Heartbeat, s.plan.heartbeat)
	set(&c.Process.Election, s.plan.election)
	set(&c.Process.Trailing, s.plan.trailing)
	set(&c.Process.BatchBytes, s.plan.batch)
	set(&c.Process.Window, s.plan.window)
	c.Process.Lease = s.plan.lease
	return c
}

// live runs to the end or to the first violation. What panics outside a Step
// is a fault of the simulator's own, and reported like one.
func (s *sim) live() {
	defer func() {
		if x := recover(); x != nil {
			s.violation = &world.Violation{Name: "Simulator", Detail: fmt.Sprintf("%v\n%s", x, debug.Stack())}
		}
		s.took = time.Since(s.started)
	}()
	for id := 1; id <= s.plan.nodes; id++ {
		s.grow()
		s.setClock(process.ID(id))
		s.do(&schedule.Action{Kind: schedule.Restart, Node: process.ID(id)})
	}
	s.startClients()
	s.startFaults()
	s.startTrial()
	s.heap.Push(agenda.Event{At: s.opt.Duration, Kind: evSettle})
	for s.violation == nil && !s.settling.over {
		e := s.heap.Pop()
		s.now = e.At
		s.w.Advance(e.At)
		s.happen(&e)
	}
	switch {
	case s.violation != nil:
	case s.total:
		s.judgeHistory()
	case s.store:
		s.judgeStore()
	}
}

// happen lets e happen, or puts it off if its replica is paused.
func (s *sim) happen(e *agenda.Event) {
	switch e.Kind {
	case evDeliver:
		s.deliver(e)
	case evTimer:
		s.timeout(e)
	case evSync:
		s.sync(e)
	case evArrive:
		s.arrive(s.calls.Take(e.Arg))
	case evDrain:
		s.drain(e)
	case evAnswer:
		s.answered(s.replies.Take(e.Arg))
	case evClient:
		s.wake(int(e.Node), e.Arg)
	case evFlush:
		s.flush(e)
	case evFault:
		s.fault(int(e.Arg))
	case evRestart:
		s.restart(e)
	case evResume:
		s.resume(e)
	case evMend:
		if !s.settling.on && e.Arg == s.splits {
			s.do(&schedule.Action{Kind: schedule.Heal})
		}
	case evOperator:
		s.operate()
	case evHurry:
		if s.random() {
			s.hurry()
		}
	case evStrike:
		if id := process.ID(e.Node); s.node(id).life == e.Arg && !s.settling.on {
			s.crash(id, schedule.Crash, Crash)
		}
	case evScript:
		s.script(int(e.Arg))
	case evSettle:
		s.settleDown()
	}
}

// do does a and takes in what follows. It reports whether a was possible.
func (s *sim) do(a *schedule.Action) bool {
	done := s.enact(a)
	if done && s.violation == nil {
		s.absorb(a.Node)
	}
	return done
}

// enact does a, and records it if that is wanted.
func (s *sim) enact(a *schedule.Action) bool {
	if s.opt.record {
		a.At = s.now
		if f, ok := s.w.Flight(a.Flight); ok && a.Kind <= schedule.Duplicate {
			a.Node, a.Peer, a.Msg, a.Key = f.To, f.From, f.Msg.Kind(), schedule.Condense(f.Msg)
		}
	}
	done, v := schedule.Do(s.w, a)
	s.violation = cmp.Or(v, s.w.Fence(), s.violation)
	if done && s.opt.record {
		s.schedule = append(s.schedule, *a)
	}
	return done
}

// absorb takes in the News: it decides when what is on its way arrives.
func (s *sim) absorb(id process.ID) {
	news := &s.w.News
	for _, t := range news.Timers {
		s.setTimer(&t)
	}
	for i := 0; i < len(news.Sent); i++ { // route may add a duplicate
		s.route(news.Sent[i])
	}
	for i := range news.Answers {
		s.reply(&news.Answers[i])
	}
	news.Reset()
	if id == 0 || !s.w.Up(id) {
		return
	}
	s.startSync(id)
	s.turn(id)
}

func (s *sim) node(id process.ID) *node { return &s.nodes[id-1] }

// grow makes room for the next replica.
func (s *sim) grow() {
	i := uint64(len(s.nodes))
	s.nodes = append(s.nodes, node{
		timer: dice.New(s.opt.Seed, timerStream+i),
		disk:  dice.New(s.opt.Seed, diskStream+i),
		net:   dice.New(s.opt.Seed, netStream+i),
	})
}

func (s *sim) setTimer(t *world.TimerSet) {
	n := s.node(t.Node)
	d := &n.timers[t.Timer]
	d.at = s.now + s.w.TrueTime(t.Node, n.timer.Between(t.Span.Min, t.Span.Max))
	if d.queued == 0 || d.at < d.queued {
		d.queued = d.at
		s.heap.Push(agenda.Event{At: d.at, Kind: evTimer, Node: uint8(t.Node), Arg: uint64(t.Timer)})
	}
}

func (s *sim) timeout(e *agenda.Event) {
	id, t := process.ID(e.Node), process.Timer(e.Arg)
	d := &s.node(id).timers[t]
	if e.At != d.queued || s.putOff(e) {
		return // an earlier event has taken its place
	}
	d.queued = 0
	if _, set := s.w.Armed(id, t); !set || !s.w.Up(id) {
		return
	}
	if d.at > s.now {
		d.queued = d.at
		s.heap.Push(agenda.Event{At: d.at, Kind: evTimer, Node: e.Node, Arg: e.Arg})
		return
	}
	if s.do(&schedule.Action{Kind: schedule.Timeout, Node: id, Timer: t}); s.violation == nil &&
		s.w.Status(id).Leader == 0 && s.mood.Chance(s.plan.strikes.alarm) {
		s.alarm(id)
	}
}

// putOff moves an event of a paused replica to the end of the pause.
func (s *sim) putOff(e *agenda.Event) bool {
	id := process.ID(e.Node)
	if !s.w.Paused(id) {
		return false
	}
	n := s.node(id)
	if e.Kind == evTimer {
		n.timers[e.Arg].queued = n.resume
	}
	e.At = n.resume
	s.heap.Push(*e)
	return true
}

func (s *sim) deliver(e *agenda.Event) {
	if !s.putOff(e) {
		s.do(&schedule.Action{Kind: schedule.Deliver, Flight: world.FlightID(e.Arg), Node: process.ID(e.Node)})
	}
}

// route decides what becomes of a message on its way.
func (s *sim) route(id world.FlightID) {
	f, _ := s.w.Flight(id)
	e := agenda.Event{Kind: evDeliver, Node: uint8(f.To), Arg: uint64(id), At: s.now}
	if f.From == f.To {
		s.heap.Push(e) // in order: ties are broken by who was first
		return
	}
	s.opt.meter.note(f.Msg)
	n := s.node(f.From)
	if n.net.Chance(s.plan.loss) {
		s.counts["loss"]++
		s.enact(&schedule.Action{Kind: schedule.Drop, Flight: id})
		return
	}
	if n.net.Chance(s.plan.duplicate) {
		s.counts["duplicate"]++
		s.enact(&schedule.Action{Kind: schedule.Duplicate, Flight: id})
	}
	e.At += s.travel(f.From, f.To, &n.net)
	if f.Large() {
		e.At += n.net.Around(s.plan.large)
	}
	if n.net.Chance(s.plan.tail) {
		s.counts["delay"]++
		e.At += n.net.Between(0, 2*time.Second)
	} else if !s.plan.faults.Has(Reorder) {
		last := &s.links[f.From-1][f.To-1]
		e.At = max(e.At, *last+1)
		*last = e.At
	}
	s.heap.Push(e)
}

// startSync begins a flush of all that is not durable, unless one is under way.
func (s *sim) startSync(id process.ID) {
	n := s.node(id)
	k := s.w.Unsynced(id)
	if n.syncing > 0 || k == 0 {
		return
	}
	n.syncing = k
	if s.opt.meter != nil {
		s.opt.meter.flushes++
	}
	d := s.plan.sync/4 + n.disk.Around(s.plan.sync)
	if s.now < n.slow {
		d *= 50
	}
	s.heap.Push(agenda.Event{At: s.now + d, Kind: evSync, Node: uint8(id), Arg: n.life})
}

func (s *sim) sync(e *agenda.Event) {
	n, id := s.node(process.ID(e.Node)), process.ID(e.Node)
	if e.Arg != n.life || s.putOff(e) {
		return
	}
	if n.failing && (!s.plan.volatile || s.w.MayForget(id)) {
		n.failing = false
		s.counts["failflush"]++
		s.crash(id, schedule.FailFlush, FailFlush)
		return
	}
	k := n.syncing
	n.syncing = 0
	s.do(&schedule.Action{Kind: schedule.Sync, Node: id, N: k})
	if n.doomed && s.violation == nil {
		s.crash(id, schedule.Crash, Crash)
	}
}

// judgeHistory asks whether one machine could have given the clients their answers.
func (s *sim) judgeHistory() {
	s.giveAllUp()
	// The budget is far beyond what a history of this size takes: to run out of
	// it is reported, and never taken for a pass.
	const budget = 10 * time.Second
	if v, key := history.Linearizable(history.Except(s.ops, s.w.Harmed()), budget); v != history.OK {
		s.violation = &world.Violation{Name: "Linearizability", Detail: fmt.Sprintf("the history of %q is %v", key, v)}
	}
}

// giveAllUp ends all operations, now that no answer will come.
func (s *sim) giveAllUp() {
	for i := range s.clients {
		if c := &s.clients[i]; c.busy && c.op.Kind != 0 {
			s.giveUp(c)
		}
	}
}

func (s *sim) result() Result {
	return Result{
		Seed: s.opt.Seed, Options: s.opt.String(), Events: s.w.Events(), Elections: s.elections,
		Done: len(s.ops) - s.open, Open: s.open, Entries: s.entries(), Undone: len(s.w.Undone()),
		Faults: s.counts, Virtual: s.now,
		Took: s.took, Violation: s.violation, History: s.ops, Digest: s.w.Digest(),
	}
}

// The streams of a seed. Those of replicas, clients and faults follow their
// base, numbered from 0.
const (
	planStream uint64 = iota
	settleStream
	operatorStream
	moodStream
	strikeStream
	timerStream  = 1 << 10
	diskStream   = 2 << 10
	netStream    = 3 << 10
	clientStream = 4 << 10
	faultStream  = 5 << 10
	rateStream   = 6 << 10
)

// What happens.
const (
	evDeliver  agenda.Kind = iota + 1 // arg: FlightID
	evTimer                           // arg: timer
	evSync                            // arg: life
	evArrive                          // arg: call
	evDrain                           // arg: life
	evAnswer                          // arg: reply
	evClient                          // arg: wake
	evFlush                           // arg: life
	evFault                           // arg: number of the fault
	evRestart                         // arg: life
	evResume                          // arg: life
	evMend                            // a partition ends
	evOperator                        // the operator looks at the group
	evHurry                           // the operator asks for much at once
	evStrike                          // a replica crashes; arg: life
	evScript                          // what a trial is about; arg: 0 it begins or goes on, 1 it ends
	evSettle                          // the second phase: begins, is looked at
)
