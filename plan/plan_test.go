package plan

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"althing/region"
)

// everyRequest goes through all problems, levels and fault models, with sizes at
// the edges.
func everyRequest(f func(Request)) {
	three := []region.Region{"VA", "OR", "CA"}
	one := 1
	for _, problem := range Problems {
		for _, level := range Levels {
			for _, liars := range []bool{false, true} {
				for _, n := range []int{1, 2, 4, 5, 8, 17, 1000} {
					for _, rs := range [][]region.Region{nil, three[:2], three} {
						r := Request{Problem: problem, Consistency: level, Cluster: Cluster{Nodes: n, Regions: rs},
							Network: Network{Byzantine: liars}}
						f(r)
						r.Workload.DataType, r.Workload.Scans = "counter", true
						if n > 3 {
							r.Cluster.Tolerance = &one
						}
						f(r)
						most := r.bearable()
						r.Workload.LossAcceptable, r.Cluster.Tolerance = true, &most
						f(r)
					}
				}
			}
		}
	}
}

// Each request that can be met has a plan that is at least as strong as asked,
// bears the faults it was asked to bear, and gives a reason for every choice.
func TestEveryRequest(t *testing.T) {
	plans, refused := 0, 0
	everyRequest(func(r Request) {
		p, err := Make(r)
		if err != nil {
			var refusal *Refusal
			if !asRefusal(err, &refusal) {
				t.Fatalf("%+v: %v", r, err)
			}
			lost := r.Workload.LossAcceptable && r.Consistency.atLeast(Causal)
			if r.Network.Byzantine && r.Cluster.Nodes < 4 || lost {
				refused++
				return
			}
			t.Fatalf("%+v: %v", r, err)
		}
		plans++
		if !p.system.Gives.atLeast(r.Consistency) {
			t.Errorf("%+v: %s is only %s", r, p.system.Name, p.system.Gives)
		}
		if r.Network.Byzantine && p.system.Kind != lying && p.system.Key != "crdt" {
			t.Errorf("%+v: %s does not bear lies", r, p.system.Name)
		}
		if f := &p.FaultTolerance; r.Cluster.Tolerance != nil && max(f.Crashes, f.Liars) < *r.Cluster.Tolerance {
			t.Errorf("%+v: %s bears %+v", r, p.system.Key, *f)
		}
		c := &p.Configuration
		if c.Quorum < 1 || c.Quorum > c.Voters || c.HeartbeatMS < 10 || c.TimeoutMS < 5*c.HeartbeatMS {
			t.Errorf("%+v: %+v", r, *c)
		}
		if got := len(p.FailureScenarios); got != len(Scenarios) {
			t.Errorf("%+v: %d scenarios", r, got)
		}
		for _, s := range p.FailureScenarios {
			if s.Behavior == "" || s.Recovery == "" {
				t.Errorf("%s, %s: nothing is said", p.system.Key, s.Scenario)
			}
			if slices.ContainsFunc([]rune(s.Behavior+s.Recovery), func(c rune) bool { return c == '{' || c == '}' }) {
				t.Errorf("%s, %s: a word without a number: %s %s", p.system.Key, s.Scenario, s.Behavior, s.Recovery)
			}
		}
		for _, a := range p.Alternatives {
			if a.Lost == "" || a.Name == p.Protocol.Name {
				t.Errorf("%+v: alternative %s without a reason against it", r, a.Name)
			}
		}
		for _, e := range p.Evidence {
			if e.Claim == "" || e.Source == "" || e.Value == "" {
				t.Errorf("%+v: evidence %+v", r, e)
			}
		}
	})
	if plans < 1000 || refused < 300 {
		t.Errorf("%d plans, %d refused", plans, refused)
	}
}

func asRefusal(err error, to **Refusal) bool {
	r, ok := err.(*Refusal)
	*to = r
	return ok
}

