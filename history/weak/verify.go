package weak

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"althing/history"
)

// Verify tells why a report does not prove its verdict. It goes by the history as
// it came and by the definitions, and shares no code with the search: it goes
// through a certificate once for each session, in memory of a few numbers for
// each operation. (Of causal, it is one number for each operation and session.)
// Unknown needs no proof.
func Verify(ops []history.Op, p Promise, r Report) error {
	switch {
	case r.Verdict == history.Unknown:
		return nil
	case r.Verdict == history.Illegal && p != Eventual:
		return Refute(ops, p, r.Core)
	case r.Verdict == history.OK && p == Sequential:
		return VerifyOrder(ops, r.Order)
	}
	a, err := recount(ops)
	switch {
	case r.Verdict == history.Illegal && err != nil:
		return Refute(ops, p, r.Core)
	case r.Verdict == history.Illegal: // here what was written later counts, too
		return a.unsettled(r.Core)
	case err != nil:
		return err
	case p == Eventual:
		return a.settled(r.State)
	case p == Causal || p == Convergent:
		return a.ordered(p, r.Order)
	}
	return a.viewed(p, r.Views)
}

// absent is an operation that did not happen, beside initial and noRead.
const absent = -3

// An account is what the clients of a history did. Operations are told by index.
type account struct {
	ops    []history.Op
	from   []int32   // by operation: the write that it returned, initial, noRead or absent
	key    []int32   // by operation: its register, from 0
	keys   int32     // registers
	client []int32   // by operation: its client, from 0
	turn   []int32   // by operation: how many that were answered its client did before
	did    [][]int32 // by client: what it did that was answered, in order
}

// recount reads a history.
func recount(ops []history.Op) (*account, error) {
	a := &account{ops: ops, from: make([]int32, len(ops)), key: make([]int32, len(ops)),
		client: make([]int32, len(ops)), turn: make([]int32, len(ops))}
	type version struct{ key, value string }
	writer, keys := map[version]int32{}, map[string]int32{}
	for i := range ops {
		o := &ops[i]
		if _, ok := keys[o.Key]; !ok {
			keys[o.Key] = a.keys
			a.keys++
		}
		a.key[i], a.from[i] = keys[o.Key], absent
		if o.Kind != history.Put {
			continue
		}
		v := version{o.Key, o.Arg}
		if _, twice := writer[v]; twice || o.Arg == "" {
			return nil, fmt.Errorf("%w: who wrote it cannot be told: %s", ErrOrder, o)
		}
		if writer[v] = int32(i); !o.Open {
			a.from[i] = noRead
		}
	}
	for i := range ops {
		o := &ops[i]
		if o.Kind != history.Get || o.Open || o.Blind {
			continue
		}
		w, written := writer[version{o.Key, o.Result}]
		switch {
		case written:
			a.from[i], a.from[w] = w, noRead
		case o.Result == "":
			a.from[i] = initial
		default:
			return nil, fmt.Errorf("%w: nobody wrote it: %s", ErrOrder, o)
		}
	}
	a.sessions()
	return a, nil
}

// sessions finds what each client did, in order.
func (a *account) sessions() {
	clients := map[int]int32{}
	by := make([]int32, len(a.ops))
	for i := range by {
		by[i] = int32(i)
	}
	slices.SortStableFunc(by, func(i, j int32) int { return cmp.Compare(a.ops[i].Call, a.ops[j].Call) })
	for _, i := range by {
		o := &a.ops[i]
		c, ok := clients[o.Client]
		if !ok {
			c = int32(len(clients))
			clients[o.Client], a.did = c, append(a.did, nil)
		}
		if a.client[i], a.turn[i] = c, int32(len(a.did[c])); a.from[i] != absent && !o.Open {
			a.did[c] = append(a.did[c], i)
		}
	}
}

