// Package format reads recorded histories. It knows six ways to write one:
//
// JSON, an object for each event, one after the other or in one array:
//
//	{"process": 0, "type": "invoke", "f": "write", "key": "x", "value": 3, "time": 17}
//	{"process": 0, "type": "ok", "f": "write", "key": "x", "value": 3, "time": 21}
//
// EDN, as Jepsen keeps histories, the maps one after the other or in one
// vector, with or without a tag:
//
//	{:process 0, :type :invoke, :f :cas, :value [1 2], :time 17, :index 0}
//
// the log that Jepsen prints, among whose lines others may stand:
//
//	INFO  jepsen.util - 0	:invoke	:write	3
//
// Plume's text, of transactions over registers: an operation a line, with key,
// value, session and transaction. Value 0 is what a key has at first; what is
// written by transaction -1 was aborted. A session's transaction ends where its
// next begins:
//
//	w(17,3,0,1)
//	r(17,3,1,2)
//
// AWDIT's text, likewise, with a line between transactions and another between
// sessions. There is no value that a key has at first:
//
//	w x 1
//	-----
//	r x 1
//	=====
//	r x 1
//
// and ITF, in which Apalache and Quint write a run of a model. The model keeps
// the history in a variable named history, a sequence of records with the fields
// of an event as JSON has them, to which each step adds at the end; that of the
// last state is read. An integer may be {"#bigint": "3"}, and a pair, as that of
// a cas or an action of a transaction, {"#tup": [1, 2]}:
//
//	{"vars": ["history"], "states": [{"history": [
//	  {"process": {"#bigint": "0"}, "type": "invoke", "f": "write", "key": "x", "value": {"#bigint": "3"}}]}]}
//
// Traces in which a protocol tells its own steps, such as the lines that
// etcd-raft writes for its specification, are not histories: no client asks or
// is answered in them.
//
// The types are invoke, ok, fail and info. A time is in nanoseconds. Times are
// heeded in JSON and ITF alone, where histories of many recorders may be put together:
// elsewhere the order of the events is their order in time, but for Plume's and
// AWDIT's, which tell no more of time than the sessions do. Members of an
// event that are not named here are skipped. An event of a process that is not
// a number is of none of the clients: it tells a fault, or its end.
//
// A history is read as it comes, so one of any length can be; each text, list
// and depth is bounded.
package format

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"althing/history"
)

// Format is a way to write a history.
type Format string

// The formats.
const (
	Auto Format = "auto" // by how it begins
	JSON Format = "json"
	EDN  Format = "edn"
	Log  Format = "log"

	Plume Format = "plume" // of transactions
	AWDIT Format = "awdit" // of transactions
	ITF   Format = "itf"
)

// Formats are all of them.
var Formats = []Format{Auto, JSON, EDN, Log, Plume, AWDIT, ITF}

// sniff is how much is looked at to tell the format.
const sniff = 4096

// Read reads a history and hands on each event; the event is overwritten by the
// next. It ends with the first error, of take or its own; its own names the
// line.
func Read(from io.Reader, f Format, take func(*history.Event) error) error {
	in := bufio.NewReaderSize(from, 1<<16)
	if f == Auto {
		head, err := in.Peek(sniff)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read: %w", err)
		}
		if f = detect(head); f == Auto {
			if len(bytes.TrimSpace(head)) == 0 {
				return nil // no event: the history of nothing
			}
			return errors.New("line 1: this begins as no known format; expected json, edn, log, plume, awdit or itf")
		}
	}
	switch f {
	case Log:
		return readLog(in, take)
	case Plume:
		return readPlume(in, take)
	case AWDIT:
		return readAWDIT(in, take)
	case ITF:
		return readITF(in, take)
	}
	r := newReader(in, f == JSON)
	for {
		e, err := r.event()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", r.line, err)
		}
		if err := take(e); err != nil {
			return err
		}
	}
}

// detect tells the format by what comes first.
func detect(head []byte) Format {
	if bytes.Contains(head, []byte("jepsen.util")) {
		return Log
	}
	if f := lineFormat(head); f != Auto {
		return f
	}
	at := bytes.IndexByte(head, '{')
	if at < 0 {
		if t := bytes.TrimSpace(head); len(t) > 0 && bytes.IndexByte([]byte("[("), t[0]) >= 0 {
			return EDN // with nothing in it
		}
		return Auto
	}
	switch rest := bytes.TrimLeft(head[at+1:], " \t\r\n,"); {
	case traced(rest):
		return ITF
	case len(rest) > 0 && rest[0] == '"':
		return JSON
	case len(rest) > 0 && rest[0] == ':':
		return EDN
	}
	return Auto
}

var types = map[string]history.Type{"invoke": history.Invoke, "ok": history.Done, "fail": history.Fail,
	"info": history.Info}

// event reads the next event.
func (r *reader) event() (*history.Event, error) {
	if err := r.opening(); err != nil {
		return nil, err
	}
	return r.record()
}

// record reads an event from the inside of its map on.
func (r *reader) record() (*history.Event, error) {
	r.now = history.Event{Line: r.line, Process: -1}
	client, err := r.members()
	switch {
	case err != nil:
		return nil, err
	case !client:
		r.now.Outside = true
		return &r.now, nil
	case r.now.Process < 0:
		return nil, errors.New("an event without a process")
	case r.now.Type == 0:
		return nil, errors.New("an event without a type")
	case r.now.F == "":
		return nil, errors.New("an event without an f")
	}
	return &r.now, nil
}

