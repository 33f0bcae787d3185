// Package txn judges histories of transactions: which isolation did they have?
//
// A transaction reads and writes objects. Two models are known. In a
// list-append history a write adds a value to the end of a list, and a read
// returns the list, so that a read tells in which order all that is in it was
// written: the order of the versions is known, and with it who depended on
// whom (Kingsbury and Alvaro, "Elle", VLDB 2020). In an rw-register history a
// write replaces the value, no value is written twice to a register, and the
// order of the versions is inferred as far as it must be (Biswas and Enea, "On
// the complexity of checking transactional consistency", OOPSLA 2019).
//
// The dependencies (Adya, "Weak consistency", 1999), each from a transaction to
// one that comes after it:
//
//	ww  it wrote a version, the other the next one
//	wr  it wrote the version that the other read
//	rw  it read a version, and the other wrote the next one
//	rt  it was answered before the other was called
//	so  it was done before by the same process
//	co  it must have been committed before, for somebody saw it and read the other
//
// The anomalies: G1a, a read of what was aborted; G1b, of what its writer
// itself replaced; and cycles of dependencies: G0 of ww; G1c of ww and wr;
// G-single with one rw, of which a lost update is one of two transactions that
// write the same key; G-nonadjacent with several rw, no two in a row; G2-item
// any other, of which a write skew is one of two transactions and two keys. And
// what no isolation explains: garbage, that nobody wrote; a value twice; reads
// of one list that are not each the beginning of the longer; a list that has
// what a transaction appended in another order, or not all (torn-write); a
// transaction that does not see what it wrote, or sees what it has yet to write
// (internal), or sees two versions (fuzzy-read).
//
// Most levels of isolation rule out some of them:
//
//	read-committed       G0, G1a, G1b, G1c: Adya's PL-2
//	snapshot-isolation   also cycles without two rw in a row
//	repeatable-read      all cycles without rt; there are no predicates here, so
//	serializable         these two are one
//	strict-serializable  all cycles
//
// Three are about what a transaction sees. There must be one order of commits
// that keeps the order of each session, that is, of each process's
// transactions, and has whom a transaction read before it; and whatever a read
// of a key had to see, and that wrote the key, must be in this order not after
// the one that wrote what was read. A read has to see
//
//	monotonic-atomic-view  those that the transaction had read from before it
//	read-atomic            all that the transaction reads from, and all that its session did before
//	causal                 all that it depends on: by sessions and reads, in any number of steps
//
// They are judged as by Møldrup and Pavlogiannis ("AWDIT", PLDI 2025), and are
// what they, Biswas and Enea, and Plume call read committed, read atomic and
// causal consistency. Their read committed has another name here, for it is not
// Adya's: it also asks that a transaction does not go back, which Bailis and
// others ("Highly available transactions", VLDB 2013) call monotonic atomic
// view, and that the order keeps sessions; of this PL-2 says nothing. Their
// causal has one order for all: of transactions of one operation each it is what
// package weak calls causal-convergence. A read of a list has read from all that
// wrote what is in it. What they rule out is named
// non-monotonic-read, fractured-read, and causality-violation; G1c-process is a
// cycle of wr and sessions alone.
//
// A transaction whose outcome is not known happened if somebody saw what it
// wrote; what it read is not known, and nothing comes after it in time, nor in
// its session.
package txn

import (
	"fmt"
	"slices"
	"time"

	"althing/history"
)

// A Level of isolation.
type Level string

// The levels.
const (
	ReadCommitted      Level = "read-committed"
	MonotonicView      Level = "monotonic-atomic-view"
	ReadAtomic         Level = "read-atomic"
	Causal             Level = "causal"
	RepeatableRead     Level = "repeatable-read"
	Snapshot           Level = "snapshot-isolation"
	Serializable       Level = "serializable"
	StrictSerializable Level = "strict-serializable"
)

// Levels are all of them.
var Levels = []Level{ReadCommitted, MonotonicView, ReadAtomic, Causal, RepeatableRead, Snapshot, Serializable,
	StrictSerializable}

// A Model says what the objects are.
type Model string

// The models.
const (
	ListAppend Model = "list-append"
	RWRegister Model = "rw-register"
)

// Models are all of them.
var Models = []Model{ListAppend, RWRegister}

// State is what is known of a transaction's outcome.
type State uint8

// The outcomes.
const (
	Unknown State = iota // no answer
	Committed
	Aborted
)

// An Action is one operation of a transaction.
type Action struct {
	Write bool // of Value; else a read
	Key   string
	Value string   // of a register: "" is what it has at first
	List  []string // that was read of a list
}

// A Txn is one transaction.
type Txn struct {
	Process int
	State   State
	Actions []Action
	Call    time.Duration
	Return  time.Duration // meaningless while Unknown
}

// String describes the transaction in one line.
func (t *Txn) String() string {
	s := fmt.Sprintf("process %d:", t.Process)
	for i := range t.Actions {
		switch a := &t.Actions[i]; {
		case a.Write:
			s += fmt.Sprintf(" write %s %q", a.Key, a.Value)
		case a.List != nil:
			s += fmt.Sprintf(" read %s %q", a.Key, a.List)
		case t.State == Committed:
			s += fmt.Sprintf(" read %s %q", a.Key, a.Value)
		}
	}
	return s + [...]string{" (no answer)", "", " (aborted)"}[t.State]
}

