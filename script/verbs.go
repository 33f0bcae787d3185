package script

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"althing/process"
	"althing/world"
)

// verbs are the commands that need a World.
var verbs map[string]func(s *script, args []string) error

func init() { // a literal would refer to itself
	verbs = map[string]func(s *script, args []string) error{
		"timeout":   timeout,
		"deliver":   message((*world.World).Deliver),
		"drop":      message((*world.World).Drop),
		"duplicate": message((*world.World).Duplicate),
		"stabilize": stabilize,
		"session":   session,
		"submit":    submit(process.Command),
		"read":      submit(process.Read),
		"members":   members,
		"transfer":  transfer,
		"sync":      sync,
		"crash":     crash((*world.World).Crash),
		"flushfail": crash((*world.World).FailFlush),
		"restart":   replica((*world.World).Restart),
		"losedisk":  replica((*world.World).LoseDisk),
		"corrupt":   replica((*world.World).Corrupt),
		"flush":     replica((*world.World).Flush),
		"compact":   replica((*world.World).Compact),
		"pause":     replica((*world.World).Pause),
		"resume":    replica((*world.World).Resume),
		"join":      join,
		"cut":       link((*world.World).Cut),
		"mend":      link((*world.World).Mend),
		"heal":      heal,
		"partition": partition,
		"advance":   advance,
		"clock":     clock,
		"status":    status,
		"flying":    flying,
	}
}

// group makes a new World and starts its replicas.
func (s *script) group(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 1 || n > world.MaxReplicas {
		return errUsage
	}
	c := world.Config{Replicas: n}
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		if err := configure(&c.Process, key, value); err != nil {
			return fmt.Errorf("%s: %w", arg, err)
		}
	}
	s.w, s.over = world.New(s.p, c), false
	s.shown, s.sessions = map[process.ID]string{}, map[string]uint64{}
	s.w.Observe = s.observe
	for id := range n {
		if err := s.outcome(s.w.Restart(process.ID(id + 1))); err != nil {
			return err
		}
	}
	s.settle()
	return nil
}

func configure(c *process.Config, key, value string) (err error) {
	switch key {
	case "lease":
		c.Lease, err = strconv.ParseBool(value)
	case "drift":
		c.Drift, err = strconv.ParseFloat(value, 64)
	case "trailing":
		c.Trailing, err = strconv.ParseUint(value, 10, 64)
	case "window":
		c.Window, err = strconv.Atoi(value)
	case "batch":
		c.BatchBytes, err = strconv.Atoi(value)
	case "acks":
		c.Acks, err = strconv.Atoi(value)
	case "heartbeat":
		c.Heartbeat, err = time.ParseDuration(value)
	case "election":
		low, high, _ := strings.Cut(value, "..")
		if c.Election.Min, err = time.ParseDuration(low); err == nil {
			c.Election.Max, err = time.ParseDuration(high)
		}
	default:
		return errUsage
	}
	return err
}

func timeout(s *script, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	id, err := number(args[0])
	if err != nil {
		return err
	}
	t := process.Timer(slices.Index(s.timers, args[1]) + 1)
	if t == 0 {
		n, err := strconv.ParseUint(args[1], 10, 8)
		if err != nil {
			return fmt.Errorf("no timer is called %s", args[1])
		}
		t = process.Timer(n)
	}
	defer s.settle()
	return s.w.Timeout(id, t)
}

// message does something to the oldest message of a link, or the n-th oldest.
func message(do func(*world.World, world.FlightID) error) func(*script, []string) error {
	return func(s *script, args []string) error {
		if len(args) < 1 || len(args) > 3 {
			return errUsage
		}
		from, to, err := ends(args[0])
		if err != nil {
			return err
		}
		n := 1
		if len(args) == 3 {
			if n, err = strconv.Atoi(args[2]); err != nil {
				return errUsage
			}
		}
		defer s.settle()
		for _, f := range s.w.Flights() {
			if f.From == from && f.To == to && (len(args) == 1 || f.Msg.Kind() == args[1]) {
				if n--; n == 0 {
					return do(s.w, f.ID)
				}
			}
		}
		return world.Cannot("there is no such message")
	}
}

func session(s *script, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	return s.submit(args[0], process.Request{Kind: process.Session, Cmd: []byte(args[1])})
}

// submit takes an ID, a number within a session perhaps, and a command.
func submit(kind process.Kind) func(*script, []string) error {
	return func(s *script, args []string) error {
		if len(args) < 2 {
			return errUsage
		}
		r := process.Request{Kind: kind}
		words := args[1:]
		if name, seq, ok := strings.Cut(words[0], "."); ok {
			r.Client = s.sessions[name]
			n, err := strconv.ParseUint(seq, 10, 64)
			if err != nil || r.Client == 0 {
				return fmt.Errorf("no session %q is open, or %q is no number", name, seq)
			}
			r.Seq, words = n, words[1:]
		}
		r.Cmd = []byte(strings.Join(words, " "))
		return s.submit(args[0], r)
	}
}

