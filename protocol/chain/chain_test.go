package chain

import (
	"testing"

	"althing/process"
	"althing/process/processtest"
)

func TestRules(t *testing.T) {
	for _, p := range []process.Protocol{Protocol, CRAQ} {
		t.Run(p.Name, func(t *testing.T) { processtest.Run(t, p) })
	}
}

func FuzzDecode(f *testing.F) {
	es := []process.Entry{{Epoch: 2, Index: 4, Req: process.Request{Kind: process.Session, Client: 1 << 40, Seq: 1}}}
	g := process.Group{Voters: []process.ID{1, 2, 3}}
	processtest.Fuzz(f, Protocol,
		&RequestVote{Epoch: 3, LastIndex: 4, LastEpoch: 2, Pre: true},
		&Vote{Epoch: 3, Last: 7, Granted: true, Pre: true},
		&Heartbeat{Epoch: 3, Chain: []process.ID{2, 1, 300}, Commit: 5, CommitEpoch: 2, Close: true},
		&HeartbeatReply{Epoch: 3, Down: 2, Match: 9},
		&Update{Epoch: 3, Prev: 3, PrevEpoch: 1, Commit: 2, Ask: true, Entries: es},
		&Ack{Epoch: 3, OK: true, Commit: 3, Match: 4, HintEpoch: 2, Prev: 3},
		&Written{Epoch: 3, Match: 4}, &InstallState{Epoch: 3}, &Join{Epoch: 3},
		&Confirm{Epoch: 3, Round: 1 << 32}, &Confirmed{Epoch: 3, Round: 1 << 32, Lease: true},
		&Query{Epoch: 3, Ask: 9}, &Version{Epoch: 3, Ask: 9, Commit: 4},
		&HardState{Epoch: 3, Vote: 2}, &Lived{Life: 2},
		&Entries{Prev: 3, Entries: es},
		&Checkpoint{Epoch: 3, Vote: 2, Life: 2, Base: 3, BaseEpoch: 1, Group: g, Entries: es},
	)
}
