package kv

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"althing/process"
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

	CacheBytes    int64 // for blocks of the disk; 0: 64 MiB
	MemTableBytes int   // written at once; 0: 32 MiB
	Log           *slog.Logger
}

// A Store is the replicated application. Apply, Stage and Load are called by
// one goroutine; all other methods may be called by any at any time.
type Store struct{}

var _ process.Machine = (*Store)(nil)

// Open opens the store in a directory, or begins one there.
func Open(o Options) (*Store, error) { panic("kv: Open is not built") }

// Close stops the store. What was not made durable by Sync may be lost.
func (s *Store) Close() error { panic("kv: Close is not built") }

// Apply implements process.Machine: each result is a *Result. It panics if the
// disk fails: a replica that cannot apply what was decided must stop.
func (s *Store) Apply(es []process.Entry, result func(i int, r any)) { panic("kv: not built") }

// Read implements process.Machine: cmd is an encoded *Range or a *Txn that
// only reads, and the answer a *Result.
func (s *Store) Read(cmd []byte) any { panic("kv: not built") }

// State implements process.Machine.
func (s *Store) State() process.State { panic("kv: not built") }

// Sync implements process.Machine. Apply goes on beside it.
func (s *Store) Sync() (process.State, error) { panic("kv: not built") }

// Image implements process.Machine.
func (s *Store) Image() (process.Image, error) { panic("kv: not built") }

// Stage implements process.Machine.
func (s *Store) Stage(r io.Reader) (process.State, error) { panic("kv: not built") }

// Load implements process.Machine.
func (s *Store) Load() error { panic("kv: not built") }

// Revisions returns the revision of the store, from 1, and the one it is
// compacted at, 0 if never.
func (s *Store) Revisions() (current, compacted int64) { panic("kv: not built") }

// Range reads keys: all of one revision, whatever is applied meanwhile.
func (s *Store) Range(r *Range) (*RangeReply, error) { panic("kv: not built") }

// Scan begins to read keys one by one, in order, for ranges that are too large
// for one reply. It knows neither sorting nor filters: ErrInvalidSort.
func (s *Store) Scan(r *Range) (*Scan, error) { panic("kv: not built") }

// A Scan is a Range under way.
type Scan struct{}

// Next returns the next version; ok is false after the last, or after an error.
func (c *Scan) Next() (kv KeyValue, ok bool) { panic("kv: not built") }

// Finish counts what is left after the last version, and closes the scan. The
// reply has no versions.
func (c *Scan) Finish() (*RangeReply, error) { panic("kv: not built") }

// Txn does a transaction that only reads.
func (s *Store) Txn(t *Txn) (*TxnReply, error) { panic("kv: not built") }

// At returns the version of key in force at rev, nil if there was none.
func (s *Store) At(key []byte, rev int64) (*KeyValue, error) { panic("kv: not built") }

// A Hash is a digest of all versions up to Revision that a compaction at
// Compacted leaves. It is the same on all replicas that are at the same
// Compacted, however far each has swept.
type Hash struct {
	Sum       uint32 // CRC-32C
	Revision  int64
	Compacted int64
}

// HashKV hashes the store as of rev; 0 is now.
func (s *Store) HashKV(rev int64) (Hash, error) { panic("kv: not built") }

// Size returns the bytes on the disk, and those of keys and values that are
// not yet compacted away.
func (s *Store) Size() (total, inUse int64) { panic("kv: not built") }

// WaitSwept waits until what a compaction at rev gave up is removed.
func (s *Store) WaitSwept(ctx context.Context, rev int64) error { panic("kv: not built") }

// An Event is a change of one key. Nobody may change it: watchers share it.
type Event struct {
	Delete bool
	KV     KeyValue // of a Delete: Key and Mod alone
}

// A Change is all events of one revision, in the order they were made.
type Change struct {
	Revision int64
	Events   []Event
}

