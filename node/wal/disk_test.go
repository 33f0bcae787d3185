package wal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
)

// errPower is what every call gets once the power is off.
var errPower = errors.New("power is off")

// A ram is an FS that knows what a loss of power would leave. A write changes
// the cache; a sync makes it durable; until then any subset of its sectors may
// reach the medium. Names become durable in order, any prefix at a crash.
type ram struct {
	mu      sync.Mutex
	names   map[string]*inode
	durable map[string]*inode
	renames []func(map[string]*inode) // not yet durable
	locked  bool
	off     bool
	ops     int
	trace   []string
	// fault, if any, decides over each call: an error, and for a write how many
	// bytes of it are done. It may turn the power off.
	fault func(d *ram, op, name string, size int) (int, error)
}

type inode struct {
	cache, medium []byte
	pending       []sectorWrite
}

type sectorWrite struct {
	at   int
	data []byte
}

func newRAM() *ram { return &ram{names: map[string]*inode{}, durable: map[string]*inode{}} }

func (d *ram) String() string { return "ram" }

// do is at the head of every call.
func (d *ram) do(op, name string, size int) (int, error) {
	d.ops++
	if d.off {
		return 0, errPower
	}
	if size > 0 {
		d.trace = append(d.trace, fmt.Sprintf("%s %s %d", op, name, size))
	} else {
		d.trace = append(d.trace, op+" "+name)
	}
	if d.fault != nil {
		if n, err := d.fault(d, op, name, size); err != nil {
			return n, err
		}
	}
	return size, nil
}

// crash returns what is on the medium after a loss of power.
func (d *ram) crash(rnd *rand.Rand) *ram {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
	names := maps.Clone(d.durable)
	if n := len(d.renames); n > 0 {
		for _, f := range d.renames[:rnd.IntN(n+1)] {
			f(names)
		}
	}
	after := newRAM()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		old := names[name]
		b := slices.Clone(old.medium)
		all := rnd.IntN(4) == 0
		for _, w := range old.pending {
			if all || rnd.IntN(2) == 0 {
				b = put(b, w.at, w.data)
			}
		}
		f := &inode{cache: b, medium: slices.Clone(b)}
		after.names[name], after.durable[name] = f, f
	}
	return after
}

// restart returns the same disk for another process: caches live on.
func (d *ram) restart() *ram {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
	return &ram{names: d.names, durable: d.durable, renames: d.renames}
}

func (d *ram) content() map[string][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := map[string][]byte{}
	for name, f := range d.names {
		m[name] = slices.Clone(f.cache)
	}
	return m
}

// ramOf makes a disk that holds just these files.
func ramOf(files map[string][]byte) *ram {
	d := newRAM()
	for name, b := range files {
		f := &inode{cache: slices.Clone(b), medium: slices.Clone(b)}
		d.names[name], d.durable[name] = f, f
	}
	return d
}

func put(b []byte, at int, data []byte) []byte {
	if n := at + len(data) - len(b); n > 0 {
		b = append(b, make([]byte, n)...)
	}
	copy(b[at:], data)
	return b
}

type unlock struct{ d *ram }

func (u unlock) Close() error { u.d.mu.Lock(); u.d.locked = false; u.d.mu.Unlock(); return nil }

func (d *ram) Lock() (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked {
		return nil, ErrLocked
	}
	d.locked = true
	return unlock{d}, nil
}

func (d *ram) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.do("list", "", 0); err != nil {
		return nil, err
	}
	return slices.Collect(maps.Keys(d.names)), nil
}

// change is an operation on names.
func (d *ram) change(f func(map[string]*inode)) {
	f(d.names)
	d.renames = append(d.renames, f)
}

func (d *ram) Create(name string) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.do("create", name, 0); err != nil {
		return nil, err
	}
	if d.names[name] != nil {
		return nil, fmt.Errorf("%s exists", name)
	}
	f := &inode{}
	d.change(func(m map[string]*inode) { m[name] = f })
	return handle{d, f, name}, nil
}

func (d *ram) Open(name string) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.do("open", name, 0); err != nil {
		return nil, err
	}
	if d.names[name] == nil {
		return nil, fmt.Errorf("%s does not exist", name)
	}
	return handle{d, d.names[name], name}, nil
}

func (d *ram) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.do("rename", from+" "+to, 0); err != nil {
		return err
	}
	f := d.names[from]
	if f == nil {
		return fmt.Errorf("%s does not exist", from)
	}
	d.change(func(m map[string]*inode) { delete(m, from); m[to] = f })
	return nil
}

func (d *ram) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.do("remove", name, 0); err != nil {
		return err
	}
	d.change(func(m map[string]*inode) { delete(m, name) })
	return nil
}

func (d *ram) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.do("syncdir", "", 0); err != nil {
		return err
	}
	d.durable, d.renames = maps.Clone(d.names), nil
	return nil
}

type handle struct {
	d    *ram
	f    *inode
	name string
}

func (h handle) ReadAt(b []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.d.off {
		return 0, errPower
	}
	return bytes.NewReader(h.f.cache).ReadAt(b, off)
}

func (h handle) WriteAt(b []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	n, err := h.d.do("write", h.name, len(b))
	b = b[:n]
	h.f.cache = put(h.f.cache, int(off), b)
	for at := int(off); len(b) > 0; {
		k := min(len(b), sector-at%sector)
		h.f.pending = append(h.f.pending, sectorWrite{at, slices.Clone(b[:k])})
		at, b = at+k, b[k:]
	}
	return n, err
}

func (h handle) Close() error { return nil }

func (h handle) Size() (int64, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	return int64(len(h.f.cache)), nil
}

func (h handle) Sync() error     { return h.sync("sync") }
func (h handle) Datasync() error { return h.sync("datasync") }

// sync forgets what was pending when it fails, and keeps it in the cache: that
// is what operating systems do.
func (h handle) sync(op string) error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	_, err := h.d.do(op, h.name, 0)
	if err == nil {
		for _, w := range h.f.pending {
			h.f.medium = put(h.f.medium, w.at, w.data)
		}
	}
	if !h.d.off {
		h.f.pending = nil
	}
	return err
}
