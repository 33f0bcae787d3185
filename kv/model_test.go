package kv

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
)

// A model is the store as the interface describes it, written for nothing but
// to be plainly right: it keeps every state there ever was.
type model struct {
	rev, compacted int64
	states         map[int64]map[string]KeyValue // after each revision
	changes        map[int64][]string            // events of each revision, as shown
	leases         map[int64]int64               // ID to TTL
	granted        map[int64]uint64
	index          uint64
	reign          uint64
	full           bool // the alarm of no space is raised

	now    map[string]KeyValue // in the making
	events []string
}

func newModel() *model {
	return &model{rev: 1, states: map[int64]map[string]KeyValue{1: {}}, changes: map[int64][]string{},
		leases: map[int64]int64{}, granted: map[int64]uint64{}, now: map[string]KeyValue{}}
}

// do applies one command and shows its outcome.
func (m *model) do(c Command) string {
	m.index++
	reply, err := m.command(c)
	if len(m.events) > 0 {
		m.end()
	}
	return outcome(m.rev, reply, err)
}

func (m *model) end() {
	m.rev++
	m.states[m.rev], m.changes[m.rev] = maps.Clone(m.now), m.events
	m.events = nil
}

// seen is the revision as an operation sees it.
func (m *model) seen() int64 {
	if len(m.events) > 0 {
		return m.rev + 1
	}
	return m.rev
}

func (m *model) command(c Command) (Reply, error) {
	if err := naiveValid(c); err != nil {
		return nil, err
	}
	switch c := c.(type) {
	case *Put, *DeleteRange, *Range:
		t := &Txn{Then: []Op{c.(Op)}}
		if m.full && puts(t) {
			return nil, ErrNoSpace
		}
		if err := m.check(t); err != nil {
			return nil, err
		}
		return m.op(c.(Op)), nil
	case *Txn:
		if m.full && puts(c) {
			return nil, ErrNoSpace
		}
		t := m.resolve(c)
		if err := m.check(t); err != nil {
			return nil, err
		}
		return m.txn(t), nil
	case *Compact:
		if c.Revision > m.rev {
			return nil, ErrFutureRev
		}
		if c.Revision <= m.compacted {
			return nil, ErrCompacted
		}
		m.compacted = c.Revision
		return nil, nil
	case *SetAlarm:
		if m.full == c.Raise {
			return &AlarmReply{}, nil
		}
		m.full = c.Raise
		return &AlarmReply{Changed: []Alarm{c.Alarm}}, nil
	case *LeaseGrant:
		if m.full {
			return nil, ErrNoSpace
		}
		if m.leases[c.ID] != 0 {
			return nil, ErrLeaseExists
		}
		m.leases[c.ID], m.granted[c.ID] = c.TTL, m.index
		return &LeaseReply{ID: c.ID, TTL: c.TTL}, nil
	case *LeaseRevoke:
		err := ErrLeaseNotFound
		for _, id := range c.IDs {
			if m.leases[id] != 0 {
				m.revoke(id)
				err = nil
			}
		}
		return nil, err
	case *LeasePromote:
		m.reign = m.index
		return nil, nil
	case *LeaseExpire:
		if c.Reign != m.reign {
			return nil, ErrStale
		}
		for _, e := range c.Leases {
			if m.leases[e.ID] != 0 && m.granted[e.ID] == e.Granted {
				m.revoke(e.ID)
			}
		}
		return nil, nil
	}
	panic(fmt.Sprintf("%T", c))
}

func (m *model) revoke(id int64) {
	for _, k := range slices.Sorted(maps.Keys(m.now)) {
		if m.now[k].Lease == id {
			m.delete(k)
		}
	}
	if len(m.events) > 0 {
		m.end()
	}
	delete(m.leases, id)
}

func (m *model) delete(k string) {
	delete(m.now, k)
	m.events = append(m.events, showEvent(&Event{Delete: true, KV: KeyValue{Key: []byte(k), Mod: m.rev + 1}}))
}

