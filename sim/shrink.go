package sim

import (
	"errors"

	"althing/process"
	"althing/sim/ddmin"
	"althing/sim/schedule"
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
	fails := func(steps []schedule.Action) ([]schedule.Action, bool) {
		r := schedule.Play(p, s.config(), steps, false)
		return r.Done, r.Violation != nil && r.Violation.Name == s.violation.Name
	}
	steps, left := s.schedule, replays-1
	if _, ok := fails(steps); ok {
		steps, left = ddmin.Minimize(steps, left, fails)
	}
	r := schedule.Play(p, s.config(), steps, true)
	result.Violation, result.Options, result.Replays = s.violation, s.opt.String(), replays-left
	result.Steps, result.Length, result.Events = r.Lines, len(r.Done), r.Events
	c := s.config()
	result.Header = trace.Header{Protocol: p.Name, Seed: o.Seed, Options: "shrunk from " + s.opt.String(),
		World: c.String()}
	if r.Violation != nil {
		result.Violation = r.Violation
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
