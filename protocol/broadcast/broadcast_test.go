package broadcast

import (
	"testing"

	"althing/clock"
	"althing/process"
	"althing/process/processtest"
)

var rows = []process.Protocol{Reliable, FIFO, Causal, Total}

func TestRules(t *testing.T) {
	for _, p := range rows {
		t.Run(p.Name, func(t *testing.T) { processtest.Run(t, p) })
	}
}

func FuzzDecode(f *testing.F) {
	c := Cast{
		Origin: 2, Seq: 3, Time: 4, After: clock.Vector{1, 3},
		Req: process.Request{Client: 5, Seq: 6, Cmd: []byte("put k v")},
	}
	processtest.Fuzz(f, Causal,
		&c, &Have{Counts: clock.Vector{0, 7}, Time: 9, Ask: true}, &Have{}, &Stored{Origin: 1, Seq: 1},
		&Kept{
			Index: 8, Time: 4, Counts: clock.Vector{1}, Delivered: clock.Vector{1},
			Owed: []Cast{c}, Line: []Cast{c, c},
		})
}
