// Package forecast says from a few numbers what a protocol will bear and how
// long its commands will wait, before anything runs.
//
// The formulas are those of Ailijiang, Charapko and Demirbas, "Dissecting the
// Performance of Strongly-Consistent Replication Protocols" (SIGMOD 2019). They
// know a protocol by how many leaders share the commands, how many nodes a
// quorum has, how often commands conflict, and how far things are. A message
// costs a node one unit of work; the busiest node bounds the whole. So the
// answers compare protocols, and say where more leaders stop to pay; package
// quorum/balance knows nodes that differ, and the queues here turn what a node
// can bear into how long it makes one wait.
//
// Two more questions need numbers alone. Available: how likely is it that a quorum
// is up, where nodes fail by themselves and regions as a whole? And Trips: given the
// round trips between sites, how long does a command take when this one leads, or
// that one, or each its own; so, where should the leader be?
package forecast

import (
	"fmt"
	"time"
)

// A Protocol is what the formulas know of one.
type Protocol struct {
	Leaders   int     // that share the commands evenly: 1 in Paxos, all N in EPaxos
	Quorum    int     // nodes of a quorum, the leader among them
	Conflicts float64 // 0 to 1: the share of commands that need a second round
}

// Paxos is a single leader with majorities, of n nodes; so are Raft and
// Multi-Paxos.
func Paxos(n, majority int) (Protocol, error) { return of(n, Protocol{1, majority, 0}) }

// EPaxos has every one of n nodes lead.
func EPaxos(n, majority int, conflicts float64) (Protocol, error) {
	return of(n, Protocol{n, majority, conflicts})
}

// WPaxos has a leader in each zone, and second-phase quorums of one node a
// zone's worth: n/zones of n nodes. zones divides n.
func WPaxos(n, zones int) (Protocol, error) {
	if zones < 1 || n%zones != 0 {
		return Protocol{}, fmt.Errorf("forecast: %d nodes in %d zones: want as many in each",
			n, zones)
	}
	return of(n, Protocol{zones, n / zones, 0})
}

func of(n int, p Protocol) (Protocol, error) {
	if p.Quorum > n || p.Leaders > n {
		return Protocol{}, fmt.Errorf("forecast: a quorum of %d and %d leaders among %d nodes: "+
			"want at most all",
			p.Quorum, p.Leaders, n)
	}
	return p, p.check()
}

func (p Protocol) check() error {
	if p.Leaders < 1 || p.Quorum < 1 || !(p.Conflicts >= 0 && p.Conflicts <= 1) {
		return fmt.Errorf("forecast: %+v: want at least 1 leader and 1 node in a quorum, and "+
			"conflicts of 0 to 1", p)
	}
	return nil
}

// Load returns the work of the busiest node a command, in round trips with
// another node: (1 + c)·(Q + L - 2) / L. A leader exchanges messages with the
// rest of its quorum for its own commands, and answers for those of others; what
// conflicts costs a second round. Capacity is in proportion to 1/Load. A node
// alone has none.
func (p Protocol) Load() (float64, error) {
	if err := p.check(); err != nil {
		return 0, err
	}
	return (1 + p.Conflicts) * float64(p.Quorum+p.Leaders-2) / float64(p.Leaders), nil
}

// Latency returns how long a command takes: (1 + c)·((1 - l)·(toLeader + toQuorum)
// + l·toQuorum), where toLeader is the round trip from client to leader,
// toQuorum that from the leader to the farthest node of its nearest quorum,
// and locality l the share of commands whose leader is beside the client.
func (p Protocol) Latency(
	toLeader, toQuorum time.Duration, locality float64,
) (time.Duration, error) {
	if err := p.check(); err != nil {
		return 0, err
	}
	if toLeader < 0 || toQuorum < 0 || !(locality >= 0 && locality <= 1) {
		return 0, fmt.Errorf("forecast: %v to the leader, %v to the quorum, locality %v: want "+
			"times of at least 0, and a locality of 0 to 1", toLeader, toQuorum, locality)
	}
	one := (1-locality)*float64(toLeader) + float64(toQuorum)
	return time.Duration((1 + p.Conflicts) * one), nil
}

// A Queue is a node that serves one request at a time.
type Queue struct {
	Arrivals float64 // a second, at random moments (Poisson)
	Services float64 // a second, when busy; above Arrivals
}

func (q Queue) check() error {
	if !(q.Arrivals >= 0) || !(q.Services > q.Arrivals) {
		return fmt.Errorf("forecast: %v requests arrive and %v are served a second: the queue "+
			"grows for ever; want fewer arrivals", q.Arrivals, q.Services)
	}
	return nil
}

// Random returns the mean wait before service when service times vary
// exponentially (M/M/1): ρ/(μ-λ).
func (q Queue) Random() (time.Duration, error) {
	if err := q.check(); err != nil {
		return 0, err
	}
	seconds := q.Arrivals / q.Services / (q.Services - q.Arrivals)
	return time.Duration(seconds * float64(time.Second)), nil
}

// Steady returns the mean wait before service when each takes the same time
// (M/D/1): half of Random.
func (q Queue) Steady() (time.Duration, error) {
	wait, err := q.Random()
	return wait / 2, err
}
