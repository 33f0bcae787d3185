package vsync

import (
	"testing"

	"althing/explore"
	"althing/explore/group"
)

// All that may happen within tight bounds. A number that changes says that the
// protocol, or what may happen to it, has changed.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		bounds              group.Bounds
		generated, distinct uint64
		depth               int
	}{
		{group.Bounds{Replicas: 1, Elections: 2, Requests: 2, Crashes: 2, Compactions: 1, SlowDisks: true},
			4_335, 2_928, 17},
		{group.Bounds{Replicas: 2, Elections: 2, Requests: 1, Crashes: 1, Ordered: true, SlowDisks: true},
			59_607, 23_656, 45},
		{group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Beats: 1, Ordered: true}, 113_335, 37_792, 51},
		{group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Crashes: 1, Ordered: true}, 45_202, 14_755, 33},
		{group.Bounds{Replicas: 3, Elections: 2, Requests: 0, Ordered: true}, 499_309, 155_779, 51},
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
			t.Errorf("%s, %+v: %v, %d deep, watched %v, %+v", Protocol.Name, c.bounds, &r, r.Depth, g.Watched(),
				r.Broken())
		}
	}
}
