package refine

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"althing/sim"
	"althing/trace"
)

// events are those of a run in which much happens.
func events(t testing.TB) (all []trace.Event) {
	t.Helper()
	r := reader(t, record(t, sim.Options{Seed: 51, Nodes: 5, Faults: sim.All, Duration: 4 * time.Second}))
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
}

func retell(protocol string, all []trace.Event) []byte {
	var b bytes.Buffer
	w := trace.NewWriter(&b, trace.Header{Protocol: protocol})
	for i := range all {
		w.Write(&all[i])
	}
	_ = w.Flush() // into memory
	return b.Bytes()
}

// A lie changes an event, and reports whether it did.
type lie func(*trace.Event) bool

// event is a lie about an event of a kind.
func event(kind string, f func(*trace.Event)) lie {
	return func(e *trace.Event) bool {
		if e.Kind != kind {
			return false
		}
		f(e)
		return true
	}
}

// effect is a lie about an effect in a step: a message or record becomes another.
func effect(kind, old, new string) lie {
	return func(e *trace.Event) bool {
		for i := range e.Effects {
			x := &e.Effects[i]
			if was := x.Msg + " " + x.Fields; e.Kind != "sync" && x.Kind == kind && strings.Contains(was, old) {
				x.Msg, x.Fields, _ = strings.Cut(strings.Replace(was, old, new, 1), " ")
				return true
			}
		}
		return false
	}
}

// lies are one for each thing that is compared, and what is said of it.
var lies = []struct {
	said string
	lie
}{
	{"term 9999,", event("deliver", func(e *trace.Event) { e.Epoch = 9999 })},
	{"last 9999,", event("deliver", func(e *trace.Event) { e.Last = 9999 })},
	{"commit 9999;", event("deliver", func(e *trace.Event) { e.Commit = 9999 })},
	{"BecomeLeader", event("deliver", func(e *trace.Event) { e.Role = "leader" })},
	{"the replica is candidate", event("start", func(e *trace.Event) { e.Role = "candidate" })},
	{"records become durable", event("sync", func(e *trace.Event) { e.N += 100 })},
	{"messages leave", event("sync", func(e *trace.Event) { e.Effects = append(e.Effects, trace.Effect{}) })},
	{"records survive", event("crash", func(e *trace.Event) { e.N += 100 })},
	{"application's state in event", func(e *trace.Event) bool {
		e.Sent++
		return e.Msg == "InstallSnapshot" && e.Kind == "deliver"
	}},
	{"nobody sent that message", func(e *trace.Event) bool {
		e.From += 40
		return e.Msg == "AppendEntries" && e.Effects != nil && e.Effects[0].Kind != "SendNow" && e.Last > 3
	}},
	{"hands over", func(e *trace.Event) bool {
		for i := range e.Effects {
			if x := &e.Effects[i]; x.Kind == "Commit" {
				x.Entries = []string{x.Entries[0] + "!"}
				return true
			}
		}
		return false
	}},
	{"though it does not lead and nobody sent anything", func(e *trace.Event) bool {
		e.Effects = append(e.Effects, trace.Effect{Kind: "Save", Msg: "Entries", Fields: "Entries=[1@1 no-op]"})
		return e.Kind == "timeout"
	}},
	{"and nobody asked", func(e *trace.Event) bool {
		e.Effects = append(e.Effects, trace.Effect{Kind: "Save", Msg: "HardState", Fields: "Term=1 Vote=99"})
		return e.Kind == "timeout"
	}},
	{"it goes back from term", func(e *trace.Event) bool {
		e.Effects = append(e.Effects, trace.Effect{Kind: "Save", Msg: "HardState"})
		return e.Kind == "timeout" && e.Epoch > 0
	}},
	{"and nobody told it", func(e *trace.Event) bool {
		e.Effects = append(e.Effects, trace.Effect{Kind: "Commit"})
		return e.Kind == "timeout"
	}},
	{"it leads, and changes its log", func(e *trace.Event) bool {
		return e.Role == "leader" && e.Kind == "submit" && effect("Save", "Prev=", "Prev=1")(e)
	}},
	{"its log becomes", func(e *trace.Event) bool {
		return e.Role == "follower" && len(e.Effects) > 2 && effect("Save", "Entries Prev=", "Entries Prev=1")(e)
	}},
	{"it saves term", effect("Save", "HardState Term=", "HardState Term=1")},
	{"and a log of", effect("Checkpoint", "Term=", "Term=1")},
	{"which is not what it may say", effect("SendNow", "AppendEntries Term=", "AppendEntries Term=1")},
	{"AcknowledgeOwn", effect("Send", "AppendReply Term=1 OK Match=1", "AppendReply Term=1 OK Match=2")},
	{"SendVote", func(e *trace.Event) bool {
		for i := range e.Effects {
			if x := &e.Effects[i]; x.Msg == "Vote" && x.Held {
				x.Kind = "SendNow"
				return true
			}
		}
		return false
	}},
	{"did not get through", func(e *trace.Event) bool {
		e.Kind, e.Note = "violation", "Panic: because"
		return true
	}},
}

