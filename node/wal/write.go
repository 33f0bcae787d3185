package wal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// run is the writer: the only goroutine that writes once the log is open.
func (l *Log) run() {
	defer close(l.done)
	for {
		h, frame, err := l.next()
		if err == nil && frame == nil {
			return
		}
		if err == nil {
			err = l.write(&h, frame)
		}
		if err == nil {
			l.o.Durable(h.lsn + uint64(h.count) - 1)
			err = l.settle(&h, frame)
		}
		if err != nil {
			l.fail(err)
			return
		}
	}
}

// next waits for Flush or Close and takes the buffer, with room for a header
// before the records and zeros behind them. It returns nil when nothing more
// is to come.
func (l *Log) next() (h header, frame []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.err == nil && (l.count == 0 || !l.woken && !l.closing) {
		if l.closing {
			return header{}, nil, nil
		}
		l.woken = false // it was for records that an earlier batch took
		l.work.Wait()
	}
	if l.err != nil {
		return header{}, nil, l.err
	}
	h.length, h.count = uint32(len(l.buf)-batchHeader), l.count
	h.lsn = l.lsn + 1 - uint64(l.count)
	frame = append(l.buf, zeros[:frameSize(int64(h.length))-int64(len(l.buf))]...)
	l.buf = l.spare
	l.count, l.woken = 0, false
	l.room.Broadcast()
	return h, frame, nil
}

// write makes one batch durable.
func (l *Log) write(h *header, frame []byte) error {
	h.nonce, h.seq, h.floor = l.nonce, l.seq+1, l.floor
	h.sum = crc32.Checksum(frame[batchHeader:batchHeader+h.length], castagnoli)
	h.put(frame)
	size := int64(len(frame))
	if s := l.last(); s.size-s.end < size {
		if err := l.rotate(h.seq, size); err != nil {
			return err
		}
	}
	s := l.last()
	n, err := l.active.WriteAt(frame, s.end)
	if err == nil && n != len(frame) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("write batch %d to %s at %d: %w", h.seq, s.name, s.end, err)
	}
	start := time.Now()
	if err := l.active.Datasync(); err != nil {
		return fmt.Errorf("sync batch %d in %s: %w", h.seq, s.name, err)
	}
	l.o.Synced(time.Since(start), len(frame))
	s.end += size
	l.seq = h.seq
	return nil
}

func (l *Log) last() *segment { return &l.segs[len(l.segs)-1] }

// rotate begins a segment with batch seq, in which size bytes must have room.
// All earlier batches are durable. The segment's name says so: it is in the
// directory before anything is written to it.
func (l *Log) rotate(seq uint64, size int64) error {
	free, err := l.pool.take(size)
	if err != nil {
		return err
	}
	name := fileName(seq, logExt)
	if err := l.fs.Rename(free, name); err != nil {
		return fmt.Errorf("rename %s to %s: %w", free, name, err)
	}
	if err := l.fs.Sync(); err != nil {
		return fmt.Errorf("sync the directory for %s: %w", name, err)
	}
	f, err := l.fs.Open(name)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	if l.active != nil {
		if err := l.active.Close(); err != nil {
			f.Close()
			return fmt.Errorf("close %s: %w", l.last().name, err)
		}
	}
	l.active = f
	got, err := f.Size()
	if err != nil {
		return fmt.Errorf("stat %s: %w", name, err)
	}
	if n := len(l.segs); n > 0 && l.segs[n-1].first == seq {
		l.segs = l.segs[:n-1] // it had no batch and too little room; the rename replaced it
	}
	l.segs = append(l.segs, segment{name: name, first: seq, size: got})
	return nil
}

// settle draws the consequences of a durable batch: which segments may go, and
// which may be said to be needless in the next one.
func (l *Log) settle(h *header, frame []byte) error {
	for len(l.segs) > 1 && l.segs[1].first <= h.floor {
		if err := l.pool.give(l.segs[0].name, l.segs[0].size); err != nil {
			return err
		}
		l.segs = append(l.segs[:0], l.segs[1:]...)
	}
	moved, err := l.pins.note(h, frame[batchHeader:batchHeader+h.length])
	if err != nil {
		return fmt.Errorf("read batch %d back: %w", h.seq, err)
	}
	if moved {
		l.floor = l.needed()
	}
	if n := len(l.segs); n > crowdedSegments && l.segs[n-1].first == h.seq {
		l.crowd()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Durable = h.lsn + uint64(h.count) - 1
	l.stats.Batches++
	l.stats.Bytes += uint64(len(frame))
	l.stats.Segments = len(l.segs)
	if moved || !l.stats.Pinned {
		l.stats.Oldest, _, l.stats.Pinned = l.pins.oldest()
	}
	if cap(frame) > keepBytes {
		frame = make([]byte, batchHeader)
	}
	l.spare = frame[:batchHeader]
	return nil
}

// crowd tells who keeps the oldest segment, if the log is crowded.
func (l *Log) crowd() {
	var bytes int64
	for i := range l.segs {
		bytes += l.segs[i].size
	}
	if groups, live := l.pins.before(l.segs[1].first); len(groups) > 0 && bytes > crowdedFactor*live {
		l.o.Crowded(groups)
	}
}

// needed returns the first batch of the oldest segment that a group needs.
func (l *Log) needed() uint64 {
	_, seq, ok := l.pins.oldest()
	for i := len(l.segs) - 1; i >= 0; i-- {
		if first := l.segs[i].first; !ok || first <= seq {
			return first
		}
	}
	return l.floor
}

// fail ends the log for good.
func (l *Log) fail(err error) {
	err = fmt.Errorf("log in %v: %w", l.fs, err)
	l.mu.Lock()
	l.err = err
	l.buf = nil
	l.room.Broadcast()
	l.mu.Unlock()
	l.o.Failed(err)
}

// A CorruptError says that the log lacks something that was durable. Nothing
// on disk has been changed.
type CorruptError struct {
	File   string // in the log's directory
	Offset int64  // bytes into it
	Seq    uint64 // of the first batch that is missing or damaged
	Reason string
}

// Error says what is wrong where, and what to do.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s, offset %d, batch %d: %s; records that were durable are gone, "+
		"so this replica must not go on from here: restore the disk, or remove the member "+
		"and add it again under a new ID with an empty directory; nothing was changed",
		e.File, e.Offset, e.Seq, e.Reason)
}

// ErrVersion says that a newer program wrote the log.
var ErrVersion = errors.New("written by a newer version of this program")