// Events returns what changed in the revisions from..to, both included, and
// the revision to ask for next. It stops after the revision that makes it
// maxBytes or more, and never splits one. A from in the future gives nothing;
// one below the compaction gives ErrCompacted.
func (s *Store) Events(from, to int64, maxBytes int) (cs []Change, next int64, err error) {
	panic("kv: not built")
}

// Changed returns the current revision, and a channel that is closed when
// there is a later one.
func (s *Store) Changed() (rev int64, later <-chan struct{}) { panic("kv: not built") }

// A Lease is a lease as replicated: it has no deadline.
type Lease struct {
	ID        int64
	TTL       int64  // seconds, as granted
	Remaining int64  // seconds, as last checkpointed; 0: all of TTL
	Granted   uint64 // Index of the entry that granted it
}

// Lease returns a lease.
func (s *Store) Lease(id int64) (l Lease, ok bool) { panic("kv: not built") }

// Leases returns all leases, by ID.
func (s *Store) Leases() []Lease { panic("kv: not built") }

// LeaseKeys returns the keys attached to a lease, ascending.
func (s *Store) LeaseKeys(id int64) ([][]byte, error) { panic("kv: not built") }

// Lessor returns the keeper of this replica's lease deadlines.
func (s *Store) Lessor() *Lessor { panic("kv: not built") }

// Members returns the member records, by Replica.
func (s *Store) Members() []Member { panic("kv: not built") }

// Alarms returns the alarms that are raised, by Member and Kind.
func (s *Store) Alarms() []Alarm { panic("kv: not built") }

// A Lessor keeps the deadlines of leases, on the leader. They are no part of
// the replicated state: what it decides takes effect only through the log.
type Lessor struct{}

// Promote begins reign: the Index of this replica's own LeasePromote, once
// that is applied. Every lease gets its full TTL, or what was checkpointed of
// it, and extend on top, from now.
func (l *Lessor) Promote(reign uint64, extend time.Duration) { panic("kv: not built") }

// Demote ends the reign, if there is one.
func (l *Lessor) Demote() { panic("kv: not built") }

// KeepAlive gives a lease its full TTL from now, and returns it in seconds.
// If clear is not nil, it must have been applied before the client is told.
// The caller must confirm, after this call and before it answers, that it
// still leads: else a successor may not know of the renewal. It returns
// ErrLeaseNotFound for a lease that has run out, and ErrNotLessor.
func (l *Lessor) KeepAlive(id int64) (ttl int64, clear *LeaseCheckpoint, err error) {
	panic("kv: not built")
}

// TimeToLive returns how long a lease has left, 0 or less if it has run out.
func (l *Lessor) TimeToLive(id int64) (time.Duration, error) { panic("kv: not built") }

// Expired decides which leases have run out: nil if none. It gives each at
// most once in a retry interval, and all at a bounded rate.
func (l *Lessor) Expired() *LeaseExpire { panic("kv: not built") }

// Checkpoint records what long leases have left: nil if nothing is due.
func (l *Lessor) Checkpoint() *LeaseCheckpoint { panic("kv: not built") }

// Encode returns the bytes of a command, in the one form there is for it.
func Encode(c Command) []byte { panic("kv: not built") }

// Decode reads what Encode wrote. The command shares the bytes.
func Decode(b []byte) (Command, error) { panic("kv: not built") }

// EncodeMembers returns the Cmd of a Members request: the group that is
// wanted, and what becomes of the member records with it.
func EncodeMembers(g process.Group, c MemberChange) []byte { panic("kv: not built") }

// DecodeMembers reads what EncodeMembers wrote.
func DecodeMembers(b []byte) (process.Group, MemberChange, error) { panic("kv: not built") }

// Validate tells whether c makes sense by itself, whatever the store holds.
// Apply refuses what it refuses; servers call it first, with their bound of
// operations: maxOps of 0 is none.
func Validate(c Command, maxOps int) error { panic("kv: not built") }

// ReadOnly reports whether t changes nothing, whichever way it goes.
func (t *Txn) ReadOnly() bool { panic("kv: not built") }
