package clock

import "errors"

// An Order is how one stamp stands to another: by the causal order of their
// events, as far as the clock knows it.
type Order uint8

// The four ways in which two stamps can stand to each other.
const (
	Equal      Order = iota // the same events are behind both
	Before                  // the first happened before the second
	After                   // the second happened before the first
	Concurrent              // neither knew of the other
)

// String returns the order in a word.
func (o Order) String() string {
	names := [...]string{Equal: "equal", Before: "before", After: "after", Concurrent: "concurrent"}
	if int(o) >= len(names) {
		return "invalid order"
	}
	return names[o]
}

// OrderOf returns the Order of two stamps from two questions: whether the first
// lacks something that the second has, and whether it has something that the
// second lacks.
func OrderOf(lacks, has bool) Order {
	switch {
	case lacks && has:
		return Concurrent
	case lacks:
		return Before
	case has:
		return After
	}
	return Equal
}

// What a caller may want to tell apart. Each error that wraps one of these left
// the clock as it was.
var (
	// ErrOverflow: the next number has no room in 64 bits. No clock here wraps.
	ErrOverflow = errors.New("clock: counter overflow")
	// ErrMalformed: the bytes or the text are not what a clock of this kind
	// writes. Each value has one binary and one text form; no other is read.
	ErrMalformed = errors.New("clock: malformed encoding")
)
