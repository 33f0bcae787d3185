package crdt

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"althing/clock"
)

// A span is the dots first to last of an actor.
type span struct{ actor, first, last uint64 }

func (s span) has(d clock.Dot) bool {
	return s.actor == d.Actor && s.first <= d.Seq && d.Seq <= s.last
}

// A Context is a set of dots: the events that a state has seen, whether or not
// anything of them is left in it. The version vector and the dot cloud of the
// paper are one list here, of the longest spans of consecutive dots: what
// begins at 1 is the vector, the rest is the cloud. A context that misses
// nothing has one span for each actor, however many events there were.
// (Almeida, Shoker, Baquero 2018: causal context.) The zero Context is empty.
type Context struct {
	spans []span // by actor, then first; no two overlap or touch
}

// contextOf returns the context of these dots, which it sorts: so each is added
// at the end.
func contextOf(dots []clock.Dot) (c Context) {
	slices.SortFunc(dots, clock.Dot.Compare)
	for _, d := range dots {
		c.Add(d)
	}
	return c
}

// upTo returns how many spans begin at d or before.
func (c *Context) upTo(d clock.Dot) int {
	low, high := 0, len(c.spans)
	for low < high {
		mid := int(uint(low+high) >> 1)
		if s := &c.spans[mid]; s.actor > d.Actor || s.actor == d.Actor && s.first > d.Seq {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// Has reports whether d has been seen.
func (c *Context) Has(d clock.Dot) bool {
	i := c.upTo(d)
	return i > 0 && c.spans[i-1].has(d)
}

// Add makes d seen. The zero number is no event, and is ignored.
func (c *Context) Add(d clock.Dot) {
	i := c.upTo(d)
	if d.Seq == 0 || i > 0 && c.spans[i-1].has(d) {
		return
	}
	left := i > 0 && c.spans[i-1].actor == d.Actor && c.spans[i-1].last == d.Seq-1
	right := i < len(c.spans) && c.spans[i].actor == d.Actor && c.spans[i].first-1 == d.Seq
	switch {
	case left && right:
		c.spans[i-1].last = c.spans[i].last
		c.spans = slices.Delete(c.spans, i, i+1)
	case left:
		c.spans[i-1].last = d.Seq
	case right:
		c.spans[i].first = d.Seq
	default:
		c.spans = slices.Insert(c.spans, i, span{d.Actor, d.Seq, d.Seq})
	}
}

// Join makes seen what o has seen.
func (c *Context) Join(o *Context) {
	if c.Covers(o) {
		return
	}
	a, b := c.spans, o.spans
	all := make([]span, 0, len(a)+len(b))
	for len(a)+len(b) > 0 {
		var s span
		if len(b) == 0 || len(a) > 0 && compareSpans(a[0], b[0]) <= 0 {
			s, a = a[0], a[1:]
		} else {
			s, b = b[0], b[1:]
		}
		if n := len(all) - 1; n >= 0 && all[n].actor == s.actor && s.first-1 <= all[n].last {
			all[n].last = max(all[n].last, s.last)
		} else {
			all = append(all, s)
		}
	}
	c.spans = all
}

func compareSpans(a, b span) int {
	return cmp.Or(cmp.Compare(a.actor, b.actor), cmp.Compare(a.first, b.first))
}

// Covers reports whether c has seen all that o has.
func (c *Context) Covers(o *Context) bool {
	for _, s := range o.spans {
		i := c.upTo(clock.Dot{Actor: s.actor, Seq: s.first})
		if i == 0 || c.spans[i-1].actor != s.actor || c.spans[i-1].last < s.last {
			return false
		}
	}
	return true
}

// common returns how many dots both have seen, if o has seen few at most, and
// whether it has.
func (c *Context) common(o *Context, few uint64) (n int, ok bool) {
	left := few
	for _, s := range o.spans {
		if s.last-s.first >= left {
			return 0, false
		}
		left -= s.last - s.first + 1
		for seq := s.first; seq <= s.last; seq++ {
			if c.Has(clock.Dot{Actor: s.actor, Seq: seq}) {
				n++
			}
		}
	}
	return n, true
}

// Next returns the dot of the next event of actor: one beyond the greatest
// seen, so that the number of a lost event is not given again.
func (c *Context) Next(actor uint64) clock.Dot {
	i := c.upTo(clock.Dot{Actor: actor, Seq: 1<<64 - 1})
	if i > 0 && c.spans[i-1].actor == actor {
		return clock.Dot{Actor: actor, Seq: c.spans[i-1].last + 1}
	}
	return clock.Dot{Actor: actor, Seq: 1}
}

// Vector returns, by actor, the last dot up to which none is missing: the
// version vector. What lies beyond a gap is not in it; see Cloud.
func (c *Context) Vector() []clock.Dot {
	var v []clock.Dot
	for _, s := range c.spans {
		if s.first == 1 {
			v = append(v, clock.Dot{Actor: s.actor, Seq: s.last})
		}
	}
	return v
}

// Cloud returns how many spans lie beyond a gap. It is 0 again as soon as all
// deltas have arrived.
func (c *Context) Cloud() int { return len(c.spans) - len(c.Vector()) }

// Len returns how many spans the context takes.
func (c *Context) Len() int { return len(c.spans) }

// Clone returns a copy that shares nothing with c.
func (c *Context) Clone() Context { return Context{slices.Clone(c.spans)} }

// Equal reports whether both have seen the same.
func (c *Context) Equal(o *Context) bool { return slices.Equal(c.spans, o.spans) }

// String returns the spans as actor:last if nothing is missing before, and
// else as actor:first-last: "1:7 2:3 2:5-6".
func (c Context) String() string {
	words := make([]string, len(c.spans))
	for i, s := range c.spans {
		words[i] = strconv.FormatUint(s.actor, 10) + ":"
		if s.first > 1 {
			words[i] += strconv.FormatUint(s.first, 10) + "-"
		}
		words[i] += strconv.FormatUint(s.last, 10)
	}
	return strings.Join(words, " ")
}

// AppendBinary appends the canonical bytes of c: how many spans, and of each
// its actor, its first number and how many more there are. It never fails.
func (c *Context) AppendBinary(b []byte) ([]byte, error) {
	return c.append(b), nil
}

// MarshalBinary returns the canonical bytes of c. It never fails.
func (c *Context) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// UnmarshalBinary replaces c by what AppendBinary wrote. It returns ErrBytes
// for any other bytes, and leaves c as it was.
func (c *Context) UnmarshalBinary(b []byte) error {
	r := reader{s: string(b)}
	read := r.context()
	if err := r.done("context"); err != nil {
		return err
	}
	*c = read
	return nil
}

// MarshalText returns what String does, for a client to keep. It never fails.
func (c Context) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText replaces c by what String wrote. It returns ErrBytes for any
// other text, and leaves c as it was.
func (c *Context) UnmarshalText(text []byte) error {
	var read Context
	for word := range strings.FieldsSeq(string(text)) {
		actor, dots, _ := strings.Cut(word, ":")
		first, last, from := strings.Cut(dots, "-")
		if !from {
			first, last = "1", dots
		}
		var s span
		for _, n := range []struct {
			to   *uint64
			text string
		}{{&s.actor, actor}, {&s.first, first}, {&s.last, last}} {
			*n.to, _ = strconv.ParseUint(n.text, 10, 64)
		}
		read.spans = append(read.spans, s)
	}
	r := reader{s: string(read.append(nil))} // which says whether these are spans in order
	again := r.context()
	if r.done("") != nil || again.String() != string(text) {
		return fmt.Errorf("parse context: %w", ErrBytes)
	}
	*c = again
	return nil
}
