package trace

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"althing/process"
)

// Fields describes a message: its own String if it has one, else its exported
// fields that are not zero, as Name=value, in order.
func Fields(m process.Msg) string {
	if s, ok := m.(fmt.Stringer); ok {
		return s.String()
	}
	v := reflect.Indirect(reflect.ValueOf(m))
	if v.Kind() != reflect.Struct {
		return fmt.Sprint(v)
	}
	return fields(v)
}

func fields(v reflect.Value) string {
	var b strings.Builder
	for i := range v.NumField() {
		f := v.Field(i)
		if !v.Type().Field(i).IsExported() || f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(v.Type().Field(i).Name)
		if f.Kind() != reflect.Bool {
			b.WriteByte('=')
			b.WriteString(value(f))
		}
	}
	return b.String()
}

// value describes one field. Entries, requests, groups and bytes have a form
// of their own; structs and slices of other things are taken apart.
func value(f reflect.Value) string {
	switch x := f.Interface().(type) {
	case process.Entry:
		return Entry(&x)
	case process.Request:
		return Request(&x)
	case process.Group:
		return Group(&x)
	case []byte:
		return text(x)
	case fmt.Stringer:
		return x.String()
	}
	switch f.Kind() {
	case reflect.Pointer:
		return value(f.Elem())
	case reflect.Struct:
		return "{" + fields(f) + "}"
	case reflect.Slice, reflect.Array:
		parts := make([]string, f.Len())
		for i := range parts {
			parts[i] = value(f.Index(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(f.Interface())
}

// Entry describes an entry as index@epoch and what it asks for: "5@2 put k v".
func Entry(e *process.Entry) string {
	return fmt.Sprintf("%d@%d %s", e.Index, e.Epoch, Request(&e.Req))
}

// Request describes a request by who asks, if there is a session, and what
// for: "c7.3 put k v" is the third request of session 7.
func Request(r *process.Request) string {
	var s string
	if r.Client != 0 || r.Seq != 0 {
		s = fmt.Sprintf("c%d.%d ", r.Client, r.Seq)
	}
	switch r.Kind {
	case process.Read:
		return s + "read " + text(r.Cmd)
	case process.Session:
		return s + "session " + text(r.Cmd)
	case process.NoOp:
		return s + "no-op"
	case process.Transfer:
		return s + "transfer to " + transferee(r.Cmd)
	case process.Members:
		g, rest, err := process.CutGroup(r.Cmd)
		if err != nil {
			return s + "members " + text(r.Cmd)
		}
		return strings.TrimSuffix(s+"members "+Group(&g)+" "+text(rest), " ")
	}
	return s + text(r.Cmd)
}

func transferee(cmd []byte) string {
	var id uint64
	for i, b := range cmd {
		if i > 9 {
			return text(cmd)
		}
		id |= uint64(b&0x7f) << (7 * i)
	}
	return strconv.FormatUint(id, 10)
}

// Group describes a group: its voters, then what else it has.
func Group(g *process.Group) string {
	s := ids(g.Voters)
	if len(g.Outgoing) > 0 {
		s += " outgoing " + ids(g.Outgoing)
	}
	if len(g.Learners) > 0 {
		s += " learners " + ids(g.Learners)
	}
	return s
}

func ids(l []process.ID) string {
	s := make([]string, len(l))
	for i, id := range l {
		s[i] = strconv.Itoa(int(id))
	}
	return "{" + strings.Join(s, ",") + "}"
}

// text shows bytes as they are if they can be read, else as hexadecimal.
func text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if utf8.Valid(b) && strings.IndexFunc(string(b), func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return string(b)
	}
	return "0x" + hex.EncodeToString(b)
}

// String is the event in one line, without its effects.
func (e *Event) String() string {
	var b strings.Builder
	switch e.Kind {
	case "deliver":
		fmt.Fprintf(&b, "%d→%d %s", e.From, e.Node, message(e.Msg, e.Fields))
	case "drop", "duplicate":
		fmt.Fprintf(&b, "%s %d→%d %s", e.Kind, e.From, e.To, message(e.Msg, e.Fields))
	case "cut", "mend":
		fmt.Fprintf(&b, "%s %d→%d", e.Kind, e.From, e.To)
	case "timeout":
		fmt.Fprintf(&b, "timeout %d timer %d", e.Node, e.Timer)
	case "submit":
		fmt.Fprintf(&b, "submit %d: %s", e.Node, strings.Join(e.Reqs, "; "))
	case "sync", "crash", "flushfail", "restart":
		fmt.Fprintf(&b, "%s %d (%d records)", e.Kind, e.Node, e.N)
	default:
		b.WriteString(e.Kind)
		if e.Node != 0 {
			fmt.Fprintf(&b, " %d", e.Node)
		}
	}
	if e.Note != "" {
		b.WriteString(": " + e.Note)
	}
	return b.String()
}

// Lines is the event with its effects and the replica's state, one per line;
// what follows the first is indented.
func (e *Event) Lines() []string {
	lines := []string{e.String()}
	for i := range e.Effects {
		lines = append(lines, "  "+e.Effects[i].line(e.Node))
	}
	if e.Role != "" {
		lines = append(lines, "  "+fmt.Sprintf("%d is %s", e.Node, e.status()))
	}
	return lines
}

func (e *Event) status() string {
	s := process.Status{Role: e.Role, Epoch: e.Epoch, Leader: e.Leader, Last: e.Last, Commit: e.Commit}
	return Status(&s)
}

// Status describes a replica: "leader@2 leader=1 last=7 commit=6".
func Status(s *process.Status) string {
	return fmt.Sprintf("%s@%d leader=%d last=%d commit=%d", s.Role, s.Epoch, s.Leader, s.Last, s.Commit)
}

// line shows a message that left as an arrow, one that waits for the disk as a
// dashed arrow.
func (f *Effect) line(node process.ID) string {
	arrow := "→"
	if f.Held {
		arrow = "⇢"
	}
	switch f.Kind {
	case "Save":
		return "save " + message(f.Msg, f.Fields)
	case "Checkpoint":
		return "checkpoint " + message(f.Msg, f.Fields)
	case "Send", "SendNow":
		return fmt.Sprintf("%d%s%d %s", node, arrow, f.To, message(f.Msg, f.Fields))
	case "SendState":
		return fmt.Sprintf("%d%s%d %s with the application's state", node, arrow, f.To, message(f.Msg, f.Fields))
	case "SetTimer":
		return fmt.Sprintf("timer %d in %s", f.Timer, span(f.Min, f.Max))
	case "StopTimer":
		return fmt.Sprintf("timer %d off", f.Timer)
	case "Commit":
		return "commit " + strings.Join(f.Entries, "; ")
	case "Serve":
		return fmt.Sprintf("serve at %d: %s", f.Index, strings.Join(f.Entries, "; "))
	case "Reply":
		return fmt.Sprintf("reply %s: %s", strings.Join(f.Entries, "; "), f.Data)
	case "Refuse":
		return fmt.Sprintf("refuse %s: %s, ask %d", strings.Join(f.Entries, "; "), f.Why, f.To)
	case "Undone":
		return fmt.Sprintf("undone, surely up to %d: %s", f.Index, strings.Join(f.Entries, "; "))
	case "Answer":
		return fmt.Sprintf("answer %s: %s", strings.Join(f.Entries, "; "), f.Data)
	}
	return "load the application's state"
}

func span(low, high time.Duration) string {
	if low == high {
		return low.String()
	}
	return low.String() + ".." + high.String()
}

func message(kind, fields string) string { return strings.TrimSuffix(kind+" "+fields, " ") }
