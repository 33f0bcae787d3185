package history

import (
	"errors"
	"fmt"
	"slices"
)

// ErrCertificate is what a certificate that does not hold is refused with.
var ErrCertificate = errors.New("the certificate does not hold")

// VerifyOrder tells why order, the operations object by object, is not a
// linearization of ops; nil if it is. Every operation that was answered, and
// that changed something or told something, must be in it once, none after one
// that it precedes, and each result must be right.
func VerifyOrder(ops []Op, order []int32) error {
	used := make([]bool, len(ops))
	for _, i := range order {
		if used[i] {
			return fmt.Errorf("%w: twice in the order: %s", ErrCertificate, &ops[i])
		}
		used[i] = true
	}
	for i := range ops {
		if o := &ops[i]; !used[i] && !o.Open && (o.judged() || !o.idle()) {
			return fmt.Errorf("%w: not in the order: %s", ErrCertificate, o)
		}
	}
	place := make([]int, len(ops)) // of each operation in the order
	for at, i := range order {
		place[i] = at
	}
	for _, on := range objects(ops) {
		var mine []int32
		for _, i := range on {
			if used[i] {
				mine = append(mine, i)
			}
		}
		slices.SortFunc(mine, func(a, b int32) int { return place[a] - place[b] })
		if clash := follow(ops, mine); clash != nil {
			return fmt.Errorf("%w: not where it stands: %s", ErrCertificate, &ops[clash[0]])
		}
	}
	return nil
}

// follow does the operations on one object in order. It returns nil, or the
// first that does not fit, after which those with which it does not.
func follow(ops []Op, order []int32) (clash []int32) {
	state := ""
	if len(order) > 0 && (ops[order[0]].Kind == Enqueue || ops[order[0]].Kind == Dequeue) {
		return followQueue(ops, order)
	}
	latest := int32(-1) // of those done, which was called last
	for _, i := range order {
		o := &ops[i]
		if latest >= 0 && o.precedes(&ops[latest]) {
			return []int32{i, latest}
		}
		next, result := o.apply(state)
		if o.judged() && result != o.Result {
			return []int32{i}
		}
		if state = next; latest < 0 || o.Call > ops[latest].Call {
			latest = i
		}
	}
	return nil
}

// followQueue is follow of a queue, whose state may be long.
func followQueue(ops []Op, order []int32) (clash []int32) {
	var line []string
	latest := int32(-1)
	for _, i := range order {
		o := &ops[i]
		if latest >= 0 && o.precedes(&ops[latest]) {
			return []int32{i, latest}
		}
		first := ""
		switch {
		case o.Kind == Enqueue:
			line = append(line, o.Arg)
		case len(line) > 0:
			first, line = line[0], line[1:]
		}
		if o.judged() && o.Kind == Dequeue && first != o.Result {
			return []int32{i}
		}
		if latest < 0 || o.Call > ops[latest].Call {
			latest = i
		}
	}
	return nil
}

// The largest core that VerifyCore goes through, and in how many steps.
const (
	maxCore  = 64
	maxTried = 1 << 20
)

// VerifyCore tells why core is not one: an order of its operations, possibly
// with others between them, that explains them. It tries them all, one
// operation after the other, and takes exponential time in how many of them
// are concurrent.
func VerifyCore(ops []Op, core []int32) error {
	var problem relaxed
	for _, on := range objects(ops) {
		if len(core) > 0 && slices.Contains(on, core[0]) {
			problem = relax(ops, on, core)
		}
	}
	n := len(problem.ops)
	if n == 0 || n > maxCore {
		return fmt.Errorf("%w: %d operations, of 1 to %d", ErrCertificate, n, maxCore)
	}
	type point struct {
		done  uint64
		state string
	}
	tried := map[point]bool{}
	var explained func(p point) bool
	explained = func(p point) bool {
		if tried[p] || len(tried) == maxTried {
			return false
		}
		tried[p] = true
		left := false
		for i := range problem.ops {
			o := &problem.ops[i]
			if p.done>>i&1 == 1 {
				continue
			}
			left = left || !o.Open
			if !minimal(problem.ops, p.done, o) {
				continue
			}
			for _, state := range problem.from(p.state) {
				next, result := o.apply(state)
				if (!o.judged() || result == o.Result) && explained(point{p.done | 1<<i, next}) {
					return true
				}
			}
		}
		return !left
	}
	if slices.ContainsFunc(problem.first, func(state string) bool { return explained(point{0, state}) }) {
		return fmt.Errorf("%w: its operations can be explained", ErrCertificate)
	}
	if len(tried) == maxTried {
		return fmt.Errorf("%w: there are more than %d ways to go through it", ErrCertificate, maxTried)
	}
	return nil
}

// minimal tells whether nothing that is not done precedes o.
func minimal(ops []Op, done uint64, o *Op) bool {
	for i := range ops {
		if done>>i&1 == 0 && ops[i].precedes(o) {
			return false
		}
	}
	return true
}

// from is a state and all that others may make of it.
func (r *relaxed) from(state string) []string {
	if r.next == nil {
		return []string{state}
	}
	return append([]string{state}, r.next(state)...)
}
