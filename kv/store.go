package kv

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"althing/kv/command"
	"althing/kv/disk"
	"althing/kv/lease"
	"althing/kv/recent"
	"althing/process"
	"althing/session"
)

const (
	// The storage engine takes its write buffers, of which three may exist, out
	// of the cache: what is left must hold filters and indexes of what is stored.
	// A buffer grows with what is in it.
	defaultCacheBytes    = 256 << 20
	defaultMemTableBytes = 64 << 20
)

// Options say where a store is kept, and what a new one begins with.
type Options struct {
	Dir string // its own directory; made if it is not there
	FS  vfs.FS // nil: the operating system's

	// Group and Members are what a new store begins with. They are not looked
	// at if the directory holds a store, and empty in a replica that is to get
	// an image from others.
	Group   process.Group
	Members []Member

	// Now is a clock that never runs back, from any origin. The Lessor alone
	// reads it. Nil: the machine's.
	Now func() time.Duration

	CacheBytes    int64        // for blocks of the disk, and for MemTableBytes; 0: 256 MiB
	MemTableBytes int          // gathered before they are written; 0: 64 MiB
	Log           *slog.Logger // of the storage engine's complaints; nil: none
}

func (o *Options) complete() {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Now == nil {
		start := time.Now()
		o.Now = func() time.Duration { return time.Since(start) }
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = defaultCacheBytes
	}
	if o.MemTableBytes <= 0 {
		o.MemTableBytes = defaultMemTableBytes
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// A Store is the replicated application. Apply, Stage, Load and Close are
// called by one goroutine; all other methods may be called by any at any time.
type Store struct {
	opts  Options
	place *disk.Place
	disk  disk.Config

	// pub is what readers see: replaced after each batch. Nil once closed.
	pub atomic.Pointer[published]

	// Of the goroutine that applies.
	meta     meta
	heads    heads
	sessions session.Table
	staged   *staged
	sweeper  *sweeper

	mu      sync.RWMutex // of what follows; the goroutine that applies reads without
	leases  map[int64]Lease
	members map[uint64]Member
	alarms  []Alarm

	lessor  *Lessor
	ring    ring
	changed *beacon // the current revision
	swept   *beacon // swept.rev of the present state
	freed   atomic.Uint64
}

var _ process.Machine = (*Store)(nil)

// published is one point in the life of the store, as readers see it.
type published struct {
	engine *disk.State
	meta   meta
	recent *recent.Versions // of the same state, and of later
}

// Open opens the store in a directory, or begins one there. It returns
// ErrForeign for a directory of something else and ErrFormat for a store of
// another version.
func Open(o Options) (*Store, error) {
	o.complete()
	p, err := disk.OpenPlace(o.FS, o.Dir, formatVersion)
	if err != nil {
		return nil, err
	}
	s := &Store{opts: o, place: p, lessor: lease.New(o.Now), disk: disk.Config{
		FS: o.FS, Comparer: comparer, Cache: pebble.NewCache(o.CacheBytes),
		MemTableBytes: o.MemTableBytes, Log: o.Log,
	}}
	if p.Number() == 0 {
		err = s.begin(1)
	}
	if err == nil {
		err = s.open()
	}
	if err != nil {
		s.disk.Cache.Unref()
		return nil, errors.Join(err, p.Close())
	}
	return s, nil
}

// begin makes a new state that nothing has been applied to.
func (s *Store) begin(number uint64) error {
	e, err := disk.Open(s.disk, s.place.Path(number))
	if err != nil {
		return err
	}
	defer e.Release()
	b := e.DB.NewBatch()
	m := meta{rev: 1}
	m.regroup(s.opts.Group)
	if len(s.opts.Group.Voters) > 0 {
		// The founders' records are in no entry. So they count as the first: one
		// who joins later is sent a state, and not a log that lacks them.
		m.state.Index, m.state.Epoch = 1, 1
	}
	err = b.Set(keyMeta, m.append(nil), nil)
	for i := range s.opts.Members {
		r := &s.opts.Members[i]
		err = errors.Join(err, b.Set(id64(tableMember, r.ID), command.AppendMember(nil, r), nil))
	}
	if err = errors.Join(err, b.Commit(pebble.NoSync), e.DB.Flush()); err != nil {
		return fmt.Errorf("begin a state: %w", err)
	}
	return s.place.Move(number)
}

// open opens the present state.
func (s *Store) open() error {
	e, err := disk.Open(s.disk, s.place.Path(s.place.Number()))
	if err != nil {
		return err
	}
	in, err := readInventory(e.DB)
	if err != nil {
		e.Release()
		return fmt.Errorf("read state %d: %w", s.place.Number(), err)
	}
	s.changed, s.swept = newBeacon(in.meta.rev), newBeacon(in.swept.rev)
	s.install(e, in)
	return nil
}

// install makes a state the one that is applied to and read.
func (s *Store) install(e *disk.State, in *inventory) {
	s.meta, s.sessions, s.heads = in.meta, in.sessions, heads{}
	s.mu.Lock()
	s.leases, s.members, s.alarms = in.leases, in.members, in.meta.alarms
	s.mu.Unlock()
	s.lessor.Reset(in.leases, in.meta.reign)
	s.freed.Store(in.swept.freed)
	s.ring.reset()
	if old := s.pub.Swap(&published{engine: e, meta: in.meta, recent: new(recent.Versions)}); old != nil {
		old.engine.Doom()
		old.engine.Release()
	}
	s.changed.set(in.meta.rev)
	s.swept.set(in.swept.rev)
	s.sweeper = startSweeper(s, e, in.swept)
}

// An inventory is what a store keeps in memory of its state.
type inventory struct {
	meta     meta
	swept    swept
	sessions session.Table
	leases   map[int64]Lease
	members  map[uint64]Member
}

func readInventory(r pebble.Reader) (*inventory, error) {
	in := &inventory{leases: make(map[int64]Lease), members: make(map[uint64]Member)}
	b, err := value(r, keyMeta)
	if err != nil {
		return nil, err
	}
	if in.meta, err = cutMeta(b); err != nil {
		return nil, err
	}
	if b, err = value(r, keySwept); err != nil {
		return nil, err
	}
	if b != nil {
		if in.swept, err = cutSwept(b); err != nil {
			return nil, err
		}
	}
	err = eachOf(r, tableLease, func(k, v []byte) error {
		id := int64(binary.BigEndian.Uint64(k[1:]))
		l, err := cutLease(id, v)
		in.leases[id] = l
		return err
	})
	err = errors.Join(err, eachOf(r, tableMember, func(k, v []byte) error {
		id := binary.BigEndian.Uint64(k[1:])
		m, err := cutMember(id, v)
		in.members[id] = m
		return err
	}))
	return in, errors.Join(err, eachOf(r, tableSession, func(_, v []byte) error {
		_, err := in.sessions.LoadClient(v)
		return err
	}))
}

// Close stops the store, once all who read it are done. What was not made
// durable by Sync may be lost.
func (s *Store) Close() error {
	p := s.pub.Swap(nil)
	if p == nil {
		return ErrClosed
	}
	s.sweeper.stop()
	s.unstage()
	p.engine.Release()
	err := p.engine.Wait()
	s.disk.Cache.Unref()
	return errors.Join(err, s.place.Close())
}

// State implements process.Machine. A store that is closed has the zero State.
func (s *Store) State() process.State {
	if p := s.pub.Load(); p != nil {
		return p.meta.state
	}
	return process.State{}
}

// Sync implements process.Machine. Apply goes on beside it.
func (s *Store) Sync() (process.State, error) {
	p, err := s.pin()
	if err != nil {
		return process.State{}, err
	}
	defer p.engine.Release()
	if err := p.engine.DB.Flush(); err != nil {
		return process.State{}, fmt.Errorf("flush state: %w", err)
	}
	return p.meta.state, nil
}

// Revisions returns the revision of the store, from 1, and the one it is
// compacted at, 0 if never.
func (s *Store) Revisions() (current, compacted int64) {
	p := s.pub.Load()
	if p == nil {
		return 0, 0
	}
	return p.meta.rev, p.meta.compacted
}

// pin returns the present, and holds its engine open until it is released.
func (s *Store) pin() (*published, error) {
	for {
		p := s.pub.Load()
		if p == nil {
			return nil, ErrClosed
		}
		if p.engine.Acquire() {
			return p, nil
		}
	}
}

// view calls f with the store as of now.
func (s *Store) view(f func(v *view) error) error {
	v, done, err := s.snapshot()
	if err != nil {
		return err
	}
	return errors.Join(f(v), done())
}

// snapshot returns the store as of now, until done.
func (s *Store) snapshot() (v *view, done func() error, err error) {
	for {
		p, err := s.pin()
		if err != nil {
			return nil, nil, err
		}
		v, done := s.viewOf(p)
		if v.compacted <= v.rev {
			return v, done, nil
		}
		if err := done(); err != nil { // overtaken: what is now is gone already
			return nil, nil, err
		}
	}
}

// viewOf returns the store as of p, which is pinned, until done.
func (s *Store) viewOf(p *published) (v *view, done func() error) {
	snap := p.engine.DB.NewSnapshot()
	v = &view{r: snap, rev: p.meta.rev, compacted: p.meta.compacted}
	// The sweeper removes nothing that a compaction gave up before the
	// compaction is published. So all that the snapshot can lack is what the
	// watermark read after it forbids to ask for.
	if q := s.pub.Load(); q != nil && q.engine == p.engine {
		v.compacted = q.meta.compacted
	}
	return v, func() error {
		defer p.engine.Release()
		return snap.Close()
	}
}

// Read implements process.Machine: cmd is an encoded *Range or a *Txn that
// only reads, and the answer a *Result.
func (s *Store) Read(cmd []byte) any {
	r := &Result{Index: s.State().Index}
	c, err := Decode(cmd)
	if err != nil {
		r.Err = err
		return r
	}
	switch c := c.(type) {
	case *Range:
		var reply *RangeReply
		if reply, r.Err = s.Range(c); r.Err == nil {
			r.Reply, r.Revision = reply, reply.Revision
		}
	case *Txn:
		var reply *TxnReply
		if reply, r.Err = s.Txn(c); r.Err == nil {
			r.Reply, r.Revision = reply, reply.Revision
		}
	default:
		r.Err = fmt.Errorf("read with a command that writes: %w", ErrCommand)
	}
	return r
}

// Txn does a transaction that only reads; ErrCommand if it might not.
func (s *Store) Txn(t *Txn) (reply *TxnReply, err error) {
	if err := Validate(t, 0); err != nil {
		return nil, err
	}
	if !t.ReadOnly() {
		return nil, fmt.Errorf("read with a transaction that writes: %w", ErrCommand)
	}
	err = s.view(func(v *view) error {
		c, err := v.choose(t)
		if err == nil {
			reply, err = v.read(t, c)
		}
		return err
	})
	return reply, err
}

// At returns the version of key in force at rev, nil if there was none. It is
// how a watcher finds what an event replaced: at the revision before it.
func (s *Store) At(key []byte, rev int64) (kv *KeyValue, err error) {
	err = s.view(func(v *view) error {
		if rev, err = v.at(rev); err == nil {
			kv, err = v.version(key, rev)
		}
		return err
	})
	return kv, err
}

// Size returns the bytes on the disk, and those of keys and values that are
// not yet compacted away.
func (s *Store) Size() (total, inUse int64) {
	p, err := s.pin()
	if err != nil {
		return 0, 0
	}
	defer p.engine.Release()
	total = int64(p.engine.DB.Metrics().DiskSpaceUsage())
	return total, int64(p.meta.written - min(p.meta.written, s.freed.Load()))
}

// WaitSwept waits until what a compaction at rev gave up is removed.
func (s *Store) WaitSwept(ctx context.Context, rev int64) error {
	for {
		done, later := s.swept.now()
		if done >= rev {
			return nil
		}
		select {
		case <-later:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Lease returns a lease.
func (s *Store) Lease(id int64) (l Lease, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l, ok = s.leases[id]
	return l, ok
}

// Leases returns all leases, by ID.
func (s *Store) Leases() []Lease {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Values(s.leases), func(a, b Lease) int { return cmp.Compare(a.ID, b.ID) })
}

// LeaseKeys returns the keys attached to a lease, ascending.
func (s *Store) LeaseKeys(id int64) (keys [][]byte, err error) {
	if _, ok := s.Lease(id); !ok {
		return nil, ErrLeaseNotFound
	}
	err = s.view(func(v *view) error {
		keys, err = attached(v.r, id)
		return err
	})
	return keys, err
}

func attached(r pebble.Reader, lease int64) (keys [][]byte, err error) {
	lower := attachKey(lease, nil)
	// The largest number has no successor: then the table ends the range.
	upper := []byte{tableAttach + 1}
	if next := uint64(lease) + 1; next != 0 {
		upper = id64(tableAttach, next)
	}
	err = each(r, lower, upper, func(k, _ []byte) error {
		keys = append(keys, bytes.Clone(k[len(lower):]))
		return nil
	})
	return keys, err
}

// Lessor returns the keeper of this replica's lease deadlines.
func (s *Store) Lessor() *Lessor { return s.lessor }

// Members returns the member records, by Replica.
func (s *Store) Members() []Member {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Values(s.members), func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Replica, b.Replica), cmp.Compare(a.ID, b.ID))
	})
}

// LastReplica returns the highest ID that any replica of the group ever had: a
// new one must have a higher, for none is given twice.
func (s *Store) LastReplica() process.ID {
	if p := s.pub.Load(); p != nil {
		return process.ID(p.meta.replica)
	}
	return 0
}

// Alarms returns the alarms that are raised, by Member and Kind.
func (s *Store) Alarms() []Alarm {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.alarms)
}
