package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"althing/region"
)

// flags are those of "althing plan" that say what the request says.
func (r *Request) flags() string {
	var b strings.Builder
	add := func(name string, value any) { fmt.Fprintf(&b, " --%s %v", name, value) }
	say := func(name string, said bool) {
		if said {
			fmt.Fprintf(&b, " --%s", name)
		}
	}
	add("problem", r.Problem)
	add("consistency", r.Consistency)
	add("nodes", r.Cluster.Nodes)
	if f := r.Cluster.Tolerance; f != nil {
		add("tolerate", *f)
	}
	if len(r.Cluster.Regions) > 0 {
		add("regions", list(r.Cluster.Regions))
	}
	say("survive-region", r.Cluster.SurviveRegion)
	n := &r.Network
	if n.LatencyMS > 0 {
		add("latency", milliseconds(float64(n.LatencyMS)))
	}
	if n.PartitionProbability > 0 {
		add("partitions", n.PartitionProbability)
	}
	for _, from := range slices.Sorted(maps.Keys(n.RTT)) {
		for _, to := range slices.Sorted(maps.Keys(n.RTT[from])) {
			add("rtt", fmt.Sprintf("%s:%s=%v", from, to, milliseconds(n.RTT[from][to])))
		}
	}
	say("byzantine", n.Byzantine)
	say("available", n.AvailableInPartition)
	w := &r.Workload
	if w.ReadFraction != nil {
		add("reads", *w.ReadFraction)
	}
	if w.RequestBytes > 0 {
		add("request-bytes", w.RequestBytes)
	}
	if w.Rate > 0 {
		add("rate", w.Rate)
	}
	if w.DataType != "" {
		add("data-type", w.DataType)
	}
	say("scans", w.Scans)
	say("pinning", w.Pinning)
	say("loss", w.LossAcceptable)
	e := &r.Environment
	if e.ClockUncertaintyMS != nil {
		add("uncertainty", milliseconds(*e.ClockUncertaintyMS))
	}
	if e.FailureProbability != nil {
		add("down", *e.FailureProbability)
	}
	if e.FlushMS != nil {
		add("flush", milliseconds(*e.FlushMS))
	}
	return b.String()[1:]
}

// servers bounds a command that names each of them.
const servers = 16

// waiting is a command that computes what clients wait for, and where a leader is
// best; "" if there is none: for lies, for transactions, for more servers than one
// would name, and for distances that are not of the public table.
func (p *Plan) waiting() string {
	r, q := p.request, p.Configuration.Quorum
	flush := r.network().Flush
	n := r.Cluster.Nodes
	switch key := p.system.Key; {
	case p.system.Kind == lying, p.system.Kind == chained, strings.HasPrefix(key, "2pc"), n > servers, n < 2:
		return ""
	case p.system.Kind == partial && (p.NRW == nil || p.NRW.N < n):
		return ""
	case p.system.Kind == firstBackup && q > 1:
		flush *= 2 // the backups write after the primary
	}
	where := r.places()
	if where == "" {
		return ""
	}
	return fmt.Sprintf("althing calc latency %s --quorum %d --flush %v", where, q, flush)
}

// places are arguments of "althing calc latency" for the request's nodes: by region,
// with the clients of each counted once; "" if the distances are not of the table.
func (r *Request) places() string {
	k := r.inhabited()
	if k == 0 {
		return fmt.Sprintf("--nodes %d --rtt %v", r.Cluster.Nodes, 2*r.anyWay())
	}
	if len(r.Network.RTT) > 0 || r.Network.LatencyMS > 0 {
		return ""
	}
	var names, weights []string
	for i, n := range r.spread()[:k] {
		name := r.Cluster.Regions[i]
		if _, err := region.Parse(string(name)); err != nil {
			return ""
		}
		for j := range n {
			names, weights = append(names, string(name)), append(weights, fmt.Sprint(min(1, max(0, 1-j))))
		}
	}
	return strings.Join(names, " ") + " --clients " + strings.Join(weights, ",")
}

// Served reports whether a cluster of "althing serve" with the plan's Row is what
// the plan recommends: not a part of it, and nothing beside it.
func (p *Plan) Served() bool { return p.system.Serves }

// Region returns where node i is, from 0 on; "" without regions.
func (p *Plan) Region(i int) string {
	if rs := p.request.Cluster.Regions; len(rs) > 0 {
		return string(rs[i%len(rs)])
	}
	return ""
}
