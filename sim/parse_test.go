package sim

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"althing/world/worldtest"
)

// What String prints is enough to simulate the same again, byte for byte.
func TestParseOptions(t *testing.T) {
	for seed := range uint64(200) {
		o := Options{Seed: seed, Faults: All, Duration: time.Second}
		if seed%2 == 0 {
			o.Nodes, o.Clients, o.Faults = 4, 5, Loss|Duplicate|Delay|Skew
		}
		got, err := ParseOptions(o.String())
		if err != nil || got.String() != o.String() {
			t.Fatalf("seed %d: %v\n%s\n%s", seed, err, o.String(), got.String())
		}
		if seed%2 == 1 || seed > 6 {
			continue
		}
		var files [2]bytes.Buffer
		for i, o := range []Options{o, got} {
			o.Trace = &files[i]
			if _, err := Run(worldtest.Protocol(worldtest.NoBug), o); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(files[0].Bytes(), files[1].Bytes()) {
			t.Errorf("seed %d: another run", seed)
		}
	}
	o := Options{Seed: 1, Faults: All}
	if _, err := ParseOptions(strings.Replace(o.String(), "heartbeat=", "heartbeat=1", 1)); !errors.Is(err, ErrDrawn) {
		t.Errorf("another heartbeat: %v", err)
	}
	if _, err := ParseOptions("shrunk from " + o.String()); err == nil || errors.Is(err, ErrDrawn) {
		t.Errorf("those of a schedule that was cut: %v", err)
	}
	for _, bad := range []string{"", "explore flp", "seed=x", "seed=1 nodes=99", "duration=1", "faults=rain"} {
		if _, err := ParseOptions(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
