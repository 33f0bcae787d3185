package node

import (
	"testing"

	"althing/node/wal"
	"althing/process"
)

// heldFS is a directory whose files sync only when they are let.
type heldFS struct {
	wal.FS
	asked, let chan struct{}
}

type heldFile struct {
	wal.File
	fs heldFS
}

func (f heldFS) Open(name string) (wal.File, error) {
	file, err := f.FS.Open(name)
	return heldFile{file, f}, err
}

func (f heldFile) Datasync() error {
	f.fs.asked <- struct{}{}
	<-f.fs.let
	return f.File.Datasync()
}

// note is a message, and a save, of one byte.
type note byte

func (n note) Kind() string { return "note" }

func (n note) AppendBinary(b []byte) ([]byte, error) { return append(b, byte(n)), nil }

// writer saves once, and tells itself of it before and after.
type writer struct {
	process.Process
	got []process.Msg
}

func (w *writer) Step(in process.Input, out *process.Output) {
	switch in.Kind {
	case process.Start:
		out.Save(note(1))
		out.SendNow(1, note(2))
		out.Send(1, note(3))
	case process.Receive:
		w.got = append(w.got, in.Msg)
	}
}

// TestSendWaitsForTheDisk: what rests on a save leaves when the save is
// durable, however long the disk takes, and not before.
func TestSendWaitsForTheDisk(t *testing.T) {
	fs := heldFS{wal.Dir(t.TempDir()), make(chan struct{}), make(chan struct{})}
	w := &writer{}
	n := &Node{o: Options{Self: 1, Protocol: process.Protocol{New: func(process.Config) process.Process { return w }}}}
	g := n.newGroup(0, nil)
	n.groups = map[uint32]*Group{0: g}
	n.newLoops()
	var err error
	n.log, err = wal.Open(fs, wal.Options{SegmentBytes: wal.MinSegmentBytes, Durable: n.onDurable}, nil)
	if err != nil {
		t.Fatal(err)
	}
	expect := func(when string, want ...process.Msg) {
		t.Helper()
		if len(w.got) != len(want) {
			t.Fatalf("%s the process has got %v, not %v", when, w.got, want)
		}
		for i := range want {
			if w.got[i] != want[i] {
				t.Fatalf("%s the process has got %v, not %v", when, w.got, want)
			}
		}
	}
	g.step(process.Input{Kind: process.Start})
	n.log.Flush()
	g.waitForDisk()
	<-fs.asked
	g.release()
	expect("before the sync has ended", note(2))
	fs.let <- struct{}{}
	<-g.loop.wake
	g.release()
	expect("after it", note(2), note(3))
	if err := n.log.Close(); err != nil {
		t.Fatal(err)
	}
}
