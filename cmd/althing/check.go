package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"althing/history"
	"althing/history/format"
	"althing/history/txn"
	"althing/history/weak"
)

type checkCommand struct {
	Files []string `arg:"" name:"file" placeholder:"FILE"`

	Model       string        `default:"register" placeholder:"MODEL"`
	Consistency string        `default:"linearizable" placeholder:"PROMISE"`
	Format      string        `default:"auto" placeholder:"FORMAT"`
	Timeout     time.Duration `default:"1m"`
	Order       string        `placeholder:"FILE"`
}

// How a check ends, besides exitOK, exitBad and exitUsage.
const exitUnknown = 3

// A judgement is what is told of a history.
type judgement struct {
	verdict history.Verdict
	how     string          // in few words
	reasons []string        // if not OK: line by line
	proof   error           // of the certificate; nil: it holds
	order   func() []string // if OK and there is one
}

// A judge reads events, and then judges.
type judge interface {
	Add(e *history.Event) error
	Judge(promise string, timeout time.Duration) judgement
}

// families are the kinds of history, and what can be promised of them.
var families = []struct {
	models   []string
	promises []string
	judge    func(model string) judge
}{
	{names([]history.Model{history.Register, history.KV}), append([]string{linearizable}, names(weak.Promises)...),
		newObjects},
	{names([]history.Model{history.CASReg, history.Queue, history.Set, history.Lock}), []string{linearizable},
		newObjects},
	{names(txn.Models), names(txn.Levels), newTransactions},
}

const linearizable = "linearizable"

func names[T ~string](all []T) (names []string) {
	for _, n := range all {
		names = append(names, string(n))
	}
	return names
}

// Run judges each file, and ends with the worst verdict.
func (c *checkCommand) Run(to *output) error {
	judges, err := c.judges()
	if err != nil {
		return err
	}
	worst := history.OK
	for _, file := range c.Files {
		j := judges(c.Model)
		if err := c.read(file, j.Add); err != nil {
			return ending{fmt.Errorf("%s: %w", file, err), exitUsage}
		}
		began := time.Now()
		r := j.Judge(c.Consistency, c.Timeout)
		c.tell(to, file, &r, time.Since(began))
		if err := c.keep(&r); err != nil {
			return err
		}
		if r.verdict == history.Illegal || worst == history.OK {
			worst = r.verdict
		}
	}
	switch worst {
	case history.OK:
		return nil
	case history.Illegal:
		return errors.New("the promise was broken")
	}
	return ending{errors.New("it could not be found out whether the promise was kept"), exitUnknown}
}

// judges returns what makes a judge, of the model and for the promise.
func (c *checkCommand) judges() (judges func(string) judge, err error) {
	var models, promises []string
	for _, f := range families {
		models = append(models, f.models...)
		if slices.Contains(f.models, c.Model) {
			judges, promises = f.judge, f.promises
		}
	}
	switch {
	case judges == nil:
		err = wrong("model", c.Model, "expected one of %s", strings.Join(models, ", "))
	case !slices.Contains(promises, c.Consistency):
		err = wrong("consistency", c.Consistency, "expected, of a %s, one of %s", c.Model,
			strings.Join(promises, ", "))
	case !slices.Contains(format.Formats, format.Format(c.Format)):
		err = wrong("format", c.Format, "expected one of %s", strings.Join(names(format.Formats), ", "))
	case c.Timeout <= 0:
		err = wrong("timeout", c.Timeout, "expected more than nothing")
	case c.Order != "" && len(c.Files) > 1:
		err = wrong("order", c.Order, "expected with one file: an order is of one history")
	}
	return judges, err
}

// read hands on the events of a file; - is standard input.
func (c *checkCommand) read(file string, add func(*history.Event) error) error {
	var from io.Reader = os.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	return format.Read(from, format.Format(c.Format), add)
}

// tell prints a verdict, and why.
func (c *checkCommand) tell(to *output, file string, r *judgement, took time.Duration) {
	word := map[history.Verdict]string{history.OK: "holds", history.Illegal: "VIOLATED",
		history.Unknown: "unknown"}[r.verdict]
	fmt.Fprintf(to.out, "%s: %s: %s (%s, %v)\n", file, c.Consistency, word, r.how, took.Round(time.Millisecond))
	for _, line := range r.reasons {
		fmt.Fprintln(to.out, "  "+line)
	}
	switch {
	case r.verdict == history.Unknown:
	case r.proof == nil:
		fmt.Fprintln(to.out, "  certificate: verified")
	default:
		fmt.Fprintf(to.out, "  certificate: not verified: %v\n", r.proof)
	}
}

