// Package itf writes a trace in the Informal Trace Format, which Apalache, Quint and
// their viewers read: https://apalache-mc.org/docs/adr/015adr-trace.html.
//
// Each event is a state, the one after it. Its variables:
//
//	time    nanoseconds since the run began
//	event   what happened: a record of kind, node, from, to, msg, fields, note
//	up      the set of the replicas that run
//	role, epoch, leader, last, commit
//	        a map each, from a replica that runs to what it shows
//	flying  a map from each message on its way to how many copies there are; a
//	        message is a tuple of the event in which it left, from, to, its name and
//	        its fields
//
// Numbers are big integers, as Apalache writes them.
package itf

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"althing/process"
	"althing/trace"
)

// MaxStates bounds what is written: every state is written in full.
const MaxStates = 10_000

// ErrLong is returned for a trace of more than MaxStates events.
var ErrLong = errors.New("too long for a trace of states")

var vars = []string{"time", "event", "up", "role", "epoch", "leader", "last", "commit", "flying"}

// A value is one of the format: a string, or an object.
type value = any

func number(n uint64) value { return map[string]string{"#bigint": strconv.FormatUint(n, 10)} }

// Write writes the trace, or returns the first error of reading or writing, or ErrLong.
func Write(to io.Writer, t *trace.Reader) error {
	h := t.Header()
	w := bufio.NewWriter(to)
	meta, err := json.Marshal(map[string]string{"format": "ITF",
		"format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
		"description":        fmt.Sprintf("%s, seed %d", h.Protocol, h.Seed), "source": h.Options})
	if err != nil {
		return err
	}
	names, err := json.Marshal(vars)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "{\"#meta\":%s,\n\"params\":[],\n\"vars\":%s,\n\"states\":[", meta, names)
	s := state{shown: map[process.ID]trace.Event{}, flying: map[flight]int{}}
	for n := 0; ; n++ {
		e, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if n == MaxStates {
			return fmt.Errorf("%w: more than %d events", ErrLong, MaxStates)
		}
		s.after(&e)
		text, err := json.Marshal(s.values(n, &e))
		if err != nil {
			return err
		}
		if n > 0 {
			fmt.Fprint(w, ",")
		}
		fmt.Fprintf(w, "\n%s", text)
	}
	fmt.Fprint(w, "\n]}\n")
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the states: %w", err)
	}
	return nil
}

// state is what the events so far have led to.
type state struct {
	shown  map[process.ID]trace.Event // the last that showed a replica, while it runs
	flying map[flight]int
}

type flight struct {
	sent        uint64
	from, to    process.ID
	msg, fields string
}

// after takes in an event.
func (s *state) after(e *trace.Event) {
	f := flight{e.Sent, e.From, e.To, e.Msg, e.Fields}
	switch e.Kind {
	case "deliver":
		f.to = e.Node
		s.fly(f, -1)
	case "drop":
		s.fly(f, -1)
	case "duplicate":
		s.fly(f, 1)
	case "crash", "flushfail", "losedisk":
		delete(s.shown, e.Node)
		maps.DeleteFunc(s.flying, func(f flight, _ int) bool { return f.from == e.Node && f.to == e.Node })
	}
	if e.Role != "" {
		s.shown[e.Node] = *e
	}
	for i := range e.Effects {
		x := &e.Effects[i]
		if !x.Held && (x.Kind == "Send" || x.Kind == "SendNow" || x.Kind == "SendState") {
			s.fly(flight{e.Seq, e.Node, x.To, x.Msg, x.Fields}, 1)
		}
	}
}

func (s *state) fly(f flight, n int) {
	if s.flying[f] += n; s.flying[f] <= 0 {
		delete(s.flying, f)
	}
}

// values returns the state in the form that is written.
func (s *state) values(n int, e *trace.Event) map[string]value {
	ids := slices.Sorted(maps.Keys(s.shown))
	up := make([]value, 0, len(ids))
	shows := [5][][2]value{{}, {}, {}, {}, {}}
	for _, id := range ids {
		r := s.shown[id]
		up = append(up, number(uint64(id)))
		for i, v := range []value{r.Role, number(r.Epoch), number(uint64(r.Leader)), number(r.Last), number(r.Commit)} {
			shows[i] = append(shows[i], [2]value{number(uint64(id)), v})
		}
	}
	flying := [][2]value{}
	for _, f := range slices.SortedFunc(maps.Keys(s.flying), flight.compare) {
		key := []value{number(f.sent), number(uint64(f.from)), number(uint64(f.to)), f.msg, f.fields}
		flying = append(flying, [2]value{map[string]value{"#tup": key}, number(uint64(s.flying[f]))})
	}
	v := map[string]value{
		"#meta": map[string]int{"index": n}, "time": number(uint64(e.Time)),
		"event": map[string]value{"kind": e.Kind, "node": number(uint64(e.Node)), "from": number(uint64(e.From)),
			"to": number(uint64(e.To)), "msg": e.Msg, "fields": e.Fields, "note": e.Note},
		"up":     map[string]value{"#set": up},
		"flying": map[string]value{"#map": flying},
	}
	for i, name := range []string{"role", "epoch", "leader", "last", "commit"} {
		v[name] = map[string]value{"#map": shows[i]}
	}
	return v
}

func (f flight) compare(g flight) int {
	for _, d := range []int{int(f.sent) - int(g.sent), int(f.from) - int(g.from), int(f.to) - int(g.to)} {
		if d != 0 {
			return d
		}
	}
	if f.msg+f.fields < g.msg+g.fields {
		return -1
	}
	return 1
}
