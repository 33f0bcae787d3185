package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// TextHandler returns a handler that writes lines for people to read:
//
//	15:04:05.000 INFO  n1 term 42 leader_elected group=0 node_id=n3 term=42
//	15:04:05.100 WARN  n1 term 42 state was not sent: error="connection refused"
//
// Given a Journal's lines it leaves out what is the same in all of them.
func TextHandler(w io.Writer, level slog.Leveler) slog.Handler {
	if level == nil {
		level = slog.LevelInfo
	}
	return &textHandler{to: &lockedWriter{w: w}, level: level}
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

type textHandler struct {
	to     *lockedWriter
	level  slog.Leveler
	prefix string // of keys: the groups that are open
	attrs  string // written already
}

// Enabled implements slog.Handler.
func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// WithAttrs implements slog.Handler.
func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	b := []byte(h.attrs)
	for _, a := range attrs {
		b = appendAttr(b, h.prefix, a)
	}
	c.attrs = string(b)
	return &c
}

// WithGroup implements slog.Handler.
func (h *textHandler) WithGroup(name string) slog.Handler {
	c := *h
	if name != "" {
		c.prefix += name + "."
	}
	return &c
}

// Handle implements slog.Handler.
func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	b := r.Time.Local().AppendFormat(nil, "15:04:05.000 ")
	b = fmt.Appendf(b, "%-5s", r.Level)
	var rest []slog.Attr
	said := r.Message
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "skill":
		case "node_id":
			b = append(append(b, ' '), a.Value.String()...)
		case "term":
			if term := a.Value.Uint64(); term != 0 {
				b = strconv.AppendUint(append(b, " term "...), term, 10)
			}
		case "event":
			said = a.Value.String()
		case "context":
			if a.Value.Kind() == slog.KindGroup {
				rest = append(rest, a.Value.Group()...)
			}
		default:
			rest = append(rest, a)
		}
		return true
	})
	b = append(append(b, ' '), said...)
	b = append(b, h.attrs...)
	for _, a := range rest {
		b = appendAttr(b, h.prefix, a)
	}
	b = append(b, '\n')
	h.to.mu.Lock()
	defer h.to.mu.Unlock()
	_, err := h.to.w.Write(b)
	return err
}

// appendAttr appends " key=value", or one for each member of a group.
func appendAttr(b []byte, prefix string, a slog.Attr) []byte {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, m := range v.Group() {
			b = appendAttr(b, prefix, m)
		}
		return b
	}
	if a.Equal(slog.Attr{}) {
		return b
	}
	b = append(append(append(append(b, ' '), prefix...), a.Key...), '=')
	s := textOf(v)
	if s == "" || strings.ContainsFunc(s, unsafeInText) {
		return strconv.AppendQuote(b, s)
	}
	return append(b, s...)
}

func textOf(v slog.Value) string {
	switch x := v.Any().(type) {
	case time.Duration:
		return x.String()
	case error:
		return x.Error()
	case fmt.Stringer:
		return x.String()
	case []string:
		return strings.Join(x, ",")
	case string, bool, int64, uint64, float64:
		return v.String()
	}
	if b, err := json.Marshal(v.Any()); err == nil {
		return string(b)
	}
	return v.String()
}

// unsafeInText are characters that would make a line ambiguous, or play with a
// terminal.
func unsafeInText(r rune) bool {
	return r == '"' || r == '=' || !strconv.IsPrint(r) || slices.Contains([]rune{' ', '\t'}, r)
}
