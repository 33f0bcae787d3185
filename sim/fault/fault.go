// Package fault names the kinds of things that may happen to a group.
package fault

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// A Set is a set of kinds.
type Set uint32

// The kinds.
const (
	Loss      Set = 1 << iota // messages are lost
	Duplicate                 // messages arrive twice
	Reorder                   // messages of a link overtake one another
	Delay                     // some messages take very long
	Partition                 // links fail: some, in one direction, around one replica, in the middle
	SlowDisk                  // a disk becomes slow for a while
	FailFlush                 // a flush fails: the replica stops
	LoseDisk                  // a replica's disk is gone for good
	Corrupt                   // a record is spoilt: the replica will not start again
	Skew                      // clocks show different times, and jump at a restart
	Drift                     // clocks run at different rates
	Pause                     // a replica gets nothing for a while
	Crash                     // replicas stop and start again
	Compact                   // the application becomes durable and the log is cut
	Members                   // replicas join, vote, leave
	Transfer                  // leaders are asked to hand over

	Kinds = iota // how many there are
)

// The named sets.
const (
	None  Set = 0                                              // a run in which nothing goes wrong
	Net   Set = Loss | Duplicate | Reorder | Delay | Partition // of messages and links
	Disk  Set = SlowDisk | FailFlush | LoseDisk | Corrupt      // of disks
	Clock Set = Skew | Drift | Pause                           // of clocks and of who looks at them
	Ops   Set = Compact | Members | Transfer                   // no faults, but they meet them
	All   Set = 1<<Kinds - 1                                   // everything
)

// Names are what the kinds are called, by number.
var Names = [Kinds]string{"loss", "duplicate", "reorder", "delay", "partition", "slowdisk",
	"failflush", "losedisk", "corrupt", "skew", "drift", "pause", "crash", "compact", "members", "transfer"}

var sets = map[string]Set{
	"none": None, "net": Net, "disk": Disk, "clock": Clock, "ops": Ops, "all": All,
}

// Parse reads a comma list of kinds and of the sets none, net, disk, clock, ops
// and all.
func Parse(list string) (Set, error) {
	var f Set
	for _, name := range strings.Split(list, ",") {
		name = strings.TrimSpace(name)
		if set, ok := sets[name]; ok {
			f |= set
		} else if i := slices.Index(Names[:], name); i >= 0 {
			f |= 1 << i
		} else {
			return 0, fmt.Errorf("parse faults: there is no %q; there are none, net, disk, clock, ops, all and %s",
				name, strings.Join(Names[:], ", "))
		}
	}
	return f, nil
}

// String lists the kinds in f as Parse reads them.
func (f Set) String() string {
	switch f {
	case None:
		return "none"
	case All:
		return "all"
	}
	var names []string
	for i, name := range Names {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// Has reports whether any of these kinds is in f.
func (f Set) Has(kinds Set) bool { return f&kinds != 0 }

// Number is that of a single kind, from 0.
func (f Set) Number() int { return bits.TrailingZeros32(uint32(f)) }