// TestLies: a run of which one thing is told otherwise is none.
func TestLies(t *testing.T) {
	all := events(t)
	if err := Follow(reader(t, retell("raft", all)), nil); err != nil {
		t.Fatal(err)
	}
	for _, x := range lies {
		told, lied := make([]trace.Event, len(all)), false
		for i := range all {
			told[i] = all[i]
			if lied {
				continue
			}
			e := all[i]
			e.Effects = append([]trace.Effect(nil), e.Effects...)
			for j := range e.Effects {
				e.Effects[j].Entries = append([]string(nil), e.Effects[j].Entries...)
			}
			if lied = x.lie(&e); lied {
				told[i] = e
			}
		}
		err := Follow(reader(t, retell("raft", told)), nil)
		var d *Deviation
		if !lied || !errors.As(err, &d) || !strings.Contains(err.Error(), x.said) {
			t.Errorf("%s: lied: %t; said: %v", x.said, lied, err)
		}
	}
}

// TestGone: a replica that lost its disk is not seen again.
func TestGone(t *testing.T) {
	all := events(t)[:200]
	last := &all[len(all)-1]
	all = append(all, trace.Event{Seq: last.Seq + 1, Kind: "losedisk", Node: 1})
	all = append(all, trace.Event{Seq: last.Seq + 2, Kind: "restart", Node: 1, Role: "follower"})
	if err := Follow(reader(t, retell("raft", all)), nil); err == nil || !strings.Contains(err.Error(), "here again") {
		t.Error(err)
	}
}

// TestForm: what is no trace of Raft is not said to be one that is wrong.
func TestForm(t *testing.T) {
	begin := trace.Event{Seq: 1, Kind: "start", Node: 1, Role: "follower"}
	for _, x := range []trace.Effect{
		{Kind: "Save", Msg: "Entries", Fields: "Prev=x"},
		{Kind: "Save", Msg: "Entries", Fields: "Entries=[1@1 no-op"},
		{Kind: "Save", Msg: "Entries", Fields: "Entries=[0@1 no-op]"},
		{Kind: "Save", Msg: "Entries", Fields: "Entries=[1@ no-op]"},
		{Kind: "Save", Msg: "Entries", Fields: "Entries=[1@1 members {1,x}]"},
		{Kind: "Save", Msg: "Entries", Fields: "Entries=[1@1 members 1]"},
		{Kind: "Save", Msg: "Scroll"},
		{Kind: "SendNow", Msg: "AppendEntries", Fields: "Prev=4 Entries=[4@1 no-op]"},
		{Kind: "SendNow", Msg: "Vote", Fields: "Term=-1"},
		{Kind: "Commit", Entries: []string{"2@1 no-op"}},
	} {
		begin.Effects = []trace.Effect{x}
		if err := Follow(reader(t, retell("raft", []trace.Event{begin})), nil); !errors.Is(err, trace.ErrForm) {
			t.Errorf("%+v: %v", x, err)
		}
	}
	if err := Follow(reader(t, retell("causal", nil)), nil); !errors.Is(err, trace.ErrForm) {
		t.Error("a run of another protocol:", err)
	}
}

// FuzzFields: whatever the text, there is an answer or an error, and entries that
// are read are as many as they say.
func FuzzFields(f *testing.F) {
	for _, text := range []string{
		"", "Term=3 OK", "Prev=4 Entries=[5@2 c7.3 put k v,, 6@3 members {1,2} outgoing {3} learners {4} x]",
		"Entries=[18446744073709551615@1 a, 0@1 b]", "Entries=[1@1 ]", "Entries=[]", "= ==",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := parseFields(text)
		if err == nil && len(x.entries) > 0 && x.first == 0 {
			t.Error("entries begin at 0")
		}
	})
}
