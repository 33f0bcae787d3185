package feed

import (
	"context"
	"errors"
	"sync"

	"althing/kv"
)

// A Watcher is one watch of one Reader.
type Watcher struct {
	ID       int64 // the Reader's own name for it
	Span     Span
	NoPut    bool // puts are left out
	NoDelete bool // deletes are left out

	reader *Reader
	// next is the first revision that it has not been given. While it is
	// synced, the hub has given it everything from there on, and next is only
	// where that began.
	next  int64
	slot  int     // in its group, while it is in an index
	turn  uint64  // when it last led a catching up
	batch []*Item // of whoever goes through the log for it

	synced  bool    // guarded by Reader.mu; set under Hub.mu too
	pending []*Item // guarded by Reader.mu: given and not yet taken
}

func (w *Watcher) leavesOut(e *kv.Event) bool { return e.Delete && w.NoDelete || !e.Delete && w.NoPut }

// A Reader is any number of watchers with one client. One goroutine calls its
// methods.
type Reader struct {
	hub      *Hub
	most     int // bytes that may wait
	watchers map[int64]*Watcher
	turns    uint64

	mu    sync.Mutex // of what follows: the hub's business too
	ready []*Watcher // with something pending
	bytes int        // of all that is pending, about
	lag   int        // watchers that are not synced
	wake  chan struct{}
}

// A Given is what one watcher is given: whole revisions, ascending.
type Given struct {
	Watcher *Watcher
	Items   []*Item
}

// NewReader returns a Reader in which about most bytes of events may wait, and
// one change of any size.
func (h *Hub) NewReader(most int) *Reader {
	return &Reader{hub: h, most: most, watchers: make(map[int64]*Watcher), wake: make(chan struct{}, 1)}
}

// Wake returns a channel that tells when there may be something to Take or a
// reason to CatchUp.
func (r *Reader) Wake() <-chan struct{} { return r.wake }

// Watch begins to watch, from revision next on: one in the past, the present,
// or the future. The ID must not be in use.
func (r *Reader) Watch(w *Watcher, next int64) {
	w.reader, w.next = r, next
	r.watchers[w.ID] = w
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lag++
	r.stir()
}

// Forget ends a watcher. What waited for it is dropped.
func (r *Reader) Forget(w *Watcher) {
	r.hub.remove(w)
	delete(r.watchers, w.ID)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !w.synced {
		r.lag--
	}
	for _, it := range w.pending {
		r.bytes -= it.Size()
	}
	w.pending = nil // and so Take passes it over
}

// Close ends all watchers.
func (r *Reader) Close() {
	for _, w := range r.watchers {
		r.Forget(w)
	}
	r.hub.leave(r)
}

// Take returns what waits. Once that is sent, every synced watcher has been
// given everything up to revision upTo: see Reached. It may have been given
// more.
func (r *Reader) Take() (given []Given, upTo int64) {
	// Read before the lock: what the hub had given out by then is pending by
	// then, or was taken.
	upTo = r.hub.next.Load() - 1
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.ready {
		if len(w.pending) > 0 {
			given = append(given, Given{w, w.pending})
			w.pending = nil
		}
	}
	clear(r.ready)
	r.ready, r.bytes = r.ready[:0], 0
	return given, upTo
}

// Reached reports whether w has been given everything up to revision upTo, of
// which Take said so, and began no later.
func (r *Reader) Reached(w *Watcher, upTo int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return w.synced && w.next <= upTo+1
}

// AllReached reports whether all watchers have Reached upTo.
func (r *Reader) AllReached(upTo int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.watchers {
		if !w.synced || w.next > upTo+1 {
			return false
		}
	}
	return true
}

// Await has Wake tell when a further Take may return a higher upTo.
func (r *Reader) Await(upTo int64) { r.hub.await(r, upTo) }

// CatchUp lets watchers that are behind go on: one of them in turn leads, and
// all that are near it come along, so that the log is read once for them. It
// returns what they are given, the watchers whose cursor is compacted, which
// the caller must Forget, and whether there may be more to do.
func (r *Reader) CatchUp(ctx context.Context) (given []Given, gone []*Watcher, more bool, err error) {
	lead := r.nextBehind()
	if lead == nil {
		return nil, nil, false, nil
	}
	r.turns++
	lead.turn = r.turns
	if r.hub.enter(lead) {
		return nil, nil, true, nil
	}
	select { // as many at a time as there are processors, each Reader in turn
	case r.hub.scans <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, false, ctx.Err()
	}
	from := lead.next
	changes, next, err := r.hub.store.Events(from, r.hub.next.Load()-1, batchBytes)
	<-r.hub.scans
	if errors.Is(err, kv.ErrCompacted) {
		_, compacted := r.hub.store.Revisions()
		return nil, r.behind(0, compacted), true, nil
	}
	if err != nil {
		return nil, nil, false, err
	}
	return r.advance(changes, from, next), nil, true, nil
}

// nextBehind returns the watcher that is behind and has led longest ago.
func (r *Reader) nextBehind() (lead *Watcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lag == 0 {
		return nil
	}
	for _, w := range r.watchers {
		if w.goesOn() && (lead == nil || w.turn < lead.turn) {
			lead = w
		}
	}
	return lead
}

// goesOn reports whether w is behind, and has been sent all that is before its
// cursor: what is pending goes first.
func (w *Watcher) goesOn() bool { return !w.synced && len(w.pending) == 0 }

// behind returns the watchers that are behind with a cursor in [from, to).
func (r *Reader) behind(from, to int64) (ws []*Watcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.watchers {
		if w.goesOn() && from <= w.next && w.next < to {
			ws = append(ws, w)
		}
	}
	return ws
}

// advance gives changes, which are all from revision from up to next, to the
// watchers that are behind within them.
func (r *Reader) advance(changes []kv.Change, from, next int64) (given []Given) {
	var near index
	along := r.behind(from, next)
	for _, w := range along {
		near.add(w)
	}
	var touched []*Watcher
	for i := range changes {
		match(&near, &changes[i], &touched) // batches grow over revisions: no watcher twice
	}
	for _, w := range touched {
		given = append(given, Given{w, w.batch})
		w.batch = nil
	}
	for _, w := range along {
		w.next = next
		r.hub.enter(w)
	}
	return given
}

// push adds what the hub has for w in one revision. It returns false if too
// much waits: then w falls behind, and has none of it.
func (r *Reader) push(w *Watcher, rev int64) bool {
	size := 0
	for _, it := range w.batch {
		size += it.Size()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stir()
	if r.bytes > 0 && r.bytes+size > r.most {
		r.fallBehind(w, rev)
		return false
	}
	if len(w.pending) == 0 {
		r.ready = append(r.ready, w)
	}
	w.pending = append(w.pending, w.batch...)
	r.bytes += size
	return true
}

// leave makes w fall behind at next. Only the hub calls it.
func (r *Reader) leave(w *Watcher, next int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fallBehind(w, next)
	r.stir()
}

func (r *Reader) fallBehind(w *Watcher, next int64) {
	w.synced, w.next = false, next
	r.lag++
}

// join makes w synced. Only the hub calls it.
func (r *Reader) join(w *Watcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.synced = true
	r.lag--
}

func (r *Reader) isSynced(w *Watcher) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return w.synced
}

func (r *Reader) stir() {
	select {
	case r.wake <- struct{}{}:
	default: // it is about to look anyhow
	}
}
