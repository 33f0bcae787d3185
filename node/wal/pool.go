package wal

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Names of the files, each after a number of 16 hexadecimal digits.
const (
	logExt  = ".log"  // a segment; the number is the sequence number of its first batch
	freeExt = ".free" // a written file of a segment's size that waits for use
	tempExt = ".tmp"  // one that is being filled
)

func fileName(n uint64, ext string) string { return fmt.Sprintf("%016x%s", n, ext) }

// cutName reads what fileName wrote.
func cutName(name, ext string) (n uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, ext)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	return n, err == nil && fileName(n, ext) == name
}

// A pool keeps files that segments are made of. All their blocks have been
// written, with zeros or with batches that are not needed any more, so that a
// write to them changes no metadata.
type pool struct {
	fs    FS
	bytes int64 // of a file
	most  int   // files kept

	mu      sync.Mutex
	idle    sync.Cond // filling has become false
	filling bool      // a goroutine is making a file
	free    []string
	last    uint64 // number given to a file
}

// zeros is what files are filled with, so much at a time.
var zeros [1 << 20]byte

// take returns a file of at least size bytes, and has the next one made in the
// meantime.
func (p *pool) take(size int64) (string, error) {
	if size > p.bytes {
		return p.fill(size)
	}
	p.mu.Lock()
	for len(p.free) == 0 && p.filling {
		p.idle.Wait()
	}
	var name string
	if n := len(p.free); n > 0 {
		name, p.free = p.free[n-1], p.free[:n-1]
	}
	p.mu.Unlock()
	if name == "" { // the first of all, or the one made ahead failed: now it matters why
		var err error
		if name, err = p.fill(p.bytes); err != nil {
			return "", err
		}
	}
	p.ahead()
	return name, nil
}

// ahead has a file made if none is left.
func (p *pool) ahead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.filling || len(p.free) > 0 {
		return
	}
	p.filling = true
	go func() {
		name, err := p.fill(p.bytes)
		p.mu.Lock()
		defer p.mu.Unlock()
		if err == nil { // else take tries again when the file is needed
			p.free = append(p.free, name)
		}
		p.filling = false
		p.idle.Broadcast()
	}()
}

// wait returns when no goroutine of the pool is left.
func (p *pool) wait() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.filling {
		p.idle.Wait()
	}
}

func (p *pool) number() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	return p.last
}

// fill makes a file of zeros. It has the name of a free file only when all of
// it is durable.
func (p *pool) fill(size int64) (name string, err error) {
	n := p.number()
	temp, name := fileName(n, tempExt), fileName(n, freeExt)
	f, err := p.fs.Create(temp)
	if err != nil {
		return "", fmt.Errorf("create %s: %w", temp, err)
	}
	for at := int64(0); at < size; {
		n, err := f.WriteAt(zeros[:min(size-at, int64(len(zeros)))], at)
		if err != nil {
			f.Close()
			p.fs.Remove(temp) // gives the room back if the disk is full; if not, Open does it
			return "", fmt.Errorf("fill %s: %w", temp, err)
		}
		at += int64(n)
	}
	err = f.Sync()
	if err := closed(f, err); err != nil {
		return "", fmt.Errorf("sync %s: %w", temp, err)
	}
	if err := p.fs.Rename(temp, name); err != nil {
		return "", fmt.Errorf("rename %s to %s: %w", temp, name, err)
	}
	if err := p.fs.Sync(); err != nil {
		return "", fmt.Errorf("sync the directory after making %s: %w", name, err)
	}
	return name, nil
}

// closed closes f and returns err, or else why f did not close.
func closed(f File, err error) error {
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// give takes over a segment that is not needed any more. The directory is
// synced each time, so that a crash never leaves an older segment than one
// that is gone.
func (p *pool) give(name string, size int64) error {
	p.mu.Lock()
	full := len(p.free) >= p.most
	p.mu.Unlock()
	if full || size != p.bytes {
		if err := p.fs.Remove(name); err != nil {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	} else {
		free := fileName(p.number(), freeExt)
		if err := p.fs.Rename(name, free); err != nil {
			return fmt.Errorf("rename %s to %s: %w", name, free, err)
		}
		p.mu.Lock()
		p.free = append(p.free, free)
		p.mu.Unlock()
	}
	if err := p.fs.Sync(); err != nil {
		return fmt.Errorf("sync the directory after releasing %s: %w", name, err)
	}
	return nil
}

// size returns how many files wait for use.
func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.free)
}
