package sim

import (
	"errors"
	"slices"
	"time"

	"althing/history"
	"althing/process"
	"althing/sim/ddmin"
	"althing/trace"
	"althing/world"
)

// A Shrunk is a failing run made short.
type Shrunk struct {
	Violation *world.Violation // of the short run: the same property
	Options   string           // of the run that the schedule was cut from
	Steps     []string         // the schedule as people read it, each with what it led to
	Length    int              // things done in it
	Before    int              // things done in the run that was given
	Replays   int              // schedules tried

	// Header and Events are the short run as a trace, which can be played again.
	Header trace.Header
	Events []trace.Event
}

// ErrPasses is returned for a run that breaks nothing.
var ErrPasses = errors.New("shrink: the run breaks nothing")

// DefaultReplays bounds the schedules that Shrink tries: a schedule of ten
// thousand steps is played in some ten milliseconds, so a minute or less.
const DefaultReplays = 4000

// Shrink looks for a short run of p that breaks the same property as the run
// that o describes. It first takes away kinds of faults, clients and time as
// long as the run still fails; then pieces of the schedule. A violation of
// Liveness has no moment at which it shows, so there the first part is all.
// It tries at most replays schedules; 0 stands for DefaultReplays.
func Shrink(p process.Protocol, o Options, replays int) (Shrunk, error) {
	set(&replays, DefaultReplays)
	o.Trace, o.record = nil, true
	o.defaults()
	s, _ := run(p, o)
	if s.violation == nil {
		return Shrunk{}, ErrPasses
	}
	result := Shrunk{Before: len(s.schedule)}
	if s = simpler(p, s); s.violation.Name == "Simulator" {
		result.Violation, result.Options = s.violation, s.opt.String()
		return result, nil
	}
	// fails plays a schedule, and tells whether it still breaks the property.
	fails := func(schedule []action) ([]action, bool) {
		r := play(p, s, schedule, false)
		return r.done, r.violation != nil && r.violation.Name == s.violation.Name
	}
	schedule, left := s.schedule, replays-1
	if _, ok := fails(schedule); ok {
		schedule, left = ddmin.Minimize(schedule, left, fails)
	}
	r := play(p, s, schedule, true)
	result.Violation, result.Options, result.Replays = s.violation, s.opt.String(), replays-left
	result.Steps, result.Length, result.Events = r.lines, len(r.done), r.events
	c := s.config()
	result.Header = trace.Header{Protocol: p.Name, Seed: o.Seed, Options: "shrunk from " + s.opt.String(),
		World: c.String()}
	if r.violation != nil {
		result.Violation = r.violation
	}
	return result, nil
}

// simpler returns the run with the fewest faults, clients and seconds that
// still fails like s.
func simpler(p process.Protocol, s *sim) *sim {
	try := func(change func(*Options)) {
		o := s.opt
		change(&o)
		if t, _ := run(p, o); t.violation != nil && t.violation.Name == s.violation.Name {
			s = t
		}
	}
	for i := range faultKinds {
		if kind := Faults(1 << i); s.plan.faults.Has(kind) {
			try(func(o *Options) { o.off |= kind })
		}
	}
	for n := 1; n < s.plan.clients; n++ {
		before := s
		if try(func(o *Options) { o.Clients = n }); s != before {
			break
		}
	}
	if s.plan.nodes > 3 {
		try(func(o *Options) { o.Nodes = 3 })
	}
	if s.violation.Name == "Linearizability" { // it shows only at the end
		for range 6 {
			try(func(o *Options) { o.Duration /= 2 })
		}
	}
	return s
}

// A player plays a schedule by hand to a fresh World.
type player struct {
	w         *world.World
	flying    map[flightKey][]world.FlightID // messages in flight, in the order sent
	sessions  map[int]uint64                 // of clients
	open      map[asked]*history.Op
	ops       []history.Op
	done      []action // what of the schedule was possible
	lines     []string
	events    []trace.Event
	store     bool // its clients have no sessions, and are judged by nobody here
	violation *world.Violation
}

type flightKey struct {
	from, to process.ID
	msg      string
	key      uint64
}

type asked struct{ client, seq uint64 }

