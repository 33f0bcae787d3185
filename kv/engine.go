package kv

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

const (
	// The engine takes its write buffers, of which four may exist, out of the
	// cache: what is left must hold the filters and indexes of what is stored.
	defaultCacheBytes    = 128 << 20
	defaultMemTableBytes = 16 << 20

	// markerName names the file whose own name says which directory is the
	// present state. It moves by one rename.
	markerName  = "store"
	enginesName = "state-"
)

// comparer orders stored keys by their bytes. It is its own only to tell which
// part of a key the versions of one user key share: one filter entry for all.
var comparer = func() *pebble.Comparer {
	c := *pebble.DefaultComparer
	c.Name = "althing.kv.1"
	c.Split = splitKey
	c.ImmediateSuccessor = nextPrefix
	// Shortened keys would not have the suffix that splitKey cuts off.
	c.Separator = func(dst, a, _ []byte) []byte { return append(dst, a...) }
	c.Successor = func(dst, a []byte) []byte { return append(dst, a...) }
	return &c
}()

// An engine is one state on disk. Readers hold it while they read, so that
// Load can put another in its place at once and close it when the last is done.
type engine struct {
	db     *pebble.DB
	fs     vfs.FS
	dir    string
	refs   atomic.Int64
	doomed atomic.Bool   // remove the directory when closed
	closed chan struct{} // after the last release
	err    error         // of closing; read after closed
}

func openEngine(o *Options, cache *pebble.Cache, dir string) (*engine, error) {
	opts := &pebble.Options{
		FS:           o.FS,
		Comparer:     comparer,
		Cache:        cache,
		DisableWAL:   true, // the consensus log is the log: what is lost here is applied anew
		MemTableSize: uint64(o.MemTableBytes),
		// One more than needed, so that a flush under way does not stop Apply.
		MemTableStopWritesThreshold: 4,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      logger{o.Log},
	}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("open state %s: %w", dir, err)
	}
	e := &engine{db: db, fs: o.FS, dir: dir, closed: make(chan struct{})}
	e.refs.Store(1)
	return e, nil
}

// acquire holds e open, unless it is closed.
func (e *engine) acquire() bool {
	for {
		n := e.refs.Load()
		if n == 0 {
			return false
		}
		if e.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (e *engine) release() {
	if e.refs.Add(-1) > 0 {
		return
	}
	e.err = e.db.Close()
	if e.doomed.Load() {
		// What is left over is removed by the next Open.
		e.err = errors.Join(e.err, e.fs.RemoveAll(e.dir))
	}
	close(e.closed)
}

// value reads one record; nil if there is none.
func value(r pebble.Reader, key []byte) ([]byte, error) {
	v, c, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return bytes.Clone(v), c.Close()
}

// each calls f with every record of a table, in order. They are valid only
// during the call.
func each(r pebble.Reader, lower, upper []byte, f func(k, v []byte) error) (err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if err := f(it.Key(), v); err != nil {
			return err
		}
	}
	return it.Error()
}

func eachOf(r pebble.Reader, table byte, f func(k, v []byte) error) error {
	return each(r, []byte{table}, []byte{table + 1}, f)
}

// A place is a directory that holds states, and the marker that says which of
// them is the present one.
type place struct {
	fs     vfs.FS
	dir    string
	marker *atomicfs.Marker
	number uint64 // of the present state; 0: there is none
}

// openPlace finds out what the directory holds, and removes states that are
// not the present one: staged and never loaded, or replaced.
func openPlace(fs vfs.FS, dir string) (*place, error) {
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make %s: %w", dir, err)
	}
	if err := syncDir(fs, fs.PathDir(dir)); err != nil {
		return nil, fmt.Errorf("sync the parent of %s: %w", dir, err)
	}
	names, err := fs.List(dir)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	m, value, err := atomicfs.LocateMarkerInListing(fs, dir, markerName, names)
	if err != nil {
		return nil, fmt.Errorf("locate the marker of %s: %w", dir, err)
	}
	p := &place{fs: fs, dir: dir, marker: m}
	err = p.read(value, names)
	if err == nil {
		err = m.RemoveObsolete()
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return p, nil
}

func (p *place) read(value string, names []string) error {
	if value != "" {
		var version uint64
		if _, err := fmt.Sscanf(value, "%d-%d", &version, &p.number); err != nil || p.number == 0 {
			return fmt.Errorf("marker %q of %s: %w", value, p.dir, ErrForeign)
		}
		if version != formatVersion {
			return fmt.Errorf("%s is of version %d: %w", p.dir, version, ErrFormat)
		}
	}
	for _, name := range names {
		switch {
		case strings.HasPrefix(name, "marker."+markerName+"."):
		case !strings.HasPrefix(name, enginesName):
			return fmt.Errorf("%s holds %s: %w", p.dir, name, ErrForeign)
		case value == "" || p.path(p.number) != p.fs.PathJoin(p.dir, name):
			if err := p.fs.RemoveAll(p.fs.PathJoin(p.dir, name)); err != nil {
				return fmt.Errorf("remove the state %s: %w", name, err)
			}
		}
	}
	return nil
}

func (p *place) path(number uint64) string {
	return p.fs.PathJoin(p.dir, fmt.Sprintf("%s%08d", enginesName, number))
}

// move makes a state the present one, durably and at once.
func (p *place) move(number uint64) error {
	if err := p.marker.Move(fmt.Sprintf("%d-%d", formatVersion, number)); err != nil {
		return fmt.Errorf("move the marker of %s: %w", p.dir, err)
	}
	p.number = number
	return nil
}

func syncDir(fs vfs.FS, dir string) error {
	if dir == "" {
		dir = "."
	}
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// logger passes on what the storage engine complains of.
type logger struct{ to *slog.Logger }

func (l logger) Infof(string, ...any) {}

func (l logger) Errorf(format string, args ...any) {
	l.to.Error("storage engine", "error", fmt.Sprintf(format, args...))
}

// Fatalf must not return: the engine cannot go on.
func (l logger) Fatalf(format string, args ...any) {
	panic("kv: storage engine: " + fmt.Sprintf(format, args...))
}
