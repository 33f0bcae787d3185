package sim

import (
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"althing/process"
	"althing/sim/agenda"
	"althing/sim/dice"
	"althing/sim/schedule"
	"althing/world"
)

// An operator looks after the group: it replaces replicas that are gone, and
// changes the members for no reason if that is among the faults. It wants one
// thing at a time, and looks at what was decided rather than at answers.
type operator struct {
	dice.Dice
	lost   int // replicas that will never come back
	asked  int // changes asked for
	waits  bool
	until  time.Duration // it waits no longer than that
	closed bool          // the protocol cannot change its members
	rival  process.ID    // the leader that was last asked to grow the group, alone
}

// patience is how long the operator waits for one change: about the time that
// two elections and the change take.
const patience = 3 * time.Second

// told hears what became of a request.
func (o *operator) told(a *world.Answer) {
	if a.Req.Kind != process.Members {
		return
	}
	o.waits = false
	o.closed = o.closed || a.Outcome == world.Refused && a.Why == process.Unsupported
}

// operate looks at the group and asks for the next change.
func (s *sim) operate() {
	o := &s.operator
	if o.closed {
		return
	}
	s.heap.Push(agenda.Event{At: s.now + o.Between(200*time.Millisecond, 800*time.Millisecond), Kind: evOperator})
	g := s.w.Members()
	if s.random() && o.Chance(500_000) {
		s.hurry()
		return
	}
	if o.waits && s.now < o.until || g.Joint() || !s.change(&g) {
		return
	}
	s.request(&g, s.somebody(&o.Dice), 0)
}

// request asks replica to for the group g, after a while.
func (s *sim) request(g *process.Group, to process.ID, after time.Duration) {
	o := &s.operator
	o.asked++
	s.counts["members"]++
	o.waits, o.until = true, s.now+patience
	want := process.Group{Voters: g.Voters, Learners: g.Learners}
	token := " change " + strconv.Itoa(o.asked)
	r := process.Request{Kind: process.Members, Cmd: append(process.AppendGroup(nil, want), token...)}
	s.send(schedule.Call{Client: schedule.NoClient, Req: r, To: to}, s.plan.delayMin+after)
}

// hurry asks one replica for several changes, each made of the one before,
// without waiting for any, and where links fail cuts some of them first: what
// is wrong with changes shows when they cannot be decided.
func (s *sim) hurry() {
	o, g := &s.operator, s.w.Members()
	to := s.somebody(&o.Dice)
	if s.plan.mood == changes && s.plan.faults.Has(Partition) && o.Chance(500_000) && s.rival(g, to) {
		return
	}
	if s.plan.faults.Has(Partition) && o.Chance(500_000) {
		if s.plan.mood == changes {
			s.split(to, 0)
		} else {
			s.partition(&o.Dice)
		}
	}
	for i := range 1 + o.Below(3) {
		if s.violation != nil || !s.shuffle(&g) {
			return
		}
		s.request(&g, to, time.Duration(i)*o.Around(5*time.Millisecond))
	}
}

// rival asks the leader to for a change that need share no quorum with the one
// before: who is alone is to grow the group, and whoever leads next, with half
// of it, to take that one out. Ongaro, raft-dev, 10 July 2015.
func (s *sim) rival(g process.Group, to process.ID) bool {
	o := &s.operator
	if old := o.rival; old != to && g.Votes(old) && len(g.Voters) > 2 {
		o.rival = 0
		remove(&g, old)
		s.sever(to, old, len(g.Voters)/2)
		s.request(&g, to, 0)
		return true
	}
	for i := range s.w.Replicas() {
		if id := process.ID(i + 1); s.w.Up(id) && !g.Votes(id) {
			o.rival = to
			remove(&g, id)
			g.Voters = insert(g.Voters, id)
			s.sever(to, id, 0)
			s.request(&g, to, 0)
			return true
		}
	}
	return false
}

// somebody returns the replica to ask: mostly whoever leads.
func (s *sim) somebody(d *dice.Dice) process.ID {
	id, epoch := process.ID(1+d.Below(s.w.Replicas())), uint64(0)
	if d.Chance(100_000) {
		return id
	}
	for i := range s.w.Replicas() {
		o := process.ID(i + 1)
		if st := s.w.Status(o); st.Leader == o && st.Epoch > epoch {
			id, epoch = o, st.Epoch
		}
	}
	return id
}

