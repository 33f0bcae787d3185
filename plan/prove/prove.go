package prove

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"althing/plan"
	"althing/process"
	"althing/protocol"
	"althing/sim"
)

// ErrContradicted is returned if a run contradicted a claim. The plan then has
// everything all the same: evidence whose verdict is plan.Contradicted says what.
var ErrContradicted = errors.New("a claim of the plan is contradicted by a run")

// Options say how to prove. The zero value is what commands use.
type Options struct {
	Seed    uint64                                         // of all runs; 0: 1
	Find    func(name string) (process.Protocol, bool)     // nil: the catalog
	Measure func(process.Protocol, sim.Trial) sim.Measured // nil: sim.Measure
}

// A run is one scenario with one protocol.
type run struct {
	of       *subject
	scenario string // as plans call it
	trial    sim.Trial
	measured sim.Measured
}

// A subject is a plan that is to be proved, and what runs it.
type subject struct {
	plan     *plan.Plan
	protocol process.Protocol
	quorums  bool // of the plan's sizes, and not the protocol's own
}

// newSubject gives a protocol the plan's quorums, if it can have others than its own
// and the simulator takes as many nodes.
func newSubject(p *plan.Plan, r process.Protocol) *subject {
	s := &subject{plan: p, protocol: r}
	if c := &p.Configuration; r.Flexible != nil && c.Election > 0 && c.Voters <= sim.MaxNodes {
		if f, err := r.Flexible(c.Voters, c.Election, c.Quorum); err == nil {
			s.protocol, s.quorums = f, true
		}
	}
	return s
}

// names are those of the simulator for the scenarios of plans.
var names = map[string]string{
	plan.LeaderCrash: "leader-crash", plan.FollowerCrash: "follower-crash", plan.MinorityPartition: "partition",
	plan.MajorityPartition: "no-majority", plan.Asymmetric: "asymmetric", plan.SlowNode: "slow-node",
	plan.SlowDisk: "slow-disk", plan.ClockSkew: "clock-skew", plan.Duplicates: "duplicates",
	plan.Reordered: "reordered", plan.LostMessages: "loss", plan.LostDisk: "lost-disk",
	plan.RegionLoss: "region-loss", plan.ChangeInFlight: "change",
}

// Prove runs p through its scenarios, and the runner-up too, and writes what that
// came to into p: FailureScenario.Measured, Alternative.Simulated, and Evidence. It
// is called once for a plan. It tells progress, if that is not nil, after each run.
// It returns ErrContradicted, the error of ctx, which leaves p as it was, or nil.
func Prove(ctx context.Context, p *plan.Plan, o Options, progress func(done, total int)) error {
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Find == nil {
		o.Find = protocol.Find
	}
	if o.Measure == nil {
		o.Measure = sim.Measure
	}
	first, second, alternative := subjects(p, o.Find)
	var runs []run
	for _, s := range []*subject{first, second} {
		if s == nil {
			continue
		}
		for _, name := range plan.Scenarios {
			runs = append(runs, run{of: s, scenario: name, trial: trial(s.plan, name, o.Seed)})
		}
	}
	if err := measure(ctx, runs, o.Measure, progress); err != nil {
		return err
	}
	contradicted := false
	worst := map[*subject]*sum{}
	for i := range runs {
		r := &runs[i]
		wrong := r.contradicts()
		contradicted = contradicted || wrong != ""
		p.Evidence = append(p.Evidence, r.evidence(wrong))
		if r.of == first && r.measured.Unable == "" {
			p.FailureScenarios[i].Measured = r.result(wrong)
		}
		if worst[r.of] == nil {
			worst[r.of] = &sum{}
		}
		worst[r.of].add(r, wrong)
	}
	if first == nil {
		unsimulated(p)
	} else {
		p.Evidence = append(p.Evidence, expected(runs[:len(plan.Scenarios)]))
		if part := p.Part(); part != "" {
			p.Notes = append(p.Notes, fmt.Sprintf("What was measured of %s is %s.", p.Protocol.Name, part))
		}
	}
	if second != nil {
		p.Alternatives[alternative].Simulated = worst[second].String()
		if part := second.plan.Part(); part != "" {
			p.Alternatives[alternative].Simulated += " Of it that is " + part + "."
		}
	}
	if contradicted {
		return ErrContradicted
	}
	return nil
}

// subjects returns what is run: what is recommended, nil if it cannot be, and the
// runner-up, with its place among the alternatives.
func subjects(p *plan.Plan, find func(string) (process.Protocol, bool)) (first, second *subject, at int) {
	runs := func(row string) (process.Protocol, bool) {
		r, ok := find(row)
		return r, ok && row != "" && (r.Facts.Serves() || r.Facts.Stores)
	}
	if r, ok := runs(p.Row); ok {
		first = newSubject(p, r)
	}
	for i := range p.Alternatives {
		if r, ok := runs(p.Alternatives[i].Row); ok && p.Alternatives[i].Row != p.Row {
			return first, newSubject(p.Instead(i), r), i
		}
	}
	return first, nil, 0
}

// measure does all runs, on all cores. Nothing of a run depends on another.
func measure(ctx context.Context, runs []run, how func(process.Protocol, sim.Trial) sim.Measured,
	progress func(done, total int)) error {
	next, done := make(chan *run), make(chan struct{}, len(runs))
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(runs)) {
		workers.Go(func() {
			for r := range next {
				r.measured = how(r.of.protocol, r.trial)
				done <- struct{}{}
			}
		})
	}
	go func() {
		defer close(done)
		defer workers.Wait()
		defer close(next)
		for i := range runs {
			if ctx.Err() != nil {
				return
			}
			next <- &runs[i]
		}
	}()
	n := 0
	for range done {
		if n++; progress != nil {
			progress(n, len(runs))
		}
	}
	return ctx.Err()
}

// unsimulated says of each scenario that nothing ran it.
func unsimulated(p *plan.Plan) {
	why := "no protocol of the catalog runs it"
	if p.Row != "" {
		why = p.Row + " is not in the catalog"
	}
	for _, s := range p.FailureScenarios {
		p.Evidence = append(p.Evidence, plan.Evidence{Claim: s.Scenario + ": " + s.Behavior,
			Source: "the plan alone", Value: why, Verdict: plan.NotSimulated})
	}
}

// A sum is what all runs of a protocol came to.
type sum struct {
	outage      float64 // of the scenario with the longest, in milliseconds
	at          string
	lost, stale int
	unable      []string
	wrong       []string
}

func (s *sum) add(r *run, wrong string) {
	m := &r.measured
	if m.Unable != "" {
		s.unable = append(s.unable, r.scenario)
		return
	}
	if out := inMS(m.Outage); out > s.outage {
		s.outage, s.at = out, r.scenario
	}
	s.lost += len(m.Lost)
	s.stale += m.Stale
	if wrong != "" {
		s.wrong = append(s.wrong, r.scenario+": "+wrong)
	}
}

// String is a sentence or some.
func (s *sum) String() string {
	text := fmt.Sprintf("In the same scenarios: the longest outage %.4g ms (%s), %d acknowledged writes lost, "+
		"%d stale reads.", s.outage, s.at, s.lost, s.stale)
	if len(s.unable) > 0 {
		text += " Not run: " + strings.Join(s.unable, ", ") + "."
	}
	if len(s.wrong) > 0 {
		text += " Contradicted: " + strings.Join(s.wrong, "; ") + "."
	}
	return text
}
