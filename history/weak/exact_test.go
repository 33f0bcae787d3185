package weak

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"althing/history"
)

// An exact is a tiny history that is held against the definitions, by trying all
// that they say there must be: what each read sees, and all orders. It shares
// nothing with the rest of the package.
type exact struct {
	ops  []history.Op // that happened
	from []int        // by operation: the write that it read; first, or none
	so   [][]bool     // by operations: one is before the other in a session
}

const (
	first = -1
	none  = -2
)

// exactly prepares a history; nil: a read returned what nobody wrote.
func exactly(ops []history.Op) *exact {
	e := &exact{}
	for i, o := range ops {
		read := slices.ContainsFunc(ops, func(r history.Op) bool {
			return r.Kind == history.Get && !r.Open && r.Key == o.Key && r.Result == o.Arg
		})
		if o.Kind == history.Put && o.Open && !read || o.Kind == history.Get && o.Open {
			continue
		}
		o.Call = time.Duration(1000*int(o.Call) + i)
		e.ops = append(e.ops, o)
	}
	for i := range e.ops {
		o := &e.ops[i]
		from := none
		if o.Kind == history.Get {
			from = first
		}
		if o.Kind == history.Get && o.Result != "" {
			from = slices.IndexFunc(e.ops, func(w history.Op) bool {
				return w.Kind == history.Put && w.Key == o.Key && w.Arg == o.Result
			})
			if from < 0 {
				return nil
			}
		}
		e.from = append(e.from, from)
		row := make([]bool, len(e.ops))
		for j := range e.ops {
			p := &e.ops[j]
			row[j] = o.Client == p.Client && o.Call < p.Call && !o.Open
		}
		e.so = append(e.so, row)
	}
	return e
}

func (e *exact) all(f func(i int) bool) (set []int) {
	for i := range e.ops {
		if f(i) {
			set = append(set, i)
		}
	}
	return set
}

func (e *exact) writes() []int { return e.all(func(i int) bool { return e.from[i] == none }) }
func (e *exact) reads() []int  { return e.all(func(i int) bool { return e.from[i] != none }) }

func (e *exact) clients() (all []int) {
	for i := range e.ops {
		if !slices.Contains(all, e.ops[i].Client) {
			all = append(all, e.ops[i].Client)
		}
	}
	return all
}

// orders tells whether f says so of some order of a set that keeps before.
func orders(set []int, before func(a, b int) bool, f func([]int) bool) bool {
	var try func(order []int) bool
	try = func(order []int) bool {
		if len(order) == len(set) {
			return f(order)
		}
		for _, i := range set {
			if !slices.Contains(order, i) && !slices.ContainsFunc(set, func(j int) bool {
				return before(j, i) && !slices.Contains(order, j)
			}) && try(append(slices.Clone(order), i)) {
				return true
			}
		}
		return false
	}
	return try(nil)
}

// replays tells whether in an order those reads are right that judged names.
func (e *exact) replays(order []int, judged func(i int) bool) bool {
	values := map[string]int{}
	for _, i := range order {
		last, ok := values[e.ops[i].Key]
		if !ok {
			last = first
		}
		if e.from[i] == none {
			values[e.ops[i].Key] = i
		} else if judged(i) && last != e.from[i] {
			return false
		}
	}
	return true
}

// guarantee tries everything that reads may see, and for each session all
// orders of the writes.
func (e *exact) guarantee(p Promise) bool {
	reads := e.reads()
	vis := make([]uint, len(e.ops)) // by read
	var try func(n int) bool
	try = func(n int) bool {
		if n == len(reads) {
			return e.closed(p, vis) && e.arbitrated(p, vis)
		}
		r := reads[n]
		for set := range uint(1) << len(e.ops) {
			if vis[r] = set; e.may(p, r, vis) && try(n+1) {
				return true
			}
		}
		vis[r] = 0
		return false
	}
	return try(0)
}

