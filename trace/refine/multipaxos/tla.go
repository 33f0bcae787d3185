package multipaxos

import (
	"fmt"

	"althing/process"
	"althing/trace/refine/steps"
)

// Specification is MultiPaxos.tla.
var Specification = steps.New("MultiPaxos", config, begin)

// config is what TLC is told of a run: the constants of MultiPaxos.tla, and only
// those ballots, slots and values that the run has.
func config(c *steps.Cast) (config, definitions []string) {
	var ballots []uint64
	var last uint64
	values := map[string]bool{}
	for _, x := range c.Actions {
		switch a := x.(*Action); a.Name {
		case "Prepare":
			ballots = append(ballots, a.Ballot)
		case "Propose":
			values[a.Value.record()], last = true, max(last, a.Slot)
		}
	}
	return []string{
		"INVARIANTS SameOrder", "CONSTANTS",
		"    Acceptor = " + steps.Set(c.All), "    Replica = " + steps.Set(c.All),
		"    Founders = " + steps.Set(c.Founders), "    Groups = {}", "    Command = {}", `    NoOp = "no-op"`,
		"    Nothing = Nothing", fmt.Sprintf("    MaxSlot = %d", last), "    Ballot = " + steps.Set(ballots),
		"    Value <- Values",
	}, []string{"Values == " + steps.Texts(values) + "\n\n"}
}

// By implements steps.Action.
func (a *Action) By() process.ID { return a.Server }

func (v *Value) record() string {
	group := v.Group
	if group == "" {
		group = "{}"
	}
	return fmt.Sprintf("[ask |-> %s, group |-> %s]", steps.Quote(v.Ask), group)
}

// Record implements steps.Action, with the names that TraceMultiPaxos.tla has.
func (a *Action) Record() string {
	s := fmt.Sprintf("a |-> %q", a.Name)
	switch a.Name {
	case "Prepare":
		return fmt.Sprintf("%s, b |-> %d", s, a.Ballot)
	case "Promise":
		return fmt.Sprintf(`%s, i |-> %d, m |-> [type |-> "prepare", ballot |-> %d]`, s, a.Server, a.Ballot)
	case "Propose":
		return fmt.Sprintf("%s, i |-> %d, b |-> %d, s |-> %d, v |-> %s",
			s, a.Server, a.Ballot, a.Slot, a.Value.record())
	case "Accept":
		return fmt.Sprintf(`%s, i |-> %d, m |-> [type |-> "accept", ballot |-> %d, slot |-> %d, value |-> %s]`,
			s, a.Server, a.Ballot, a.Slot, a.Value.record())
	}
	return fmt.Sprintf("%s, i |-> %d", s, a.Server)
}

// seen is a replica that has handed over a log.
type seen struct {
	server process.ID
	commit uint64
	value  Value // its last one
}

// By implements steps.Shown.
func (s *seen) By() process.ID { return s.server }

// Record implements steps.Shown.
func (s *seen) Record() string {
	return fmt.Sprintf("commit |-> %d, value |-> %s", s.commit, s.value.record())
}
