package oplog

import (
	"bytes"
	"cmp"
	"slices"

	"althing/process"
	"althing/wire"
)

// A Seen is every entry that any log held, for monitors of a simulation. It holds
// logs to one rule: entries of one index and epoch are the same, and so are those
// before them. (Log Matching: Ongaro 2014, §3.5. It is enough to compare each with
// the epoch of the one before it: the rest follows by induction.) The zero value
// has seen none.
type Seen struct{ at [][]held } // by index: one of an epoch

// held is an entry as some log held it, with the epoch of the one before.
type held struct {
	epoch, prevEpoch uint64
	req              process.Request
}

// Add adds entries that some log holds, which follow one of an epoch. It returns
// the first that differs from another log's, or nil.
func (s *Seen) Add(prevEpoch uint64, es []process.Entry) *process.Entry {
	for i := range es {
		e := &es[i]
		for uint64(len(s.at)) <= e.Index {
			s.at = append(s.at, nil)
		}
		known := false
		for j := range s.at[e.Index] {
			if k := &s.at[e.Index][j]; k.epoch == e.Epoch {
				if known = true; k.prevEpoch != prevEpoch || !same(&k.req, &e.Req) {
					return e
				}
			}
		}
		if !known {
			s.at[e.Index] = append(s.at[e.Index], held{e.Epoch, prevEpoch, e.Req})
		}
		prevEpoch = e.Epoch
	}
	return nil
}

func same(a, b *process.Request) bool {
	return a.Client == b.Client && a.Seq == b.Seq && a.Kind == b.Kind && bytes.Equal(a.Cmd, b.Cmd)
}

// Clone returns an independent copy.
func (s *Seen) Clone() Seen {
	c := Seen{slices.Clone(s.at)}
	for i := range c.at {
		c.at[i] = slices.Clip(c.at[i])
	}
	return c
}

// AppendState appends all that was seen in one canonical form.
func (s *Seen) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(len(s.at)))
	for _, es := range s.at {
		b = wire.AppendUints(b, uint64(len(es)))
		for _, e := range slices.SortedFunc(slices.Values(es), func(x, y held) int {
			return cmp.Compare(x.epoch, y.epoch)
		}) {
			b = wire.AppendUints(b, e.epoch, e.prevEpoch, uint64(e.req.Kind), e.req.Client, e.req.Seq)
			b = wire.AppendBytes(b, e.req.Cmd)
		}
	}
	return b
}
