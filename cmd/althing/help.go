package main

import "althing/internal/terminal"

// help is what each flag and argument of each command is for.
var help = terminal.Help{
	"up": {
		"nodes": "Members of a new cluster (3).",
		"data": "Where the cluster keeps its data: ./althing.data, unless you say otherwise. " +
			"The next up with it has everything back.",
		"client": "Where the first member of a new cluster listens for clients " +
			"(127.0.0.1:2379); the others on ports from 10 up.",
		"protocol": "What a new cluster speaks (raft); sim --list has them.",
		"quorums": "How many members of a new cluster of multipaxos an election asks, and a write " +
			"(majorities); together more than there are.",
		"processes": "Each member is a process of its own, started again when it dies.",
		"log-level": "Least that is logged.",
	},
	"serve": {
		"config-file": "YAML with values for the other flags, under their names; flags and " +
			"environment come first.",
		"name":                        "Name of this member.",
		"data-dir":                    "Where this member keeps its data (NAME.althing).",
		"listen-client-urls":          "Where to listen for clients.",
		"advertise-client-urls":       "Where clients reach this member (as it listens).",
		"listen-peer-urls":            "Where to listen for the other members; one.",
		"listen-metrics-urls":         "Where to serve /metrics, /health, /readyz, /livez and /version.",
		"initial-advertise-peer-urls": "Where the other members reach this one (as it listens).",
		"initial-cluster":             "Founders of a new cluster, with their peer URLs (this member alone).",
		"initial-cluster-state":       "new: found a cluster; existing: join one, see --join.",
		"initial-cluster-token":       "Tells apart clusters that are founded alike.",
		"join":                        "Client URLs of running members, for one that joins: they tell who it is.",
		"heartbeat-interval":          "Milliseconds between heartbeats (100).",
		"election-timeout":            "Milliseconds, at least, that a member waits for a leader (500).",
		"lease-reads": "The leader reads by its lease, without asking; clocks must not run " +
			"5% apart.",
		"acks": "Backups that must hold a write before it is answered, by primarybackup-semisync.",
		"quorums": "How many voters an election asks, and a write, with multipaxos (majorities); all members " +
			"have the same, for good. One that joins says of how many voters, too: Q1,Q2,N.",
		"quota-backend-bytes":   "Bytes of keys and values from which on puts are refused.",
		"max-request-bytes":     "Bytes of a request that changes something.",
		"max-txn-ops":           "Operations of a transaction.",
		"snapshot-count":        "Entries applied between two checkpoints.",
		"protocol":              "The protocol; all members have the same.",
		"enable-pprof":          "Serve profiles of the program at /debug/pprof/, beside /metrics.",
		"log-level":             "Least that is logged: debug, info, warn, error.",
		"log-format":            "Form of the log on standard error; auto: text on a terminal, else json.",
		"log-file":              "Also log to this file, as JSON lines.",
		"cert-file":             "Certificate for clients.",
		"key-file":              "Its key.",
		"trusted-ca-file":       "Whose certificates of clients are trusted.",
		"client-cert-auth":      "Clients must have a certificate.",
		"peer-cert-file":        "Certificate for the other members.",
		"peer-key-file":         "Its key.",
		"peer-trusted-ca-file":  "Whose certificates of members are trusted.",
		"peer-client-cert-auth": "Members must have a certificate.",
	},
	"sim compare": {
		"protocols": "The protocols, with commas between (all that order commits alike).",
		"scenario":  "What happens in the middle third: leader-crash, partition, slow-disk, wan, …, or all.",
		"nodes":     "Replicas.",
		"rate":      "Operations in a second of virtual time, of all clients.",
		"reads":     "Percent of the operations that read.",
		"duration":  "Virtual time, in thirds: before it happens, while it lasts, after it.",
		"seed":      "Of what varies around a mean.",
		"regions": "Where the replicas are, one after another: VA, CA, OR, IR, …; a replica beyond the " +
			"last is in the first again.",
		"ways": "As regions, by what a message takes: a row of times for each place, from it to each, as in " +
			"1ms,30ms/30ms,1ms.",
		"one-way":   "What a message takes, where neither regions nor ways are given.",
		"flush":     "What a flush of a disk takes, on average.",
		"heartbeat": "Between words of a leader (by the round trip).",
		"election":  "Least time without a leader's word, drawn up to twice as much (by the round trip).",
		"retry":     "After which a client asks another (5/4 of the longest election).",
		"skew":      "That clocks jump ahead by, in the scenario clock-skew.",
		"quorums":   "Sizes of the quorums of Multi-Paxos: of elections, and of commands (majorities).",
		"output":    "text or json.",
	},
	"sim run": {
		"protocol": "The protocol.",
		"list":     "Print the protocols, with what they survive and promise.",
		"seed":     "The first seed; one seed is one run, always the same.",
		"seeds":    "So many seeds, one after the other.",
		"nodes":    "Voters at first (drawn from the seed).",
		"quorums":  "Quorums of multipaxos' two phases among --nodes voters, or Q1,Q2,N (majorities).",
		"faults": "What may go wrong: none, net, disk, clock, crash, ops, all, or kinds, " +
			"with commas.",
		"duration":  "Virtual time with faults; then all is healed, and must make progress.",
		"clients":   "Clients (drawn from the seed).",
		"rate":      "Requests in a second of virtual time (drawn from the seed).",
		"trace":     "Write the run to a file, as JSON lines; with one seed.",
		"short":     "Write the shortest run found of one that fails to a file, as JSON lines.",
		"replay":    "Do again what a trace says, and compare; other flags do not matter.",
		"tla":       "Follow the trace in the specification of its protocol, and write it to a directory for TLC.",
		"keep-on":   "Go on after a seed that fails.",
		"no-shrink": "Print a run that fails as it is: do not look for a shorter one.",
	},
	"explore flp": {
		"protocol":   "The protocol, or a model of binary consensus: wait-all, eager, coordinator, ben-or.",
		"steps":      "Events, or a few more, that a run is kept undecided for.",
		"draw":       "Events of it that are drawn.",
		"max-states": "States of a model to visit, at most.",
		"mermaid":    "Write the run to a file, as a diagram of Mermaid.",
		"plantuml":   "Write the run to a file, as a diagram of PlantUML.",
		"trace":      "Write the run to a file, as JSON lines.",
	},
	"explore states": {
		"protocol":    "The protocol.",
		"replicas":    "Voters (3).",
		"elections":   "Timers that fire at replicas that do not lead (1).",
		"beats":       "Timers that fire at a leader.",
		"requests":    "Commands, each to any replica (1).",
		"reads":       "Reads that are not in the log, each to any replica.",
		"crashes":     "Crashes, each with a restart; any prefix of unsynced records survives.",
		"compactions": "Applications that become durable, and logs cut after them.",
		"duplicates":  "Messages that come twice.",
		"drops":       "Messages lost, where links are in order; else a message may always never come.",
		"unordered":   "Links deliver in any order: many more states.",
		"quick-disks": "A record is durable at once, even if a crash may follow.",
		"search":      "breadth: shortest counterexamples; depth: less memory; walk: random ways.",
		"walks":       "Walks to take.",
		"max-depth":   "Levels to visit, or steps of a walk.",
		"max-states":  "States to stop at.",
		"memory":      "Megabytes for states to stop at (4096).",
		"timeout":     "Time to stop after.",
		"workers":     "Threads (one for each core).",
		"seed":        "Of the fingerprints, and of the walks.",
		"trace":       "Write a counterexample's events to a file, as JSON lines.",
		"short":       "Write the events that it takes to a file, as JSON lines.",
		"script":      "Write a counterexample to a file, as a script that plays it.",
		"checkpoint":  "Write the search to a file each minute, and when it is stopped.",
		"resume":      "Go on from the checkpoint, if it is there.",
	},
	"trace text": {
		"file": "A trace, as althing sim --trace writes it.",
		"from": "The first event that is drawn, by its number (1).",
		"to":   "The last one (the last there is).",
	},
	"trace mermaid": {
		"file": "A trace, as althing sim --trace writes it.",
		"from": "The first event that is drawn, by its number (1).",
		"to":   "The last one (the last there is).",
	},
	"trace plantuml": {
		"file": "A trace, as althing sim --trace writes it.",
		"from": "The first event that is drawn, by its number (1).",
		"to":   "The last one (the last there is).",
	},
	"trace itf": {
		"file": "A trace, as althing sim --trace writes it.",
	},
	"trace go": {
		"file":    "A trace, as althing sim --short or explore --trace writes it.",
		"package": "Package of the test (that of the protocol, with _test behind it).",
		"name":    "Name of the test, without the Test.",
		"expect": "kept: it passes when nothing is broken; violated: as long as what the trace breaks " +
			"is broken.",
	},
	"trace shiviz": {
		"file": "A trace, as althing sim --trace writes it.",
	},
	"trace check": {
		"file": "A log: its first line is the expression that takes entries apart.",
	},
	"trace follow": {
		"file": "A trace, as althing sim --trace writes it.",
		"tla":  "Write the run for TLC, with the modules of the specification, to a directory.",
	},
	"check": {
		"file": "Recorded histories, each judged by itself; - is standard input.",
		"model": "What the objects are: register, cas, kv, queue, set, lock; or what transactions " +
			"do: list-append, rw-register.",
		"consistency": "The promise: linearizable; of a register or kv also sequential, causal, " +
			"causal-convergence, causal-memory, pram, read-your-writes, monotonic-reads, " +
			"monotonic-writes, writes-follow-reads or convergence; of transactions " +
			"read-committed, monotonic-atomic-view, read-atomic, causal, repeatable-read, " +
			"snapshot-isolation, serializable or strict-serializable.",
		"format": "How they are written: json, edn, log, itf; transactions also plume, awdit; " +
			"auto: by how they begin.",
		"timeout": "How long to look for an answer, object by object; then it is unknown.",
		"order":   "Write the order that explains the history to a file; with one history.",
		"certificate": "Write what proves the verdict to a file, as lines of JSON; with one history. It is " +
			"verified in any case.",
		"page": "Draw the history, its order or what breaks the promise, as an HTML file; with one history.",
	},
	"maelstrom": {
		"workload": "What Maelstrom asks: lin-kv, broadcast, g-set, g-counter, pn-counter, echo " +
			"or unique-ids.",
		"protocol": "What lin-kv or broadcast runs (raft for lin-kv, causal for broadcast).",
		"election-timeout": "How long a replica waits for a leader, at least; ten times Maelstrom's " +
			"--latency (as the protocol has it).",
	},
	"bench": {
		"workload":  "put, get, get-serializable, mixed or watch.",
		"endpoints": "Client addresses of the servers.",
		"clients":   "Requests in flight, at most.",
		"conns":     "Connections, shared out among the endpoints.",
		"rate": "Requests a second, whether the servers keep up or not; latency counts from " +
			"when each was due. 0: each client asks again when it is answered.",
		"duration":   "How long to measure.",
		"warmup":     "How long to ask before measuring.",
		"requests":   "End after so many requests.",
		"keys":       "Distinct keys.",
		"key-size":   "Bytes of a key.",
		"value-size": "Bytes of a value.",
		"reads":      "Part of a mixed workload that reads.",
		"watchers":   "Watchers, each of all keys.",
		"timeout":    "Of one request, with all its tries.",
		"seed":       "Of the keys that are drawn.",
		"pid":        "Server processes on this machine, to measure their CPU time.",
		"output":     "text or json.",
		"cacert":     "Whose certificates of servers are trusted; turns TLS on.",
		"cert":       "Certificate of this client.",
		"key":        "Its key.",
	},
}
