// Package replication says what copies cost and what they save: how long a write
// waits for copies, how far copies are behind that nobody waits for, and what a
// failure then loses.
//
// One node takes a write and passes it on to its replicas. It may answer when all
// of them have it (synchronous), when one has (what databases sell as
// semi-synchronous), when k have, or at once (asynchronous); or the replicas stand
// in a chain, and the last one answers. What has been answered survives as many
// failures as there are copies besides the first. So semi-synchronous replication
// survives one failure, and no more: it asks no quorum, however many replicas there
// are. Nor is a copy an agreement: who may take over after a failure has to be
// decided elsewhere, by a majority. With that, f failures take f+1 copies; an
// agreement that decides by itself has 2f+1.
//
// A replica that is fed more than it can apply falls behind, and "lag" then means
// two things that are often mixed up: its state is from some time ago (Lag.Age),
// and it would need some time to catch up (Lag.Drain). What a failure loses is
// neither, but Lag.Backlog.
package replication

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Acknowledged returns how long a write waits for k of the replicas, given the
// round trip to each, flushes included: the k-th smallest. With k = 0 it waits for
// none. (The node's own flush goes on at the same time, and is yours to compare.)
func Acknowledged(k int, replicas []time.Duration) (time.Duration, error) {
	for i, d := range replicas {
		if d < 0 {
			return 0, fmt.Errorf("replication: replica %d answers after %v: want at least 0", i+1, d)
		}
	}
	switch {
	case k < 0 || k > len(replicas):
		return 0, fmt.Errorf("replication: a write waits for %d of %d replicas: want 0 to %d", k,
			len(replicas), len(replicas))
	case k == 0:
		return 0, nil
	}
	sorted := slices.Sorted(slices.Values(replicas))
	return sorted[k-1], nil
}

// Synchronous waits for all replicas: the slowest.
func Synchronous(replicas []time.Duration) (time.Duration, error) {
	return Acknowledged(len(replicas), replicas)
}

// SemiSynchronous waits for one replica, the fastest. There has to be one.
func SemiSynchronous(replicas []time.Duration) (time.Duration, error) {
	return Acknowledged(1, replicas)
}

// Chain returns how long a write and a read take where nodes stand in a chain, given
// the one-way delays in the order of the way: from the client to the head, from each
// node to the next, and from the tail back to the client (van Renesse and Schneider,
// "Chain Replication", OSDI 2004, §2). n nodes make n+1 hops. A read asks the tail
// alone: the last hop, there and back.
func Chain(hops []time.Duration) (write, read time.Duration, err error) {
	if len(hops) < 2 {
		return 0, 0, fmt.Errorf("replication: a chain of %d hops: want at least 2, to a node and "+
			"back", len(hops))
	}
	for i, d := range hops {
		if d < 0 || write > math.MaxInt64-d {
			return 0, 0, fmt.Errorf("replication: hop %d takes %v: want at least 0, and a sum "+
				"below 292 years", i+1, d)
		}
		write += d
	}
	last := hops[len(hops)-1]
	if last > math.MaxInt64/2 {
		return 0, 0, fmt.Errorf("replication: the last hop takes %v: want below 146 years", last)
	}
	return write, 2 * last, nil
}

// A Stream is writes on their way to a replica that nobody waits for.
type Stream struct {
	Writes  float64 // a second, at the node that takes them
	Applied float64 // a second, the most that the replica manages
}

// A Lag is how far a replica is behind.
type Lag struct {
	// Backlog is how many writes the replica lacks: what is lost if the other node
	// fails now, and its disk with it.
	Backlog float64
	// Age is how long ago the replica's state was the other's: the recovery point
	// objective (RPO) that one can promise, in time.
	Age time.Duration
	// Drain is how long the replica takes to catch up if nothing is written; and so,
	// how long a take-over waits that must not lose what has arrived.
	Drain time.Duration
}

// After returns the lag when writes have come for so long, and there was none when
// they began: (Writes - Applied)·d writes, of the last Backlog/Writes seconds, that
// take Backlog/Applied to apply. A replica that is faster has none. It returns an
// error for rates below 0, no number, or nothing applied of what is written: then it
// never catches up.
func (s Stream) After(d time.Duration) (Lag, error) {
	if !(s.Writes >= 0 && s.Writes <= maxRate) || !(s.Applied >= 0 && s.Applied <= maxRate) {
		return Lag{}, fmt.Errorf("replication: %v writes a second, and %v applied: want 0 to %g",
			s.Writes, s.Applied, maxRate)
	}
	if d < 0 {
		return Lag{}, fmt.Errorf("replication: writes that come for %v: want at least 0", d)
	}
	if s.Writes <= s.Applied || d == 0 {
		return Lag{}, nil
	}
	if s.Applied == 0 {
		return Lag{}, fmt.Errorf("replication: %v writes a second, and none applied: the replica "+
			"never catches up; want more than 0", s.Writes)
	}
	backlog := (s.Writes - s.Applied) * d.Seconds()
	return Lag{Backlog: backlog, Age: seconds(backlog / s.Writes), Drain: seconds(backlog / s.Applied)}, nil
}

// CatchUp returns how long a replica with a backlog needs while writes go on:
// backlog/(Applied - Writes). It returns an error if it is not faster than they are.
func (s Stream) CatchUp(backlog float64) (time.Duration, error) {
	if !(backlog >= 0) {
		return 0, fmt.Errorf("replication: a backlog of %v: want at least 0", backlog)
	}
	if !(s.Writes >= 0) || !(s.Applied > s.Writes) {
		return 0, fmt.Errorf("replication: %v applied a second of %v written: the backlog never "+
			"ends; want more applied", s.Applied, s.Writes)
	}
	return seconds(backlog / (s.Applied - s.Writes)), nil
}

// maxRate keeps what is computed finite.
const maxRate = 1e12

// seconds rounds to nanoseconds, and caps what a Duration cannot hold.
func seconds(s float64) time.Duration {
	if s >= math.MaxInt64/1e9 {
		return math.MaxInt64
	}
	return time.Duration(math.Round(s * 1e9))
}
