package kv

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"althing/process"
)

// A rig is a store under test, and the position in the log it is fed from.
type rig struct {
	*Store
	t testing.TB
}

func openRig(t testing.TB, fs vfs.FS) *rig {
	t.Helper()
	s, err := Open(Options{Dir: "store", FS: fs,
		MemTableBytes: 1 << 20, CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return &rig{s, t}
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := openRig(t, vfs.NewMem())
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// entries makes the entries of commands, after what is applied.
func (r *rig) entries(cs ...Command) []process.Entry {
	at := r.State().Index
	var es []process.Entry
	for _, c := range cs {
		at++
		es = append(es, process.Entry{Index: at, Epoch: 1, Req: process.Request{Cmd: Encode(c)}})
	}
	return es
}

func (r *rig) feed(es []process.Entry) []*Result {
	r.t.Helper()
	rs := make([]*Result, len(es))
	r.Apply(es, func(i int, got any) {
		if rs[i] != nil {
			r.t.Fatalf("two results for entry %d", es[i].Index)
		}
		rs[i] = got.(*Result)
	})
	for i, got := range rs {
		if got == nil || got.Index != es[i].Index {
			r.t.Fatalf("entry %d has result %+v", es[i].Index, got)
		}
	}
	return rs
}

// do applies commands in one batch, and returns the result of the last.
func (r *rig) do(cs ...Command) *Result {
	r.t.Helper()
	rs := r.feed(r.entries(cs...))
	return rs[len(rs)-1]
}

// ok is do of commands none of which may fail.
func (r *rig) ok(cs ...Command) *Result {
	r.t.Helper()
	rs := r.feed(r.entries(cs...))
	for i, got := range rs {
		if got.Err != nil {
			r.t.Fatalf("%T %d: %v", cs[i], i, got.Err)
		}
	}
	return rs[len(rs)-1]
}

func (r *rig) rev() int64 {
	rev, _ := r.Revisions()
	return rev
}

func (r *rig) get(q *Range) *RangeReply {
	r.t.Helper()
	reply, err := r.Range(q)
	if err != nil {
		r.t.Fatalf("range %q..%q at %d: %v", q.Key, q.End, q.Revision, err)
	}
	return reply
}

func (r *rig) hash(rev int64) Hash {
	r.t.Helper()
	h, err := r.HashKV(rev)
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

func put(key, value string) *Put { return &Put{Key: []byte(key), Value: []byte(value)} }

func del(key string) *DeleteRange { return &DeleteRange{Key: []byte(key)} }

func key(k string) *Range { return &Range{Key: []byte(k)} }

// all is every key.
func all() *Range { return &Range{Key: []byte{0}, End: []byte{0}} }
