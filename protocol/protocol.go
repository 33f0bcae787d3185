// Package protocol is the catalog: every protocol this house speaks, one line each.
package protocol

import (
	"althing/process"
	"althing/protocol/benor"
	"althing/protocol/broadcast"
	"althing/protocol/chain"
	"althing/protocol/fastpaxos"
	"althing/protocol/multileader"
	"althing/protocol/multipaxos"
	"althing/protocol/paxos"
	"althing/protocol/primarybackup"
	"althing/protocol/raft"
	"althing/protocol/snapshot"
	"althing/protocol/vr"
	"althing/protocol/vsync"
)

// All lists the protocols, in order of name. A new one is a folder beside this
// file, and a line here.
var All = []process.Protocol{
	benor.Protocol,
	broadcast.Causal,
	chain.Protocol,
	chain.CRAQ,
	snapshot.ChandyLamport,
	fastpaxos.Coordinated,
	fastpaxos.Uncoordinated,
	broadcast.FIFO,
	snapshot.LaiYang,
	multileader.Siblings,
	multileader.LastWriter,
	multipaxos.Protocol,
	paxos.Protocol,
	primarybackup.Sync,
	primarybackup.Async,
	primarybackup.SemiSync,
	raft.Protocol,
	broadcast.Reliable,
	broadcast.Total,
	vr.Protocol,
	vr.Diskless,
	vsync.Protocol,
	vsync.Causal,
	vsync.FIFO,
}

// Find returns the protocol of that name.
func Find(name string) (process.Protocol, bool) {
	for _, p := range All {
		if p.Name == name {
			return p, true
		}
	}
	return process.Protocol{}, false
}