// keep writes the order to a file, if that is wished.
func (c *checkCommand) keep(r *judgement) error {
	if c.Order == "" || r.order == nil {
		return nil
	}
	if err := os.WriteFile(c.Order, []byte(strings.Join(r.order(), "\n")+"\n"), 0o644); err != nil {
		return wrong("order", c.Order, "%v", err)
	}
	return nil
}

// objects judges histories of objects.
type objects struct{ history.Collector }

func newObjects(model string) judge {
	return &objects{history.Collector{Model: history.Model(model)}}
}

// Judge judges, and has the certificate verified.
func (o *objects) Judge(promise string, timeout time.Duration) judgement {
	ops := o.Ops()
	if promise == linearizable {
		return checked(ops, timeout)
	}
	r := weak.Check(ops, weak.Promise(promise), timeout)
	j := judgement{verdict: r.Verdict, how: fmt.Sprintf("%d operations", len(ops)), proof: errNoProof}
	switch {
	case r.Verdict == history.Unknown:
		j.reasons = []string{r.Reason}
	case r.Verdict == history.Illegal:
		j.proof = weak.Refute(ops, weak.Promise(promise), r.Core)
		j.reasons = told(r.Reason+":", ops, r.Core)
	case promise == string(weak.Sequential):
		j.proof = weak.VerifyOrder(ops, r.Order)
		j.order = func() []string { return told("", ops, r.Order)[1:] }
	}
	return j
}

var errNoProof = errors.New("that no pattern breaks the promise has no short proof")

// maxTold bounds the operations that are printed: a core that could not be made
// small would fill the screen.
const maxTold = 50

func checked(ops []history.Op, timeout time.Duration) judgement {
	r := history.Check(ops, timeout)
	j := judgement{verdict: r.Verdict, how: fmt.Sprintf("%d operations, by %s", len(ops), r.Method)}
	switch r.Verdict {
	case history.OK:
		j.proof = history.VerifyOrder(ops, r.Order)
		j.order = func() []string { return told("", ops, r.Order)[1:] }
	case history.Illegal:
		j.proof = history.VerifyCore(ops, r.Core)
		j.reasons = told(fmt.Sprintf("key %q: no order explains these %d operations, whatever the others did:",
			r.Key, len(r.Core)), ops, r.Core[:min(len(r.Core), maxTold)])
		if more := len(r.Core) - maxTold; more > 0 {
			j.reasons = append(j.reasons, fmt.Sprintf("  and %d more", more))
		}
	default:
		j.reasons = []string{fmt.Sprintf("key %q: %s", r.Key, r.Reason)}
	}
	return j
}

func told(head string, ops []history.Op, of []int32) []string {
	lines := []string{head}
	for _, i := range of {
		lines = append(lines, "  "+ops[i].String())
	}
	return lines
}

// transactions judges histories of transactions.
type transactions struct{ txn.Collector }

func newTransactions(model string) judge {
	return &transactions{txn.Collector{Model: txn.Model(model)}}
}

// Judge judges, and has the certificate verified.
func (t *transactions) Judge(level string, timeout time.Duration) judgement {
	txns := t.Txns()
	r := txn.Check(txns, t.Model, txn.Level(level), timeout)
	j := judgement{verdict: r.Verdict, how: fmt.Sprintf("%d transactions", len(txns))}
	switch {
	case r.Verdict == history.Unknown:
		j.reasons = []string{r.Reason}
	case r.Verdict == history.OK:
		j.proof = txn.VerifyOrder(txns, t.Model, txn.Level(level), r.Order)
		j.order = func() (lines []string) {
			for _, i := range r.Order {
				lines = append(lines, txns[i].String())
			}
			return lines
		}
	case r.Cycle != nil:
		j.reasons = append([]string{r.Anomaly + ":"}, txn.Tell(txns, r.Cycle)...)
		if j.proof = errInferred; t.Model == txn.ListAppend {
			j.proof = txn.VerifyCycle(txns, r.Cycle)
		}
	default:
		j.proof = errNamed
		j.reasons = []string{r.Anomaly + ": " + r.Reason}
		for _, i := range r.Core {
			j.reasons = append(j.reasons, "  "+txns[i].String())
		}
	}
	return j
}

var (
	errNamed    = errors.New("the transactions above show it, and nothing but the search has looked at them")
	errInferred = errors.New("an order of versions that is inferred is not seen in the reads")
)
