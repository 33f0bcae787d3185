package sim

import (
	"fmt"
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
	// unable says why the group, or its protocol, is not put to it; "" if it is.
	unable func(s *sim) string
	// Regions, if set, are where the replicas are.
	Regions []region.Region
}

// Scenarios are all there are.
var Scenarios = []Scenario{
	{Name: "steady", About: "nothing goes wrong"},
	{Name: "leader-crash", About: "the leader's machine stops, and comes back",
		begin: func(s *sim) { s.down(s.leader()) }, end: (*sim).upAll},
	{Name: "follower-crash", About: "another machine than the leader's stops, and comes back",
		begin: func(s *sim) { s.down(s.follower()) }, end: (*sim).upAll, unable: fewer(2)},
	{Name: "partition", About: "the leader and as many as make a minority are cut off from the rest",
		begin: func(s *sim) { s.cutSides(s.minority(s.leader())) }, end: (*sim).healAll, unable: fewer(3)},
	{Name: "minority", About: "a minority without the leader is cut off from the rest",
		begin: func(s *sim) { s.cutSides(s.minority(s.follower()) &^ (1 << s.leader())) }, end: (*sim).healAll,
		unable: fewer(3)},
	{Name: "no-majority", About: "the replicas are cut into parts, none of which is a majority",
		begin: (*sim).shatter, end: (*sim).healAll, unable: fewer(2)},
	{Name: "asymmetric", About: "the leader hears nobody, and is heard",
		begin: func(s *sim) { s.deaf(s.leader()) }, end: (*sim).healAll, unable: fewer(2)},
	{Name: "slow-disk", About: "the leader's disk takes fifty times as long",
		begin: func(s *sim) { s.node(s.leader()).slow = 2 * s.opt.Duration / 3 }},
	{Name: "slow-node", About: "the leader's machine stands still for half a second in each",
		begin: (*sim).stutter},
	{Name: "clock-skew", About: "all clocks but the leader's run as fast as they may; those of stores jump ahead",
		begin: func(s *sim) { s.skew(s.opt.Process.Drift) }, end: func(s *sim) { s.skew(0) }},
	{Name: "loss", About: "one message in fifty is lost",
		begin: func(s *sim) { s.plan.loss = 20_000 }, end: (*sim).calm},
	{Name: "duplicates", About: "one message in five is delivered twice",
		begin: func(s *sim) { s.plan.duplicate = 200_000 }, end: (*sim).calm},
	{Name: "reordered", About: "messages take three times as long on average, and overtake each other",
		begin: func(s *sim) { s.plan.faults |= Reorder }, end: (*sim).calm},
	{Name: "lost-disk", About: "the leader's machine stops for good, and in the end another replica takes its place",
		begin: func(s *sim) { s.gone(s.leader()) }, end: (*sim).operate, unable: (*sim).unspared},
	{Name: "region-loss", About: "all machines of the place that has most stop, and come back",
		begin: (*sim).evacuate, end: (*sim).upAll, unable: (*sim).unplaced},
	{Name: "change", About: "a replica joins, and the leader's machine stops as the group is asked to let it vote",
		begin: (*sim).enlarge, end: func(s *sim) { s.upAll(); s.operate() }},
	{Name: "wan", About: "the replicas are in Virginia, California, Oregon, Ireland and Tokyo",
		Regions: []region.Region{"VA", "CA", "OR", "IR", "TO"}},
}

// fewer is why a group of fewer replicas is not put to a scenario.
func fewer(than int) func(s *sim) string {
	return func(s *sim) string {
		if s.plan.nodes >= than {
			return ""
		}
		return fmt.Sprintf("it takes %d replicas or more", than)
	}
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
		s.after(time.Second, (*sim).stutter)
	}
}

