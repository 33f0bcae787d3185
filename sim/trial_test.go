package sim_test

import (
	"reflect"
	"testing"
	"time"

	"althing/protocol/raft"
	"althing/region"
	"althing/sim"
)

func scenario(t *testing.T, name string) sim.Scenario {
	t.Helper()
	for _, s := range sim.Scenarios {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no scenario %q", name)
	return sim.Scenario{}
}

// TestTrials: what Raft must come to under each scenario, whatever the dice.
func TestTrials(t *testing.T) {
	const election = 600 * time.Millisecond // the longest timeout, by default
	for _, s := range sim.Scenarios {
		m := sim.Measure(raft.Protocol, sim.Trial{Scenario: s, Duration: 12 * time.Second, Reads: 50})
		if (s.Name == "region-loss") != (m.Unable != "") {
			t.Errorf("%s: unable: %q; replicas are in one place", s.Name, m.Unable)
		}
		if m.Unable != "" {
			continue
		}
		if m.Violation != "" || len(m.Lost) > 0 || m.Stale > 0 || m.Refused {
			t.Errorf("%s: %s, lost %v, stale %d, refused %t", s.Name, m.Violation, m.Lost, m.Stale, m.Refused)
		}
		for i, p := range m.Phases {
			if s.Name == "no-majority" && i == 1 {
				if p.Answers > 0 && m.Outage < 3*time.Second {
					t.Errorf("%s: %d answers, an outage of %v", s.Name, p.Answers, m.Outage)
				}
				continue
			}
			if p.Answers < 50 || p.P50 <= 0 || p.P50 > p.P99 || p.P99 > p.Max {
				t.Errorf("%s: third %d: %+v", s.Name, i+1, p)
			}
		}
		switch s.Name {
		case "leader-crash", "partition", "asymmetric", "lost-disk", "change":
			// A follower must first wait for its timeout; then there is an
			// election, and clients must find the new leader.
			if m.Outage < 200*time.Millisecond || m.Outage > 5*election || m.Elections < 2 {
				t.Errorf("%s: an outage of %v, %d elections", s.Name, m.Outage, m.Elections)
			}
		case "steady", "follower-crash", "minority", "loss", "clock-skew", "duplicates", "reordered":
			if m.Outage > election || m.Elections > 1 {
				t.Errorf("%s: an outage of %v, %d elections", s.Name, m.Outage, m.Elections)
			}
		case "slow-disk":
			if m.Phases[1].P99 < m.Phases[0].P99 {
				t.Errorf("slow-disk: p99 fell from %v to %v", m.Phases[0].P99, m.Phases[1].P99)
			}
		}
		if m.Messages < 4 || m.Bytes < m.Messages || m.Flushes < 1 {
			t.Errorf("%s: %.1f messages, %.1f bytes, %.1f flushes for each answer", s.Name, m.Messages, m.Bytes,
				m.Flushes)
		}
	}
}

// TestTrialRepeats: the same trial comes to the same.
func TestTrialRepeats(t *testing.T) {
	s := sim.Trial{Scenario: scenario(t, "leader-crash"), Seed: 3, Duration: 6 * time.Second}
	a, b := sim.Measure(raft.Protocol, s), sim.Measure(raft.Protocol, s)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%+v, and then %+v", a, b)
	}
}

// TestDistance: a commit takes as long as the way to the nearest majority and
// back. The leader is in Virginia, and the client beside it.
func TestDistance(t *testing.T) {
	m := sim.Measure(raft.Protocol, sim.Trial{Nodes: 3, Clients: 1, Rate: 2, Flush: time.Microsecond,
		Between: region.Between([]region.Region{"OR", "CA", "IR"}, 3), Duration: 60 * time.Second})
	way := region.Region("OR").OneWay("CA") + region.Region("CA").OneWay("OR")
	// Whoever leads first keeps leading; the client's way to it comes on top.
	least, most := way, 3*region.Region("OR").OneWay("IR")*2
	if p := m.Phases[2]; p.P50 < least || p.P50 > most {
		t.Errorf("a commit takes %v, want from %v to %v", p.P50, least, most)
	}
}
