package wal

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// Open opens the log in fs, and makes one if there is none. It calls replay
// with the records of each group from its last durable checkpoint on, in the
// order in which they were appended; rec is valid during the call only. An
// error of replay ends Open.
//
// Open fails with a *CorruptError if something that was durable is missing,
// with ErrLocked if another process has the log open, and with ErrVersion if a
// newer program wrote it. Then nothing on disk has changed.
//
// It reads the log twice and holds no more than a batch in memory.
func Open(fs FS, o Options, replay func(group uint32, rec []byte) error) (*Log, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("open log in %v: %w", fs, err)
	}
	lock, err := fs.Lock()
	if err != nil {
		return nil, fmt.Errorf("open log in %v: %w", fs, err)
	}
	l := &Log{
		o: o, fs: fs, lock: lock, done: make(chan struct{}),
		pool: pool{fs: fs, bytes: o.SegmentBytes, most: o.Spares},
	}
	l.work.L, l.room.L, l.pool.idle.L = &l.mu, &l.mu, &l.pool.mu
	if err := l.open(replay); err != nil {
		l.pool.wait()
		if l.active != nil {
			l.active.Close()
		}
		lock.Close()
		return nil, fmt.Errorf("open log in %v: %w", fs, err)
	}
	go l.run()
	return l, nil
}

func (l *Log) open(replay func(group uint32, rec []byte) error) error {
	rest, err := l.list()
	if err != nil {
		return err
	}
	r := reader{fs: l.fs, segs: l.segs, pins: pins{}}
	if err := r.scan(); err != nil {
		return err
	}
	if err := l.adopt(&r, rest); err != nil {
		return err
	}
	if err := r.replay(replay); err != nil {
		return err
	}
	l.nonce, l.seq, l.lsn, l.pins = r.nonce, r.next-1, r.lsn, r.pins
	l.floor = l.needed()
	l.buf, l.spare = make([]byte, batchHeader), make([]byte, batchHeader)
	l.stats = Stats{Durable: l.lsn, Segments: len(l.segs)}
	l.stats.Oldest, _, l.stats.Pinned = l.pins.oldest()
	return nil
}

// list finds the segments, in order, and returns the other files that are the
// log's.
func (l *Log) list() (rest []string, err error) {
	names, err := l.fs.List()
	if err != nil {
		return nil, fmt.Errorf("list the directory: %w", err)
	}
	slices.Sort(names)
	for _, name := range names {
		if seq, ok := cutName(name, logExt); ok {
			l.segs = append(l.segs, segment{name: name, first: seq})
		}
		for _, ext := range []string{freeExt, tempExt} {
			if n, ok := cutName(name, ext); ok {
				rest = append(rest, name)
				l.pool.last = max(l.pool.last, n)
			}
		}
	}
	slices.SortFunc(l.segs, func(a, b segment) int { return cmp.Compare(a.first, b.first) })
	return rest, nil
}

