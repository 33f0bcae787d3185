package snapshot

import (
	"testing"

	"althing/clock"
	"althing/process"
	"althing/process/processtest"
)

func TestRules(t *testing.T) {
	for _, p := range []process.Protocol{ChandyLamport, LaiYang} {
		t.Run(p.Name, func(t *testing.T) { processtest.Run(t, p) })
	}
}

func FuzzDecode(f *testing.F) {
	processtest.Fuzz(f, LaiYang,
		&Packet{From: 1, To: 2, Seq: 3, Amount: 4, Colour: clock.Vector{0, 5}},
		&Packet{From: 1, To: 2, Seq: 3, Picture: Picture{2, 6}, Before: 7}, &Begun{}, &Ack{8}, &Stored{2, 9})
}
