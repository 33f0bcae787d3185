// Package disk keeps the states of a store in a directory: each a database of
// its own, one of them the present one.
package disk

import (
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

// What is wrong with a directory.
var (
	ErrForeign = errors.New("directory holds something else")
	ErrFormat  = errors.New("unknown format version")
)

const (
	// markerName names the file whose own name says which directory is the
	// present state. It moves by one rename.
	markerName = "store"
	statesName = "state-"
)

// blockBytes is what is read at once. While a table is written, the engine keeps
// 32 KiB of memory for each block of older versions, however small it is.
const blockBytes = 32 << 10

// A Config is what all states of a store share.
type Config struct {
	FS            vfs.FS
	Comparer      *pebble.Comparer
	Cache         *pebble.Cache
	MemTableBytes int
	Log           *slog.Logger // of the storage engine's complaints
}

// A State is one state on disk. Readers hold it while they read, so that
// another can be put in its place at once, and it is closed when the last is
// done.
type State struct {
	DB *pebble.DB

	fs     vfs.FS
	dir    string
	refs   atomic.Int64
	doomed atomic.Bool   // remove the directory when closed
	closed chan struct{} // after the last release
	err    error         // of closing; read after closed
}

// Open opens the state in dir, or makes an empty one there. It is held once.
func Open(c Config, dir string) (*State, error) {
	opts := &pebble.Options{
		FS:           c.FS,
		Comparer:     c.Comparer,
		Cache:        c.Cache,
		DisableWAL:   true, // the consensus log is the log: what is lost here is applied anew
		MemTableSize: uint64(c.MemTableBytes),
		// More than the two that are needed, so that a flush under way does not
		// stop Apply.
		MemTableStopWritesThreshold: 3,
		// What is written is merged with all that lies below it, for keys come in
		// any order: the more at once, the less often. Filters keep a read of one
		// key from having to look into each level.
		L0CompactionThreshold: 8,
		LBaseMaxBytes:         256 << 20,
		FormatMajorVersion:    pebble.FormatNewest,
		Logger:                logger{c.Log},
	}
	opts.TargetFileSizes[0] = 8 << 20
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		opts.Levels[i].BlockSize = blockBytes
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("open state %s: %w", dir, err)
	}
	s := &State{DB: db, fs: c.FS, dir: dir, closed: make(chan struct{})}
	s.refs.Store(1)
	return s, nil
}

// Acquire holds s open, unless it is closed.
func (s *State) Acquire() bool {
	for {
		n := s.refs.Load()
		if n == 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release ends one hold. The last closes the state.
func (s *State) Release() {
	if s.refs.Add(-1) > 0 {
		return
	}
	s.err = s.DB.Close()
	if s.doomed.Load() {
		// What is left over is removed by the next Open.
		s.err = errors.Join(s.err, s.fs.RemoveAll(s.dir))
	}
	close(s.closed)
}

// Doom makes the last Release remove the state from the disk.
func (s *State) Doom() { s.doomed.Store(true) }

// Wait waits until the state is closed, and returns how that went.
func (s *State) Wait() error {
	<-s.closed
	return s.err
}

// A Place is a directory that holds states, and the marker that says which of
// them is the present one.
type Place struct {
	fs      vfs.FS
	dir     string
	marker  *atomicfs.Marker
	version uint64
	number  uint64 // of the present state; 0: there is none
}

// OpenPlace finds out what the directory holds, and removes states that are
// not the present one: staged and never loaded, or replaced. It returns
// ErrForeign, and ErrFormat if the states are of another version.
func OpenPlace(fs vfs.FS, dir string, version uint64) (*Place, error) {
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
	p := &Place{fs: fs, dir: dir, marker: m, version: version}
	err = p.read(value, names)
	if err == nil {
		err = m.RemoveObsolete()
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return p, nil
}

func (p *Place) read(value string, names []string) error {
	if value != "" {
		var version uint64
		if _, err := fmt.Sscanf(value, "%d-%d", &version, &p.number); err != nil || p.number == 0 {
			return fmt.Errorf("marker %q of %s: %w", value, p.dir, ErrForeign)
		}
		if version != p.version {
			return fmt.Errorf("%s is of version %d: %w", p.dir, version, ErrFormat)
		}
	}
	for _, name := range names {
		switch {
		case strings.HasPrefix(name, "marker."+markerName+"."):
		case !strings.HasPrefix(name, statesName):
			return fmt.Errorf("%s holds %s: %w", p.dir, name, ErrForeign)
		case value == "" || p.Path(p.number) != p.fs.PathJoin(p.dir, name):
			if err := p.fs.RemoveAll(p.fs.PathJoin(p.dir, name)); err != nil {
				return fmt.Errorf("remove the state %s: %w", name, err)
			}
		}
	}
	return nil
}

// Path returns the directory of a state.
func (p *Place) Path(number uint64) string {
	return p.fs.PathJoin(p.dir, fmt.Sprintf("%s%08d", statesName, number))
}

// Move makes a state the present one, durably and at once.
func (p *Place) Move(number uint64) error {
	if err := p.marker.Move(fmt.Sprintf("%d-%d", p.version, number)); err != nil {
		return fmt.Errorf("move the marker of %s: %w", p.dir, err)
	}
	p.number = number
	return nil
}

// Number returns which state is the present one; 0: there is none.
func (p *Place) Number() uint64 { return p.number }

// Sync makes durable which states there are.
func (p *Place) Sync() error { return syncDir(p.fs, p.dir) }

// Close lets go of the directory.
func (p *Place) Close() error { return p.marker.Close() }

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
