package multileader

import (
	"testing"

	"althing/explore"
	"althing/explore/group"
)

// All that a request or two may come to within tight bounds, with crashes that
// keep any prefix of what was saved. A number that changes says that the protocol,
// or what may happen to it, has changed.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		bounds              group.Bounds
		generated, distinct uint64
		depth               int
	}{
		{group.Bounds{Replicas: 1, Requests: 2, Crashes: 2, Compactions: 1, SlowDisks: true}, 68, 49, 7},
		{group.Bounds{Replicas: 2, Elections: 1, Requests: 1, Crashes: 1, SlowDisks: true}, 1397, 872, 11},
		{group.Bounds{Replicas: 2, Elections: 1, Requests: 2, Ordered: true, SlowDisks: true}, 2415, 1237, 17},
		{group.Bounds{Replicas: 2, Elections: 1, Requests: 2, Crashes: 1, Ordered: true}, 6485, 3410, 14},
		{group.Bounds{Replicas: 3, Requests: 2}, 3157, 1333, 11},
		{group.Bounds{Replicas: 2, Elections: 1, Requests: 2, Crashes: 1, SlowDisks: true}, 61_835, 30_492, 17},
		{group.Bounds{Replicas: 3, Requests: 3, Ordered: true}, 94_099, 33_088, 16},
		{group.Bounds{Replicas: 2, Elections: 2, Requests: 3, Ordered: true}, 68_653, 33_490, 24},
	} {
		g, err := group.New(LastWriter, c.bounds)
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.Run(t.Context(), g, explore.Options{MaxStates: 600_000})
		if err != nil {
			t.Fatal(err)
		}
		if r.Generated != c.generated || r.Distinct != c.distinct || r.Depth != c.depth || r.Stopped != "" ||
			!g.Watched() || r.Broken() != nil {
			t.Errorf("%+v: %v, %d deep, %q, watched %v, %+v", c.bounds, &r, r.Depth, r.Stopped, g.Watched(), r.Broken())
		}
	}
}