// replay tells why an order is none of those operations that it must be of, or
// does not keep sessions, and the writes that were read before the reads. If
// follows, a write is also after what its session had read before it, even where
// those reads are no part of the order. Of the reads in judged, each must return
// what was written last.
func (a *account) replay(order []int32, part, judged func(i int32) bool, follows bool) error {
	done, upto := make([]bool, len(a.ops)), make([]int32, len(a.did))
	last := make([]int32, a.keys)
	for k := range last {
		last[k] = initial
	}
	behind := func(w int32) bool { return w < 0 || done[w] }
	for _, i := range order {
		if i < 0 || int(i) >= len(a.ops) || done[i] || a.from[i] == absent || !part(i) {
			return fmt.Errorf("%w: operation %d is twice in it, or no part of it", ErrOrder, i)
		}
		c := a.client[i]
		for ; upto[c] < a.turn[i]; upto[c]++ {
			if d := a.did[c][upto[c]]; part(d) && !done[d] || follows && !behind(a.from[d]) {
				return fmt.Errorf("%w: %s before %s", ErrOrder, &a.ops[i], &a.ops[d])
			}
		}
		k, from := a.key[i], a.from[i]
		if !behind(from) || from != noRead && judged(i) && from != last[k] {
			return fmt.Errorf("%w: it does not explain %s", ErrOrder, &a.ops[i])
		}
		if done[i] = true; from == noRead {
			last[k] = i
		}
	}
	for i := range a.ops {
		if a.from[i] != absent && part(int32(i)) && !done[i] {
			return fmt.Errorf("%w: left out: %s", ErrOrder, &a.ops[i])
		}
	}
	return nil
}

// viewed holds the orders of sessions against a promise.
func (a *account) viewed(p Promise, views []View) error {
	orders := map[int][]int32{}
	for _, v := range views {
		orders[v.Client] = v.Order
	}
	follows := p == Memory || p == WritesFollowReads
	for c, mine := range a.did {
		if !slices.ContainsFunc(mine, func(i int32) bool { return a.from[i] != noRead }) {
			continue // who reads nothing can see nothing wrong
		}
		order := orders[a.ops[mine[0]].Client]
		own := func(i int32) bool { return a.client[i] == int32(c) && (p == PRAM || p == Memory) }
		part := func(i int32) bool { return a.from[i] == noRead || own(i) }
		err := a.replay(order, part, own, follows)
		if err == nil && p != PRAM && p != Memory {
			err = a.look(c, p, order)
		}
		if err != nil {
			return fmt.Errorf("of client %d: %w", a.ops[mine[0]].Client, err)
		}
	}
	return nil
}

// ordered holds one order of all that happened against a causal promise.
func (a *account) ordered(p Promise, order []int32) error {
	err := a.replay(order, func(int32) bool { return true }, func(int32) bool { return false }, false)
	if err == nil && p == Causal {
		return a.unhidden(order)
	}
	for c := range a.did {
		if err == nil {
			err = a.look(c, p, order)
		}
	}
	return err
}

// A viewer is a session that goes through what it did.
type viewer struct {
	*account
	p     Promise
	place []int32 // by operation: in the arbitration
	upto  []int32 // by client: of how much that it did is seen what must be
	last  []int32 // by key: the last in the arbitration that is seen, or initial
}

// see takes in a write, and what must be seen with it.
func (v *viewer) see(w int32) {
	for todo := []int32{w}; len(todo) > 0; {
		w, todo = todo[len(todo)-1], todo[:len(todo)-1]
		if last := &v.last[v.key[w]]; *last < 0 || v.place[w] > v.place[*last] {
			*last = w
		}
		for c := v.client[w]; v.upto[c] < v.turn[w]; v.upto[c]++ {
			d := v.did[c][v.upto[c]]
			switch from := v.from[d]; {
			case from == noRead && (v.p == MonotonicWrites || v.p == Convergent):
				todo = append(todo, d)
			case from >= 0 && (v.p == WritesFollowReads || v.p == Convergent):
				todo = append(todo, from)
			}
		}
	}
}

// look tells why a client does not read, of what it must see, the last in an
// arbitration.
func (a *account) look(c int, p Promise, arbitration []int32) error {
	v := viewer{account: a, p: p, place: make([]int32, len(a.ops)), upto: make([]int32, len(a.did)),
		last: make([]int32, a.keys)}
	for at, i := range arbitration {
		v.place[i] = int32(at)
	}
	for k := range v.last {
		v.last[k] = initial
	}
	for _, i := range a.did[c] {
		from := a.from[i]
		if from == noRead {
			if p == ReadYourWrites || p == Convergent {
				v.see(i)
			}
			continue
		}
		if from >= 0 && p != ReadYourWrites {
			v.see(from)
		}
		if last := v.last[a.key[i]]; last >= 0 && (from < 0 || v.place[from] < v.place[last]) {
			return fmt.Errorf("%w: it misses %s: %s", ErrOrder, &a.ops[last], &a.ops[i])
		}
	}
	return nil
}

