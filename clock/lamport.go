package clock

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// A Lamport is both the clock of a process and the stamp of its latest event.
// If e happened before f then e's stamp is less than f's. Nothing follows from
// the reverse: for that, use a [Vector]. (Lamport, Time, Clocks, and the
// Ordering of Events in a Distributed System, 1978.)
type Lamport struct {
	Time    uint64 // of the latest event; 0 before the first
	Process uint64 // whose clock this is; no two processes share one
}

// Tick returns the stamp of the next event of the process. It fails with
// ErrOverflow at the end of time, and then returns the clock as it was.
// (IR1.)
func (l Lamport) Tick() (Lamport, error) { return l.Witness(0) }

// Witness returns the stamp of the receipt of a message of that time: later
// than both. It fails with ErrOverflow as Tick does; a peer that lies can bring
// that about with one message, so judge the times of peers that are not
// trusted first. (IR2.)
func (l Lamport) Witness(time uint64) (Lamport, error) {
	t := max(l.Time, time)
	if t == math.MaxUint64 {
		return l, l.overflow()
	}
	return Lamport{Time: t + 1, Process: l.Process}, nil
}

// overflow stands apart so that a tick is small enough to be inlined.
func (l Lamport) overflow() error {
	return fmt.Errorf("tick process %d: %w", l.Process, ErrOverflow)
}

// Compare orders stamps by time, then by process: the total order ⇒, which
// agrees with happened-before and is the same everywhere.
func (l Lamport) Compare(m Lamport) int {
	return cmp.Or(cmp.Compare(l.Time, m.Time), cmp.Compare(l.Process, m.Process))
}

// AppendBinary appends time and process as varints. It never fails.
func (l Lamport) AppendBinary(b []byte) ([]byte, error) {
	return binary.AppendUvarint(binary.AppendUvarint(b, l.Time), l.Process), nil
}

// MarshalBinary is AppendBinary to nil.
func (l Lamport) MarshalBinary() ([]byte, error) { return l.AppendBinary(nil) }

// UnmarshalBinary reads what AppendBinary wrote, or fails with ErrMalformed.
func (l *Lamport) UnmarshalBinary(b []byte) error {
	r := reader{b: b}
	m := Lamport{Time: r.uint(), Process: r.uint()}
	if err := r.done("lamport"); err != nil {
		return err
	}
	*l = m
	return nil
}

// String returns "time@process".
func (l Lamport) String() string {
	b, _ := l.AppendText(nil)
	return string(b)
}

// AppendText appends what String returns. It never fails.
func (l Lamport) AppendText(b []byte) ([]byte, error) {
	return strconv.AppendUint(append(strconv.AppendUint(b, l.Time, 10), '@'), l.Process, 10), nil
}

// MarshalText is AppendText to nil.
func (l Lamport) MarshalText() ([]byte, error) { return l.AppendText(nil) }

// UnmarshalText reads what AppendText wrote, or fails with ErrMalformed.
func (l *Lamport) UnmarshalText(text []byte) error {
	m, err := parsePair(text, "@", "lamport")
	if err == nil {
		*l = Lamport{Time: m[0], Process: m[1]}
	}
	return err
}

// parsePair reads two decimal numbers in their shortest form with sep between.
func parsePair(text []byte, sep, what string) (pair [2]uint64, err error) {
	x, y, _ := bytes.Cut(text, []byte(sep))
	for i, s := range [][]byte{x, y} {
		if pair[i], err = parseUint(s); err != nil {
			return pair, malformed(what)
		}
	}
	return pair, nil
}

// parseUint reads a decimal number in its shortest form.
func parseUint(text []byte) (uint64, error) {
	if len(text) > 1 && text[0] == '0' {
		return 0, ErrMalformed
	}
	return strconv.ParseUint(string(text), 10, 64)
}
