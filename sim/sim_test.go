package sim

import (
	"testing"
	"time"

	"althing/world/worldtest"
)

// short suits the protocol of package worldtest, whose primary must live.
var short = Options{Seed: 1, Whole: true, Faults: All &^ (LoseDisk | Corrupt), Duration: 5 * time.Second}

func TestEachBugIsFoundByItsName(t *testing.T) {
	for bug, want := range map[worldtest.Bug]string{
		worldtest.AckEarly:    "Agreement",
		worldtest.CommitTwice: "Order",
		worldtest.CommitAhead: "Order",
		worldtest.Forge:       "Validity",
		worldtest.StaleRead:   "Linearizability",
		worldtest.Deaf:        "Liveness",
		worldtest.Rewind:      "Staleness",
		worldtest.LoadNothing: "Contract",
		worldtest.BadTimer:    "Contract",
		worldtest.BadStatus:   "Status",
		worldtest.BadCodec:    "Codec",
		worldtest.Crashes:     "Panic",
	} {
		o := short
		found := map[string]int{} // one bug may show in several ways
		Swarm(worldtest.Protocol(bug), 200, o, func(r Result) bool {
			if r.Violation != nil {
				found[r.Violation.Name]++
			}
			return found[want] == 0
		})
		if found[want] == 0 {
			t.Errorf("bug %d: found %v, want %s", bug, found, want)
		}
	}
}

func TestWithoutABugNothingIsFound(t *testing.T) {
	o := short
	Swarm(worldtest.Protocol(worldtest.NoBug), 100, o, func(r Result) bool {
		if r.Violation != nil {
			t.Errorf("%v\n%s", r.Violation, r.Options)
		}
		return r.Violation == nil
	})
}
