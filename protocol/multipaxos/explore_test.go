package multipaxos

import (
	"testing"

	"althing/explore"
	"althing/explore/group"
)

// All that may happen within tight bounds. A number that changes says that
// Multi-Paxos, or what may happen to it, has changed.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		bounds              group.Bounds
		generated, distinct uint64
		depth               int
	}{
		{group.Bounds{Replicas: 1, Elections: 2, Requests: 2, Crashes: 2, Compactions: 1, SlowDisks: true},
			1_348, 796, 14},
		{group.Bounds{Replicas: 2, Elections: 2, Requests: 1, Ordered: true}, 662, 416, 20},
		{group.Bounds{Replicas: 2, Elections: 1, Beats: 1, Reads: 1, Duplicates: 1}, 16_261, 5_997, 19},
		{group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Ordered: true}, 6_916, 2_617, 26},
		{group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Crashes: 1, Ordered: true}, 67_120, 22_879, 27},
		{group.Bounds{Replicas: 3, Elections: 2, Ordered: true}, 1_790_113, 496_051, 33},
	} {
		if testing.Short() && c.distinct > 200_000 {
			continue
		}
		g, err := group.New(Protocol, c.bounds)
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.Run(t.Context(), g, explore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Generated != c.generated || r.Distinct != c.distinct || r.Depth != c.depth || r.Stopped != "" ||
			!g.Watched() || r.Broken() != nil {
			t.Errorf("%+v: %v, watched %v, %+v", c.bounds, &r, g.Watched(), r.Broken())
		}
	}
}