// random reports whether members change for no reason. They do not where disks
// are lost: see loseDisk; nor where no order keeps two changes from emptying the
// group together.
func (s *sim) random() bool {
	return s.plan.faults.Has(Members) && !s.plan.faults.Has(LoseDisk|Corrupt) && !s.settling.on && !s.store
}

// change turns g into the group that is wanted next, if another is.
func (s *sim) change(g *process.Group) bool {
	for _, id := range g.Members() {
		if s.w.Gone(id) { // take it out, and a blank one in
			return (!g.Votes(id) || len(g.Voters) > 1) && remove(g, id) && s.admit(g)
		}
	}
	random, o := s.random(), &s.operator

	if len(g.Learners) > 0 {
		id := g.Learners[0]
		if random && o.Chance(200_000) {
			return remove(g, id)
		}
		if random && o.Chance(300_000) && len(g.Voters) > 1 { // in place of another: two changes at once
			remove(g, dice.Pick(&o.Dice, g.Voters))
		}
		remove(g, id)
		g.Voters = insert(g.Voters, id)
		return true
	}
	switch {
	case !random:
		return false
	case len(g.Voters) > 2 && o.Chance(500_000):
		return remove(g, dice.Pick(&o.Dice, g.Voters))
	case len(g.Voters) < maxVoters:
		return s.admit(g)
	}
	return false
}

// shuffle turns g into a group with one voter more or less, or into any group
// of replicas that run.
func (s *sim) shuffle(g *process.Group) bool {
	o := &s.operator
	if o.Chance(s.plan.single) {
		if o.Chance(500_000) {
			return len(g.Voters) > 1 && remove(g, dice.Pick(&o.Dice, g.Voters))
		}
		id := process.ID(1 + o.Below(s.w.Replicas()))
		for n := s.w.Replicas(); n > 0 && (!s.w.Up(id) || g.Votes(id)); n-- {
			id = id%process.ID(s.w.Replicas()) + 1
		}
		if g.Votes(id) {
			return false
		}
		remove(g, id)
		g.Voters = insert(g.Voters, id)
		return true
	}
	g.Voters, g.Learners = nil, nil
	for i := range s.w.Replicas() {
		id := process.ID(i + 1)
		switch n := s.operator.Below(4); {
		case !s.w.Up(id) || len(g.Voters) == maxVoters:
		case n < 2:
			g.Voters = append(g.Voters, id)
		case n == 2:
			g.Learners = append(g.Learners, id)
		}
	}
	return len(g.Voters) > 0
}

// maxVoters is far enough above the usual groups, and even sizes occur on the way.
const maxVoters = 7

// admit adds a learner to g: one that runs and is no member, or a new one.
func (s *sim) admit(g *process.Group) bool {
	for i := range s.w.Replicas() {
		id := process.ID(i + 1)
		if s.w.Up(id) && !g.Has(id) && !s.w.Corrupted(id) && !(s.store && s.w.Status(id).Epoch > 0) {
			g.Learners = insert(g.Learners, id)
			return true
		}
	}
	if s.w.Replicas() >= s.plan.nodes+maxJoins {
		return false
	}
	id := process.ID(s.w.Replicas() + 1)
	s.grow()
	if !s.do(&schedule.Action{Kind: schedule.Join, Node: id}) || s.violation != nil {
		return false
	}
	g.Learners = insert(g.Learners, id)
	return true
}

// maxJoins bounds the replicas that join in one run, so that with MaxNodes a
// World has room for them.
const maxJoins = 24

func insert(ids []process.ID, id process.ID) []process.ID {
	ids = append(slices.Clone(ids), id)
	slices.Sort(ids)
	return ids
}

// remove takes id out of g.
func remove(g *process.Group, id process.ID) bool {
	is := func(other process.ID) bool { return other == id }
	g.Voters = slices.DeleteFunc(slices.Clone(g.Voters), is)
	g.Learners = slices.DeleteFunc(slices.Clone(g.Learners), is)
	return true
}

// transfer asks the leader to hand over to id.
func (s *sim) transfer(id process.ID) {
	s.counts["transfer"]++
	r := process.Request{Kind: process.Transfer, Cmd: binary.AppendUvarint(nil, uint64(id))}
	to := s.somebody(&s.faults[Transfer.Number()])
	s.send(schedule.Call{Client: schedule.NoClient, Req: r, To: to}, s.plan.delayMin)
}
