package fastpaxos

import (
	"testing"

	"althing/explore"
	"althing/explore/group"
	"althing/process"
)

// All that may come of small groups within tight bounds. A number that changes says
// that the protocol, or what may happen to it, has changed.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		protocol            process.Protocol
		bounds              group.Bounds
		generated, distinct uint64
		depth               int
	}{
		{Coordinated, group.Bounds{Replicas: 1, Elections: 1, Requests: 2, Reads: 1, Crashes: 1, SlowDisks: true},
			394, 267, 9},
		{Coordinated, group.Bounds{Replicas: 2, Elections: 1, Requests: 2, Ordered: true}, 717, 475, 20},
		{Uncoordinated, group.Bounds{Replicas: 2, Elections: 1, Requests: 2, Ordered: true}, 713, 471, 19},
		{Coordinated, group.Bounds{Replicas: 2, Elections: 2, Requests: 2, Crashes: 1, Ordered: true},
			73_340, 38_249, 30},
		{Uncoordinated, group.Bounds{Replicas: 2, Elections: 2, Requests: 2, Crashes: 1, Ordered: true},
			73_150, 38_235, 29},
		{Coordinated, group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Ordered: true}, 26_941, 8_815, 23},
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
			t.Errorf("%s, %+v: %v, watched %v, %+v", c.protocol.Name, c.bounds, &r, g.Watched(), r.Broken())
		}
	}
}
