package kv

import "althing/kv/command"

func (w *writer) onPut(c *Put, r *slot) (Reply, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if err := w.room(); err != nil {
		return nil, err
	}
	if err := w.mayPut(c); err != nil {
		return nil, err
	}
	w.put(c, &r.put)
	w.finish()
	return &r.put, nil
}

// room refuses what would need more space, while an alarm is raised.
func (w *writer) room() error {
	if len(w.s.meta.alarms) == 0 {
		return nil
	}
	if w.alarmed(Corrupt) {
		return ErrCorrupt
	}
	if w.alarmed(NoSpace) {
		return ErrNoSpace
	}
	return nil
}

// mayPut tells whether c is possible, before anything is changed.
func (w *writer) mayPut(c *Put) error {
	if c.Lease != 0 {
		if _, ok := w.s.leases[c.Lease]; !ok {
			return ErrLeaseNotFound
		}
	}
	if (c.IgnoreValue || c.IgnoreLease) && w.lookup(c.Key).version == 0 {
		return ErrKeyNotFound
	}
	return nil
}

func (w *writer) put(c *Put, reply *PutReply) {
	h := w.lookup(c.Key)
	rev := w.s.meta.rev + 1
	kv := KeyValue{Key: c.Key, Value: c.Value, Create: rev, Mod: rev, Version: h.version + 1, Lease: c.Lease}
	reply.Revision = rev
	if h.version > 0 {
		kv.Create = h.create
		if c.PrevKV || c.IgnoreValue {
			was := w.stored(c.Key, h)
			if c.PrevKV {
				reply.Prev = was
			}
			if c.IgnoreValue {
				kv.Value = was.Value
			}
		}
		if c.IgnoreLease {
			kv.Lease = h.lease
		}
	}
	w.set(&kv, h)
}

// deleteRange deletes in ascending order of key.
func (w *writer) deleteRange(c *DeleteRange) *DeleteReply {
	reply := &DeleteReply{}
	for _, key := range w.existing(c.Key, c.End) {
		h := w.lookup(key)
		if c.PrevKV {
			reply.Prev = append(reply.Prev, *w.stored(key, h))
		}
		w.remove(key, h)
		reply.Deleted++
	}
	reply.Revision = w.rev()
	return reply
}

// existing returns the keys of a range that exist. They are all found before
// the first of them is deleted.
func (w *writer) existing(key, end []byte) (keys [][]byte) {
	if len(end) == 0 {
		if w.lookup(key).version > 0 {
			keys = append(keys, key)
		}
		return keys
	}
	it, err := w.view().walk(command.SpanOf(key, end), w.rev())
	must(err)
	for it.next() {
		prefix, _, _ := cutSuffix(it.it.Key())
		key, _, ok := cutKey(nil, prefix[1:])
		assert(ok, "a data key must hold a key")
		keys = append(keys, key)
	}
	must(it.close(nil))
	return keys
}

// onTxn makes all choices, checks all that is chosen, and only then changes
// anything: so that what fails changes nothing.
func (w *writer) onTxn(t *Txn) (Reply, error) {
	if t.Puts() {
		if err := w.room(); err != nil {
			return nil, err
		}
	}
	v := w.view()
	c, err := v.choose(t)
	must(err)
	if err := w.mayDo(v, t, c); err != nil {
		return nil, err
	}
	reply := w.txn(t, c)
	w.finish()
	return reply, nil
}

func (w *writer) mayDo(v *view, t *Txn, c *choice) (err error) {
	deeper := c.in
	for _, o := range ops(t, c) {
		switch o := o.(type) {
		case *Put:
			err = w.mayPut(o)
		case *Range:
			_, err = v.at(o.Revision)
		case *Txn:
			err = w.mayDo(v, o, deeper[0])
			deeper = deeper[1:]
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) txn(t *Txn, c *choice) *TxnReply {
	reply := &TxnReply{Succeeded: c.then}
	deeper := c.in
	for _, o := range ops(t, c) {
		var r Reply
		switch o := o.(type) {
		case *Put:
			p := new(PutReply)
			w.put(o, p)
			r = p
		case *DeleteRange:
			r = w.deleteRange(o)
		case *Range:
			found, err := w.view().rng(o)
			must(err)
			r = found
		case *Txn:
			r = w.txn(o, deeper[0])
			deeper = deeper[1:]
		}
		reply.Replies = append(reply.Replies, r)
	}
	reply.Revision = w.rev()
	return reply
}

// lease applies the commands that concern leases.
func (w *writer) lease(c Command) (Reply, error) {
	switch c := c.(type) {
	case *LeaseGrant:
		return w.onGrant(c)
	case *LeaseRevoke:
		found := false
		for _, id := range c.IDs {
			found = w.revoke(id, nil) || found
		}
		if !found {
			return nil, ErrLeaseNotFound
		}
	case *LeaseExpire:
		if c.Reign != w.s.meta.reign {
			return nil, ErrStale
		}
		for i := range c.Leases {
			w.revoke(c.Leases[i].ID, &c.Leases[i].Granted)
		}
	case *LeaseCheckpoint:
		return nil, w.onCheckpoint(c)
	default:
		assert(false, "every command has its case")
	}
	return nil, nil
}

func (w *writer) onGrant(c *LeaseGrant) (Reply, error) {
	if err := w.room(); err != nil {
		return nil, err
	}
	if _, ok := w.s.leases[c.ID]; ok {
		return nil, ErrLeaseExists
	}
	w.setLease(Lease{ID: c.ID, TTL: c.TTL, Granted: w.index})
	return &LeaseReply{ID: c.ID, TTL: c.TTL}, nil
}

func (w *writer) onPromote() {
	w.s.meta.reign, w.s.meta.seq = w.index, 0
	w.s.lessor.Begin(w.index)
}

// revoke ends a lease, if granted is not nil only the life of it that began
// there, and deletes its keys in one revision. It returns whether it did.
func (w *writer) revoke(id int64, granted *uint64) bool {
	l, ok := w.s.leases[id]
	if !ok || granted != nil && l.Granted != *granted {
		return false
	}
	keys, err := attached(w.through(), id)
	must(err)
	for _, key := range keys {
		h := w.lookup(key)
		assert(h.version > 0 && h.lease == id, "an attached key must exist, on its lease")
		w.remove(key, h)
	}
	w.finish()
	must(w.b.Delete(id64(tableLease, uint64(id)), nil))
	w.s.mu.Lock()
	delete(w.s.leases, id)
	w.s.mu.Unlock()
	w.s.lessor.Revoked(id)
	return true
}

func (w *writer) onCheckpoint(c *LeaseCheckpoint) error {
	m := &w.s.meta
	// A later one may have said that a lease was renewed: see KeepAlive.
	if c.Reign != m.reign || c.Seq <= m.seq {
		return ErrStale
	}
	m.seq = c.Seq
	w.s.lessor.Checkpointed(c.Seq)
	for _, r := range c.Leases {
		if l, ok := w.s.leases[r.ID]; ok && l.Granted == r.Granted {
			l.Remaining = min(max(r.TTL, 0), l.TTL)
			w.setLease(l)
		}
	}
	return nil
}

func (w *writer) setLease(l Lease) {
	must(w.b.Set(id64(tableLease, uint64(l.ID)), appendLease(nil, &l), nil))
	w.s.mu.Lock()
	w.s.leases[l.ID] = l
	w.s.mu.Unlock()
	w.s.lessor.Set(l)
}