func (s *script) submit(id string, r process.Request) error {
	n, err := number(id)
	if err != nil {
		return err
	}
	defer s.settle()
	return s.w.Submit(n, []process.Request{r})
}

func members(s *script, args []string) error {
	if len(args) < 2 || len(args) > 3 {
		return errUsage
	}
	var g process.Group
	var err error
	if g.Voters, err = s.ids(strings.Split(args[1], ",")); err == nil && len(args) == 3 {
		g.Learners, err = s.ids(strings.Split(args[2], ","))
	}
	if err != nil {
		return err
	}
	return s.submit(args[0], process.Request{Kind: process.Members, Cmd: process.AppendGroup(nil, g)})
}

func transfer(s *script, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	to, err := number(args[1])
	if err != nil {
		return err
	}
	return s.submit(args[0], process.Request{Kind: process.Transfer, Cmd: binary.AppendUvarint(nil, uint64(to))})
}

func sync(s *script, args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return errUsage
	}
	id, err := s.existing(args[0])
	if err != nil {
		return err
	}
	n := s.w.Unsynced(id)
	if len(args) == 2 {
		if n, err = strconv.Atoi(args[1]); err != nil {
			return errUsage
		}
	}
	defer s.settle()
	return s.w.Sync(id, n)
}

func crash(do func(*world.World, process.ID, int) error) func(*script, []string) error {
	return func(s *script, args []string) error {
		if len(args) < 1 || len(args) > 2 {
			return errUsage
		}
		id, err := number(args[0])
		if err != nil {
			return err
		}
		keep := 0
		if len(args) == 2 {
			if keep, err = strconv.Atoi(strings.TrimPrefix(args[1], "keep=")); err != nil {
				return errUsage
			}
		}
		delete(s.shown, id)
		return do(s.w, id, keep)
	}
}

func replica(do func(*world.World, process.ID) error) func(*script, []string) error {
	return func(s *script, args []string) error {
		if len(args) != 1 {
			return errUsage
		}
		id, err := number(args[0])
		if err != nil {
			return err
		}
		defer s.settle()
		return do(s.w, id)
	}
}

func join(s *script, args []string) error {
	if len(args) != 0 {
		return errUsage
	}
	defer s.settle()
	_, err := s.w.Join()
	return err
}

func link(do func(w *world.World, from, to process.ID) error) func(*script, []string) error {
	return func(s *script, args []string) error {
		if len(args) != 1 {
			return errUsage
		}
		from, to, err := ends(args[0])
		if err != nil {
			return err
		}
		return do(s.w, from, to)
	}
}

func heal(s *script, args []string) error {
	if len(args) != 0 {
		return errUsage
	}
	return s.w.Heal()
}

// partition cuts the links between the sides, and shows itself as one line.
func partition(s *script, args []string) error {
	left, right, ok := strings.Cut(strings.Join(args, " "), "|")
	a, err := s.ids(strings.Fields(left))
	if err != nil || !ok {
		return errUsage
	}
	b, err := s.ids(strings.Fields(right))
	if err != nil {
		return errUsage
	}
	kept := len(s.lines)
	for _, x := range a {
		for _, y := range b {
			if err := s.w.Cut(x, y); err != nil {
				return err
			}
			if err := s.w.Cut(y, x); err != nil {
				return err
			}
		}
	}
	s.lines = append(s.lines[:kept], "partition "+strings.Join(args, " "))
	return nil
}

func advance(s *script, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	d, err := time.ParseDuration(args[0])
	if err != nil || d < 0 {
		return errUsage
	}
	s.w.Advance(s.w.Now() + d)
	s.lines = append(s.lines, fmt.Sprintf("it is %v", s.w.Now()))
	return nil
}

func clock(s *script, args []string) error {
	if len(args) < 1 {
		return errUsage
	}
	id, err := number(args[0])
	if err != nil {
		return err
	}
	var ppm int64
	var jump time.Duration
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "ppm":
			ppm, err = strconv.ParseInt(value, 10, 64)
		case "jump":
			jump, err = time.ParseDuration(value)
		default:
			err = errUsage
		}
		if err != nil {
			return err
		}
	}
	return s.w.SetClock(id, ppm, jump)
}

// number reads an ID.
func number(s string) (process.ID, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is no replica", s)
	}
	return process.ID(n), nil
}

// existing reads the ID of a replica that there is.
func (s *script) existing(text string) (process.ID, error) {
	id, err := number(text)
	if err == nil && int(id) > s.w.Replicas() {
		err = world.Cannot("there is no such replica")
	}
	return id, err
}

func (s *script) ids(words []string) ([]process.ID, error) {
	var ids []process.ID
	for _, w := range words {
		id, err := s.existing(w)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// ends reads a link.
func ends(s string) (from, to process.ID, err error) {
	a, b, ok := strings.Cut(s, "->")
	if !ok {
		return 0, 0, fmt.Errorf("%q is no link: write 1->2", s)
	}
	if from, err = number(a); err == nil {
		to, err = number(b)
	}
	return from, to, err
}

func uvarint(b []byte) uint64 {
	n, _ := binary.Uvarint(b)
	return n
}
