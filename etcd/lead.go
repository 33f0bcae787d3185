package etcd

import (
	"context"
	"errors"
	"sync"
	"time"

	"althing/kv"
	"althing/process"
)

// leadership is what the server knows of who leads, for those who wait for it.
type leadership struct {
	mu   sync.Mutex
	lost chan struct{} // closed while there has been no leader for long
}

func newLeadership() *leadership { return &leadership{lost: make(chan struct{})} }

// watch returns a channel that is closed once there has been no leader for
// three elections: clients that require one are then sent elsewhere.
func (l *leadership) watch() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

func (l *leadership) set(led bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	closed := false
	select {
	case <-l.lost:
		closed = true
	default:
	}
	switch {
	case led && closed:
		l.lost = make(chan struct{})
	case !led && !closed:
		close(l.lost)
	}
}

// leading returns the epoch in which this member leads.
func (s *Server) leading() (epoch uint64, ok bool) {
	st, _ := s.Group.Status()
	return st.Epoch, st.Leader == s.Self
}

// confirm returns an error unless this member still led, in the same epoch,
// when confirm was called.
//
// A barrier is a round of whoever leads. Had another been elected by now, the
// barrier would be its round, and its epoch would be known here by the end.
func (s *Server) confirm(ctx context.Context, epoch uint64) error {
	if err := s.barrier(ctx); err != nil {
		return err
	}
	if now, ok := s.leading(); !ok || now != epoch {
		return clientError(ctx, kv.ErrNotLessor)
	}
	return nil
}

// followLeader lets this member reign over leases while it leads, and tells of
// the loss of a leader.
func (s *Server) followLeader() {
	patience := time.NewTimer(3 * s.Election) // runs while there is no leader
	defer patience.Stop()
	led := false
	for s.life.Err() == nil {
		st, changed := s.Group.Status()
		switch {
		case st.Leader != 0:
			s.lead.set(true)
			patience.Stop()
		case led: // elections that elect nobody do not begin it anew
			patience.Reset(3 * s.Election)
		}
		led = st.Leader != 0
		if st.Leader == s.Self {
			s.reign(changed)
			continue
		}
		select {
		case <-changed:
		case <-patience.C:
			s.lead.set(false)
		case <-s.life.Done():
		}
	}
}

// reign keeps the deadlines of leases until changed is closed. That a lease has
// run out takes effect through the log alone, and only in the reign that
// decided it: so it does no harm if two believe that they reign.
func (s *Server) reign(changed <-chan struct{}) {
	ctx, cancel := context.WithCancel(s.life)
	defer cancel()
	go func() {
		select {
		case <-changed:
			cancel()
		case <-ctx.Done():
		}
	}()
	lessor := s.Store.Lessor()
	defer lessor.Demote()
	for ctx.Err() == nil {
		result, err := s.propose(ctx, &kv.LeasePromote{})
		if err != nil {
			if ctx.Err() == nil {
				s.Log.Warn("begin to keep leases", "error", err)
			}
			pause(ctx, upkeepInterval)
			continue
		}
		// An election's time on top, for clients whose renewals failed while
		// there was no leader.
		if lessor.Promote(result.Index, s.Election) {
			s.keepLeases(ctx, lessor)
		}
	}
}

// keepLeases proposes what the lessor decides, until ctx ends or another reign
// has begun in the log: then ours is over, and begins anew if we still lead.
func (s *Server) keepLeases(ctx context.Context, lessor *kv.Lessor) {
	for pause(ctx, upkeepInterval) {
		if c := lessor.Expired(); c != nil && !s.decide(ctx, c) {
			return
		}
		for c := lessor.Checkpoint(); c != nil; c = lessor.Checkpoint() {
			if !s.decide(ctx, c) {
				return
			}
		}
	}
}

// decide proposes a decision of this reign, and returns false if the reign is
// over. Any other failure is of the moment: the lessor decides anew.
func (s *Server) decide(ctx context.Context, c kv.Command) bool {
	bounded, cancel := s.bound(ctx)
	defer cancel()
	v, err := s.Group.Do(bounded, process.Command, kv.Encode(c))
	if err != nil {
		if ctx.Err() == nil {
			s.Log.Warn("propose a decision on leases", "error", err)
		}
		return ctx.Err() == nil
	}
	r, ok := v.(*kv.Result)
	return !ok || !errors.Is(r.Err, kv.ErrStale)
}