// A Collector makes transactions of events, one event after the other. The
// value of an event is the list of the actions, each as [f key value].
type Collector struct {
	Model Model
	txns  []Txn
	open  map[int]int
	timed bool
	count int
	marks []history.Mark
}

// Add takes the next event. An error names its line.
func (c *Collector) Add(e *history.Event) error {
	if e.Outside {
		c.marks = append(c.marks, e.Mark(c.count))
		return nil
	}
	if c.open == nil {
		c.open, c.timed = map[int]int{}, e.Timed
	}
	if e.Timed != c.timed {
		return fmt.Errorf("line %d: some events bear a time and some do not", e.Line)
	}
	if c.count++; !c.timed {
		e.Time = time.Duration(c.count)
	}
	i, pending := c.open[e.Process]
	switch {
	case e.Type == history.Invoke && pending:
		return fmt.Errorf("line %d: process %d calls while it waits", e.Line, e.Process)
	case e.Type == history.Invoke:
		actions, err := c.actions(e)
		if err != nil {
			return fmt.Errorf("line %d: %w", e.Line, err)
		}
		c.open[e.Process] = len(c.txns)
		c.txns = append(c.txns, Txn{Process: e.Process, Actions: actions, Call: e.Time})
		return nil
	case !pending && e.Type == history.Info:
		return nil
	case !pending:
		return fmt.Errorf("line %d: process %d has an answer, and asked nothing", e.Line, e.Process)
	}
	delete(c.open, e.Process)
	t := &c.txns[i]
	if t.Return = e.Time; t.Return < t.Call {
		return fmt.Errorf("line %d: the response is earlier than the call", e.Line)
	}
	switch e.Type {
	case history.Fail:
		t.State = Aborted
	case history.Done:
		actions, err := c.actions(e)
		if err == nil && !slices.EqualFunc(actions, t.Actions, func(a, b Action) bool {
			return a.Write == b.Write && a.Key == b.Key && (!a.Write || a.Value == b.Value)
		}) {
			err = fmt.Errorf("process %d is answered another transaction than it asked", e.Process)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", e.Line, err)
		}
		t.State, t.Actions = Committed, actions
	}
	return nil
}

func (c *Collector) actions(e *history.Event) ([]Action, error) {
	actions := make([]Action, 0, len(e.Value.List))
	for _, v := range e.Value.List {
		if len(v.List) != 3 {
			return nil, fmt.Errorf("the action %v: expected [f key value]", v)
		}
		a := Action{Key: v.List[1].String()}
		value := v.List[2]
		switch f := v.List[0].Text; {
		case f == "r" || f == "read":
			if c.Model == RWRegister {
				a.Value = value.String()
				break
			}
			if value.Some {
				return nil, fmt.Errorf("a list is read as %q", value.Text)
			}
			a.List = make([]string, len(value.List))
			for i := range value.List {
				a.List[i] = value.List[i].String()
			}
		case c.Model == ListAppend && f == "append" || c.Model == RWRegister && (f == "w" || f == "write"):
			a.Write, a.Value = true, value.String()
			if a.Value == "" {
				return nil, fmt.Errorf("nothing is written to key %q", a.Key)
			}
		default:
			return nil, fmt.Errorf("a %s has no operation %q", c.Model, f)
		}
		actions = append(actions, a)
	}
	return actions, nil
}

// Marks returns what was done to the system meanwhile, as it came.
func (c *Collector) Marks() []history.Mark { return c.marks }

// Txns returns the transactions, in order of their calls as they came.
func (c *Collector) Txns() []Txn { return c.txns }

// A Report is a verdict and its reason. Transactions are told by their index.
type Report struct {
	Verdict history.Verdict
	Anomaly string  // if Illegal: its name
	Cycle   []Edge  // if it is one
	Steps   []Step  // if Cycle is of registers: from what is seen in the history to each edge of it
	Core    []int32 // if Illegal: the transactions of the anomaly
	Order   []int32 // if OK: of all that happened, in which they may have been committed
	Reason  string  // if Unknown, or the anomaly in words
}

// Check finds out whether transactions had a level of isolation, for as long as
// the budget says; 0 is no bound.
func Check(txns []Txn, m Model, l Level, budget time.Duration) Report {
	var deadline time.Time
	if budget > 0 {
		deadline = time.Now().Add(budget)
	}
	switch {
	case !slices.Contains(Levels, l):
		return unknown("there is no level %q", l)
	case !slices.Contains(Models, m):
		return unknown("there is no model %q", m)
	case l.weak():
		return checkWeak(txns, m, l)
	case l == StrictSerializable && Timeless(txns):
		return unknown("the history tells no times: %s is all that can be judged", Serializable)
	case m == ListAppend:
		return checkLists(txns, l, deadline)
	}
	return checkRegisters(txns, l, deadline)
}

// Timeless tells whether all that several transactions tell of time is one
// instant.
func Timeless(txns []Txn) bool {
	return len(txns) > 1 && !slices.ContainsFunc(txns, func(t Txn) bool {
		return t.Call != txns[0].Call || t.State != Unknown && t.Return != t.Call
	})
}

func unknown(why string, args ...any) Report {
	return Report{Verdict: history.Unknown, Reason: fmt.Sprintf(why, args...)}
}

func illegal(anomaly string, core []int32, why string, args ...any) Report {
	return Report{Verdict: history.Illegal, Anomaly: anomaly, Core: core, Reason: fmt.Sprintf(why, args...)}
}
