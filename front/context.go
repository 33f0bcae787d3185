package front

import (
	"context"
	"sync"
	"time"
)

// A callContext is the context of a call. It is made for every call, and most
// are never waited for: so it has neither channel nor timer until somebody asks
// for Done, and what it says of the call is shared with others that open alike.
type callContext struct {
	context.Context           // with the values; never done
	deadline        time.Time // zero: none

	mu    sync.Mutex
	err   error
	done  chan struct{}
	timer *time.Timer
	after map[*func()]struct{} // to be called at the end
}

// Deadline implements context.Context.
func (x *callContext) Deadline() (time.Time, bool) { return x.deadline, !x.deadline.IsZero() }

// Err implements context.Context.
func (x *callContext) Err() error {
	x.mu.Lock()
	err := x.err
	x.mu.Unlock()
	if err == nil && !x.deadline.IsZero() && !time.Now().Before(x.deadline) {
		err = context.DeadlineExceeded
		x.end(err) // so that it does not change any more
	}
	return err
}

// Done implements context.Context.
func (x *callContext) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.done == nil {
		x.done = make(chan struct{})
		x.arm()
		if x.err != nil {
			close(x.done)
		}
	}
	return x.done
}

// arm starts the timer, if there is something to wait for.
func (x *callContext) arm() {
	if x.err == nil && x.timer == nil && !x.deadline.IsZero() {
		x.timer = time.AfterFunc(time.Until(x.deadline), func() { x.end(context.DeadlineExceeded) })
	}
}

// AfterFunc has f called in a goroutine of its own when the context ends. The
// context package makes use of it for contexts below this one.
func (x *callContext) AfterFunc(f func()) (stop func() bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil {
		go f()
		return func() bool { return false }
	}
	if x.after == nil {
		x.after = make(map[*func()]struct{})
	}
	key := &f
	x.after[key] = struct{}{}
	x.arm()
	return func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		_, waits := x.after[key]
		delete(x.after, key)
		return waits
	}
}

// end ends the context, once; nil is for a call that went well.
func (x *callContext) end(why error) {
	if why == nil {
		why = context.Canceled
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil {
		return
	}
	x.err = why
	if x.timer != nil {
		x.timer.Stop()
	}
	if x.done != nil {
		close(x.done)
	}
	for f := range x.after {
		go (*f)()
	}
	x.after = nil
}
