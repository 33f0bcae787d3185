package refine

import (
	"bytes"
	"flag"
	"testing"
	"time"

	"althing/protocol/raft"
	"althing/sim"
	"althing/trace"
)

var seeds = flag.Int("seeds", 60, "seeds of runs to follow")

// record simulates a run, and returns its trace.
func record(t testing.TB, o sim.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	o.Trace = &b
	p := raft.Protocol
	p.Monitor = nil // it would end a run before it is recorded what was wrong
	if _, err := sim.Run(p, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func reader(t testing.TB, b []byte) *trace.Reader {
	t.Helper()
	r, err := trace.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRuns: each run of Raft, under all faults, is one of the specification. It
// does not look at what the simulation finds: mutants that the specification can
// see are held against this test alone.
func TestRuns(t *testing.T) {
	for seed := 1; seed <= *seeds; seed++ {
		o := sim.Options{Seed: uint64(seed), Nodes: 3 + 2*(seed%2), Faults: sim.All, Duration: 4 * time.Second}
		if err := Follow(reader(t, record(t, o)), nil); err != nil {
			t.Fatalf("seed %d, %d replicas: Refinement: %v\n"+
				"replay: althing sim raft --seed %d --nodes %d --duration 4s",
				seed, o.Nodes, err, seed, o.Nodes)
		}
	}
}
