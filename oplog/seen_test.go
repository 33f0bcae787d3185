package oplog

import (
	"bytes"
	"testing"

	"althing/process"
)

func TestSeen(t *testing.T) {
	entry := func(index, epoch uint64, cmd string) process.Entry {
		return process.Entry{Index: index, Epoch: epoch, Req: process.Request{Cmd: []byte(cmd)}}
	}
	var s Seen
	if e := s.Add(0, []process.Entry{entry(1, 1, "a"), entry(2, 1, "b")}); e != nil {
		t.Fatalf("%+v differs from nothing", *e)
	}
	if e := s.Add(1, []process.Entry{entry(2, 2, "c"), entry(3, 2, "d")}); e != nil {
		t.Errorf("%+v is of another epoch", *e)
	}
	c := s.Clone()
	if e := s.Add(1, []process.Entry{entry(2, 1, "b")}); e != nil {
		t.Errorf("%+v is the same", *e)
	}
	if e := s.Add(1, []process.Entry{entry(2, 1, "x")}); e == nil || e.Index != 2 {
		t.Error("another command in the same place")
	}
	if e := s.Add(1, []process.Entry{entry(3, 2, "d")}); e == nil || e.Index != 3 {
		t.Error("the same, but after another")
	}
	s.Add(2, []process.Entry{entry(4, 2, "e")})
	if bytes.Equal(c.AppendState(nil), s.AppendState(nil)) {
		t.Error("a copy learnt of an entry")
	}
	var other Seen // the same in another order
	other.Add(1, []process.Entry{entry(2, 2, "c"), entry(3, 2, "d")})
	other.Add(0, []process.Entry{entry(1, 1, "a"), entry(2, 1, "b")})
	if !bytes.Equal(c.AppendState(nil), other.AppendState(nil)) {
		t.Error("what was seen is the same")
	}
}
