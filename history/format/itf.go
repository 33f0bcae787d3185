package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"althing/history"
)

// sequence is the variable of a model whose value is the history.
const sequence = "history"

// readITF reads the history of the last state of a trace of a model, as Apalache
// and Quint write it.
func readITF(in io.Reader, take func(*history.Event) error) error {
	r := newReader(in, true)
	r.itf = true
	events, err := r.trace()
	if err != nil {
		return fmt.Errorf("line %d: %w", r.line, inside(err))
	}
	for i := range events {
		if err := take(&events[i]); err != nil {
			return err
		}
	}
	return nil
}

// trace reads the states, and keeps the history of the last.
func (r *reader) trace() (events []history.Event, err error) {
	states := false
	if err := r.expect('{', "a trace"); err != nil {
		return nil, err
	}
	err = r.each('}', func(name string, b byte) error {
		if name != "states" {
			_, err := r.value(b, 0)
			return err
		}
		states = true
		if b != '[' {
			return fmt.Errorf("%q where the list of states should begin", b)
		}
		return r.states(func(last []history.Event) { events = last })
	})
	if err != nil {
		return nil, err
	}
	if b, err := r.token(); err != io.EOF {
		return nil, fmt.Errorf("%q after the end of the trace", b)
	}
	if !states {
		return nil, errors.New("a trace without states")
	}
	return events, nil
}

// each calls f with the name of each member, and the byte that its value begins
// with, up to the end of the map.
func (r *reader) each(end byte, f func(name string, b byte) error) error {
	for {
		b, err := r.token()
		if err != nil {
			return inside(err)
		}
		if b == end {
			return nil
		}
		if err := r.read(b); err != nil {
			return inside(err)
		}
		name := string(r.word)
		if b, err = r.token(); err != nil {
			return inside(err)
		}
		if err := f(name, b); err != nil {
			return inside(err)
		}
	}
}

func (r *reader) expect(b byte, what string) error {
	if got, err := r.token(); err != nil {
		return inside(err)
	} else if got != b {
		return fmt.Errorf("%q where %s should begin", got, what)
	}
	return nil
}

// states reads the states, and hands on the history of each.
func (r *reader) states(take func([]history.Event)) error {
	for count := 0; ; count++ {
		b, err := r.token()
		if err != nil {
			return err
		}
		if b == ']' {
			return nil
		}
		if b != '{' {
			return fmt.Errorf("%q where state %d should begin", b, count)
		}
		found := false
		err = r.each('}', func(name string, b byte) error {
			if name != sequence {
				_, err := r.value(b, 0)
				return err
			}
			found = true
			if b != '[' {
				return fmt.Errorf("state %d: %s is no sequence", count, sequence)
			}
			events, err := r.events()
			take(events)
			return err
		})
		if err == nil && !found {
			err = fmt.Errorf("state %d has no variable %q", count, sequence)
		}
		if err != nil {
			return err
		}
	}
}

// events reads a sequence of records, each an event.
func (r *reader) events() (events []history.Event, err error) {
	for {
		b, err := r.token()
		if err != nil {
			return nil, err
		}
		if b == ']' {
			return events, nil
		}
		if b != '{' {
			return nil, fmt.Errorf("%q where an event should begin", b)
		}
		if len(events) == maxItems {
			return nil, fmt.Errorf("more than %d events", maxItems)
		}
		e, err := r.record()
		if err != nil {
			return nil, err
		}
		events = append(events, *e)
	}
}

// plain makes of a value in the words of ITF what it stands for.
func plain(v history.Value) history.Value {
	if len(v.List) == 2 && slices.Contains([]string{"#bigint", "#tup", "#set", "#map"}, v.List[0].Text) {
		return v.List[1]
	}
	return v
}

// traced tells whether a map whose first name this is, is a trace of a model.
func traced(rest []byte) bool {
	name, _, _ := bytes.Cut(bytes.TrimPrefix(rest, []byte(`"`)), []byte(`"`))
	return slices.Contains([]string{"#meta", "params", "vars", "states", "loop"}, string(name))
}
