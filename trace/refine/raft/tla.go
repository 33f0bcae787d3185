package raft

import (
	"fmt"
	"strings"

	"althing/process"
	"althing/trace/refine/steps"
)

// Specification is Raft.tla.
var Specification = steps.New("Raft", config, begin)

// config is what TLC is told of a run: the constants of Raft.tla, with bounds
// that no run reaches. A run that ends before its last step is a deadlock.
func config(c *steps.Cast) (config, definitions []string) {
	all := steps.Set(c.All)
	return []string{
		"INVARIANT ElectionSafety", "CONSTANTS",
		"    Server = " + all, "    Founders = " + steps.Set(c.Founders), "    Nil = 0",
		"    Candidates = " + all, "    Crashing = " + all, "    Keeping = " + all,
		"    Snapshots = TRUE", "    QuickDisk = FALSE", "    MaxTerm = 1000000000", "    MaxLog = 1000000000",
		"    Value = {}", "    Groups = {}", // those of Next, which a run does without
	}, nil
}

// By implements steps.Action.
func (a *Action) By() process.ID { return a.Server }

// Record implements steps.Action, with the names that TraceRaft.tla has.
func (a *Action) Record() string {
	s := fmt.Sprintf("a |-> %q, i |-> %d", a.Name, a.Server)
	for _, name := range strings.Fields(actions[a.Name].params) {
		value := map[string]any{"n": a.N, "p": a.Prev, "t": a.Term, "to": a.To}[name]
		switch name {
		case "v":
			value = steps.Quote(a.Entry.Text)
		case "new":
			value = steps.Set(a.Entry.Voters)
		case "old":
			value = steps.Set(a.Entry.Old)
		case "m":
			value = a.Message.record()
		}
		s += fmt.Sprintf(", %s |-> %v", name, value)
	}
	return s
}

// Record implements steps.Shown.
func (s *seen) Record() string {
	return fmt.Sprintf("role |-> %q, term |-> %d, last |-> %d, commit |-> %d", s.Role, s.Term, s.Last, s.Commit)
}

// record is a message as Raft.tla has it: those that a step names.
func (m *Message) record() string {
	s := fmt.Sprintf("[type |-> %q, term |-> %d, from |-> %d, ", m.Type, m.Term, m.From)
	switch m.Type {
	case "RequestVote":
		s += fmt.Sprintf("lastIndex |-> %d, lastTerm |-> %d", m.Index, m.IndexTerm)
	case "Append":
		s += fmt.Sprintf("prev |-> %d, prevTerm |-> %d, entries |-> %s, commit |-> %d",
			m.Index, m.IndexTerm, sequence(m.Entries), m.Commit)
	case "Heartbeat":
		s += fmt.Sprintf("to |-> %d, commit |-> %d", m.To, m.Commit)
	case "Snapshot":
		s += "prefix |-> " + sequence(m.Entries)
	}
	return s + "]"
}

func sequence(entries []Entry) string {
	all := make([]string, len(entries))
	for i := range entries {
		e := &entries[i]
		all[i] = fmt.Sprintf("[term |-> %d, val |-> %s, voters |-> %s, old |-> %s]",
			e.Term, steps.Quote(e.Text), steps.Set(e.Voters), steps.Set(e.Old))
	}
	return "<<" + strings.Join(all, ", ") + ">>"
}
