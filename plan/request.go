package plan

import (
	"math"
	"slices"
	"time"

	"althing/region"
	"althing/timing"
)

// A Problem is what is to be solved. The words are those of the schema.
type Problem string

// The problems.
const (
	Consensus          Problem = "consensus"
	Replication        Problem = "replication"
	Partitioning       Problem = "partitioning"
	Transaction        Problem = "transaction"
	ConflictResolution Problem = "conflict_resolution"
)

// Problems are all there are.
var Problems = []Problem{Consensus, Replication, Partitioning, Transaction, ConflictResolution}

// A Consistency is what clients are promised.
type Consistency string

// The levels, from strong to weak.
const (
	Linearizable Consistency = "linearizable"
	Sequential   Consistency = "sequential"
	Causal       Consistency = "causal"
	Eventual     Consistency = "eventual"
)

// Levels are all consistencies, from strong to weak.
var Levels = []Consistency{Linearizable, Sequential, Causal, Eventual}

// atLeast reports whether a promise is as strong as another.
func (c Consistency) atLeast(other Consistency) bool {
	return slices.Index(Levels, c) <= slices.Index(Levels, other)
}

// A Request is what a person asks for. Its first four fields are the schema that
// is common to planners of this kind; the others may be left out.
type Request struct {
	Problem     Problem     `json:"problem_type"`
	Cluster     Cluster     `json:"cluster_config"`
	Consistency Consistency `json:"consistency_requirement,omitempty"` // Eventual, if empty
	Network     Network     `json:"network_assumptions,omitzero"`
	Workload    Workload    `json:"workload,omitzero"`
	Environment Environment `json:"environment,omitzero"`
}

// A Cluster is what it runs on.
type Cluster struct {
	Nodes         int             `json:"nodes"`                       // 1 to 1000
	Tolerance     *int            `json:"failure_tolerance,omitempty"` // that may fail at once; nil: as many as can be
	Regions       []region.Region `json:"regions,omitempty"`           // the first have one node more
	SurviveRegion bool            `json:"survive_region,omitempty"`    // the loss of any one region is survived
}

// A Network is what lies between the nodes.
type Network struct {
	LatencyMS            int       `json:"latency_ms,omitempty"` // one way; 0: of the regions, or 0.25
	PartitionProbability float64   `json:"partition_probability,omitempty"`
	Byzantine            bool      `json:"byzantine,omitempty"`
	AvailableInPartition bool      `json:"available_in_partition,omitempty"`
	RTT                  Distances `json:"rtt_ms,omitempty"`
}

// Distances are round trips between regions in milliseconds, from row to column.
type Distances map[region.Region]map[region.Region]float64

// A Workload is what is asked of the cluster.
type Workload struct {
	ReadFraction   *float64 `json:"read_fraction,omitempty"`       // 0 to 1; nil: half
	RequestBytes   int      `json:"request_bytes,omitempty"`       // 0: 256
	Rate           float64  `json:"requests_per_second,omitempty"` // 0: 1,000
	DataType       string   `json:"data_type,omitempty"`           // "": opaque; see InputSchema for the others
	Scans          bool     `json:"scans,omitempty"`               // keys are read in order
	Pinning        bool     `json:"pinning,omitempty"`             // keys are put on nodes by name
	LossAcceptable bool     `json:"loss_acceptable,omitempty"`     // acknowledged writes may be lost now and then
}

// An Environment is what the machines are like.
type Environment struct {
	ClockUncertaintyMS *float64 `json:"clock_uncertainty_ms,omitempty"`     // nil: 10
	FailureProbability *float64 `json:"node_failure_probability,omitempty"` // of a node, at a given moment; nil: 0.01
	FlushMS            *float64 `json:"flush_ms,omitempty"`                 // nil: 1
}

// What is assumed where a request says nothing.
const (
	oneWayMS      = 0.25  // within one place: two machines of one building
	failureChance = 0.01  // three and a half days in a year
	flushMS       = 1.0   // a good disk
	clockMS       = 10.0  // NTP over a good network
	readFraction  = 0.5   //
	requestBytes  = 256   //
	requestRate   = 1000. // a second
)

func or[T any](p *T, otherwise T) T {
	if p != nil {
		return *p
	}
	return otherwise
}

// tolerance is the failures to be survived: those that were asked for, or as
// many as the nodes can bear.
func (r *Request) tolerance() int { return or(r.Cluster.Tolerance, r.bearable()) }

// bearable is how many failures agreement bears among so many nodes: fewer than
// half, and of liars fewer than a third.
func (r *Request) bearable() int {
	if r.Network.Byzantine {
		return (r.Cluster.Nodes - 1) / 3
	}
	return (r.Cluster.Nodes - 1) / 2
}

// spread returns how many nodes each region has.
func (r *Request) spread() []int {
	counts := make([]int, len(r.Cluster.Regions))
	for i := range r.Cluster.Nodes {
		if len(counts) > 0 {
			counts[i%len(counts)]++
		}
	}
	return counts
}

// inhabited returns how many regions have a node.
func (r *Request) inhabited() int { return min(len(r.Cluster.Regions), r.Cluster.Nodes) }

// oneWay returns how long a message takes from one region to another: as the
// request says, in this direction or else in the other; as the public table has
// it; or as latency_ms says for all.
func (r *Request) oneWay(from, to region.Region) time.Duration {
	for _, way := range [][2]region.Region{{from, to}, {to, from}} {
		if ms, ok := r.Network.RTT[way[0]][way[1]]; ok {
			return milliseconds(ms / 2)
		}
	}
	if d := from.OneWay(to); d > 0 && (from != to || r.Network.LatencyMS == 0) {
		return d
	}
	return r.anyWay()
}

// anyWay is how long a message takes where nothing is known of regions.
func (r *Request) anyWay() time.Duration {
	if r.Network.LatencyMS > 0 {
		return milliseconds(float64(r.Network.LatencyMS))
	}
	return milliseconds(oneWayMS)
}

// Between returns how long a message takes from node i to node j.
func (r *Request) Between() [][]time.Duration {
	n := r.Cluster.Nodes
	all := make([][]time.Duration, n)
	for i := range all {
		all[i] = make([]time.Duration, n)
		for j := range all[i] {
			all[i][j] = r.anyWay()
			if rs := r.Cluster.Regions; len(rs) > 0 {
				all[i][j] = r.oneWay(rs[i%len(rs)], rs[j%len(rs)])
			}
		}
	}
	return all
}

// farthest is the longest round trip between two nodes.
func (r *Request) farthest() time.Duration {
	longest := 2 * r.anyWay()
	rs := r.Cluster.Regions[:r.inhabited()]
	if len(rs) > 1 {
		longest = 0
	}
	for i := range rs {
		for j := range rs {
			if i != j {
				longest = max(longest, 2*r.oneWay(rs[i], rs[j]))
			}
		}
	}
	return longest
}

// network is what timeouts have to live with.
func (r *Request) network() timing.Network {
	return timing.Network{RoundTrip: r.farthest(), Flush: milliseconds(or(r.Environment.FlushMS, flushMS))}
}

func milliseconds(ms float64) time.Duration {
	return time.Duration(math.Round(ms * float64(time.Millisecond)))
}

func (r *Request) bytes() int {
	if r.Workload.RequestBytes > 0 {
		return r.Workload.RequestBytes
	}
	return requestBytes
}

func (r *Request) rate() float64 {
	if r.Workload.Rate > 0 {
		return r.Workload.Rate
	}
	return requestRate
}

// Reads is the share of requests that read.
func (r *Request) Reads() float64 { return or(r.Workload.ReadFraction, readFraction) }
