package kv

import (
	"errors"

	"althing/kv/command"
)

// Scan begins to read keys one by one, in order, for ranges that are too large
// for one reply. It knows neither sorting nor filters: ErrInvalidSort. The
// caller must Finish it.
func (s *Store) Scan(r *Range) (*Scan, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if !r.Streams() {
		return nil, ErrInvalidSort
	}
	v, done, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	rev, err := v.at(r.Revision)
	if err != nil {
		return nil, errors.Join(err, done())
	}
	w, err := v.walk(command.SpanOf(r.Key, r.End), rev)
	if err != nil {
		return nil, errors.Join(err, done())
	}
	return &Scan{r: *r, w: w, done: done, reply: RangeReply{Revision: v.rev}}, nil
}

// A Scan is a Range under way. It sees one revision all along.
type Scan struct {
	r     Range
	w     *walker
	done  func() error
	reply RangeReply
	err   error
}

// Next returns the next version; ok is false after the last, or after an error
// that Finish returns.
func (c *Scan) Next() (kv KeyValue, ok bool) {
	if c.err != nil || c.r.CountOnly || c.reply.Count >= c.r.Most() || !c.w.next() {
		return KeyValue{}, false
	}
	c.reply.Count++
	kv, c.err = c.w.kv(!c.r.KeysOnly)
	return kv, c.err == nil
}

// Finish counts the keys that Next has not come to, and closes the scan. The
// reply has no versions.
func (c *Scan) Finish() (*RangeReply, error) {
	given := c.reply.Count
	for c.err == nil && c.w.next() {
		c.reply.Count++
	}
	c.reply.More = !c.r.CountOnly && c.reply.Count > given
	return &c.reply, c.Close()
}

// Close ends the scan where it is, without counting.
func (c *Scan) Close() error { return errors.Join(c.w.close(c.err), c.done()) }
