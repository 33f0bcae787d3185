package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"althing/retry"
)

const (
	// stopTimeout is when a child that was asked to stop is killed.
	stopTimeout = 15 * time.Second
	// steady is how long a child must have lived for its end to be a new one.
	steady = 10 * time.Second
	// maxLine bounds a line of a child's log that is passed on in one piece.
	maxLine = 1 << 20
)

// restarts is how a child that died is started again.
var restarts = retry.Policy{Attempts: 6, Initial: time.Second, Max: 10 * time.Second, Multiplier: 2, Jitter: 0.1}

// superviseAll runs each member as a child, and starts it again if it dies.
func (u *upCommand) superviseAll(ctx context.Context, c *cluster, to *output) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	lines := &lines{to: to.err}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for i := range c.Members {
		child := &child{name: c.Members[i].Name, path: self, lines: lines,
			args: append([]string{"serve"}, u.serve(c, i)...)}
		group.Go(func() {
			// The kernel ends a child with the thread that started it: this one
			// must not go before the child does.
			runtime.LockOSThread()
			if err := child.supervise(ctx); err != nil {
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
	fmt.Fprintln(to.out, "Stopping; once more and it ends at once.")
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

// lines passes on whole lines from several writers.
type lines struct {
	mu sync.Mutex
	to io.Writer
}

// pass passes on what r says, each line with the name before it.
func (l *lines) pass(name string, r io.Reader) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	for s.Scan() {
		l.say(name, s.Text())
	}
	_, _ = io.Copy(io.Discard, r) // after a line that is too long, or the child would wait for us
}

func (l *lines) say(name, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.to, "%s| %s\n", name, text)
}

// A child is one member in a process of its own.
type child struct {
	name, path string
	args       []string
	lines      *lines
}

// supervise keeps the child running until ctx ends. It gives up on one that
// does not stay.
func (c *child) supervise(ctx context.Context) error {
	for deaths := 0; ; {
		began := time.Now()
		err := c.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) >= steady {
			deaths = 0
		}
		if deaths++; deaths >= restarts.Attempts {
			return fmt.Errorf("member %s ended %d times in a row: %w", c.name, deaths, err)
		}
		pause := restarts.Delay(deaths+1, rand.Float64()).Round(10 * time.Millisecond)
		c.lines.say(c.name, fmt.Sprintf("ended: %v; started again in %v", err, pause))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

var errEnded = errors.New("it stopped by itself")

// once runs the child to its end.
func (c *child) once(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.SysProcAttr = attributes()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.lines.say(c.name, fmt.Sprintf("process %d", cmd.Process.Pid))
	c.lines.pass(c.name, stderr)
	if err := cmd.Wait(); err != nil {
		return err
	}
	return errEnded
}