// play plays a schedule of s. What is not possible is left out. With tell, the
// lines say what happened.
func play(p process.Protocol, s *sim, schedule []action, tell bool) *player {
	r := &player{w: world.New(p, s.config()), store: p.Facts.Stores, flying: map[flightKey][]world.FlightID{},
		sessions: map[int]uint64{}, open: map[asked]*history.Op{}}
	if tell {
		r.w.Observe = func(e *trace.Event) {
			r.lines = append(r.lines, e.Time.Round(time.Microsecond).String()+" "+e.String())
			r.lines = append(r.lines, e.Lines()[1:]...)
			r.events = append(r.events, *e)
		}
	}
	for i := range schedule {
		if r.step(schedule[i]); r.violation != nil {
			return r
		}
	}
	r.judge()
	return r
}

// step does one thing, if it is possible.
func (r *player) step(a action) {
	r.w.Advance(a.at)
	if a.kind <= doDuplicate && !r.locate(&a) {
		return
	}
	if a.kind == doSubmit && !r.readdress(&a) {
		return
	}
	done, v := judge(do(r.w, &a))
	r.violation = v
	if !done {
		return
	}
	r.done = append(r.done, a)
	for _, id := range r.w.News.Sent {
		f, _ := r.w.Flight(id)
		k := flightKey{f.From, f.To, f.Msg.Kind(), condense(f.Msg)}
		r.flying[k] = append(r.flying[k], id)
	}
	for i := range r.w.News.Answers {
		r.answered(&r.w.News.Answers[i])
	}
	r.w.News.Reset()
}

// locate finds the message of a in this World: one with the same bytes, or else
// the oldest of its kind on the link, for what was left out may have changed a
// term or an index in it.
func (r *player) locate(a *action) bool {
	k := flightKey{a.peer, a.node, a.msg, a.key}
	ids := r.flying[k]
	if len(ids) == 0 {
		for _, f := range r.w.Flights() {
			if f.From == a.peer && f.To == a.node && f.Msg.Kind() == a.msg {
				a.key = condense(f.Msg)
				k.key = a.key
				break
			}
		}
		if ids = r.flying[k]; len(ids) == 0 {
			return false
		}
	}
	a.flight = ids[0]
	if a.kind != doDuplicate {
		r.flying[k] = ids[1:]
	}
	return true
}

// readdress gives requests the sessions that their clients have here, and
// notes when each operation begins.
func (r *player) readdress(a *action) bool {
	a.reqs = slices.Clone(a.reqs)
	var reqs []process.Request
	var calls []call
	for i, c := range a.calls {
		q := a.reqs[i]
		if q.Client != 0 && !r.store {
			if q.Client = r.sessions[c.client]; q.Client == 0 {
				continue
			}
			k := asked{q.Client, q.Seq}
			if r.open[k] == nil {
				op := c.op
				op.Call, op.Open = a.at, true
				r.open[k] = &op
			}
		}
		reqs, calls = append(reqs, q), append(calls, c)
	}
	a.reqs, a.calls = reqs, calls
	return len(reqs) > 0
}

func (r *player) answered(a *world.Answer) {
	if a.Outcome != world.Done {
		return
	}
	if a.Req.Kind == process.Session {
		var client int
		for _, b := range a.Req.Cmd[len("client "):] {
			client = client*10 + int(b-'0')
		}
		if r.sessions[client] == 0 {
			r.sessions[client] = sessionOf(a.Result)
		}
		return
	}
	if op := r.open[asked{a.Req.Client, a.Req.Seq}]; op != nil && op.Open {
		op.Open, op.Result, op.Return = false, string(a.Result), r.w.Now()
	}
}

// judge checks the history that the schedule made.
func (r *player) judge() {
	for i := range r.done {
		for j := range r.done[i].calls {
			q := &r.done[i].reqs[j]
			k := asked{q.Client, q.Seq}
			if op := r.open[k]; op != nil {
				r.ops = append(r.ops, *op)
				delete(r.open, k)
			}
		}
	}
	if v, key := history.Linearizable(history.Except(r.ops, r.w.Harmed()), time.Minute); v == history.Illegal {
		r.violation = &world.Violation{Name: "Linearizability", Detail: "the history of \"" + key + "\" is illegal"}
	}
}