// may tells whether a read may see what it does, by itself.
func (e *exact) may(p Promise, r int, vis []uint) bool {
	if e.from[r] >= 0 && vis[r]>>e.from[r]&1 == 0 {
		return false
	}
	for i := range e.ops {
		sees := vis[r]>>i&1 == 1
		if sees && (e.from[i] != none || e.from[r] == first && e.ops[i].Key == e.ops[r].Key) {
			return false
		}
		if !sees && p == ReadYourWrites && e.from[i] == none && e.so[i][r] {
			return false
		}
		if p != ReadYourWrites && e.from[i] != none && i < r && e.so[i][r] && vis[i]&^vis[r] != 0 {
			return false // monotonic reads
		}
	}
	return true
}

// closed tells whether with a write those are seen that must be.
func (e *exact) closed(p Promise, vis []uint) bool {
	for _, r := range e.reads() {
		for i := range e.ops {
			for _, w := range e.writes() {
				if vis[r]>>w&1 == 0 || !e.so[i][w] {
					continue
				}
				if p == MonotonicWrites && e.from[i] == none && vis[r]>>i&1 == 0 ||
					p == WritesFollowReads && e.from[i] != none && vis[i]&^vis[r] != 0 {
					return false
				}
			}
		}
	}
	return true
}

// arbitrated tells whether each session has an order of the writes, by which its
// reads return the last that they see.
func (e *exact) arbitrated(p Promise, vis []uint) bool {
	before := func(a, b int) bool {
		return e.so[a][b] || p == WritesFollowReads && slices.ContainsFunc(e.reads(), func(r int) bool {
			return vis[r]>>a&1 == 1 && e.so[r][b]
		})
	}
	for _, c := range e.clients() {
		if !orders(e.writes(), before, func(order []int) bool {
			for _, r := range e.reads() {
				last := first
				for _, w := range order {
					if vis[r]>>w&1 == 1 && e.ops[w].Key == e.ops[r].Key {
						last = w
					}
				}
				if e.ops[r].Client == c && last != e.from[r] {
					return false
				}
			}
			return true
		}) {
			return false
		}
	}
	return true
}

// views tells whether each session has an order of its reads and all writes that
// keeps every session's, and in which its reads are right (Lipton and Sandberg).
func (e *exact) views() bool {
	for _, c := range e.clients() {
		mine := func(i int) bool { return e.from[i] == none || e.ops[i].Client == c }
		if !orders(e.all(mine), func(a, b int) bool { return e.so[a][b] }, func(order []int) bool {
			return e.replays(order, func(int) bool { return true })
		}) {
			return false
		}
	}
	return true
}

// least is the smallest causal order: sessions and reads, in any number of
// steps; nil if it goes round.
func (e *exact) least() [][]bool {
	n := len(e.ops)
	co := make([][]bool, n)
	for i := range co {
		co[i] = slices.Clone(e.so[i])
	}
	for r, w := range e.from {
		if w >= 0 {
			co[w][r] = true
		}
	}
	for k := range n {
		for i := range n {
			for j := range n {
				co[i][j] = co[i][j] || co[i][k] && co[k][j]
			}
		}
	}
	for i := range n {
		if co[i][i] {
			return nil
		}
	}
	return co
}

// causal is CC, CCv or CM with a given causal order (Bouajjani et al., Table 2):
// the past of each operation can be ordered so that it is right; for CCv, in one
// order for all; for CM so that all that its session did before is right, too.
func (e *exact) causal(p Promise, co [][]bool) bool {
	if co == nil {
		return false
	}
	before := func(a, b int) bool { return co[a][b] }
	past := func(o int) []int { return e.all(func(i int) bool { return i == o || co[i][o] }) }
	if p == Convergent {
		return orders(e.all(func(int) bool { return true }), before, func(order []int) bool {
			for _, o := range order {
				of := past(o)
				mine := slices.DeleteFunc(slices.Clone(order), func(i int) bool { return !slices.Contains(of, i) })
				if !e.replays(mine, func(i int) bool { return i == o }) {
					return false
				}
			}
			return true
		})
	}
	for o := range e.ops {
		if !orders(past(o), before, func(order []int) bool {
			return e.replays(order, func(i int) bool { return i == o || p == Memory && e.so[i][o] })
		}) {
			return false
		}
	}
	return true
}

