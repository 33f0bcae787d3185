package plan

import (
	"fmt"
	"strings"

	"althing/quorum"
	"althing/region"
	"althing/timing"
)

// A Wrong is a rule that a request breaks.
type Wrong struct {
	Path    string `json:"path"`              // of what breaks it, with dots
	Value   any    `json:"value"`             // what stands there
	Rule    string `json:"rule"`              // its name
	Error   string `json:"error"`             // what it says
	Theorem string `json:"theorem,omitempty"` // who proved that there is no way
	Nearest string `json:"nearest,omitempty"` // what could be had instead
}

// A Refusal is a request that cannot be planned for: with all the rules that it
// breaks, not the first alone.
type Refusal struct {
	Broken []Wrong `json:"broken"`
}

// Error lists them, a line each and more where a rule is a theorem.
func (r *Refusal) Error() string {
	var b strings.Builder
	for i, w := range r.Broken {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s = %v: %s: %s", w.Path, w.Value, w.Rule, w.Error)
		if w.Theorem != "" {
			fmt.Fprintf(&b, "\n    no protocol can: %s", w.Theorem)
		}
		if w.Nearest != "" {
			fmt.Fprintf(&b, "\n    what can be had: %s", w.Nearest)
		}
	}
	return b.String()
}

// A rule is what a request must satisfy beyond its schema. The errors of the
// first two are the schema's, word for word.
type rule struct {
	name    string
	path    string
	value   func(*Request) any
	broken  func(*Request) bool
	error   string
	theorem string
	forbids func(*Request) bool // whether the theorem does, for this request; nil: always
	nearest func(*Request) string
}

var rules = []rule{
	{
		name: "quorum_possible", path: "cluster_config.nodes",
		value:  func(r *Request) any { return r.Cluster.Nodes },
		broken: func(r *Request) bool { return r.Cluster.Nodes < 2*r.tolerance()+1 },
		error:  "Cannot tolerate f failures with fewer than 2f+1 nodes",
		theorem: "two halves that cannot hear each other would each have to go on without the other " +
			"(Lamport 1998; Gilbert, Lynch 2002)",
		nearest: func(r *Request) string {
			return fmt.Sprintf("%d nodes for failure_tolerance %d, or failure_tolerance %d with %d nodes",
				2*r.tolerance()+1, r.tolerance(), (r.Cluster.Nodes-1)/2, r.Cluster.Nodes)
		},
	},
	{
		name: "byzantine_nodes", path: "cluster_config.nodes",
		value: func(r *Request) any { return r.Cluster.Nodes },
		broken: func(r *Request) bool {
			return r.Network.Byzantine &&
				quorum.Tolerates(r.Cluster.Nodes, max(1, r.tolerance()), quorum.Byzantine) != nil
		},
		error:   "Byzantine tolerance requires 3f+1 nodes",
		theorem: "f ≥ n/3 liars can make two honest halves decide differently (Pease, Shostak, Lamport 1980)",
		nearest: func(r *Request) string {
			need := fmt.Sprintf("%d nodes for failure_tolerance %d", 3*max(1, r.tolerance())+1, max(1, r.tolerance()))
			if f := (r.Cluster.Nodes - 1) / 3; f > 0 {
				return fmt.Sprintf("%s, or failure_tolerance %d with %d nodes", need, f, r.Cluster.Nodes)
			}
			return need + "; or byzantine: false, if no node lies"
		},
	},
	{
		name: "region_survival", path: "cluster_config.regions",
		value: func(r *Request) any { return r.Cluster.Regions },
		broken: func(r *Request) bool {
			return r.Cluster.SurviveRegion && r.needsQuorum() && !r.survivesRegion()
		},
		error: "The loss of any one region must leave a quorum",
		theorem: "of two regions one has half of the votes or more: if each could go on without the other, both " +
			"would when they are cut apart (Gilbert, Lynch 2002)",
		forbids: func(r *Request) bool { return r.inhabited() == 2 && !r.Network.Byzantine },
		nearest: nearestRegions,
	},
	{
		name: "available_in_partition", path: "network_assumptions.available_in_partition",
		value: func(r *Request) any { return true },
		broken: func(r *Request) bool {
			return r.Network.AvailableInPartition && r.Consistency.atLeast(Sequential)
		},
		error: "Both sides of a partition cannot take writes and show one order of them",
		theorem: "a read on one side would have to show a write of the other, which it cannot hear of " +
			"(Gilbert, Lynch 2002; for sequential consistency Birman, Friedman 1996)",
		nearest: func(r *Request) string {
			return "consistency_requirement: causal, the strongest that all sides can go on with " +
				"(Mahajan, Alvisi, Dahlin 2011); or available_in_partition: false, and the majority goes on"
		},
	},
	{
		name: "regions_known", path: "cluster_config.regions",
		value: func(r *Request) any { return r.unknown() },
		broken: func(r *Request) bool {
			return len(r.unknown()) > 0
		},
		error: "Distances between these regions are not known",
		nearest: func(r *Request) string {
			return "give network_assumptions.rtt_ms for them, or latency_ms for all, or regions of the public " +
				"table: VA OR CA IR SI TO SY SP, or as AWS calls them, us-east-1 and so on"
		},
	},
	{
		name: "regions_distinct", path: "cluster_config.regions",
		value:  func(r *Request) any { return r.Cluster.Regions },
		broken: func(r *Request) bool { return r.twice() },
		error:  "Two of these names are of one region: it cannot be lost without the other",
		nearest: func(r *Request) string {
			return "each region once; several nodes of it share its fate anyhow"
		},
	},
	{
		name: "timeouts_possible", path: "network_assumptions",
		value:  func(r *Request) any { return r.farthest() },
		broken: func(r *Request) bool { _, err := timing.Choose(r.network(), timing.DefaultRisk); return err != nil },
		error:  "A leader cannot be told from one that is gone: round trips and flushes are too long",
		nearest: func(r *Request) string {
			return "round trip and flush of 10 s together, at most"
		},
	},
	{
		name: "lost_writes", path: "workload.loss_acceptable",
		value: func(r *Request) any { return true },
		broken: func(r *Request) bool {
			return r.Workload.LossAcceptable && r.Consistency.atLeast(Causal)
		},
		error: "A write that may be lost cannot be ordered before those that depend on it",
		nearest: func(r *Request) string {
			return "loss_acceptable: false, or consistency_requirement: eventual"
		},
	},
}

