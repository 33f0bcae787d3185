// Package judge finds out, for any model and promise that the packages of
// history know, whether a recorded history keeps the promise, has the
// certificate of the verdict verified, and tells the reason line by line.
package judge

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"althing/history"
	"althing/history/page"
	"althing/history/txn"
	"althing/history/txn/proof"
	"althing/history/weak"
)

// Linearizable is the promise of package history; those of weak and txn are
// named there.
const Linearizable = "linearizable"

// A Verdict is what is found out about a history.
type Verdict struct {
	Verdict history.Verdict
	How     string   // in few words
	Reasons []string // if it is not OK: line by line
	Proof   error    // why the certificate does not prove it; nil: it does
	// Order tells the operations in an order that explains them; nil if there
	// is none. Page draws them. Both are made when called, for they may be as
	// large as the history.
	Order func() []string
	Page  func() *page.Page
	// Certificate writes what proves the verdict, as lines of JSON; nil if there
	// is nothing to prove.
	Certificate func(io.Writer) error
}

// A Judge takes the events of one history, and then judges.
type Judge interface {
	// Add takes the next event. An error names its line.
	Add(e *history.Event) error
	// Judge judges by a promise of its model, for as long as timeout says.
	Judge(promise string, timeout time.Duration) Verdict
}

// A family is models that can be held to the same promises.
type family struct {
	models, promises []string
	judge            func(model string) Judge
}

var families = []family{
	{names([]history.Model{history.Register, history.KV}), append([]string{Linearizable}, names(weak.Promises)...),
		newObjects},
	{names([]history.Model{history.CASReg, history.Queue, history.Set, history.Lock}), []string{Linearizable},
		newObjects},
	{names(txn.Models), names(txn.Levels), newTransactions},
}

func names[T ~string](all []T) (names []string) {
	for _, n := range all {
		names = append(names, string(n))
	}
	return names
}

// Models returns all models, the common ones first.
func Models() (models []string) {
	for _, f := range families {
		models = append(models, f.models...)
	}
	return models
}

// Promises returns what histories of a model can be held to; nothing if there
// is no such model.
func Promises(model string) []string {
	for _, f := range families {
		if slices.Contains(f.models, model) {
			return f.promises
		}
	}
	return nil
}

// New returns a judge for one history of a model, one of Models.
func New(model string) Judge {
	for _, f := range families {
		if slices.Contains(f.models, model) {
			return f.judge(model)
		}
	}
	panic("no model " + model)
}

// objects judges histories of objects.
type objects struct{ history.Collector }

func newObjects(model string) Judge {
	return &objects{history.Collector{Model: history.Model(model)}}
}

// Judge implements Judge.
func (o *objects) Judge(promise string, timeout time.Duration) Verdict {
	ops := o.Ops()
	var v Verdict
	var order, core []int32
	if promise == Linearizable {
		v, order, core = linearizable(ops, timeout)
		v.Certificate = certificate(v.Verdict, promise, func(add func(part)) {
			add(part{Order: order, Core: core})
		})
	} else {
		v, order, core = weaker(ops, weak.Promise(promise), timeout)
	}
	if order != nil {
		v.Order = func() []string { return told(ops, order) }
	}
	v.Page = func() *page.Page {
		return &page.Page{Verdict: v.Verdict, Why: v.Reasons, Bars: page.Ops(ops), Order: order, Core: core,
			Marks: o.Marks()}
	}
	return v
}

// maxTold bounds the operations that are told: a core that could not be made
// small would fill the screen.
const maxTold = 50

func linearizable(ops []history.Op, timeout time.Duration) (v Verdict, order, core []int32) {
	r := history.Check(ops, timeout)
	v = Verdict{Verdict: r.Verdict, How: fmt.Sprintf("%d operations, by %s", len(ops), r.Method)}
	switch r.Verdict {
	case history.OK:
		v.Proof = history.VerifyOrder(ops, r.Order)
		return v, r.Order, nil
	case history.Illegal:
		v.Proof = history.VerifyCore(ops, r.Core)
		these := "this operation"
		if len(r.Core) > 1 {
			these = fmt.Sprintf("these %d operations", len(r.Core))
		}
		head := fmt.Sprintf("key %q: no order explains %s, whatever the others did:", r.Key, these)
		v.Reasons = append([]string{head}, indented(told(ops, r.Core))...)
		return v, nil, r.Core
	}
	v.Reasons = []string{fmt.Sprintf("key %q: %s", r.Key, r.Reason)}
	return v, nil, nil
}

