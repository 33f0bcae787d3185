package plan

import (
	"fmt"
	"slices"
)

// A condition is when a row of the table applies.
type condition struct {
	text string
	of   func(*Request) bool
}

// A row says which system is chosen where, why, and whose rule that is. The
// first row that applies is the recommendation; the first after it with another
// system is the runner-up, and so on.
type row struct {
	problems []Problem     // nil: all
	levels   []Consistency // nil: all
	liars    bool
	when     *condition // nil: always
	pick     string     // the key of a system
	why      string
	against  string // why it stands behind those before it
	source   string
}

var (
	small      = &condition{"nodes ≤ 7", func(r *Request) bool { return r.Cluster.Nodes <= 7 }}
	large      = &condition{"nodes > 7", func(r *Request) bool { return r.Cluster.Nodes > 7 }}
	fewLiars   = &condition{"nodes ≤ 16", func(r *Request) bool { return r.Cluster.Nodes <= 16 }}
	throughput = &condition{
		"one region, no partition expected, and requests of 64 KiB or more, or 50 MB a second",
		func(r *Request) bool {
			return r.inhabited() <= 1 && r.Network.PartitionProbability == 0 && !r.Cluster.SurviveRegion &&
				(r.Workload.RequestBytes >= 64<<10 || float64(r.bytes())*r.rate() >= 50e6)
		},
	}
	lossy    = &condition{"loss_acceptable", func(r *Request) bool { return r.Workload.LossAcceptable }}
	oneWrite = &condition{
		"loss_acceptable, one region, and not available_in_partition",
		func(r *Request) bool {
			return r.Workload.LossAcceptable && r.inhabited() <= 1 && !r.Network.AvailableInPartition
		},
	}
	mergeable = &condition{
		"data_type is counter, flag, set, map or text",
		func(r *Request) bool {
			return slices.Contains([]string{"counter", "flag", "set", "map", "text"}, r.Workload.DataType)
		},
	}
	apart = &condition{
		"nodes in three regions or more",
		func(r *Request) bool { return r.inhabited() >= 3 },
	}
)

var (
	strong = []Consistency{Linearizable, Sequential}
	weak   = []Consistency{Causal, Eventual}
)

