// Package diagram draws a trace as a sequence diagram, in the languages of
// Mermaid and of PlantUML, and in plain text: a line down for each replica, an arrow for each
// message where it arrives, a cross for each that is lost, notes for what happens
// at one replica alone.
//
// Such a diagram is for people, so it is for short runs: a counterexample, a
// script, some dozen events of a long one. A Window cuts them out.
package diagram

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"althing/process"
	"althing/trace"
)

// A Language is one of those that diagrams are written in.
type Language uint8

// The languages.
const (
	Mermaid  Language = iota + 1 // mermaid.js.org, as README pages show it
	PlantUML                     // plantuml.com
	Text                         // lanes of characters, for a terminal
)

// A Window is the events that are drawn, by number; To 0 is the last.
type Window struct{ From, To uint64 }

// MaxEvents bounds the events of one diagram: neither tool draws more in a form
// that anybody could read.
const MaxEvents = 2000

// ErrLong is returned for a window with more than MaxEvents events.
var ErrLong = errors.New("too much for one diagram")

// Write draws the events of the trace that are in the window. It returns the
// first error of reading or writing, or ErrLong.
func Write(to io.Writer, t *trace.Reader, in Window, l Language) error {
	var events []trace.Event
	for {
		e, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if e.Seq < in.From || in.To > 0 && e.Seq > in.To {
			continue
		}
		if events = append(events, e); len(events) > MaxEvents {
			return fmt.Errorf("%w: more than %d events: choose fewer", ErrLong, MaxEvents)
		}
	}
	d := drawing{w: bufio.NewWriter(to), plant: l == PlantUML}
	if l == Text {
		d.textual(t.Header(), events)
	} else {
		d.draw(t.Header(), events)
	}
	if err := d.w.Flush(); err != nil {
		return fmt.Errorf("write the diagram: %w", err)
	}
	return nil
}

type drawing struct {
	w     *bufio.Writer
	plant bool
}

func (d *drawing) draw(h trace.Header, events []trace.Event) {
	title := fmt.Sprintf("%s, seed %d", h.Protocol, h.Seed)
	if d.plant {
		fmt.Fprintf(d.w, "@startuml\ntitle %s\n", d.text(title))
	} else {
		fmt.Fprintf(d.w, "---\ntitle: %s\n---\nsequenceDiagram\n", d.text(title))
	}
	for _, id := range nodes(events) {
		fmt.Fprintf(d.w, "participant n%d\n", id)
	}
	for i := range events {
		d.event(&events[i])
	}
	if d.plant {
		fmt.Fprintln(d.w, "@enduml")
	}
}

// nodes returns all replicas that the events are about, ascending.
func nodes(events []trace.Event) (ids []process.ID) {
	for i := range events {
		e := &events[i]
		for _, id := range []process.ID{e.Node, e.From, e.To} {
			if id != 0 && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func (d *drawing) event(e *trace.Event) {
	switch e.Kind {
	case "deliver":
		if e.From != e.Node {
			d.arrow(e.From, e.Node, false, e.Msg, e.Fields)
		}
	case "drop":
		d.arrow(e.From, e.To, true, e.Msg, e.Fields)
	case "cut", "mend", "heal", "violation":
		d.over(nil, e.String())
		return
	case "sync": // what it lets go arrives later
	default:
		if e.Node != 0 {
			d.over([]process.ID{e.Node}, e.String())
		}
	}
	for i := range e.Effects {
		if f := &e.Effects[i]; f.Kind == "Commit" || f.Kind == "Answer" || f.Kind == "Serve" {
			d.over([]process.ID{e.Node}, strings.ToLower(f.Kind)+" "+strings.Join(f.Entries, "; "))
		}
	}
}

func (d *drawing) arrow(from, to process.ID, lost bool, msg, fields string) {
	arrow := map[bool]map[bool]string{
		false: {false: "->>", true: "-x"},
		true:  {false: "->", true: "->x"},
	}[d.plant][lost]
	fmt.Fprintf(d.w, "n%d%sn%d: %s\n", from, arrow, to, d.text(strings.TrimSpace(msg+" "+fields)))
}

// over writes a note over one replica, or over all.
func (d *drawing) over(ids []process.ID, text string) {
	text = d.text(text)
	switch {
	case len(ids) == 0 && d.plant:
		fmt.Fprintf(d.w, "== %s ==\n", text)
	case len(ids) == 0:
		fmt.Fprintf(d.w, "%%%% %s\n", text)
	default:
		fmt.Fprintf(d.w, "note over n%d: %s\n", ids[0], text)
	}
}

// text takes out what the language would read as its own.
func (d *drawing) text(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if d.plant {
		return s
	}
	return strings.NewReplacer(";", ",", "#", "no. ", "→", " to ", "⇢", " to ").Replace(s)
}
