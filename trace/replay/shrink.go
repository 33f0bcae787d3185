package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"althing/process"
	"althing/trace"
	"althing/world"
)

// A Shrunk is a schedule made short.
type Shrunk struct {
	Header    trace.Header
	Events    []trace.Event    // as they happen now, the last breaks the promise
	Violation *world.Violation // the same promise
	Before    int              // events that there were
	Past      int              // events among the causes of the last, and of one that contradicts it
	Plays     int              // schedules tried
}

// ErrPasses is returned for a schedule that breaks nothing by an event.
var ErrPasses = errors.New("shrink: no event of the trace breaks a promise")

// DefaultPlays bounds the schedules that Shrink tries; one of a thousand events takes
// some milliseconds.
const DefaultPlays = 3000

// Shrink looks for a short schedule that breaks the same promise as t does. It tries
// at most plays schedules; 0 stands for DefaultPlays.
func Shrink(p process.Protocol, t *Trace, plays int) (*Shrunk, error) {
	if plays == 0 {
		plays = DefaultPlays
	}
	events, v, err := Play(p, t.Header, t.Events)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, ErrPasses
	}
	s := &shrinking{p: p, h: t.Header, name: v.Name, left: plays}
	out := &Shrunk{Header: t.Header, Before: len(events)}
	events = s.causes(events)
	out.Past = len(events)
	for size := (len(events) + 1) / 2; size > 0 && s.left > 0; {
		shorter := s.pass(events, size)
		if len(shorter) == len(events) || size > 1 {
			size /= 2
		}
		events = shorter
	}
	out.Events, out.Violation, err = Play(p, t.Header, events)
	out.Plays = plays - s.left
	return out, err
}

// shrinking is under way.
type shrinking struct {
	p    process.Protocol
	h    trace.Header
	name string // of the promise
	left int
}

// broken plays a schedule, and returns what happened of it if it breaks the promise.
func (s *shrinking) broken(events []trace.Event) ([]trace.Event, bool) {
	if s.left <= 0 {
		return nil, false
	}
	s.left--
	done, v, err := Play(s.p, s.h, events)
	return done, err == nil && v != nil && v.Name == s.name
}

// causes leaves out what is not among the causes of the last event, or of another one
// that it contradicts: two leaders, or two commits, need not know of each other.
func (s *shrinking) causes(events []trace.Event) []trace.Event {
	last := len(events) - 1
	if done, ok := s.broken(Past(events, last)); ok {
		return done
	}
	const most = 100 // contradictions are near the end
	tries := 0
	for i := last - 1; i >= 0 && tries < most; i-- {
		if events[i].Node == events[last].Node || !telling(&events[i]) {
			continue
		}
		tries++
		if done, ok := s.broken(Past(events, last, i)); ok {
			return done
		}
	}
	return events
}

// telling reports whether an event does what can contradict another.
func telling(e *trace.Event) bool {
	return e.Role == "leader" || slices.ContainsFunc(e.Effects, func(f trace.Effect) bool {
		return f.Kind == "Commit" || f.Kind == "Serve" || f.Kind == "Answer"
	})
}

// Past returns the events that happened before any of those at some indexes, and these
// (Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", 1978):
// what its replica did before, and where a message was sent. That a message was doubled
// is among the causes of its second arrival. What befell links is left out.
func Past(events []trace.Event, roots ...int) []trace.Event {
	in := make([]bool, len(events))
	at := make(map[uint64]int, len(events))
	doubled := map[uint64][]int{} // by the event in which the message left
	for i := range events {
		at[events[i].Seq] = i
		if events[i].Kind == "duplicate" {
			doubled[events[i].Sent] = append(doubled[events[i].Sent], i)
		}
	}
	latest := map[process.ID]int{} // of each replica, up to where its events are causes
	for _, i := range roots {
		in[i] = true
	}
	for i := len(events) - 1; i >= 0; i-- {
		e := &events[i]
		if n, ok := latest[e.Node]; e.Node != 0 && ok && i < n {
			in[i] = true
		}
		if !in[i] {
			continue
		}
		if e.Node != 0 {
			latest[e.Node] = max(latest[e.Node], i)
		}
		if j, ok := at[e.Sent]; ok && e.Sent != 0 && j < i {
			latest[events[j].Node] = max(latest[events[j].Node], j+1)
			for _, k := range doubled[e.Sent] {
				in[k] = in[k] || k < i
			}
		}
	}
	var past []trace.Event
	for i := range events {
		if in[i] {
			past = append(past, events[i])
		}
	}
	return past
}

