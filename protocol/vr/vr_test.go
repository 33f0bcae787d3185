package vr

import (
	"testing"

	"althing/process"
	"althing/process/processtest"
)

func FuzzDecode(f *testing.F) {
	es := []process.Entry{{Epoch: 3, Index: 8, Req: process.Request{Client: 1, Seq: 2, Cmd: []byte("x")}}}
	processtest.Fuzz(f, Protocol,
		&Prepare{Use: ForNewState, More: true, View: 4, Prev: 7, PrevView: 2, Last: 9, Commit: 6, Entries: es},
		&Prepare{Use: ForStartView, View: 4}, &PrepareOk{1, 2}, &Commit{1, 2, 3, 4, 5}, &CommitOk{1, 2},
		&GetState{1, 2, 3, 4}, &StartViewChange{View: 3, Order: 2, Entered: true}, &DoViewChange{1, 2, 3},
		&Recovery{1, 2}, &RecoveryResponse{1, 2, 3}, &Lived{1, 2}, &Entries{7, es},
		&Checkpoint{View: 4, Base: 7, BaseView: 3, Group: process.Group{Voters: []process.ID{1, 2}}, Entries: es})
}

func TestRules(t *testing.T) {
	processtest.Run(t, Protocol)
	processtest.Run(t, Diskless)
}
