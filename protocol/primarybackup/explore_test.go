package primarybackup

import (
	"testing"

	"althing/explore"
	"althing/explore/group"
	"althing/process"
)

// All that may happen within tight bounds, in each mode. A number that changes says
// that the protocol, or what may happen to it, has changed. Agreement (within an
// epoch, in the modes that may lose) and what the monitor knows are asked at each
// step; clocks stand still here, so leases and reads are for the simulator.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		protocol            process.Protocol
		bounds              group.Bounds
		generated, distinct uint64
		depth               int
	}{
		{Sync, group.Bounds{Replicas: 2, Elections: 2, Requests: 1, Crashes: 1, Ordered: true, SlowDisks: true},
			20_979, 10_185, 42},
		{Sync, group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Ordered: true}, 11_689, 4_345, 30},
		{SemiSync, group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Crashes: 1, Ordered: true}, 68_953, 22_444, 28},
		{Async, group.Bounds{Replicas: 2, Elections: 2, Requests: 1, Crashes: 1, Ordered: true, SlowDisks: true},
			17_985, 9_045, 39},
		{Async, group.Bounds{Replicas: 3, Elections: 2, Ordered: true}, 1_692_850, 440_416, 41},
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
