package kv

import (
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"althing/kv/command"
)

// A view is the store as of one revision. Within a transaction it is the
// batch, so that what was just put is seen.
type view struct {
	r         pebble.Reader
	rev       int64
	compacted int64
}

// at returns the revision that a request means by rev.
func (v *view) at(rev int64) (int64, error) {
	switch {
	case rev <= 0:
		return v.rev, nil
	case rev > v.rev:
		return 0, ErrFutureRev
	case rev < v.compacted:
		return 0, ErrCompacted
	}
	return rev, nil
}

// A walker goes over the keys of a span that exist at a revision, ascending.
type walker struct {
	it    *pebble.Iterator
	rev   int64
	began bool
	key   []byte // scratch
	room  []byte // for copies of keys and values: few large pieces, not many small
	piece int    // size of the last piece
}

// pieceMost bounds a piece of room: one small version that a caller keeps
// holds on to the whole.
const pieceMost = 32 << 10

// grow makes sure that there is room for n bytes.
func (w *walker) grow(n int) {
	if n > cap(w.room)-len(w.room) {
		w.piece = max(n, min(2*w.piece, pieceMost))
		w.room = make([]byte, 0, w.piece)
	}
}

// copy returns b in memory of its own.
func (w *walker) copy(b []byte) []byte {
	w.grow(len(b))
	at := len(w.room)
	w.room = append(w.room, b...)
	return w.room[at:len(w.room):len(w.room)]
}

func (v *view) walk(s command.Span, rev int64) (*walker, error) {
	lower, upper := dataBounds(s)
	it, err := v.r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, err
	}
	return &walker{it: it, rev: rev}, nil
}

// next moves on; kv and value then read where it is.
func (w *walker) next() bool {
	ok := false
	if w.began {
		ok = w.it.NextPrefix()
	} else {
		ok, w.began = w.it.First(), true
	}
	for ok {
		_, rev, tombstone := cutSuffix(w.it.Key())
		switch {
		case rev > w.rev:
			ok = w.older()
		case tombstone:
			ok = w.it.NextPrefix()
		default:
			return true
		}
	}
	return false
}

// older goes on from a version that is too new to the newest of its key that is
// not, or to the next key.
func (w *walker) older() bool {
	// Most often it is the very next: a seek costs ten times as much.
	if !w.it.Next() {
		return false
	}
	prefix, rev, _ := cutSuffix(w.it.Key())
	if rev <= w.rev {
		return true
	}
	return w.it.SeekGE(appendSuffix(slices.Clone(prefix), w.rev))
}

// kv reads the version it is at. With values, they are copied too.
func (w *walker) kv(values bool) (KeyValue, error) {
	prefix, rev, _ := cutSuffix(w.it.Key())
	kv := KeyValue{Mod: rev}
	var ok bool
	if w.key, _, ok = cutKey(w.key[:0], prefix[1:]); !ok {
		return kv, errStored
	}
	b, err := w.it.ValueAndErr()
	if err != nil {
		return kv, err
	}
	if err := cutData(b, &kv); err != nil {
		return kv, err
	}
	value := kv.Value
	kv.Value = nil
	if values && len(value) > 0 {
		w.grow(len(w.key) + len(value))
		kv.Value = w.copy(value)
	}
	kv.Key = w.copy(w.key)
	return kv, nil
}

func (w *walker) close(err error) error {
	return errors.Join(err, w.it.Error(), w.it.Close())
}

// version returns the version of key in force at rev; nil if there is none.
func (v *view) version(key []byte, rev int64) (kv *KeyValue, err error) {
	w, err := v.walk(command.SpanOf(key, nil), rev)
	if err != nil {
		return nil, err
	}
	if w.next() {
		var found KeyValue
		found, err = w.kv(true)
		kv = &found
	}
	if err = w.close(err); err != nil {
		return nil, err
	}
	return kv, nil
}

// Range reads keys: all of one revision, whatever is applied meanwhile.
func (s *Store) Range(r *Range) (reply *RangeReply, err error) {
	if p := s.pub.Load(); p != nil {
		if reply := p.latest(r); reply != nil {
			return reply, nil
		}
	}
	err = s.view(func(v *view) error {
		reply, err = v.rng(r)
		return err
	})
	return reply, err
}

