package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
)

// skill names the schema that the lines of a journal follow.
const skill = "distributed-systems"

// An event is what a line says happened. There are no others than these.
type event string

const (
	electionStarted   event = "election_started"
	leaderElected     event = "leader_elected"
	logReplicated     event = "log_replicated"
	commitApplied     event = "commit_applied"
	partitionDetected event = "partition_detected"
	partitionHealed   event = "partition_healed"
	conflictResolved  event = "conflict_resolved"
)

// A Format is how the lines of a journal look.
type Format string

const (
	JSON Format = "json" // for programs: one object a line
	Text Format = "text" // for people
)

// A Journal writes the lines of one node.
type Journal struct {
	node string
	term atomic.Uint64
	log  *slog.Logger
}

// An Outlet is a place that lines go to.
type Outlet struct {
	To     io.Writer // each line is one Write
	Format Format
	Level  slog.Leveler // less than this is left out; nil: INFO
}

// NewJournal returns the journal of the node of that name, to all outlets.
func NewJournal(node string, outlets ...Outlet) *Journal {
	j := &Journal{node: node}
	handlers := make([]slog.Handler, len(outlets))
	for i, o := range outlets {
		options := &slog.HandlerOptions{Level: o.Level, ReplaceAttr: replace}
		if o.Format == JSON {
			handlers[i] = slog.NewJSONHandler(o.To, options)
		} else {
			handlers[i] = TextHandler(o.To, o.Level)
		}
	}
	var out slog.Handler = slog.NewMultiHandler(handlers...)
	if len(handlers) == 1 {
		out = handlers[0]
	}
	j.log = slog.New(&handler{journal: j, out: out, scopes: make([]scope, 1)})
	return j
}

// replace gives the keys that slog makes the names of the schema.
func replace(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		a.Key = "timestamp"
	case slog.MessageKey:
		if a.Value.String() == "" {
			return slog.Attr{}
		}
		a.Key = "message"
	}
	return a
}

// Log returns the logger for what is said in words. Its attributes are the
// context of the line.
func (j *Journal) Log() *slog.Logger { return j.log }

// SetTerm says which term the lines from here on are of.
func (j *Journal) SetTerm(term uint64) { j.term.Store(term) }

// ElectionStarted says that this node stands for leader of a group in term.
func (j *Journal) ElectionStarted(group uint32, term uint64) {
	j.write(slog.LevelInfo, electionStarted, group64(group), slog.Uint64("term", term))
}

// LeaderElected says that this node knows who leads a group in term.
func (j *Journal) LeaderElected(group uint32, leader string, term uint64) {
	j.write(slog.LevelInfo, leaderElected, group64(group), slog.String("node_id", leader), slog.Uint64("term", term))
}

// LogReplicated says that a follower durably holds the log up to index.
func (j *Journal) LogReplicated(group uint32, follower string, index uint64) {
	j.write(slog.LevelDebug, logReplicated, group64(group), slog.String("follower_id", follower),
		slog.Uint64("index", index))
}

// CommitApplied says that entries up to index were applied here at once.
func (j *Journal) CommitApplied(group uint32, entries int, index uint64) {
	j.write(slog.LevelDebug, commitApplied, group64(group), slog.Int("entries", entries), slog.Uint64("index", index))
}

// PartitionDetected names all the members that this node has lost touch with.
func (j *Journal) PartitionDetected(isolated []string) {
	j.write(slog.LevelWarn, partitionDetected, slog.Any("isolated_nodes", isolated))
}

// PartitionHealed names the members that this node is in touch with again.
func (j *Journal) PartitionHealed(nodes []string) {
	j.write(slog.LevelInfo, partitionHealed, slog.Any("nodes", nodes))
}

// ConflictResolved says by which strategy versions of a key became one.
func (j *Journal) ConflictResolved(key, strategy string) {
	j.write(slog.LevelInfo, conflictResolved, slog.String("key", key), slog.String("strategy", strategy))
}

func group64(group uint32) slog.Attr { return slog.Uint64("group", uint64(group)) }

func (j *Journal) write(level slog.Level, e event, about ...slog.Attr) {
	ctx := context.Background()
	if j.log.Enabled(ctx, level) {
		j.log.LogAttrs(ctx, level, "", append(about, slog.Any("", e))...)
	}
}

// A handler makes records into lines of the schema.
type handler struct {
	journal *Journal
	out     slog.Handler // of whole lines
	scopes  []scope      // outermost first; [0] is the context itself
}

// A scope is a group of attributes that a logger has opened.
type scope struct {
	name  string
	attrs []slog.Attr
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.out.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.scopes = slices.Clone(h.scopes)
	last := &c.scopes[len(c.scopes)-1]
	last.attrs = slices.Concat(last.attrs, attrs)
	return &c
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.scopes = append(slices.Clone(h.scopes), scope{name: name})
	return &c
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	line := slog.NewRecord(r.Time.UTC(), r.Level, r.Message, 0)
	line.AddAttrs(slog.String("skill", skill), slog.String("node_id", h.journal.node),
		slog.Uint64("term", h.journal.term.Load()))
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		if e, ok := a.Value.Any().(event); ok {
			line.AddAttrs(slog.String("event", string(e)))
		} else {
			attrs = append(attrs, a)
		}
		return true
	})
	for i := len(h.scopes) - 1; i >= 0; i-- {
		s := &h.scopes[i]
		attrs = slices.Concat(s.attrs, attrs)
		if i > 0 {
			attrs = []slog.Attr{slog.GroupAttrs(s.name, attrs...)}
		}
	}
	line.AddAttrs(contextOf(attrs))
	return h.out.Handle(ctx, line)
}

// contextOf is an object even if there is nothing in it: a handler leaves out
// a group that is empty.
func contextOf(attrs []slog.Attr) slog.Attr {
	if slices.ContainsFunc(attrs, shown) {
		return slog.GroupAttrs("context", attrs...)
	}
	return slog.Any("context", struct{}{})
}

// shown reports whether a handler writes anything for a.
func shown(a slog.Attr) bool {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		return slices.ContainsFunc(v.Group(), shown)
	}
	return !a.Equal(slog.Attr{})
}

// ParseLevel reads debug, info, warn or error.
func ParseLevel(s string) (slog.Level, error) {
	var l slog.Level
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, strings.ToLower(s)) {
		return 0, fmt.Errorf("parse log level: %q is not one of debug, info, warn, error", s)
	}
	err := l.UnmarshalText([]byte(s))
	return l, err
}
