package ddmin

import (
	"slices"
	"testing"
)

// TestMinimize: what fails if it has 3 and 70, of which 70 needs 20, shrinks to
// these three; and tries are bounded.
func TestMinimize(t *testing.T) {
	var list []int
	for i := range 100 {
		list = append(list, i)
	}
	calls := 0
	try := func(l []int) ([]int, bool) {
		calls++
		if !slices.Contains(l, 20) {
			l = slices.DeleteFunc(slices.Clone(l), func(i int) bool { return i == 70 })
		}
		return l, slices.Contains(l, 3) && slices.Contains(l, 70)
	}
	got, left := Minimize(list, 1000, try)
	if !slices.Equal(got, []int{3, 20, 70}) || left != 1000-calls {
		t.Errorf("%v, with %d left after %d tries", got, left, calls)
	}
	calls = 0
	if got, left = Minimize(list, 5, try); calls != 5 || left != 0 || len(got) < 3 {
		t.Errorf("%v after %d tries of 5, %d left", got, calls, left)
	}
}