// table is the decision table: read it from the top.
var table = []row{
	// Agreement among nodes that may lie: nothing less will do, whatever the problem.
	{problems: []Problem{Consensus, Replication, Partitioning, Transaction}, liars: true, when: fewLiars, pick: "pbft",
		why:     "two rounds of all with all are the fewest delays, and their square of messages is bearable among so few",
		against: "among more than 16 nodes the square of messages costs more than a round", source: "Castro, Liskov 1999"},
	{problems: []Problem{Consensus, Replication, Partitioning, Transaction}, liars: true, pick: "hotstuff",
		why:     "messages grow with the nodes, not with their square, and a change of leaders costs nothing extra",
		against: "it takes a round more for each command", source: "Yin et al. 2019"},
	{problems: []Problem{Consensus, Replication, Partitioning, Transaction}, liars: true, pick: "tendermint",
		why:     "gossip needs no links between all pairs",
		against: "each height waits for a fixed span after a slow proposer, so it is slower unless links are few",
		source:  "Buchman, Kwon, Milosevic 2018"},
	{problems: []Problem{Replication}, levels: weak, liars: true, pick: "pnyxdb",
		why:     "transactions that do not conflict need no order",
		against: "young, and nothing but its authors' measurements speaks for it", source: "Bonniot et al. 2019"},
	{problems: []Problem{ConflictResolution}, levels: strong, liars: true, when: fewLiars, pick: "pbft",
		why: "one order of all writes leaves no conflict to resolve, and liars cannot give two", source: "Castro, Liskov 1999"},
	{problems: []Problem{ConflictResolution}, levels: strong, liars: true, pick: "hotstuff",
		why:     "one order of all writes leaves no conflict to resolve, and messages grow with the nodes alone",
		against: "it takes a round more for each command", source: "Yin et al. 2019"},
	{problems: []Problem{ConflictResolution}, levels: weak, liars: true, pick: "crdt",
		why: "updates that name their causes by hash, and are signed, merge alike whatever liars add: they may write " +
			"nonsense in their own name, but cannot make two honest nodes differ",
		source: "Kleppmann 2022 (Making CRDTs Byzantine fault tolerant)"},
	{problems: []Problem{ConflictResolution}, levels: weak, liars: true, when: fewLiars, pick: "pbft",
		why: "one order of all writes", against: "needs a quorum for every write, where a merge needs nobody",
		source: "Castro, Liskov 1999"},

	// Consensus.
	{problems: []Problem{Consensus}, levels: []Consistency{Sequential}, when: small, pick: "raft-followers",
		why:     "one order of writes, and reads that never wait for another node",
		against: "writes of seven nodes and more wait for more nodes than they need to", source: "Ongaro 2014, §6.4"},
	{problems: []Problem{Consensus}, when: small, pick: "raft",
		why: "a majority of so few is close by, and nothing simpler keeps a log safe through crashes, partitions and " +
			"changes of the group",
		against: "each read asks the leader, where a sequential one may be answered by any node", source: "Ongaro, Ousterhout 2014"},
	{problems: []Problem{Consensus}, when: large, pick: "multipaxos",
		why: "f+1 nodes are enough for each command, if elections ask the others: with many nodes that is a fraction of " +
			"a majority",
		against: "with so few nodes the smaller quorum of a command saves nothing that its larger elections do not cost",
		source:  "Howard, Malkhi, Spiegelman 2016"},
	{problems: []Problem{Consensus}, when: apart, pick: "fastpaxos",
		why: "no way to a leader first",
		against: "its quorums are larger, so the farthest regions decide, and commands that meet cost more; with a leader " +
			"where most clients are, fewer wait",
		source: "Lamport 2006; Moraru et al. 2013 for when this turns"},
	{problems: []Problem{Consensus}, pick: "vr",
		why: "the next primary is known beforehand", against: "no log reaches further than Raft's, and fewer know how to " +
			"run it", source: "Liskov, Cowling 2012"},
	{problems: []Problem{Consensus}, when: large, pick: "raft",
		why: "widely run", against: "a majority of so many must answer each command", source: "Ongaro, Ousterhout 2014"},

	// Replication.
	{problems: []Problem{Replication}, levels: []Consistency{Linearizable}, when: throughput, pick: "chain",
		why: "each node sends each write once, where a leader sends it to all: the best use of links for large writes",
		against: "a write passes all nodes one after the other, and one that fails stops all until the master has taken " +
			"it out", source: "van Renesse, Schneider 2004"},
	{problems: []Problem{Replication}, levels: []Consistency{Linearizable}, when: small, pick: "raft",
		why:     "a write waits for the fastest majority, so one slow or failed node is not felt",
		against: "its leader sends each write to all others, so its link is full first",
		source:  "Ongaro, Ousterhout 2014"},
	{problems: []Problem{Replication}, levels: []Consistency{Linearizable}, pick: "multipaxos",
		why:     "f+1 nodes are enough for each write, if elections ask the others",
		against: "with so few nodes its smaller quorum saves nothing", source: "Howard, Malkhi, Spiegelman 2016"},
	{problems: []Problem{Replication}, levels: []Consistency{Linearizable}, pick: "chain",
		why: "each node sends each write once", against: "a write passes all nodes one after the other, and one that " +
			"fails stops all until the master has taken it out", source: "van Renesse, Schneider 2004"},
	{problems: []Problem{Replication}, levels: strong, pick: "primarybackup",
		why:     "every backup in step has every write, so any of them can be read and promoted without a look at others",
		against: "a write waits for the slowest backup in step, not for the fastest majority",
		source:  "Alsberg, Day 1976; Lin et al. 2008"},
	{problems: []Problem{Replication}, levels: []Consistency{Sequential}, pick: "raft-followers",
		why:     "reads at any replica, writes wait for a majority",
		against: "a replica may be behind, and clients must carry the revision that they saw", source: "Ongaro 2014, §6.4"},
	{problems: []Problem{Replication}, levels: strong, pick: "vsync",
		why: "members that go on together have the same", against: "each failure stops the group until a view without the " +
			"failed is agreed", source: "Birman, Joseph 1987"},
	{problems: []Problem{Replication}, levels: []Consistency{Eventual}, when: oneWrite, pick: "primarybackup-async",
		why:     "an answer waits for one disk, and what a failover may undo is acceptable, bounded and named",
		against: "it takes writes at one node only", source: "Gray et al. 1996"},
	{problems: []Problem{Replication}, levels: []Consistency{Eventual}, pick: "dynamo",
		why:     "any R and W of N replicas answer, and N, R, W say how stale and how available",
		against: "clients merge siblings themselves", source: "DeCandia et al. 2007"},
	{problems: []Problem{Replication}, levels: weak, pick: "multileader",
		why:     "each node takes writes, and causes come before effects everywhere",
		against: "every node keeps all data, and order costs a vector with each write", source: "Birman et al. 1991"},
	{problems: []Problem{Replication}, levels: weak, when: mergeable, pick: "crdt",
		why: "the type merges", against: "the protocol that carries it must be chosen still", source: "Shapiro et al. 2011"},
	{problems: []Problem{Replication}, levels: weak, pick: "raft",
		why: "stronger than asked", against: "a minority that is cut off stops, though what was asked for need not",
		source: "Ongaro, Ousterhout 2014"},

	// Partitioning.
	{problems: []Problem{Partitioning}, levels: strong, pick: "ranges",
		why:    "a part has one owner in one epoch, so there is one order for each key, also while it moves",
		source: "Chang et al. 2006; Corbett et al. 2012"},
	{problems: []Problem{Partitioning}, levels: weak, when: &condition{"scans or pinning",
		func(r *Request) bool { return r.Workload.Scans || r.Workload.Pinning }}, pick: "ranges",
		why:     "keys that are read in order, or put where they are told, cannot be hashed",
		against: "it needs an owner for each part, and stops where that is cut off", source: "Chang et al. 2006"},
	{problems: []Problem{Partitioning}, levels: []Consistency{Causal}, pick: "causal-ring",
		why:     "everyone computes the same owners, and what a write depends on goes with it",
		against: "keys have no order on it", source: "Lloyd et al. 2011 (COPS)"},
	{problems: []Problem{Partitioning}, levels: []Consistency{Eventual}, pick: "ring",
		why:     "everyone computes the same owners, with no table to ask, and a change moves the least",
		against: "keys have no order on it", source: "Karger et al. 1997"},
	{problems: []Problem{Partitioning}, levels: []Consistency{Eventual}, pick: "causal-ring",
		why: "stronger than asked", against: "each write carries what it depends on", source: "Lloyd et al. 2011 (COPS)"},
	{problems: []Problem{Partitioning}, levels: weak, pick: "ranges",
		why: "keys keep their order", against: "a part stops where its group is cut off, though what was asked for need not",
		source: "Chang et al. 2006"},

	// Transactions.
	{problems: []Problem{Transaction}, levels: []Consistency{Linearizable}, pick: "2pc",
		why:    "coordinator and parts are replicated, so nobody's crash blocks, and waiting out the clocks' error makes the order that of time",
		source: "Gray, Lamport 2006; Corbett et al. 2012"},
	{problems: []Problem{Transaction}, levels: strong, pick: "2pc-sequential",
		why:     "all or nothing in one order, without waiting for clocks",
		against: "one that began later may come before", source: "Gray 1978; Kulkarni et al. 2014"},
	{problems: []Problem{Transaction}, levels: []Consistency{Sequential}, pick: "2pc",
		why: "stronger than asked", against: "each commit waits out twice the clocks' error", source: "Corbett et al. 2012"},
	{problems: []Problem{Transaction}, levels: []Consistency{Causal}, pick: "causal-transactions",
		why: "all that can be had of transactions while cut off", source: "Lloyd et al. 2011; Akkoorath et al. 2016"},
	{problems: []Problem{Transaction}, levels: []Consistency{Eventual}, pick: "saga",
		why:    "steps commit one by one, wherever they are, and a retry does nothing twice",
		source: "Garcia-Molina, Salem 1987"},
	{problems: []Problem{Transaction}, levels: []Consistency{Eventual}, pick: "causal-transactions",
		why: "stronger than asked", against: "it needs all parts to speak its protocol", source: "Lloyd et al. 2013"},
	{problems: []Problem{Transaction}, levels: weak, pick: "2pc-sequential",
		why: "stronger than asked", against: "stops where a part has no majority", source: "Gray 1978"},

	// Conflicts.
	{problems: []Problem{ConflictResolution}, levels: strong, when: small, pick: "raft",
		why:    "one order of all writes leaves no conflict to resolve: what was asked for needs consensus, not resolution",
		source: "Ongaro, Ousterhout 2014"},
	{problems: []Problem{ConflictResolution}, levels: strong, pick: "multipaxos",
		why:     "one order of all writes leaves no conflict to resolve: what was asked for needs consensus, not resolution",
		against: "with so few nodes its smaller quorum saves nothing", source: "Howard, Malkhi, Spiegelman 2016"},
	{problems: []Problem{ConflictResolution}, levels: weak, when: mergeable, pick: "crdt",
		why: "the type has a join, so nobody need ever ask which of two is right", against: "the type has no join",
		source: "Shapiro et al. 2011"},
	{problems: []Problem{ConflictResolution}, levels: []Consistency{Eventual}, when: lossy, pick: "lww",
		why:     "the simplest that converges, and loss is acceptable",
		against: "it throws away what others wrote at the same time", source: "Thomas 1979"},
	{problems: []Problem{ConflictResolution}, levels: weak, pick: "siblings",
		why: "nothing that was written goes unseen; whoever reads merges", against: "readers must merge",
		source: "Preguiça et al. 2012"},
	{problems: []Problem{ConflictResolution}, levels: weak, pick: "crdt",
		why: "merges by itself", against: "the data is not of a type that has a join; a register of many values is what " +
			"siblings are", source: "Shapiro et al. 2011"},
	{problems: []Problem{ConflictResolution}, levels: weak, pick: "multileader",
		why: "carries siblings between nodes", against: "it is a way to carry conflicts, and leaves them to a rule",
		source: "Birman et al. 1991"},
}

// choose goes through the table, and returns the rows that apply, each with a
// system of its own: the recommendation and those that lost. The path says what
// became of each row for the request's problem.
func choose(r *Request) (rows []*row, path []string) {
	taken := map[string]bool{}
	for i := range table {
		w := &table[i]
		if w.liars != r.Network.Byzantine || w.problems != nil && !slices.Contains(w.problems, r.Problem) ||
			w.levels != nil && !slices.Contains(w.levels, r.Consistency) {
			continue // another question altogether
		}
		step := fmt.Sprintf("row %d: ", i+1)
		if w.when != nil {
			step += fmt.Sprintf("when %s: ", w.when.text)
		}
		switch {
		case w.when != nil && !w.when.of(r):
			step += "no"
		case taken[w.pick]:
			step += w.pick + ", again"
		default:
			taken[w.pick] = true
			if rows = append(rows, w); len(rows) == 1 {
				step += fmt.Sprintf("%s is recommended: %s (%s)", w.pick, w.why, w.source)
			} else {
				step += fmt.Sprintf("%s is an alternative: %s; but %s (%s)", w.pick, w.why, w.against, w.source)
			}
		}
		path = append(path, step)
	}
	return rows, path
}
