package paxos

import (
	"testing"

	"althing/explore"
	"althing/explore/group"
)

// All that two requests may come to, at any replicas, within tight bounds. A number
// that changes says that Paxos, or what may happen to it, has changed. Agreement
// and validity are asked at each step, and what the monitor knows.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		bounds              group.Bounds
		generated, distinct uint64
		depth               int
	}{
		{group.Bounds{Replicas: 1, Requests: 2, Reads: 1, Crashes: 2, Compactions: 1, SlowDisks: true}, 1_034, 686, 14},
		{group.Bounds{Replicas: 2, Elections: 1, Requests: 1, Reads: 1, Crashes: 1, SlowDisks: true, Ordered: true},
			84_671, 44_040, 29},
		{group.Bounds{Replicas: 3, Requests: 1, Reads: 1}, 559_669, 240_847, 17},
		{group.Bounds{Replicas: 3, Requests: 2}, 791_122, 338_701, 17},
		{group.Bounds{Replicas: 3, Requests: 2, Ordered: true}, 177_712, 64_273, 22},
		{group.Bounds{Replicas: 3, Requests: 1, Crashes: 1, Ordered: true, SlowDisks: true}, 8_866, 3_261, 19},
	} {
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
