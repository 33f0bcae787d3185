package itc

import (
	"errors"
	"fmt"

	"althing/clock"
)

// What a caller may want to tell apart, beside [clock.ErrOverflow] and
// [clock.ErrMalformed].
var (
	// ErrAnonymous: a stamp that owns nothing cannot have events.
	ErrAnonymous = errors.New("itc: event on an anonymous stamp")
	// ErrOverlap: both stamps own the same part of the interval, so one of them
	// was used after a fork, a join or a restore had given its part to another.
	ErrOverlap = errors.New("itc: ids overlap")
	// ErrDepth: the interval has been halved MaxDepth times. A join with one who
	// retires makes room.
	ErrDepth = errors.New("itc: id too deep")
)

// A Stamp says what a process owns of the interval and what it knows. The zero
// Stamp owns and knows nothing. Stamps must not be compared by ==, which sees
// whether they share memory: equal stamps have equal bytes.
type Stamp struct {
	id    *id
	event event
}

// Seed returns the stamp (1,0) of the first process of a system.
func Seed() Stamp { return Stamp{id: whole} }

// Anonymous reports whether s owns nothing, as what Peek returns does not.
func (s Stamp) Anonymous() bool { return s.id == nil }

// Fork returns the stamps of a process and a new one: each knows what s knows,
// and owns a part of what s owns. It fails with ErrDepth. (§3; §5, Fork.)
func (s Stamp) Fork() (Stamp, Stamp, error) {
	a, b, ok := s.id.split(0)
	if !ok {
		return s, Stamp{}, fmt.Errorf("fork: %w", ErrDepth)
	}
	return Stamp{a, s.event}, Stamp{b, s.event}, nil
}

// Peek returns a stamp that knows what s knows and owns nothing: what a message
// carries, and what a version is stored with. (§3.)
func (s Stamp) Peek() Stamp { return Stamp{event: s.event} }

// Join returns the stamp that owns and knows what s and t own and know: of a
// process that received t or saw its process retire. It fails with ErrOverlap.
// (§3; §5, Join.)
func (s Stamp) Join(t Stamp) (Stamp, error) {
	i, ok := s.id.sum(t.id)
	if !ok {
		return s, fmt.Errorf("join: %w", ErrOverlap)
	}
	return Stamp{i, s.event.join(t.event)}, nil
}

// Event returns the stamp after an event: it knows more than s, and than any
// stamp that has not heard of it. It fails with ErrAnonymous, or, if the counts
// have no room left, with [clock.ErrOverflow]. (§3; §5, Event.)
func (s Stamp) Event() (Stamp, error) {
	if s.id == nil {
		return s, ErrAnonymous
	}
	if e := s.event.fill(s.id); e != s.event {
		return Stamp{s.id, e}, nil
	}
	e, cost := s.event.grow(s.id)
	if cost >= costNever {
		return s, fmt.Errorf("event: %w", clock.ErrOverflow)
	}
	return Stamp{s.id, e}, nil
}

// Leq reports whether t knows all that s knows. (§3; §5, Comparison.)
func (s Stamp) Leq(t Stamp) bool { return s.event.leq(t.event) }

// Compare tells how what s knows stands to what t knows, whatever they own.
func (s Stamp) Compare(t Stamp) clock.Order { return clock.OrderOf(!t.Leq(s), !s.Leq(t)) }
