package refine

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"althing/process"
	"althing/trace"
)

// A Module is a run as TLC reads it. It stands beside the modules of package spec.
type Module struct {
	Name   string // of the module, and without its ending of its file
	Text   string
	Config string // what TLC is told with it
	Steps  int    // of the specification
}

// Export follows a trace and makes a module of the run, which extends
// spec/TraceRaft.tla. Its error is that of Follow.
func Export(t *trace.Reader) (*Module, error) {
	var steps []string
	var servers []process.ID
	founders, err := follow(t, func(s *Step) {
		for i := range s.Actions {
			a, seen := &s.Actions[i], s.Seen
			if i < len(s.Actions)-1 {
				seen = nil
			}
			steps = append(steps, "    "+step(a, seen))
			servers = append(servers, a.Server)
		}
		if len(s.Actions) == 0 && s.Seen != nil {
			steps = append(steps, "    "+step(&Action{Name: "Look", Server: s.Seen.Server}, s.Seen))
		}
	})
	if err != nil {
		return nil, err
	}
	servers = append(servers, founders...)
	slices.Sort(servers)
	servers = slices.Compact(servers)
	const name = "RaftRun"
	rule := strings.Repeat("-", 32)
	h := t.Header()
	return &Module{
		Name: name, Steps: len(steps), Config: config(founders, servers),
		Text: fmt.Sprintf("%s MODULE %s %s\n\\* %s, seed %d: %s\nEXTENDS TraceRaft\n\nSteps == <<\n%s\n>>\n%s\n",
			rule, name, rule, h.Protocol, h.Seed, plain(h.Options), strings.Join(steps, ",\n"),
			strings.Repeat("=", 79)),
	}, nil
}

// config is what TLC is told of a run: the constants of Raft.tla, with bounds
// that no run reaches. A run that ends before its last step is a deadlock.
func config(founders, servers []process.ID) string {
	all := set(servers)
	return strings.Join([]string{
		"SPECIFICATION TraceSpec", "INVARIANT ElectionSafety", "CONSTANTS",
		"    Run <- Steps", "    Server = " + all, "    Founders = " + set(founders), "    Nil = 0",
		"    Candidates = " + all, "    Crashing = " + all, "    Keeping = " + all,
		"    Snapshots = TRUE", "    QuickDisk = FALSE", "    MaxTerm = 1000000000", "    MaxLog = 1000000000",
		"    Value = {}", "    Groups = {}", "", // those of Next, which a run does without
	}, "\n")
}

// step is an action as a record, with the names that TraceRaft.tla has.
func step(a *Action, seen *Seen) string {
	s := fmt.Sprintf("[a |-> %q, i |-> %d", a.Name, a.Server)
	for _, name := range strings.Fields(actions[a.Name].params) {
		value := map[string]any{"n": a.N, "p": a.Prev, "t": a.Term, "to": a.To}[name]
		switch name {
		case "v":
			value = quote(a.Entry.Text)
		case "new":
			value = set(a.Entry.Voters)
		case "old":
			value = set(a.Entry.Old)
		case "m":
			value = a.Message.record()
		}
		s += fmt.Sprintf(", %s |-> %v", name, value)
	}
	if seen != nil {
		s += fmt.Sprintf(", seen |-> [role |-> %q, term |-> %d, last |-> %d, commit |-> %d]",
			seen.Role, seen.Term, seen.Last, seen.Commit)
	}
	return s + "]"
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
			e.Term, quote(e.Text), set(e.Voters), set(e.Old))
	}
	return "<<" + strings.Join(all, ", ") + ">>"
}

func set(ids []process.ID) string {
	return "{" + strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ", "), "[]") + "}"
}

// quote is a string of TLA+, which knows no more than ASCII.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(plain(text)) + `"`
}

// plain writes what is beyond ASCII as its number, so that different texts stay so.
func plain(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < unicode.MaxASCII && unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "<%04X>", r)
		}
	}
	return b.String()
}
