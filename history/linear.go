package history

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// Verdict is the outcome of a check.
type Verdict uint8

// What a check may find.
const (
	OK      Verdict = iota + 1 // the history keeps the promise
	Illegal                    // it does not
	Unknown                    // it could not be found out
)

// String returns the verdict in a word.
func (v Verdict) String() string {
	return [...]string{"none", "ok", "illegal", "unknown"}[v]
}

// A Report is a verdict and its reason. Operations are told by their index.
type Report struct {
	Verdict Verdict
	Key     string  // the object that is Illegal or Unknown
	Method  string  // how it was found
	Order   []int32 // if OK: a linearization of each object, one after the other
	Core    []int32 // if Illegal: what cannot be explained, whatever the others did; by call
	Reason  string  // if Unknown: what it would have taken
}

// maxPorcupine is how many operations on an object Porcupine is asked about:
// its memory grows with their square.
const maxPorcupine = 5000

// coreTime bounds the search for a smaller core.
const coreTime = 10 * time.Second

// Linearizable checks ops, in any order, against objects that are empty at
// first: is there one order of all operations, each at some instant between
// its invocation and its response, in which every result is right? Objects are
// independent, so each is checked alone, the easy ones first and else in order of
// their keys; the first that fails is named. The budget bounds the time of each;
// 0 is no bound.
func Linearizable(ops []Op, budget time.Duration) (v Verdict, key string) {
	r := check(ops, budget, false)
	return r.Verdict, r.Key
}

// Check is Linearizable with a certificate. It takes up to ten seconds longer
// to find a core if the verdict is Illegal.
func Check(ops []Op, budget time.Duration) Report { return check(ops, budget, true) }

func check(ops []Op, budget time.Duration, certify bool) Report {
	all := Report{Verdict: OK, Method: "no operations"}
	on := objects(ops)
	for _, most := range []int{quickConfigs, maxConfigs} {
		var hard [][]int32
		for _, on := range on {
			r := judge(ops, on, judging{budget, most, certify})
			r.Key = ops[on[0]].Key
			switch {
			case r.Verdict == Illegal:
				if certify {
					r.Core = shrink(ops, on, r.Core)
				}
				return r
			case r.Verdict == Unknown && most < maxConfigs:
				hard = append(hard, on)
			case r.Verdict == Unknown:
				all = r
			case all.Verdict == OK:
				all.Method = r.Method
				all.Order = append(all.Order, r.Order...)
			}
		}
		on = hard
	}
	if all.Verdict == OK {
		all.Key = ""
	}
	return all
}

// judging says how much may be spent on an object.
type judging struct {
	budget  time.Duration // 0: any
	configs int
	certify bool
}

// quickConfigs is what a search may grow to while there are objects that were
// not looked at: one of them may be found Illegal in no time.
const quickConfigs = 1 << 10

// judge judges one object. If it is Illegal, Core is the operation that cannot
// be explained if it was searched, and a whole core if it was not.
func judge(ops []Op, on []int32, j judging) Report {
	if r, ok := judgeZones(ops, on); ok {
		return r
	}
	if growing(ops, on) {
		return judgeGrowing(ops, on)
	}
	if r, ok := judgeQueue(ops, on); ok {
		return r
	}
	var deadline time.Time
	if j.budget > 0 {
		deadline = time.Now().Add(j.budget)
	}
	s := search{ops: ops, on: on, deadline: deadline, most: j.configs}
	v, order, failed := s.run()
	switch {
	case v == Illegal:
		return Report{Verdict: v, Method: "search", Core: []int32{failed}}
	case v == OK:
		return Report{Verdict: v, Method: "search", Order: order}
	case s.late:
		return Report{Verdict: v, Method: "search", Reason: "the time ran out"}
	case len(on) > maxPorcupine || j.configs < maxConfigs:
		return Report{Verdict: v, Method: "search", Reason: fmt.Sprintf("more than %d operations at once, "+
			"or more than %d ways to explain them", maxPending, maxConfigs)}
	}
	return askPorcupine(ops, on, deadline, j.certify)
}

// objects returns the operations on each object, by key. The members of a set
// that is never read whole are objects of their own.
func objects(ops []Op) [][]int32 {
	whole := map[string]bool{}
	for i := range ops {
		if ops[i].Kind == Members {
			whole[ops[i].Key] = true
		}
	}
	type object struct{ key, member string }
	number := map[object]int{}
	var all [][]int32
	for i := range ops {
		id := object{key: ops[i].Key}
		switch ops[i].Kind {
		case Add, Remove, Contains:
			if !whole[id.key] {
				id.member = ops[i].Arg
			}
		}
		n, ok := number[id]
		if !ok {
			n = len(all)
			number[id] = n
			all = append(all, nil)
		}
		all[n] = append(all[n], int32(i))
	}
	slices.SortStableFunc(all, func(a, b []int32) int {
		x, y := &ops[a[0]], &ops[b[0]]
		switch {
		case x.Key < y.Key:
			return -1
		case x.Key > y.Key:
			return 1
		}
		return 0
	})
	return all
}

// askPorcupine judges one object by Porcupine.
func askPorcupine(ops []Op, on []int32, deadline time.Time, certify bool) Report {
	var left time.Duration
	if !deadline.IsZero() {
		left = max(time.Until(deadline), 1)
	}
	var asked []porcupine.Operation
	var index []int32
	for _, i := range on {
		o := &ops[i]
		if o.Open && o.idle() {
			continue
		}
		p := porcupine.Operation{ClientId: o.Client, Input: o, Call: int64(o.Call), Return: int64(o.Return)}
		if o.Open {
			p.Return = math.MaxInt64
		}
		asked, index = append(asked, p), append(index, i)
	}
	r := Report{Verdict: Unknown, Method: "Porcupine", Reason: "the time ran out"}
	result, info := porcupine.CheckOperationsVerbose(object, asked, left)
	switch result {
	case porcupine.Ok:
		r = Report{Verdict: OK, Method: "Porcupine"}
		for _, orders := range info.PartialLinearizations() {
			for _, order := range orders {
				if len(order) == len(asked) && r.Order == nil {
					for _, id := range order {
						r.Order = append(r.Order, index[id])
					}
				}
			}
		}
	case porcupine.Illegal:
		r = Report{Verdict: Illegal, Method: "Porcupine", Core: slices.Clone(on)}
	}
	return r
}

// object is one object as Porcupine wants it: state is the text of apply.
var object = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, _ any) (bool, any) {
		o, before := input.(*Op), state.(string)
		next, result := o.apply(before)
		if o.judged() && result != o.Result {
			return false, state
		}
		if next == before {
			return true, state
		}
		return true, next
	},
}
