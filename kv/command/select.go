package command

import (
	"bytes"
	"cmp"
	"math"
	"slices"
)

// Streams reports whether the reply is the first keys of the range, as they
// come: no other order, nothing left out between.
func (r *Range) Streams() bool {
	return r.CountOnly || r.Target == SortKey && r.Order != SortDescend && !r.filters()
}

func (r *Range) filters() bool {
	return r.MinMod != 0 || r.MaxMod != 0 || r.MinCreate != 0 || r.MaxCreate != 0
}

// Most returns the limit as a number: a large one if there is none.
func (r *Range) Most() int64 {
	if r.Limit <= 0 {
		return math.MaxInt64
	}
	return r.Limit
}

// Keeps reports whether the filters let kv through.
func (r *Range) Keeps(kv *KeyValue) bool {
	within := func(v, least, most int64) bool {
		return (least == 0 || v >= least) && (most == 0 || v <= most)
	}
	return within(kv.Mod, r.MinMod, r.MaxMod) && within(kv.Create, r.MinCreate, r.MaxCreate)
}

// Sort puts kvs, ascending by key, in the order asked for. Equal ones stay
// ascending by key.
func (r *Range) Sort(kvs []KeyValue) {
	order := func(a, b KeyValue) int {
		switch r.Target {
		case SortVersion:
			return cmp.Compare(a.Version, b.Version)
		case SortCreate:
			return cmp.Compare(a.Create, b.Create)
		case SortMod:
			return cmp.Compare(a.Mod, b.Mod)
		case SortValue:
			return bytes.Compare(a.Value, b.Value)
		}
		return bytes.Compare(a.Key, b.Key)
	}
	slices.SortStableFunc(kvs, func(a, b KeyValue) int {
		if r.Order == SortDescend {
			return order(b, a)
		}
		return order(a, b)
	})
}

// Holds reports whether c holds of kv: the zero KeyValue is a key that does
// not exist.
func (c *Compare) Holds(kv *KeyValue) bool {
	var order int
	switch c.Target {
	case CompareVersion:
		order = cmp.Compare(kv.Version, c.Number)
	case CompareCreate:
		order = cmp.Compare(kv.Create, c.Number)
	case CompareMod:
		order = cmp.Compare(kv.Mod, c.Number)
	case CompareLease:
		order = cmp.Compare(kv.Lease, c.Number)
	case CompareValue:
		order = bytes.Compare(kv.Value, c.Value)
	}
	switch c.Result {
	case Equal:
		return order == 0
	case Greater:
		return order > 0
	case Less:
		return order < 0
	}
	return order != 0
}
