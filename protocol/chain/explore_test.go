package chain

import (
	"testing"

	"althing/explore"
	"althing/explore/group"
	"althing/process"
)

// All that may happen within tight bounds. A number that changes says that the
// protocol, or what may happen to it, has changed. Agreement, and what the monitor
// knows, are asked at each step; clocks stand still here, so leases are for the
// simulator.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		protocol            process.Protocol
		bounds              group.Bounds
		generated, distinct uint64
		depth               int
	}{
		{Protocol, group.Bounds{Replicas: 2, Elections: 2, Requests: 1, Crashes: 1, Ordered: true, SlowDisks: true},
			17_485, 8_499, 38},
		{Protocol, group.Bounds{Replicas: 2, Elections: 2, Beats: 1, Requests: 1, Drops: 1, Ordered: true},
			25_733, 12_314, 25},
		{Protocol, group.Bounds{Replicas: 3, Elections: 1, Requests: 1}, 38_998, 13_477, 25},
		{Protocol, group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Crashes: 1, Ordered: true}, 8_905, 3_484, 25},
		{Protocol, group.Bounds{Replicas: 3, Elections: 2, Requests: 1, Ordered: true}, 318_617, 106_507, 44},
		{Protocol, group.Bounds{Replicas: 3, Elections: 2, Requests: 1, Crashes: 1, Ordered: true},
			3_187_503, 981_790, 46},
		{CRAQ, group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Reads: 1, Ordered: true}, 42_739, 13_783, 31},
		{CRAQ, group.Bounds{Replicas: 2, Elections: 2, Requests: 1, Reads: 1, Crashes: 1, Ordered: true},
			31_359, 15_238, 30},
	} {
		if testing.Short() && c.distinct > 200_000 {
			continue
		}
		g, err := group.New(c.protocol, c.bounds)
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.Run(t.Context(), g, explore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Generated != c.generated || r.Distinct != c.distinct || r.Depth != c.depth || r.Stopped != "" ||
			!g.Watched() || r.Broken() != nil {
			t.Errorf("%s, %+v: %v, %d deep, watched %v, %+v", c.protocol.Name, c.bounds, &r, r.Depth, g.Watched(),
				r.Broken())
		}
	}
}
