package prove

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"althing/plan"
	"althing/process"
	"althing/sim"
)

const (
	// operations of a run, all clients together, if answers took no time: 600 or so
	// before a scenario, while it lasts and after it, enough for a 99th percentile.
	operations = 2000
	// minRate and maxRate bound them in a second: a long run is to have answers all
	// along, and a short one not to become a test of load.
	minRate, maxRate = 4, 400
	// shortest is the least time that a scenario lasts: the simulator's operator
	// needs seconds for a change of the group.
	shortest = 2 * time.Second
)

// trial is the run of a scenario for a plan.
func trial(p *plan.Plan, scenario string, seed uint64) sim.Trial {
	r, c := p.Request(), &p.Configuration
	t := sim.Trial{Seed: seed, Nodes: min(c.Voters, sim.MaxNodes), Reads: int(math.Round(100 * r.Reads())),
		Retry: ms(c.RequestMS),
		// Nothing takes no time at all: to a Trial, 0 is its default.
		Flush:   max(r.Flush(), time.Nanosecond),
		Skew:    max(r.Uncertainty(), time.Nanosecond),
		Process: process.Config{Heartbeat: ms(c.HeartbeatMS), Election: process.Span{Min: ms(c.TimeoutMS)}},
	}
	t.Process.Election.Max = 2 * t.Process.Election.Min
	between := r.Between()
	t.OneWay = max(between[0][0], time.Nanosecond)
	if k := min(len(r.Cluster.Regions), t.Nodes); k > 1 {
		for _, row := range between[:k] {
			t.Between = append(t.Between, row[:k])
		}
	}
	lasts := max(shortest, 4*replacement(&t))
	t.Duration = 3 * lasts
	t.Rate = min(max(int(operations/t.Duration.Seconds()), minRate), maxRate)
	i := slices.IndexFunc(sim.Scenarios, func(s sim.Scenario) bool { return s.Name == names[scenario] })
	t.Scenario = sim.Scenarios[i]
	return t
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func inMS(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Millisecond)*1000) / 1000
}

// farthest is the longest round trip of a trial.
func farthest(t *sim.Trial) time.Duration {
	longest := t.OneWay
	for _, row := range t.Between {
		longest = max(longest, slices.Max(row))
	}
	return 2 * longest
}

// command returns the command line that makes the same run: to the nanosecond, it
// comes to the same.
func (r *run) command() string {
	var b strings.Builder
	t, row := &r.trial, r.of.protocol.Name
	fmt.Fprintf(&b, "althing sim compare --protocols %s --scenario %s --nodes %d --rate %d --reads %d --duration %s "+
		"--seed %d", row, t.Scenario.Name, t.Nodes, t.Rate, t.Reads, span(t.Duration), t.Seed)
	fmt.Fprintf(&b, " --one-way %s", span(t.OneWay)) // what large messages take follows it, ways or not
	if t.Between != nil {
		b.WriteString(" --ways ")
		for i, row := range t.Between {
			for j, way := range row {
				switch {
				case j > 0:
					b.WriteByte(',')
				case i > 0:
					b.WriteByte('/')
				}
				b.WriteString(span(way))
			}
		}
	}
	fmt.Fprintf(&b, " --flush %s --heartbeat %s --election %s --retry %s --skew %s", span(t.Flush),
		span(t.Process.Heartbeat), span(t.Process.Election.Min), span(t.Retry), span(t.Skew))
	if c := &r.of.plan.Configuration; r.of.quorums {
		fmt.Fprintf(&b, " --quorums %d,%d", c.Election, c.Quorum)
	}
	return b.String()
}

// span is a time as flags have it, in plain letters.
func span(d time.Duration) string { return strings.ReplaceAll(d.String(), "µ", "u") }
