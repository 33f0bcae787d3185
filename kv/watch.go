package kv

import (
	"encoding/binary"
	"errors"
	"sort"
	"sync"
)

const (
	// ringBytes and ringLength bound what is kept in memory of recent changes:
	// a watcher that is not further behind does not read the disk.
	ringBytes  = 16 << 20
	ringLength = 1 << 14
)

// An Event is a change of one key. Nobody may change it: watchers share it.
type Event struct {
	Delete bool
	KV     KeyValue // of a Delete: Key and Mod alone
}

// A Change is all events of one revision, in the order they were made.
type Change struct {
	Revision int64
	Events   []Event
	size     int // bytes, about
}

// Changed returns the current revision, and a channel that is closed when
// there is a later one, or another state was loaded.
func (s *Store) Changed() (rev int64, later <-chan struct{}) { return s.changed.now() }

// Events returns what changed in the revisions from..to, both included, and
// the revision to ask for next: all that a watcher has to remember. It stops
// after the revision that makes it maxBytes or more, and never splits one. A
// from in the future gives nothing; one below the compaction ErrCompacted.
func (s *Store) Events(from, to int64, maxBytes int) (cs []Change, next int64, err error) {
	p := s.pub.Load()
	if p == nil {
		return nil, from, ErrClosed
	}
	from = max(from, 2) // the first revision there is a change for
	to = min(to, p.meta.rev)
	if from < p.meta.compacted {
		return nil, from, ErrCompacted
	}
	if from > to {
		return nil, from, nil
	}
	if cs = s.ring.between(from, to, maxBytes); len(cs) > 0 {
		return cs, cs[len(cs)-1].Revision + 1, nil
	}
	err = s.view(func(v *view) error {
		// Since the look at p, another state may have been loaded.
		to = min(to, v.rev)
		if from < v.compacted {
			return ErrCompacted
		}
		cs, err = v.events(from, to, maxBytes)
		return err
	})
	if err != nil || len(cs) == 0 {
		return nil, from, err
	}
	return cs, cs[len(cs)-1].Revision + 1, nil
}

var errEnough = errors.New("enough")

// events reads changes from the event log. The log has keys alone: values are
// with the versions that the events made.
func (v *view) events(from, to int64, maxBytes int) (cs []Change, err error) {
	if from > to {
		return nil, nil
	}
	bytes, expect := 0, from
	err = each(v.r, eventKey(from), eventKey(to+1), func(k, b []byte) error {
		c := Change{Revision: int64(binary.BigEndian.Uint64(k[1:]))}
		if c.Revision != expect {
			return errStored // no revision is without a change
		}
		expect++
		ls, err := cutLogged(b, c.Revision)
		if err != nil {
			return err
		}
		for i := range ls {
			if err := v.event(&ls[i], &c); err != nil {
				return err
			}
		}
		cs = append(cs, c)
		if bytes += c.size; bytes >= maxBytes {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return cs, nil
}

func (v *view) event(l *logged, c *Change) error {
	e := Event{Delete: l.delete, KV: KeyValue{Key: append([]byte{}, l.key...), Mod: c.Revision}}
	if !l.delete {
		b, err := value(v.r, appendDataKey(nil, l.key, c.Revision, false))
		if err != nil {
			return err
		}
		if err := cutData(b, &e.KV); err != nil {
			return err
		}
	}
	c.Events = append(c.Events, e)
	c.size += len(e.KV.Key) + len(e.KV.Value) + versionOverhead
	return nil
}

// A ring keeps the newest changes, one for each revision without a gap.
type ring struct {
	mu    sync.Mutex
	cs    []Change // never changed in place: what was handed out stays good
	bytes int
}

func (r *ring) add(cs []Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cs = append(r.cs, cs...)
	for i := range cs {
		r.bytes += cs[i].size
	}
	for len(r.cs) > ringLength || len(r.cs) > 1 && r.bytes > ringBytes {
		r.bytes -= r.cs[0].size
		r.cs = r.cs[1:]
	}
}

func (r *ring) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cs, r.bytes = nil, 0
}

// between returns changes from revision from on; none if it does not go back
// that far.
func (r *ring) between(from, to int64, maxBytes int) []Change {
	r.mu.Lock()
	cs := r.cs
	r.mu.Unlock()
	if len(cs) == 0 || from < cs[0].Revision {
		return nil
	}
	i := sort.Search(len(cs), func(i int) bool { return cs[i].Revision >= from })
	bytes, j := 0, i
	for j < len(cs) && cs[j].Revision <= to && (j == i || bytes < maxBytes) {
		bytes += cs[j].size
		j++
	}
	return cs[i:j:j]
}

// A beacon is a number that goroutines wait for a change of.
type beacon struct {
	mu      sync.Mutex
	number  int64
	changed chan struct{} // nil if nobody has asked
}

func newBeacon(n int64) *beacon { return &beacon{number: n} }

func (b *beacon) set(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.number = n
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

func (b *beacon) now() (int64, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.number, b.changed
}

// A Hash is a digest of all versions up to Revision that a compaction at
// Compacted leaves. It is the same on all replicas that are at the same
// Compacted, however far each has swept.
type Hash struct {
	Sum       uint32 // CRC-32C
	Revision  int64
	Compacted int64
}

// HashKV hashes the store as of rev; 0 is now.
func (s *Store) HashKV(rev int64) (h Hash, err error) {
	err = s.view(func(v *view) error {
		if rev, err = v.at(rev); err == nil {
			h, err = v.hash(rev)
		}
		return err
	})
	return h, err
}

// hash goes over the versions, of each key the newest first. Of those at or
// below the compaction only the newest counts, and only if it is no tombstone:
// whether the others are still there is nobody's business.
func (v *view) hash(rev int64) (Hash, error) {
	h := Hash{Revision: rev, Compacted: v.compacted}
	var b, last []byte // last is the key whose older versions do not count
	err := eachOf(v.r, tableData, func(k, value []byte) error {
		prefix, mod, tombstone := cutSuffix(k)
		if mod > rev || string(last) == string(prefix) {
			return nil
		}
		if mod <= v.compacted {
			last = append(last[:0], prefix...)
			if tombstone {
				return nil
			}
		}
		b = binary.AppendUvarint(b[:0], uint64(len(k)))
		b = binary.AppendUvarint(append(b, k...), uint64(len(value)))
		h.Sum = crc(h.Sum, append(b, value...))
		return nil
	})
	return h, err
}
