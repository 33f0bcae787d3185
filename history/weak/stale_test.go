package weak

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"althing/history"
)

func TestStale(t *testing.T) {
	put := func(v string, call, ret time.Duration) history.Op {
		return history.Op{Kind: history.Put, Key: "k", Arg: v, Call: call, Return: ret}
	}
	get := func(v string, call, ret time.Duration) history.Op {
		return history.Op{Kind: history.Get, Key: "k", Result: v, Call: call, Return: ret}
	}
	open := put("b", 3, 0)
	open.Open = true
	blind := get("a", 5, 6)
	blind.Blind = true
	for name, c := range map[string]struct {
		ops  []history.Op
		want int
	}{
		"the last":                       {[]history.Op{put("a", 1, 2), get("a", 3, 4)}, 0},
		"none, though one was answered":  {[]history.Op{put("a", 1, 2), get("", 3, 4)}, 1},
		"none, while one is under way":   {[]history.Op{put("a", 1, 3), get("", 3, 4)}, 0},
		"the one before":                 {[]history.Op{put("a", 1, 2), put("b", 3, 4), get("a", 5, 6)}, 1},
		"either of two at once":          {[]history.Op{put("a", 1, 4), put("b", 2, 3), get("a", 5, 6)}, 0},
		"another was never answered":     {[]history.Op{put("a", 1, 2), open, get("a", 5, 6)}, 0},
		"what was never answered":        {[]history.Op{put("a", 1, 2), open, get("b", 5, 6)}, 0},
		"no one value":                   {[]history.Op{put("a", 1, 2), put("b", 3, 4), blind}, 0},
		"what nobody wrote":              {[]history.Op{put("a", 1, 2), get("x", 5, 6)}, 0},
		"answered late, yet began early": {[]history.Op{put("a", 2, 3), put("b", 1, 4), get("a", 5, 6)}, 0},
	} {
		if got := Stale(c.ops); got != c.want {
			t.Errorf("%s: %d stale reads, want %d", name, got, c.want)
		}
	}
}

// A history with a stale read is not linearizable: of what one register, asked
// at any moment between call and return, answered, none is stale; and a read
// that is made to show a value of long ago is found.
func TestStaleIsNotLinearizable(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var ops []history.Op
		values := []string{""}
		for i := range 40 {
			at := time.Duration(10 * (i + 1)) // when it takes effect
			o := history.Op{Client: i, Key: "k",
				Call: at - time.Duration(r.IntN(40)), Return: at + time.Duration(r.IntN(40))}
			if o.Kind = history.Get; r.IntN(2) == 0 {
				o.Kind, o.Arg = history.Put, fmt.Sprint(i)
				values = append(values, o.Arg)
			} else {
				o.Result = values[len(values)-1]
			}
			ops = append(ops, o)
		}
		if n := Stale(ops); n != 0 {
			t.Fatalf("seed %d: %d stale reads of one register", seed, n)
		}
		for i := range ops {
			if ops[i].Kind == history.Get {
				ops[i].Result = values[r.IntN(len(values))]
			}
		}
		if v, _ := history.Linearizable(ops, time.Minute); Stale(ops) > 0 && v == history.OK {
			t.Fatalf("seed %d: a stale read in a history that is linearizable", seed)
		}
	}
}