// latest does a Range of one key as of p, if it need not ask the engine.
func (p *published) latest(r *Range) *RangeReply {
	if len(r.End) > 0 || r.Revision > 0 || r.KeysOnly || !r.Streams() || r.Check() != nil {
		return nil
	}
	kv := p.recent.Find(r.Key, p.meta.rev)
	if kv == nil {
		return nil
	}
	reply := &RangeReply{Revision: p.meta.rev}
	if kv.Version == 0 {
		return reply // deleted
	}
	reply.Count = 1
	if !r.CountOnly {
		reply.KVs = []KeyValue{*kv}
	}
	return reply
}

// rng does a Range.
func (v *view) rng(r *Range) (*RangeReply, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	rev, err := v.at(r.Revision)
	if err != nil {
		return nil, err
	}
	w, err := v.walk(command.SpanOf(r.Key, r.End), rev)
	if err != nil {
		return nil, err
	}
	reply := &RangeReply{Revision: v.rev}
	if r.Streams() {
		err = w.fill(r, reply)
	} else {
		err = w.choose(r, reply)
	}
	if err = w.close(err); err != nil {
		return nil, err
	}
	return reply, nil
}

// fill takes keys up to the limit and counts the rest.
func (w *walker) fill(r *Range, reply *RangeReply) error {
	limit := r.Most()
	if r.CountOnly {
		limit = 0
	}
	for w.next() {
		if reply.Count < limit {
			kv, err := w.kv(!r.KeysOnly)
			if err != nil {
				return err
			}
			reply.KVs = append(reply.KVs, kv)
		}
		reply.Count++
	}
	reply.More = !r.CountOnly && reply.Count > limit
	return nil
}

// choose takes all keys that pass the filters, sorts them, and only then looks
// at the limit.
func (w *walker) choose(r *Range, reply *RangeReply) error {
	values := !r.KeysOnly || r.Target == SortValue
	for w.next() {
		kv, err := w.kv(values)
		if err != nil {
			return err
		}
		reply.Count++
		if r.Keeps(&kv) {
			reply.KVs = append(reply.KVs, kv)
		}
	}
	r.Sort(reply.KVs)
	if n := r.Most(); int64(len(reply.KVs)) > n {
		reply.KVs, reply.More = slices.Clone(reply.KVs[:n]), true
	}
	if r.KeysOnly {
		for i := range reply.KVs {
			reply.KVs[i].Value = nil
		}
	}
	return nil
}

// holds reports whether c holds of the store.
func (v *view) holds(c *Compare) (ok bool, err error) {
	w, err := v.walk(command.SpanOf(c.Key, c.End), v.rev)
	if err != nil {
		return false, err
	}
	ok, found := true, false
	for ok && err == nil && w.next() {
		var kv KeyValue
		if kv, err = w.kv(c.Target == CompareValue); err == nil {
			found, ok = true, c.Holds(&kv)
		}
	}
	if !found {
		ok = c.Target != CompareValue && c.Holds(&KeyValue{})
	}
	return ok && err == nil, w.close(err)
}

// A choice is which way a transaction goes, and those within that way, in the
// order of its operations. All of them are made before anything is done.
type choice struct {
	then bool
	in   []*choice
}

func (v *view) choose(t *Txn) (*choice, error) {
	c := &choice{then: true}
	for i := range t.Compare {
		ok, err := v.holds(&t.Compare[i])
		if err != nil {
			return nil, err
		}
		if !ok {
			c.then = false
			break
		}
	}
	for _, o := range ops(t, c) {
		if in, ok := o.(*Txn); ok {
			deeper, err := v.choose(in)
			if err != nil {
				return nil, err
			}
			c.in = append(c.in, deeper)
		}
	}
	return c, nil
}

// ops returns the operations of t that c takes.
func ops(t *Txn, c *choice) []Op {
	if c.then {
		return t.Then
	}
	return t.Else
}

// read does a transaction that only reads.
func (v *view) read(t *Txn, c *choice) (*TxnReply, error) {
	reply := &TxnReply{Revision: v.rev, Succeeded: c.then}
	deeper := c.in
	for _, o := range ops(t, c) {
		var r Reply
		var err error
		switch o := o.(type) {
		case *Range:
			r, err = v.rng(o)
		case *Txn:
			r, err = v.read(o, deeper[0])
			deeper = deeper[1:]
		}
		if err != nil {
			return nil, err
		}
		reply.Replies = append(reply.Replies, r)
	}
	return reply, nil
}
