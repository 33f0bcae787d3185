package etcd

import (
	"context"
	"sync"
	"time"
)

// A bounded context is that of a request, ended after the timeout of the server.
// Each request has one, and most are decided without anybody waiting for its
// end: so it takes a timer only when somebody does.
type bounded struct {
	context.Context
	at time.Time // before the deadline that the request came with, if it has any

	mu    sync.Mutex
	inner context.Context // nil: nobody waits
	stop  context.CancelFunc
	over  bool
}

// bound returns ctx, ended after the timeout of the server if it goes on longer.
// The caller must call stop when the request is done.
func (s *Server) bound(ctx context.Context) (short context.Context, stop context.CancelFunc) {
	at := time.Now().Add(s.timeout())
	if d, ok := ctx.Deadline(); ok && !d.After(at) {
		return ctx, func() {}
	}
	b := &bounded{Context: ctx, at: at}
	return b, b.end
}

// Deadline implements context.Context.
func (b *bounded) Deadline() (time.Time, bool) { return b.at, true }

// Done implements context.Context.
func (b *bounded) Done() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.inner == nil {
		b.inner, b.stop = context.WithDeadline(b.Context, b.at)
		if b.over {
			b.stop()
		}
	}
	return b.inner.Done()
}

// Err implements context.Context.
func (b *bounded) Err() error {
	b.mu.Lock()
	inner, over := b.inner, b.over
	b.mu.Unlock()
	switch {
	case inner != nil:
		return inner.Err()
	case b.Context.Err() != nil:
		return b.Context.Err()
	case over:
		return context.Canceled
	case !time.Now().Before(b.at):
		<-b.Done() // so that it does not change any more
		return context.DeadlineExceeded
	}
	return nil
}

func (b *bounded) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	if b.stop != nil {
		b.stop()
	}
}
