package kv

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"althing/kv/disk"
)

// sweepStep bounds the revisions that one batch of the sweeper clears up, so
// that it never holds up Apply for long.
const sweepStep = 256

// A sweeper removes what compactions gave up. It goes through the event log
// from where it was to the watermark: each change there names the version that
// it ended, and that is garbage once the change itself is at or below the
// watermark; so is a tombstone. Nobody sees it at work: no reader may ask for
// what it removes. How far it is, is written with each step.
type sweeper struct {
	s      *Store
	e      *disk.State
	at     swept
	signal chan struct{} // holds one: there may be something to do
	quit   chan struct{}
	done   chan struct{}
}

func startSweeper(s *Store, e *disk.State, at swept) *sweeper {
	w := &sweeper{s: s, e: e, at: at,
		signal: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	w.wake()
	go w.run()
	return w
}

func (w *sweeper) wake() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// stop ends the sweeper, and waits for it.
func (w *sweeper) stop() {
	close(w.quit)
	<-w.done
}

func (w *sweeper) run() {
	defer close(w.done)
	for {
		select {
		case <-w.quit:
			return
		case <-w.signal:
		}
		for w.at.rev < w.watermark() {
			select {
			case <-w.quit:
				return
			default:
			}
			if err := w.step(); err != nil {
				// Garbage does no harm. The next compaction tries again.
				w.s.opts.Log.Error("sweep", "error", err)
				break
			}
		}
	}
}

func (w *sweeper) watermark() int64 {
	if p := w.s.pub.Load(); p != nil && p.engine == w.e {
		return p.meta.compacted
	}
	return 0
}

// step removes what the next revisions ended, in one batch with the record
// that it is done.
func (w *sweeper) step() error {
	first, last := w.at.rev+1, min(w.at.rev+sweepStep, w.watermark())
	next := swept{rev: last, freed: w.at.freed}
	b := w.e.DB.NewBatch()
	defer b.Close()
	err := each(w.e.DB, eventKey(first), eventKey(last+1), func(k, v []byte) error {
		rev := int64(binary.BigEndian.Uint64(k[1:]))
		ls, err := cutLogged(v, rev)
		for i := range ls {
			err = errors.Join(err, next.free(b, &ls[i], rev))
		}
		return err
	})
	// The record of last stays: watchers may ask for the watermark's own events.
	err = errors.Join(err, b.DeleteRange(eventKey(first-1), eventKey(last), nil),
		b.Set(keySwept, next.append(nil), nil))
	if err != nil {
		return fmt.Errorf("sweep revisions %d to %d: %w", first, last, err)
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("sweep revisions %d to %d: %w", first, last, err)
	}
	w.at = next
	w.s.freed.Store(next.freed)
	w.s.swept.set(next.rev)
	return nil
}

// free removes the version that l ended, and l's own if it is a tombstone.
func (s *swept) free(b *pebble.Batch, l *logged, rev int64) error {
	var err error
	if l.ended != 0 {
		err = b.Delete(appendDataKey(nil, l.key, l.ended, false), nil)
		s.freed += l.freeable
	}
	if l.delete {
		err = errors.Join(err, b.Delete(appendDataKey(nil, l.key, rev, true), nil))
		s.freed += versionSize(l.key, nil)
	}
	return err
}
