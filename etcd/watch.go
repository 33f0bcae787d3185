package etcd

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/protobuf/proto"

	"althing/etcd/feed"
)

const (
	// noWatcher is the watch ID of a response that is about all or none.
	noWatcher = -1
	// maxWatchers bounds the watchers of one stream.
	maxWatchers = 1 << 16
	// waitingRequests is how many requests of a stream are read ahead.
	waitingRequests = 16
)

// Why a watcher was not made. Clients show the text.
const (
	reasonDuplicate = "mvcc: duplicate watch ID provided on the WatchStream"
	reasonEmpty     = "mvcc: watcher range is empty"
	reasonCompacted = "mvcc: required revision has been compacted"
	reasonTooMany   = "mvcc: too many watchers on the WatchStream"
)

// watches is the service etcdserverpb.Watch.
type watches struct {
	pb.UnimplementedWatchServer
	*Server
}

// A watch is a watcher as its client wants to be told.
type watch struct {
	feed.Watcher
	prev     bool  // events with the version before
	fragment bool  // large revisions in pieces
	progress bool  // now and then how far it is
	idle     bool  // nothing was sent since the last progress interval
	sent     int64 // revision of the last event sent
}

// A stream is a client's connection with any number of watches on it. One
// goroutine does all but read requests.
type stream struct {
	*Server
	to       pb.Watch_WatchServer
	requests chan *pb.WatchRequest // closed when the client is done
	readErr  error                 // why; read after requests is closed
	reader   *feed.Reader
	watches  map[int64]*watch
	nextID   int64
	sent     int64            // highest revision of an event sent
	asked    bool             // for progress, and not yet answered
	tick     <-chan time.Time // of progress notifications; nil while none is wanted
}

// Watch implements pb.WatchServer.
func (s *watches) Watch(to pb.Watch_WatchServer) error {
	t := &stream{
		Server:   s.Server,
		to:       to,
		requests: make(chan *pb.WatchRequest, waitingRequests),
		reader:   s.hub.NewReader(s.WatchBytes),
		watches:  make(map[int64]*watch),
	}
	defer t.reader.Close()
	go t.receive()
	return t.run()
}

// receive reads requests until the stream ends; then Recv fails.
func (t *stream) receive() {
	defer close(t.requests)
	for {
		r, err := t.to.Recv()
		if err != nil {
			t.readErr = err
			return
		}
		select {
		case t.requests <- r:
		case <-t.to.Context().Done():
			t.readErr = context.Cause(t.to.Context())
			return
		}
	}
}

// run does in turn what there is to do, requests first.
func (t *stream) run() error {
	for t.life.Err() == nil {
		var r *pb.WatchRequest
		var ok bool
		select {
		case r, ok = <-t.requests:
		default:
			worked, err := t.step()
			if err != nil {
				return err
			}
			if worked {
				continue
			}
			select {
			case r, ok = <-t.requests:
			case <-t.reader.Wake():
				continue
			case <-t.tick:
				if err := t.notifyIdle(); err != nil {
					return err
				}
				continue
			case <-t.to.Context().Done():
				return context.Cause(t.to.Context())
			case <-t.life.Done():
				continue
			}
		}
		if !ok {
			if errors.Is(t.readErr, io.EOF) {
				return nil
			}
			return t.readErr
		}
		if err := t.handle(r); err != nil {
			return err
		}
	}
	return rpctypes.ErrGRPCStopped
}

// step sends what waits, tells the progress that was asked for, and catches up
// a little. It reports whether there may be more to do.
func (t *stream) step() (worked bool, err error) {
	given, upTo := t.reader.Take()
	if err := t.sendAll(given); err != nil {
		return false, err
	}
	if err := t.tellProgress(upTo); err != nil {
		return false, err
	}
	missed, gone, more, err := t.reader.CatchUp(t.to.Context())
	if err != nil {
		return false, clientError(t.to.Context(), err)
	}
	for _, w := range gone {
		if err := t.cancelCompacted(w); err != nil {
			return false, err
		}
	}
	return more || len(given) > 0, t.sendAll(missed)
}

// tellProgress answers that all watches are at revision upTo, if they are and
// it was asked for. It never speaks of less than what was sent: a client would
// take up there again.
func (t *stream) tellProgress(upTo int64) error {
	if !t.asked {
		return nil
	}
	if upTo < t.sent || !t.reader.AllReached(upTo) {
		t.reader.Await(upTo)
		return nil
	}
	t.asked = false
	if len(t.watches) == 0 {
		return nil // nobody to tell
	}
	return t.to.Send(&pb.WatchResponse{Header: t.header(upTo), WatchId: noWatcher})
}

func (t *stream) handle(r *pb.WatchRequest) error {
	switch r := r.GetRequestUnion().(type) {
	case *pb.WatchRequest_CreateRequest:
		return t.create(r.CreateRequest)
	case *pb.WatchRequest_CancelRequest:
		return t.cancel(r.CancelRequest.GetWatchId())
	case *pb.WatchRequest_ProgressRequest:
		t.asked = true
	}
	return nil
}

