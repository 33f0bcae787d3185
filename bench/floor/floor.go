// Package floor measures what no durable agreement of three servers on this
// machine can beat: the network and the disk, with nothing around them.
package floor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"althing/bench/child"
	"althing/bench/result"
)

// Part is what rows of this package are of.
const Part = "floor: the machine alone, 256 B"

// Names of the rows.
const (
	RoundTrip = "round trip"
	Flush     = "write and fdatasync"
	Sum       = "round trip, then flush"
	Parallel  = "leader and a follower flush at once"
	One       = "1 in flight"
)

const (
	messageBytes = 256
	fileBytes    = 16 << 20 // written with zeros before it is measured
	sector       = 512      // what a write is rounded up to

	grace = time.Second // for a follower to end by itself
)

// A disk is a file whose blocks have all been written, as a log should be.
type disk struct {
	f  *os.File
	at int64
	b  [sector]byte
}

func openDisk(path string) (*disk, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < fileBytes; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros, at); err != nil {
			return nil, errors.Join(fmt.Errorf("fill %s: %w", path, err), f.Close())
		}
	}
	return &disk{f: f}, f.Sync()
}

// flush writes the next sector and makes it durable.
func (d *disk) flush() error {
	if _, err := d.f.WriteAt(d.b[:], d.at); err != nil {
		return err
	}
	d.at = (d.at + sector) % fileBytes
	return unix.Fdatasync(int(d.f.Fd()))
}

// hello is what a follower says first.
type hello struct{ Addr string }

// Follower answers messages on a connection, after a flush if their first byte
// is not 0, until in ends.
func Follower(dir string, in io.Reader, say func(any) error) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	d, err := openDisk(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer d.f.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { // the parent ended, or wants us to
		io.Copy(io.Discard, in)
		l.Close()
	}()
	if err := say(hello{l.Addr().String()}); err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		err = d.answer(c)
		if err := errors.Join(err, c.Close()); err != nil {
			return err
		}
	}
}

func (d *disk) answer(c net.Conn) error {
	var b [messageBytes]byte
	for {
		if _, err := io.ReadFull(c, b[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if b[0] != 0 {
			if err := d.flush(); err != nil {
				return err
			}
		}
		if _, err := c.Write(b[:]); err != nil {
			return err
		}
	}
}

// A leader speaks with two followers, and has a disk of its own.
type leader struct {
	disk  *disk
	conns []net.Conn
	b     [messageBytes]byte
}

// Measure starts two followers, which self runs, and measures for about d.
func Measure(ctx context.Context, self []string, dir string, d time.Duration) (rows []result.Row, err error) {
	dir, err = os.MkdirTemp(dir, "floor-")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	defer os.RemoveAll(dir)
	var l leader
	if l.disk, err = openDisk(filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	defer l.disk.f.Close()
	for i := range 2 {
		args := append(self[1:len(self):len(self)], "--dir", filepath.Join(dir, strconv.Itoa(i)))
		f, err := child.Start(ctx, os.Stderr, self[0], args...)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, f.Stop(grace)) }()
		var h hello
		if err := f.Hear(&h); err != nil {
			return nil, err
		}
		c, err := net.Dial("tcp", h.Addr)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		l.conns = append(l.conns, c)
	}
	for _, m := range []struct {
		name string
		once func() error
	}{
		{RoundTrip, l.roundTrip}, {Flush, l.disk.flush}, {Sum, l.sum}, {Parallel, l.parallel},
	} {
		row, err := repeat(m.once, d/4)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", m.name, err)
		}
		row.Part, row.System, row.Load = Part, m.name, One
		rows = append(rows, row)
	}
	return rows, nil
}

// repeat does something over and over, one after another.
func repeat(once func() error, d time.Duration) (result.Row, error) {
	var took []time.Duration
	began := time.Now()
	for at := began; at.Sub(began) < d; {
		if err := once(); err != nil {
			return result.Row{}, err
		}
		now := time.Now()
		took, at = append(took, now.Sub(at)), now
	}
	n := len(took)
	slices.Sort(took)
	micros := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
	return result.Row{PerSecond: float64(n) / d.Seconds(), P50: micros(took[n/2]), P99: micros(took[n*99/100])}, nil
}

func (l *leader) send(c net.Conn, durable bool) error {
	l.b[0] = 0
	if durable {
		l.b[0] = 1
	}
	_, err := c.Write(l.b[:])
	return err
}

func (l *leader) roundTrip() error {
	if err := l.send(l.conns[0], false); err != nil {
		return err
	}
	_, err := io.ReadFull(l.conns[0], l.b[:])
	return err
}

func (l *leader) sum() error {
	if err := l.roundTrip(); err != nil {
		return err
	}
	return l.disk.flush()
}

// parallel is the least that a decision takes: two copies on two disks, here
// on one, both under way at once.
func (l *leader) parallel() error {
	if err := l.send(l.conns[1], true); err != nil {
		return err
	}
	if err := l.disk.flush(); err != nil {
		return err
	}
	_, err := io.ReadFull(l.conns[1], l.b[:])
	return err
}