// anyCausal tries all causal orders that there are, not only the smallest.
func (e *exact) anyCausal(p Promise) bool {
	n := len(e.ops)
	co := make([][]bool, n)
	for i := range co {
		co[i] = make([]bool, n)
	}
	var try func(a, b int) bool
	try = func(a, b int) bool {
		if b == n {
			a, b = a+1, a+2
		}
		if a >= n-1 {
			for i := range n {
				for j := range n {
					for k := range n {
						if co[i][j] && co[j][k] && !co[i][k] {
							return false
						}
					}
				}
			}
			return e.causal(p, co)
		}
		for _, way := range [][2]bool{{}, {true, false}, {false, true}} {
			co[a][b], co[b][a] = way[0], way[1]
			if (!e.so[a][b] || way[0]) && (!e.so[b][a] || way[1]) && try(a, b+1) {
				return true
			}
		}
		co[a][b], co[b][a] = false, false
		return false
	}
	return n < 2 || try(0, 1)
}

// keeps tells whether a history keeps a promise, by its definition.
func keeps(ops []history.Op, p Promise) bool {
	e := exactly(ops)
	if e == nil {
		return false
	}
	switch p {
	case PRAM:
		return e.views()
	case Causal, Convergent, Memory:
		return e.causal(p, e.least())
	case Sequential:
		return orders(e.all(func(int) bool { return true }), func(a, b int) bool { return e.so[a][b] },
			func(order []int) bool { return e.replays(order, func(int) bool { return true }) })
	}
	return e.guarantee(p)
}

// tiny makes a history of which all that reads may see can be tried.
func tiny(rng *rand.Rand) []history.Op {
	for {
		ops := random(rng)
		writes, reads := 0, 0
		for i := range ops {
			if ops[i].Kind == history.Put {
				writes++
			} else {
				reads++
			}
		}
		if writes*reads <= 9 && len(ops) <= 7 {
			return ops
		}
	}
}

// TestExactly: ten thousand tiny histories and more get the verdicts of the
// definitions.
func TestExactly(t *testing.T) {
	rounds := 10_000
	if testing.Short() {
		rounds = 500
	}
	count := map[Promise]*[2]int{}
	for seed := range rounds {
		ops := tiny(rand.New(rand.NewPCG(uint64(seed), 3)))
		for _, p := range Promises {
			if p == Eventual {
				continue
			}
			want := keeps(ops, p)
			r := judge(ops, p, time.Time{})
			if (r.Verdict == history.OK) != want || r.Verdict == history.Unknown {
				t.Fatalf("seed %d: %s: %v %s, kept is %v:\n%s", seed, p, r.Verdict, r.Reason, want, show(ops))
			}
			if err := Verify(ops, p, r); want && err != nil {
				t.Fatalf("seed %d: %s: %v: %v:\n%s", seed, p, r, err, show(ops))
			}
			if count[p] == nil {
				count[p] = new([2]int)
			}
			count[p][map[bool]int{true: 1}[want]]++
		}
	}
	for p, n := range count {
		if min(n[0], n[1]) < rounds/50 {
			t.Errorf("%s: %v: the histories do not tell", p, n)
		}
	}
}

// TestLeastCausalOrder: that there is any causal order of which a promise holds
// means that it holds of the smallest.
func TestLeastCausalOrder(t *testing.T) {
	tried := 0
	for seed := 0; tried < 300; seed++ {
		e := exactly(tiny(rand.New(rand.NewPCG(uint64(seed), 4))))
		if e == nil || len(e.ops) > 4 {
			continue
		}
		tried++
		for _, p := range []Promise{Causal, Convergent, Memory} {
			if least, any := e.causal(p, e.least()), e.anyCausal(p); least != any {
				t.Errorf("%s: %v with the smallest order, %v with any:\n%s", p, least, any, show(e.ops))
			}
		}
	}
}

// implied are the promises that each implies.
var implied = map[Promise][]Promise{
	MonotonicWrites:   {MonotonicReads},
	WritesFollowReads: {MonotonicReads},
	PRAM:              {ReadYourWrites, MonotonicReads, MonotonicWrites},
	Causal:            {ReadYourWrites},
	Convergent:        {ReadYourWrites, MonotonicReads, MonotonicWrites, WritesFollowReads, Causal},
	Memory:            {ReadYourWrites, MonotonicReads, MonotonicWrites, WritesFollowReads, PRAM, Causal},
	Sequential: {ReadYourWrites, MonotonicReads, MonotonicWrites, WritesFollowReads, PRAM, Causal, Convergent,
		Memory},
}

