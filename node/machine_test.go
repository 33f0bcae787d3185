package node_test

import (
	"bytes"
	"encoding/gob"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"althing/process"
	"althing/session"
)

// appender is a machine that appends each command to one string, and returns
// the length. It lives in a file that only Sync and Load write, so that a
// crash takes it back to there.
type appender struct {
	path string

	mu     sync.Mutex
	now    image
	table  session.Table
	staged *image
}

type image struct {
	Index, Epoch uint64
	Group        []byte
	Text         []byte
	Table        []byte
}

type outcome struct {
	length  int
	skipped bool
}

// Skipped implements process.Skipped.
func (o outcome) Skipped() bool { return o.skipped }

func openAppender(dir string, group process.Group) (*appender, error) {
	a := &appender{path: filepath.Join(dir, "app")}
	b, err := os.ReadFile(a.path)
	if errors.Is(err, os.ErrNotExist) {
		if len(group.Voters) > 0 {
			a.now.Index, a.now.Epoch = 1, 1
		}
		a.now.Group = process.AppendGroup(nil, group)
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	if err := gob.NewDecoder(bytes.NewReader(b)).Decode(&a.now); err != nil {
		return nil, err
	}
	_, err = a.table.LoadState(a.now.Table)
	return a, err
}

// Apply implements process.Machine.
func (a *appender) Apply(es []process.Entry, result func(int, any)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range es {
		e := &es[i]
		if e.Index != a.now.Index+1 {
			panic("a gap in the entries")
		}
		a.now.Index, a.now.Epoch = e.Index, e.Epoch
		var o outcome
		switch e.Req.Kind {
		case process.Session:
			a.table.Open(e.Index)
		case process.Members:
			g, _, err := process.CutGroup(e.Req.Cmd)
			if err != nil {
				panic(err)
			}
			a.now.Group = process.AppendGroup(nil, g)
		case process.Command:
			if v, _ := a.table.Check(&e.Req); v != session.New {
				o.skipped = true
				break
			}
			a.now.Text = append(a.now.Text, e.Req.Cmd...)
			a.table.Done(&e.Req, nil)
		}
		o.length = len(a.now.Text)
		result(i, o)
	}
}

// Read implements process.Machine.
func (a *appender) Read([]byte) any {
	a.mu.Lock()
	defer a.mu.Unlock()
	return string(a.now.Text)
}

func (a *appender) text() string { return a.Read(nil).(string) }

// State implements process.Machine.
func (a *appender) State() process.State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now.state()
}

func (i *image) state() process.State {
	g, _, err := process.CutGroup(i.Group)
	if err != nil {
		panic(err)
	}
	return process.State{Index: i.Index, Epoch: i.Epoch, Group: g}
}

func (a *appender) copy() *image {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.now
	c.Text, c.Table = bytes.Clone(c.Text), a.table.AppendState(nil)
	return &c
}

// Sync implements process.Machine.
func (a *appender) Sync() (process.State, error) {
	c := a.copy()
	return c.state(), a.write(c)
}

func (a *appender) write(c *image) error {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(c); err != nil {
		return err
	}
	if err := os.WriteFile(a.path+".new", b.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(a.path+".new", a.path)
}

// Image implements process.Machine.
func (a *appender) Image() (process.Image, error) { return held{a.copy()}, nil }

type held struct{ *image }

// State implements process.Image.
func (h held) State() process.State { return h.state() }

// WriteTo implements io.WriterTo.
func (h held) WriteTo(w io.Writer) (int64, error) { return 0, gob.NewEncoder(w).Encode(h.image) }

// Close implements io.Closer.
func (h held) Close() error { return nil }

// Stage implements process.Machine.
func (a *appender) Stage(r io.Reader) (process.State, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return process.State{}, err
	}
	a.staged = new(image)
	if err := gob.NewDecoder(bytes.NewReader(b)).Decode(a.staged); err != nil {
		return process.State{}, err
	}
	return a.staged.state(), nil
}

// Load implements process.Machine.
func (a *appender) Load() error {
	if err := a.write(a.staged); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = *a.staged
	_, err := a.table.LoadState(a.now.Table)
	return err
}
