package plan

import (
	"slices"
	"time"
)

// A Claim is what a plan says of a scenario, in a form that a run can be held
// against.
type Claim struct {
	Answers Answers // what becomes of them
	Loses   bool    // acknowledged writes may be lost
	Stale   bool    // reads may show less than was acknowledged before them
}

// Answers is what becomes of answers while something is wrong.
type Answers int

// What may become of them.
const (
	GoOn   Answers = iota // without anybody being replaced first
	Resume                // once who fails has been replaced
	Stop                  // until it is over
	Either                // the plan does not say
)

// Claim returns what the plan says of a scenario: one of Scenarios.
func (p *Plan) Claim(scenario string) Claim {
	c := Claim{Answers: p.answers(scenario), Stale: !p.system.Gives.atLeast(Linearizable)}
	switch p.system.Key {
	case "primarybackup-async", "lww":
		c.Loses = true
	default:
		c.Loses = p.system.Kind == partial && scenario == LostDisk // what no other had
	}
	return c
}

// replacing are the scenarios in which who fails must be replaced, by kind; in the
// others systems of the kind go on.
var replacing = map[kind][]string{
	ledMajority: {LeaderCrash, MinorityPartition, Asymmetric, SlowNode, LostDisk, ChangeInFlight},
	openMajority: {LeaderCrash, FollowerCrash, MinorityPartition, Asymmetric, SlowNode, LostMessages, LostDisk,
		ChangeInFlight},
	firstBackup: {LeaderCrash, FollowerCrash, MinorityPartition, Asymmetric, SlowNode, LostDisk, ChangeInFlight},
	chained:     {LeaderCrash, FollowerCrash, MinorityPartition, Asymmetric, SlowNode, LostDisk, ChangeInFlight},
	viewed: {LeaderCrash, FollowerCrash, MinorityPartition, Asymmetric, SlowNode, LostMessages, LostDisk,
		ChangeInFlight},
	lying: {LeaderCrash, MinorityPartition, Asymmetric, SlowNode, LostMessages, LostDisk, ChangeInFlight},
}

func (p *Plan) answers(scenario string) Answers {
	c := &p.Configuration
	switch {
	case p.system.Kind == partial:
		return GoOn
	case scenario == MajorityPartition && p.system.Kind == ledMajority && 2*c.Quorum <= c.Voters:
		return Either // a part without a majority may have the quorum of a command
	case scenario == MajorityPartition, scenario == RegionLoss && !p.FaultTolerance.AnyRegion:
		return Stop
	case scenario == RegionLoss:
		return Resume
	case scenario == FollowerCrash && p.FaultTolerance.Crashes == 0:
		return Stop
	case !slices.Contains(replacing[p.system.Kind], scenario):
		return GoOn
	case p.FaultTolerance.Crashes > 0 || scenario == SlowNode || scenario == LostMessages:
		return Resume
	case scenario == ChangeInFlight: // it is done, and there is one more, or undone
		return Either
	}
	return Stop
}

// Part says what of the system the row of the catalog is, for who runs that and
// shows it; "" if all.
func (p *Plan) Part() string { return p.system.Part }

// Request returns what was asked for.
func (p *Plan) Request() Request { return *p.request }

// Instead returns the plan with the i-th alternative in the place of what is
// recommended, without alternatives of its own.
func (p *Plan) Instead(i int) *Plan {
	named := func(s system) bool { return s.Name == p.Alternatives[i].Name }
	other := of(p.request, systems[slices.IndexFunc(systems, named)].Key)
	other.scenarios()
	return other
}

// Flush is how long a flush of a disk takes.
func (r *Request) Flush() time.Duration {
	return milliseconds(or(r.Environment.FlushMS, flushMS))
}

// Uncertainty is how far clocks may be apart.
func (r *Request) Uncertainty() time.Duration {
	return milliseconds(or(r.Environment.ClockUncertaintyMS, clockMS))
}
