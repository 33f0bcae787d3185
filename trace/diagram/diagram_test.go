package diagram

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"althing/trace"
)

func record(t *testing.T, events ...trace.Event) *trace.Reader {
	t.Helper()
	var b bytes.Buffer
	w := trace.NewWriter(&b, trace.Header{Protocol: "toy", Seed: 7})
	for i := range events {
		events[i].Seq = uint64(i + 1)
		w.Write(&events[i])
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	r, err := trace.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var run = []trace.Event{
	{Kind: "submit", Node: 1, Reqs: []string{"put k v; w"}},
	{Kind: "deliver", Node: 2, From: 1, Msg: "Ping", Fields: "N=1", Effects: []trace.Effect{
		{Kind: "Commit", Entries: []string{"1@1 put k v", "2@1 put l w"}}, {Kind: "Save", Msg: "Ping"}}},
	{Kind: "deliver", Node: 2, From: 2, Msg: "Self"},
	{Kind: "sync", Node: 2, N: 1},
	{Kind: "drop", From: 2, To: 3, Msg: "Pong"},
	{Kind: "cut", From: 1, To: 3},
	{Kind: "crash", Node: 1},
}

func TestWrite(t *testing.T) {
	for l, want := range map[Language]string{
		Mermaid: "---\ntitle: toy, seed 7\n---\nsequenceDiagram\nparticipant n1\nparticipant n2\nparticipant n3\n" +
			"note over n1: submit 1: put k v, w\nn1->>n2: Ping N=1\nnote over n2: commit 1@1 put k v, 2@1 put l w\n" +
			"n2-xn3: Pong\n%% cut 1 to 3\nnote over n1: crash 1 (0 records)\n",
		PlantUML: "@startuml\ntitle toy, seed 7\nparticipant n1\nparticipant n2\nparticipant n3\n" +
			"note over n1: submit 1: put k v; w\nn1->n2: Ping N=1\nnote over n2: commit 1@1 put k v; 2@1 put l w\n" +
			"n2->xn3: Pong\n== cut 1→3 ==\nnote over n1: crash 1 (0 records)\n@enduml\n",
	} {
		var b bytes.Buffer
		if err := Write(&b, record(t, run...), Window{}, l); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("language %d:\n%s\nwant\n%s", l, &b, want)
		}
	}
}

func TestWindow(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, record(t, run...), Window{From: 5, To: 5}, Mermaid); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.HasSuffix(got, "participant n2\nparticipant n3\nn2-xn3: Pong\n") {
		t.Errorf("one event is\n%s", got)
	}
	long := make([]trace.Event, MaxEvents+1)
	for i := range long {
		long[i] = trace.Event{Kind: "heal"}
	}
	if err := Write(&b, record(t, long...), Window{}, Mermaid); !errors.Is(err, ErrLong) {
		t.Errorf("%d events: %v", len(long), err)
	}
	if err := Write(&b, record(t, long...), Window{From: 2}, Mermaid); err != nil {
		t.Errorf("%d of them: %v", MaxEvents, err)
	}
}