// adopt makes the log that r has judged sound fit for appending. It is the
// first to change anything on disk.
func (l *Log) adopt(r *reader, rest []string) error {
	for _, name := range rest {
		keep := len(l.pool.free) < l.pool.most && r.next > 1 && l.reusable(name)
		if keep {
			l.pool.free = append(l.pool.free, name)
		} else if err := l.fs.Remove(name); err != nil {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	if r.nonce == 0 {
		var b [8]byte
		rand.Read(b[:])                                // never fails: the package's promise
		r.nonce = binary.LittleEndian.Uint64(b[:]) | 1 // 0 stands for any
	}
	if len(l.segs) == 0 {
		return l.rotate(r.next, 0)
	}
	f, err := l.fs.Open(l.last().name)
	if err != nil {
		return fmt.Errorf("open %s: %w", l.last().name, err)
	}
	l.active = f
	if err := r.mend(f); err != nil {
		return fmt.Errorf("mend %s: %w", l.last().name, err)
	}
	if err := l.fs.Sync(); err != nil { // a crash may have come between a rename and its sync
		return fmt.Errorf("sync the directory: %w", err)
	}
	l.pool.ahead()
	return nil
}

// reusable reports whether a free file can become a segment.
func (l *Log) reusable(name string) bool {
	if _, ok := cutName(name, freeExt); !ok {
		return false
	}
	f, err := l.fs.Open(name)
	if err != nil {
		return false
	}
	size, err := f.Size()
	return closed(f, err) == nil && size == l.o.SegmentBytes
}

// A reader finds out what a log holds, and whether it holds all it should.
type reader struct {
	fs   FS
	segs []segment
	pins pins

	nonce uint64 // of the log; 0 as long as no batch has told it
	next  uint64 // sequence number of the batch that is looked for
	lsn   uint64 // of the last record found
	floor uint64 // as the last batch found states it

	lastAt int64  // where the last batch is in the last segment, if lastIn
	lastIn bool   // the last segment has a batch
	buf    []byte // one batch
}

// scan reads the whole log, and notes where the records end and from where
// each group needs them.
func (r *reader) scan() error {
	r.next = 1
	for i := range r.segs {
		s := &r.segs[i]
		if i == 0 {
			r.next = s.first
		}
		if r.next != s.first {
			before := &r.segs[i-1]
			return &CorruptError{before.name, before.end, r.next, fmt.Sprintf(
				"the batch is damaged or its file is missing, for the next file begins with %d",
				s.first)}
		}
		if err := r.scanSegment(s); err != nil {
			return err
		}
	}
	n := len(r.segs)
	if n == 0 {
		return nil
	}
	first, last := &r.segs[0], &r.segs[n-1]
	if r.next == first.first && first.first > 1 {
		return &CorruptError{first.name, 0, first.first,
			"the batch is damaged, or the files before this one are missing"}
	}
	if r.floor != 0 && r.floor < first.first {
		return &CorruptError{first.name, 0, r.floor, "the files before this one are missing"}
	}
	r.lastIn = last.end > 0
	return r.tail(last)
}

// scanSegment reads the batches of s, up to the first place that does not hold
// the one that is due.
func (r *reader) scanSegment(s *segment) (err error) {
	f, err := r.fs.Open(s.name)
	if err != nil {
		return fmt.Errorf("open %s: %w", s.name, err)
	}
	defer func() { err = closed(f, err) }()
	if s.size, err = f.Size(); err != nil {
		return fmt.Errorf("stat %s: %w", s.name, err)
	}
	for {
		h, body, err := r.batch(f, s, s.end)
		if err != nil {
			return err
		}
		if body == nil {
			return nil
		}
		if r.lsn != 0 && h.lsn != r.lsn+1 {
			return &CorruptError{s.name, s.end, h.seq, fmt.Sprintf(
				"its first record is %d, and the one before is %d", h.lsn, r.lsn)}
		}
		if _, err := r.pins.note(&h, body); err != nil {
			return &CorruptError{s.name, s.end, h.seq, err.Error()}
		}
		r.nonce, r.floor = h.nonce, h.floor
		r.lsn = h.lsn + uint64(h.count) - 1
		r.next++
		r.lastAt = s.end
		s.end += frameSize(int64(h.length))
	}
}

// batch reads batch r.next at off of f. The body is nil if it is not there.
func (r *reader) batch(f File, s *segment, off int64) (h header, body []byte, err error) {
	var head [batchHeader]byte
	if s.size-off < batchHeader {
		return header{}, nil, nil
	}
	if _, err := f.ReadAt(head[:], off); err != nil {
		return header{}, nil, fmt.Errorf("read %s at %d: %w", s.name, off, err)
	}
	h, what := parseHeader(head[:], r.nonce)
	switch {
	case what == newer:
		return h, nil, fmt.Errorf("%s, offset %d: %w", s.name, off, ErrVersion)
	case what == foreign && off == 0:
		return h, nil, &CorruptError{s.name, off, r.next, "the file belongs to another log"}
	case what != ours || h.seq != r.next || frameSize(int64(h.length)) > s.size-off:
		return h, nil, nil
	}
	if uint32(cap(r.buf)) < h.length {
		r.buf = make([]byte, h.length) // at most the size of the file
	}
	body = r.buf[:h.length:h.length]
	if _, err := f.ReadAt(body, off+batchHeader); err != nil {
		return h, nil, fmt.Errorf("read %s at %d: %w", s.name, off, err)
	}
	if len(body) == 0 || crc32.Checksum(body, castagnoli) != h.sum {
		return h, nil, nil
	}
	return h, body, nil
}

// tail looks behind the end of the last segment for the header of a batch
// later than the one that is missing. One is enough, whether or not the rest
// of it was torn: it would not have been written before the missing batch was
// durable.
func (r *reader) tail(s *segment) (err error) {
	f, err := r.fs.Open(s.name)
	if err != nil {
		return fmt.Errorf("open %s: %w", s.name, err)
	}
	defer func() { err = closed(f, err) }()
	var chunk [256 * sector]byte
	for off := s.end; off < s.size; {
		n, err := f.ReadAt(chunk[:min(int64(len(chunk)), s.size-off)], off)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read %s at %d: %w", s.name, off, err)
		}
		if n == 0 {
			return fmt.Errorf("read %s at %d: %w", s.name, off, io.ErrUnexpectedEOF)
		}
		for b := chunk[:n]; len(b) > 0; b = b[min(sector, len(b)):] {
			if h, what := parseHeader(b, r.nonce); what == ours && h.seq > r.next {
				at := off + int64(n-len(b))
				return &CorruptError{s.name, s.end, r.next, fmt.Sprintf(
					"the batch is damaged, for a later one, %d, is at offset %d", h.seq, at)}
			}
		}
		off += int64(n)
	}
	return nil
}

// mend makes the last segment durable as it was read, and takes away what is
// left of a batch that was torn.
func (r *reader) mend(f File) error {
	s := &r.segs[len(r.segs)-1]
	if r.lastIn {
		// A sync that failed, or never came, may have left the batch in a cache
		// that takes it for written. Writing it again is the one way to be sure.
		n := int(s.end - r.lastAt)
		last := slices.Grow(r.buf[:0], n)[:n]
		if _, err := f.ReadAt(last, r.lastAt); err != nil {
			return fmt.Errorf("read at %d: %w", r.lastAt, err)
		}
		if _, err := f.WriteAt(last, r.lastAt); err != nil {
			return fmt.Errorf("write at %d: %w", r.lastAt, err)
		}
	}
	// The next batch has the number of the torn one. If that is torn too, its
	// sectors and those left here could make up a batch that was given up.
	// Without its first sector it cannot come back.
	if n := min(sector, s.size-s.end); n > 0 {
		if _, err := f.WriteAt(zeros[:n], s.end); err != nil {
			return fmt.Errorf("write at %d: %w", s.end, err)
		}
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}

// replay reads the log again and hands out what the groups still need.
func (r *reader) replay(each func(group uint32, rec []byte) error) error {
	if len(r.segs) == 0 {
		return nil
	}
	end := r.next
	r.next = r.segs[0].first
	for i := range r.segs {
		if err := r.replaySegment(&r.segs[i], each); err != nil {
			return err
		}
	}
	if r.next != end {
		return fmt.Errorf("read again, the log ends before batch %d; it ended before %d", r.next, end)
	}
	return nil
}

func (r *reader) replaySegment(s *segment, each func(group uint32, rec []byte) error) (err error) {
	f, err := r.fs.Open(s.name)
	if err != nil {
		return fmt.Errorf("open %s: %w", s.name, err)
	}
	defer func() { err = closed(f, err) }()
	for off := int64(0); off < s.end; r.next++ {
		h, body, err := r.batch(f, s, off)
		if err != nil {
			return err
		}
		if body == nil {
			return fmt.Errorf("batch %d in %s reads differently the second time", r.next, s.name)
		}
		off += frameSize(int64(h.length))
		err = eachRecord(&h, body, func(lsn uint64, rec record) error {
			at, ok := r.pins[rec.group]
			if !ok || lsn < at.lsn || rec.kind == drop {
				return nil
			}
			if err := each(rec.group, rec.body); err != nil {
				return fmt.Errorf("replay record %d of group %d: %w", lsn, rec.group, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
