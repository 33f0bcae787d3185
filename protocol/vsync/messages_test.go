package vsync

import (
	"testing"

	"althing/clock"
	"althing/oplog/lanes"
	"althing/process"
	"althing/process/processtest"
)

func TestRulesWithoutTotalOrder(t *testing.T) {
	for _, p := range []process.Protocol{FIFO, Causal} {
		t.Run(p.Name, func(t *testing.T) { processtest.Run(t, p) })
	}
}

func FuzzDecodeMessages(f *testing.F) {
	q := process.Request{Client: 1, Seq: 2, Cmd: []byte("x")}
	c := lanes.Multicast{View: 100_001, Origin: 2, Seq: 3, After: clock.Vector{1, 3}, Req: q}
	v := clock.Vector{0, 3, 1}
	g := process.Group{Voters: ids}
	processtest.Fuzz(f, Causal,
		&c, &lanes.Have{View: 1, Counts: v, Done: v[:2], Ask: true}, &lanes.Have{},
		&lanes.Lack{View: 1, Counts: v, Done: v}, &lanes.Stored{Index: 4}, &lanes.Placed{Origins: ids},
		&lanes.History{View: 1, Index: 2, Group: g, Cut: v, Since: v[:2], Casts: []lanes.Multicast{c}},
		&Flushed{View: 1, Ballot: 2, Last: 3, Counts: v},
		&Kept{Views: Checkpoint{Group: g}, Messages: lanes.Kept{Base: 1, Before: v, Floor: v, Cut: v,
			Held: []lanes.Multicast{c, c}, Line: ids[:1], Mine: []process.Request{q}}})
}
