package plan

import (
	"fmt"
	"strings"
)

// The scenarios that every plan lists.
const (
	LeaderCrash       = "leader crash"
	FollowerCrash     = "follower crash"
	MinorityPartition = "minority partition"
	MajorityPartition = "majority partition"
	Asymmetric        = "asymmetric partition"
	SlowNode          = "slow node"
	SlowDisk          = "slow disk"
	ClockSkew         = "clock skew"
	Duplicates        = "duplicated messages"
	Reordered         = "reordered messages"
	LostMessages      = "lost messages"
	LostDisk          = "restart with lost disk"
	RegionLoss        = "region loss"
	ChangeInFlight    = "configuration change in flight"
)

// Scenarios are all of them, in this order.
var Scenarios = []string{LeaderCrash, FollowerCrash, MinorityPartition, MajorityPartition, Asymmetric, SlowNode,
	SlowDisk, ClockSkew, Duplicates, Reordered, LostMessages, LostDisk, RegionLoss, ChangeInFlight}

// missing are the scenarios in which a node is not there, or does not hear.
var missing = map[string]bool{LeaderCrash: true, FollowerCrash: true, MinorityPartition: true, Asymmetric: true,
	LostDisk: true}

// scenarios fills the courses of a plan's system with its numbers.
func (p *Plan) scenarios() {
	words := p.words()
	for _, name := range Scenarios {
		c := courses[p.system.Kind][name]
		if own, ok := courses[kind(p.system.Key)]; ok {
			c = own[name]
		}
		if name == RegionLoss && p.request.inhabited() < 2 && p.system.Kind != partial {
			c = course{"All nodes are in one region: with it, everything stops; with its disks, everything is lost.",
				"Restore from a copy elsewhere; what was written since that copy is lost."}
		}
		if missing[name] && p.FaultTolerance.Crashes == 0 && p.system.Kind != partial {
			c = course{"No node may be missing: nothing is answered until it is back. With its disk, what it alone " +
				"had is lost.", "Bring the node back; a group of three or more goes on without one."}
		}
		p.FailureScenarios = append(p.FailureScenarios, FailureScenario{
			Scenario: name, Behavior: words.Replace(c.Behavior), Recovery: words.Replace(c.Recovery),
		})
	}
}

// words are what stands in braces in the courses.
func (p *Plan) words() *strings.Replacer {
	c, n := &p.Configuration, p.Configuration.Voters
	election := c.Quorum
	if c.Election > 0 {
		election = c.Election
	}
	region, back := "The others go on: what is left has a quorum.", "Its nodes catch up when they are back."
	if !p.FaultTolerance.AnyRegion {
		region = "Losing the region with most nodes leaves no quorum: all stops until it is back. Others do no harm."
		back = "Bring the region back, or restore from a copy; a minority that is made to go on may lack what was " +
			"acknowledged."
	}
	loss := "Nothing acknowledged is lost."
	if p.system.Key == "primarybackup-async" {
		loss = "The last writes that no majority had are undone, and reported by key."
	}
	side := "each for itself"
	if p.NRW != nil {
		side = fmt.Sprintf("while %d replicas of a key, or stand-ins for them, can be written there and %d read",
			p.NRW.W, p.NRW.R)
	}
	skew := "Nothing: versions, not clocks, say what came after what."
	if p.system.Key == "lww" {
		skew = "A node whose clock is ahead wins over later writes, which are lost."
	}
	ms := func(v int) string { return fmt.Sprintf("%d ms", v) }
	return strings.NewReplacer(
		"{n}", fmt.Sprint(n), "{quorum}", fmt.Sprint(c.Quorum), "{election}", fmt.Sprint(election),
		"{f}", fmt.Sprint(p.FaultTolerance.Liars), "{fplus}", fmt.Sprint(p.FaultTolerance.Liars+1),
		"{timeout}", ms(c.TimeoutMS), "{timeout2}", ms(2*c.TimeoutMS), "{heartbeat}", ms(c.HeartbeatMS),
		"{outage}", "about "+ms(whole(p.without)), "{region}", region, "{regionback}", back,
		"{lossbehavior}", loss, "{nrwside}", side, "{skew}", skew,
	)
}
