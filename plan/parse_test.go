package plan

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	r, err := Parse([]byte("distributed_context:\n  problem_type: consensus\n" +
		"  cluster_config: {nodes: 5, regions: [VA, OR, IR]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Problem != Consensus || r.Cluster.Nodes != 5 || len(r.Cluster.Regions) != 3 || r.Consistency != Eventual {
		t.Errorf("%+v", r)
	}
	for text, want := range map[string][]string{
		"": {"distributed_context"},
		"distributed_context: {problem_type: gossip, cluster_config: {nodes: 0, nods: 3}}": {
			"problem_type = gossip: schema: enum", "cluster_config.nodes = 0: schema: minimum", "nods"},
		"distributed_context: {problem_type: consensus, cluster_config: {nodes: 4, failure_tolerance: 2}, " +
			"network_assumptions: {byzantine: true}}": {
			"quorum_possible: Cannot tolerate f failures with fewer than 2f+1 nodes",
			"byzantine_nodes: Byzantine tolerance requires 3f+1 nodes"},
		"distributed_context: {problem_type: consensus, cluster_config: {nodes: 4, failure_tolerance: 2}, " +
			"consistency_requirement: strong}": {"consistency_requirement = strong", "quorum_possible"},
		"distributed_context: {problem_type: consensus, cluster_config: {nodes: three}}": {
			"cluster_config.nodes = three"},
		"a: b: c":      {"[1:"},
		"{":            {"plan: "},
		"a: 1\na: 2\n": {"a"},
	} {
		_, err := Parse([]byte(text))
		if err == nil {
			t.Errorf("%q is taken", text)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %v\nlacks %q", text, err, w)
			}
		}
	}
}

// What is wrong is said in one order, however often it is asked.
func TestRefusedAlike(t *testing.T) {
	text := []byte("distributed_context: {problem_type: gossip, x: 1, b: 2, cluster_config: {nodes: 0, nods: 3, a: 1}}")
	_, first := Parse(text)
	for range 20 {
		if _, err := Parse(text); err == nil || err.Error() != first.Error() {
			t.Fatalf("%v\nand then\n%v", first, err)
		}
	}
}

// Whatever is read, is planned for or refused: nothing panics.
func FuzzParse(f *testing.F) {
	f.Add([]byte("distributed_context: {problem_type: consensus, cluster_config: {nodes: 5}}"))
	f.Add([]byte(`{"distributed_context": {"problem_type": "replication", "cluster_config": {"nodes": 3,
		"regions": ["a", "b"]}, "network_assumptions": {"rtt_ms": {"a": {"b": 3.5}}}}}`))
	f.Add([]byte("x: &a [*a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := Parse(text); err == nil {
			if _, err := Make(r); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
