package fastpaxos

import (
	"fmt"

	"althing/process"
	"althing/trace/refine/steps"
)

// Coordinated and Uncoordinated are FastPaxos.tla, by who recovers from collisions.
var (
	Coordinated   = steps.New("FastPaxos", config(false), begin(false))
	Uncoordinated = steps.New("FastPaxos", config(true), begin(true))
)

// config is what TLC is told of a run: the constants of FastPaxos.tla, and only those
// ballots, positions and values that the run has.
func config(between bool) func(c *steps.Cast) (config, definitions []string) {
	return func(c *steps.Cast) (config, definitions []string) {
		var ballots, fast []uint64
		var last uint64
		values := map[string]bool{}
		for _, x := range c.Actions {
			switch a := x.(*Action); a.Name {
			case "Prepare":
				fast = append(fast, a.Ballot+1)
				if between {
					fast = append(fast, a.Ballot+2)
				}
				ballots = append(ballots, a.Ballot+3)
			case "Ask":
				values[steps.Quote(a.Value)] = true
			case "Propose":
				last = max(last, a.Slot)
			}
		}
		m := NewModel(c.Founders, between)
		return []string{
			"INVARIANTS Agreement Validity", "CONSTANTS",
			"    Acceptor = " + steps.Set(c.Founders), "    Nothing = Nothing",
			fmt.Sprintf("    Anything = %q", anything),
			"    Ballot = " + steps.Set(append(ballots, fast...)), "    Fast = " + steps.Set(fast),
			"    Value = " + steps.Texts(values), fmt.Sprintf("    LastSlot = %d", last),
			fmt.Sprintf("    Span = %d", span), fmt.Sprintf("    ClassicSize = %d", m.classic),
			fmt.Sprintf("    FastSize = %d", m.fast),
		}, nil
	}
}

// By implements steps.Action.
func (a *Action) By() process.ID { return a.Server }

// Record implements steps.Action, with the names that TraceFastPaxos.tla has.
func (a *Action) Record() string {
	s := fmt.Sprintf("a |-> %q", a.Name)
	if a.Slot > 0 {
		s += fmt.Sprintf(", s |-> %d", a.Slot)
	}
	switch a.Name {
	case "Ask":
		return fmt.Sprintf("%s, v |-> %s", s, steps.Quote(a.Value))
	case "Prepare":
		return fmt.Sprintf("%s, b |-> %d", s, a.Ballot)
	case "Promise":
		return fmt.Sprintf(`%s, i |-> %d, m |-> [type |-> "prepare", ballot |-> %d]`, s, a.Server, a.Ballot)
	case "Propose":
		return fmt.Sprintf("%s, b |-> %d, v |-> %s", s, a.Ballot, steps.Quote(a.Value))
	case "Recover":
		return fmt.Sprintf("%s, i |-> %d, b |-> %d, v |-> %s", s, a.Server, a.Ballot, steps.Quote(a.Value))
	}
	return fmt.Sprintf(`%s, i |-> %d, m |-> [type |-> "accept", ballot |-> %d, value |-> %s], v |-> %s`,
		s, a.Server, a.Ballot, steps.Quote(a.Said), steps.Quote(a.Value))
}

// seen is a replica that has handed over what is chosen in a position.
type seen struct {
	server process.ID
	slot   uint64
	value  string
}

// By implements steps.Shown.
func (s *seen) By() process.ID { return s.server }

// Record implements steps.Shown.
func (s *seen) Record() string {
	return fmt.Sprintf("s |-> %d, v |-> %s", s.slot, steps.Quote(s.value))
}
