package clock

import (
	"cmp"
	"encoding/binary"
	"strconv"
)

// A Dot names one event: the Seq-th of an actor, counted from 1. An actor is
// whoever counts by itself: a replica, or one life of it if it may forget what
// it has counted. (Almeida et al., Scalable and Accurate Causality Tracking for
// Eventually Consistent Stores, 2014, §3.)
type Dot struct{ Actor, Seq uint64 }

// Compare orders dots by actor, then by number: an order to store them in, not
// that of their events.
func (d Dot) Compare(e Dot) int {
	return cmp.Or(cmp.Compare(d.Actor, e.Actor), cmp.Compare(d.Seq, e.Seq))
}

// AppendBinary appends actor and number as varints. It never fails.
func (d Dot) AppendBinary(b []byte) ([]byte, error) {
	return binary.AppendUvarint(binary.AppendUvarint(b, d.Actor), d.Seq), nil
}

// MarshalBinary is AppendBinary to nil.
func (d Dot) MarshalBinary() ([]byte, error) { return d.AppendBinary(nil) }

// UnmarshalBinary reads what AppendBinary wrote of a dot that names an event,
// or fails with ErrMalformed: the 0th event of an actor is none.
func (d *Dot) UnmarshalBinary(b []byte) error {
	r := reader{b: b}
	e := Dot{Actor: r.uint(), Seq: r.positive()}
	if err := r.done("dot"); err != nil {
		return err
	}
	*d = e
	return nil
}

// String returns "actor:seq".
func (d Dot) String() string {
	b, _ := d.AppendText(nil)
	return string(b)
}

// AppendText appends what String returns. It never fails.
func (d Dot) AppendText(b []byte) ([]byte, error) {
	return strconv.AppendUint(append(strconv.AppendUint(b, d.Actor, 10), ':'), d.Seq, 10), nil
}

// MarshalText is AppendText to nil.
func (d Dot) MarshalText() ([]byte, error) { return d.AppendText(nil) }

// UnmarshalText reads what AppendText wrote of a dot that names an event, or
// fails with ErrMalformed.
func (d *Dot) UnmarshalText(text []byte) error {
	pair, err := parsePair(text, ":", "dot")
	if err == nil && pair[1] == 0 {
		err = malformed("dot")
	}
	if err == nil {
		*d = Dot{Actor: pair[0], Seq: pair[1]}
	}
	return err
}
