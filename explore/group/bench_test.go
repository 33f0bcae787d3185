package group_test

import (
	"testing"

	"althing/explore"
	"althing/explore/group"
	"althing/protocol/raft"
)

// Raft's 1.5 million states with an election, a request, a crash and slow disks.
func BenchmarkRaft(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		g, err := group.New(raft.Protocol, group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Crashes: 1,
			Ordered: true, SlowDisks: true})
		if err != nil {
			b.Fatal(err)
		}
		r, err := explore.Run(b.Context(), g, explore.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(r.Generated)/r.Took.Seconds(), "transitions/s")
		b.ReportMetric(float64(r.Bytes)/float64(r.Distinct), "B/state")
	}
}
