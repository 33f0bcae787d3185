package durable

import (
	"bytes"
	"path/filepath"
	"testing"

	"althing/process"
)

var founders = process.Group{Voters: []process.ID{1, 2, 3}}

func filled(t testing.TB) *counter {
	c := newCounter(filepath.Join(t.TempDir(), "state"), founders)
	es := []process.Entry{
		{Epoch: 2, Index: 2, Req: process.Request{Kind: process.Session}},
		{Epoch: 2, Index: 3, Req: process.Request{Client: 2, Seq: 1}},
		{Epoch: 2, Index: 4, Req: process.Request{Client: 2, Seq: 1}}, // a retry
		{Epoch: 3, Index: 5, Req: process.Request{Client: 2, Seq: 2}},
	}
	var skipped []int
	c.Apply(es, func(i int, r any) {
		if r.(process.Skipped).Skipped() {
			skipped = append(skipped, i)
		}
	})
	if len(skipped) != 1 || skipped[0] != 2 {
		t.Fatalf("entries %v were skipped, want 2: the retry", skipped)
	}
	return c
}

// A counter that takes another's image is that counter.
func TestImage(t *testing.T) {
	c := filled(t)
	if n := c.Read(nil); n != uint64(2) {
		t.Fatalf("%v were counted, want 2", n)
	}
	i, err := c.Image()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := i.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	d := newCounter(filepath.Join(t.TempDir(), "state"), founders)
	if _, err := d.Stage(&b); err != nil {
		t.Fatal(err)
	}
	if d.Read(nil) != uint64(0) {
		t.Error("a staged state is in force before it is loaded")
	}
	if err := d.Load(); err != nil {
		t.Fatal(err)
	}
	_, was := c.bytes()
	if _, is := d.bytes(); !bytes.Equal(was, is) {
		t.Errorf("it is %x, and was %x", is, was)
	}
}

// Hostile bytes are refused or read, and never more than that.
func FuzzLoad(f *testing.F) {
	_, b := filled(f).bytes()
	f.Add(b)
	f.Add(b[:24])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var c counter
		if err := c.load(b); err != nil {
			return
		}
		_, again := c.bytes()
		var d counter
		if err := d.load(again); err != nil {
			t.Errorf("%x was read, and what it is written as is not: %v", b, err)
		}
	})
}
