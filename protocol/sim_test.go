package protocol_test

import (
	"bytes"
	"testing"
	"time"

	"althing/protocol"
	"althing/sim"
)

// TestASeedIsOneRun: a protocol that looks at a clock, an address or the order
// of a map would give two traces.
func TestASeedIsOneRun(t *testing.T) {
	for _, p := range protocol.All {
		for seed := range uint64(5) {
			var file [2]bytes.Buffer
			for i := range file {
				o := sim.Options{Seed: seed, Faults: sim.All, Duration: 3 * time.Second, Trace: &file[i]}
				if _, err := sim.Run(p, o); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(file[0].Bytes(), file[1].Bytes()) {
				t.Errorf("%s: seed %d gives two traces", p.Name, seed)
			}
		}
	}
}

// BenchmarkSim is ten seconds of virtual time of three replicas under all
// faults, with all checks.
func BenchmarkSim(b *testing.B) {
	for _, p := range protocol.All {
		b.Run(p.Name, func(b *testing.B) {
			b.ReportAllocs()
			var events uint64
			for seed := uint64(0); b.Loop(); seed++ {
				r, err := sim.Run(p, sim.Options{Seed: seed, Nodes: 3, Faults: sim.All})
				if err != nil || r.Violation != nil {
					b.Fatal(r.Violation, err)
				}
				events += r.Events
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(events)/float64(b.N), "events/op")
		})
	}
}
