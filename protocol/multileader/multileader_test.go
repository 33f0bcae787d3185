package multileader

import (
	"testing"

	"althing/clock"
	"althing/process"
	"althing/process/processtest"
)

var rows = []process.Protocol{Siblings, LastWriter}

func TestRules(t *testing.T) {
	for _, p := range rows {
		t.Run(p.Name, func(t *testing.T) { processtest.Run(t, p) })
	}
}

func FuzzDecode(f *testing.F) {
	d := clock.Dot{Actor: 1, Seq: 2}
	processtest.Fuzz(f, Siblings,
		&Write{Dot: d, After: clock.Version{{Actor: 1, Seq: 1}}, At: 7, Key: "k", Value: []byte("v"),
			Over: []clock.Dot{{Actor: 1, Seq: 1}}, Lost: []clock.Dot{{Actor: 2, Seq: 9}}},
		&Write{Dot: d, Added: []process.ID{4}, Removed: []process.ID{2, 3}},
		&Have{Seen: clock.Version{d}, Ask: true}, &Have{Want: true, Blank: true}, &Stored{Seen: clock.Version{d}},
		&State{Seen: clock.Version{d}, Dropped: clock.Version{{Actor: 2, Seq: 1}}, Members: []process.ID{1, 2},
			Items: []Item{{"k", []Version{{d, 7, []byte("v")}}}}, Lost: []string{"2:9 k"}})
}
