// Package wal is the log of a node: what every group on it has saved, in one
// sequence of records that outlives a loss of power.
//
// # How it is used
//
// Append buffers a record and returns its LSN. Flush wakes the writer, which
// takes all that is buffered as one batch, writes and syncs it, and says so
// through Durable(lsn): all records up to lsn are safe. Meanwhile the next
// batch is collected. One sync carries the records of all groups.
//
// A group's checkpoint stands for all its earlier records. When every group
// with records has a durable checkpoint behind a segment, the segment is used
// again; so one group that makes no checkpoint keeps the whole log. Stats
// names it. A group that is no more must be dropped for the same reason.
//
// # What is on disk
//
// A directory of segments, files named after the sequence number of their
// first batch. A segment has its full size and all its blocks written before
// its first use: then fdatasync has no metadata to journal, which makes it
// nearly twice as fast as on a file that grows. A batch is a header, records
// and zeros up to the next sector of 512 bytes. It has a sequence number, and
// a CRC-32C that covers header and records. A batch that does not fit into a
// segment any more begins the next one; one larger than a segment has one of
// its own.
//
// # Why recovery is sound
//
// Batch n+1 is written only after the sync of batch n has returned. So as long
// as the disk keeps its word, a batch n that does not read back well while
// n+1, or a segment for it, exists was not torn by a crash: it was damaged
// later, and records that others may rely on are gone. Open then refuses,
// changes nothing, and says where. If nothing later exists, n is the batch
// that the crash interrupted: its sync never returned, nobody was told that
// it is durable, and Open cuts it off.
//
// Whatever a reused segment has from its former life has a lower sequence
// number than what is looked for, and what another log wrote has another nonce.
//
// A segment is released after a batch that says so (floor in its header) is
// durable, oldest first. So a log that begins above the floor of its last
// batch has lost its beginning, and a gap between segments is a lost file.
//
// Open writes the last batch once more and syncs it before it replays
// anything: a process that was killed, or whose sync failed, may leave a batch
// in the cache of the operating system only, where it reads back well.
//
// Two things cannot be told apart from a crash: damage to the very last batch,
// which looks torn; and the loss of the last segment's file, or of the whole
// directory. Against those, only other replicas help.
package wal

import (
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// DefaultSegmentBytes: a rename and a directory sync per 64 MiB cost
	// nothing, and a small node spends 128 MiB of disk.
	DefaultSegmentBytes = 64 << 20
	// MinSegmentBytes leaves room for a few small batches. For tests.
	MinSegmentBytes = 4 << 10
	// MaxSegmentBytes keeps offsets far below every limit.
	MaxSegmentBytes = 1 << 30
	// DefaultBufferBytes is a third of a second of a fast disk: more would not
	// raise throughput, only delay.
	DefaultBufferBytes = 64 << 20
	// MaxBufferBytes and MaxRecordBytes keep a batch below the 4 GiB that its
	// header can say.
	MaxBufferBytes = 1 << 30
	// MaxRecordBytes bounds one record.
	MaxRecordBytes = 1 << 30
	// DefaultSpares is enough for a burst that releases several segments at
	// once, and bounds the disk space that lies idle.
	DefaultSpares = 3

	// A log is crowded when it has more segments than crowdedSegments and more
	// than crowdedFactor times the bytes of its groups' checkpoints: a new
	// segment has to be filled with zeros first, which costs as much as using
	// it, so a log had better go on in its old ones; and more checkpoints than
	// one byte in four would cost more than they save.
	crowdedSegments = 2
	crowdedFactor   = 4

	// keepBytes bounds the buffer that is kept after a large batch.
	keepBytes = 8 << 20
)

// Options are how a log is run. The zero value will do.
//
// Durable, Failed, Synced and Crowded are called by the log's one writer, one call at a
// time. They must not call the log, nor wait for anyone who may be in Append.
type Options struct {
	// SegmentBytes is the size of a segment, a multiple of 512 within
	// [MinSegmentBytes, MaxSegmentBytes]; 0 means DefaultSegmentBytes.
	SegmentBytes int64
	// BufferBytes is how much may be buffered before Append waits for the
	// writer; 0 means DefaultBufferBytes.
	BufferBytes int
	// Spares is how many files are kept for reuse, at least 1; 0 means
	// DefaultSpares.
	Spares int

	// Durable tells that all records up to lsn survive. LSNs only rise.
	Durable func(lsn uint64)
	// Failed tells, once, that the log has failed: nothing more will ever
	// become durable. The node must stop.
	Failed func(error)
	// Crowded is told, when a segment is begun while there are many, which
	// groups keep the oldest, ascending: checkpoints of theirs let the log use
	// it again.
	Crowded func(groups []uint32)
	// Synced is told of every sync: how long it took, and the bytes it made
	// durable, headers and fill included.
	Synced func(took time.Duration, bytes int)
}

