package paxos

import (
	"fmt"

	"althing/process"
	"althing/trace/refine/steps"
)

// Specification is Paxos.tla.
var Specification = steps.New("Paxos", config, begin)

// config is what TLC is told of a run: the constants of Paxos.tla, and only those
// ballots and values that the run has.
func config(c *steps.Cast) (config, definitions []string) {
	var ballots []uint64
	values := map[string]bool{}
	for _, x := range c.Actions {
		switch a := x.(*Action); a.Name {
		case "Prepare":
			ballots = append(ballots, a.Ballot)
		case "Propose":
			values[steps.Quote(a.Value)] = true
		}
	}
	return []string{
		"INVARIANTS Agreement ProposedIsSafe OneValueABallot", "CONSTANTS",
		"    Acceptor = " + steps.Set(c.Founders), "    Nothing = Nothing",
		"    Ballot = " + steps.Set(ballots), "    Value = " + steps.Texts(values),
	}, nil
}

// By implements steps.Action.
func (a *Action) By() process.ID { return a.Server }

// Record implements steps.Action, with the names that TracePaxos.tla has.
func (a *Action) Record() string {
	switch a.Name {
	case "Prepare":
		return fmt.Sprintf("a |-> %q, b |-> %d", a.Name, a.Ballot)
	case "Propose":
		return fmt.Sprintf("a |-> %q, b |-> %d, v |-> %s", a.Name, a.Ballot, steps.Quote(a.Value))
	case "Promise":
		return fmt.Sprintf(`a |-> %q, i |-> %d, m |-> [type |-> "prepare", ballot |-> %d]`, a.Name, a.Server, a.Ballot)
	}
	return fmt.Sprintf(`a |-> %q, i |-> %d, m |-> [type |-> "accept", ballot |-> %d, value |-> %s]`,
		a.Name, a.Server, a.Ballot, steps.Quote(a.Value))
}

// seen is a replica that has handed over what is chosen.
type seen struct {
	server process.ID
	chosen string
}

// By implements steps.Shown.
func (s *seen) By() process.ID { return s.server }

// Record implements steps.Shown.
func (s *seen) Record() string { return "chosen |-> " + steps.Quote(s.chosen) }
