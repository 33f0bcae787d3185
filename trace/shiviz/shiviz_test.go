package shiviz

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"althing/trace"
)

const head = Pattern + "\n\n"

// entries makes a log of lines "host clock".
func entries(lines ...string) string {
	var b strings.Builder
	b.WriteString(head)
	for i, l := range lines {
		fmt.Fprintf(&b, "event %d\n%s\n", i, l)
	}
	return b.String()
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		log  string
		want []string // problems, each begins so
	}{
		{"a message", entries(`a {"a":1}`, `b {"a":1,"b":1}`), nil},
		{"a zero says nothing", entries(`a {"a":1,"b":0}`, `b {"b":1}`), nil},
		{"a host alone", entries(`a {"a":1}`, `a {"a":2}`), nil},
		{"any order of hosts", entries(`b {"a":1,"b":1}`, `a {"a":1}`), nil},
		{"two heard of at once", entries(`a {"a":1}`, `b {"b":1}`, `c {"a":1,"b":1,"c":1}`), nil},
		{"own key missing", entries(`a {"b":1}`, `b {"b":1}`),
			[]string{`line 3: host "a" is not in its own clock`}},
		{"own key zero", entries(`a {"a":0}`), []string{`line 3: host "a" is not in its own clock`}},
		{"begins late", entries(`a {"a":2}`), []string{`line 3: the first event of "a" is its number 2`}},
		{"gap", entries(`a {"a":1}`, `a {"a":3}`),
			[]string{`line 5: event 3 of "a" comes after its event 1: event 2 is missing`}},
		{"twice", entries(`a {"a":1}`, `a {"a":1}`),
			[]string{`line 5: event 1 of "a" comes after its event 1: a host's`}},
		{"backwards", entries(`a {"a":1}`, `a {"a":2}`, `a {"a":1}`), []string{`line 7: event 1 of "a"`}},
		{"nobody's events", entries(`a {"a":1,"ghost":2}`),
			[]string{`line 3: it knows of event 2 of "ghost", which has 0`}},
		{"the future", entries(`a {"a":1,"b":2}`, `b {"b":1}`),
			[]string{`line 3: it knows of event 2 of "b", which has 1`}},
		{"knowledge lost on the way", entries(`a {"a":1}`, `b {"a":1,"b":1}`, `c {"b":1,"c":1}`),
			[]string{`line 7: it has 0 for "a", but`}},
		{"knowledge lost at home", entries(`a {"a":1}`, `b {"a":1,"b":1}`, `b {"b":2}`),
			[]string{`line 7: it has 0 for "a"`}},
		{"a circle", entries(`a {"a":1,"b":1}`, `b {"a":1,"b":1}`),
			[]string{`line 3: it heard of event 1 of "b" (line 5)`, `line 5: it heard of event 1 of "a" (line 3)`}},
		{"no JSON", entries(`a {1}`), []string{`line 3: the clock {1} is not a JSON object`}},
		{"a number below zero", entries(`a {"a":-1}`), []string{`line 3: the clock {"a":-1} is not`}},
		{"the other order of lines",
			"(?<host>\\S*) (?<clock>{.*})\\n(?<event>.*)\n\na {\"a\":1}\nsent\nb {\"b\":2}\nrecv\n",
			[]string{`line 5: the first event of "b"`}},
		{"two executions",
			Pattern + "\n^=== (?<trace>.*) ===$\n=== one ===\nx\na {\"a\":1}\n=== two ===\ny\na {\"a\":1}\n",
			nil},
		{"one name twice",
			Pattern + "\n^=== (?<trace>.*) ===$\n=== one ===\nx\na {\"a\":1}\n=== one ===\ny\na {\"a\":2}\n",
			[]string{`line 6: there is an execution "one" already`, `line 7: the first event of "a"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems, err := Check(strings.NewReader(c.log))
			if err != nil {
				t.Fatal(err)
			}
			ok := slices.EqualFunc(problems, c.want, func(p Problem, begin string) bool {
				return strings.HasPrefix(p.String(), begin)
			})
			if !ok {
				t.Errorf("problems %q, want %q", problems, c.want)
			}
		})
	}
}

func TestCheckForm(t *testing.T) {
	for _, log := range []string{
		"", "(\n\n", "(?<host>.*)\n\n", head, head + "nothing that fits\n", Pattern + "\n(\n",
	} {
		if p, err := Check(strings.NewReader(log)); !errors.Is(err, ErrForm) {
			t.Errorf("%q: %v, %v, want ErrForm", log, p, err)
		}
	}
}

// events writes a trace of them, and returns it as a log.
func export(events ...trace.Event) (string, error) {
	var file, log bytes.Buffer
	w := trace.NewWriter(&file, trace.Header{Protocol: "toy"})
	for i := range events {
		events[i].Seq = uint64(i + 1)
		w.Write(&events[i])
	}
	if err := w.Flush(); err != nil {
		return "", err
	}
	r, err := trace.NewReader(&file)
	if err != nil {
		return "", err
	}
	err = Export(&log, r)
	return log.String(), err
}

// TestExport: a held message leaves with the sync; one to itself is no news;
// events of links are nobody's.
func TestExport(t *testing.T) {
	ping := trace.Effect{Kind: "Send", To: 2, Msg: "Ping"}
	held := ping
	held.Held = true
	log, err := export(
		trace.Event{Kind: "submit", Node: 1, Reqs: []string{"x"}, Effects: []trace.Effect{held}},
		trace.Event{Kind: "cut", From: 1, To: 2},
		trace.Event{Kind: "sync", Node: 1, N: 1, Effects: []trace.Effect{ping}},
		trace.Event{Kind: "timeout", Node: 2, Timer: 1},
		trace.Event{Kind: "deliver", Node: 2, From: 1, Msg: "Ping", Sent: 3},
		trace.Event{Kind: "deliver", Node: 1, From: 1, Msg: "Self", Sent: 1},
	)
	if err != nil {
		t.Fatal(err)
	}
	want := head + "submit 1: x\nn1 {\"n1\":1}\nsync 1 (1 records)\nn1 {\"n1\":2}\n" +
		"timeout 2 timer 1\nn2 {\"n2\":1}\n1→2 Ping\nn2 {\"n1\":2,\"n2\":2}\n1→1 Self\nn1 {\"n1\":3}\n"
	if log != want {
		t.Errorf("the log is\n%s\nwant\n%s", log, want)
	}
	if p, err := Check(strings.NewReader(log)); err != nil || len(p) > 0 {
		t.Errorf("the log has problems: %v, %v", p, err)
	}
	_, err = export(trace.Event{Kind: "deliver", Node: 2, From: 1, Msg: "Ping", Sent: 1})
	if !errors.Is(err, trace.ErrForm) {
		t.Errorf("a message from nowhere was exported: %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(entries(`a {"a":1}`, `b {"a":1,"b":1}`))
	f.Add(entries(`a {"a":18446744073709551615,"b":3}`, `b {"a":1,"b":1}`))
	f.Add(Pattern + "\n^=== (?<trace>.*) ===$\n=== one ===\nx\na {\"a\":1}\n")
	f.Fuzz(func(t *testing.T, log string) {
		if p, err := Check(strings.NewReader(log)); err != nil && len(p) > 0 {
			t.Errorf("both problems and %v", err)
		}
	})
}