// Check returns a *Refusal with every rule that the request breaks, or nil.
func (r *Request) Check() error {
	var refusal Refusal
	for i := range rules {
		u := &rules[i]
		if !u.broken(r) {
			continue
		}
		w := Wrong{Path: u.path, Value: u.value(r), Rule: u.name, Error: u.error}
		if u.forbids == nil || u.forbids(r) {
			w.Theorem = u.theorem
		}
		if u.nearest != nil {
			w.Nearest = u.nearest(r)
		}
		refusal.Broken = append(refusal.Broken, w)
	}
	if len(refusal.Broken) > 0 {
		return &refusal
	}
	return nil
}

// needsQuorum reports whether what is asked for can only be had where nodes
// meet: copies that may differ for a while survive in any one node.
func (r *Request) needsQuorum() bool {
	return r.Consistency.atLeast(Sequential) || r.Problem == Consensus || r.Network.Byzantine
}

// quorumSize is how many nodes must be there.
func (r *Request) quorumSize() int {
	if r.Network.Byzantine {
		if q, err := quorum.ByzantineSize(r.Cluster.Nodes, (r.Cluster.Nodes-1)/3); err == nil {
			return q
		}
	}
	return quorum.Majority(r.Cluster.Nodes)
}

// survivesRegion reports whether a quorum is left when any one region is gone.
func (r *Request) survivesRegion() bool {
	most := r.Cluster.Nodes // all of them in one place, where no regions are named
	if counts := r.spread(); len(counts) > 0 {
		most = counts[0] // the first regions have one more
	}
	return r.Cluster.Nodes-most >= r.quorumSize()
}

func nearestRegions(r *Request) string {
	if r.Network.Byzantine {
		return "four regions with as many nodes in each, so that a region is no more than a third of them"
	}
	for more := *r; r.inhabited() >= 3; {
		if more.Cluster.Nodes++; more.survivesRegion() {
			return fmt.Sprintf("%d nodes in these %d regions", more.Cluster.Nodes, r.inhabited())
		}
	}
	return "three regions, as 1+1+1 or 2+2+1 nodes (the third may hold a single voter); or two regions, and " +
		"the one with the majority must survive"
}

// unknown returns the regions that the public table lacks, from which the way to
// another is not given either.
func (r *Request) unknown() (names []string) {
	if r.Network.LatencyMS > 0 {
		return nil
	}
	rs := r.Cluster.Regions[:r.inhabited()]
	for _, a := range rs {
		for _, b := range rs {
			_, ahead := r.Network.RTT[a][b]
			_, back := r.Network.RTT[b][a]
			if a != b && !ahead && !back && a.OneWay(a) == 0 {
				names = append(names, string(a))
				break
			}
		}
	}
	return names
}

// twice reports whether a region is named by two of its names.
func (r *Request) twice() bool {
	seen := map[region.Region]bool{}
	for _, name := range r.Cluster.Regions {
		if known, err := region.Parse(string(name)); err == nil {
			if seen[known] {
				return true
			}
			seen[known] = true
		}
	}
	return false
}
