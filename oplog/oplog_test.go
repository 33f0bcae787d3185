package oplog

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"althing/process"
	"althing/wire"
)

func group(n int) (g process.Group) {
	for id := process.ID(1); int(id) <= n; id++ {
		g.Voters = append(g.Voters, id)
	}
	return g
}

// A naive log keeps all entries ever, and the group before them.
type naive struct {
	first   process.Group
	base    uint64
	entries []process.Entry // [i] has index i+1
}

func (n *naive) groupAt(i uint64) (g process.Group, at uint64) {
	g, at = n.first, n.base
	for _, e := range n.entries[:i] {
		if e.Req.Kind == process.Members {
			g, _, _ = process.CutGroup(e.Req.Cmd)
			at = max(e.Index, n.base)
		}
	}
	return g, at
}

// TestAgainstNaive does what protocols do, in any order, to a log and to one
// that is made the simple way; and to clones, which go ways of their own.
func TestAgainstNaive(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		l, n := New(), &naive{first: group(3)}
		l.Reset(&process.State{Group: group(3)})
		type pair struct {
			l Log
			n naive
		}
		var kept []pair
		for range 60 {
			mutate(rng, &l, n)
			if rng.IntN(8) == 0 {
				kept = append(kept, pair{l.Clone(), naive{n.first, n.base, slices.Clone(n.entries)}})
			}
			compare(t, seed, &l, n)
		}
		for i := range kept {
			compare(t, seed, &kept[i].l, &kept[i].n) // what came later did not touch it
			mutate(rng, &kept[i].l, &kept[i].n)
			compare(t, seed, &kept[i].l, &kept[i].n)
		}
		compare(t, seed, &l, n)
	}
}

func mutate(rng *rand.Rand, l *Log, n *naive) {
	last := uint64(len(n.entries))
	within := func(lo, hi uint64) uint64 { return lo + rng.Uint64N(hi-lo+1) }
	requests := func() (qs []process.Request) {
		for range 1 + rng.IntN(4) {
			q := process.Request{Client: rng.Uint64N(3), Cmd: make([]byte, rng.IntN(9))}
			if rng.IntN(4) == 0 {
				q = process.Request{Kind: process.Members, Cmd: process.AppendGroup(nil, group(1+rng.IntN(5)))}
			}
			qs = append(qs, q)
		}
		return qs
	}
	epoch := rng.Uint64N(5)
	add := func(qs []process.Request) (es []process.Entry) {
		for _, q := range qs {
			es = append(es, process.Entry{Epoch: epoch, Index: uint64(len(n.entries)) + 1, Req: q})
			n.entries = append(n.entries, es[len(es)-1])
		}
		return es
	}
	switch rng.IntN(6) {
	case 0, 1:
		qs := requests()
		add(qs)
		l.Propose(epoch, qs)
	case 2:
		l.Append(add(requests()))
	case 3:
		prev := within(n.base, last)
		n.entries = slices.Clone(n.entries[:prev])
		l.Replace(prev, add(requests()))
	case 4:
		n.base = within(n.base, last)
		l.Compact(n.base)
	case 5:
		to, trailing := within(n.base, last), rng.Uint64N(5)
		l.Trim(to, trailing)
		n.base = max(n.base, to-min(to, trailing))
	}
}

func compare(t *testing.T, seed uint64, l *Log, n *naive) {
	t.Helper()
	last := uint64(len(n.entries))
	if l.Base() != n.base || l.Last() != last {
		t.Fatalf("seed %d: it goes from %d to %d, want %d to %d", seed, l.Base(), l.Last(), n.base, last)
	}
	epochOf := func(i uint64) (epoch uint64) {
		if i > 0 {
			epoch = n.entries[i-1].Epoch
		}
		return epoch
	}
	if l.BaseEpoch() != epochOf(n.base) || l.LastEpoch() != epochOf(last) {
		t.Fatalf("seed %d: its epochs go from %d to %d", seed, l.BaseEpoch(), l.LastEpoch())
	}
	for i := n.base; i <= last; i++ {
		if l.EpochAt(i) != epochOf(i) || !l.Has(i, epochOf(i)) || l.Has(i, epochOf(i)+1) {
			t.Fatalf("seed %d: entry %d has epoch %d", seed, i, l.EpochAt(i))
		}
	}
	if l.Has(last+1, 0) || n.base > 0 && l.Has(n.base-1, epochOf(n.base-1)) {
		t.Fatalf("seed %d: it has what is not there", seed)
	}
	if es := n.entries[n.base:]; len(es) != len(l.Entries()) || len(es) > 0 && !reflect.DeepEqual(l.Entries(), es) {
		t.Fatalf("seed %d: %v, want %v", seed, l.Entries(), es)
	}
	now, at := n.groupAt(last)
	if !l.Group().Equal(&now) || l.GroupIndex() != at {
		t.Fatalf("seed %d: group %v since %d, want %v since %d", seed, *l.Group(), l.GroupIndex(), now, at)
	}
	if at > n.base {
		before, _ := n.groupAt(at - 1)
		if !l.GroupBefore().Equal(&before) {
			t.Fatalf("seed %d: group %v before, want %v", seed, *l.GroupBefore(), before)
		}
	}
	first, _ := n.groupAt(n.base)
	if !l.BaseGroup().Equal(&first) {
		t.Fatalf("seed %d: group %v at the base, want %v", seed, *l.BaseGroup(), first)
	}
	batch, size := l.Batch(n.base, 20), 0
	for i := range batch {
		size += len(batch[i].Req.Cmd) + entryBytes
	}
	if len(batch) == 0 && last > n.base || len(batch) > 1 && size > 20 {
		t.Fatalf("seed %d: a batch of %d entries and %d bytes", seed, len(batch), size)
	}
	if other := l.Clone(); !bytes.Equal(other.AppendState(nil), l.AppendState(nil)) {
		t.Fatalf("seed %d: a clone has another state", seed)
	}
}

// TestTrimLeavesFewBytes: large entries do not trail, however few.
func TestTrimLeavesFewBytes(t *testing.T) {
	l := New()
	for range 5 {
		l.Propose(1, []process.Request{{Cmd: make([]byte, trailingBytes/2)}})
	}
	if l.Trim(5, 5); l.Base() != 3 {
		t.Errorf("%d entries trail", l.Last()-l.Base())
	}
}

func FuzzEntries(f *testing.F) {
	l := New()
	l.Propose(3, []process.Request{{Kind: process.Session, Client: 1 << 60, Seq: 2}, {Cmd: []byte("abc")}})
	f.Add(uint64(0), AppendEntries(nil, l.Entries()))
	f.Add(uint64(1<<63), []byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, prev uint64, b []byte) {
		d := Decoder{wire.Decoder{B: b}}
		es := d.Entries(prev)
		if d.Bad {
			return
		}
		for i := range es {
			if es[i].Index != prev+1+uint64(i) {
				t.Fatalf("entry %d after %d has index %d", i, prev, es[i].Index)
			}
		}
		again := Decoder{wire.Decoder{B: AppendEntries(nil, es)}}
		if got := again.Entries(prev); again.Bad || len(got) != len(es) || len(es) > 0 && !reflect.DeepEqual(got, es) {
			t.Fatalf("%v came back as %v", es, got)
		}
	})
}
