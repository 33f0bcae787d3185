// Package durable measures replicated logs: three processes on loopback, each
// with its own log on the disk, and commands of 256 bytes proposed from within
// the leader's process. No client protocol is involved. A proposal is done
// when the machine at the leader has applied it, and then it is on the disks
// of two servers at least.
//
// The processes are this program again, as members. A member speaks with its
// parent in JSON on standard input and output: it tells its address, hears
// those of all, and then does what it is ordered. It ends with its input.
package durable

import "time"

// valueBytes is the size of a command.
const valueBytes = 256

// Systems that a member can be of, besides the protocols of the catalog by
// their names.
const (
	Althing        = "althing"
	AlthingCalls   = "althing callbacks"
	Althing48      = "althing 48 groups"
	Hashicorp      = "hashicorp/raft"
	HashicorpTuned = "hashicorp/raft tuned"
)

// manyGroups is a node as a server of shards would run it.
const manyGroups = 48

// hello is what a member says first.
type hello struct{ Addr string }

// order is what a member is told. The first has Peers, by ID; later ones say
// what to do.
type order struct {
	Peers    []string      `json:",omitempty"`
	InFlight int           `json:",omitempty"`
	Warm     time.Duration `json:",omitempty"`
	Measure  time.Duration `json:",omitempty"`
	Profile  string        `json:",omitempty"` // prefix of files for profiles; none if empty
}

// answer follows each order. A run has two: when the warm-up is over, and when
// the time is, with what was measured.
type answer struct {
	Err      string        `json:",omitempty"`
	Count    uint64        `json:",omitempty"`
	Seconds  float64       `json:",omitempty"`
	P50, P99 time.Duration `json:",omitempty"`
}

// A system is one member of a replicated log.
type system interface {
	addr() string
	// join begins to take part with the members at these addresses, by ID. It
	// returns once everything is led: by this member, if it is the first.
	join(peers []string) error
	// propose has a command applied, for one of the proposers, and waits.
	propose(proposer int, cmd []byte) error
	close() error
}

// A starter can do the same without a goroutine for each proposer.
type starter interface {
	start(proposer int, cmd []byte, done func(error))
}
