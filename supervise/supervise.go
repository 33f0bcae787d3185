// Package supervise keeps child processes running: one that dies is started
// again, and all end with their parent, however that ends (on Linux).
package supervise

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
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

// Lines passes on whole lines from several writers.
type Lines struct {
	mu sync.Mutex
	to io.Writer
}

// NewLines returns Lines that go to w.
func NewLines(w io.Writer) *Lines { return &Lines{to: w} }

// pass passes on what r says, each line with the name before it.
func (l *Lines) pass(name string, r io.Reader) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	for s.Scan() {
		l.say(name, s.Text())
	}
	_, _ = io.Copy(io.Discard, r) // after a line that is too long, or the child would wait for us
}

func (l *Lines) say(name, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.to, "%s| %s\n", name, text)
}

// A Child is a process that is to run as long as its parent does.
type Child struct {
	Name  string   // as told in Lines
	Path  string   // of the program
	Args  []string // without the program's name
	Lines *Lines   // takes what it writes to standard error, and what becomes of it
}

// Run keeps the child running until ctx ends. It gives up on one that
// does not stay.
func (c *Child) Run(ctx context.Context) error {
	// The kernel ends a child with the thread that started it: this one must not
	// go before the child does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
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
			return fmt.Errorf("%s ended %d times in a row: %w", c.Name, deaths, err)
		}
		pause := restarts.Delay(deaths+1, rand.Float64()).Round(10 * time.Millisecond)
		c.Lines.say(c.Name, fmt.Sprintf("ended: %v; started again in %v", err, pause))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

var errEnded = errors.New("it stopped by itself")

// once runs the child to its end.
func (c *Child) once(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
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
	c.Lines.say(c.Name, fmt.Sprintf("process %d", cmd.Process.Pid))
	c.Lines.pass(c.Name, stderr)
	if err := cmd.Wait(); err != nil {
		return err
	}
	return errEnded
}
