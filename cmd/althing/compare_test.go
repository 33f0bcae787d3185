package main

import (
	"encoding/json"
	"strings"
	"testing"

	"althing/protocol"
	"althing/sim"
)

func TestCompare(t *testing.T) {
	code, out, err := command("sim", "compare", "--protocols=raft,total", "--scenario=leader-crash,wan",
		"--duration=6s")
	if code != exitOK || strings.Count(out, " raft ") != 2 || strings.Count(out, " total ") != 2 ||
		!strings.Contains(out, "wan: the replicas are in") {
		t.Errorf("exit %d, %s%s", code, out, err)
	}
	code, out, err = command("sim", "compare", "--protocols=raft", "--scenario=all", "--duration=6s", "--nodes=3",
		"--output=json")
	var all []sim.Measured
	if e := json.Unmarshal([]byte(out), &all); e != nil || code != exitOK || len(all) != len(sim.Scenarios) {
		t.Fatalf("exit %d, %v, %d rows: %s", code, e, len(all), err)
	}
	for _, args := range [][]string{{"--protocols=causal"}, {"--protocols=x"}, {"--scenario=x"}, {"--nodes=0"},
		{"--rate=0"}, {"--reads=101"}, {"--duration=1s"}, {"--output=x"}, {"--flush=1h"}, {"--regions=XX"},
		{"--ways=1ms,2ms"}, {"--ways=1ms/x"}, {"--quorums=4,2"}, {"--quorums=3,2", "--protocols=multipaxos"}} {
		if code, _, err := command(append([]string{"sim", "compare"}, args...)...); code != exitUsage ||
			!strings.Contains(err, "expected") {
			t.Errorf("%v: exit %d, %s", args, code, err)
		}
	}
}

func TestSimList(t *testing.T) {
	code, out, _ := command("sim", "--list")
	if code != exitOK || strings.Count(out, "\n") != len(protocol.All)+1 {
		t.Errorf("exit %d:\n%s", code, out)
	}
}
