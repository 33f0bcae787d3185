package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	planner "althing/plan"
	"althing/plan/prove"
	"althing/region"
	"althing/sim"
)

// TestProofIsReproduced: the command beside each figure comes to the same figure.
func TestProofIsReproduced(t *testing.T) {
	flush := 0.35
	p, err := planner.Make(planner.Request{Problem: planner.Consensus, Consistency: planner.Linearizable,
		Cluster:     planner.Cluster{Nodes: 5, Regions: []region.Region{"VA", "IR", "TO"}},
		Environment: planner.Environment{FlushMS: &flush}})
	if err != nil {
		t.Fatal(err)
	}
	before := len(p.Evidence)
	if err := prove.Prove(t.Context(), p, prove.Options{Seed: 3}, nil); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 12, len(planner.Scenarios) + 2} { // with the runner-up, too
		e := p.Evidence[before+i]
		code, out, errors := command(append(strings.Fields(e.Command)[1:], "-o", "json")...)
		var all []sim.Measured
		if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 || code != exitOK {
			t.Fatalf("%s: exit %d, %v: %s", e.Command, code, err, errors)
		}
		m := &all[0]
		for _, want := range []string{
			fmt.Sprintf("p50 %.4g ms, p99 %.4g ms before", ms(m.Phases[0].P50), ms(m.Phases[0].P99)),
			fmt.Sprintf("%.4g, %.4g while; outage %.4g ms", ms(m.Phases[1].P50), ms(m.Phases[1].P99), ms(m.Outage)),
			fmt.Sprintf("%.3g messages", m.Messages),
		} {
			if !strings.Contains(e.Value, want) {
				t.Errorf("%s came to %q, where %s was found", e.Command, want, e.Value)
			}
		}
		if s := p.FailureScenarios[i%len(planner.Scenarios)].Measured; i < len(planner.Scenarios) &&
			(s.OutageMS != ms(m.Outage) || s.P99MS != ms(m.Phases[1].P99)) {
			t.Errorf("%s: the plan has %+v", e.Command, s)
		}
	}
}

// ms is as plans have times: milliseconds, to the microsecond.
func ms(d time.Duration) float64 { return math.Round(float64(d)/1e3) / 1e3 }