func (o *Options) check() error {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = DefaultSegmentBytes
	}
	if o.BufferBytes == 0 {
		o.BufferBytes = DefaultBufferBytes
	}
	if o.Spares == 0 {
		o.Spares = DefaultSpares
	}
	if o.Durable == nil {
		o.Durable = func(uint64) {}
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	if o.Crowded == nil {
		o.Crowded = func([]uint32) {}
	}
	if o.Synced == nil {
		o.Synced = func(time.Duration, int) {}
	}
	if n := o.SegmentBytes; n < MinSegmentBytes || n > MaxSegmentBytes || n%sector != 0 {
		return fmt.Errorf("segments of %d bytes: not a multiple of %d within [%d, %d]",
			n, sector, MinSegmentBytes, MaxSegmentBytes)
	}
	if n := o.BufferBytes; n < 1 || n > MaxBufferBytes {
		return fmt.Errorf("a buffer of %d bytes: not within [1, %d]", n, MaxBufferBytes)
	}
	if o.Spares < 1 {
		return fmt.Errorf("%d spare files: at least 1 is needed", o.Spares)
	}
	return nil
}

// Stats is a log in numbers.
type Stats struct {
	Appended uint64 // LSN of the last record appended
	Durable  uint64 // LSN of the last record known to survive
	Batches  uint64 // written since Open
	Bytes    uint64 // written since Open, headers and fill included
	Segments int    // in use
	Spares   int    // files that wait for use
	// Oldest is the group that keeps the oldest segment, if Pinned: a
	// checkpoint of it lets the log shrink.
	Oldest uint32
	Pinned bool
}

// A Log is open for appending. Its methods may be called by any goroutine.
type Log struct {
	o    Options
	fs   FS
	lock io.Closer
	pool pool
	done chan struct{} // closed when the writer has ended

	mu      sync.Mutex
	work    sync.Cond // there is something for the writer
	room    sync.Cond // the writer took the buffer
	buf     []byte    // the next batch, after room for its header
	count   uint32    // records in it
	lsn     uint64    // of the last record appended
	woken   bool      // Flush was called since the writer last took the buffer
	closing bool
	err     error
	stats   Stats

	// The writer's own.
	spare  []byte // the other buffer
	nonce  uint64
	seq    uint64 // of the last batch
	floor  uint64 // no batch below is needed
	pins   pins
	segs   []segment // oldest first; the last is written to
	active File      // of the last segment
}

// A segment is one file of batches.
type segment struct {
	name  string
	first uint64 // sequence number of the first batch it has or will have
	size  int64  // of the file
	end   int64  // of the last batch in it
}

var (
	errClosed = errors.New("the log is closed")
	errRoom   = fmt.Errorf("the record is larger than %d bytes", MaxRecordBytes)
)

// Append buffers m as a record of group and returns its LSN, which is the
// number of records ever appended. A checkpoint stands for all earlier
// records of the group: these will not be replayed. Append waits while
// Options.BufferBytes are buffered, and for nothing else. Once the log has
// failed or is closed, the record is lost and its LSN never becomes durable.
//
// After a crash, the LSNs of records that were lost are given again.
func (l *Log) Append(group uint32, isCheckpoint bool, m encoding.BinaryAppender) uint64 {
	kind := save
	if isCheckpoint {
		kind = checkpoint
	}
	return l.add(group, kind, m)
}

// Drop says that group has gone, with all its records up to now.
func (l *Log) Drop(group uint32) uint64 { return l.add(group, drop, empty{}) }

type empty struct{}

func (empty) AppendBinary(b []byte) ([]byte, error) { return b, nil }

func (l *Log) add(group uint32, kind byte, m encoding.BinaryAppender) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.buf) >= batchHeader+l.o.BufferBytes && l.err == nil && !l.closing {
		l.wake() // or nobody would, for the caller that would Flush waits here
		l.room.Wait()
	}
	l.lsn++
	if l.err != nil || l.closing {
		return l.lsn
	}
	start := len(l.buf)
	b := append(l.buf, 0, 0, 0, 0, 0, 0, 0, 0, kind)
	binary.LittleEndian.PutUint32(b[start+4:], group)
	b, err := m.AppendBinary(b)
	n := len(b) - start - recordHeader
	if err == nil && n > MaxRecordBytes {
		err = errRoom
	}
	if err != nil {
		// A hole in a group's records must never look like a log without one.
		l.err = fmt.Errorf("append a record of group %d: %w", group, err)
		l.wake()
		return l.lsn
	}
	binary.LittleEndian.PutUint32(b[start:], uint32(n))
	l.buf = b
	l.count++
	return l.lsn
}

// Flush has all that is appended so far written and synced. It does not wait.
func (l *Log) Flush() {
	l.mu.Lock()
	l.wake()
	l.mu.Unlock()
}

func (l *Log) wake() {
	if !l.woken {
		l.woken = true
		l.work.Signal()
	}
}

// Close writes and syncs what is buffered, ends the writer and lets other
// processes in. It returns why the log failed, if it did.
func (l *Log) Close() error {
	l.mu.Lock()
	again := l.closing
	l.closing = true
	l.work.Signal()
	l.mu.Unlock()
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	if again {
		return errClosed
	}
	l.pool.wait()
	return errors.Join(l.err, l.active.Close(), l.lock.Close())
}

// Stats returns the log in numbers.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Appended, s.Spares = l.lsn, l.pool.size()
	return s
}