// TestApart: of any two promises of which neither implies the other, some tiny
// history keeps one alone; and what is implied is kept in all.
func TestApart(t *testing.T) {
	apart := map[[2]Promise]bool{}
	for seed := range 4000 {
		ops := tiny(rand.New(rand.NewPCG(uint64(seed), 8)))
		if seed == 0 {
			ops = sessions("z=1 x=1 y=1 / x=2 z:0 y:1 x:2") // Bouajjani et al., Figure 3b
		}
		kept := map[Promise]bool{}
		for _, p := range Promises {
			kept[p] = judge(ops, p, time.Time{}).Verdict == history.OK
		}
		for _, p := range Promises {
			for _, q := range Promises {
				if p == Eventual || q == Eventual || !kept[p] || kept[q] {
					continue
				}
				if apart[[2]Promise{p, q}] = true; slices.Contains(implied[p], q) {
					t.Fatalf("%s is kept, and %s is not:\n%s", p, q, show(ops))
				}
			}
		}
	}
	for _, p := range Promises {
		for _, q := range Promises {
			if p != q && p != Eventual && q != Eventual && !slices.Contains(implied[p], q) && !apart[[2]Promise{p, q}] {
				t.Errorf("no history keeps %s and breaks %s", p, q)
			}
		}
	}
}

// settled is convergence by its definition; unknown if nobody can be compared,
// or those who differ may have read a write that was never answered.
func settled(ops []history.Op) history.Verdict {
	compared, differ, undecided := false, false, false
	for _, k := range []string{"x", "y"} {
		end, open := time.Duration(-1), false
		for _, o := range ops {
			if o.Kind == history.Put && o.Key == k {
				if open = open || o.Open; !o.Open {
					end = max(end, o.Return)
				}
			}
		}
		last, values := map[int]string{}, map[string]bool{}
		for _, o := range ops {
			if o.Kind == history.Get && o.Key == k && o.Call > end {
				last[o.Client] = o.Result
			}
		}
		for _, v := range last {
			values[v] = true
		}
		compared = compared || len(last) > 1
		differ = differ || len(values) > 1 && !open
		undecided = undecided || len(values) > 1 && open
	}
	switch {
	case differ:
		return history.Illegal
	case undecided || !compared:
		return history.Unknown
	}
	return history.OK
}

// TestSettled holds convergence against its definition.
func TestSettled(t *testing.T) {
	count := map[history.Verdict]int{}
	for seed := range 10_000 {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		ops := random(rng)
		for i := range ops { // most reads come late
			if ops[i].Kind == history.Get && rng.IntN(3) > 0 {
				ops[i].Call, ops[i].Return = ops[i].Call+100, ops[i].Return+100
			}
		}
		slices.SortStableFunc(ops, func(a, b history.Op) int { return int(a.Call - b.Call) })
		want := settled(ops)
		if exactly(ops) == nil {
			want = history.Illegal
		}
		r := judge(ops, Eventual, time.Time{})
		if r.Verdict != want {
			t.Fatalf("seed %d: %v %s, want %v:\n%s", seed, r.Verdict, r.Reason, want, show(ops))
		}
		if r.Verdict == history.Illegal {
			r.Core = shrink(ops, Eventual, r.Core)
		}
		if err := Verify(ops, Eventual, r); err != nil {
			t.Fatalf("seed %d: %v:\n%s", seed, err, show(ops))
		}
		all := Report{Verdict: history.Illegal}
		for i := range ops {
			all.Core = append(all.Core, int32(i))
		}
		if want != history.Illegal && Verify(ops, Eventual, all) == nil {
			t.Fatalf("seed %d: that they differ is taken:\n%s", seed, show(ops))
		}
		claim := r
		for claim.Verdict = history.OK; want != history.OK && len(claim.State) <= 2; {
			if Verify(ops, Eventual, claim) == nil {
				t.Fatalf("seed %d: %v is taken:\n%s", seed, claim.State, show(ops))
			}
			claim.State = append(claim.State, int32(rng.IntN(len(ops))))
		}
		count[want]++
	}
	if len(count) < 3 {
		t.Errorf("%v: the histories do not tell", count)
	}
}
