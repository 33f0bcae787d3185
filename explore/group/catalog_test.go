package group_test

import (
	"math/rand/v2"
	"testing"

	"althing/explore"
	"althing/explore/group"
	"althing/protocol"
)

// Every protocol of the catalog can be explored as it is, and keeps its
// promises in what a small search sees of it; a World goes the same random ways.
func TestCatalog(t *testing.T) {
	for _, p := range protocol.All {
		for _, b := range []group.Bounds{
			{Replicas: 3, Elections: 2, Requests: 2, Crashes: 1, SlowDisks: true},
			{Replicas: 2, Elections: 3, Beats: 1, Requests: 2, Compactions: 1, Drops: 1, Ordered: true},
		} {
			g := model(t, p, b)
			r := run(t, g, explore.Options{MaxStates: 20_000})
			if f := r.Broken(); f != nil {
				t.Errorf("%s, %+v: %v after %d steps", p.Name, b, f.Err, len(f.Trace)-1)
			}
			if r.Distinct < 100 {
				t.Errorf("%s, %+v: %v: nothing happens", p.Name, b, &r)
			}
			rng := rand.New(rand.NewPCG(1, 1))
			for range 10 {
				if _, broken, err := g.Replay(wander(t, g, rng, 60), nil); broken != nil || err != nil {
					t.Errorf("%s, %+v: in the World %v, %v", p.Name, b, broken, err)
				}
			}
		}
	}
}
