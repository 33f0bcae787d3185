package paxos

import (
	"testing"

	"althing/process"
	"althing/process/processtest"
)

func TestRules(t *testing.T) { processtest.Run(t, Protocol) }

func FuzzDecode(f *testing.F) {
	q := process.Request{Client: 3, Seq: 4, Cmd: []byte("put k v")}
	processtest.Fuzz(f, Protocol, &Prepare{1<<idBits | 2}, &Promise{Ballot: 9}, &Promise{9, 8, q},
		&Accept{9, q}, &Accepted{9, q}, &Nack{9, 10}, &Ask{}, &Chosen{q}, &Checkpoint{Promised: 9},
		&Checkpoint{9, 8, q, false}, &Checkpoint{Value: q, Chosen: true})
}
