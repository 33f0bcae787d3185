package weak

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"althing/history"
)

// permutations calls f with all orders of any so many of n, until it says stop.
func permutations(n int, f func([]int32) (stop bool)) bool {
	var try func(order []int32) bool
	try = func(order []int32) bool {
		if f(order) {
			return true
		}
		for i := range int32(n) {
			if !slices.Contains(order, i) && try(append(slices.Clone(order), i)) {
				return true
			}
		}
		return false
	}
	return try(nil)
}

// provable tells whether there is any certificate at all: of those of one order
// for each session, those are looked for one by one, the others' being found.
func provable(ops []history.Op, p Promise, a *account) bool {
	if p == Causal || p == Convergent {
		return permutations(len(ops), func(order []int32) bool { return a.ordered(p, order) == nil })
	}
	var views []View
	for c, mine := range a.did {
		if len(mine) == 0 {
			continue
		}
		follows := p == Memory || p == WritesFollowReads
		own := func(i int32) bool { return a.client[i] == int32(c) && (p == PRAM || p == Memory) }
		part := func(i int32) bool { return a.from[i] == noRead || own(i) }
		if !permutations(len(ops), func(order []int32) bool {
			if a.replay(order, part, own, follows) != nil || p != PRAM && p != Memory && a.look(c, p, order) != nil {
				return false
			}
			views = append(views, View{ops[mine[0]].Client, order})
			return true
		}) {
			return false
		}
	}
	return a.viewed(p, views) == nil
}

// TestProvable: of tiny histories, those keep a promise by its definition of
// which there is a certificate that is taken; so none proves what is broken.
func TestProvable(t *testing.T) {
	tried, count := 0, map[Promise]*[2]int{}
	rounds := 10_000
	if testing.Short() {
		rounds = 300
	}
	for seed := 0; tried < rounds; seed++ {
		ops := tiny(rand.New(rand.NewPCG(uint64(seed), 5)))
		if len(ops) > 4 {
			continue
		}
		tried++
		a, err := recount(ops)
		for _, p := range Promises {
			if p == Eventual || p == Sequential {
				continue
			}
			want := keeps(ops, p)
			if got := err == nil && provable(ops, p, a); got != want {
				t.Fatalf("seed %d: %s: a certificate is %v, kept is %v:\n%s", seed, p, got, want, show(ops))
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

// TestProvableKnown: of some textbook histories, too.
func TestProvableKnown(t *testing.T) {
	for _, text := range []string{
		"q=1 / q:1 a=1 / a:1 q:0", "q=1 / q:1 a=1? / a:1 q:0", "x=1 y=1 / y:1 x:0", "x=1 y:0 / y=1 x:0",
		"x=1 / x=2 / x:1 x:2 / x:2 x:1", "x=1 x=2 / x:1 x:2 / x:2 x:1", "x=1 y=1 / y:1 x=2 / x:2 x:1",
		"x=1 x:2 / x=2 x:1", "x:1 y=1 / y:1 x=1", "m=1 / m=2 / m:1 m:2 m:0", "x=1? x:1 x:0",
	} {
		ops := sessions(text)
		a, err := recount(ops)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range Promises {
			if p == Eventual || p == Sequential {
				continue
			}
			if got, want := provable(ops, p, a), keeps(ops, p); got != want {
				t.Errorf("%s: %s: a certificate is %v, kept is %v", text, p, got, want)
			}
		}
	}
}

// TestForged: certificates that are not of their history, or not whole, are
// refused.
func TestForged(t *testing.T) {
	for _, p := range Promises {
		if p == Eventual {
			continue
		}
		ops := sessions("x=1 y=1 x:1 / x:1 x=2 y:1 x:2 / y=2? / y:2 x:2")
		r := judge(ops, p, time.Time{})
		if err := Verify(ops, p, r); r.Verdict != history.OK || err != nil {
			t.Fatalf("%s: %v, %v", p, r, err)
		}
		orders := [][]int32{r.Order}
		for _, v := range r.Views {
			orders = append(orders, v.Order)
		}
		for n := range orders {
			for _, forge := range []func(order []int32) []int32{
				func(o []int32) []int32 { return o[1:] },
				func(o []int32) []int32 { return o[:len(o)-1] },
				func(o []int32) []int32 { return append(o, o[0]) },
				func(o []int32) []int32 { return append(o, int32(len(ops))) },
				func(o []int32) []int32 { return append(o, -1) },
				func(o []int32) []int32 { slices.Reverse(o); return o },
				func([]int32) []int32 { return nil },
			} {
				if len(orders[n]) == 0 {
					continue
				}
				forged := Report{Verdict: history.OK, Order: r.Order, Views: slices.Clone(r.Views)}
				order := forge(slices.Clone(orders[n]))
				if n == 0 {
					forged.Order = order
				} else {
					forged.Views[n-1].Order = order
				}
				if Verify(ops, p, forged) == nil {
					t.Errorf("%s: %v is taken for %v", p, order, orders[n])
				}
			}
		}
		if Verify(ops, p, Report{Verdict: history.OK}) == nil {
			t.Errorf("%s: nothing is taken for a certificate", p)
		}
	}
	for _, bad := range []string{"x=1 / x=1", "x:1", "x=0"} {
		if Verify(sessions(bad), Causal, Report{Verdict: history.OK, Order: []int32{0, 1}}) == nil {
			t.Errorf("%s: something is taken for a certificate", bad)
		}
	}
}

// TestForgedSequential: an order of all does not put what nobody answered before
// what its session had done by then.
func TestForgedSequential(t *testing.T) {
	ops := sessions("x=1 y=1? / y:1 x:0")
	if VerifyOrder(ops, []int32{1, 2, 3, 0}) == nil {
		t.Error("a write is before what its session did earlier")
	}
	for _, order := range [][]int32{{0, 1, 2, 3, 4}, {-1}, {0, 0}, {0, 1}} {
		if VerifyOrder(ops, order) == nil {
			t.Errorf("%v is taken", order)
		}
	}
}

func BenchmarkVerify100k(b *testing.B) {
	ops := served(100_000, 10, 100)
	for _, p := range []Promise{ReadYourWrites, PRAM, Causal, Convergent, Memory} {
		b.Run(string(p), func(b *testing.B) {
			r := judge(ops, p, time.Time{})
			b.ReportAllocs()
			for b.Loop() {
				if err := Verify(ops, p, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
