package kv

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"althing/kv/command"
	"althing/kv/recent"
	"althing/process"
	"althing/session"
)

// assert stops the replica when a rule of the house is broken: it must not go
// on to apply what others would not.
func assert(cond bool, why string) {
	if !cond {
		panic("kv: " + why)
	}
}

// must stops the replica when its disk fails: it cannot apply what was decided.
func must(err error) {
	if err != nil {
		panic(fmt.Errorf("kv: apply: %w", err))
	}
}

// A slot is the result of one entry, with room for the reply most have.
type slot struct {
	Result
	put PutReply
}

// Apply implements process.Machine: each result is a *Result. All that es
// change becomes durable together or not at all, with the place of the last of
// them in the log: so a replica that crashes goes on where it was. It panics if
// the disk fails: a replica that cannot apply what was decided must stop.
func (s *Store) Apply(es []process.Entry, result func(i int, r any)) {
	p := s.pub.Load()
	assert(p != nil, "apply to a closed store")
	w := &writer{s: s, b: p.engine.DB.NewBatch(), before: p.engine.DB, recent: p.recent}
	slots := make([]slot, len(es))
	for i := range es {
		w.entry(&es[i], &slots[i])
	}
	w.commit()
	s.ring.add(w.changes)
	s.pub.Store(&published{engine: p.engine, meta: s.meta, recent: p.recent})
	if s.meta.rev > p.meta.rev {
		s.changed.set(s.meta.rev)
	}
	if s.meta.compacted > p.meta.compacted {
		s.sweeper.wake()
	}
	for i := range slots {
		result(i, &slots[i].Result)
	}
}

// A writer applies the entries of one batch.
type writer struct {
	s      *Store
	b      *pebble.Batch // what they change; to be read only by through
	before *pebble.DB    // the store without it
	recent *recent.Versions
	it     *pebble.Iterator // over before; nil until needed

	logged  []byte          // the event log's record of the revision in the making
	events  []Event         // the same, for watchers
	size    int             // of events
	changes []Change        // the revisions made
	clients map[uint64]bool // whose sessions have changed
	index   uint64          // of the entry

	key, value []byte // scratch
}

// entry applies one entry.
func (w *writer) entry(e *process.Entry, r *slot) {
	m := &w.s.meta
	assert(e.Index == m.state.Index+1, "entries must follow one another")
	m.state.Index, m.state.Epoch, w.index = e.Index, e.Epoch, e.Index
	switch e.Req.Kind {
	case process.Command:
		if r.Err = w.once(&e.Req); r.Err == nil {
			r.Reply, r.Err = w.command(e.Req.Cmd, r)
		}
	case process.Members:
		r.Err = w.regroup(&e.Req)
	case process.Session:
		w.touch(e.Index)
		if closed := w.s.sessions.Open(e.Index); closed != 0 {
			w.touch(closed)
		}
	case process.NoOp:
	default:
		assert(false, "an entry holds a request that belongs to no log")
	}
	assert(len(w.events) == 0, "every revision must be finished")
	r.Index, r.Revision = e.Index, m.rev
}

// once makes sure that a request of a session is applied once. What a client
// is told of a mistake counts as the result: a retry does not try again.
func (w *writer) once(r *process.Request) error {
	if r.Client == 0 {
		return nil
	}
	switch v, _ := w.s.sessions.Check(r); v {
	case session.Done:
		return ErrDuplicate
	case session.Expired:
		return ErrExpired
	}
	// Nobody needs results of old requests: the replica that proposed one
	// applies it too, and has its result at first hand.
	w.s.sessions.Done(r, nil)
	w.touch(r.Client)
	return nil
}

func (w *writer) touch(client uint64) {
	if w.clients == nil {
		w.clients = make(map[uint64]bool)
	}
	w.clients[client] = true
}

// regroup applies a Members entry. The group holds whatever else is wrong: the
// protocol has decided on it.
func (w *writer) regroup(r *process.Request) error {
	g, c, err := DecodeMembers(r.Cmd)
	assert(g.Valid(), "a Members entry must begin with a group")
	w.s.meta.regroup(g)
	if once := w.once(r); err == nil {
		err = once
	}
	if err == nil && c.Upsert != nil && c.Upsert.ID == 0 {
		err = ErrMemberNotFound
	}
	if err != nil {
		return err
	}
	if c.Upsert != nil {
		w.setMember(*c.Upsert)
	}
	if c.Remove != 0 {
		w.removeMember(c.Remove)
	}
	return nil
}

