package telemetry

import (
	"fmt"
	"os"
	"sync"
)

// maxFileBytes bounds the file of a journal, and the one before it: together
// some hundred thousand lines, which is months of a healthy node.
const maxFileBytes = 64 << 20

// A File is the file of a journal. When it is full it becomes NAME.1, and what
// was NAME.1 is gone.
type File struct {
	mu    sync.Mutex
	name  string
	limit int64
	size  int64
	file  *os.File
}

// OpenFile opens a file to append to; it is made if it is not there.
func OpenFile(name string) (*File, error) { return openFile(name, maxFileBytes) }

func openFile(name string, limit int64) (*File, error) {
	f := &File{name: name, limit: limit}
	return f, f.open()
}

func (f *File) open() error {
	file, err := os.OpenFile(f.name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return fmt.Errorf("open journal: %w", err)
	}
	f.file, f.size = file, info.Size()
	return nil
}

// Write implements io.Writer. A line is never divided between two files.
func (f *File) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return 0, os.ErrClosed
	}
	if f.size > 0 && f.size+int64(len(b)) > f.limit {
		if err := f.turn(); err != nil {
			return 0, err
		}
	}
	n, err := f.file.Write(b)
	f.size += int64(n)
	return n, err
}

// turn begins a new file. If the old one cannot be moved it is gone on with.
func (f *File) turn() error {
	if os.Rename(f.name, f.name+".1") != nil {
		f.size = 0 // so that it is not tried again with every line
		return nil
	}
	old := f.file
	if err := f.open(); err != nil {
		return err
	}
	return old.Close()
}

// Close closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return os.ErrClosed
	}
	err := f.file.Close()
	f.file = nil
	return err
}
