package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"althing/process"
)

// Version is the form of trace files that this package writes. It reads those from
// version 1 on, which had no World and no Chose.
const Version = 2

// MaxLine bounds one line of a trace file in bytes: a batch of the largest
// requests fits, and a file that is no trace does not fill the memory.
const MaxLine = 16 << 20

// A Header is the first line of a trace file.
type Header struct {
	Version  int    `json:"althing"`
	Protocol string `json:"protocol"`
	Seed     uint64 `json:"seed"`
	Options  string `json:"options,omitempty"` // all of them, as the simulator prints them
	World    string `json:"world,omitempty"`   // how it began, as world.Config prints it
}

// An Event is one thing that happened. The package comment says what each
// field means.
type Event struct {
	Time    time.Duration `json:"t"`
	Seq     uint64        `json:"seq"`
	Kind    string        `json:"kind"`
	Node    process.ID    `json:"node,omitempty"`
	From    process.ID    `json:"from,omitempty"`
	To      process.ID    `json:"to,omitempty"`
	Msg     string        `json:"msg,omitempty"`
	Fields  string        `json:"fields,omitempty"`
	Sent    uint64        `json:"sent,omitempty"`
	Timer   process.Timer `json:"timer,omitempty"`
	N       int           `json:"n,omitempty"`
	Reqs    []string      `json:"reqs,omitempty"`
	Role    string        `json:"role,omitempty"`
	Epoch   uint64        `json:"epoch,omitempty"`
	Leader  process.ID    `json:"leader,omitempty"`
	Last    uint64        `json:"last,omitempty"`
	Commit  uint64        `json:"commit,omitempty"`
	Effects []Effect      `json:"effects,omitempty"`
	Chose   []int         `json:"chose,omitempty"`
	Note    string        `json:"note,omitempty"`
}

// An Effect is one thing that a process asked for.
type Effect struct {
	Kind    string        `json:"kind"`
	To      process.ID    `json:"to,omitempty"`
	Msg     string        `json:"msg,omitempty"`
	Fields  string        `json:"fields,omitempty"`
	Held    bool          `json:"held,omitempty"`
	Timer   process.Timer `json:"timer,omitempty"`
	Min     time.Duration `json:"min,omitempty"`
	Max     time.Duration `json:"max,omitempty"`
	Index   uint64        `json:"index,omitempty"`
	Entries []string      `json:"entries,omitempty"`
	Why     string        `json:"why,omitempty"`
	Data    string        `json:"data,omitempty"`
}

// NewEffect describes e. Held says that it waits for the disk.
func NewEffect(e *process.Effect, held bool) Effect {
	t := Effect{Kind: e.Kind.String(), To: e.To, Held: held, Timer: e.Timer, Min: e.Span.Min,
		Max: e.Span.Max, Index: e.Index, Data: text(e.Data)}
	if e.Msg != nil {
		t.Msg, t.Fields = e.Msg.Kind(), Fields(e.Msg)
	}
	if e.Why != 0 {
		t.Why = e.Why.String()
	}
	for i := range e.Entries {
		t.Entries = append(t.Entries, Entry(&e.Entries[i]))
	}
	for i := range e.Reqs {
		t.Entries = append(t.Entries, Request(&e.Reqs[i]))
	}
	return t
}

// SetStatus fills in what the replica is after the event.
func (e *Event) SetStatus(s process.Status) {
	e.Role, e.Epoch, e.Leader, e.Last, e.Commit = s.Role, s.Epoch, s.Leader, s.Last, s.Commit
}

// A Writer writes a trace as it grows. The first error stays and is returned
// by Flush.
type Writer struct {
	b   *bufio.Writer
	enc *json.Encoder
	err error
}

// NewWriter begins a trace on w with its header.
func NewWriter(w io.Writer, h Header) *Writer {
	b := bufio.NewWriterSize(w, 1<<16)
	t := &Writer{b: b, enc: json.NewEncoder(b)}
	t.enc.SetEscapeHTML(false)
	h.Version = Version
	t.err = t.enc.Encode(&h)
	return t
}

// Write adds one event.
func (t *Writer) Write(e *Event) {
	if t.err == nil {
		t.err = t.enc.Encode(e)
	}
}

// Flush hands everything written to the writer beneath.
func (t *Writer) Flush() error {
	if t.err == nil {
		t.err = t.b.Flush()
	}
	if t.err != nil {
		return fmt.Errorf("write trace: %w", t.err)
	}
	return nil
}

// ErrForm is returned for what is not a trace of this version.
var ErrForm = errors.New("not a trace of version 1 or 2")

// A Reader reads a trace, one event at a time.
type Reader struct {
	header Header
	lines  *bufio.Scanner
	line   int
	seq    uint64
}

// NewReader reads the header of the trace in r.
func NewReader(r io.Reader) (*Reader, error) {
	t := &Reader{lines: bufio.NewScanner(r)}
	t.lines.Buffer(nil, MaxLine)
	if err := t.next(&t.header); err != nil {
		if err == io.EOF {
			err = fmt.Errorf("%w: it is empty", ErrForm)
		}
		return nil, err
	}
	if t.header.Version < 1 || t.header.Version > Version {
		return nil, fmt.Errorf("%w: version %d", ErrForm, t.header.Version)
	}
	return t, nil
}

// Header returns the first line.
func (t *Reader) Header() Header { return t.header }

// Next returns the next event, or io.EOF after the last. Events must come
// numbered without a gap: a trace with lines missing is not a trace.
func (t *Reader) Next() (Event, error) {
	var e Event
	if err := t.next(&e); err != nil {
		return Event{}, err
	}
	if e.Seq != t.seq+1 {
		return Event{}, fmt.Errorf("%w: line %d has event %d after %d", ErrForm, t.line, e.Seq, t.seq)
	}
	t.seq = e.Seq
	return e, nil
}

func (t *Reader) next(v any) error {
	if !t.lines.Scan() {
		if err := t.lines.Err(); err != nil {
			return fmt.Errorf("read trace line %d: %w", t.line+1, err)
		}
		return io.EOF
	}
	t.line++
	d := json.NewDecoder(bytes.NewReader(t.lines.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: line %d: %w", ErrForm, t.line, err)
	}
	if d.More() {
		return fmt.Errorf("%w: line %d: more than one value", ErrForm, t.line)
	}
	return nil
}
