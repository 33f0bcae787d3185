package vr

import (
	"fmt"
	"strings"

	"althing/process"
	"althing/trace/refine/steps"
)

// OnDisk is ViewstampedReplication.tla of replicas with disks.
var OnDisk = steps.New("ViewstampedReplication", config(false), begin(false))

// Diskless is ViewstampedReplication.tla of replicas without.
var Diskless = steps.New("ViewstampedReplication", config(true), begin(true))

// config is what TLC is told of a run: the constants of the module, with bounds that
// no run reaches.
func config(diskless bool) func(c *steps.Cast) (config, definitions []string) {
	return func(c *steps.Cast) (config, definitions []string) {
		all := steps.Set(c.Founders)
		return []string{
			"INVARIANTS Survives", "CONSTANTS",
			fmt.Sprintf("    N = %d", len(c.Founders)), "    Operation = {}",
			"    Diskless = " + strings.ToUpper(fmt.Sprint(diskless)),
			"    Crashing = " + all, "    Keeping = " + all, "    Images = TRUE", "    Pieces = TRUE",
			"    QuickDisk = FALSE", "    MaxView = 1000000000", "    MaxOp = 1000000000", "    MaxLife = 1000000000",
		}, nil
	}
}

// By implements steps.Action.
func (a *Action) By() process.ID { return a.Replica }

// Record implements steps.Action, with the names that TraceViewstampedReplication.tla
// has.
func (a *Action) Record() string {
	s := fmt.Sprintf("a |-> %q, i |-> %d", a.Name, a.Replica)
	for _, name := range strings.Fields(actions[a.Name].params) {
		value := map[string]any{"n": a.N, "p": a.Prev, "v": a.View}[name]
		switch name {
		case "o":
			value = steps.Quote(a.Op)
		case "m":
			value = a.Message.record()
		}
		s += fmt.Sprintf(", %s |-> %v", name, value)
	}
	return s
}

// Record implements steps.Shown.
func (s *seen) Record() string {
	return fmt.Sprintf("role |-> %q, view |-> %d, last |-> %d, commit |-> %d", s.role, s.view, s.last, s.commit)
}

// record is a message as the module has it: those that a step names.
func (m *Message) record() string {
	s := fmt.Sprintf("[type |-> %q, ", m.Type)
	switch m.Type {
	case "Recovery":
		return s + fmt.Sprintf("from |-> %d, nonce |-> %d]", m.From, m.Nonce)
	case "RecoveryResponse":
		return s + fmt.Sprintf("view |-> %d, to |-> %d, nonce |-> %d, n |-> %d]", m.View, m.To, m.Nonce, m.N)
	case "Image":
		return s + fmt.Sprintf("view |-> %d, from |-> %d, prefix |-> %s]", m.View, m.From, sequence(m.Entries))
	}
	return s + fmt.Sprintf("view |-> %d, from |-> %d, prev |-> %d, prevView |-> %d, entries |-> %s, commit |-> %d]",
		m.View, m.From, m.Prev, m.PrevView, sequence(m.Entries), m.Commit)
}

func sequence(entries []Entry) string {
	all := make([]string, len(entries))
	for i := range entries {
		all[i] = fmt.Sprintf("[view |-> %d, op |-> %s]", entries[i].View, steps.Quote(entries[i].Text))
	}
	return "<<" + strings.Join(all, ", ") + ">>"
}
