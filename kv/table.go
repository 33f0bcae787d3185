package kv

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// value reads one record; nil if there is none.
func value(r pebble.Reader, key []byte) ([]byte, error) {
	v, c, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return bytes.Clone(v), c.Close()
}

// each calls f with every record of a table, in order. They are valid only
// during the call.
func each(r pebble.Reader, lower, upper []byte, f func(k, v []byte) error) (err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if err := f(it.Key(), v); err != nil {
			return err
		}
	}
	return it.Error()
}

func eachOf(r pebble.Reader, table byte, f func(k, v []byte) error) error {
	return each(r, []byte{table}, []byte{table + 1}, f)
}