// The same request gives the same plan, to the byte.
func TestSameAgain(t *testing.T) {
	f := 2
	r := Request{Problem: Replication, Consistency: Eventual, Cluster: Cluster{Nodes: 5, Tolerance: &f,
		Regions: []region.Region{"VA", "IR", "TO"}}}
	var texts []string
	for range 3 {
		p, err := Make(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
	if texts[0] != texts[1] || texts[1] != texts[2] {
		t.Error("two plans of one request differ")
	}
}

// Leaders where the published round trips put them.
func TestLeaders(t *testing.T) {
	for _, c := range []struct {
		regions []region.Region
		leader  string
	}{
		{[]region.Region{"VA", "OR", "CA"}, "OR"},
		{[]region.Region{"VA", "IR", "TO"}, "VA"},
		{[]region.Region{"us-east-1", "us-west-2", "us-west-1"}, "us-west-2"},
		{[]region.Region{"VA", "CA", "OR", "IR", "TO"}, "OR"},
		{[]region.Region{"VA", "OR", "IR", "SI", "SY", "TO", "SP"}, "TO"},
	} {
		p, err := Make(Request{Problem: Consensus, Consistency: Linearizable,
			Cluster: Cluster{Nodes: len(c.regions), Regions: c.regions}})
		if err != nil {
			t.Fatal(err)
		}
		if p.Placement.Leader != c.leader {
			t.Errorf("%v: leader in %s, not %s", c.regions, p.Placement.Leader, c.leader)
		}
	}
}

// What cannot be is refused with all reasons at once, in the schema's words.
func TestRefused(t *testing.T) {
	two, one := 2, 1
	for _, c := range []struct {
		name  string
		r     Request
		rules []string
	}{
		{"too few for anything", Request{Problem: Consensus, Cluster: Cluster{Nodes: 4, Tolerance: &two},
			Network: Network{Byzantine: true}}, []string{"quorum_possible", "byzantine_nodes"}},
		{"too few", Request{Problem: Replication, Cluster: Cluster{Nodes: 2, Tolerance: &one}},
			[]string{"quorum_possible"}},
		{"two regions", Request{Problem: Consensus, Consistency: Linearizable, Cluster: Cluster{Nodes: 4,
			Regions: []region.Region{"VA", "OR"}, SurviveRegion: true}}, []string{"region_survival"}},
		{"no regions", Request{Problem: Consensus, Cluster: Cluster{Nodes: 5, SurviveRegion: true}},
			[]string{"region_survival"}},
		{"both sides", Request{Problem: Replication, Consistency: Linearizable, Cluster: Cluster{Nodes: 5},
			Network: Network{AvailableInPartition: true}}, []string{"available_in_partition"}},
		{"nowhere", Request{Problem: Consensus, Cluster: Cluster{Nodes: 3,
			Regions: []region.Region{"moon", "VA", "OR"}}}, []string{"regions_known"}},
		{"twice", Request{Problem: Consensus, Cluster: Cluster{Nodes: 3,
			Regions: []region.Region{"VA", "us-east-1", "OR"}}}, []string{"regions_distinct"}},
		{"lost", Request{Problem: Replication, Consistency: Causal, Cluster: Cluster{Nodes: 3},
			Workload: Workload{LossAcceptable: true}}, []string{"lost_writes"}},
	} {
		_, err := Make(c.r)
		var refusal *Refusal
		if !asRefusal(err, &refusal) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, w := range refusal.Broken {
			got = append(got, w.Rule)
			if w.Nearest == "" {
				t.Errorf("%s: %s offers nothing instead", c.name, w.Rule)
			}
		}
		if !slices.Equal(got, c.rules) {
			t.Errorf("%s: %v, not %v", c.name, got, c.rules)
		}
	}
	for _, rs := range [][]region.Region{{"VA", "OR", "CA"}, {"VA", "IR", "TO"}} {
		for n, survives := range map[int]bool{3: true, 4: true, 5: true, 6: true} {
			r := Request{Problem: Consensus, Cluster: Cluster{Nodes: n, Regions: rs, SurviveRegion: true}}
			// 2+1+1: without the region of two, two of four are no majority.
			if n == 4 {
				survives = false
			}
			if _, err := Make(r); (err == nil) != survives {
				t.Errorf("%d nodes in three regions: %v", n, err)
			}
		}
	}
}

// Every table refers to what there is, and every system and kind has its courses.
func TestTables(t *testing.T) {
	picked := map[string]bool{}
	for i, w := range table {
		if !slices.ContainsFunc(systems, func(s system) bool { return s.Key == w.Pick }) {
			t.Errorf("row %d picks %q", i+1, w.Pick)
		}
		if conditions[w.When] == nil {
			t.Errorf("row %d: when %q is no condition", i+1, w.When)
		}
		if w.Why == "" || w.Source == "" {
			t.Errorf("row %d gives no reason, or no source", i+1)
		}
		picked[w.Pick] = true
	}
	for _, s := range systems {
		if !picked[s.Key] {
			t.Errorf("no row picks %s", s.Key)
		}
		if s.Name == "" || s.What == "" || s.Guarantee == "" || s.Source == "" || s.CAP == "" || s.PACELC == "" {
			t.Errorf("%s lacks something: %+v", s.Key, s)
		}
		if formulas[s.Kind] == "" {
			t.Errorf("%s: no formula for kind %s", s.Key, s.Kind)
		}
		for _, name := range Scenarios {
			if c := courses[s.Kind][name]; c.Behavior == "" || c.Recovery == "" {
				t.Errorf("%s: nothing is said of %s", s.Kind, name)
			}
		}
	}
	for k, cs := range courses {
		if len(cs) != len(Scenarios) {
			t.Errorf("%s has %d scenarios of %d", k, len(cs), len(Scenarios))
		}
	}
}

// Answers that are known: the sizes of quorums, and timeouts by round trip.
func TestKnownNumbers(t *testing.T) {
	type known struct{ n, quorum, election int }
	for _, c := range []struct {
		key   string
		sizes []known
	}{
		{"raft", []known{{1, 1, 0}, {2, 2, 0}, {3, 2, 0}, {4, 3, 0}, {5, 3, 0}, {6, 4, 0}, {7, 4, 0}, {9, 5, 0},
			{13, 7, 0}}},
		{"fastpaxos", []known{{3, 3, 2}, {4, 3, 3}, {5, 4, 3}, {6, 5, 4}, {7, 6, 4}, {8, 6, 5}, {9, 7, 5}, {10, 8, 6},
			{13, 10, 7}}},
		{"pbft", []known{{4, 3, 0}, {5, 4, 0}, {6, 4, 0}, {7, 5, 0}, {8, 6, 0}, {9, 6, 0}, {10, 7, 0}, {13, 9, 0}}},
	} {
		for _, k := range c.sizes {
			r := Request{Problem: Consensus, Consistency: Linearizable, Cluster: Cluster{Nodes: k.n},
				Network: Network{Byzantine: c.key == "pbft"}}
			if got := of(&r, c.key).Configuration; got.Quorum != k.quorum || got.Election != k.election {
				t.Errorf("%s: %+v, but it has %d and %d", c.key, k, got.Quorum, got.Election)
			}
		}
	}
	two := 2
	r := Request{Problem: Consensus, Cluster: Cluster{Nodes: 10, Tolerance: &two}}
	if c := of(&r, "multipaxos").Configuration; c.Quorum != 3 || c.Election != 8 {
		t.Errorf("flexible quorums of 10: %d and %d, not 3 and 8", c.Quorum, c.Election)
	}
	none := 0.
	for ms, want := range map[int][2]int{5: {10, 150}, 139: {278, 2780}, 1: {10, 150}} {
		r := Request{Problem: Consensus, Cluster: Cluster{Nodes: 5}, Network: Network{LatencyMS: ms},
			Environment: Environment{FlushMS: &none}}
		if c := of(&r, "raft").Configuration; c.HeartbeatMS != want[0] || c.TimeoutMS != want[1] {
			t.Errorf("%d ms one way: %d and %d, not %v", ms, c.HeartbeatMS, c.TimeoutMS, want)
		}
	}
}

// Which regions can be lost, and what may fail after that: 1+1+1 and 2+2+1 survive any
// one and then nothing more, 2+2 does not.
func TestKnownRegions(t *testing.T) {
	three := []region.Region{"VA", "OR", "CA"}
	for _, c := range []struct {
		n       int
		regions []region.Region
		any     bool
		then    int
	}{{3, three, true, 0}, {5, three, true, 0}, {4, three[:2], false, 0}, {4, three, false, 0}, {6, three, true, 0},
		{9, three, true, 1}, {7, []region.Region{"VA", "OR", "IR", "SI", "SY", "TO", "SP"}, true, 2}} {
		r := Request{Problem: Consensus, Cluster: Cluster{Nodes: c.n, Regions: c.regions}}
		f := of(&r, "raft").FaultTolerance
		if f.AnyRegion != c.any || c.any && *f.Then != c.then {
			t.Errorf("%d in %v: %+v", c.n, c.regions, f)
		}
	}
}

// Whether to do without a leader turns with the number of regions: with five a fast
// quorum of three is nearer than the leader and its majority, as a majority is, too;
// with seven a fast quorum of five is farther away than any majority.
func TestKnownWays(t *testing.T) {
	mean := func(names []region.Region, f func(p *Plan, d *delays, c int) time.Duration) float64 {
		none := 0.
		p := of(&Request{Problem: Consensus, Consistency: Linearizable,
			Cluster:     Cluster{Nodes: len(names), Regions: names},
			Environment: Environment{FlushMS: &none}}, "raft")
		var sum time.Duration
		for c := range names {
			sum += f(p, p.delays(), c)
		}
		return inMS(sum) / float64(len(names))
	}
	led := func(names []region.Region) float64 {
		return mean(names, func(p *Plan, _ *delays, c int) time.Duration { return milliseconds(p.Latency[c].WriteMS) })
	}
	fast := func(names []region.Region, k int) float64 {
		return mean(names, func(_ *Plan, d *delays, c int) time.Duration { return d.gather(c, k) })
	}
	three := []region.Region{"VA", "OR", "CA"}
	five := []region.Region{"VA", "CA", "OR", "IR", "TO"}
	seven := []region.Region{"VA", "OR", "IR", "SI", "SY", "TO", "SP"}
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"three, led", led(three), 58.0}, {"five, led", led(five), 165.0}, {"seven, led", led(seven), 308.8},
		{"five, EPaxos", fast(five, 3), 113.7}, {"seven, EPaxos", fast(seven, 5), 236.4},
		{"seven, majority", fast(seven, 4), 203.9},
	} {
		if math.Abs(c.got-c.want) > .1 {
			t.Errorf("%s: %.1f ms, not %.1f", c.what, c.got, c.want)
		}
	}
}

// A replica of a key in each of three regions: two of them are as far as the nearest
// other region, whoever asks, though each has two nodes; and with a region more than
// replicas, some keys have none where they are asked for.
func TestReplicasOfAKey(t *testing.T) {
	none := 0.
	for _, c := range []struct {
		nodes   int
		regions []region.Region
		want    []float64
	}{
		{6, []region.Region{"VA", "IR", "TO"}, []float64{107.9, 107.9, 202.4}},
		{4, []region.Region{"VA", "OR", "CA", "IR"}, []float64{83.6, 52.9, 53.5, 138.85}},
	} {
		p := of(&Request{Problem: Replication, Consistency: Eventual,
			Cluster:     Cluster{Nodes: c.nodes, Regions: c.regions},
			Environment: Environment{FlushMS: &none}}, "dynamo")
		for i, l := range p.Latency {
			if math.Abs(l.WriteMS-c.want[i]) > .001 {
				t.Errorf("%v: a write in %s takes %v ms, not %v", c.regions, l.Region, l.WriteMS, c.want[i])
			}
		}
	}
}
