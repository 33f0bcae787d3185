package history

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

func op(c int, k Kind, arg, result string, call, ret time.Duration) Op {
	return Op{Client: c, Kind: k, Key: "x", Arg: arg, Result: result, Call: call, Return: ret}
}

func open(o Op) Op { o.Open = true; return o }

func cas(old string, o Op) Op { o.Old = old; return o }

func TestLinearizable(t *testing.T) {
	for name, c := range map[string]struct {
		want Verdict
		ops  []Op
	}{
		"nothing":                  {OK, nil},
		"read after write":         {OK, []Op{op(0, Put, "a", "", 0, 1), op(1, Get, "", "a", 2, 3)}},
		"stale read":               {Illegal, []Op{op(0, Put, "a", "", 0, 1), op(1, Get, "", "", 2, 3)}},
		"concurrent read may miss": {OK, []Op{op(0, Put, "a", "", 0, 5), op(1, Get, "", "", 2, 3)}},
		"new then old": {Illegal, []Op{
			op(0, Put, "a", "", 0, 9),
			op(1, Get, "", "a", 2, 3),
			op(1, Get, "", "", 4, 5),
		}},
		"append twice": {Illegal, []Op{op(0, Append, "a", "a", 0, 1), op(1, Get, "", "aa", 2, 3)}},
		"append":       {OK, []Op{op(0, Append, "a", "a", 0, 1), op(1, Append, "b", "ab", 2, 3)}},
		"two win": {Illegal, []Op{
			cas("", op(0, CAS, "a", "1", 0, 5)),
			cas("", op(1, CAS, "b", "1", 0, 5)),
		}},
		"one wins": {OK, []Op{
			cas("", op(0, CAS, "a", "1", 0, 5)),
			cas("", op(1, CAS, "b", "0", 0, 5)),
		}},
		"open write seen late": {OK, []Op{
			open(op(0, Put, "a", "", 0, 0)),
			op(1, Get, "", "", 5, 6),
			op(1, Get, "", "a", 7, 8),
		}},
		"open write never seen":      {OK, []Op{open(op(0, Put, "a", "", 0, 0)), op(1, Get, "", "", 5, 6)}},
		"open write before it began": {Illegal, []Op{open(op(0, Put, "a", "", 7, 0)), op(1, Get, "", "a", 5, 6)}},
		"open write takes effect once": {Illegal, []Op{
			open(op(0, Append, "a", "", 0, 0)),
			op(1, Get, "", "aa", 5, 6),
		}},
		"lost write": {Illegal, []Op{
			op(0, Put, "a", "", 0, 1),
			op(0, Put, "b", "", 2, 3),
			op(1, Get, "", "a", 4, 5),
		}},
		"read from nowhere": {Illegal, []Op{op(1, Get, "", "z", 4, 5)}},
	} {
		if v, _ := Linearizable(c.ops, 0); v != c.want {
			t.Errorf("%s: %v, want %v", name, v, c.want)
		}
	}
}

func TestTheKeyThatFailsIsNamed(t *testing.T) {
	good, bad := op(0, Put, "a", "", 0, 1), op(0, Get, "", "q", 0, 1)
	good.Key, bad.Key = "good", "bad"
	if v, k := Linearizable([]Op{good, bad}, 0); v != Illegal || k != "bad" {
		t.Errorf("%v %q", v, k)
	}
}

// TestAgainstEveryOrder compares with the definition: all permutations that
// respect real time, tried one by one.
func TestAgainstEveryOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	seen := map[Verdict]int{}
	for range 3000 {
		var ops []Op
		for c := range 5 {
			call := time.Duration(rng.IntN(10))
			o := op(c, Kind(1+rng.IntN(4)), strconv.Itoa(rng.IntN(2)), "", call, call+time.Duration(rng.IntN(6)))
			o.Old = []string{"", "0", "1"}[rng.IntN(3)]
			o.Result = []string{"", "0", "1", "01", "10"}[rng.IntN(5)]
			if o.Kind == Put {
				o.Result = ""
			}
			o.Open = rng.IntN(5) == 0
			ops = append(ops, o)
		}
		want := Illegal
		if everyOrder(ops, "") {
			want = OK
		}
		seen[want]++
		if got, _ := Linearizable(ops, 0); got != want {
			t.Fatalf("%v, want %v: %+v", got, want, ops)
		}
	}
	if seen[OK] < 100 || seen[Illegal] < 100 {
		t.Fatalf("the histories do not tell: %v", seen)
	}
}

func everyOrder(ops []Op, value string) bool {
	if !slices.ContainsFunc(ops, func(o Op) bool { return !o.Open }) {
		return true
	}
	for i := range ops {
		first := func(o Op) bool { return !o.Open && o.Return < ops[i].Call }
		if slices.ContainsFunc(ops, first) {
			continue
		}
		next, result := ops[i].apply(value)
		if !ops[i].Open && result != ops[i].Result {
			continue
		}
		if everyOrder(slices.Delete(slices.Clone(ops), i, i+1), next) {
			return true
		}
	}
	return false
}
