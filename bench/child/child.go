// Package child runs processes that must not outlive their parent, and asks
// them what they spent. It needs Linux.
package child

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Child is a process that this one started.
type Child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	in    *json.Encoder
	out   *json.Decoder
}

// Start runs a program with what it says on standard error in log. It is
// killed when ctx ends, and by the kernel when the thread that started it
// does: the runtime keeps threads, so that is when this process ends.
func Start(ctx context.Context, log *os.File, path string, args ...string) (*Child, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return &Child{cmd, in, json.NewEncoder(in), json.NewDecoder(out)}, nil
}

// Tell writes v, as JSON, to the child's standard input.
func (c *Child) Tell(v any) error {
	if err := c.in.Encode(v); err != nil {
		return fmt.Errorf("tell child %d: %w", c.PID(), err)
	}
	return nil
}

// Hear reads the next JSON value that the child wrote to its standard output.
// It waits until there is one or the child ends.
func (c *Child) Hear(v any) error {
	if err := c.out.Decode(v); err != nil {
		return fmt.Errorf("hear child %d: %w", c.PID(), err)
	}
	return nil
}

// PID returns the process's number.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// CPU returns the time, user and system, that the child has spent.
func (c *Child) CPU() (time.Duration, error) { return CPU(c.PID()) }

// CPU returns the time that a process has spent; 0 is this one. It reads the
// process's clock, whose number follows from the PID: see clock_getres(2).
func CPU(pid int) (time.Duration, error) {
	const clockSched = 2 // of the kernel's per-process clocks, the scheduler's
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|clockSched), &t); err != nil {
		return 0, fmt.Errorf("read the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// Stop ends the child: it is told by the end of its input, and killed if that
// has not helped after grace.
func (c *Child) Stop(grace time.Duration) error {
	c.stdin.Close()
	return c.await(grace)
}

// Interrupt ends the child by a SIGINT, and kills it if that has not helped
// after grace.
func (c *Child) Interrupt(grace time.Duration) error {
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("interrupt child %d: %w", c.PID(), err)
	}
	err := c.await(grace)
	if s, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signal() == syscall.SIGINT {
		return nil // it cleaned up, and then died of the signal as if it had not caught it
	}
	return err
}

func (c *Child) await(grace time.Duration) error {
	kill := time.AfterFunc(grace, func() { c.cmd.Process.Kill() })
	defer kill.Stop()
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("child %d: %w", c.PID(), err)
	}
	return nil
}
