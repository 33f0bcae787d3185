package shiviz

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"althing/clock"
)

// A Problem is one thing that is wrong with a log.
type Problem struct {
	Line int    // of the file, from 1: where the entry begins
	Text string // what is wrong there
}

// String returns "line N: …".
func (p Problem) String() string { return fmt.Sprintf("line %d: %s", p.Line, p.Text) }

// MaxLog bounds a log in bytes: all of it is looked at together, and ShiViz
// itself takes far less.
const MaxLog = 256 << 20

// ErrForm is returned for a file whose first two lines are not those of a log,
// or of which no entry can be found.
var ErrForm = errors.New("not a ShiViz log")

// Check reads a log and returns what is wrong with it, by line; nothing if it
// can be drawn as it is. Its error is of reading, or ErrForm.
func Check(r io.Reader) ([]Problem, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxLog+1))
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	if len(b) > MaxLog {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrForm, MaxLog)
	}
	text := strings.ReplaceAll(string(b), "\r\n", "\n")
	first, rest, _ := strings.Cut(text, "\n")
	second, body, _ := strings.Cut(rest, "\n")
	if first == "" {
		first = Pattern
	}
	entry, err := regexp.Compile("(?m)" + first)
	if err != nil {
		return nil, fmt.Errorf("%w: line 1: %w", ErrForm, err)
	}
	for _, group := range []string{"host", "clock", "event"} {
		if entry.SubexpIndex(group) < 0 {
			return nil, fmt.Errorf("%w: line 1: the expression has no group %q", ErrForm, group)
		}
	}
	c := checker{entry: entry}
	if err := c.executions(second, body); err != nil {
		return nil, err
	}
	if c.entries == 0 && len(c.problems) == 0 {
		return nil, fmt.Errorf("%w: the expression of line 1 finds no entry", ErrForm)
	}
	slices.SortStableFunc(c.problems, func(a, b Problem) int { return a.Line - b.Line })
	return c.problems, nil
}

type checker struct {
	entry    *regexp.Regexp
	entries  int
	problems []Problem
}

func (c *checker) note(line int, format string, args ...any) {
	c.problems = append(c.problems, Problem{line, fmt.Sprintf(format, args...)})
}

// executions cuts the body at the lines that the delimiter finds.
func (c *checker) executions(delimiter, body string) error {
	const head = 3 // the body begins at this line
	if strings.TrimSpace(delimiter) == "" {
		c.execution(body, head)
		return nil
	}
	between, err := regexp.Compile("(?m)" + delimiter)
	if err != nil {
		return fmt.Errorf("%w: line 2: %w", ErrForm, err)
	}
	names := map[string]bool{}
	from, line := 0, head
	for _, m := range between.FindAllStringSubmatchIndex(body, -1) {
		c.execution(body[from:m[0]], line)
		line += strings.Count(body[from:m[1]], "\n")
		from = m[1]
		if i := between.SubexpIndex("trace"); i >= 0 && m[2*i] >= 0 {
			name := body[m[2*i]:m[2*i+1]]
			if names[name] {
				c.note(line, "there is an execution %q already", name)
			}
			names[name] = true
		}
	}
	c.execution(body[from:], line)
	return nil
}

// An event is one entry.
type event struct {
	line  int
	clock clock.Vector
}

// execution checks the entries of one execution, which begins at a line.
func (c *checker) execution(body string, line int) {
	var names clock.Names
	byHost := map[string][]event{}
	ok := true
	from := 0
	for _, m := range c.entry.FindAllStringSubmatchIndex(body, -1) {
		line += strings.Count(body[from:m[0]], "\n")
		from = m[0]
		c.entries++
		group := func(name string) string {
			i := c.entry.SubexpIndex(name)
			if m[2*i] < 0 {
				return ""
			}
			return body[m[2*i]:m[2*i+1]]
		}
		host := group("host")
		v, err := parse(&names, group("clock"))
		switch own := v.At(names.Index(host)); {
		case host == "":
			c.note(line, "the entry has no host")
			ok = false
		case err != nil:
			c.note(line, "the clock %s %v", group("clock"), err)
			ok = false
		case own == 0:
			c.note(line, "host %q is not in its own clock %s: every event ticks its host's entry",
				host, group("clock"))
			ok = false
		default:
			byHost[host] = append(byHost[host], event{line, v})
		}
	}
	if ok && c.counts(&names, byHost) {
		c.causes(&names, byHost)
	}
}

// parse reads a clock: an object of whole numbers by host. ShiViz drops those
// that are 0.
func parse(names *clock.Names, text string) (clock.Vector, error) {
	counts := map[string]uint64{}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if err := d.Decode(&counts); err != nil || d.More() {
		return nil, errors.New("is not a JSON object of whole numbers by host")
	}
	return names.Vector(counts), nil
}

// counts checks what each host says of itself. It reports whether each has the
// events 1, 2, 3 and so on, in this order.
func (c *checker) counts(names *clock.Names, byHost map[string][]event) bool {
	before := len(c.problems)
	for _, host := range slices.Sorted(maps.Keys(byHost)) {
		h := names.Index(host)
		for i, e := range byHost[host] {
			switch own, want := e.clock.At(h), uint64(i+1); {
			case own == want:
				continue
			case i == 0:
				c.note(e.line, "the first event of %q is its number %d, not 1: the ones before are missing", host, own)
			default:
				c.note(e.line, "event %d of %q comes after its event %d: %s", own, host,
					byHost[host][i-1].clock.At(h), gap(own, want))
			}
			break // what follows is shifted, too
		}
	}
	return len(c.problems) == before
}

func gap(own, want uint64) string {
	if own > want {
		return fmt.Sprintf("event %d is missing", want)
	}
	return "a host's events must be in its own order, each once"
}

// causes checks what each event says of other hosts: that there are such
// events, and that it knows just what they knew.
func (c *checker) causes(names *clock.Names, byHost map[string][]event) {
	for _, host := range slices.Sorted(maps.Keys(byHost)) {
		h := names.Index(host)
		var last clock.Vector // of the host's event before
		for _, e := range byHost[host] {
			want := last.Clone()
			for o, n := range e.clock {
				name := names.Name(o)
				if o == h || n <= last.At(o) {
					continue
				}
				if n > uint64(len(byHost[name])) {
					c.note(e.line, "it knows of event %d of %q, which has %d", n, name, len(byHost[name]))
					continue
				}
				heard := byHost[name][n-1]
				if heard.clock.At(h) >= e.clock.At(h) {
					c.note(e.line, "it heard of event %d of %q (line %d), which knew of it already",
						n, name, heard.line)
					continue
				}
				want.Merge(heard.clock)
			}
			_ = want.Tick(h) // counts are those of entries: far from overflow
			c.impossible(names, &e, want)
			last = e.clock
		}
	}
}

// impossible notes where a clock is not what its causes make it.
func (c *checker) impossible(names *clock.Names, e *event, want clock.Vector) {
	for o, should := range want {
		if has := e.clock.At(o); has < should {
			c.note(e.line, "it has %d for %q, but its past had %d: clocks are joined, and never run back",
				has, names.Name(o), should)
		}
	}
}
