package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"althing/internal/terminal"
	"althing/supervise"
)

// superviseAll runs each member as a child, and starts it again if it dies.
func (u *upCommand) superviseAll(ctx context.Context, c *cluster, to *terminal.Output) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	lines := supervise.NewLines(to.Err)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for i := range c.Members {
		child := &supervise.Child{Name: c.Members[i].Name, Path: self, Lines: lines,
			Args: append([]string{"serve"}, u.serve(c, i)...)}
		group.Go(func() {
			if err := child.Run(ctx); err != nil {
				cancel(err)
			}
		})
	}
	u.tell(c, to)
	go u.awaitReady(ctx, c, to)
	group.Go(func() {
		if u.awaitFounded(ctx, c) {
			if err := u.founded(c); err != nil {
				cancel(err)
			}
		}
	})
	<-ctx.Done()
	fmt.Fprintln(to.Out, "Stopping; once more and it ends at once.")
	group.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// awaitFounded returns true once all children have begun.
func (u *upCommand) awaitFounded(ctx context.Context, c *cluster) bool {
	for _, m := range c.Members {
		for ready(ctx, m.Metrics) != nil {
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return false
			}
		}
	}
	return true
}
