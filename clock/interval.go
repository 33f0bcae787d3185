package clock

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// An Interval is what is known of the present: it is not before Earliest and
// not after Latest, both in nanoseconds since 1970. (Corbett et al., Spanner:
// Google's Globally-Distributed Database, 2012, §3.)
type Interval struct{ Earliest, Latest int64 }

// After reports whether t has surely passed.
func (i Interval) After(t int64) bool { return i.Earliest > t }

// Before reports whether t has surely not arrived.
func (i Interval) Before(t int64) bool { return i.Latest < t }

// AppendBinary appends Earliest as a signed varint and the width as an unsigned
// one. It never fails. Latest must not be before Earliest.
func (i Interval) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendVarint(b, i.Earliest)
	return binary.AppendUvarint(b, uint64(i.Latest)-uint64(i.Earliest)), nil
}

// MarshalBinary is AppendBinary to nil.
func (i Interval) MarshalBinary() ([]byte, error) { return i.AppendBinary(nil) }

// UnmarshalBinary reads what AppendBinary wrote, or fails with ErrMalformed.
func (i *Interval) UnmarshalBinary(b []byte) error {
	r := reader{b: b}
	u := r.uint()
	earliest := int64(u>>1) ^ -int64(u&1)
	width := r.uint()
	r.require(width <= uint64(math.MaxInt64)-uint64(earliest))
	if err := r.done("interval"); err != nil {
		return err
	}
	*i = Interval{Earliest: earliest, Latest: int64(uint64(earliest) + width)}
	return nil
}

// String returns "[earliest,latest]".
func (i Interval) String() string {
	b, _ := i.AppendText(nil)
	return string(b)
}

// AppendText appends what String returns. It never fails.
func (i Interval) AppendText(b []byte) ([]byte, error) {
	b = strconv.AppendInt(append(b, '['), i.Earliest, 10)
	b = strconv.AppendInt(append(b, ','), i.Latest, 10)
	return append(b, ']'), nil
}

// MarshalText is AppendText to nil.
func (i Interval) MarshalText() ([]byte, error) { return i.AppendText(nil) }

// UnmarshalText reads what AppendText wrote, or fails with ErrMalformed.
func (i *Interval) UnmarshalText(text []byte) error {
	first, last, _ := strings.Cut(strings.Trim(string(text), "[]"), ",")
	earliest, err1 := strconv.ParseInt(first, 10, 64)
	latest, err2 := strconv.ParseInt(last, 10, 64)
	j := Interval{Earliest: earliest, Latest: latest}
	if err1 != nil || err2 != nil || earliest > latest {
		return malformed("interval")
	}
	if err := canonical(j, text, "interval"); err != nil {
		return err
	}
	*i = j
	return nil
}

// ErrUncertain: the source of an [IntervalClock] does not know how wrong it is.
var ErrUncertain = errors.New("clock: uncertainty unknown")

// An IntervalClock gives intervals that hold true time, and from them stamps
// that agree with it across processes without a message between them: if one
// transaction was released before another started, anywhere, its stamp is less.
//
// For each transaction: Commit gives its stamp; its effects are withheld while
// Wait says so, and released then. (Spanner, §4.1.2, the rules Start and Commit
// Wait.) A lease that ends at t needs no more: its holder uses it while
// Now().Before(t), and another may have it from when Now().After(t).
//
// All of it rests on the source: if true time is ever outside the interval,
// stamps can contradict it, and nothing here can notice. An IntervalClock is
// not for several goroutines at once.
type IntervalClock struct {
	source func() (time.Time, time.Duration)
	last   int64 // the latest stamp given
}

// NewIntervalClock returns a clock on a source that tells the time and how
// wrong that may be, either way; a negative uncertainty says that it does not
// know. No stamp will be at or below last: the greatest that an earlier life of
// this process may have given, or 0.
func NewIntervalClock(source func() (time.Time, time.Duration), last int64) *IntervalClock {
	return &IntervalClock{source: source, last: last}
}

// What an int64 of nanoseconds since 1970 can say: the years 1678 to 2261.
var (
	firstTime = time.Unix(0, math.MinInt64)
	lastTime  = time.Unix(0, math.MaxInt64)
)

// Now returns an interval that holds the present. It fails with ErrUncertain,
// or with ErrOverflow outside the years 1678 to 2261.
func (c *IntervalClock) Now() (Interval, error) {
	t, e := c.source()
	if e < 0 {
		return Interval{}, fmt.Errorf("read the time: %w", ErrUncertain)
	}
	// A time.Time holds more years than its differences, so the ends are
	// compared as times.
	from, to := t.Add(-e), t.Add(e)
	if from.Before(firstTime) || to.After(lastTime) {
		return Interval{}, fmt.Errorf("read the time %v ± %v: %w", t, e, ErrOverflow)
	}
	return Interval{Earliest: from.UnixNano(), Latest: to.UnixNano()}, nil
}

// Commit returns the stamp of a transaction, in nanoseconds since 1970: not
// before the present, and later than all that this clock gave before. It must
// be called after all locks are held. It fails as Now does.
func (c *IntervalClock) Commit() (int64, error) {
	now, err := c.Now()
	if err != nil {
		return 0, err
	}
	if c.last == math.MaxInt64 {
		return 0, fmt.Errorf("commit after %d: %w", c.last, ErrOverflow)
	}
	c.last = max(now.Latest, c.last+1)
	return c.last, nil
}

// Wait returns how long it takes until the stamp s has surely passed, if the
// uncertainty stays as it is: 0 if it has, and the transaction may be released.
// Ask again after that time. It fails as Now does.
func (c *IntervalClock) Wait(s int64) (time.Duration, error) {
	now, err := c.Now()
	if err != nil || now.After(s) {
		return 0, err
	}
	// Not less than 1, and at most 2^64-1 as a difference of two int64.
	d := uint64(s) - uint64(now.Earliest)
	return time.Duration(min(d, math.MaxInt64-1)) + 1, nil
}
