package format

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"althing/history"
)

// A texts reads histories of transactions that are lines of text, without times:
// each operation is told to have happened at the instant 0, so that only the
// order within a session counts.
type texts struct {
	take func(*history.Event) error
	now  history.Event
}

// tell hands on a transaction, and how it ended.
func (t *texts) tell(process, line int, actions []history.Value, end history.Type) error {
	for _, is := range []history.Type{history.Invoke, end} {
		t.now = history.Event{Process: process, Type: is, F: "txn", Timed: true, Line: line,
			Value: history.Value{List: actions}}
		if err := t.take(&t.now); err != nil {
			return err
		}
	}
	return nil
}

// action is [f key value]; without a value it reads what was there at first.
func action(f, key, value string) history.Value {
	text := func(s string) history.Value { return history.Value{Text: s, Some: s != ""} }
	return history.Value{List: []history.Value{text(f), text(key), text(value)}}
}

// eachLine calls f with each line that is not blank, without the blanks at its
// ends.
func eachLine(in *bufio.Reader, f func(n int, line string) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for n := 1; ; n++ {
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			return nil
		}
		if bytes.IndexByte(lines.Bytes(), 0) >= 0 {
			return fmt.Errorf("line %d: a text with NUL", n)
		}
		if line := strings.TrimSpace(lines.Text()); line != "" {
			if err := f(n, line); err != nil {
				return err
			}
		}
	}
}

// An unended transaction is one that may go on.
type unended struct {
	number  string
	line    int
	actions []history.Value
}

// readPlume reads r(key,value,session,transaction) and w(…), one a line. A
// session's transaction ends where its next begins.
func readPlume(in *bufio.Reader, take func(*history.Event) error) error {
	t := texts{take: take}
	open, ended := map[int]*unended{}, map[string]bool{}
	var sessions []int
	err := eachLine(in, func(n int, line string) error {
		f, parts, err := plume(line)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		session, _ := strconv.Atoi(parts[2])
		a := action(f, parts[0], parts[1])
		if parts[1] == "0" {
			a = action(f, parts[0], "")
		}
		if parts[3] == "-1" {
			if f == "r" {
				return nil // of what was aborted, only that it was written matters
			}
			return t.tell(session, n, []history.Value{a}, history.Fail)
		}
		o, ok := open[session]
		if !ok {
			o = &unended{number: parts[3], line: n}
			open[session] = o
			sessions = append(sessions, session)
		}
		if o.number != parts[3] {
			ended[parts[2]+" "+o.number] = true
			if ended[parts[2]+" "+parts[3]] {
				return fmt.Errorf("line %d: transaction %s goes on after the next of session %s began", n,
					parts[3], parts[2])
			}
			if err := t.tell(session, o.line, o.actions, history.Done); err != nil {
				return err
			}
			*o = unended{number: parts[3], line: n}
		}
		if o.actions = append(o.actions, a); len(o.actions) > maxItems {
			return fmt.Errorf("line %d: a transaction of more than %d", n, maxItems)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if err := t.tell(s, open[s].line, open[s].actions, history.Done); err != nil {
			return err
		}
	}
	return nil
}

// plume takes a line apart.
func plume(line string) (f string, parts []string, err error) {
	f, rest, ok := strings.Cut(line, "(")
	rest, closed := strings.CutSuffix(rest, ")")
	parts = strings.Split(rest, ",")
	if !ok || !closed || f != "r" && f != "w" || len(parts) != 4 {
		return "", nil, fmt.Errorf("%.40q: expected r or w(key,value,session,transaction)", line)
	}
	for i, p := range parts {
		if parts[i] = strings.TrimSpace(p); parts[i] == "" {
			return "", nil, fmt.Errorf("%.40q: a part is missing", line)
		}
	}
	if n, err := strconv.Atoi(parts[2]); err != nil || n < 0 || n > maxProcess {
		return "", nil, fmt.Errorf("session %.20q: expected 0 to %d", parts[2], maxProcess)
	}
	if n, err := strconv.ParseInt(parts[3], 10, 64); err != nil || n < -1 {
		return "", nil, fmt.Errorf("transaction %.20q: expected a number, or -1 for an aborted one", parts[3])
	}
	if f == "w" && parts[1] == "0" {
		return "", nil, errors.New("0 is written, which is what a key has at first")
	}
	return f, parts, nil
}

// readAWDIT reads r key value and w key value, one a line; lines of - end a
// transaction, lines of = a session.
func readAWDIT(in *bufio.Reader, take func(*history.Event) error) error {
	t := texts{take: take}
	session := 0
	var now unended
	end := func() error {
		if len(now.actions) == 0 {
			return nil
		}
		err := t.tell(session, now.line, now.actions, history.Done)
		now = unended{}
		return err
	}
	err := eachLine(in, func(n int, line string) error {
		switch {
		case strings.Trim(line, "-") == "":
			return end()
		case strings.Trim(line, "=") == "":
			err := end()
			session++
			return err
		}
		words := strings.Fields(line)
		if len(words) != 3 || words[0] != "r" && words[0] != "w" {
			return fmt.Errorf("line %d: %.40q: expected r or w, a key and a value, or ----- or =====", n, line)
		}
		if len(now.actions) == 0 {
			now.line = n
		}
		if now.actions = append(now.actions, action(words[0], words[1], words[2])); len(now.actions) > maxItems {
			return fmt.Errorf("line %d: a transaction of more than %d", n, maxItems)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return end()
}

// lineFormat tells the format by its first line, if it is one of lines.
func lineFormat(head []byte) Format {
	line, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
	text := strings.TrimSpace(string(line))
	words := strings.Fields(text)
	switch {
	case strings.HasPrefix(text, "r(") || strings.HasPrefix(text, "w("):
		return Plume
	case len(words) == 3 && (words[0] == "r" || words[0] == "w"),
		len(words) == 1 && (strings.Trim(text, "-") == "" || strings.Trim(text, "=") == ""):
		return AWDIT
	}
	return Auto
}