func weaker(ops []history.Op, p weak.Promise, timeout time.Duration) (v Verdict, order, core []int32) {
	r := weak.Check(ops, p, timeout)
	v = Verdict{Verdict: r.Verdict, How: fmt.Sprintf("%d operations", len(ops)),
		Proof: weak.Verify(ops, p, r), Certificate: ofWeak(p, &r)}
	switch {
	case r.Verdict == history.Unknown:
		v.Reasons = []string{r.Reason}
	case r.Verdict == history.Illegal:
		v.Reasons = append([]string{r.Reason + ":"}, indented(told(ops, r.Core))...)
		return v, nil, r.Core
	case p == weak.Sequential:
		return v, r.Order, nil
	}
	return v, nil, nil
}

func told(ops []history.Op, of []int32) (lines []string) {
	for _, i := range of {
		lines = append(lines, ops[i].String())
	}
	return lines
}

// indented is lines as reasons below a head.
func indented(lines []string) []string {
	more := len(lines) - maxTold
	lines = lines[:min(len(lines), maxTold)]
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more", more))
	}
	return lines
}

// transactions judges histories of transactions.
type transactions struct{ txn.Collector }

func newTransactions(model string) Judge {
	return &transactions{txn.Collector{Model: txn.Model(model)}}
}

// Judge implements Judge.
func (t *transactions) Judge(level string, timeout time.Duration) Verdict {
	txns := t.Txns()
	r := txn.Check(txns, t.Model, txn.Level(level), timeout)
	v := Verdict{Verdict: r.Verdict, How: fmt.Sprintf("%d transactions", len(txns)),
		Proof: proof.Verify(txns, t.Model, txn.Level(level), r)}
	begun := func() (starts []int32) { // of snapshots
		if txn.Level(level) == txn.Snapshot {
			starts, _ = proof.Starts(txns, t.Model, r.Order)
		}
		return starts
	}
	v.Certificate = ofTransactions(level, &r, begun)
	switch {
	case r.Verdict == history.Unknown:
		v.Reasons = []string{r.Reason}
	case r.Verdict == history.OK:
		v.Order = func() (lines []string) {
			starts := begun()
			for at, i := range r.Order {
				line := txns[i].String()
				if starts != nil {
					line += fmt.Sprintf(" (began after %d)", starts[at])
				}
				lines = append(lines, line)
			}
			return lines
		}
	case r.Cycle != nil:
		v.Reasons = append([]string{r.Anomaly + ":"}, txn.Tell(txns, r.Cycle)...)
		if steps := proof.Tell(txns, r.Steps); steps != nil {
			v.Reasons = append(append(v.Reasons, "for, step by step:"), indented(steps)...)
		}
	default:
		v.Reasons = []string{r.Anomaly + ": " + r.Reason}
		for _, i := range r.Core {
			v.Reasons = append(v.Reasons, "  "+txns[i].String())
		}
	}
	core := slices.Clone(r.Core)
	for _, e := range r.Cycle {
		core = append(core, e.From)
	}
	v.Page = func() *page.Page {
		return &page.Page{Verdict: v.Verdict, Why: v.Reasons, Bars: bars(txns), Core: core, Marks: t.Marks()}
	}
	return v
}

// bars draws transactions. Which order they were committed in is not drawn:
// serializability lets it differ from that in time. If they tell no times, each
// process's follow one another.
func bars(txns []txn.Txn) []page.Bar {
	bars := make([]page.Bar, len(txns))
	timeless, count := txn.Timeless(txns), map[int]time.Duration{}
	for i := range txns {
		t := &txns[i]
		text := t.String()
		_, label, _ := strings.Cut(text, ": ")
		bars[i] = page.Bar{Client: t.Process, Call: t.Call, Return: t.Return, Open: t.State == txn.Unknown,
			Reads: !slices.ContainsFunc(t.Actions, func(a txn.Action) bool { return a.Write }),
			Label: label, Text: text}
		if n := count[t.Process]; timeless {
			bars[i].Call, bars[i].Return = 2*n, 2*n+1
			count[t.Process]++
		}
	}
	return bars
}
