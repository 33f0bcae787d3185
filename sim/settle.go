package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"althing/process"
	"althing/quorum"
	"althing/sim/agenda"
	"althing/sim/schedule"
	"althing/trace"
	"althing/world"
)

// settling is the second phase: the faults are over, and the group must get on.
type settling struct {
	on, over bool
	since    time.Duration
	out      []process.ID  // replicas that stay down or half cut off
	last     bool          // stores have become the same, and are read once more:
	reread   time.Duration // since then
}

const (
	// freshEnough is how many new requests of each client must be answered.
	freshEnough = 2
	// lookEvery is how often the group is looked at while it settles.
	lookEvery = 100 * time.Millisecond
)

func (t *settling) excluded(id process.ID) bool { return slices.Contains(t.out, id) }

// settleDown begins the phase, and from then on looks whether it is over.
func (s *sim) settleDown() {
	t := &s.settling
	if !t.on {
		t.on, t.since = true, s.now
		s.endFaults()
	}
	quiet := true
	for i := range s.clients {
		quiet = quiet && s.clients[i].quiet
	}
	switch {
	case s.violation != nil:
	case quiet && s.w.Converged(s.agreeing()) && s.w.Unsaid() == nil:
		if t.over = !s.store || t.last; !t.over {
			s.lastReads()
		}
	case s.now >= t.since+s.opt.Settle:
		s.violation = &world.Violation{Name: "Liveness", Detail: s.stuck(quiet)}
		if s.w.Converged(s.agreeing()) {
			s.violation = cmp.Or(s.w.Unsaid(), s.violation)
		}
	}
	if s.violation == nil && !t.over {
		s.heap.Push(agenda.Event{At: s.now + lookEvery, Kind: evSettle})
	}
}

// endFaults heals what is to work from now on.
func (s *sim) endFaults() {
	p := &s.plan
	p.loss, p.duplicate, p.tail = 0, 0, 0
	// An election takes some messages and flushes: many must fit into its span.
	p.delayMean = min(p.delayMean, 5*time.Millisecond, p.election.Min/30)
	p.sync = min(p.sync, p.election.Min/30)
	s.do(&schedule.Action{Kind: schedule.Heal})
	for i := range s.nodes {
		s.nodes[i].slow, s.nodes[i].failing, s.nodes[i].doomed = 0, false, false
	}
	how := s.core()
	for i := range s.nodes {
		id := process.ID(i + 1)
		s.do(&schedule.Action{Kind: schedule.Resume, Node: id})
		switch {
		case s.settling.excluded(id):
			s.leaveOut(id, how)
		case !s.w.Up(id) && !s.w.Gone(id):
			s.setClock(id)
			s.do(&schedule.Action{Kind: schedule.Restart, Node: id})
		}
	}
}

// core decides who is left out, and returns how: 0 if they stay down, else
// they are half cut off. Only a group that never changed is left without some
// of its members: of another one it is not known who holds a quorum of it.
func (s *sim) core() (how int) {
	d := &s.settle
	if s.opt.Whole || s.plan.whole || s.operator.asked > 0 || s.operator.lost > 0 || d.Chance(500_000) {
		return 0
	}
	for len(s.settling.out) < s.plan.nodes-quorum.Majority(s.plan.nodes) {
		if id := process.ID(1 + d.Below(s.plan.nodes)); !s.settling.excluded(id) {
			s.settling.out = append(s.settling.out, id)
		}
	}
	return d.Below(2)
}

// leaveOut keeps a replica down, or lets it speak and hear nothing.
func (s *sim) leaveOut(id process.ID, how int) {
	if how == 0 {
		if s.w.Up(id) {
			s.forget(id)
			s.do(&schedule.Action{Kind: schedule.Crash, Node: id})
		}
		return
	}
	if !s.w.Up(id) {
		s.do(&schedule.Action{Kind: schedule.Restart, Node: id})
	}
	for i := range s.nodes {
		if peer := process.ID(i + 1); peer != id {
			s.do(&schedule.Action{Kind: schedule.Cut, Node: id, Peer: peer})
		}
	}
}

// agreeing returns the members that must agree in the end.
func (s *sim) agreeing() []process.ID {
	g := s.w.Members()
	return slices.DeleteFunc(g.Members(), func(id process.ID) bool {
		return s.w.Gone(id) || s.settling.excluded(id)
	})
}

// stuck says what did not come to pass.
func (s *sim) stuck(quiet bool) string {
	var b strings.Builder
	if quiet {
		fmt.Fprintf(&b, "%v after the faults ended the members do not hold the same state of %d entries:",
			s.opt.Settle, len(s.w.Chosen()))
	} else {
		fmt.Fprintf(&b, "%v after the faults ended clients wait for an answer:", s.opt.Settle)
	}
	for i := range s.nodes {
		st := s.w.Status(process.ID(i + 1))
		fmt.Fprintf(&b, " [%d %s]", i+1, trace.Status(&st))
	}
	return b.String()
}
