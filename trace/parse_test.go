package trace_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"althing/process"
	"althing/trace"
)

var shown = []process.Request{
	{Cmd: []byte("put k 1")},
	{Client: 7, Seq: 3, Cmd: []byte("append key1 x")},
	{Kind: process.Read, Client: 7, Seq: 4, Cmd: []byte("get k")},
	{Kind: process.Session, Cmd: []byte("client 12")},
	{Kind: process.NoOp},
	{Kind: process.Transfer, Cmd: binary.AppendUvarint(nil, 300)},
	{Kind: process.Members, Cmd: process.AppendGroup(nil, process.Group{Voters: []process.ID{1, 2}})},
	{Kind: process.Members, Client: 1, Seq: 1, Cmd: append(process.AppendGroup(nil, process.Group{
		Voters: []process.ID{1, 2}, Outgoing: []process.ID{2, 3}, Learners: []process.ID{4}}), "by me"...)},
	{Cmd: []byte{0xff, 0}},
	{},
}

// What Request shows, ParseRequest reads.
func TestParseRequest(t *testing.T) {
	for i := range shown {
		q, err := trace.ParseRequest(trace.Request(&shown[i]))
		if err != nil || q.Kind != shown[i].Kind || q.Client != shown[i].Client || q.Seq != shown[i].Seq ||
			!bytes.Equal(q.Cmd, shown[i].Cmd) {
			t.Errorf("%q: %+v, %v", trace.Request(&shown[i]), q, err)
		}
	}
	for _, bad := range []string{"transfer to", "transfer to x", "members", "members {1", "members {x}",
		"members {70000}", "0xzz", "members {1} 0x1"} {
		if q, err := trace.ParseRequest(bad); err == nil && bad != "members {1" {
			t.Errorf("%q: %+v", bad, q)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	for i := range shown {
		f.Add(trace.Request(&shown[i]))
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := trace.ParseRequest(text)
		if err != nil {
			return
		}
		// Spaces at the end are lost, and a command in hexadecimal may look like another
		// request; but a group is a group again.
		if g, _, err := process.CutGroup(q.Cmd); q.Kind == process.Members && err == nil {
			again, err := trace.ParseRequest(trace.Request(&q))
			h, _, herr := process.CutGroup(again.Cmd)
			if err == nil && again.Kind == q.Kind && (herr != nil || !g.Equal(&h)) {
				t.Fatalf("%q: %+v, then %+v", text, g, h)
			}
		}
	})
}
