package main

import (
	"strings"
	"testing"

	"althing/process"
)

func TestMaelstromFlags(t *testing.T) {
	for _, c := range []struct {
		args string
		want string // each word of it is in the message
	}{
		{"--workload=kafka", "--workload=kafka expected lin-kv unique-ids"},
		{"--protocol=paxos99", "--protocol=paxos99 expected raft"},
		{"--protocol=causal", "--protocol=causal total order"},
		{"--workload=echo --protocol=raft", "--protocol=raft --workload=echo runs none"},
		{"--election-timeout=-1s", "--election-timeout=-1s 1ms"},
		{"--election-timeout=1us", "--election-timeout 1ms"},
		{"--election-timeout=2h", "--election-timeout=2h 1h"},
	} {
		code, _, msg := command(append([]string{"maelstrom"}, strings.Fields(c.args)...)...)
		for _, w := range strings.Fields(c.want) {
			if code != exitUsage || !strings.Contains(msg, w) {
				t.Errorf("%s: ends with %d and %q, without %q", c.args, code, msg, w)
			}
		}
	}
}

// TestMaelstromProtocols: each workload runs what it promises with.
func TestMaelstromProtocols(t *testing.T) {
	for workload, want := range map[string]string{"lin-kv": "raft", "broadcast": "causal", "g-set": ""} {
		o, err := (&maelstromCommand{Workload: workload, ElectionTimeout: 1e9}).options()
		if err != nil || o.Protocol.Name != want || o.Config.Election != (process.Span{Min: 1e9, Max: 2e9}) {
			t.Errorf("%s runs %q with %v, %v", workload, o.Protocol.Name, o.Config, err)
		}
	}
}
