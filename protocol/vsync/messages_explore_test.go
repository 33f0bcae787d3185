package vsync

import (
	"testing"

	"althing/explore"
	"althing/explore/group"
	"althing/process"
)

// As TestCounts.
func TestCountsWithoutTotalOrder(t *testing.T) {
	for _, c := range []struct {
		protocol            process.Protocol
		bounds              group.Bounds
		generated, distinct uint64
		depth               int
	}{
		{FIFO, group.Bounds{Replicas: 2, Requests: 2, Ordered: true}, 385, 211, 11},
		{Causal, group.Bounds{Replicas: 2, Requests: 2, Crashes: 1, SlowDisks: true, Ordered: true},
			51_960, 22_904, 24},
		{Causal, group.Bounds{Replicas: 2, Elections: 1, Requests: 1, Crashes: 1, Ordered: true}, 11_537, 5_841, 23},
		{Causal, group.Bounds{Replicas: 3, Requests: 1, Ordered: true}, 126_088, 35_368, 22},
	} {
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
