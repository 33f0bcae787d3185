package snapshot

import (
	"bytes"
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
	for _, m := range []process.Msg{
		&Packet{From: 1, To: 2, Seq: 3, Amount: 4, Colour: clock.Vector{0, 5}},
		&Packet{From: 1, To: 2, Seq: 3, Picture: Picture{2, 6}, Before: 7}, &Begun{}, &Ack{8}, &Stored{2, 9},
	} {
		b, err := m.AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		if again, err := m.AppendBinary(nil); err != nil || !bytes.Equal(again, b) {
			t.Errorf("% x decodes to %s, which is % x, %v", b, m.Kind(), again, err)
		}
	})
}
