package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"althing/process"
	"althing/trace"
	"althing/world"
)

// A Trace is a whole one.
type Trace struct {
	Header trace.Header
	Events []trace.Event
}

// MaxEvents bounds a trace that is held in memory: some gigabytes.
const MaxEvents = 1 << 21

// Read reads a whole trace.
func Read(r io.Reader) (*Trace, error) {
	t, err := trace.NewReader(r)
	if err != nil {
		return nil, err
	}
	all := &Trace{Header: t.Header()}
	for {
		e, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		case len(all.Events) == MaxEvents:
			return nil, fmt.Errorf("a trace of more than %d events", MaxEvents)
		}
		all.Events = append(all.Events, e)
	}
}

// Violation returns what the trace says was broken in the end, or nil.
func (t *Trace) Violation() *world.Violation {
	if n := len(t.Events); n > 0 && t.Events[n-1].Kind == "violation" {
		name, detail, _ := strings.Cut(t.Events[n-1].Note, ": ")
		return &world.Violation{Name: name, Detail: detail}
	}
	return nil
}

// A Departure is the first event of a trace that is another one now.
type Departure struct {
	Seq       uint64
	Want, Got string // as the trace has it, and as it is: a line, or why it cannot be
}

// Error returns all of it.
func (d *Departure) Error() string {
	return fmt.Sprintf("event %d is another one\nwas  %s\nis   %s", d.Seq, d.Want, d.Got)
}

// ErrWorld is returned for a trace that does not say how its World began.
var ErrWorld = errors.New("the trace does not say how its world began: it was not written to be played")

// A player plays events to a World.
type player struct {
	w   *world.World
	got trace.Event // the last one
	any bool        // there was one
}

func begin(p process.Protocol, h trace.Header) (*player, error) {
	if h.World == "" {
		return nil, ErrWorld
	}
	c, err := world.ParseConfig(h.World)
	if err != nil {
		return nil, err
	}
	r := &player{w: world.New(p, c)}
	r.w.Observe = func(e *trace.Event) { r.got, r.any = *e, true }
	return r, nil
}

// Run plays a trace and compares. It returns what was broken in the end, which the
// trace says, too, or the first Departure. What was broken by a whole history, and
// not by an event (Linearizability), the trace alone tells.
func Run(p process.Protocol, t *Trace) (*world.Violation, error) {
	r, err := begin(p, t.Header)
	if err != nil {
		return nil, err
	}
	var broken *world.Violation
	for i := range t.Events {
		e := &t.Events[i]
		if e.Kind == "violation" {
			said := t.Violation()
			if said != nil && (broken != nil && said.Error() == broken.Error() || broken == nil && history(said)) {
				return said, nil
			}
			return broken, &Departure{e.Seq, e.Note, fmt.Sprint(broken)}
		}
		if broken != nil {
			return broken, &Departure{e.Seq, line(e), broken.Error()}
		}
		err := r.do(e)
		if !errors.As(err, &broken) && err != nil {
			return nil, &Departure{e.Seq, line(e), "it cannot be: " + err.Error()}
		}
		if want, got := line(e), line(&r.got); want != got {
			return broken, &Departure{e.Seq, want, got}
		}
	}
	if broken != nil {
		return broken, &Departure{uint64(len(t.Events) + 1), "the trace ends well", broken.Error()}
	}
	return nil, nil
}

// history reports whether v is of a kind that shows in no single event.
func history(v *world.Violation) bool {
	return v.Name == "Linearizability" || v.Name == "Liveness" || v.Name == "Session" || v.Name == "Simulator"
}

func line(e *trace.Event) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

// Play plays events and returns what they break first, and those that happened, as
// they are now. What is not possible is left out.
func Play(p process.Protocol, h trace.Header, events []trace.Event) ([]trace.Event, *world.Violation, error) {
	r, err := begin(p, h)
	if err != nil {
		return nil, nil, err
	}
	var done []trace.Event
	moved := map[uint64]uint64{} // the number here of each event there
	for i := range events {
		e := events[i]
		if e.Kind == "violation" {
			continue
		}
		e.Sent = moved[e.Sent]
		r.any = false
		err := r.do(&e)
		var v *world.Violation
		if broken := errors.As(err, &v); err != nil && !broken || !r.any {
			continue
		}
		moved[e.Seq] = r.got.Seq
		if done = append(done, r.got); v != nil {
			return done, v, nil
		}
	}
	return done, nil, nil
}

var errKind = errors.New("there is no such kind of event")

// do does what e says happened.
func (r *player) do(e *trace.Event) error {
	r.w.Advance(e.Time)
	r.w.News.Reset()
	answers := e.Chose
	r.w.Choose = func(n int) int {
		if len(answers) == 0 {
			return 0
		}
		answer := answers[0]
		answers = answers[1:]
		return min(max(answer, 0), n-1)
	}
	w := r.w
	switch e.Kind {
	case "deliver", "drop", "duplicate":
		return r.message(e)
	case "start", "restart":
		return w.Restart(e.Node)
	case "join":
		_, err := w.Join()
		return err
	case "timeout":
		return w.Timeout(e.Node, e.Timer)
	case "submit":
		var reqs []process.Request
		for _, text := range e.Reqs {
			q, err := trace.ParseRequest(text)
			if err != nil {
				return err
			}
			reqs = append(reqs, q)
		}
		return w.Submit(e.Node, reqs)
	case "clock":
		jump, err := time.ParseDuration(strings.TrimPrefix(e.Note, "ahead by "))
		if err != nil {
			return fmt.Errorf("a clock's %q: %w", e.Note, err)
		}
		return w.SetClock(e.Node, int64(e.N), jump)
	}
	return r.local(e)
}

// local does what is of one replica, or of a link.
func (r *player) local(e *trace.Event) error {
	w := r.w
	switch e.Kind {
	case "sync":
		return w.Sync(e.Node, e.N)
	case "crash":
		return w.Crash(e.Node, e.N)
	case "flushfail":
		return w.FailFlush(e.Node, e.N)
	case "losedisk":
		return w.LoseDisk(e.Node)
	case "corrupt":
		return w.Corrupt(e.Node)
	case "flush":
		return w.Flush(e.Node)
	case "compact":
		return w.Compact(e.Node)
	case "pause":
		return w.Pause(e.Node)
	case "resume":
		return w.Resume(e.Node)
	case "cut":
		return w.Cut(e.From, e.To)
	case "mend":
		return w.Mend(e.From, e.To)
	case "heal":
		return w.Heal()
	}
	return errKind
}

var errMessage = errors.New("there is no such message")

// message finds the message that e is about: one that says the same and left in the
// same event, or at least says the same, or at least is of the same kind: for what
// was left out may have changed a term or an index in it. The oldest, if several.
func (r *player) message(e *trace.Event) error {
	to := e.To
	if e.Kind == "deliver" {
		to = e.Node
	}
	best, rank := world.FlightID(0), 0
	for _, f := range r.w.Flights() {
		if f.From != e.From || f.To != to || f.Msg.Kind() != e.Msg {
			continue
		}
		likeness := 1
		if trace.Fields(f.Msg) == e.Fields {
			likeness = 2
			if f.Sent() == e.Sent {
				likeness = 3
			}
		}
		if likeness > rank {
			best, rank = f.ID, likeness
		}
	}
	if rank == 0 {
		return errMessage
	}
	switch e.Kind {
	case "drop":
		return r.w.Drop(best)
	case "duplicate":
		return r.w.Duplicate(best)
	}
	return r.w.Deliver(best)
}