// unhidden tells of a read that depends on a write of its register that depends
// in turn on the write that was read. What an operation depends on are, of each
// column, the first so many: a column for each client, and for each write that was
// not answered. The order must keep what depends.
func (a *account) unhidden(order []int32) error {
	column, rank, columns := slices.Clone(a.client), make([]int32, len(a.ops)), int32(len(a.did))
	for _, i := range order {
		if rank[i] = a.turn[i] + 1; a.ops[i].Open {
			column[i], rank[i] = columns, 1
			columns++
		}
	}
	if len(order)*int(columns) > maxCells {
		return fmt.Errorf("%w: it is too large to verify", ErrOrder)
	}
	past := make([][]int32, len(a.ops))
	versions := make([]map[int32][]int32, a.keys) // by key and column
	for _, i := range order {
		mine := make([]int32, columns)
		join := func(other []int32) {
			for c, n := range other {
				mine[c] = max(mine[c], n)
			}
		}
		if n := a.turn[i]; n > 0 {
			join(past[a.did[a.client[i]][n-1]])
		}
		if w := a.from[i]; w >= 0 {
			join(past[w])
		}
		past[i] = mine
		if mine[column[i]] = rank[i]; a.from[i] == noRead {
			if versions[a.key[i]] == nil {
				versions[a.key[i]] = map[int32][]int32{}
			}
			versions[a.key[i]][column[i]] = append(versions[a.key[i]][column[i]], i)
			continue
		}
		for c, writes := range versions[a.key[i]] {
			n, _ := slices.BinarySearchFunc(writes, mine[c]+1, func(w, after int32) int {
				return cmp.Compare(rank[w], after)
			})
			if n == 0 {
				continue
			}
			from, other := a.from[i], writes[n-1]
			if other != from && (from < 0 || past[other][column[from]] >= rank[from]) {
				return fmt.Errorf("%w: it misses %s: %s", ErrOrder, &a.ops[other], &a.ops[i])
			}
		}
	}
	return nil
}

// settled tells why reads do not show that all sessions came to see the same:
// each of another key, after the last answer to a write of it; and what each
// session read last of any key after that is the same. Two sessions must have
// read some key so.
func (a *account) settled(state []int32) error {
	shown := map[int32]int32{}
	for _, i := range state {
		if i < 0 || int(i) >= len(a.ops) || a.from[i] < initial {
			return fmt.Errorf("%w: operation %d is no read", ErrOrder, i)
		}
		shown[a.key[i]] = a.from[i]
	}
	sessions, agreed := make([]int, a.keys), false
	for _, i := range a.late() {
		if from, ok := shown[a.key[i]]; !ok || from != a.from[i] {
			return fmt.Errorf("%w: something else was read last: %s", ErrOrder, &a.ops[i])
		}
		sessions[a.key[i]]++
		agreed = agreed || sessions[a.key[i]] > 1
	}
	if !agreed {
		return fmt.Errorf("%w: no two sessions read a key after its last write", ErrOrder)
	}
	return nil
}

// unsettled tells why a core does not show that two sessions differ in what they
// read last, of a key of which every write was answered before.
func (a *account) unsettled(core []int32) error {
	late := slices.DeleteFunc(a.late(), func(i int32) bool { return !slices.Contains(core, i) })
	for _, i := range late {
		for _, j := range late {
			if a.key[i] == a.key[j] && a.from[i] != a.from[j] && !slices.ContainsFunc(a.ops, func(o history.Op) bool {
				return o.Kind == history.Put && o.Open && o.Key == a.ops[i].Key
			}) {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: no two sessions differ in the end", ErrExplained)
}

// late returns what each session read last of each key, if that was after all
// writes of it were answered.
func (a *account) late() (reads []int32) {
	quiet := make([]time.Duration, a.keys)
	for k := range quiet {
		quiet[k] = math.MinInt64
	}
	for i, from := range a.from {
		if o := &a.ops[i]; from == noRead && !o.Open {
			quiet[a.key[i]] = max(quiet[a.key[i]], o.Return)
		}
	}
	for _, mine := range a.did {
		last := map[int32]int32{}
		for _, i := range mine {
			if a.from[i] != noRead && a.ops[i].Call > quiet[a.key[i]] {
				last[a.key[i]] = i
			}
		}
		reads = slices.AppendSeq(reads, maps.Values(last))
	}
	return reads
}