// pass tries to do without each piece of the given size, from the end.
func (s *shrinking) pass(events []trace.Event, size int) []trace.Event {
	for end := len(events); end > 0 && s.left > 0; end -= size {
		begin := max(end-size, 0)
		if done, ok := s.broken(slices.Concat(events[:begin], events[end:])); ok {
			events = done
			end = min(end, len(events)+size)
		}
	}
	return events
}

// A Step is one event of a short schedule, told to a person.
type Step struct {
	Event   *trace.Event
	Changed string // in what its replica shows; all of it if that was not shown before
	Without string // what would be without this event
}

// Steps tells each event of a short schedule: what it changed, and what would be
// without it.
func (s *Shrunk) Steps(p process.Protocol) ([]Step, error) {
	var steps []Step
	was := map[process.ID]*trace.Event{}
	for i := range s.Events {
		e := &s.Events[i]
		step := Step{Event: e}
		if e.Role != "" {
			step.Changed = changed(was[e.Node], e)
			was[e.Node] = e
		}
		var err error
		if step.Without, err = s.without(p, i); err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// changed says how a replica differs after an event from what it was.
func changed(was, is *trace.Event) string {
	if was == nil {
		return status(is)
	}
	var parts []string
	for _, c := range []struct{ name, was, is string }{
		{"", fmt.Sprintf("%s@%d", was.Role, was.Epoch), fmt.Sprintf("%s@%d", is.Role, is.Epoch)},
		{"leader ", fmt.Sprint(was.Leader), fmt.Sprint(is.Leader)},
		{"last ", fmt.Sprint(was.Last), fmt.Sprint(is.Last)},
		{"commit ", fmt.Sprint(was.Commit), fmt.Sprint(is.Commit)},
	} {
		if c.was != c.is {
			parts = append(parts, c.name+c.was+" → "+c.is)
		}
	}
	return strings.Join(parts, ", ")
}

// without says what comes of leaving out event i.
func (s *Shrunk) without(p process.Protocol, i int) (string, error) {
	done, v, err := Play(p, s.Header, slices.Concat(s.Events[:i], s.Events[i+1:]))
	if err != nil {
		return "", err
	}
	for j, k := 0, 0; k < len(s.Events); k++ {
		if k == i {
			continue
		}
		if j == len(done) || done[j].Kind != s.Events[k].Kind || done[j].Node != s.Events[k].Node ||
			done[j].Msg != s.Events[k].Msg || done[j].From != s.Events[k].From {
			return fmt.Sprintf("step %d cannot be", k+1), nil
		}
		if done[j].Role != s.Events[k].Role || done[j].Epoch != s.Events[k].Epoch ||
			done[j].Commit != s.Events[k].Commit || done[j].Last != s.Events[k].Last {
			return fmt.Sprintf("in step %d, %d would be %s", k+1, done[j].Node, status(&done[j])), nil
		}
		j++
	}
	if v == nil {
		return "nothing is broken", nil
	}
	return "it is broken all the same", nil
}

func status(e *trace.Event) string {
	return trace.Status(&process.Status{Role: e.Role, Epoch: e.Epoch, Leader: e.Leader, Last: e.Last, Commit: e.Commit})
}

// String sums up.
func (s *Shrunk) String() string {
	return fmt.Sprintf("%d events of %d; %d among the causes; %d schedules tried", len(s.Events), s.Before, s.Past,
		s.Plays)
}

// Lines returns the step as people read it: the first line names it.
func (t *Step) Lines() []string {
	lines := []string{t.Event.String()}
	if t.Changed != "" {
		lines = append(lines, fmt.Sprintf("%d: %s", t.Event.Node, t.Changed))
	}
	return append(lines, "without it: "+t.Without)
}
