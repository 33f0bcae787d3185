package sim

import (
	"time"

	"althing/process"
	"althing/region"
	"althing/sim/agenda"
	"althing/sim/schedule"
)

// A Scenario is what happens to a group in the middle third of a Trial.
type Scenario struct {
	Name  string
	About string // in a sentence
	begin func(s *sim)
	end   func(s *sim)
	// Regions, if set, are where the replicas are.
	Regions []region.Region
}

// Scenarios are all there are.
var Scenarios = []Scenario{
	{Name: "steady", About: "nothing goes wrong"},
	{Name: "leader-crash", About: "the leader's machine stops, and comes back",
		begin: func(s *sim) { s.down(s.leader()) }, end: (*sim).upAll},
	{Name: "follower-crash", About: "another machine than the leader's stops, and comes back",
		begin: func(s *sim) { s.down(s.follower()) }, end: (*sim).upAll},
	{Name: "partition", About: "the leader and as many as make a minority are cut off from the rest",
		begin: func(s *sim) { s.cutSides(s.minority(s.leader())) }, end: (*sim).healAll},
	{Name: "minority", About: "a minority without the leader is cut off from the rest",
		begin: func(s *sim) { s.cutSides(s.minority(s.follower()) &^ (1 << s.leader())) }, end: (*sim).healAll},
	{Name: "asymmetric", About: "the leader hears nobody, and is heard",
		begin: func(s *sim) { s.deaf(s.leader()) }, end: (*sim).healAll},
	{Name: "slow-disk", About: "the leader's disk takes fifty times as long",
		begin: func(s *sim) { s.node(s.leader()).slow = 2 * s.opt.Duration / 3 }},
	{Name: "slow-node", About: "the leader's machine stands still for half a second in each",
		begin: (*sim).stutter},
	{Name: "loss", About: "one message in fifty is lost",
		begin: func(s *sim) { s.plan.loss = 20_000 }, end: func(s *sim) { s.plan.loss = 0 }},
	{Name: "wan", About: "the replicas are in Virginia, California, Oregon, Ireland and Tokyo",
		Regions: []region.Region{"VA", "CA", "OR", "IR", "TO"}},
}

// leader is who leads; the first, where nobody is said to.
func (s *sim) leader() process.ID {
	return max(1, s.leading(0))
}

// follower is the next after the leader.
func (s *sim) follower() process.ID { return s.leader()%process.ID(s.plan.nodes) + 1 }

// minority is the largest set of fewer than half that begins at a replica.
func (s *sim) minority(from process.ID) (side uint64) {
	for i := range (s.plan.nodes - 1) / 2 {
		side |= 1 << (1 + (int(from)-1+i)%s.plan.nodes)
	}
	return side
}

// down stops a replica, with what its disk has.
func (s *sim) down(id process.ID) {
	s.forget(id)
	s.do(&schedule.Action{Kind: schedule.Crash, Node: id})
}

func (s *sim) upAll() {
	for i := range s.nodes {
		if id := process.ID(i + 1); !s.w.Up(id) && !s.w.Gone(id) {
			s.do(&schedule.Action{Kind: schedule.Restart, Node: id})
		}
	}
}

func (s *sim) healAll() { s.do(&schedule.Action{Kind: schedule.Heal}) }

// deaf cuts all links to a replica.
func (s *sim) deaf(id process.ID) {
	for i := range s.nodes {
		if o := process.ID(i + 1); o != id {
			s.do(&schedule.Action{Kind: schedule.Cut, Node: id, Peer: o})
		}
	}
}

// stutter pauses who leads, again and again until the third is over.
func (s *sim) stutter() {
	if s.now < 2*s.opt.Duration/3 {
		s.pause(s.leader(), time.Second/2)
		s.heap.Push(agenda.Event{At: s.now + time.Second, Kind: evScript, Arg: 0})
	}
}
