// Package maelstrom lets Maelstrom, Kingsbury's workbench for distributed
// systems (github.com/jepsen-io/maelstrom), run what this house runs: it speaks
// the protocol of that workbench, in which a node is a program that reads
// messages on standard input and writes messages on standard output, one JSON
// object a line, and in which the workbench is network, client and judge.
//
// With its launcher and this program in one place, a test is
//
//	maelstrom test -w lin-kv --bin althing --node-count 3 --time-limit 20 -- \
//		maelstrom --workload lin-kv --protocol raft
//
// # The words
//
//	node      one running program; init tells it its name and those of all
//	client    whoever sends a request with a msg_id, and awaits an answer to it
//	workload  which requests there are, and what their answers promise
//	error     an answer with a code; a definite one says that nothing was done
//	          and never will be, an indefinite one that nobody knows
//
// # The workloads
//
//	lin-kv      a process of a total-order protocol; read, write, cas
//	broadcast   a process of a broadcast protocol; broadcast, read, topology
//	g-set       crdt.GSet, told to all by a crdt.Outbox
//	g-counter   crdt.GCounter, likewise
//	pn-counter  crdt.PNCounter, likewise
//	echo        what came goes back
//	unique-ids  the node's name and a number
//
// # How a process is hosted
//
// The place of a node in the list of init is its process.ID. Messages between
// processes are their bytes in base64, in bodies of the type althing_process;
// what a process sends to itself never leaves. Timers go by the real clock.
//
// The disk is memory that nothing reads again: a save is durable at once, for as
// long as the program lives. Maelstrom cuts links and does not restart programs;
// one that was stopped and goes on has only been slow. But a program that was
// killed and started anew would have forgotten what it promised, and must not
// take part again. No log is ever cut, so the memory of a node grows with what is
// asked of it.
//
// # How a request is done once
//
//  1. The node that a client asks gives the request a number, and hands it to its
//     own process. If that refuses and names a leader, it is forwarded there, in a
//     body of the type althing_request.
//  2. Whoever leads, the node that was asked applies the entry in its turn, and
//     then answers: so no answer has to find its way back.
//  3. What is not answered soon is handed over again. All replicas keep a session
//     for each node, so however often an entry is in the log, it takes effect once.
//  4. In the end the node gives up: with error 11, definite, if every process
//     refused what it was handed; with error 0, indefinite, if one may have it.
//
// A read goes to the process itself first; if that does not lead, or cannot read
// without the log, the read becomes an entry like any other.
//
// # What is left out
//
// The neighbours that topology proposes are acknowledged and not used: a process
// sends to its whole group. Workloads of transactions and of logs are not spoken.
package maelstrom
