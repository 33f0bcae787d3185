package history

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Value is what a recorded event bears: nothing, a text, or a list. Numbers,
// words and quoted texts are all texts: 1 and "1" are one value.
type Value struct {
	Text string
	List []Value // not nil: a list
	Some bool    // a text; if there is neither text nor list, nothing
}

// String returns the value as text: "" for nothing, a list in brackets.
func (v Value) String() string {
	if v.List == nil {
		return v.Text
	}
	parts := make([]string, len(v.List))
	for i := range v.List {
		parts[i] = v.List[i].String()
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// Type says what is known of an operation by an event.
type Type uint8

// How operations begin and end, in the words of Jepsen.
const (
	Invoke Type = iota + 1 // it was called
	Done                   // it took effect
	Fail                   // it did not take effect, and never will
	Info                   // nobody knows
)

// An Event is one line of a recorded history.
type Event struct {
	Process int // a client; one operation at a time
	Type    Type
	F       string // what the operation does
	Key     string // the object; "" if there is but one, or Value tells
	Value   Value
	Time    time.Duration // since any one instant; meaningless without Timed
	Timed   bool
	Line    int // where it was read, from 1
	// Outside says that the event is of no client, but of what was done to the
	// system: a fault, or its end. Process and Type say nothing then.
	Outside bool
}

// A Mark is what was done to the system at a time.
type Mark struct {
	Time time.Duration
	Text string
}

// Mark returns what an event of no client tells. Without a time of its own it
// has that of the event before, which was the count-th.
func (e *Event) Mark(count int) Mark {
	m := Mark{time.Duration(count), strings.TrimSpace(e.F + " " + e.Value.String())}
	if e.Timed {
		m.Time = e.Time
	}
	return m
}

// A Model names what the objects of a history are: which operations there are,
// and how their values are to be read.
type Model string

// The models. All objects of a history are of one.
const (
	Register Model = "register" // read, write
	CASReg   Model = "cas"      // and cas, of [old new]
	KV       Model = "kv"       // and append, to a text; many keys
	Queue    Model = "queue"    // enqueue, dequeue
	Set      Model = "set"      // add, remove, contains, read
	Lock     Model = "lock"     // acquire, release
)

// Models are those that a Collector takes.
var Models = []Model{Register, CASReg, KV, Queue, Set, Lock}

// kindOf tells what an event's operation does; 0: the model has none such.
func (m Model) kindOf(f string) Kind {
	in := func(models ...Model) bool { return slices.Contains(models, m) }
	registers := in(Register, CASReg, KV)
	switch {
	case registers && (f == "read" || f == "get" || f == "r"):
		return Get
	case registers && (f == "write" || f == "put" || f == "w"):
		return Put
	case in(CASReg, KV) && (f == "cas" || f == "compare-and-set"):
		return CAS
	case in(KV) && f == "append":
		return Append
	case in(Queue) && f == "enqueue":
		return Enqueue
	case in(Queue) && f == "dequeue":
		return Dequeue
	case in(Set) && f == "add":
		return Add
	case in(Set) && (f == "remove" || f == "delete"):
		return Remove
	case in(Set) && (f == "contains" || f == "member"):
		return Contains
	case in(Set) && (f == "read" || f == "members"):
		return Members
	case in(Lock) && (f == "acquire" || f == "lock"):
		return Acquire
	case in(Lock) && (f == "release" || f == "unlock"):
		return Release
	}
	return 0
}

// A Collector makes operations of events, one event after the other.
//
// The events of one process come in their order. Those of different processes
// come in order of time, unless they are timed: then in any. An operation that
// failed did not happen, and is left out; one that ended in Info, or not at
// all, is open. A response without an answer
// where one is due, as by a write or an append, is Blind.
type Collector struct {
	Model Model
	ops   []Op
	open  map[int]int // by process: its operation, in ops
	drop  []bool      // by operation: it did not happen
	count int         // of events
	timed bool
	marks []Mark
}

// Marks returns what was done to the system meanwhile, as it came.
func (c *Collector) Marks() []Mark { return c.marks }

// Add takes the next event. An error names its line.
func (c *Collector) Add(e *Event) error {
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
	if e.Type == Invoke {
		if pending {
			return fmt.Errorf("line %d: process %d calls %s while it waits for its %v", e.Line, e.Process, e.F,
				c.ops[i].Kind)
		}
		return c.invoke(e)
	}
	if !pending {
		if e.Type == Info {
			return nil // news of something else
		}
		return fmt.Errorf("line %d: process %d has an answer, and asked nothing", e.Line, e.Process)
	}
	return c.respond(e, i)
}

func (c *Collector) invoke(e *Event) error {
	o := Op{Client: e.Process, Kind: c.Model.kindOf(e.F), Key: e.Key, Call: e.Time, Open: true}
	if o.Kind == 0 {
		return fmt.Errorf("line %d: a %s has no operation %q", e.Line, c.Model, e.F)
	}
	key, v := split(o.Kind, e)
	o.Key = key
	switch o.Kind {
	case Put, Append, Enqueue, Add, Remove, Contains:
		o.Arg = v.String()
		if o.Kind == Enqueue && o.Arg == "" {
			return fmt.Errorf("line %d: nothing is enqueued, which could not be told from an empty queue", e.Line)
		}
	case CAS:
		if len(v.List) != 2 {
			return fmt.Errorf("line %d: the value of a %s is %v, expected [old new]", e.Line, e.F, v)
		}
		o.Old, o.Arg = v.List[0].String(), v.List[1].String()
	}
	c.open[e.Process] = len(c.ops)
	c.ops = append(c.ops, o)
	c.drop = append(c.drop, false)
	return nil
}

// split finds the key, which may be the first of a pair with the value.
func split(k Kind, e *Event) (key string, v Value) {
	if e.Key == "" && len(e.Value.List) == 2 && (k == Get || k == Put || k == Append ||
		k == CAS && len(e.Value.List[1].List) == 2) {
		return e.Value.List[0].String(), e.Value.List[1]
	}
	return e.Key, e.Value
}

func (c *Collector) respond(e *Event, i int) error {
	o := &c.ops[i]
	delete(c.open, e.Process)
	if k := c.Model.kindOf(e.F); k != o.Kind {
		return fmt.Errorf("line %d: process %d asked for %v, and is answered %q", e.Line, e.Process, o.Kind, e.F)
	}
	if e.Time < o.Call {
		return fmt.Errorf("line %d: the response is earlier than the call", e.Line)
	}
	switch e.Type {
	case Fail:
		c.drop[i] = true
		return nil
	case Info:
		return nil
	}
	o.Open, o.Return = false, e.Time
	key, v := split(o.Kind, e)
	if o.Kind == Get && key != o.Key {
		return fmt.Errorf("line %d: process %d asked for key %q, and is answered %q", e.Line, e.Process, o.Key, key)
	}
	switch o.Kind {
	case Get, Dequeue:
		o.Result = v.String()
	case Append:
		o.Blind = true
	case CAS, Acquire, Release:
		if o.Result = "1"; v.Text == "false" {
			o.Result = "0"
		}
	case Contains:
		if o.Result = "0"; v.Text == "true" || v.Text == "1" {
			o.Result = "1"
		}
	case Members:
		all := make([]string, len(v.List))
		for j := range v.List {
			all[j] = v.List[j].String()
		}
		if o.Result = Items(all...); v.Some {
			return fmt.Errorf("line %d: a set is read as %q, expected a list", e.Line, v.Text)
		}
	}
	return nil
}

// Ops returns the operations, in order of their invocations as they came.
func (c *Collector) Ops() []Op {
	if !slices.Contains(c.drop, true) {
		return c.ops
	}
	kept := make([]Op, 0, len(c.ops))
	for i := range c.ops {
		if !c.drop[i] {
			kept = append(kept, c.ops[i])
		}
	}
	return kept
}
