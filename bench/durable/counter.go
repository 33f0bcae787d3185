package durable

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"althing/process"
	"althing/session"
)

// counter is about the least that a machine can be: it counts commands. Like
// any, it keeps sessions, and its state can be saved and sent.
type counter struct {
	path string

	mu     sync.Mutex
	state  process.State
	count  uint64
	table  session.Table
	staged []byte
}

// done is the result of an entry.
type done bool

// Skipped implements process.Skipped.
func (d done) Skipped() bool { return !bool(d) }

func newCounter(path string, founders process.Group) *counter {
	return &counter{path: path, state: process.State{Index: 1, Epoch: 1, Group: founders}}
}

// Apply implements process.Machine.
func (c *counter) Apply(es []process.Entry, result func(int, any)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range es {
		e := &es[i]
		c.state.Index, c.state.Epoch = e.Index, e.Epoch
		applied := done(true)
		switch e.Req.Kind {
		case process.Session:
			c.table.Open(e.Index)
		case process.Members:
			if g, _, err := process.CutGroup(e.Req.Cmd); err == nil {
				c.state.Group = g
			}
		case process.Command:
			if v, _ := c.table.Check(&e.Req); v != session.New {
				applied = false
				break
			}
			c.count++
			c.table.Done(&e.Req, nil)
		}
		result(i, applied)
	}
}

// Read implements process.Machine.
func (c *counter) Read([]byte) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

// State implements process.Machine.
func (c *counter) State() process.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// bytes returns the state with its name and its length before it.
func (c *counter) bytes() (process.State, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := binary.LittleEndian.AppendUint64(nil, c.state.Index)
	b = binary.LittleEndian.AppendUint64(b, c.state.Epoch)
	b = binary.LittleEndian.AppendUint64(b, c.count)
	return c.state, c.table.AppendState(process.AppendGroup(b, c.state.Group))
}

// Sync implements process.Machine.
func (c *counter) Sync() (process.State, error) {
	s, b := c.bytes()
	return s, replace(c.path, b)
}

// replace puts b in place of a file, durably.
func replace(path string, b []byte) error {
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// Image implements process.Machine.
func (c *counter) Image() (process.Image, error) {
	s, b := c.bytes()
	return image{s, b}, nil
}

type image struct {
	state process.State
	bytes []byte
}

// State implements process.Image.
func (i image) State() process.State { return i.state }

// WriteTo implements io.WriterTo.
func (i image) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(i.bytes)
	return int64(n), err
}

// Close implements io.Closer.
func (image) Close() error { return nil }

// Stage implements process.Machine.
func (c *counter) Stage(r io.Reader) (process.State, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return process.State{}, err
	}
	var probe counter
	if err := probe.load(b); err != nil {
		return process.State{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.staged = b
	return probe.state, replace(c.path+".staged", b)
}

// Load implements process.Machine.
func (c *counter) Load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := replace(c.path, c.staged); err != nil {
		return err
	}
	return c.load(c.staged)
}

func (c *counter) load(b []byte) error {
	const head = 24 // index, epoch, count
	if len(b) < head {
		return fmt.Errorf("a state of %d bytes", len(b))
	}
	g, rest, err := process.CutGroup(b[head:])
	if err != nil {
		return fmt.Errorf("read the group: %w", err)
	}
	c.state = process.State{Index: binary.LittleEndian.Uint64(b), Epoch: binary.LittleEndian.Uint64(b[8:]), Group: g}
	c.count = binary.LittleEndian.Uint64(b[16:])
	_, err = c.table.LoadState(rest)
	return err
}
