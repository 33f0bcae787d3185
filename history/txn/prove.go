package txn

// before are the dependencies by which, at a level, the first transaction is
// committed before the other begins (of a snapshot), or is before it in the order.
func (l Level) before() Dependency {
	switch l {
	case Snapshot:
		return WW | WR
	case StrictSerializable:
		return WW | WR | RW | RT
	}
	return WW | WR | RW
}

// A Step of a proof is an edge that is seen in the history, if Path is empty: wr,
// rt, and rw of what was there at first, before all else. Or it follows from a path
// of earlier steps, whose places those are: each leads from one transaction to the
// next, all of them a level's own reasons to come before. If the path leads
//
//	from one writer of Key to another   ww: so do their versions follow each other
//	from a writer to the reader of New  ww: the reader would else have read Old, or later
//	from the writer of Old to a writer  rw: who read Old did not see what follows
type Step struct {
	Edge
	Path []int32 `json:"path,omitempty"`
}

// maxSteps bounds a proof: one that is longer nobody reads.
const maxSteps = 1 << 14

// prove makes steps that lead to all edges of a cycle; nil if they are too many.
func (h *registers) prove(cycle []Edge, l Level) (steps []Step) {
	place := map[known]int32{}
	var add func(e Edge) int32
	add = func(e Edge) int32 {
		k := known{e.From, e.To, e.Why, e.Key, e.Old, e.New}
		if at, ok := place[k]; ok || len(steps) > maxSteps {
			return at
		}
		s, why := Step{Edge: e}, h.known[k]
		if why.round > 0 {
			from, to := e.From, e.To
			if why.reader >= 0 {
				to = why.reader
			}
			for _, r := range h.reads {
				if e.Why == RW && r.txn == e.From && r.key == e.Key && r.value == e.Old {
					from = r.writer
				}
			}
			for _, p := range h.path(from, to, l.before(), why.round) {
				s.Path = append(s.Path, add(p))
			}
		}
		place[k] = int32(len(steps))
		steps = append(steps, s)
		return place[k]
	}
	for _, e := range cycle {
		add(e)
	}
	if len(steps) > maxSteps {
		return nil
	}
	return steps
}

// path returns a shortest path of edges that were known before a round.
func (h *registers) path(from, to int32, edges Dependency, round int32) (path []Edge) {
	by := make(map[int32]Edge)
	for front := []int32{from}; len(front) > 0; front = front[1:] {
		for _, e := range h.g.out[front[0]] {
			_, met := by[e.To]
			if met || e.To == from || e.Why&edges == 0 ||
				h.known[known{e.From, e.To, e.Why, e.Key, e.Old, e.New}].round >= round {
				continue
			}
			if by[e.To] = e; e.To != to {
				front = append(front, e.To)
				continue
			}
			for at := to; at != from; at = by[at].From {
				if len(path) > 0 && by[at].Why == RT && path[0].Why == RT {
					path[0].From = by[at].From // time goes on
					continue
				}
				path = append([]Edge{by[at]}, path...)
			}
			return path
		}
	}
	return nil
}
