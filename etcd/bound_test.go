package etcd

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestBound: whoever waits and whoever only looks learn the same of a request's
// end, whatever ends it.
func TestBound(t *testing.T) {
	s := &Server{Options: Options{Election: time.Second}}
	for _, waits := range []bool{false, true} {
		check := func(name string, ctx context.Context, want error) {
			t.Helper()
			if waits {
				select {
				case <-ctx.Done():
					if want == nil {
						t.Errorf("%s: it has ended", name)
					}
				default:
					if want != nil {
						t.Errorf("%s: it goes on", name)
					}
				}
			}
			if err := ctx.Err(); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
		}
		parent, cancel := context.WithCancel(t.Context())
		ctx, stop := s.bound(parent)
		check("under way", ctx, nil)
		if d, ok := ctx.Deadline(); !ok || time.Until(d) > s.timeout() {
			t.Errorf("the deadline is %v, %v", d, ok)
		}
		cancel()
		<-parent.Done()
		check("canceled", ctx, context.Canceled)
		stop()

		ctx, stop = s.bound(t.Context())
		stop()
		check("stopped", ctx, context.Canceled)

		ctx, stop = s.bound(t.Context())
		ctx.(*bounded).at = time.Now().Add(-time.Second)
		check("late", ctx, context.DeadlineExceeded)
		check("late", ctx, context.DeadlineExceeded)
		stop()
		check("late, and stopped", ctx, context.DeadlineExceeded)

		short, cancel := context.WithTimeout(t.Context(), time.Second)
		if ctx, _ = s.bound(short); ctx != short {
			t.Error("a request that has less time than the server's gets another context")
		}
		cancel()
	}
}
