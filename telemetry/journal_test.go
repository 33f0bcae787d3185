package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The schema of a line, as it was given to us.
var (
	schemaEvents = []string{"election_started", "leader_elected", "log_replicated", "commit_applied",
		"partition_detected", "partition_healed", "conflict_resolved"}
	schemaLevels = []string{"DEBUG", "INFO", "WARN", "ERROR"}
	schemaKeys   = []string{"level", "timestamp", "skill", "node_id", "term", "event", "message", "context"}
)

// Where this runs it may be UTC anyway: then a line in local time would pass.
func init() { time.Local = time.FixedZone("elsewhere", 3*60*60) }

type line struct {
	Level, Timestamp, Skill, Event, Message string
	NodeID                                  *string `json:"node_id"`
	Term                                    *int64
	Context                                 map[string]any
}

// check returns what is wrong with a line.
func check(b []byte) (l line, err error) {
	if err := json.Unmarshal(b, &l); err != nil {
		return l, err
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(b, &keys); err != nil {
		return l, err
	}
	for k := range keys {
		if !slices.Contains(schemaKeys, k) {
			return l, fmt.Errorf("there is no key %q", k)
		}
	}
	at, err := time.Parse(time.RFC3339Nano, l.Timestamp)
	switch {
	case err != nil:
		return l, err
	case at.Location() != time.UTC:
		return l, fmt.Errorf("timestamp %s is not UTC", l.Timestamp)
	case !slices.Contains(schemaLevels, l.Level):
		return l, fmt.Errorf("level %q", l.Level)
	case l.Skill != "distributed-systems":
		return l, fmt.Errorf("skill %q", l.Skill)
	case l.NodeID == nil || l.Term == nil:
		return l, errors.New("node_id or term is missing")
	case l.Context == nil:
		return l, errors.New("context is null or missing")
	case (l.Event == "") == (l.Message == ""):
		return l, errors.New("a line has an event or a message")
	case l.Event != "" && !slices.Contains(schemaEvents, l.Event):
		return l, fmt.Errorf("event %q", l.Event)
	}
	return l, nil
}

func journal(level slog.Level) (*Journal, *bytes.Buffer) {
	var b bytes.Buffer
	return NewJournal("n1", Outlet{To: &b, Format: JSON, Level: level}), &b
}

var timestamps = regexp.MustCompile(`"timestamp":"[^"]*"`)

// TestEvents writes every event. The second, the fifth and the seventh line of
// the golden file are the examples that came with the schema.
func TestEvents(t *testing.T) {
	j, b := journal(slog.LevelDebug)
	j.SetTerm(42)
	j.ElectionStarted(0, 42)
	j.LeaderElected(0, "node-3", 42)
	j.LogReplicated(0, "n2", 7)
	j.CommitApplied(0, 3, 7)
	j.PartitionDetected([]string{"node-2", "node-5"})
	j.PartitionHealed([]string{"node-2"})
	j.ConflictResolved("user:123", "LWW")
	lines := bytes.Split(bytes.TrimSpace(b.Bytes()), []byte("\n"))
	seen := make(map[string]bool)
	for _, b := range lines {
		l, err := check(b)
		if err != nil {
			t.Errorf("%s: %v", b, err)
		}
		seen[l.Event] = true
	}
	if len(seen) != len(schemaEvents) {
		t.Errorf("%d events of %d", len(seen), len(schemaEvents))
	}
	want, err := os.ReadFile("testdata/events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if got := timestamps.ReplaceAllString(b.String(), `"timestamp":"T"`); got != string(want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Whatever the logger is given, the line keeps its shape: the context is an
// object, and what is in it cannot pass for a key of the line.
func TestWords(t *testing.T) {
	for name, say := range map[string]func(*slog.Logger){
		"nothing":        func(l *slog.Logger) { l.Info("words") },
		"nil":            func(l *slog.Logger) { l.Info("words", "error", nil) },
		"empty group":    func(l *slog.Logger) { l.Info("words", slog.Group("g")) },
		"open group":     func(l *slog.Logger) { l.WithGroup("g").Info("words") },
		"empty attr":     func(l *slog.Logger) { l.Info("words", slog.Attr{}) },
		"keys of a line": func(l *slog.Logger) { l.Info("words", "event", "made_up", "level", 3, "term", "x") },
		"of the logger":  func(l *slog.Logger) { l.With("event", "made_up", "time", 1).Info("words", "msg", 2) },
		"line break":     func(l *slog.Logger) { l.Warn("words\n{}", "a\n", "b\n") },
		"no pairs":       func(l *slog.Logger) { l.Error("words", []any{1, 2, 3}...) },
	} {
		j, b := journal(slog.LevelInfo)
		say(j.Log())
		if bytes.Count(b.Bytes(), []byte("\n")) != 1 {
			t.Errorf("%s: not one line: %q", name, b)
		}
		if l, err := check(b.Bytes()); err != nil || l.Event != "" {
			t.Errorf("%s: %s: %v", name, b, err)
		}
	}
}

func TestScopes(t *testing.T) {
	j, b := journal(slog.LevelInfo)
	j.Log().With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").Info("words", "c", 3)
	const want = `"context":{"a":1,"g":{"b":2,"h":{"c":3}}}}`
	if !strings.HasSuffix(strings.TrimSpace(b.String()), want) {
		t.Errorf("got %s, want … %s", b, want)
	}
}

// The check itself must refuse.
func TestCheckRefuses(t *testing.T) {
	j, b := journal(slog.LevelInfo)
	j.ConflictResolved("k", "LWW")
	good := b.String()
	for _, r := range [][2]string{
		{"conflict_resolved", "leader_lost"}, {`"context":{`, `"about":{`}, {"distributed-systems", "x"},
		{`Z"`, `+01:00"`}, {"INFO", "LOUD"}, {`"term":0,`, ``}, {`{"key":"k","strategy":"LWW"}`, "null"},
	} {
		bad := strings.Replace(good, r[0], r[1], 1)
		if _, err := check([]byte(bad)); err == nil || bad == good {
			t.Errorf("passed: %s", bad)
		}
	}
}

func TestLevels(t *testing.T) {
	var quiet, loud bytes.Buffer
	j := NewJournal("n1", Outlet{To: &quiet, Format: Text, Level: slog.LevelWarn},
		Outlet{To: &loud, Format: JSON, Level: slog.LevelDebug})
	j.CommitApplied(0, 1, 1)
	if quiet.Len() != 0 || loud.Len() == 0 {
		t.Errorf("DEBUG came to %q and %q", &quiet, &loud)
	}
	j.PartitionDetected([]string{"n2"})
	if !strings.Contains(quiet.String(), "partition_detected isolated_nodes=n2") {
		t.Errorf("WARN came as %q", &quiet)
	}
	for _, s := range []string{"", "trace", "INFO+1", "4"} {
		if _, err := ParseLevel(s); err == nil {
			t.Errorf("level %q was read", s)
		}
	}
	if l, err := ParseLevel("warn"); l != slog.LevelWarn || err != nil {
		t.Error(l, err)
	}
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	j := NewJournal("n1", Outlet{To: &b, Format: Text})
	j.Log().Info("serving", "address", "127.0.0.1:2379")
	j.SetTerm(3)
	j.Log().With("group", 1).Warn("state was not sent", "error", errors.New(`no "way"`), "took", 2*time.Second,
		"evil", "\x1b[2J", "none", "")
	j.LeaderElected(0, "n2", 3)
	const want = `INFO  n1 serving address=127.0.0.1:2379
WARN  n1 term 3 state was not sent group=1 error="no \"way\"" took=2s evil="\x1b[2J" none=""
INFO  n1 term 3 leader_elected group=0 node_id=n2 term=3
`
	clock := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3} `)
	if got := clock.ReplaceAllString(b.String(), ""); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A full file makes room for the next; no line is lost or cut.
func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log.jsonl")
	f, err := openFile(name, 100)
	if err != nil {
		t.Fatal(err)
	}
	l := strings.Repeat("x", 39) + "\n"
	for range 5 {
		if _, err := f.Write([]byte(l)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(l)); err == nil {
		t.Error("written after Close")
	}
	for file, lines := range map[string]int{name: 1, name + ".1": 2} {
		b, err := os.ReadFile(file)
		if err != nil || string(b) != strings.Repeat(l, lines) {
			t.Errorf("%s holds %q: %v", file, b, err)
		}
	}
	if f, err = openFile(name, 100); err != nil { // goes on where it was
		t.Fatal(err)
	}
	if f.size != int64(len(l)) {
		t.Errorf("size %d", f.size)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
