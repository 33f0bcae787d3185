package history

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// never is when open operations return.
const never = time.Duration(math.MaxInt64)

// A cluster is a write and the reads of what it wrote, which must stand side by
// side in any order. Its zone spans from the first response in it to the last
// call. If it begins before it ends it is forward: all through it the register
// has this value. Else it is backward: at any one instant of it will do.
type cluster struct {
	write    int32 // -1: what was there at first
	first    int32 // that which returned first
	last     int32 // that which was called last
	from     time.Duration
	to       time.Duration
	reads    []int32
	forward  bool
	happened bool // the write has a read, or an answer
}

// judgeZones judges a register that is put and got, if all that was put
// differs, and is not what was there at first: the history is linearizable if
// no read returns before its write is called, no two forward zones overlap, and
// no backward zone lies within a forward one. Gibbons and Korach, "Testing
// shared memories", SIAM J. Comput. 26 (1997), Theorem 3.2. An open write
// returns never if it was read, and did not happen if it was not.
func judgeZones(ops []Op, on []int32) (r Report, ok bool) {
	clusters, thin, ok := gather(ops, on)
	if !ok {
		return Report{}, false
	}
	illegal := func(core ...int32) (Report, bool) {
		return Report{Verdict: Illegal, Method: "zones", Core: core}, true
	}
	if thin >= 0 {
		return illegal(thin)
	}
	live := clusters[:0]
	for i := range clusters {
		c := &clusters[i]
		if c.write >= 0 && ops[c.first].precedes(&ops[c.write]) {
			return illegal(c.write, c.first)
		}
		if c.happened {
			c.forward = c.from < c.to
			live = append(live, *c)
		}
	}
	slices.SortFunc(live, func(a, b cluster) int {
		if a.key() != b.key() {
			return cmp.Compare(a.key(), b.key())
		}
		if a.forward != b.forward {
			return map[bool]int{true: 1, false: -1}[a.forward]
		}
		return cmp.Compare(a.write, b.write)
	})
	var before *cluster // the last forward zone
	for i := range live {
		c := &live[i]
		if before != nil && before.from < c.to && c.from < before.to {
			return illegal(before.core(c)...)
		}
		if c.forward {
			before = c
		}
	}
	order := make([]int32, 0, len(on))
	for i := range live {
		c := &live[i]
		if c.write >= 0 {
			order = append(order, c.write)
		}
		slices.SortFunc(c.reads, func(a, b int32) int { return cmp.Compare(ops[a].Call, ops[b].Call) })
		order = append(order, c.reads...)
	}
	return Report{Verdict: OK, Method: "zones", Order: order}, true
}

// key is where a cluster stands in the order: a forward zone where it begins, a
// backward one at its earliest instant. Then what must precede does: a cluster
// must precede another if it begins, by its first response, before the other's
// last call.
func (c *cluster) key() time.Duration { return min(c.from, c.to) }

// core names what makes two clusters each precede the other.
func (c *cluster) core(d *cluster) []int32 {
	var all []int32
	for _, i := range []int32{c.write, c.first, c.last, d.write, d.first, d.last} {
		if i >= 0 {
			all = append(all, i)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// gather makes the clusters. thin is a read of what nobody wrote, or -1. It is
// not ok if the operations are not puts of different values, and gets.
func gather(ops []Op, on []int32) (clusters []cluster, thin int32, ok bool) {
	writers := make(map[string]int32, len(on)/2)
	clusters = append(clusters, cluster{write: -1, first: -1, last: -1, from: -1 << 63, to: -1 << 63,
		happened: true})
	writers[""] = 0
	for _, i := range on {
		switch o := &ops[i]; {
		case o.Kind == Put:
			if _, twice := writers[o.Arg]; twice || o.judged() && o.Result != "" {
				return nil, -1, false
			}
			writers[o.Arg] = int32(len(clusters))
			from := o.Return
			if o.Open {
				from = never
			}
			clusters = append(clusters, cluster{write: i, first: i, last: i, from: from, to: o.Call,
				happened: !o.Open})
		case o.Kind != Get:
			return nil, -1, false
		}
	}
	for _, i := range on {
		o := &ops[i]
		if o.Kind != Get || !o.judged() {
			continue
		}
		w, written := writers[o.Result]
		if !written {
			return nil, i, true
		}
		c := &clusters[w]
		c.reads = append(c.reads, i)
		c.happened = true
		if o.Return < c.from {
			c.first, c.from = i, o.Return
		}
		if o.Call > c.to {
			c.last, c.to = i, o.Call
		}
	}
	return clusters, -1, true
}
