package script

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"althing/process"
	"althing/trace"
	"althing/world"
)

// separator ends the commands of a block.
const separator = "---"

// Run executes a script on worlds of p, and returns it with the outcome of
// each block. A command that cannot be done now is an outcome ("cannot: …"),
// and so is a broken promise ("violation: …"), which ends the World; one that
// makes no sense is an error with its line.
func Run(p process.Protocol, text []byte) ([]byte, error) {
	s := &script{p: p}
	var b bytes.Buffer
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); {
		line := strings.TrimSpace(lines[i])
		i++
		switch {
		case line == separator:
			for i < len(lines) && strings.TrimSpace(lines[i]) != "" {
				i++ // the outcome as it was
			}
			fmt.Fprintln(&b, separator)
			for _, l := range s.lines {
				fmt.Fprintln(&b, l)
			}
			s.lines = nil
			continue
		case line == "" || line[0] == '#':
		default:
			if err := s.command(line); err != nil {
				return nil, fmt.Errorf("run script: line %d: %s: %w", i, line, err)
			}
		}
		if i < len(lines) || line != "" {
			fmt.Fprintln(&b, line)
		}
	}
	if len(s.lines) > 0 {
		return nil, fmt.Errorf("run script: the last block does not end with %q", separator)
	}
	return b.Bytes(), nil
}

// A script is one under way.
type script struct {
	p          process.Protocol
	w          *world.World
	timers     []string // names, by Timer-1
	showTimers bool
	shown      map[process.ID]string // the state last shown of each replica
	sessions   map[string]uint64
	lines      []string // outcome of the present block
	over       bool     // a promise was broken
}

var (
	errGroup   = errors.New("there is no group yet")
	errUsage   = errors.New("the command has another form")
	errUnknown = errors.New("there is no such command")
	errOver    = errors.New("the World ended with a violation")
)

// command executes one line.
func (s *script) command(line string) error {
	args := strings.Fields(line)
	verb, args := args[0], args[1:]
	switch verb {
	case "timers":
		s.timers = args
		return nil
	case "show":
		if !slices.Equal(args, []string{"timers"}) {
			return errUsage
		}
		s.showTimers = true
		return nil
	case "quiet":
		if len(args) == 0 {
			return errUsage
		}
		kept := len(s.lines)
		err := s.command(strings.Join(args, " "))
		news := slices.DeleteFunc(s.lines[kept:], func(l string) bool {
			return !strings.HasPrefix(l, "cannot: ") && !strings.HasPrefix(l, "violation: ")
		})
		s.lines = s.lines[:kept+len(news)]
		return err
	case "group":
		return s.group(args)
	}
	if s.w == nil {
		return errGroup
	}
	if s.over {
		return errOver
	}
	do, ok := verbs[verb]
	if !ok {
		return errUnknown
	}
	return s.outcome(do(s, args))
}

// outcome notes what cannot be done and what is broken; other errors are the
// script's own.
func (s *script) outcome(err error) error {
	var v *world.Violation
	var c world.Cannot
	switch {
	case errors.As(err, &v):
		s.over = true
		s.lines = append(s.lines, "violation: "+v.Error())
	case errors.As(err, &c):
		s.lines = append(s.lines, "cannot: "+c.Error())
	default:
		return err
	}
	return nil
}

// observe shows an event.
func (s *script) observe(e *trace.Event) {
	for i, l := range e.Lines() {
		switch {
		case strings.HasPrefix(l, "  timer "):
			if s.showTimers {
				s.lines = append(s.lines, s.named(l))
			}
		case i > 0 && e.Role != "" && i == len(e.Effects)+1:
			if s.shown[e.Node] != l {
				s.shown[e.Node] = l
				s.lines = append(s.lines, l)
			}
		case i == 0 && e.Kind == "timeout":
			s.lines = append(s.lines, fmt.Sprintf("timeout %d %s", e.Node, s.timerName(e.Timer)))
		default:
			s.lines = append(s.lines, l)
		}
	}
}

// named puts the timer's name in place of its number.
func (s *script) named(l string) string {
	for t := range s.timers {
		number := fmt.Sprintf("  timer %d ", t+1)
		if rest, ok := strings.CutPrefix(l, number); ok {
			return "  timer " + s.timers[t] + " " + rest
		}
	}
	return l
}

func (s *script) timerName(t process.Timer) string {
	if int(t) <= len(s.timers) && t > 0 {
		return s.timers[t-1]
	}
	return fmt.Sprint(t)
}

// settle takes in the News: sessions that were opened.
func (s *script) settle() {
	for i := range s.w.News.Answers {
		a := &s.w.News.Answers[i]
		if a.Req.Kind == process.Session && a.Outcome == world.Done {
			s.sessions[string(a.Req.Cmd)] = uvarint(a.Result)
		}
	}
	s.w.News.Reset()
}

// maxMoves bounds stabilize: two replicas that answer each other for ever
// would otherwise never come to rest.
const maxMoves = 10_000

// stabilize lets disks and messages among ids move until all is still. A sync
// goes before deliveries, and messages arrive in the order in which they were
// sent.
func stabilize(s *script, args []string) error {
	ids, err := s.ids(args)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		for id := range s.w.Replicas() {
			ids = append(ids, process.ID(id+1))
		}
	}
	for range maxMoves {
		moved, err := s.move(ids)
		if err != nil || !moved {
			return err
		}
	}
	return fmt.Errorf("nothing comes to rest within %d moves", maxMoves)
}

func (s *script) move(ids []process.ID) (bool, error) {
	for _, id := range ids {
		if s.w.Up(id) && !s.w.Paused(id) && s.w.Unsynced(id) > 0 {
			return true, s.w.Sync(id, s.w.Unsynced(id))
		}
	}
	for _, f := range s.w.Flights() {
		if slices.Contains(ids, f.From) && slices.Contains(ids, f.To) && !s.w.Paused(f.To) {
			err := s.w.Deliver(f.ID)
			s.settle()
			return true, err
		}
	}
	return false, nil
}

// status shows all replicas.
func status(s *script, args []string) error {
	if len(args) > 0 {
		return errUsage
	}
	for i := range s.w.Replicas() {
		id := process.ID(i + 1)
		if !s.w.Up(id) {
			s.lines = append(s.lines, fmt.Sprintf("%d down", id))
			continue
		}
		st, app := s.w.Status(id), s.w.App(id)
		g := app.State().Group
		s.lines = append(s.lines, strings.TrimRight(fmt.Sprintf("%d %s unsynced=%d %s %s", id, trace.Status(&st),
			s.w.Unsynced(id), trace.Group(&g), strings.Join(app.Registers(), " ")), " "))
	}
	return nil
}

// flying shows the messages on their way, in the order in which they were sent.
func flying(s *script, args []string) error {
	if len(args) > 0 {
		return errUsage
	}
	for _, f := range s.w.Flights() {
		s.lines = append(s.lines, strings.TrimRight(fmt.Sprintf("in flight %d→%d %s %s", f.From, f.To,
			f.Msg.Kind(), trace.Fields(f.Msg)), " "))
	}
	return nil
}

// Diff returns the first lines in which two texts differ, for people.
func Diff(want, got []byte) string {
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := 0; i < max(len(w), len(g)); i++ {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Sprintf("line %d\nwas  %s\nis   %s\n", i+1, a, b)
		}
	}
	return ""
}
