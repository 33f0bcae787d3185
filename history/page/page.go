// Package page draws a history as one HTML file that needs nothing else: a row
// for each client, a bar for each operation from its call to its response, and
// what was done to the system meanwhile on the same axis. If the history was
// explained, each operation has a point where it may have taken effect, and
// these come in the order that explains it; if it was not, the operations that
// no order explains stand out.
//
// The axis has a step for each call, response and fault, in their order, so
// that short operations can be read beside long ones; times are in the texts
// that appear over a bar. A page shows MaxBars operations at most, those
// around what matters, and says what it leaves out: so it stays below a few
// hundred kilobytes, however long the history.
package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"althing/history"
)

// MaxBars is the most that one page shows.
const MaxBars = 1000

// A Bar is one operation of one client.
type Bar struct {
	Client int
	Call   time.Duration
	Return time.Duration // not before Call; meaningless while Open
	Open   bool          // no response came
	Reads  bool          // it changes nothing
	Object string        // that it is on; "" if on several
	Label  string        // in few letters
	Text   string        // in full
}

// A Page is a history and what was found out about it. Bars are told by their
// index.
type Page struct {
	Title   string
	Verdict history.Verdict
	Why     []string // line by line
	Bars    []Bar
	Order   []int32 // explains the history: of all that took effect; nil if there is none
	Core    []int32 // what cannot be explained
	Marks   []history.Mark
}

// Ops makes bars of operations.
func Ops(ops []history.Op) []Bar {
	bars := make([]Bar, len(ops))
	for i := range ops {
		o := &ops[i]
		label := o.Kind.String()
		switch o.Kind {
		case history.Get, history.Dequeue, history.Members:
			if !o.Open && !o.Blind {
				label += " " + brief(o.Result)
			}
		case history.CAS:
			label += " " + brief(o.Old) + "→" + brief(o.Arg)
		case history.Acquire, history.Release:
		default:
			label += " " + brief(o.Arg)
		}
		if (o.Kind == history.CAS || o.Kind == history.Acquire || o.Kind == history.Release) && o.Result == "0" &&
			!o.Open && !o.Blind {
			label += " refused"
		}
		reads := o.Kind == history.Get || o.Kind == history.Contains || o.Kind == history.Members
		bars[i] = Bar{Client: o.Client, Call: o.Call, Return: o.Return, Open: o.Open, Reads: reads, Object: o.Key,
			Label: label, Text: o.String()}
	}
	return bars
}

// brief is a value in few letters.
func brief(v string) string {
	const most = 12
	v = strings.TrimSuffix(strings.ReplaceAll(v, "\x00", " "), " ") // the items of a set
	if v == "" {
		return "∅"
	}
	if r := []rune(v); len(r) > most {
		v = string(r[:most-1]) + "…"
	}
	return v
}

//go:embed page.html
var text string

var tmpl = template.Must(template.New("page").Parse(text))

// Write writes the page. Its error is w's.
func (p *Page) Write(w io.Writer) error {
	if err := tmpl.Execute(w, p.draw()); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}
