package prove_test

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"althing/plan"
	"althing/plan/prove"
	"althing/process"
	"althing/protocol/primarybackup"
	"althing/protocol/raft"
	"althing/region"
	"althing/sim"
)

func made(t testing.TB, r plan.Request) *plan.Plan {
	t.Helper()
	p, err := plan.Make(r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func consensus(nodes int, regions ...region.Region) plan.Request {
	return plan.Request{Problem: plan.Consensus, Consistency: plan.Linearizable,
		Cluster: plan.Cluster{Nodes: nodes, Regions: regions}}
}

// TestClaimsHold: what is recommended does what its plan says.
func TestClaimsHold(t *testing.T) {
	lossy := plan.Request{Problem: plan.Replication, Consistency: plan.Eventual, Cluster: plan.Cluster{Nodes: 5},
		Workload: plan.Workload{LossAcceptable: true}}
	far := consensus(5)
	far.Network.LatencyMS, far.Network.PartitionProbability = 40, 0.2
	one := 1
	nine := consensus(9)
	nine.Cluster.Tolerance = &one
	replicas := func(nodes int) plan.Request {
		r := consensus(nodes)
		r.Problem = plan.Replication
		return r
	}
	for name, r := range map[string]plan.Request{
		"one replica": replicas(1), "two replicas": replicas(2),
		"one node": consensus(1), "two nodes": consensus(2), "three nodes": consensus(3),
		"far apart":     far,
		"three regions": consensus(5, "VA", "CA", "IR"), "two regions": consensus(4, "VA", "OR"),
		"lossy":      lossy,
		"nine nodes": nine,
		"causal":     {Problem: plan.Replication, Consistency: plan.Causal, Cluster: plan.Cluster{Nodes: 3}},
		"transactions": {Problem: plan.Transaction, Consistency: plan.Linearizable,
			Cluster: plan.Cluster{Nodes: 3}},
	} {
		p := made(t, r)
		before := len(p.Evidence)
		if err := prove.Prove(t.Context(), p, prove.Options{}, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, e := range p.Evidence[before:] {
			if e.Verdict == plan.Contradicted {
				t.Errorf("%s: %s: %s\n%s", name, e.Claim, e.Value, e.Command)
			}
		}
		for _, s := range p.FailureScenarios {
			small := r.Cluster.Nodes < 3 || s.Scenario == plan.RegionLoss
			if s.Measured == nil && !small && (s.Scenario != plan.LostDisk || name != "lossy") {
				t.Errorf("%s: %s was not run", name, s.Scenario)
			}
		}
	}
}

// instead puts a protocol in the place of Raft.
func instead(p process.Protocol) prove.Options {
	return prove.Options{Find: func(name string) (process.Protocol, bool) { return p, name == "raft" }}
}

// TestLossIsFound: a protocol that may lose what it answered does not do where
// nothing may be lost.
func TestLossIsFound(t *testing.T) {
	p := made(t, consensus(5))
	err := prove.Prove(t.Context(), p, instead(primarybackup.Async), nil)
	lost := 0
	for _, s := range p.FailureScenarios {
		if m := s.Measured; m != nil && m.LostWrites > 0 {
			lost++
			if !strings.Contains(m.Contradicts, "acknowledged writes are lost") {
				t.Errorf("%s: %d writes are lost: %q", s.Scenario, m.LostWrites, m.Contradicts)
			}
		}
	}
	if !errors.Is(err, prove.ErrContradicted) || lost == 0 {
		t.Errorf("%v, with losses in %d scenarios", err, lost)
	}
}

// A hasty replica answers reads from what it has, and asks nobody.
type hasty struct{ process.Process }

func (h hasty) Clone() process.Process { return hasty{h.Process.Clone()} }

func (h hasty) Step(in process.Input, out *process.Output) {
	if in.Kind == process.Submit {
		var others []process.Request
		for _, q := range in.Reqs {
			if q.Kind == process.Read {
				out.Serve([]process.Request{q}, h.Status().Commit)
			} else {
				others = append(others, q)
			}
		}
		if in.Reqs = others; len(others) == 0 {
			return
		}
	}
	h.Process.Step(in, out)
}

// TestStaleReadsAreFound: of a leader that was cut off, too.
func TestStaleReadsAreFound(t *testing.T) {
	r := raft.Protocol
	r.New = func(c process.Config) process.Process { return hasty{raft.Protocol.New(c)} }
	r.Monitor = nil // Raft's own knows nothing of it
	p := made(t, consensus(5))
	err := prove.Prove(t.Context(), p, instead(r), nil)
	for _, s := range p.FailureScenarios {
		if s.Scenario == plan.MinorityPartition && (s.Measured.StaleReads == 0 || s.Measured.Contradicts == "") {
			t.Errorf("%s: %+v", s.Scenario, s.Measured)
		}
	}
	if !errors.Is(err, prove.ErrContradicted) {
		t.Error(err)
	}
}

// TestRules: each claim is held against what was measured, whatever that is.
func TestRules(t *testing.T) {
	after := func(d time.Duration) func(*sim.Measured, *sim.Trial) {
		return func(m *sim.Measured, _ *sim.Trial) { m.Outage = d }
	}
	for name, c := range map[string]struct {
		at     string // the scenario where it shows
		change func(m *sim.Measured, t *sim.Trial)
		want   string
	}{
		"nothing":             {"", nil, ""},
		"a broken promise":    {"loss", func(m *sim.Measured, _ *sim.Trial) { m.Violation = "Order" }, "broken"},
		"a lost write":        {"change", func(m *sim.Measured, _ *sim.Trial) { m.Lost = []string{"k"} }, "are lost"},
		"a stale read":        {"slow-disk", func(m *sim.Measured, _ *sim.Trial) { m.Stale = 1 }, "linearizable"},
		"a long election":     {"leader-crash", after(2 * time.Second), "far too long"},
		"a usual election":    {"leader-crash", after(300 * time.Millisecond), ""},
		"an election for all": {"follower-crash", after(300 * time.Millisecond), "far too long"},
		"no stop":             {"no-majority", after(50 * time.Millisecond), "never stop"},
		"no end":              {"no-majority", after(4 * time.Second), "far too long"},
	} {
		p := made(t, consensus(5))
		o := prove.Options{Measure: func(_ process.Protocol, trial sim.Trial) sim.Measured {
			m := sim.Measured{Scenario: trial.Scenario.Name}
			switch m.Scenario {
			case "no-majority":
				m.Outage = trial.Duration / 3
			case "region-loss":
				m.Unable = "all replicas are in one place"
			}
			if m.Scenario == c.at {
				c.change(&m, &trial)
			}
			return m
		}}
		err := prove.Prove(t.Context(), p, o, nil)
		if (err != nil) != (c.want != "") {
			t.Errorf("%s: %v", name, err)
		}
		found := 0
		for _, e := range p.Evidence {
			if e.Verdict == plan.Contradicted {
				found++
				if !strings.Contains(e.Command, "--scenario "+c.at+" ") || !strings.Contains(e.Value, c.want) {
					t.Errorf("%s: %s: %s", name, e.Command, e.Value)
				}
			}
		}
		if c.want != "" && found != 2 { // with each protocol
			t.Errorf("%s: found %d times", name, found)
		}
	}
}

// TestSame: the same plan comes to the same, on one core or on several.
func TestSame(t *testing.T) {
	var plans [2]*plan.Plan
	for i := range plans {
		plans[i] = made(t, consensus(3))
		if i == 1 {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		}
		if err := prove.Prove(t.Context(), plans[i], prove.Options{Seed: 7}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(plans[0], plans[1]) {
		t.Error("the same plan came to something else")
	}
}

// TestNotSimulated: where nothing runs, that is said of each scenario, and nothing
// else changes.
func TestNotSimulated(t *testing.T) {
	r := consensus(4)
	r.Network.Byzantine = true
	p, want := made(t, r), made(t, r)
	if err := prove.Prove(t.Context(), p, prove.Options{}, nil); err != nil {
		t.Fatal(err)
	}
	n := len(want.Evidence)
	for _, e := range p.Evidence[n:] {
		if e.Verdict != plan.NotSimulated || e.Command != "" {
			t.Errorf("%s: %s, %s", e.Claim, e.Verdict, e.Command)
		}
	}
	if got := len(p.Evidence) - n; got != len(plan.Scenarios) {
		t.Errorf("%d scenarios are said not to be simulated", got)
	}
	if p.Evidence = p.Evidence[:n]; !reflect.DeepEqual(p, want) {
		t.Error("more has changed than evidence")
	}
}

// TestTooManyNodes: as many run as the simulator takes, and that is said.
func TestTooManyNodes(t *testing.T) {
	p := made(t, plan.Request{Problem: plan.Replication, Consistency: plan.Linearizable,
		Cluster: plan.Cluster{Nodes: 1000}})
	o := prove.Options{Measure: func(_ process.Protocol, trial sim.Trial) sim.Measured {
		if trial.Nodes != sim.MaxNodes {
			t.Errorf("a run of %d nodes", trial.Nodes)
		}
		return sim.Measured{Outage: trial.Duration / 3}
	}}
	before := len(p.Evidence)
	prove.Prove(t.Context(), p, o, nil) // what it comes to is made up
	if e := p.Evidence[before]; !strings.Contains(e.Source, "a run of 15 nodes") ||
		!strings.Contains(e.Source, "the plan has 1000 nodes") {
		t.Error(e.Source)
	}
}

// TestProgress: it is told of all runs, and a proof that is broken off leaves the plan.
func TestProgress(t *testing.T) {
	p, want := made(t, consensus(3)), made(t, consensus(3))
	ctx, cancel := context.WithCancel(t.Context())
	last := 0
	err := prove.Prove(ctx, p, prove.Options{}, func(done, total int) {
		if done != last+1 || total != 2*len(plan.Scenarios) {
			t.Errorf("%d of %d after %d", done, total, last)
		}
		if last = done; done == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || !reflect.DeepEqual(p, want) || last >= 2*len(plan.Scenarios) {
		t.Errorf("%v after %d", err, last)
	}
}

func BenchmarkProve(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := prove.Prove(b.Context(), made(b, consensus(5)), prove.Options{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// TestAPartIsCalledOne: where what runs is not the whole of what is recommended,
// plan, evidence and runner-up say so; and where it is, nothing does.
func TestAPartIsCalledOne(t *testing.T) {
	told := func(p *plan.Plan) (notes, evidence, instead int) {
		if err := prove.Prove(t.Context(), p, prove.Options{}, nil); err != nil {
			t.Fatal(err)
		}
		for _, n := range p.Notes {
			notes += strings.Count(n, "not simulated")
		}
		for _, e := range p.Evidence {
			evidence += strings.Count(e.Source, "not simulated")
		}
		for _, a := range p.Alternatives {
			instead += strings.Count(a.Simulated, "not simulated")
		}
		return notes, evidence, instead
	}
	r := consensus(3)
	if n, e, i := told(made(t, r)); n+e+i > 0 {
		t.Errorf("Raft is run as it is: %d notes, %d evidence, %d alternatives", n, e, i)
	}
	r.Problem = plan.Transaction
	if n, e, i := told(made(t, r)); n != 1 || e != len(plan.Scenarios) || i != 0 {
		t.Errorf("of two-phase commit one group is run: %d notes, %d evidence, %d alternatives", n, e, i)
	}
	r.Problem, r.Consistency = plan.Replication, plan.Sequential
	if n, e, i := told(made(t, r)); n != 0 || e != len(plan.Scenarios) || i != 1 {
		t.Errorf("of the runner-up no follower reads: %d notes, %d evidence, %d alternatives", n, e, i)
	}
}
