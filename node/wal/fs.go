package wal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// An FS is the one directory that a log lives in. Names have no separators.
// It is an interface so that tests can cut the power.
type FS interface {
	// Lock keeps every other process out until the Closer is closed, and makes
	// the directory if there is none. It fails with ErrLocked if one is in.
	Lock() (io.Closer, error)
	// List returns the names of all files.
	List() ([]string, error)
	// Create makes an empty file, which must not exist.
	Create(name string) (File, error)
	// Open opens a file for reading and writing.
	Open(name string) (File, error)
	// Rename renames a file, in place of one that has the new name.
	Rename(from, to string) error
	// Remove removes a file.
	Remove(name string) error
	// Sync makes the names of files durable: creations, renames, removals.
	Sync() error
}

// A File is one open file of an FS.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Size returns the length in bytes.
	Size() (int64, error)
	// Sync makes what was written durable, and the file's length.
	Sync() error
	// Datasync makes what was written within the file's length durable.
	Datasync() error
}

// ErrLocked says that another process has the log open.
var ErrLocked = errors.New("locked by another process")

// Dir returns the directory at path of the operating system.
func Dir(path string) FS { return dir(path) }

type dir string

func (d dir) at(name string) string { return filepath.Join(string(d), name) }

func (d dir) Lock() (io.Closer, error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return nil, err
	}
	// The directory's own name must last as long as what is in it.
	if err := syncDir(filepath.Dir(filepath.Clean(string(d)))); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.at("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock %s: %w", d.at("lock"), err)
	}
	return f, nil
}

func (d dir) List() ([]string, error) {
	es, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(es))
	for _, e := range es {
		names = append(names, e.Name())
	}
	return names, nil
}

func (d dir) Create(name string) (File, error) {
	return openFile(d.at(name), os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (d dir) Open(name string) (File, error) { return openFile(d.at(name), os.O_RDWR) }

func (d dir) Rename(from, to string) error { return os.Rename(d.at(from), d.at(to)) }

func (d dir) Remove(name string) error { return os.Remove(d.at(name)) }

func (d dir) Sync() error { return syncDir(string(d)) }

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	return errors.Join(err, f.Close())
}

type file struct{ *os.File }

func openFile(path string, flag int) (File, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err // not a File that holds a nil pointer
	}
	return file{f}, nil
}

func (f file) Size() (int64, error) {
	i, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return i.Size(), nil
}

func (f file) Datasync() error { return datasync(f.File) }
