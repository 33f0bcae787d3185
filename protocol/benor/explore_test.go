package benor

import (
	"testing"

	"althing/explore"
	"althing/explore/group"
)

// All that two requests may come to, for 1 and for 0, within tight bounds; with both
// sides of each coin. Where both bits are asked for there is no end to the rounds that
// an adversary can make of it, so the search has one. A number that changes says that
// the protocol, or what may happen to it, has changed.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		bounds              group.Bounds
		levels              int
		generated, distinct uint64
		depth               int
	}{
		{group.Bounds{Replicas: 1, Requests: 2, Crashes: 2, Compactions: 1, SlowDisks: true}, 0, 213, 122, 10},
		{group.Bounds{Replicas: 2, Elections: 1, Requests: 1, Crashes: 1, SlowDisks: true}, 0, 22_799, 8_273, 18},
		{group.Bounds{Replicas: 2, Requests: 2, Crashes: 1, Ordered: true, SlowDisks: true}, 16, 4_021, 1_884, 16},
		{group.Bounds{Replicas: 3, Requests: 1, Ordered: true}, 0, 193_306, 46_471, 23},
		{group.Bounds{Replicas: 3, Requests: 2, Ordered: true}, 13, 563_614, 206_899, 13},
	} {
		g, err := group.New(Protocol, c.bounds)
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.Run(t.Context(), g, explore.Options{MaxDepth: c.levels})
		if err != nil {
			t.Fatal(err)
		}
		if r.Generated != c.generated || r.Distinct != c.distinct || r.Depth != c.depth ||
			(r.Stopped != "") != (c.levels > 0) || !g.Watched() || r.Broken() != nil {
			t.Errorf("%+v: %v, %d deep, %q, watched %v, %+v", c.bounds, &r, r.Depth, r.Stopped, g.Watched(), r.Broken())
		}
	}
}
