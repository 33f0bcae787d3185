package feed

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"althing/kv"
)

const (
	// batchBytes is how much of the event log is read at once.
	batchBytes = 1 << 20
	// EventOverhead is what an event takes besides key and value, about.
	EventOverhead = 64
)

// A Hub gives each change to those who watch its key.
type Hub struct {
	store *kv.Store
	scans chan struct{} // holds one for each Reader that reads the log now

	mu      sync.Mutex   // of index, and of batch in it; taken before Reader.mu
	index   index        // the synced watchers
	next    atomic.Int64 // the first revision not yet given out; written under mu
	touched []*Watcher   // those with a batch
	waiting map[*Reader]struct{}
}

// NewHub returns a Hub that begins at the present. Run makes it go on.
func NewHub(s *kv.Store) *Hub {
	h := &Hub{store: s, scans: make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))}
	h.waiting = make(map[*Reader]struct{})
	rev, _ := s.Revisions()
	h.next.Store(rev + 1)
	return h
}

// Run follows the store until ctx ends.
func (h *Hub) Run(ctx context.Context) {
	for ctx.Err() == nil {
		rev, later := h.store.Changed()
		if rev >= h.next.Load() {
			h.give(rev)
			continue
		}
		select {
		case <-later:
		case <-ctx.Done():
		}
	}
}

// give hands out what is in the log up to rev, or the first batch of it.
func (h *Hub) give(rev int64) {
	changes, next, err := h.store.Events(h.next.Load(), rev, batchBytes)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil || next <= h.next.Load() {
		// Compacted under our hands, or unreadable: each watcher will find out
		// for itself, and its client be told.
		h.scatter()
		next = rev + 1
	}
	for i := range changes {
		h.deliver(&changes[i])
	}
	h.next.Store(next)
	for r := range h.waiting {
		r.stir()
	}
	clear(h.waiting)
}

// await has r woken once the hub is beyond revision upTo.
func (h *Hub) await(r *Reader, upTo int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next.Load() > upTo+1 {
		r.stir()
		return
	}
	h.waiting[r] = struct{}{}
}

// leave forgets a reader.
func (h *Hub) leave(r *Reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.waiting, r)
}

// deliver gives all events of one revision to those who watch them.
func (h *Hub) deliver(c *kv.Change) {
	match(&h.index, c, &h.touched)
	for _, w := range h.touched {
		if !w.reader.push(w, c.Revision) {
			h.index.remove(w)
		}
		clear(w.batch)
		w.batch = w.batch[:0]
	}
	clear(h.touched)
	h.touched = h.touched[:0]
}

// match puts the events of c into the batches of the watchers that want them,
// and notes which these are. All of them share the events.
func match(x *index, c *kv.Change, touched *[]*Watcher) {
	for i := range c.Events {
		e := &c.Events[i]
		var it *Item
		x.match(e.KV.Key, func(g *group) {
			for _, w := range g.watchers {
				if c.Revision < w.next || w.leavesOut(e) {
					continue
				}
				if it == nil {
					it = newItem(e)
				}
				if len(w.batch) == 0 {
					*touched = append(*touched, w)
				}
				w.batch = append(w.batch, it)
			}
		})
	}
}

// scatter makes all watchers fall behind, at where the hub is.
func (h *Hub) scatter() {
	next := h.next.Load()
	for _, w := range h.index.all() {
		w.reader.leave(w, max(next, w.next))
	}
	h.index = index{}
}

// enter makes w synced if it is where the hub is, or ahead of it.
func (h *Hub) enter(w *Watcher) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if w.next < h.next.Load() {
		return false
	}
	w.reader.join(w)
	h.index.add(w)
	return true
}

// remove forgets w if it is synced.
func (h *Hub) remove(w *Watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if w.reader.isSynced(w) {
		h.index.remove(w)
	}
}

// An Item is an event, shared by all who watch it. Nobody may change it.
type Item struct {
	Event *mvccpb.Event
	once  sync.Once // guards full and err
	full  *mvccpb.Event
	err   error
}

func newItem(e *kv.Event) *Item {
	event := &mvccpb.Event{Kv: &mvccpb.KeyValue{
		Key: e.KV.Key, Value: e.KV.Value, CreateRevision: e.KV.Create, ModRevision: e.KV.Mod,
		Version: e.KV.Version, Lease: e.KV.Lease,
	}}
	if e.Delete {
		event.Type = mvccpb.Event_DELETE
	}
	return &Item{Event: event}
}

// Revision returns the revision of the change.
func (it *Item) Revision() int64 { return it.Event.Kv.ModRevision }

// Size returns the bytes of the event, about.
func (it *Item) Size() int {
	return len(it.Event.Kv.Key) + len(it.Event.Kv.Value) + EventOverhead
}

// WithPrevious returns the event with the version that it replaced, if there
// was one and it is not compacted. It is looked up once for all watchers, by
// the first that asks.
func (it *Item) WithPrevious(s *kv.Store) (*mvccpb.Event, error) {
	it.once.Do(func() {
		it.full = it.Event
		if it.Event.Type == mvccpb.Event_PUT && it.Event.Kv.Version == 1 {
			return // there was none
		}
		prev, err := s.At(it.Event.Kv.Key, it.Revision()-1)
		switch {
		case errors.Is(err, kv.ErrCompacted):
		case err != nil:
			it.err = err
		case prev != nil:
			it.full = &mvccpb.Event{Type: it.Event.Type, Kv: it.Event.Kv, PrevKv: &mvccpb.KeyValue{
				Key: prev.Key, Value: prev.Value, CreateRevision: prev.Create, ModRevision: prev.Mod,
				Version: prev.Version, Lease: prev.Lease,
			}}
		}
	})
	return it.full, it.err
}
