package sim

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"althing/sim/fault"
	"althing/trace"
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
	Swarm(worldtest.Protocol(worldtest.NoBug), 50, o, func(r Result) bool {
		if r.Violation != nil {
			t.Errorf("%v\n%s", r.Violation, r.Options)
		}
		return r.Violation == nil
	})
}

func TestEqualOptionsGiveEqualTraces(t *testing.T) {
	for seed := range uint64(10) {
		o := short
		o.Seed = seed
		var file [2]bytes.Buffer
		var r [2]Result
		for i := range r {
			var err error
			o.Trace = &file[i]
			if r[i], err = Run(worldtest.Protocol(worldtest.NoBug), o); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(file[0].Bytes(), file[1].Bytes()) || r[0].Digest != r[1].Digest {
			t.Errorf("seed %d: two runs differ", seed)
		}
		o.Trace = nil
		if silent, _ := Run(worldtest.Protocol(worldtest.NoBug), o); silent.Digest != r[0].Digest {
			t.Errorf("seed %d: who watches changes the run", seed)
		}
		events, err := count(&file[0])
		if err != nil || events != r[0].Events {
			t.Errorf("seed %d: the trace has %d events of %d: %v", seed, events, r[0].Events, err)
		}
	}
}

func count(f io.Reader) (n uint64, err error) {
	r, err := trace.NewReader(f)
	for err == nil {
		if _, err = r.Next(); err == nil {
			n++
		}
	}
	if err == io.EOF {
		return n, nil
	}
	return n, err
}

// TestTheDigestIsThatOfEveryMachine fails when a change alters what seeds do,
// which is no fault; and when the machine does, which is one.
func TestTheDigestIsThatOfEveryMachine(t *testing.T) {
	r, _ := Run(worldtest.Protocol(worldtest.NoBug), short)
	const want = uint64(0x9c85f847a50c6d05)
	if r.Digest != want {
		t.Errorf("digest %#x, want %#x", r.Digest, want)
	}
}

func TestSwarmTellsInOrderWhatRunFinds(t *testing.T) {
	o := short
	next := o.Seed
	n := Swarm(worldtest.Protocol(worldtest.NoBug), 9, o, func(r Result) bool {
		alone := o
		alone.Seed = next
		if want, _ := Run(worldtest.Protocol(worldtest.NoBug), alone); r.Seed != next || r.Digest != want.Digest {
			t.Errorf("told seed %d with digest %x, want %d with %x", r.Seed, r.Digest, next, want.Digest)
		}
		next++
		return next < o.Seed+7
	})
	if n != 7 {
		t.Errorf("told %d results, want 7", n)
	}
	if n := Swarm(worldtest.Protocol(worldtest.NoBug), 0, o, func(Result) bool { return true }); n != 0 {
		t.Errorf("told %d results of none", n)
	}
}

func TestFaultsReadAsTheyArePrinted(t *testing.T) {
	for f := range All + 1 {
		if g, err := fault.Parse(f.String()); err != nil || g != f {
			t.Fatalf("%v: %v, %v", f, g, err)
		}
	}
	for list, want := range map[string]Faults{"net,crash": Net | Crash, " disk , clock": Disk | Clock, "none": 0} {
		if g, err := fault.Parse(list); err != nil || g != want {
			t.Errorf("%q: %v, %v", list, g, err)
		}
	}
	for _, bad := range []string{"", "nets", "net,,crash"} {
		if _, err := fault.Parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestEveryFaultHappensAndOnlyThoseAllowed: a fault that is drawn and never
// happens tests nothing.
func TestEveryFaultHappensAndOnlyThoseAllowed(t *testing.T) {
	counted := All &^ (Reorder | Skew | Drift)
	for i, name := range fault.Names {
		kind := Faults(1 << i)
		if counted&kind == 0 {
			continue
		}
		o := short
		o.Faults, o.Settle = kind, time.Millisecond // without its primary it would not settle
		seen := 0
		Swarm(worldtest.Protocol(worldtest.NoBug), 40, o, func(r Result) bool {
			seen += r.Faults[name]
			if len(r.Faults) > 1 || len(r.Faults) == 1 && r.Faults[name] == 0 {
				// Who loses a disk calls the operator.
				if !(LoseDisk | Corrupt).Has(kind) || r.Faults["members"] == 0 {
					t.Errorf("%s: %v", name, r.Faults)
				}
			}
			return seen == 0
		})
		if seen == 0 {
			t.Errorf("%s never happened", name)
		}
	}
}

func TestShrinkKeepsTheViolationAndLittleElse(t *testing.T) {
	for bug, most := range map[worldtest.Bug]int{
		worldtest.Crashes:     60,
		worldtest.CommitTwice: 40,
		worldtest.StaleRead:   60,
		worldtest.AckEarly:    60,
	} {
		var bad Result
		Swarm(worldtest.Protocol(bug), 200, short, func(r Result) bool {
			bad = r
			return r.Violation == nil || r.Violation.Name == "Liveness"
		})
		o := short
		o.Seed = bad.Seed
		s, err := Shrink(worldtest.Protocol(bug), o, 0)
		if err != nil {
			t.Fatal(err)
		}
		if s.Violation == nil || s.Violation.Name != bad.Violation.Name {
			t.Errorf("bug %d: %v became %v", bug, bad.Violation, s.Violation)
		}
		if s.Length > most || s.Length == 0 {
			t.Errorf("bug %d: %d steps remain of %d, want at most %d:\n%s", bug, s.Length, s.Before, most,
				strings.Join(s.Steps, "\n"))
		}
		t.Logf("bug %d: %d of %d steps after %d replays", bug, s.Length, s.Before, s.Replays)
	}
	if _, err := Shrink(worldtest.Protocol(worldtest.NoBug), short, 0); err != ErrPasses {
		t.Errorf("a run without a fault: %v", err)
	}
}
