package agenda

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestOrder compares with sorting.
func TestOrder(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 1))
	var h Agenda
	var want []Event
	for range 2000 {
		if len(want) > 0 && d.IntN(3) == 0 {
			slices.SortStableFunc(want, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
			if got := h.Pop(); got.At != want[0].At || got.Arg != want[0].Arg {
				t.Fatalf("popped %v, want %v", got, want[0])
			}
			want = want[1:]
			continue
		}
		e := Event{At: time.Duration(d.IntN(50)), Arg: d.Uint64()}
		h.Push(e)
		want = append(want, e)
	}
}
