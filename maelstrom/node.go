package maelstrom

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"althing/process"
)

// Workloads are the names that Options.Workload may have.
var Workloads = []string{"lin-kv", "broadcast", "g-set", "g-counter", "pn-counter", "echo", "unique-ids"}

// ErrWorkload is wrapped by Run when there is no workload of that name.
var ErrWorkload = errors.New("no such workload")

// Options say what a node is.
type Options struct {
	Workload string // one of Workloads

	// Protocol is what lin-kv and broadcast run; for lin-kv it must promise a
	// total order. Others need none.
	Protocol process.Protocol
	// Config is what its process is told; Self is filled in.
	Config process.Config
}

// A workload serves requests. One goroutine calls it.
type workload interface {
	// request serves a client, at once or later, by node.reply.
	request(m *message) error
	// peer takes in what another node of the group sent.
	peer(from process.ID, b *body) error
	// wake does what is due, and says when to be called again; zero: never.
	wake(now time.Time) (next time.Time, err error)
}

// A node is one run of the program.
type node struct {
	options Options
	out     *bufio.Writer
	self    process.ID
	names   []string // that of ID i at i-1; nil before init
	work    workload
}

// Run is a node, from its first message until there are no more. It returns nil
// when in ends, and an error when a line of in is no message, when out cannot be
// written, or when the process asks for what this host does not do; ErrWorkload
// before all that.
func Run(o Options, in io.Reader, out io.Writer) error {
	if !slices.Contains(Workloads, o.Workload) {
		return fmt.Errorf("workload %q: %w", o.Workload, ErrWorkload)
	}
	n := &node{options: o, out: bufio.NewWriter(out)}
	stop := make(chan struct{})
	defer close(stop)
	lines := make(chan line, 64)
	go read(in, lines, stop)
	return n.loop(lines)
}

// A line is one message, or the error that ended them.
type line struct {
	message message
	err     error
}

// read decodes until the end, which is an error like any other.
func read(in io.Reader, lines chan<- line, stop <-chan struct{}) {
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 0, 1<<16), maxLine)
	for i := 1; ; i++ {
		var l line
		if s.Scan() {
			if l.message, l.err = decode(s.Bytes()); l.err != nil {
				l.err = fmt.Errorf("line %d: %w", i, l.err)
			}
		} else if l.err = s.Err(); l.err == nil {
			l.err = io.EOF
		} else {
			l.err = fmt.Errorf("read line %d: %w", i, l.err)
		}
		select {
		case lines <- l:
		case <-stop:
			return
		}
		if l.err != nil {
			return
		}
	}
}

func (n *node) loop(lines <-chan line) error {
	clock := time.NewTimer(time.Hour)
	defer clock.Stop()
	for {
		select {
		case l := <-lines:
			if errors.Is(l.err, io.EOF) {
				return n.out.Flush()
			}
			if l.err != nil {
				return errors.Join(l.err, n.out.Flush())
			}
			if err := n.take(&l.message); err != nil {
				return err
			}
		case <-clock.C:
		}
		if n.work != nil {
			next, err := n.work.wake(time.Now())
			if err != nil {
				return err
			}
			if !next.IsZero() {
				clock.Reset(time.Until(next))
			}
		}
		if len(lines) == 0 { // what is waiting shares one write
			if err := n.out.Flush(); err != nil {
				return fmt.Errorf("write messages: %w", err)
			}
		}
	}
}

func (n *node) take(m *message) error {
	if m.bad != nil {
		n.reply(m, fault(malformed, "%v", m.bad))
		return nil
	}
	if m.Body.Type == "init" {
		return n.init(m)
	}
	if n.work == nil {
		n.reply(m, fault(unavailable, "no init has come"))
		return nil
	}
	if m.Body.InReplyTo != nil {
		return nil // we ask nobody
	}
	if from := slices.Index(n.names, m.Src) + 1; from > 0 {
		return n.work.peer(process.ID(from), &m.Body)
	}
	return n.work.request(m)
}

func (n *node) init(m *message) error {
	names := m.Body.NodeIDs
	self := slices.Index(names, m.Body.NodeID) + 1
	distinct := slices.Compact(slices.Sorted(slices.Values(names)))
	switch {
	case n.work != nil:
		n.reply(m, fault(aborted, "init has come before"))
		return nil
	case self == 0 || len(distinct) != len(names) || len(names) > process.MaxGroup:
		n.reply(m, fault(malformed, "expected %q once among at most %d distinct node_ids",
			m.Body.NodeID, process.MaxGroup))
		return nil
	}
	n.names, n.self = names, process.ID(self)
	n.reply(m, body{Type: "init_ok"})
	var err error
	n.work, err = n.start()
	return err
}

func (n *node) start() (workload, error) {
	switch n.options.Workload {
	case "lin-kv":
		return newReplica(n, registers{})
	case "broadcast":
		return newReplica(n, &board{})
	case "g-set":
		return newSet(n), nil
	case "g-counter":
		return newCounter(n), nil
	case "pn-counter":
		return newUpDown(n), nil
	case "echo":
		return echo{n}, nil
	}
	return &unique{node: n}, nil
}

// reply answers m, unless it has no number to answer to.
func (n *node) reply(m *message, b body) {
	if m.Body.MsgID != nil {
		b.InReplyTo = m.Body.MsgID
		n.write(&message{Src: m.Dest, Dest: m.Src, Body: b})
	}
}

// send sends b to another node.
func (n *node) send(to process.ID, b body) {
	n.write(&message{Src: n.names[n.self-1], Dest: n.names[to-1], Body: b})
}

// write queues one line. The writer keeps its first error for Flush.
func (n *node) write(m *message) {
	text, err := json.Marshal(m)
	if err != nil { // its values were read from JSON
		panic(fmt.Sprintf("maelstrom: encode %q: %v", m.Body.Type, err))
	}
	n.out.Write(text)
	n.out.WriteByte('\n')
}

// strange answers what a workload does not know.
func (n *node) strange(m *message) error {
	n.reply(m, fault(unsupported, "%s does not know %q", n.options.Workload, m.Body.Type))
	return nil
}