// opening skips to the inside of the next map, past the brackets of a history
// that is one list, and tags.
func (r *reader) opening() error {
	for {
		b, err := r.token()
		switch {
		case err != nil:
			if err == io.EOF && r.listed {
				return errors.New("the list of events has no end")
			}
			return err
		case b == '{' && !r.ended:
			return nil
		case (b == '[' || b == '(') && !r.listed && !r.ended:
			r.listed = true
		case (b == ']' || b == ')') && r.listed:
			r.listed, r.ended = false, true
		case b == '#' && !r.json:
			if err := r.tag(); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%q where an event should begin", b)
		}
	}
}

// members reads the members of an event, and tells whether it is a client's.
func (r *reader) members() (client bool, err error) {
	client = true
	for {
		b, err := r.token()
		if err != nil {
			return false, inside(err)
		}
		if b == '}' {
			return client, nil
		}
		if err := r.read(b); err != nil {
			return false, inside(err)
		}
		name := naming(r.word)
		if b, err = r.token(); err != nil {
			return false, inside(err)
		}
		if name == process || name == at {
			ours, err := r.count(name, b)
			if err != nil {
				return false, inside(err)
			}
			client = client && ours
			continue
		}
		v, err := r.value(b, 0)
		if err != nil {
			return false, inside(err)
		}
		switch name {
		case kind:
			if r.now.Type = types[v.Text]; r.now.Type == 0 {
				return false, fmt.Errorf("type %q: expected invoke, ok, fail or info", v.Text)
			}
		case f:
			r.now.F = v.Text
		case key:
			r.now.Key = v.String()
		case value:
			r.now.Value = v
		}
	}
}

// count reads a process or a time, of which there are too many to keep. It tells
// whether it is a number, as a client's process is.
func (r *reader) count(name member, b byte) (bool, error) {
	if b == '[' || b == '(' || b == '{' || b == '#' {
		v, err := r.value(b, 0)
		if err != nil || !r.itf || !v.Some {
			return name != process, err
		}
		r.word = append(r.word[:0], v.Text...)
	} else if err := r.read(b); err != nil {
		return false, err
	}
	n, err := strconv.ParseInt(string(r.word), 10, 64)
	switch {
	case name == process && err == nil && (n < 0 || n > maxProcess):
		return false, fmt.Errorf("process %d: expected 0 to %d", n, maxProcess)
	case name == process:
		r.now.Process = int(n)
		return err == nil, nil
	case r.json && err != nil:
		return false, fmt.Errorf("time %q: expected nanoseconds", r.word)
	}
	r.now.Time, r.now.Timed = time.Duration(n), r.json
	return true, nil
}

// maxProcess is the highest number of a client.
const maxProcess = 1<<31 - 1

// A member of an event.
type member uint8

const (
	other member = iota
	process
	kind
	f
	key
	value
	at
)

func naming(word []byte) member {
	switch string(word) {
	case "process":
		return process
	case "type":
		return kind
	case "f":
		return f
	case "key":
		return key
	case "value":
		return value
	case "time":
		return at
	}
	return other
}

// inside makes of an end of file what it is in the middle of an event.
func inside(err error) error {
	if err == io.EOF {
		return errors.New("the file ends within an event")
	}
	return err
}

// maxLine bounds a line of a log.
const maxLine = 1 << 20

// readLog reads the events among the lines of a log.
func readLog(in *bufio.Reader, take func(*history.Event) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		_, rest, found := bytes.Cut(lines.Bytes(), []byte("jepsen.util - "))
		if !found {
			continue
		}
		e, err := logged(rest)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if e == nil {
			continue
		}
		e.Line = n
		if err := take(e); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}

// logged reads what a line of a log says after its head; nil if that is no
// event. There a compare-and-set that fails was refused; anything else that
// fails did not happen.
func logged(rest []byte) (*history.Event, error) {
	r := newReader(bytes.NewReader(rest), false)
	var words []history.Value
	for {
		b, err := r.token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		v, err := r.value(b, 0)
		if err != nil {
			return nil, inside(err)
		}
		words = append(words, v)
	}
	if len(words) == 0 {
		return nil, nil
	}
	process, err := strconv.Atoi(words[0].Text)
	if err != nil || process < 0 {
		if len(words) < 3 {
			return nil, nil
		}
		e := &history.Event{F: words[2].Text, Outside: true}
		if len(words) > 3 {
			e.Value = words[3]
		}
		return e, nil
	}
	if len(words) < 4 {
		return nil, fmt.Errorf("%d words, expected a process, a type, an f and a value", len(words))
	}
	e := &history.Event{Process: process, Type: types[words[1].Text], F: words[2].Text, Value: words[3]}
	if e.Type == 0 {
		return nil, fmt.Errorf("type %q: expected invoke, ok, fail or info", words[1].Text)
	}
	if e.Type == history.Fail && e.F == "cas" {
		e.Type, e.Value = history.Done, history.Value{Text: "false", Some: true}
	}
	return e, nil
}
