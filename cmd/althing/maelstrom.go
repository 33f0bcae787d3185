package main

import (
	"errors"
	"os"
	"strings"
	"time"

	"althing/internal/terminal"
	"althing/maelstrom"
	"althing/process"
	"althing/protocol"
)

type maelstromCommand struct {
	Workload string `default:"lin-kv" placeholder:"NAME"`
	Protocol string `placeholder:"NAME"`

	ElectionTimeout time.Duration `placeholder:"TIME"`
}

// Run is a node until standard input ends.
func (m *maelstromCommand) Run(to *terminal.Output) error {
	o, err := m.options()
	if err != nil {
		return err
	}
	err = maelstrom.Run(o, os.Stdin, to.Out)
	if errors.Is(err, maelstrom.ErrWorkload) {
		return terminal.Wrong("workload", m.Workload, "expected one of %s", strings.Join(maelstrom.Workloads, ", "))
	}
	return err
}

func (m *maelstromCommand) options() (maelstrom.Options, error) {
	o := maelstrom.Options{Workload: m.Workload}
	if m.ElectionTimeout < 0 || m.ElectionTimeout > time.Hour {
		return o, terminal.Wrong("election-timeout", m.ElectionTimeout, "expected from 1ms to 1h")
	}
	if t := m.ElectionTimeout; t > 0 {
		if t < time.Millisecond {
			return o, terminal.Wrong("election-timeout", t, "expected from 1ms to 1h")
		}
		o.Config.Election = process.Span{Min: t, Max: 2 * t}
		o.Config.Heartbeat = t / 5
	}
	name := m.Protocol
	switch {
	case m.Workload == "lin-kv" && name == "":
		name = "raft"
	case m.Workload == "broadcast" && name == "":
		name = "causal"
	case name == "":
		return o, nil
	case m.Workload != "lin-kv" && m.Workload != "broadcast":
		return o, terminal.Wrong("protocol", name, "--workload=%s runs none", m.Workload)
	}
	p, ok := protocol.Find(name)
	if !ok {
		return o, terminal.Wrong("protocol", name, "expected one of %s", strings.Join(protocols(), ", "))
	}
	if m.Workload == "lin-kv" && !p.Facts.Serves() {
		return o, terminal.Wrong("protocol", name, "expected one that promises a total order, for lin-kv")
	}
	o.Protocol = p
	return o, nil
}
