// Package kv is the replicated application behind the etcd v3 interface: a
// multi-version key-value store with transactions, leases and watches. It is a
// process.Machine: entries of a replicated log go in, in order, and every
// replica comes to the same state and the same results. It knows nothing of
// gRPC or protobuf, of terms or leaders, and it has no clock.
//
// # Revisions
//
// The store counts revisions. A new store is at revision 1; each command that
// changes anything makes the next one, and all that it changes belongs to it. A
// version of a key is what one revision made of it: a KeyValue, or a tombstone
// where a revision deleted it. Old versions stay until a compaction: so a reader
// may ask for the store as it was, and a watcher for all that has happened since
// a revision. A compaction at C gives up what only revisions below C need.
//
// # What is stored
//
// All is in one Pebble database without a log of its own, for the consensus log
// is the log. Its keys begin with a letter, the table:
//
//	key                              value
//	d  key, revision, tombstone      create, version, lease, value    one version
//	e  revision                      keys changed, what they ended    one revision: the event log
//	a  lease, key                                                     a key is attached to a lease
//	l  lease                         TTL, remaining, granted          a lease
//	r  member                        names and addresses              a member record
//	s  session                       requests applied                 a client session
//	ma                               place in the log, group,         everything else
//	                                 revision, compaction, alarms
//	ms                               revision, bytes                  how far the sweeper is
//
// In table d the versions of a key lie together, the newest first, because the
// revision is stored inverted: the version in force at any revision, the
// current one included, is one seek away, its value beside it. Keys are escaped
// so that their order is the order of the bytes, and what all versions of a key
// share is one entry of the Bloom filters. So no index of all keys is needed in
// memory, and the state may outgrow it.
//
// # Apply
//
// Apply takes a batch of entries. What they change goes into one write of the
// database, together with the sessions they used and the place of the last of
// them in the log. Power may fail at any moment: what is found then is the
// state after some batch, and the host goes on with the entry after State.
//
//  1. An entry of a session that was applied before is passed over.
//  2. A transaction makes all its choices, nested ones too, in the state before
//     it; then it checks all that was chosen; then it changes things. So what
//     fails has changed nothing.
//  3. Changes are written as versions, and noted for the event log. What later
//     operations of the batch must know of a key they find in heads, a small
//     cache of what was written of late; a range within a transaction reads
//     through the batch.
//  4. The write is done. Then it is published: readers and watchers see it. What
//     was made of each key is in kv/recent by then.
//  5. Results are handed out.
//
// # Readers
//
// A reader takes the present: an atomic pointer to database, revision and
// watermark. If it wants one key as of now, it first asks kv/recent, whose lock
// nobody holds for longer than one key takes. All other readers, and those who
// find nothing there, share no lock with Apply: they take a snapshot of the
// database, and then look at the watermark again. Newer versions in the snapshot
// do not disturb them, for they ask for a revision. Versions can be missing from
// the snapshot only if the sweeper came in between, and then the second look
// shows a watermark that forbids to ask for them.
//
// # Watches
//
// A watcher is one number: the revision to ask Events for next. Recent changes
// are in a ring in memory, shared by all; older ones are read from the event
// log, whose values are with the versions. Changed wakes those who have seen all.
// What an event replaced is At the revision before it.
//
// # Compaction
//
// Compact only moves the watermark. The sweeper removes the garbage behind it,
// in small steps beside everything else. It does not search: every change in
// the event log names the version that it ended. HashKV counts only what a
// compaction leaves, so replicas agree on it however far each has swept.
//
// # Leases
//
// A lease, as replicated, is a TTL and a set of keys: it has no deadline. The
// deadlines are kept by the leader's Lessor, and that a lease has run out is a
// decision of the leader's, proposed as LeaseExpire like any other command.
// What makes an old leader's decisions harmless is told at lease.Lessor.
//
// # Images
//
// Image writes the records as of one moment, with checksums. Stage reads them
// into a second database beside the present one, looking at each; Load moves the
// marker, a file whose name says which is the present one. A crash leaves the
// old or the new.
//
// # Rooms inside
//
// The commands, what they come to and their bytes are in kv/command, on kv/wire;
// the deadlines of leases in kv/lease; keys written of late in kv/recent;
// directories and databases in kv/disk.
// This package names what those above need of them.
//
// # What is left out
//
// Users and permissions; and whatever needs the server's configuration: quotas
// (the server raises NoSpace), the least TTL, and the most operations of a
// transaction.
package kv