func (t *stream) create(r *pb.WatchCreateRequest) error {
	rev, _ := t.Store.Revisions()
	next := r.GetStartRevision()
	w := &watch{
		prev: r.GetPrevKv(), fragment: r.GetFragment(), progress: r.GetProgressNotify(), idle: true,
	}
	w.ID, w.Span = r.GetWatchId(), feed.SpanOf(r.GetKey(), r.GetRangeEnd())
	for _, f := range r.GetFilters() {
		w.NoPut = w.NoPut || f == pb.WatchCreateRequest_NOPUT
		w.NoDelete = w.NoDelete || f == pb.WatchCreateRequest_NODELETE
	}
	if w.ID == 0 {
		for t.watches[t.nextID] != nil {
			t.nextID++
		}
		w.ID = t.nextID
		t.nextID++
	}
	reason := ""
	switch {
	case t.watches[w.ID] != nil || w.ID == noWatcher:
		reason = reasonDuplicate
	case w.Span.Empty():
		reason = reasonEmpty
	case next < 0:
		reason = reasonCompacted
	case len(t.watches) == maxWatchers:
		reason = reasonTooMany
	}
	created := &pb.WatchResponse{Header: t.header(rev), WatchId: w.ID, Created: true}
	if reason != "" {
		created.WatchId, created.Canceled, created.CancelReason = noWatcher, true, reason
		return t.to.Send(created)
	}
	if next == 0 {
		next = rev + 1
	}
	t.watches[w.ID] = w
	t.reader.Watch(&w.Watcher, next)
	if w.progress && t.tick == nil {
		// The jitter keeps streams that began together from ticking together.
		d := t.ProgressInterval
		t.tick = time.Tick(d + rand.N(d/10))
	}
	return t.to.Send(created) // events follow, for this goroutine sends them too
}

// cancel ends a watch at its client's wish.
func (t *stream) cancel(id int64) error {
	w := t.watches[id]
	if w == nil {
		return nil
	}
	t.reader.Forget(&w.Watcher)
	delete(t.watches, id)
	return t.to.Send(&pb.WatchResponse{Header: t.headerNow(), WatchId: id, Canceled: true})
}

// cancelCompacted ends a watch whose next revision is gone.
func (t *stream) cancelCompacted(w *feed.Watcher) error {
	t.reader.Forget(w)
	delete(t.watches, w.ID)
	_, compacted := t.Store.Revisions()
	return t.to.Send(&pb.WatchResponse{
		Header: t.headerNow(), WatchId: w.ID, Canceled: true, CompactRevision: compacted,
	})
}

// notifyIdle tells the watches that want it, and were sent nothing for an
// interval, how far they are.
func (t *stream) notifyIdle() error {
	given, upTo := t.reader.Take()
	if err := t.sendAll(given); err != nil {
		return err
	}
	for id, w := range t.watches {
		if !w.progress {
			continue
		}
		if w.idle && w.sent <= upTo && t.reader.Reached(&w.Watcher, upTo) {
			if err := t.to.Send(&pb.WatchResponse{Header: t.header(upTo), WatchId: id}); err != nil {
				return err
			}
		}
		w.idle = true
	}
	return nil
}

func (t *stream) sendAll(given []feed.Given) error {
	for _, g := range given {
		if err := t.send(t.watches[g.Watcher.ID], g.Items); err != nil {
			return err
		}
	}
	return nil
}

// send sends items, in order of revision, in responses of whole revisions.
func (t *stream) send(w *watch, items []*feed.Item) error {
	w.idle, w.sent = false, items[len(items)-1].Revision()
	t.sent = max(t.sent, w.sent)
	for len(items) > 0 {
		n := t.cut(items)
		events := make([]*mvccpb.Event, n)
		for i, it := range items[:n] {
			events[i] = it.Event
			if w.prev {
				var err error
				if events[i], err = it.WithPrevious(t.Store); err != nil {
					return clientError(t.to.Context(), err)
				}
			}
		}
		response := &pb.WatchResponse{
			Header: t.header(items[n-1].Revision()), WatchId: w.ID, Events: events,
		}
		if err := t.sendFragments(w, response); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

// cut returns how many items go into one response: as many whole revisions as
// are no larger than a request may be, and one at least.
func (t *stream) cut(items []*feed.Item) int {
	size, whole := 0, 0
	for i, it := range items {
		if i > 0 && it.Revision() != items[i-1].Revision() {
			whole = i
		}
		if size += it.Size(); size > t.RequestBytes && whole > 0 {
			return whole
		}
	}
	return len(items)
}

// sendFragments sends a response in pieces if it is too large and its client
// can put them together.
func (t *stream) sendFragments(w *watch, r *pb.WatchResponse) error {
	if !w.fragment || proto.Size(r) < t.RequestBytes {
		return t.to.Send(r)
	}
	for rest := r.Events; len(rest) > 0; {
		n, size := 0, feed.EventOverhead // and that is for the header
		for n < len(rest) {
			if size += proto.Size(rest[n]) + feed.EventOverhead; n > 0 && size >= t.RequestBytes {
				break
			}
			n++
		}
		piece := &pb.WatchResponse{
			Header: r.Header, WatchId: r.WatchId, Events: rest[:n], Fragment: n < len(rest),
		}
		if err := t.to.Send(piece); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}