func (w *writer) command(cmd []byte, r *slot) (Reply, error) {
	var p Put
	if command.DecodePut(cmd, &p) { // nearly always
		return w.onPut(&p, r)
	}
	c, err := Decode(cmd)
	if err != nil {
		return nil, ErrCommand
	}
	if err := Validate(c, 0); err != nil {
		return nil, err
	}
	switch c := c.(type) {
	case *SetAlarm:
		return w.onAlarm(c), nil
	case *UpdateMember:
		return nil, w.onUpdateMember(c)
	case *LeasePromote:
		w.onPromote()
		return nil, nil
	}
	if w.alarmed(Corrupt) {
		return nil, ErrCorrupt
	}
	switch c := c.(type) {
	case *DeleteRange:
		reply := w.deleteRange(c)
		w.finish()
		return reply, nil
	case *Range:
		return w.rng(c)
	case *Txn:
		return w.onTxn(c)
	case *Compact:
		return nil, w.onCompact(c)
	}
	return w.lease(c)
}

// rng does a Range, which changes nothing but may be in a log all the same.
func (w *writer) rng(c *Range) (Reply, error) {
	v := w.view()
	if _, err := v.at(c.Revision); err != nil {
		return nil, err
	}
	reply, err := v.rng(c)
	must(err)
	return reply, nil
}

// view is the store as the operation at hand sees it: with all before it in
// the same transaction.
func (w *writer) view() *view {
	return &view{r: w.through(), rev: w.rev(), compacted: w.s.meta.compacted}
}

// through returns the batch for reading: it is over the store. Most batches are
// never read, and need no index.
func (w *writer) through() pebble.Reader {
	if !w.b.Indexed() {
		b := w.before.NewIndexedBatch()
		must(b.Apply(w.b, nil))
		must(w.b.Close())
		w.b = b
	}
	return w.b
}

// rev is the revision in the making if anything was changed in it, or else the
// current one.
func (w *writer) rev() int64 {
	if len(w.events) > 0 {
		return w.s.meta.rev + 1
	}
	return w.s.meta.rev
}

// finish ends the revision in the making, if anything was changed in it.
func (w *writer) finish() {
	if len(w.events) == 0 {
		return
	}
	rev := w.s.meta.rev + 1
	must(w.b.Set(eventKey(rev), w.logged, nil))
	for i := range w.events {
		w.recent.Put(&w.events[i].KV) // nobody believes it until the revision is published
	}
	w.s.meta.rev = rev
	w.changes = append(w.changes, Change{Revision: rev, Events: slices.Clip(w.events), size: w.size})
	w.logged, w.events, w.size = w.logged[:0], nil, 0
}

// commit writes the batch.
func (w *writer) commit() {
	for client := range w.clients {
		key := id64(tableSession, client)
		if b := w.s.sessions.AppendClient(nil, client); len(b) > 0 {
			must(w.b.Set(key, b, nil))
		} else {
			must(w.b.Delete(key, nil)) // closed
		}
	}
	must(w.b.Set(keyMeta, w.s.meta.append(nil), nil))
	if w.it != nil {
		must(w.it.Close())
	}
	must(w.b.Commit(pebble.NoSync))
	must(w.b.Close())
	w.s.heads.turn()
}

// onCompact sets the watermark. What it gives up is removed later, unseen.
func (w *writer) onCompact(c *Compact) error {
	m := &w.s.meta
	switch {
	case c.Revision > m.rev:
		return ErrFutureRev
	case c.Revision <= m.compacted:
		return ErrCompacted
	}
	m.compacted = c.Revision
	return nil
}

func (w *writer) alarmed(k AlarmKind) bool {
	return slices.ContainsFunc(w.s.meta.alarms, func(a Alarm) bool { return a.Kind == k })
}

func (w *writer) onAlarm(c *SetAlarm) Reply {
	m := &w.s.meta
	i, found := slices.BinarySearchFunc(m.alarms, c.Alarm, compareAlarms)
	if found == c.Raise {
		return &AlarmReply{}
	}
	alarms := slices.Clone(m.alarms) // readers have the old ones
	if c.Raise {
		alarms = slices.Insert(alarms, i, c.Alarm)
	} else {
		alarms = slices.Delete(alarms, i, i+1)
	}
	m.alarms = alarms
	w.s.mu.Lock()
	w.s.alarms = alarms
	w.s.mu.Unlock()
	return &AlarmReply{Changed: []Alarm{c.Alarm}}
}

