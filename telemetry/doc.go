// Package telemetry is what a node tells its operators: a journal of what
// happened, and numbers.
//
// # The journal
//
// One line is one JSON object with the keys level, timestamp (RFC 3339, UTC),
// skill, node_id, term and context, which is always an object. A line about
// agreement has the key event, one of seven; any other line has the key
// message:
//
//	{"timestamp":"…","level":"INFO","skill":"distributed-systems","node_id":"n1","term":42,
//	 "event":"leader_elected","context":{"node_id":"n3","term":42}}
//	{"timestamp":"…","level":"INFO","skill":"distributed-systems","node_id":"n1","term":42,
//	 "message":"serving clients","context":{"address":"127.0.0.1:2379"}}
//
// A Journal has a method for each event, so that no other can be written, and
// gives out a *slog.Logger for all that is said in words. On a terminal the
// same lines are written for people: see TextHandler.
//
// # The numbers
//
// Metrics has a registry of its own, so that several nodes live in one
// process. What means the same as in etcd has etcd's name; what etcd does not
// know has the names leader_elections_total, replication_lag_seconds,
// consensus_latency_seconds and partition_events_total. Every value of every
// label is there from the beginning, at zero; what belongs to a member goes
// when it leaves.
//
// A Recorder stands between a node and both: it turns what the node sees into
// events and numbers.
package telemetry
