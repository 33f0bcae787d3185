package proof

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"althing/history/txn"
)

// snapshot is the definition: a transaction that begins after so many commits reads
// what those left and what it wrote itself, and nobody who commits from then until
// it does writes what it writes.
func snapshot(txns []txn.Txn, m txn.Model, order []int32, place, begin int) bool {
	left := map[string][]string{}
	for _, i := range order[:begin] {
		for _, a := range txns[i].Actions {
			if a.Write {
				left[a.Key] = append(slices.Clone(left[a.Key]), a.Value)
			}
		}
	}
	t := &txns[order[place]]
	for _, a := range t.Actions {
		if a.Write {
			left[a.Key] = append(slices.Clone(left[a.Key]), a.Value)
			for _, i := range order[begin:place] {
				if slices.ContainsFunc(txns[i].Actions, func(b txn.Action) bool { return b.Write && b.Key == a.Key }) {
					return false
				}
			}
			continue
		}
		last := append([]string{""}, left[a.Key]...)
		if t.State == txn.Committed && (m == txn.RWRegister && a.Value != last[len(last)-1] ||
			m == txn.ListAppend && !slices.Equal(a.List, left[a.Key])) {
			return false
		}
	}
	return true
}

// lists makes each read of a register one of the list that an order leaves.
func lists(txns []txn.Txn, order []int32) []txn.Txn {
	all := slices.Clone(txns)
	before := map[[2]string][]string{}
	now := map[string][]string{}
	for _, i := range order {
		for _, a := range txns[i].Actions {
			if a.Write {
				now[a.Key] = append(slices.Clone(now[a.Key]), a.Value)
				before[[2]string{a.Key, a.Value}] = now[a.Key]
			}
		}
	}
	for i := range all {
		all[i].Actions = slices.Clone(all[i].Actions)
		for j := range all[i].Actions {
			if a := &all[i].Actions[j]; !a.Write {
				a.List, a.Value = before[[2]string{a.Key, a.Value}], ""
			}
		}
	}
	return all
}

// TestStarts: of random orders of small random histories those have instants of
// which the definition says so, all tried; and those are such.
func TestStarts(t *testing.T) {
	rounds := 10_000
	if testing.Short() {
		rounds = 1000
	}
	for _, m := range txn.Models {
		count := [2]int{}
		for seed := range rounds {
			rng := rand.New(rand.NewPCG(uint64(seed), 3))
			txns := random(rng)
			var order []int32
			for _, i := range rng.Perm(len(txns)) {
				if txns[i].State != txn.Aborted {
					order = append(order, int32(i))
				}
			}
			if rng.IntN(2) == 0 {
				slices.Sort(order) // more of them are right
			}
			if m == txn.ListAppend {
				txns = lists(txns, order)
			}
			want := true
			for place := range order {
				some := false
				for begin := range place + 1 {
					some = some || snapshot(txns, m, order, place, begin)
				}
				want = want && some
			}
			starts, err := Starts(txns, m, order)
			if (err == nil) != want {
				t.Fatalf("%s, seed %d: %v: %v, want %v\n%s", m, seed, order, err, want, show(txns))
			}
			for place, begin := range starts {
				if !snapshot(txns, m, order, place, int(begin)) {
					t.Fatalf("%s, seed %d: %v: %d cannot begin after %d\n%s", m, seed, order, order[place], begin,
						show(txns))
				}
			}
			count[map[bool]int{true: 1}[want]]++
		}
		if t.Log(m, count); min(count[0], count[1]) < rounds/20 {
			t.Errorf("%s: %v: the histories do not tell", m, count)
		}
	}
}

func ExampleStarts() {
	txns := parse("x: y+1 / y: x+1 / x:1 y:1")
	r := txn.Check(txns, txn.RWRegister, txn.Snapshot, 0)
	starts, err := Starts(txns, txn.RWRegister, r.Order)
	fmt.Println(r.Verdict, r.Order, starts, err)
	// Output: ok [0 1 2] [0 0 2] <nil>
}
