package vr

import (
	"testing"

	"althing/explore"
	"althing/explore/group"
	"althing/process"
)

// All that may happen within tight bounds, with disks and without. A number that
// changes says that the protocol, or what may happen to it, has changed. Clocks
// stand still here, so leases are for the simulator.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		protocol            process.Protocol
		bounds              group.Bounds
		generated, distinct uint64
		depth               int
	}{
		{Protocol, group.Bounds{Replicas: 1, Elections: 2, Requests: 2, Crashes: 2, Compactions: 1, SlowDisks: true},
			4_067, 2_362, 15},
		{Protocol, group.Bounds{Replicas: 2, Elections: 1, Requests: 1, Crashes: 1, Ordered: true, SlowDisks: true},
			6_547, 2_805, 25},
		{Protocol, group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Ordered: true}, 269_097, 61_543, 34},
		{Protocol, group.Bounds{Replicas: 3, Elections: 1, Requests: 0, Crashes: 1, Ordered: true},
			810_663, 185_879, 31},
		{Diskless, group.Bounds{Replicas: 3, Elections: 1, Requests: 0, Crashes: 1, Ordered: true, SlowDisks: true},
			2_199_107, 482_129, 38},
		{Diskless, group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Crashes: 1, Ordered: true},
			4_030_148, 896_135, 40},
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