// shatter cuts the group into parts of half of it, rounded down.
func (s *sim) shatter() {
	n, first := s.plan.nodes, int(s.leader())
	part := func(id int) int { return (id - first + n) % n / max(1, n/2) }
	for to := 1; to <= n; to++ {
		for from := 1; from <= n; from++ {
			if part(from) != part(to) {
				s.do(&schedule.Action{Kind: schedule.Cut, Node: process.ID(to), Peer: process.ID(from)})
			}
		}
	}
}

// skew lets the clocks of all but the leader run so much faster. Those of stores,
// which stamp writes, jump ahead besides. Others do not: a lease is measured by a
// clock, and rests on its rate.
func (s *sim) skew(by float64) {
	for i := range s.nodes {
		a := schedule.Action{Kind: schedule.Clock, Node: process.ID(i + 1), N: int(by * 1e6)}
		if s.store && by > 0 {
			a.Jump = s.opt.meter.trial.Skew
		}
		if a.Node != s.leader() {
			s.do(&a)
		}
	}
}

// calm ends what is done to messages.
func (s *sim) calm() {
	s.plan.loss, s.plan.duplicate = 0, 0
	s.plan.faults &^= Reorder
}

// gone takes a replica out for good, with its disk.
func (s *sim) gone(id process.ID) {
	s.operator.lost++
	s.forget(id)
	s.do(&schedule.Action{Kind: schedule.LoseDisk, Node: id})
}

func (s *sim) unspared() string {
	if s.plan.nodes >= 3 && !s.plan.spare {
		return "the protocol does not claim that a replica may be gone for good"
	}
	return fewer(3)(s)
}

// place is where a replica is, of how many places.
func (s *sim) place(id process.ID) (place, of int) {
	of = max(1, len(s.opt.meter.trial.Between))
	return (int(id) - 1) % of, of
}

// fullest is the place with most replicas; the leader's, if it has as many.
func (s *sim) fullest() int {
	place, of := s.place(s.leader())
	if more := s.plan.nodes % of; more > 0 && place >= more { // only the first have one more
		return 0
	}
	return place
}

// evacuate stops all machines of a place.
func (s *sim) evacuate() {
	lost := s.fullest()
	for i := range s.plan.nodes {
		if place, _ := s.place(process.ID(i + 1)); place == lost {
			s.down(process.ID(i + 1))
		}
	}
}

func (s *sim) unplaced() string {
	_, of := s.place(1)
	switch most := (s.plan.nodes + of - 1) / of; {
	case min(of, s.plan.nodes) < 2:
		return "all replicas are in one place"
	case s.plan.volatile && most > (s.plan.nodes-1)/2:
		return "a crash costs a replica its memory, and no more than a minority may have lost it"
	}
	return ""
}

// enlarge asks for one replica more, and again until that is so, or refused for good.
func (s *sim) enlarge() {
	g := s.w.Members()
	if len(g.Members()) > s.plan.nodes {
		s.after(4*s.opt.meter.trial.round(), (*sim).promote) // by then it has what there is
		return
	}
	if s.operator.closed || s.now >= 2*s.opt.Duration/3 {
		return
	}
	if !(s.operator.waits && s.now < s.operator.until) && s.admit(&g) {
		s.request(&g, s.leader(), 0)
	}
	s.after(s.opt.meter.trial.round(), (*sim).enlarge)
}

// promote asks the leader that who has joined vote, and stops it when it has just
// begun with that.
func (s *sim) promote() {
	if g := s.w.Members(); s.change(&g) { // among stores it is all that it can be
		s.request(&g, s.leader(), 0)
	}
	s.after(s.plan.delayMin+2*time.Millisecond, func(s *sim) { s.down(s.leader()) })
}

// after lets something happen later in a trial.
func (s *sim) after(d time.Duration, do func(*sim)) {
	m := s.opt.meter
	m.script = append(m.script, do)
	s.heap.Push(agenda.Event{At: s.now + d, Kind: evScript, Arg: uint64(len(m.script) - 1)})
}
