package calc

import "althing/internal/terminal"

const output = "text or json."

// Help is what each flag of each calculator is for.
var Help = terminal.Help{
	"calc quorum": {
		"expression": "Read quorums: a*b + c*d, or choose(2, a, b, c).",
		"nodes":      "Nodes that count.",
		"failures":   "Failures to bear (as many as there may be).",
		"byzantine":  "Those that fail may say anything to anybody.",
		"first":      "Nodes that the first phase asks: prepare, or election.",
		"second":     "Nodes that the second phase asks (the least that meet the first).",
		"fast":       "Nodes that accept what a client proposes by itself (never).",
		"writes":     "Write quorums (the dual of the reads, which is the least that meets them).",
		"reads":      "Share of the commands that read, 0 to 1.",
		"capacity":   "Commands a second that a node can bear.",
		"survive":    "Members of a quorum that may fail without another try.",
		"down":       "Chance that a node is down.",
		"output":     output,
	},
	"calc availability": {
		"nodes":       "Nodes; with commas, those of each region.",
		"quorum":      "Nodes that must be up (a majority).",
		"down":        "Chance that a node is down, while its region is up.",
		"region-down": "Chance that a region is down as a whole.",
		"output":      output,
	},
	"calc staleness": {
		"replicas":       "N: replicas that have a datum.",
		"read":           "R: answers that a read waits for.",
		"write":          "W: acknowledgements that a write waits for.",
		"network":        "Fitted delays: ssd, disk, ymmr or wan.",
		"write-delay":    "Coordinator to replica, of a write (that of the network).",
		"ack-delay":      "Replica to coordinator, of a write (that of the network).",
		"read-delay":     "Coordinator to replica, of a read (that of the network).",
		"response-delay": "Replica to coordinator, of a read (that of the network).",
		"apart":          "One way more to all replicas but one (that of the network).",
		"after":          "Moments after a write, at which reads begin.",
		"chance":         "Of reading what was written.",
		"trials":         "Races that are drawn.",
		"seed":           "Of the draws.",
		"output":         output,
	},
	"calc timeouts": {
		"rtt":       "Longest round trip between two members.",
		"regions":   "Regions with known round trips, of which the longest counts.",
		"flush":     "Slowest flush of a member's disk.",
		"loss":      "Chance that a heartbeat does not arrive in time.",
		"drift":     "Most that a clock's rate is off, as a share.",
		"nodes":     "Members.",
		"risk":      "Chance to accept that loss alone ends a reign within a timeout.",
		"heartbeat": "What is set, to be checked; with --election.",
		"election":  "What is set, to be checked; with --heartbeat.",
		"output":    output,
	},
	"calc latency": {
		"regions": "Where servers are, one in each: VA OR CA IR SI TO SY SP.",
		"matrix":  "Round trips between sites, in a file.",
		"quorum":  "Servers that must have a command, the leader among them (a majority).",
		"clients": "How many clients are at each site, as weights (as many at each).",
		"flush":   "What a disk takes, on each server at the same time.",
		"output":  output,
	},
	"calc replication": {
		"replicas": "Round trip to each replica.",
		"hops":     "One way along a chain: client, head, …, tail, client.",
		"writes":   "Writes a second that are taken.",
		"applied":  "Writes a second that a replica nobody waits for applies.",
		"for":      "How long writes have come.",
		"output":   output,
	},
	"calc confirmations": {
		"attacker": "Share of the power that the attacker has.",
		"blocks":   "Blocks that confirm the payment, its own among them.",
		"risk":     "Chance of being undone to get below.",
		"delay":    "How long a block takes to all honest miners.",
		"interval": "Mean time between two blocks.",
		"output":   output,
	},
}
