package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"io"
	"strings"

	"althing/process"
	"althing/trace"
)

// A GoTest is a test of Go that plays a trace.
type GoTest struct {
	Package string // of the file; a folder's own with _test behind it
	Name    string // of the test, without the Test
	// Broken names the promise that the trace breaks; empty if it breaks none.
	Broken string
	// Still makes it a test that passes as long as the promise is broken: of a checker,
	// or of a mistake that was planted. Else it passes when nothing is broken, and so
	// keeps a mended mistake from coming back.
	Still bool
}

// maxTest bounds the events of a test: a person is to read it.
const maxTest = 2000

// ErrLong is returned for a trace that is too long for a test.
var ErrLong = errors.New("too long for a test: shrink it first")

// Write writes the test. It needs nothing but the packages of this module.
func (g GoTest) Write(w io.Writer, t *Trace) error {
	if len(t.Events) > maxTest {
		return fmt.Errorf("%w: %d events, of %d at most", ErrLong, len(t.Events), maxTest)
	}
	if t.Header.World == "" {
		return ErrWorld
	}
	var schedule strings.Builder
	if err := put(&schedule, trace.Header{Version: trace.Version, Protocol: t.Header.Protocol, Seed: t.Header.Seed,
		World: t.Header.World}); err != nil {
		return err
	}
	for i := range t.Events {
		if t.Events[i].Kind == "violation" {
			continue
		}
		e := bare(&t.Events[i])
		if err := put(&schedule, &e); err != nil {
			return err
		}
	}
	about, call := "No event of this schedule breaks a promise.", "replay.Keeps"
	switch {
	case g.Broken != "" && g.Still:
		about, call = fmt.Sprintf("This schedule breaks %s, and must.", g.Broken), "replay.Breaks"
	case g.Broken != "":
		about = fmt.Sprintf("This schedule broke %s once, and must not again.", g.Broken)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "package %s\n\nimport (\n\t\"testing\"\n\n\t\"althing/protocol\"\n"+
		"\t\"althing/trace/replay\"\n)\n\n", g.Package)
	fmt.Fprintf(&b, "// %s Each line is what a hand did; see althing/trace.\n", about)
	fmt.Fprintf(&b, "func Test%s(t *testing.T) {\n\tp, ok := protocol.Find(%q)\n\tif !ok {\n", g.Name,
		t.Header.Protocol)
	fmt.Fprintf(&b, "\t\tt.Fatal(\"there is no such protocol\")\n\t}\n")
	if call == "replay.Breaks" {
		fmt.Fprintf(&b, "\treplay.Breaks(t, p, schedule%s, %q)\n}\n\n", g.Name, g.Broken)
	} else {
		fmt.Fprintf(&b, "\treplay.Keeps(t, p, schedule%s)\n}\n\n", g.Name)
	}
	fmt.Fprintf(&b, "const schedule%s = %s\n", g.Name, quote(schedule.String()))
	text, err := format.Source(b.Bytes())
	if err != nil {
		return fmt.Errorf("format the test: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write the test: %w", err)
	}
	return nil
}

// bare is an event without what came of it.
func bare(e *trace.Event) trace.Event {
	b := trace.Event{Time: e.Time, Seq: e.Seq, Kind: e.Kind, Node: e.Node, From: e.From, To: e.To, Msg: e.Msg,
		Fields: e.Fields, Sent: e.Sent, Timer: e.Timer, N: e.N, Reqs: e.Reqs, Chose: e.Chose}
	if e.Kind == "clock" {
		b.Note = e.Note
	}
	return b
}

func put(b *strings.Builder, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// quote writes a string of many lines as a person reads it, if that can be done.
func quote(s string) string {
	if strings.ContainsRune(s, '`') {
		return fmt.Sprintf("%q", s)
	}
	return "`" + s + "`"
}

// A T is a test: a *testing.T, which this package does not draw into programs.
type T interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Logf(string, ...any)
}

// Keeps fails the test if the schedule breaks a promise.
func Keeps(t T, p process.Protocol, schedule string) {
	t.Helper()
	all, err := Read(strings.NewReader(schedule))
	if err != nil {
		t.Fatal(err)
	}
	done, v, err := Play(p, all.Header, all.Events)
	if err != nil {
		t.Fatal(err)
	}
	if v != nil {
		t.Fatalf("after %d events of %d: %v", len(done), len(all.Events), v)
	}
	t.Logf("%d events of %d are still possible, and break nothing", len(done), len(all.Events))
}

// Breaks fails the test unless the schedule breaks the promise of that name.
func Breaks(t T, p process.Protocol, schedule, name string) {
	t.Helper()
	all, err := Read(strings.NewReader(schedule))
	if err != nil {
		t.Fatal(err)
	}
	done, v, err := Play(p, all.Header, all.Events)
	if err != nil {
		t.Fatal(err)
	}
	if v == nil || v.Name != name {
		t.Fatalf("after %d events of %d: %v, but it must break %s", len(done), len(all.Events), v, name)
	}
}
