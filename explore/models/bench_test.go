package models

import (
	"testing"

	"althing/explore"
)

// bench explores m and reports speed and room.
func bench(b *testing.B, m explore.Model, o explore.Options) {
	b.ReportAllocs()
	for range b.N {
		r, err := explore.Run(b.Context(), m, o)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(r.Generated)/r.Took.Seconds(), "transitions/s")
		b.ReportMetric(float64(r.Bytes)/float64(r.Distinct), "B/state")
	}
}

func BenchmarkPaxos(b *testing.B)      { bench(b, Paxos(3, 3), explore.Options{}) }
func BenchmarkPaxosDepth(b *testing.B) { bench(b, Paxos(3, 3), explore.Options{Search: explore.Depth}) }
func BenchmarkPaxosAlone(b *testing.B) { bench(b, Paxos(3, 3), explore.Options{Workers: 1}) }

func BenchmarkTwoPhase(b *testing.B) { bench(b, &TwoPhase{Managers: 8}, explore.Options{}) }

func BenchmarkTwoPhaseSymmetry(b *testing.B) {
	bench(b, &TwoPhase{Managers: 8}, explore.Options{Symmetry: true})
}

func BenchmarkFast(b *testing.B)         { bench(b, &Fast{}, explore.Options{}) }
func BenchmarkFastSymmetry(b *testing.B) { bench(b, &Fast{}, explore.Options{Symmetry: true}) }
