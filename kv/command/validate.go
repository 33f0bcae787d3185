package command

import (
	"bytes"
	"slices"
)

// Validate tells whether c makes sense by itself, whatever the store holds.
// Apply refuses what it refuses; servers call it first, with their bound of
// operations: maxOps of 0 is none.
func Validate(c Command, maxOps int) error {
	switch c := c.(type) {
	case *LeaseGrant:
		if c.ID == 0 {
			return ErrLeaseNotFound
		}
		if c.TTL < 1 || c.TTL > MaxTTL {
			return ErrLeaseTTL
		}
	case *SetAlarm:
		if c.Kind != NoSpace && c.Kind != Corrupt {
			return ErrCommand
		}
	case *Txn:
		if maxOps > 0 {
			if err := c.countOps(maxOps); err != nil {
				return err
			}
		}
		if err := c.check(); err != nil {
			return err
		}
		var w written
		return c.collect(&w)
	case Op:
		return checkOp(c)
	}
	return nil
}

func checkOp(o Op) error {
	switch o := o.(type) {
	case *Put:
		return o.Check()
	case *DeleteRange:
		if len(o.Key) == 0 {
			return ErrEmptyKey
		}
	case *Range:
		return o.Check()
	case *Txn:
		return o.check()
	}
	return nil
}

// Check tells whether c makes sense by itself.
func (c *Put) Check() error {
	switch {
	case len(c.Key) == 0:
		return ErrEmptyKey
	case c.IgnoreValue && len(c.Value) > 0:
		return ErrValueProvided
	case c.IgnoreLease && c.Lease != 0:
		return ErrLeaseProvided
	}
	return nil
}

// Check tells whether c makes sense by itself.
func (c *Range) Check() error {
	switch {
	case len(c.Key) == 0:
		return ErrEmptyKey
	case c.Target > SortValue || c.Order > SortDescend:
		return ErrInvalidSort
	}
	return nil
}

func (t *Txn) check() error {
	for i := range t.Compare {
		c := &t.Compare[i]
		if len(c.Key) == 0 {
			return ErrEmptyKey
		}
		if c.Target > CompareLease || c.Result > NotEqual {
			return ErrInvalidCompare
		}
	}
	for _, ops := range [...][]Op{t.Then, t.Else} {
		for _, o := range ops {
			if err := checkOp(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// countOps bounds the longest list of a transaction, and what that leaves is
// the bound of those within it.
func (t *Txn) countOps(most int) error {
	most -= max(len(t.Compare), len(t.Then), len(t.Else))
	if most < 0 {
		return ErrTooManyOps
	}
	for _, ops := range [...][]Op{t.Then, t.Else} {
		for _, o := range ops {
			if in, ok := o.(*Txn); ok {
				if err := in.countOps(most); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// written is what one way through a transaction puts and deletes. A put may
// meet neither a second put nor a delete: their order would decide, and
// clients are not to think about that.
type written struct {
	puts    [][]byte
	deletes []Span
}

// collect adds what t writes to w. Of the two branches only one is ever done,
// so they may repeat each other, but not what surrounds them.
func (t *Txn) collect(w *written) error {
	var then, els written
	if err := collectOps(t.Then, &then); err != nil {
		return err
	}
	if err := collectOps(t.Else, &els); err != nil {
		return err
	}
	if err := w.meets(&then); err != nil {
		return err
	}
	if err := w.meets(&els); err != nil {
		return err
	}
	w.add(&then)
	w.add(&els)
	return nil
}

func collectOps(ops []Op, w *written) error {
	for _, o := range ops {
		switch o := o.(type) {
		case *Put:
			w.puts = append(w.puts, o.Key)
		case *DeleteRange:
			w.deletes = append(w.deletes, SpanOf(o.Key, o.End))
		}
	}
	w.sort()
	for i := 1; i < len(w.puts); i++ {
		if bytes.Equal(w.puts[i-1], w.puts[i]) {
			return ErrDuplicateKey
		}
	}
	if err := w.crosses(w.deletes); err != nil {
		return err
	}
	for _, o := range ops {
		if in, ok := o.(*Txn); ok {
			if err := in.collect(w); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *written) sort() { slices.SortFunc(w.puts, bytes.Compare) }

func (w *written) add(v *written) {
	w.puts = append(w.puts, v.puts...)
	w.deletes = append(w.deletes, v.deletes...)
	w.sort()
}

// meets returns ErrDuplicateKey if a put of one is a put or delete of the other.
func (w *written) meets(v *written) error {
	for _, k := range v.puts {
		if _, found := slices.BinarySearchFunc(w.puts, k, bytes.Compare); found {
			return ErrDuplicateKey
		}
	}
	if err := w.crosses(v.deletes); err != nil {
		return err
	}
	return v.crosses(w.deletes)
}

// crosses returns ErrDuplicateKey if a put of w is within one of the deletes.
func (w *written) crosses(deletes []Span) error {
	for _, d := range deletes {
		i, _ := slices.BinarySearchFunc(w.puts, d.First, bytes.Compare)
		if i < len(w.puts) && d.has(w.puts[i]) {
			return ErrDuplicateKey
		}
	}
	return nil
}

// A span is the keys from first up to, but without, end; without open it has
// an end.
type Span struct {
	First, End []byte
	Open       bool
}

// SpanOf reads the two fields that all requests name keys by.
func SpanOf(key, end []byte) Span {
	switch {
	case len(end) == 0:
		return Span{First: key, End: append(slices.Clip(key), 0)}
	case len(end) == 1 && end[0] == 0:
		return Span{First: key, Open: true}
	}
	return Span{First: key, End: end}
}

// has reports whether k, at or after first, is in s.
func (s *Span) has(k []byte) bool { return s.Open || bytes.Compare(k, s.End) < 0 }

// ReadOnly reports whether t changes nothing, whichever way it goes.
func (t *Txn) ReadOnly() bool {
	for _, ops := range [...][]Op{t.Then, t.Else} {
		for _, o := range ops {
			switch o := o.(type) {
			case *Range:
			case *Txn:
				if !o.ReadOnly() {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}

// Puts reports whether t may put a key.
func (t *Txn) Puts() bool {
	for _, ops := range [...][]Op{t.Then, t.Else} {
		for _, o := range ops {
			switch o := o.(type) {
			case *Put:
				return true
			case *Txn:
				if o.Puts() {
					return true
				}
			}
		}
	}
	return false
}
