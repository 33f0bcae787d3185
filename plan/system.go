package plan

import "althing/quorum"

// A kind is how a system meets failures: systems of a kind share their scenarios
// and the way that their numbers are found.
type kind string

const (
	ledMajority  kind = "majority with a leader"
	openMajority kind = "quorums without a leader"
	firstBackup  kind = "primary and backups"
	chained      kind = "chain"
	viewed       kind = "group views"
	lying        kind = "quorums among liars"
	partial      kind = "replicas that answer alone"
)

// A system is one that can be recommended.
type system struct {
	key       string // as the table names it
	row       string // of the catalog of protocols, for running it; "": none runs
	name      string
	what      string // in a sentence or two
	guarantee string // what holds whatever happens, within its fault model
	source    string
	kind      kind
	gives     Consistency
	fault     quorum.Fault
	cap       string // of consistency, availability, partitions
	pacelc    string // Abadi 2012
}

// systems are all that can be recommended. Adding one is an entry here, and
// rows of the table that choose it.
var systems = []system{
	{
		key: "raft", row: "raft", name: "Raft", kind: ledMajority, gives: Linearizable, cap: "CP", pacelc: "PC/EC",
		what: "A leader, elected by a majority, orders all commands in a log, and a majority keeps each before it counts.",
		guarantee: "Linearizable; what was acknowledged survives the loss of any minority, disks and all, and nothing " +
			"is decided twice or differently.",
		source: "Ongaro, Ousterhout 2014; Ongaro 2014",
	},
	{
		key: "raft-followers", row: "raft", name: "Raft, with reads at followers", kind: ledMajority, gives: Sequential,
		cap: "CP", pacelc: "PC/EL",
		what: "A log ordered by an elected leader; each client reads at a replica of its own, which answers at once " +
			"from what it has applied, and never from before what that client saw.",
		guarantee: "Sequentially consistent if a client carries the revision that it saw last to the next replica; writes " +
			"are linearizable.",
		source: "Ongaro 2014, §6.4",
	},
	{
		key: "multipaxos", row: "multipaxos", name: "Multi-Paxos with flexible quorums", kind: ledMajority,
		gives: Linearizable, cap: "CP", pacelc: "PC/EC",
		what: "A stable leader has each command accepted by few nodes, and a new leader asks many: only quorums of " +
			"different phases must meet.",
		guarantee: "Linearizable; what was acknowledged survives the loss of any W-1 nodes of its quorum, and a new leader " +
			"is found while its larger quorum lives.",
		source: "Lamport 2001; Howard, Malkhi, Spiegelman 2016",
	},
	{
		key: "fastpaxos", row: "fastpaxos", name: "Fast Paxos", kind: openMajority, gives: Linearizable, cap: "CP",
		pacelc: "PC/EC",
		what:   "Clients' replicas send commands to all acceptors themselves; where two collide, a coordinator decides.",
		guarantee: "Linearizable; a command takes one message delay less than with a leader if it meets no other, and " +
			"more if it does.",
		source: "Lamport 2006",
	},
	{
		key: "vr", row: "vr", name: "Viewstamped Replication", kind: ledMajority, gives: Linearizable, cap: "CP",
		pacelc: "PC/EC",
		what: "The primary of a view orders operations; when it fails, the replicas go on to the next view, whose " +
			"primary is known beforehand.",
		guarantee: "Linearizable; what was acknowledged survives the loss of any minority.",
		source:    "Liskov, Cowling 2012",
	},
	{
		key: "chain", row: "chain", name: "Chain replication", kind: chained, gives: Linearizable, cap: "CP",
		pacelc: "PC/EC",
		what: "Writes go down a chain of replicas and are answered by the tail, which alone answers reads; a master, " +
			"itself replicated, takes failed replicas out.",
		guarantee: "Linearizable; each write is on all replicas of the chain before it is acknowledged.",
		source:    "van Renesse, Schneider 2004",
	},
	{
		key: "primarybackup", row: "primarybackup", name: "Primary-backup, synchronous", kind: firstBackup,
		gives: Linearizable, cap: "CP", pacelc: "PC/EC",
		what: "A primary orders writes and answers when all backups in step have them; a majority promotes another " +
			"when it fails.",
		guarantee: "Linearizable; nothing acknowledged is lost while a majority's disks last, for all that are in step have it.",
		source:    "Alsberg, Day 1976; Lin et al. 2008 (PacificA)",
	},
	{
		key: "primarybackup-async", row: "primarybackup-async", name: "Primary-backup, asynchronous", kind: firstBackup,
		gives: Eventual, cap: "CP", pacelc: "PC/EL",
		what: "A primary answers when its own disk has a write, and tells the backups afterwards.",
		guarantee: "Replicas converge; a failover may undo the last writes that were acknowledged, and says which: at most " +
			"what the backups lagged behind.",
		source: "Gray et al. 1996; the default of most databases",
	},
	{
		key: "vsync", row: "vsync", name: "Virtual synchrony", kind: viewed, gives: Linearizable, cap: "CP", pacelc: "PC/EC",
		what:      "Members agree on views of the group; a message is delivered in the view it was sent in, to all who go on.",
		guarantee: "All members that go on together delivered the same, in one order; a minority stops.",
		source:    "Birman, Joseph 1987",
	},
	{
		key: "multileader", row: "multileader", name: "Multi-leader replication", kind: partial, gives: Causal, cap: "AP",
		pacelc: "PA/EL",
		what: "Every node takes writes and sends them to the others in causal order; two that did not know of each " +
			"other are kept side by side, or resolved by a rule.",
		guarantee: "Writes are seen after what they depend on; all nodes converge; concurrent writes are found to be so, " +
			"by version vectors with dots, and none goes silently.",
		source: "Birman, Schiper, Stephenson 1991; Preguiça et al. 2012",
	},
	{
		key: "dynamo", name: "Dynamo-style quorums", kind: partial, gives: Eventual, cap: "AP", pacelc: "PA/EL",
		what: "N replicas of each key; a write waits for W of them and a read for R, whichever answer first; versions " +
			"that conflict are kept with their causes.",
		guarantee: "Replicas converge; how stale reads may be follows from N, R and W. R+W > N is not linearizability.",
		source:    "DeCandia et al. 2007; Bailis et al. 2012",
	},
	{
		key: "pbft", name: "PBFT", kind: lying, gives: Linearizable, fault: quorum.Byzantine, cap: "CP", pacelc: "PC/EC",
		what: "A primary proposes, replicas prepare and commit in two rounds of all with all; a view change replaces a " +
			"primary that lies or is slow.",
		guarantee: "Linearizable, whatever up to f of 3f+1 nodes say or keep from saying.",
		source:    "Castro, Liskov 1999",
	},
	{
		key: "hotstuff", name: "HotStuff", kind: lying, gives: Linearizable, fault: quorum.Byzantine, cap: "CP",
		pacelc: "PC/EC",
		what: "A leader collects votes into certificates, one round after another, and hands on in every view: as many " +
			"messages as nodes, where PBFT has their square.",
		guarantee: "Linearizable, whatever up to f of 3f+1 nodes say; a change of leaders costs no more than a round.",
		source:    "Yin et al. 2019",
	},
	{
		key: "tendermint", name: "Tendermint", kind: lying, gives: Linearizable, fault: quorum.Byzantine, cap: "CP",
		pacelc:    "PC/EC",
		what:      "Proposers take turns; two votes of more than two thirds decide each height, over gossip.",
		guarantee: "Linearizable, whatever up to f of 3f+1 nodes say.",
		source:    "Buchman, Kwon, Milosevic 2018",
	},
	{
		key: "pnyxdb", name: "PnyxDB", kind: lying, gives: Causal, fault: quorum.Byzantine, cap: "CP", pacelc: "PC/EL",
		what: "Nodes endorse transactions on conditions; those that do not conflict are applied without an order " +
			"between them.",
		guarantee: "Transactions that conflict are ordered alike everywhere, whatever up to f of 3f+1 nodes say; others " +
			"need no order.",
		source: "Bonniot, Neumann, Taïani 2019",
	},
	{
		key: "ranges", row: "raft", name: "Ranges or a directory with epochs, over Raft groups", kind: ledMajority,
		gives: Linearizable, cap: "CP", pacelc: "PC/EC",
		what: "Each part of the keys is a Raft group; a table with epochs says which group has which, and a request with " +
			"an old epoch is refused, never served.",
		guarantee: "Linearizable for each key; a part has one owner at a time, also while it moves.",
		source:    "Bigtable (Chang et al. 2006); Spanner (Corbett et al. 2012)",
	},
	{
		key: "ring", name: "Consistent hashing with replicas", kind: partial, gives: Eventual, cap: "AP", pacelc: "PA/EL",
		what: "A ring of virtual nodes says which N nodes keep a key; a node more or less moves its own share and " +
			"nothing between the others.",
		guarantee: "Replicas of a key converge; a change of n nodes moves 1/n of the keys.",
		source:    "Karger et al. 1997; DeCandia et al. 2007",
	},
	{
		key: "causal-ring", name: "Consistent hashing, with writes that carry what they depend on", kind: partial,
		gives: Causal, cap: "AP", pacelc: "PA/EL",
		what: "Each region keeps all keys, spread over its nodes by a ring; a write is applied there at once, and in other " +
			"regions when what it depends on is.",
		guarantee: "Causal consistency across keys; regions converge; a change of n nodes moves 1/n of a region's keys.",
		source:    "Lloyd et al. 2011 (COPS)",
	},
	{
		key: "2pc", row: "raft", name: "Two-phase commit over Raft groups", kind: ledMajority, gives: Linearizable,
		cap: "CP", pacelc: "PC/EC",
		what: "Each part of the data is a Raft group, and so is the coordinator's decision: no crash leaves a " +
			"transaction in doubt for good. Stamps come from clocks of known error, whose error is waited out.",
		guarantee: "Strictly serializable: all of a transaction or nothing, in an order that agrees with time.",
		source:    "Gray 1978; Gray, Lamport 2006; Corbett et al. 2012",
	},
	{
		key: "2pc-sequential", row: "raft", name: "Two-phase commit over Raft groups, without commit wait",
		kind: ledMajority, gives: Sequential, cap: "CP", pacelc: "PC/EL",
		what:      "As with commit wait, but stamps are hybrid logical clocks, and nobody waits for theirs to be past.",
		guarantee: "Serializable: all of a transaction or nothing, in one order; one that began later may come before.",
		source:    "Gray 1978; Kulkarni et al. 2014",
	},
	{
		key: "causal-transactions", name: "Causal consistency with read and write transactions", kind: partial,
		gives: Causal, cap: "AP", pacelc: "PA/EL",
		what: "Writes are applied at the nearest node, and elsewhere after what they depend on; a read of many keys is " +
			"of one causal cut, and the writes of a transaction show together.",
		guarantee: "Transactional causal consistency; conflicts of concurrent writes are merged.",
		source:    "Lloyd et al. 2011 (COPS), 2013 (Eiger); Akkoorath et al. 2016 (Cure)",
	},
	{
		key: "saga", name: "Saga with idempotent steps", kind: partial, gives: Eventual, cap: "AP", pacelc: "PA/EL",
		what: "Each step commits by itself under a key that makes a retry harmless; a step that cannot be done has those " +
			"before it compensated.",
		guarantee: "All steps in the end, or compensation for those that were taken; others see what is half done.",
		source:    "Garcia-Molina, Salem 1987",
	},
	{
		key: "crdt", name: "Conflict-free data types", kind: partial, gives: Causal, cap: "AP", pacelc: "PA/EL",
		what: "Each node updates its own copy of a type whose merge is a join: associative, commutative, idempotent; " +
			"differences travel, in whatever order.",
		guarantee: "Nodes that have seen the same updates are equal (strong eventual consistency); no update is lost but " +
			"as the type says.",
		source: "Shapiro et al. 2011; Almeida, Shoker, Baquero 2018",
	},
	{
		key: "siblings", name: "Siblings under dotted version vectors", kind: partial, gives: Causal, cap: "AP",
		pacelc: "PA/EL",
		what: "A write names what it saw; of what is stored it replaces that, and stands beside all else until a reader " +
			"merges them.",
		guarantee: "No write goes that nobody saw before replacing it; there are no more siblings than concurrent writers.",
		source:    "Preguiça, Baquero, Almeida 2012",
	},
	{
		key: "lww", row: "multileader-lww", name: "Last writer wins, by hybrid logical clocks", kind: partial,
		gives: Eventual, cap: "AP", pacelc: "PA/EL",
		what:      "Of two concurrent writes the one with the later stamp stays; ties go by node.",
		guarantee: "Nodes converge; of concurrent writes all but one are lost, though they were acknowledged.",
		source:    "Thomas 1979; Kulkarni et al. 2014",
	},
}

func find(key string) *system {
	for i := range systems {
		if systems[i].key == key {
			return &systems[i]
		}
	}
	return nil
}
