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
func config(founders, all []process.ID) []string {
	return []string{
		"INVARIANTS SameOrder", "CONSTANTS",
		"    Acceptor = " + steps.Set(all), "    Replica = " + steps.Set(all),
		"    Founders = " + steps.Set(founders),
		"    Groups = {}", "    Command = {}", `    NoOp = "no-op"`, "    Nothing = Nothing",
		"    MaxBallot = 1000000000",
		"    MaxSlot <- LastSlot", "    Ballot <- Ballots", "    Value <- Values",
	}
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
