package schedule_test

import (
	"testing"

	"althing/process"
	"althing/sim/schedule"
	"althing/world"
	"althing/world/worldtest"
)

// TestPlay: what is not possible is left out, a message is found again by what it
// says, and the same schedule does the same.
func TestPlay(t *testing.T) {
	steps := []schedule.Action{
		{Kind: schedule.Restart, Node: 1},
		{Kind: schedule.Restart, Node: 1}, // it runs
		{Kind: schedule.Restart, Node: 2},
		{Kind: schedule.Deliver, Node: 2, Peer: 1, Msg: "Append"}, // nothing was sent
		{Kind: schedule.Submit, Node: 1, Reqs: []process.Request{{Kind: process.Session, Cmd: []byte("client 0")}},
			Calls: []schedule.Call{{Client: 0}}},
		{Kind: schedule.Sync, Node: 1, N: 1},
		{Kind: schedule.Crash, Node: 2},
		{Kind: schedule.Crash, Node: 2}, // it is down
		{Kind: schedule.LoseDisk, Node: 2},
		{Kind: schedule.Restart, Node: 2}, // it is gone
	}
	c := world.Config{Replicas: 2}
	r := schedule.Play(worldtest.Protocol(worldtest.NoBug), c, steps, true)
	if len(r.Done) != 6 || r.Violation != nil || len(r.Events) < len(r.Done) {
		t.Errorf("%d of 6 were done, %v:\n%v", len(r.Done), r.Violation, r.Lines)
	}
	again := schedule.Play(worldtest.Protocol(worldtest.NoBug), c, r.Done, true)
	if len(again.Done) != len(r.Done) || len(again.Lines) != len(r.Lines) {
		t.Errorf("then %d were done", len(again.Done))
	}
}
