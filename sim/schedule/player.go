package schedule

import (
	"slices"
	"time"

	"althing/history"
	"althing/process"
	"althing/trace"
	"althing/world"
)

// A Player plays a schedule by hand to a fresh World.
type Player struct {
	Done      []Action         // what of the schedule was possible
	Lines     []string         // as people read it, if that was asked for
	Events    []trace.Event    // the same as a trace
	Violation *world.Violation // if one showed: then it is the last thing that was done

	w        *world.World
	flying   map[flightKey][]world.FlightID // messages in flight, in the order sent
	sessions map[int]uint64                 // of clients
	open     map[asked]*history.Op
	ops      []history.Op
	store    bool // its clients have no sessions, and are judged by nobody here
}

type flightKey struct {
	from, to process.ID
	msg      string
	key      uint64
}

type asked struct{ client, seq uint64 }

// Play plays a schedule to a World of such a config. What is not possible is left
// out. With tell, the lines say what happened.
func Play(p process.Protocol, c world.Config, schedule []Action, tell bool) *Player {
	r := &Player{w: world.New(p, c), store: p.Facts.Stores, flying: map[flightKey][]world.FlightID{},
		sessions: map[int]uint64{}, open: map[asked]*history.Op{}}
	if tell {
		r.w.Observe = func(e *trace.Event) {
			r.Lines = append(r.Lines, e.Time.Round(time.Microsecond).String()+" "+e.String())
			r.Lines = append(r.Lines, e.Lines()[1:]...)
			r.Events = append(r.Events, *e)
		}
	}
	for i := range schedule {
		if r.step(schedule[i]); r.Violation != nil {
			return r
		}
	}
	r.judge()
	return r
}

// step does one thing, if it is possible.
func (r *Player) step(a Action) {
	r.w.Advance(a.At)
	if a.Kind <= Duplicate && !r.locate(&a) {
		return
	}
	if a.Kind == Submit && !r.readdress(&a) {
		return
	}
	done, v := Do(r.w, &a)
	r.Violation = v
	if !done {
		return
	}
	r.Done = append(r.Done, a)
	for _, id := range r.w.News.Sent {
		f, _ := r.w.Flight(id)
		k := flightKey{f.From, f.To, f.Msg.Kind(), Condense(f.Msg)}
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
func (r *Player) locate(a *Action) bool {
	k := flightKey{a.Peer, a.Node, a.Msg, a.Key}
	ids := r.flying[k]
	if len(ids) == 0 {
		for _, f := range r.w.Flights() {
			if f.From == a.Peer && f.To == a.Node && f.Msg.Kind() == a.Msg {
				a.Key = Condense(f.Msg)
				k.key = a.Key
				break
			}
		}
		if ids = r.flying[k]; len(ids) == 0 {
			return false
		}
	}
	a.Flight = ids[0]
	if a.Kind != Duplicate {
		r.flying[k] = ids[1:]
	}
	return true
}

// readdress gives requests the sessions that their clients have here, and
// notes when each operation begins.
func (r *Player) readdress(a *Action) bool {
	a.Reqs = slices.Clone(a.Reqs)
	var reqs []process.Request
	var calls []Call
	for i, c := range a.Calls {
		q := a.Reqs[i]
		if q.Client != 0 && !r.store {
			if q.Client = r.sessions[c.Client]; q.Client == 0 {
				continue
			}
			k := asked{q.Client, q.Seq}
			if r.open[k] == nil {
				op := c.Op
				op.Call, op.Open = a.At, true
				r.open[k] = &op
			}
		}
		reqs, calls = append(reqs, q), append(calls, c)
	}
	a.Reqs, a.Calls = reqs, calls
	return len(reqs) > 0
}

func (r *Player) answered(a *world.Answer) {
	if a.Outcome != world.Done {
		return
	}
	if a.Req.Kind == process.Session {
		var client int
		for _, b := range a.Req.Cmd[len("client "):] {
			client = client*10 + int(b-'0')
		}
		if r.sessions[client] == 0 {
			r.sessions[client] = SessionOf(a.Result)
		}
		return
	}
	if op := r.open[asked{a.Req.Client, a.Req.Seq}]; op != nil && op.Open {
		op.Open, op.Result, op.Return = false, string(a.Result), r.w.Now()
	}
}

// judge checks the history that the schedule made.
func (r *Player) judge() {
	for i := range r.Done {
		for j := range r.Done[i].Calls {
			q := &r.Done[i].Reqs[j]
			k := asked{q.Client, q.Seq}
			if op := r.open[k]; op != nil {
				r.ops = append(r.ops, *op)
				delete(r.open, k)
			}
		}
	}
	if v, key := history.Linearizable(history.Except(r.ops, r.w.Harmed()), time.Minute); v == history.Illegal {
		r.Violation = &world.Violation{Name: "Linearizability", Detail: "the history of \"" + key + "\" is illegal"}
	}
}
