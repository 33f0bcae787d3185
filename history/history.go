// Package history judges what clients saw. A history is the operations of all
// clients, each with the time of its invocation and of its response; a verdict
// says whether some order of them explains every result.
//
// The operations are those of registers: get, put, compare-and-set, append.
// An operation whose client never learnt the outcome is still open: it may
// have taken effect at any time after its invocation, or not at all.
package history

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// Kind says what an Op does.
type Kind uint8

const (
	Get    Kind = iota + 1 // Result: the value, "" if there is none
	Put                    // the value becomes Arg
	CAS                    // if the value is Old it becomes Arg, and Result is "1"; else "0"
	Append                 // Arg is added at the end; Result: the value then
)

var kindNames = [...]string{"none", "get", "put", "cas", "append"}

// String returns the name as commands bear it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// An Op is one operation of one client.
type Op struct {
	Client int // from 0
	Kind   Kind
	Key    string
	Old    string        // of a CAS
	Arg    string        // what is written
	Result string        // meaningless while Open
	Call   time.Duration // when it was invoked
	Return time.Duration // when the response came, not before Call; meaningless while Open
	Open   bool          // no response came
}

// String describes the operation in one line.
func (o *Op) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "client %d: %s %s", o.Client, o.Kind, o.Key)
	if o.Kind == CAS {
		fmt.Fprintf(&b, " %q", o.Old)
	}
	if o.Kind != Get {
		fmt.Fprintf(&b, " %q", o.Arg)
	}
	if o.Open {
		fmt.Fprintf(&b, " from %v on: no answer", o.Call)
	} else {
		fmt.Fprintf(&b, " from %v to %v: %q", o.Call, o.Return, o.Result)
	}
	return b.String()
}

// Verdict is the outcome of a check.
type Verdict uint8

const (
	OK      Verdict = iota + 1 // an order exists
	Illegal                    // none exists
	Unknown                    // the time ran out
)

// String returns the verdict in a word.
func (v Verdict) String() string {
	return [...]string{"none", "ok", "illegal", "unknown"}[v]
}

// Linearizable checks ops, in any order, against registers that are empty at
// first: is there one order of all operations, each at some instant between
// its invocation and its response, in which every result is right? Herlihy and
// Wing, 1990. Registers are independent, so each is checked alone, in order of
// their keys; the first that fails is named. The budget bounds the time of
// each; 0 is no bound.
func Linearizable(ops []Op, budget time.Duration) (v Verdict, key string) {
	byKey := map[string][]porcupine.Operation{}
	var keys []string
	for i := range ops {
		o := &ops[i]
		if o.Open && o.Kind == Get {
			continue // it changed nothing and nobody saw it
		}
		if byKey[o.Key] == nil {
			keys = append(keys, o.Key)
		}
		p := porcupine.Operation{ClientId: o.Client, Input: o, Call: int64(o.Call), Return: int64(o.Return)}
		if o.Open {
			p.Return = math.MaxInt64
		}
		byKey[o.Key] = append(byKey[o.Key], p)
	}
	slices.Sort(keys)
	verdict := OK
	for _, k := range keys {
		switch porcupine.CheckOperationsTimeout(register, byKey[k], budget) {
		case porcupine.Illegal:
			return Illegal, k
		case porcupine.Unknown:
			verdict, key = Unknown, k
		}
	}
	return verdict, key
}

// register is one register as Porcupine wants it: state is the value.
var register = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, _ any) (bool, any) {
		o, value := input.(*Op), state.(string)
		next, result := o.apply(value)
		if !o.Open && result != o.Result {
			return false, state
		}
		if next == value {
			return true, state
		}
		return true, next
	},
}

// apply returns the value after o, and what o answers.
func (o *Op) apply(value string) (next, result string) {
	switch o.Kind {
	case Put:
		return o.Arg, ""
	case CAS:
		if value == o.Old {
			return o.Arg, "1"
		}
		return value, "0"
	case Append:
		return value + o.Arg, value + o.Arg
	}
	return value, value
}
