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

// TestBusy: a member takes no more while another lacks maxOwed of its casts, and
// goes on as soon as that one has them, though no log was cut.
func TestBusy(t *testing.T) {
	m := Reliable.New(process.Config{Self: 1})
	var out process.Output
	group := process.Group{Voters: []process.ID{1, 2}}
	m.Step(process.Input{Kind: process.Start, State: &process.State{Group: group}}, &out)
	submit := func() (refused bool) {
		out.Reset()
		m.Step(process.Input{Kind: process.Submit, Reqs: []process.Request{{Cmd: []byte("x")}}}, &out)
		return out.Effects[0].Kind == process.Refuse
	}
	for i := range maxOwed {
		if submit() {
			t.Fatalf("cast %d was refused", i+1)
		}
	}
	if !submit() {
		t.Fatal("there is no bound")
	}
	m.Step(process.Input{Kind: process.Receive, From: 2, Msg: &Have{Counts: clock.Vector{maxOwed}}}, &out)
	if submit() {
		t.Fatal("all have everything, and it is refused")
	}
}
