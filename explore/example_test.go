package explore_test

import (
	"context"
	"fmt"

	"althing/explore"
)

// Jugs hold 3 and 5 liters. They are filled, emptied, and poured into each other.
type Jugs struct{}

// Initial starts with two empty jugs.
func (Jugs) Initial(s *explore.Steps) { s.Add(0, []byte{0, 0}) }

// Next adds what can be done with them.
func (Jugs) Next(state []byte, s *explore.Steps) {
	size := [2]byte{3, 5}
	for i := range 2 {
		full, empty, poured := [2]byte(state), [2]byte(state), [2]byte(state)
		full[i], empty[i] = size[i], 0
		n := min(state[i], size[1-i]-state[1-i])
		poured[i], poured[1-i] = poured[i]-n, poured[1-i]+n
		for kind, next := range [][2]byte{full, empty, poured} {
			s.Add(explore.NewAction(uint8(kind), uint64(i)), next[:])
		}
	}
}

// Properties ask for 4 liters.
func (Jugs) Properties() []explore.Property {
	return []explore.Property{{Name: "4 liters", Mode: explore.Sometimes,
		Holds: func(state []byte) bool { return state[1] == 4 }}}
}

// Kinds names the actions.
func (Jugs) Kinds() []string { return []string{"fill", "empty", "pour out"} }

// Describe names the jug, too.
func (j Jugs) Describe(_ []byte, a explore.Action) string {
	return fmt.Sprintf("%s the jug of %d", j.Kinds()[a.Kind()], 3+2*a.Arg())
}

// Show tells what is in them.
func (Jugs) Show(state []byte) string { return fmt.Sprintf("%d of 3, %d of 5", state[0], state[1]) }

// Fork needs no copy: there is nothing to share.
func (j Jugs) Fork() explore.Model { return j }

func ExampleRun() {
	r, err := explore.Run(context.Background(), Jugs{}, explore.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println(&r)
	for _, step := range r.Found("4 liters").Trace[1:] {
		fmt.Println(Jugs{}.Show(step.State) + " " + step.Text)
	}
	// Output:
	// 97 generated, 16 distinct, depth 8
	// 0 of 3, 5 of 5 fill the jug of 5
	// 3 of 3, 2 of 5 pour out the jug of 5
	// 0 of 3, 2 of 5 empty the jug of 3
	// 2 of 3, 0 of 5 pour out the jug of 5
	// 2 of 3, 5 of 5 fill the jug of 5
	// 3 of 3, 4 of 5 pour out the jug of 5
}
