package history

import (
	"math"
	"slices"
	"time"
)

// other stands for all states that a relaxed problem does not tell apart.
const other = "\x00\x00other"

// A relaxed problem asks whether a few operations, the core, can be explained
// if of all others nothing is assumed but what they would do: they may take
// effect at any time, any number of times, or never; but not if they were called
// when all of the core had returned, and only before the core if they returned
// before it was called. If it cannot be explained, then neither can the history,
// and the core says why.
type relaxed struct {
	ops   []Op                        // the core, and what stands for the others where next cannot
	first []string                    // the states that there may be before the core
	next  func(state string) []string // what others may make of one, in any number of steps; nil: nothing
}

// relax makes the problem of a core of the operations on an object.
func relax(ops []Op, on, core []int32) relaxed {
	in := make(map[int32]bool, len(core))
	var strict []Op
	start, end := never, time.Duration(math.MinInt64)
	for _, i := range core {
		in[i] = true
		strict = append(strict, ops[i])
		start = min(start, ops[i].Call)
		if !ops[i].Open {
			end = max(end, ops[i].Return)
		}
	}
	var others, during []*Op
	for _, i := range on {
		if o := &ops[i]; !in[i] && o.Call <= end && !(o.judged() && o.idle()) {
			others = append(others, o)
			if o.returns() >= start {
				during = append(during, o)
			}
		}
	}
	var before, then func(state string) []string
	switch strict[0].Kind {
	case Enqueue, Dequeue:
		return relaxQueue(strict, others)
	case Get, Put, CAS, Append:
		before, then = registerSteps(strict, others), registerSteps(strict, during)
	case Acquire, Release:
		before, then = plainSteps(others), plainSteps(during)
	default: // what was added before the core shows when it is read
		before = setSteps(strict, others)
		then = before
	}
	return relaxed{strict, append([]string{""}, closed(before)("")...), closed(then)}
}

// closed repeats step until nothing new comes of it, and remembers.
func closed(step func(string) []string) func(string) []string {
	known := map[string][]string{}
	return func(from string) []string {
		if all, ok := known[from]; ok {
			return all
		}
		seen := map[string]bool{from: true}
		var all []string
		for front := []string{from}; len(front) > 0; {
			state := front[0]
			front = front[1:]
			for _, next := range step(state) {
				if !seen[next] {
					seen[next] = true
					all = append(all, next)
					front = append(front, next)
				}
			}
		}
		slices.Sort(all)
		known[from] = all
		return all
	}
}

// plainSteps applies the others as they are: for objects with few states.
func plainSteps(others []*Op) func(string) []string {
	distinct := map[Op]bool{}
	for _, o := range others {
		distinct[Op{Client: o.Client, Kind: o.Kind, Arg: o.Arg}] = true
	}
	return func(state string) (all []string) {
		for o := range distinct {
			next, _ := o.apply(state)
			all = append(all, next)
		}
		return all
	}
}

// registerSteps tells apart the values that the core names, and takes all the
// rest for one.
func registerSteps(strict []Op, others []*Op) func(string) []string {
	named := map[string]bool{"": true}
	appends := slices.ContainsFunc(others, func(o *Op) bool { return o.Kind == Append }) ||
		slices.ContainsFunc(strict, func(o Op) bool { return o.Kind == Append })
	for i := range strict {
		o := &strict[i]
		for _, v := range []string{o.Old, o.Arg, o.Result} {
			for n := range len(v) {
				if appends { // what is read came about piece by piece
					named[v[:n]] = true
				}
			}
			named[v] = true
		}
	}
	class := func(value string) string {
		if named[value] {
			return value
		}
		return other
	}
	distinct := map[Op]bool{}
	for _, o := range others {
		if o.Kind == Append {
			distinct[Op{Kind: Append, Arg: o.Arg}] = true
		} else {
			distinct[Op{Kind: o.Kind, Old: class(o.Old), Arg: class(o.Arg)}] = true
		}
	}
	return func(state string) (all []string) {
		for o := range distinct {
			if o.Kind == Append && state == other {
				continue // a value that is not named does not begin one that is
			}
			next, _ := o.apply(state)
			all = append(all, class(next))
		}
		return all
	}
}

// setSteps goes straight to what the core's next read returns, if others can
// make it of the state, and else by one member that the core asks about.
func setSteps(strict []Op, others []*Op) func(string) []string {
	added, removed := map[string]bool{}, map[string]bool{}
	for _, o := range others {
		switch o.Kind {
		case Add:
			added[o.Arg] = true
		case Remove:
			removed[o.Arg] = true
		}
	}
	return func(state string) (all []string) {
		for i := range strict {
			switch o := &strict[i]; o.Kind {
			case Contains:
				if added[o.Arg] {
					next, _ := (&Op{Kind: Add, Arg: o.Arg}).apply(state)
					all = append(all, next)
				}
				if removed[o.Arg] {
					next, _ := (&Op{Kind: Remove, Arg: o.Arg}).apply(state)
					all = append(all, next)
				}
			case Members:
				if o.judged() && o.Result == Items(items(o.Result)...) &&
					covers(added, o.Result, state) && covers(removed, state, o.Result) {
					all = append(all, o.Result)
				}
			}
		}
		return all
	}
}

// covers tells whether all that is in a but not in b is among the members.
func covers(members map[string]bool, a, b string) bool {
	in := map[string]bool{}
	for _, m := range items(b) {
		in[m] = true
	}
	return !slices.ContainsFunc(items(a), func(m string) bool { return !in[m] && !members[m] })
}

// relaxQueue forgets the items that the core does not name: what is left of a
// queue is a queue. Others with items that are named, or with any, may take
// effect once, at any time after their call.
func relaxQueue(strict []Op, others []*Op) relaxed {
	named := map[string]bool{}
	for i := range strict {
		named[strict[i].Arg], named[strict[i].Result] = true, true
	}
	r := relaxed{ops: strict, first: []string{""}}
	for _, o := range others {
		any := o.Kind == Dequeue && !o.judged()
		if any || o.Kind == Enqueue && named[o.Arg] || o.Kind == Dequeue && named[o.Result] {
			free := *o
			free.Open, free.Blind = true, false
			r.ops = append(r.ops, free)
		}
	}
	return r
}
