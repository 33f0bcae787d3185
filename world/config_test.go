package world

import (
	"testing"
	"time"

	"althing/process"
)

// What String writes, ParseConfig reads.
func TestConfigReadsAsItIsPrinted(t *testing.T) {
	for _, c := range []Config{
		{Replicas: 1},
		{Replicas: 5, Seed: 7, Wire: true, Process: process.Config{Lease: true, Drift: 0.05,
			Heartbeat: time.Millisecond, Election: process.Span{Min: 1, Max: time.Second},
			Trailing: 9, BatchBytes: 100, Window: 4}},
	} {
		if got, err := ParseConfig(c.String()); err != nil || got != c {
			t.Errorf("%s: %+v, %v", c.String(), got, err)
		}
	}
	for _, bad := range []string{"", "replicas=0", "replicas=65", "replicas=3 replicas=3",
		"replicas=3 x=1", "replicas=x", "replicas=3 election=1s", "replicas=3 election=1s..",
		"replicas=3 wire", "replicas=3 heartbeat=1"} {
		if c, err := ParseConfig(bad); err == nil {
			t.Errorf("%q: %+v", bad, c)
		}
	}
}
