// Package history judges what clients saw. A history is the operations of all
// clients, each with the time of its invocation and of its response; a verdict
// says whether some order of them explains every result.
//
// The words. An operation is on one object, named by its key: a register, a
// queue, a set, a lock. One precedes another if it returned before the other
// was called; else they are concurrent. An operation whose client never learnt
// the outcome is open: it may have taken effect at any time after its call, or
// not at all. A linearization is an order of all operations that keeps what
// precedes before what it precedes, and in which every result is what the
// object, used by one client alone, would have answered (Herlihy and Wing,
// "Linearizability", 1990). It is local: each object can be judged alone.
//
// How a history is judged, object by object:
//
//  1. A register whose written values all differ is judged by its zones, in
//     n log n (zones.go; Gibbons and Korach, 1997).
//  2. A set that only grows, and is read whole, has at most one order that can
//     be right; it is tried (set.go).
//  3. A queue into which each item goes once is judged by what can be wrong
//     with it, in n log n (queue.go; Henzinger and others, 2013).
//  4. Any other goes through a search over all orders at once, which moves
//     from response to response and remembers only what it may still need
//     (search.go; Lowe, 2017).
//  5. A search that grows too wide hands over to Porcupine, whose order of
//     search is another, if the object is small enough for its memory.
//
// A verdict comes with its reason, for anyone to check: an order for yes, and
// for no a core: operations that cannot be explained whatever the others did.
// VerifyOrder and VerifyCore check them and share no code with the search.
// A check that runs out of time or room says Unknown, never OK.
package history

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind says what an Op does.
type Kind uint8

// What operations do; each object is used with the kinds of one family.
const (
	Get    Kind = iota + 1 // Result: the value, "" if there is none
	Put                    // the value becomes Arg
	CAS                    // if the value is Old it becomes Arg, and Result is "1"; else "0"
	Append                 // Arg is added at the end; Result: the value then

	Enqueue // Arg becomes the last of the queue
	Dequeue // Result: the first, which is taken out; "" if there is none

	Add      // Arg becomes a member of the set
	Remove   // Arg is one no longer
	Contains // Result: "1" if Arg is a member, else "0"
	Members  // Result: all members, as Items writes them

	Acquire // Result: "1", and the lock is the client's; "0" if it is taken
	Release // Result: "1", and the lock is free; "0" if it was not the client's
)

var kindNames = [...]string{"none", "get", "put", "cas", "append", "enqueue", "dequeue",
	"add", "remove", "contains", "members", "acquire", "release"}

// String returns the name as commands bear it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// An Op is one operation of one client. Values are text without NUL, which
// separates items; nothing and the empty text are one value.
type Op struct {
	Client int // from 0
	Kind   Kind
	Open   bool // no response came
	Blind  bool // a response came that says no more than that: Result is not judged
	Key    string
	Old    string        // of a CAS
	Arg    string        // what is written
	Result string        // meaningless while Open or Blind
	Call   time.Duration // when it was invoked
	Return time.Duration // when the response came, not before Call; meaningless while Open
}

// String describes the operation in one line.
func (o *Op) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "client %d: %s %s", o.Client, o.Kind, o.Key)
	if o.Kind == CAS {
		fmt.Fprintf(&b, " %q", o.Old)
	}
	if o.Arg != "" || o.Kind == Put || o.Kind == CAS || o.Kind == Append {
		fmt.Fprintf(&b, " %q", o.Arg)
	}
	switch {
	case o.Open:
		fmt.Fprintf(&b, " from %v on: no answer", o.Call)
	case o.Blind:
		fmt.Fprintf(&b, " from %v to %v: done", o.Call, o.Return)
	default:
		fmt.Fprintf(&b, " from %v to %v: %q", o.Call, o.Return, o.Result)
	}
	return b.String()
}

// judged tells whether the result must be right.
func (o *Op) judged() bool { return !o.Open && !o.Blind }

// precedes tells whether o returned before p was called.
func (o *Op) precedes(p *Op) bool { return !o.Open && o.Return < p.Call }

// idle tells whether o changes nothing whatever the state: it reads, or was
// refused.
func (o *Op) idle() bool {
	switch o.Kind {
	case Get, Contains, Members:
		return true
	case CAS, Acquire, Release:
		return o.judged() && o.Result == "0"
	case Dequeue:
		return o.judged() && o.Result == ""
	}
	return false
}

// apply returns the state of the object after o, and what o answers. Every
// object's state is a text, "" at first: the value of a register, the items of
// a queue or set, the client that has the lock.
func (o *Op) apply(state string) (next, result string) {
	switch o.Kind {
	case Get, Members:
		return state, state
	case Put:
		return o.Arg, ""
	case CAS:
		if state == o.Old {
			return o.Arg, "1"
		}
		return state, "0"
	case Append:
		return state + o.Arg, state + o.Arg
	case Enqueue:
		return state + o.Arg + separator, ""
	case Dequeue:
		first, rest, _ := strings.Cut(state, separator)
		return rest, first
	case Add, Remove, Contains:
		return o.applySet(state)
	case Acquire, Release:
		return o.applyLock(state)
	}
	panic("no operation of kind " + o.Kind.String())
}

func (o *Op) applyLock(owner string) (next, result string) {
	me := fmt.Sprint(o.Client)
	switch {
	case o.Kind == Acquire && owner == "":
		return me, "1"
	case o.Kind == Release && owner == me:
		return "", "1"
	}
	return owner, "0"
}

// Except returns the operations on other keys than these: each key can be judged
// alone. It shares nothing.
func Except(ops []Op, keys map[string]bool) []Op {
	return slices.DeleteFunc(slices.Clone(ops), func(o Op) bool { return keys[o.Key] })
}
