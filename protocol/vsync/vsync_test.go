package vsync

import (
	"testing"

	"althing/process"
	"althing/process/processtest"
)

// The names of these tests are the sentences that they check.

func FuzzDecode(f *testing.F) {
	cmd := process.AppendGroup(nil, process.Group{Voters: []process.ID{1, 2}, Learners: []process.ID{3}})
	next := process.Entry{Epoch: 200_001, Index: 8, Req: process.Request{Kind: process.Members, Cmd: cmd}}
	es := []process.Entry{{Epoch: 3, Index: 8, Req: process.Request{Client: 1, Seq: 2, Cmd: []byte("x")}}}
	vote := Vote{300_002, next}
	processtest.Fuzz(f, Protocol,
		&Cast{Use: ForState, More: true, View: 4, Prev: 7, Epoch: 2, Last: 9, Stable: 6, Entries: es},
		&Cast{Use: ForView, View: 200_001, Prev: 7, Entries: []process.Entry{next}},
		&Ack{1, 2}, &Stable{1, 2, 3, 4, 5}, &Here{1, 2}, &Fetch{1, 2}, &Suspect{1}, &Agree{1}, &Flush{1, 2},
		&Flushed{1, 2, 3, vote}, &Flushed{View: 1, Ballot: 2, Last: 3}, &Propose{1, 2, next}, &Accept{1, 2},
		&Reject{1, 2}, &Newer{1}, &HandOver{1}, &Record{1, 2, vote, 7, es},
		&Checkpoint{View: 4, Promised: 5, Base: 7, BaseEpoch: 3,
			Group: process.Group{Voters: []process.ID{1}}, Entries: es})
}

func TestRules(t *testing.T) { processtest.Run(t, Protocol) }