// resolve returns t with the branches taken by all choices, in Then.
func (m *model) resolve(t *Txn) *Txn {
	took := true
	for i := range t.Compare {
		took = took && m.compare(&t.Compare[i])
	}
	way := t.Then
	if !took {
		way = t.Else
	}
	r := &Txn{}
	if !took {
		r.Compare = []Compare{{}} // marks a transaction that did not succeed
	}
	for _, o := range way {
		if in, ok := o.(*Txn); ok {
			o = m.resolve(in)
		}
		r.Then = append(r.Then, o)
	}
	return r
}

func (m *model) compare(c *Compare) bool {
	keys := m.in(m.now, c.Key, c.End)
	if len(keys) == 0 {
		return c.Target != CompareValue && relates(c, KeyValue{})
	}
	for _, k := range keys {
		if !relates(c, m.now[k]) {
			return false
		}
	}
	return true
}

func relates(c *Compare, kv KeyValue) bool {
	n := cmp.Compare([]int64{kv.Version, kv.Create, kv.Mod, 0, kv.Lease}[c.Target], c.Number)
	if c.Target == CompareValue {
		n = bytes.Compare(kv.Value, c.Value)
	}
	return []bool{n == 0, n > 0, n < 0, n != 0}[c.Result]
}

func (m *model) check(t *Txn) error {
	for _, o := range t.Then {
		switch o := o.(type) {
		case *Put:
			if o.Lease != 0 && m.leases[o.Lease] == 0 {
				return ErrLeaseNotFound
			}
			if _, ok := m.now[string(o.Key)]; !ok && (o.IgnoreLease || o.IgnoreValue) {
				return ErrKeyNotFound
			}
		case *Range:
			if o.Revision > m.rev {
				return ErrFutureRev
			}
			if o.Revision > 0 && o.Revision < m.compacted {
				return ErrCompacted
			}
		case *Txn:
			if err := m.check(o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *model) txn(t *Txn) *TxnReply {
	r := &TxnReply{Succeeded: len(t.Compare) == 0}
	for _, o := range t.Then {
		r.Replies = append(r.Replies, m.op(o))
	}
	r.Revision = m.seen()
	return r
}

func (m *model) op(o Op) Reply {
	switch o := o.(type) {
	case *Put:
		return m.put(o)
	case *DeleteRange:
		r := &DeleteReply{}
		for _, k := range m.in(m.now, o.Key, o.End) {
			if o.PrevKV {
				r.Prev = append(r.Prev, m.now[k])
			}
			m.delete(k)
			r.Deleted++
		}
		r.Revision = m.seen()
		return r
	case *Range:
		return m.rng(o)
	}
	return m.txn(o.(*Txn))
}

func (m *model) put(o *Put) Reply {
	was, existed := m.now[string(o.Key)]
	kv := KeyValue{Key: o.Key, Value: o.Value, Lease: o.Lease, Create: m.rev + 1, Mod: m.rev + 1, Version: 1}
	r := &PutReply{Revision: m.rev + 1}
	if existed {
		kv.Create, kv.Version = was.Create, was.Version+1
		if o.PrevKV {
			r.Prev = &was
		}
	}
	if o.IgnoreValue {
		kv.Value = was.Value
	}
	if o.IgnoreLease {
		kv.Lease = was.Lease
	}
	m.now[string(o.Key)] = kv
	m.events = append(m.events, showEvent(&Event{KV: kv}))
	return r
}

func (m *model) in(state map[string]KeyValue, key, end []byte) (keys []string) {
	for _, k := range slices.Sorted(maps.Keys(state)) {
		open := string(end) == "\x00"
		if len(end) == 0 && k == string(key) ||
			len(end) > 0 && k >= string(key) && (open || k < string(end)) {
			keys = append(keys, k)
		}
	}
	return keys
}

func (m *model) rng(o *Range) *RangeReply {
	state := m.now
	if o.Revision > 0 {
		state = m.states[o.Revision]
	}
	keys := m.in(state, o.Key, o.End)
	r := &RangeReply{Revision: m.seen(), Count: int64(len(keys))}
	if o.CountOnly {
		return r
	}
	for _, k := range keys {
		kv := state[k]
		if (o.MinMod == 0 || kv.Mod >= o.MinMod) && (o.MaxMod == 0 || kv.Mod <= o.MaxMod) &&
			(o.MinCreate == 0 || kv.Create >= o.MinCreate) && (o.MaxCreate == 0 || kv.Create <= o.MaxCreate) {
			r.KVs = append(r.KVs, kv)
		}
	}
	sort.SliceStable(r.KVs, func(i, j int) bool {
		a, b := r.KVs[i], r.KVs[j]
		if o.Order == SortDescend {
			a, b = b, a
		}
		switch o.Target {
		case SortKey:
			return string(a.Key) < string(b.Key)
		case SortValue:
			return string(a.Value) < string(b.Value)
		}
		return []int64{0, a.Version, a.Create, a.Mod}[o.Target] < []int64{0, b.Version, b.Create, b.Mod}[o.Target]
	})
	if o.Limit > 0 && int64(len(r.KVs)) > o.Limit {
		r.KVs, r.More = r.KVs[:o.Limit], true
	}
	if o.KeysOnly {
		for i := range r.KVs {
			r.KVs[i].Value = nil
		}
	}
	return r
}

// A placed is an operation with the branches that lead to it.
type placed struct {
	op   Op
	path map[*Txn]bool
}

// naiveValid looks at every two writes that may both be done.
func naiveValid(c Command) error {
	t, ok := c.(*Txn)
	if !ok {
		return nil // what is drawn is otherwise valid
	}
	var found []placed
	var gather func(t *Txn, path map[*Txn]bool)
	gather = func(t *Txn, path map[*Txn]bool) {
		for _, then := range []bool{true, false} {
			way := maps.Clone(path)
			way[t] = then
			for _, o := range ops(t, &choice{then: then}) {
				if in, ok := o.(*Txn); ok {
					gather(in, way)
				} else {
					found = append(found, placed{o, way})
				}
			}
		}
	}
	gather(t, map[*Txn]bool{})
	for i, a := range found {
		p, ok := a.op.(*Put)
		for j, b := range found {
			if !ok || i == j || !together(a.path, b.path) {
				continue
			}
			switch o := b.op.(type) {
			case *Put:
				if bytes.Equal(p.Key, o.Key) {
					return ErrDuplicateKey
				}
			case *DeleteRange:
				state := map[string]KeyValue{string(p.Key): {}}
				if len(newModel().in(state, o.Key, o.End)) > 0 {
					return ErrDuplicateKey
				}
			}
		}
	}
	return nil
}

func together(a, b map[*Txn]bool) bool {
	for t, way := range a {
		if other, ok := b[t]; ok && other != way {
			return false
		}
	}
	return true
}

func puts(t *Txn) bool {
	for _, o := range slices.Concat(t.Then, t.Else) {
		switch o := o.(type) {
		case *Put:
			return true
		case *Txn:
			if puts(o) {
				return true
			}
		}
	}
	return false
}

// What follows shows outcomes as text, so that nil and empty are alike.

func outcome(rev int64, r Reply, err error) string {
	if err != nil {
		return fmt.Sprintf("%d error %v", rev, err)
	}
	return fmt.Sprintf("%d %s", rev, show(r))
}

func show(r Reply) string {
	switch r := r.(type) {
	case *PutReply:
		if r.Prev == nil {
			return fmt.Sprintf("put %d", r.Revision)
		}
		return fmt.Sprintf("put %d %s", r.Revision, showKV(r.Prev))
	case *DeleteReply:
		return fmt.Sprintf("delete %d %d %s", r.Revision, r.Deleted, showKVs(r.Prev))
	case *RangeReply:
		return fmt.Sprintf("range %d %d %v %s", r.Revision, r.Count, r.More, showKVs(r.KVs))
	case *TxnReply:
		var all []string
		for _, in := range r.Replies {
			all = append(all, show(in))
		}
		return fmt.Sprintf("txn %d %v (%s)", r.Revision, r.Succeeded, strings.Join(all, ", "))
	}
	return fmt.Sprintf("%+v", r)
}

func showKV(kv *KeyValue) string {
	return fmt.Sprintf("%q=%q %d %d %d %d", kv.Key, kv.Value, kv.Create, kv.Mod, kv.Version, kv.Lease)
}

func showKVs(kvs []KeyValue) string {
	var all []string
	for i := range kvs {
		all = append(all, showKV(&kvs[i]))
	}
	return "[" + strings.Join(all, "; ") + "]"
}

func showEvent(e *Event) string { return fmt.Sprintf("%v %s", e.Delete, showKV(&e.KV)) }

// A drawer draws commands that often meet.
type drawer struct {
	*rand.Rand
	m *model
}

var drawnKeys = []string{"a", "a\x00", "a\x00\x01", "a\x01", "ab", "b", "b\xff", "c", "\x00", "\xff"}

func (d drawer) key() []byte { return []byte(drawnKeys[d.IntN(len(drawnKeys))]) }

func (d drawer) end() []byte {
	switch d.IntN(4) {
	case 0:
		return []byte{0}
	case 1:
		return d.key()
	}
	return nil
}

func (d drawer) rev() int64 { return d.Int64N(d.m.rev+2) - 1 }

func (d drawer) chance(percent int) bool { return d.IntN(100) < percent }

func (d drawer) command() Command {
	switch n := d.IntN(100); {
	case n < 40:
		return d.op(2)
	case n < 70:
		return d.txn(3)
	case n < 76:
		return &Compact{Revision: d.rev()}
	case n < 84:
		return &LeaseGrant{ID: d.Int64N(4) + 1, TTL: d.Int64N(100) + 1}
	case n < 88:
		return &LeaseRevoke{IDs: []int64{d.Int64N(4) + 1, d.Int64N(4) + 1}}
	case n < 91:
		return &LeasePromote{}
	case n < 96:
		id := d.Int64N(4) + 1
		e := &LeaseExpire{Reign: d.m.reign, Leases: []Expiry{{ID: id, Granted: d.m.granted[id]}}}
		if d.chance(30) {
			e.Reign--
		}
		if d.chance(30) {
			e.Leases[0].Granted--
		}
		return e
	case n < 98:
		return &SetAlarm{Alarm: Alarm{Member: 1, Kind: NoSpace}, Raise: false}
	}
	return &SetAlarm{Alarm: Alarm{Member: 1, Kind: NoSpace}, Raise: d.chance(40)}
}

func (d drawer) op(depth int) Op {
	switch n := d.IntN(100); {
	case n < 50:
		p := &Put{Key: d.key(), PrevKV: d.chance(30), IgnoreValue: d.chance(10), IgnoreLease: d.chance(10)}
		if !p.IgnoreValue {
			p.Value = fmt.Append(nil, d.IntN(20))
		}
		if !p.IgnoreLease && d.chance(30) {
			p.Lease = d.Int64N(4) + 1
		}
		return p
	case n < 65:
		return &DeleteRange{Key: d.key(), End: d.end(), PrevKV: d.chance(50)}
	case n < 85 || depth == 0:
		return d.rng()
	}
	return d.txn(depth - 1)
}

func (d drawer) rng() *Range {
	r := &Range{Key: d.key(), End: d.end(), Limit: d.Int64N(5) - 1, KeysOnly: d.chance(20), CountOnly: d.chance(10)}
	if d.chance(70) {
		r.End = []byte{0}
	}
	if d.chance(40) {
		r.Revision = d.rev()
	}
	if d.chance(40) {
		r.Target, r.Order = SortTarget(d.IntN(5)), SortOrder(d.IntN(3))
	}
	for _, v := range []*int64{&r.MinMod, &r.MaxMod, &r.MinCreate, &r.MaxCreate} {
		if d.chance(10) {
			*v = max(d.rev(), 0)
		}
	}
	return r
}

func (d drawer) txn(depth int) *Txn {
	t := &Txn{}
	for range d.IntN(3) {
		t.Compare = append(t.Compare, Compare{Key: d.key(), End: d.end(), Target: CompareTarget(d.IntN(5)),
			Result: CompareResult(d.IntN(4)), Number: d.Int64N(6), Value: fmt.Append(nil, d.IntN(20))})
	}
	for range d.IntN(4) {
		t.Then = append(t.Then, d.op(depth))
	}
	for range d.IntN(3) {
		t.Else = append(t.Else, d.op(depth))
	}
	return t
}