func (w *writer) onUpdateMember(c *UpdateMember) error {
	m, ok := w.s.members[c.ID]
	if !ok {
		return ErrMemberNotFound
	}
	m.Name, m.ClientURLs = c.Name, c.ClientURLs
	w.setMember(m)
	return nil
}

func (w *writer) setMember(m Member) {
	must(w.b.Set(id64(tableMember, m.ID), command.AppendMember(nil, &m), nil))
	w.s.mu.Lock()
	w.s.members[m.ID] = m
	w.s.mu.Unlock()
}

func (w *writer) removeMember(id uint64) {
	must(w.b.Delete(id64(tableMember, id), nil))
	w.s.mu.Lock()
	delete(w.s.members, id)
	w.s.mu.Unlock()
}

// lookup returns what is in force of key, in the batch too.
func (w *writer) lookup(key []byte) *head {
	h, ok := w.s.heads.find(key)
	if ok {
		return h
	}
	// Not known, so not changed in this batch: what was before it will do.
	if w.it == nil {
		it, err := w.before.NewIter(&pebble.IterOptions{
			LowerBound: []byte{tableData}, UpperBound: []byte{tableData + 1}, UseL6Filters: true,
		})
		must(err)
		w.it = it
	}
	w.key = appendKey(append(w.key[:0], tableData), key)
	found := head{}
	if w.it.SeekPrefixGE(w.key) {
		_, rev, tombstone := cutSuffix(w.it.Key())
		if !tombstone {
			b, err := w.it.ValueAndErr()
			must(err)
			kv := KeyValue{Mod: rev}
			must(cutData(b, &kv))
			found = headOf(&kv, len(key))
		}
	}
	must(w.it.Error())
	return w.s.heads.put(key, found)
}

// stored reads the value of the version that h is of.
func (w *writer) stored(key []byte, h *head) *KeyValue {
	w.key = appendDataKey(w.key[:0], key, h.mod, false)
	b, err := value(w.through(), w.key)
	must(err)
	kv := &KeyValue{Key: key, Mod: h.mod}
	must(cutData(b, kv))
	return kv
}

// set makes kv the newest version of its key.
func (w *writer) set(kv *KeyValue, h *head) {
	w.log(Event{KV: *kv}, h)
	w.key = appendDataKey(w.key[:0], kv.Key, kv.Mod, false)
	w.value = appendData(w.value[:0], kv)
	must(w.b.Set(w.key, w.value, nil))
	if was := h.lease; was != kv.Lease {
		w.detach(kv.Key, was)
		if kv.Lease != 0 {
			must(w.b.Set(attachKey(kv.Lease, kv.Key), nil, nil))
		}
	}
	w.s.meta.written += versionSize(kv.Key, kv.Value)
	*h = headOf(kv, len(kv.Key))
}

// remove ends the life of a key.
func (w *writer) remove(key []byte, h *head) {
	rev := w.s.meta.rev + 1
	w.log(Event{Delete: true, KV: KeyValue{Key: key, Mod: rev}}, h)
	w.key = appendDataKey(w.key[:0], key, rev, true)
	must(w.b.Set(w.key, nil, nil))
	w.detach(key, h.lease)
	w.s.meta.written += versionSize(key, nil)
	*h = head{}
}

func (w *writer) detach(key []byte, lease int64) {
	if lease != 0 {
		must(w.b.Delete(attachKey(lease, key), nil))
	}
}

// log notes a change of the key that h was in force of.
func (w *writer) log(e Event, h *head) {
	w.events = append(w.events, e)
	w.size += len(e.KV.Key) + len(e.KV.Value) + versionOverhead
	l := logged{key: e.KV.Key, delete: e.Delete, ended: h.mod, freeable: h.size}
	w.logged = appendLogged(w.logged, &l)
}

func compareAlarms(a, b Alarm) int {
	return cmp.Or(cmp.Compare(a.Member, b.Member), cmp.Compare(a.Kind, b.Kind))
}

var _ process.Toucher = (*Store)(nil)

// Touches implements process.Toucher.
func (s *Store) Touches(cmd []byte) []string {
	c, err := Decode(cmd)
	if err != nil {
		return nil // Apply refused it, and changed nothing
	}
	return command.Touches(c)
}
