package trace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"althing/process"
)

// ping has one field of each sort that a message may have.
type ping struct {
	Term    uint64
	OK      bool
	Entries []process.Entry
	Group   process.Group
	Data    []byte
	IDs     []process.ID
	Inner   struct{ A, B int }
	Zero    string
	hidden  int
}

func (*ping) Kind() string                          { return "Ping" }
func (*ping) AppendBinary(b []byte) ([]byte, error) { return b, nil }
func members(g process.Group, tail string) []byte {
	return append(process.AppendGroup(nil, g), tail...)
}
func request(k process.Kind, c string) process.Request {
	return process.Request{Kind: k, Cmd: []byte(c)}
}

func TestFieldsNameWhatIsNotZero(t *testing.T) {
	m := &ping{Term: 3, OK: true, Data: []byte{0, 1}, IDs: []process.ID{2, 5}, hidden: 1,
		Group:   process.Group{Voters: []process.ID{1, 2}, Learners: []process.ID{4}},
		Entries: []process.Entry{{Epoch: 2, Index: 5, Req: process.Request{Client: 7, Seq: 3, Cmd: []byte("put k v")}}}}
	m.Inner.B = 9
	want := "Term=3 OK Entries=[5@2 c7.3 put k v] Group={1,2} learners {4} Data=0x0001 IDs=[2, 5] Inner={B=9}"
	if got := Fields(m); got != want {
		t.Errorf("Fields:\n got %s\nwant %s", got, want)
	}
}

func TestRequestSaysWhatIsAskedFor(t *testing.T) {
	g := process.Group{Voters: []process.ID{1, 3}, Outgoing: []process.ID{1, 2}}
	for want, r := range map[string]process.Request{
		"put k v":                         request(process.Command, "put k v"),
		"read get k":                      request(process.Read, "get k"),
		"session 4":                       request(process.Session, "4"),
		"no-op":                           request(process.NoOp, ""),
		"members x":                       request(process.Members, "x"),
		"0xff":                            request(process.Command, "\xff"),
		"c1.2 no-op":                      {Kind: process.NoOp, Client: 1, Seq: 2},
		"members {1,3} outgoing {1,2} t1": {Kind: process.Members, Cmd: members(g, "t1")},
		"transfer to 300":                 {Kind: process.Transfer, Cmd: binary.AppendUvarint(nil, 300)},
	} {
		if got := Request(&r); got != want {
			t.Errorf("Request = %q, want %q", got, want)
		}
	}
}

func TestAFileGivesBackWhatWasWritten(t *testing.T) {
	span := process.Span{Min: time.Second, Max: 2 * time.Second}
	effects := []Effect{
		NewEffect(&process.Effect{Kind: process.Send, To: 2, Msg: &ping{Term: 1}}, true),
		NewEffect(&process.Effect{Kind: process.SetTimer, Timer: 1, Span: span}, false),
		NewEffect(&process.Effect{Kind: process.Refuse, To: 3, Why: process.NotLeader,
			Reqs: []process.Request{request(process.Read, "get <k>")}}, false),
	}
	events := []Event{
		{Time: 5, Seq: 1, Kind: "start", Node: 1, Role: "follower", Last: 4, Effects: effects},
		{Time: 6, Seq: 2, Kind: "deliver", Node: 1, From: 2, Msg: "Ping", Fields: "Term=1", N: 3, Note: "→ é"},
	}
	var file [2]bytes.Buffer
	for i := range file {
		w := NewWriter(&file[i], Header{Protocol: "toy", Seed: 9, Options: "nodes=3"})
		for i := range events {
			w.Write(&events[i])
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(file[0].Bytes(), file[1].Bytes()) {
		t.Error("equal traces have different bytes")
	}
	r, err := NewReader(&file[0])
	if err != nil {
		t.Fatal(err)
	}
	if h := r.Header(); h.Protocol != "toy" || h.Seed != 9 || h.Options != "nodes=3" {
		t.Errorf("header %+v", h)
	}
	for i := range events {
		if e, err := r.Next(); err != nil || !reflect.DeepEqual(e, events[i]) {
			t.Errorf("event %d: %+v, %v\nwant %+v", i, e, err, events[i])
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the last event: %v", err)
	}
}

func TestWhatIsNoTraceIsRefused(t *testing.T) {
	const head = `{"althing":1,"protocol":"toy","seed":1}` + "\n"
	for name, file := range map[string]string{
		"empty":         "",
		"other version": `{"althing":3,"protocol":"toy","seed":1}` + "\n",
		"unknown key":   head + `{"t":1,"seq":1,"kind":"start","colour":"red"}` + "\n",
		"event missing": head + `{"t":1,"seq":2,"kind":"start"}` + "\n",
		"cut in a line": head + `{"t":1,"seq":1,"ki`,
		"two in a line": head + `{"t":1,"seq":1,"kind":"a"}{"t":1,"seq":2,"kind":"b"}` + "\n",
		"not an object": head + "7\n",
	} {
		if err := readAll(strings.NewReader(file)); !errors.Is(err, ErrForm) {
			t.Errorf("%s: %v, want ErrForm", name, err)
		}
	}
	if err := readAll(strings.NewReader(head + strings.Repeat("x", MaxLine+1))); err == nil {
		t.Error("an endless line was read")
	}
}

func readAll(f io.Reader) error {
	r, err := NewReader(f)
	for err == nil {
		_, err = r.Next()
	}
	if err == io.EOF {
		return nil
	}
	return err
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestAFullDiskIsNoticed(t *testing.T) {
	w := NewWriter(full{}, Header{})
	w.Write(&Event{Seq: 1})
	if err := w.Flush(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("Flush: %v", err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(`{"althing":1,"protocol":"toy","seed":1}` + "\n" + `{"t":1,"seq":1,"kind":"start"}` + "\n"))
	f.Add([]byte("\n\n{"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b))
		for err == nil {
			var e Event
			if e, err = r.Next(); err == nil {
				e.Lines()
			}
		}
	})
}
