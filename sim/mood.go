package sim

import (
	"time"

	"althing/process"
	"althing/sim/agenda"
	"althing/sim/dice"
	"althing/sim/schedule"
)

// A mood is what kind of trouble a seed looks for. Most have none, and take
// what comes; the others bring about what chance alone rarely does.
type mood uint8

const (
	calm    mood = iota
	storm        // elections hardly last longer than messages: one candidate meets another
	ambush       // whoever leads is struck when much is at stake
	leases       // old leaders are cut off while they may still believe that they lead
	changes      // the group changes as soon as somebody leads, and again
)

func (m mood) String() string {
	return [...]string{"calm", "storm", "ambush", "leases", "changes"}[m]
}

// strikes are the chances, in ppm, that something is done to a replica at a
// turning point. A protocol shows these in its Status.
type strikes struct {
	epoch  int // one has entered an epoch that nobody was in: to the leader before
	enter  int // one has entered an epoch after others: to itself
	office int // one has begun to lead: to itself
	first  int // a leader has committed for the first time: to itself
	crash  int // of those strikes that may be either, these are crashes
	hurry  int // one has begun to lead: it is asked to change the group
	alarm  int // one has waited for a leader in vain: another, which it will ask, crashes
}

// drawMood draws the mood of a seed, and what follows from it.
func (p *plan) drawMood(d *dice.Dice, o *Options) {
	p.strikes, p.hurry = strikes{hurry: 200_000}, 2*time.Millisecond
	on := func(kinds Faults) {
		for i := range faultKinds {
			if kind := kinds & o.Faults &^ o.off &^ p.faults & (1 << i); kind != 0 {
				p.faults |= kind
				p.drawFault(kind, d, o)
			}
		}
	}
	p.single, p.stray = 600_000, 250_000
	p.mood = dice.Pick(d, []mood{calm, calm, calm, calm, calm, storm, storm, ambush, ambush, ambush,
		leases, leases, leases, leases, leases, changes, changes, changes, changes, changes})
	switch p.mood {
	case storm:
		on(Crash | Duplicate | Reorder)
		p.hasten(d)
		p.strikes.enter, p.strikes.crash = d.Scale(50_000, 400_000), 1_000_000
		p.duplicate = p.among(Duplicate, d.Scale(100_000, 500_000))
		p.lease = d.Chance(100_000)
		p.reads, p.stray = 50, 500_000
	case ambush:
		on(Crash | Partition)
		p.hasten(d)
		p.batch, p.window = 1, dice.Pick(d, []int{0, 1})
		p.rate = d.Scale(5, 80)
		p.strikes.office, p.strikes.first = d.Scale(200_000, 800_000), d.Scale(200_000, 800_000)
		p.strikes.crash = dice.Pick(d, []int{0, 300_000, 700_000})
	case leases:
		p.oldLeaders(d, on)
	case changes:
		on(Members | Partition | Crash)
		if p.faults.Has(Members) {
			p.faults &^= LoseDisk | Corrupt // see loseDisk
		}
		p.hasten(d)
		p.single = 900_000
		p.hurry = d.Span(100*time.Microsecond, 2*time.Millisecond)
		p.strikes.hurry, p.strikes.crash = 600_000, dice.Pick(d, []int{0, 200_000})
		p.strikes.office, p.strikes.first = d.Scale(150_000, 600_000), d.Scale(50_000, 400_000)
		p.apart = 3 * p.election.Max
	}
}

// oldLeaders makes leaders that are cut off, or asleep, while others elect the
// next, and clients that ask them all the same.
func (p *plan) oldLeaders(d *dice.Dice, on func(Faults)) {
	p.lease = true
	p.delayMin, p.delayMean = time.Millisecond, d.Span(100*time.Microsecond, 2*time.Millisecond)
	p.sync, p.tail, p.loss = min(p.sync, time.Millisecond), 0, 0
	p.heartbeat = 100 * time.Millisecond
	p.election.Max = electionMin + d.Span(5*time.Millisecond, 40*time.Millisecond)
	p.keys, p.stray, p.retry = 1, 700_000, 60*time.Millisecond
	p.reads, p.pace = 20, d.Span(30*time.Millisecond, 300*time.Millisecond)
	p.strikes.epoch = d.Scale(300_000, 1_000_000)
	on(Partition)
	p.every[Partition.Number()] = d.Span(300*time.Millisecond, 2*time.Second)
	p.last[Partition.Number()] = d.Span(200*time.Millisecond, 800*time.Millisecond)
	switch d.Below(5) {
	case 0, 1:
		on(Transfer)
		p.every[Transfer.Number()] = d.Span(100*time.Millisecond, 2*time.Second)
	case 2:
		on(Pause)
		p.lease = false
		p.every[Pause.Number()] = d.Span(100*time.Millisecond, time.Second)
		p.last[Pause.Number()] = d.Span(150*time.Millisecond, 600*time.Millisecond)
	default: // a candidate lacks nothing only if little is written meanwhile
		on(Crash)
		p.faults &= Partition | Crash | Reorder | Duplicate | Drift | Skew
		p.pace = d.Span(400*time.Millisecond, time.Second)
		p.every[Crash.Number()] = d.Span(2*time.Second, 10*time.Second)
		p.last[Crash.Number()] = d.Span(100*time.Microsecond, time.Millisecond)
		p.every[Partition.Number()] = d.Span(300*time.Millisecond, time.Second)
		p.last[Partition.Number()] = d.Span(200*time.Millisecond, 400*time.Millisecond)
		p.strikes.alarm = 900_000
	}
}

// hasten makes elections short beside what a message takes, and crashes too.
func (p *plan) hasten(d *dice.Dice) {
	low := d.Span(30*time.Millisecond, 80*time.Millisecond)
	p.election = process.Span{Min: low, Max: low + d.Span(low/8, low)}
	p.heartbeat = d.Between(low/3, low*2/3)
	p.delayMin, p.delayMean = 100*time.Microsecond, d.Span(low/40, low/4)
	p.sync = d.Span(100*time.Microsecond, 10*time.Millisecond)
	p.last[Crash.Number()] = d.Span(100*time.Microsecond, 2*low)
	p.last[Partition.Number()] = d.Span(low, 6*low)
}

// among is ppm if the kind happens in this seed.
func (p *plan) among(kind Faults, ppm int) int {
	if !p.faults.Has(kind) {
		return 0
	}
	return ppm
}

// turn strikes where a replica that has just stepped shows a turning point.
func (s *sim) turn(id process.ID) {
	st, n, d := s.w.Status(id), s.node(id), &s.mood
	k := &s.plan.strikes
	entered := st.Epoch > n.epoch
	n.epoch = st.Epoch
	switch {
	case st.Epoch > s.highest:
		s.highest = st.Epoch
		if old := s.leading(id); old != 0 && d.Chance(k.epoch) {
			s.split(old, id)
		}
	case entered && st.Leader != id && d.Chance(k.enter):
		s.strike(id)
	}
	if st.Leader != id {
		return
	}
	if st.Epoch > s.epoch {
		s.epoch, n.first = st.Epoch, st.Commit
		s.elections++
		if d.Chance(k.office) {
			s.strike(id)
		}
		if s.random() && d.Chance(k.hurry) { // a new leader is not sure of its group yet
			s.heap.Push(agenda.Event{At: s.now + d.Around(s.plan.hurry), Kind: evHurry})
		}
	} else if st.Epoch == s.epoch && st.Commit > n.first {
		n.first = ^uint64(0)
		if s.plan.mood == changes && s.random() && d.Chance(k.hurry) {
			s.heap.Push(agenda.Event{At: s.now, Kind: evHurry})
		}
		if d.Chance(k.first) {
			s.strike(id)
		}
	}
}

// alarm is told that id has waited for a leader in vain.
func (s *sim) alarm(id process.ID) {
	if s.settling.on || !s.plan.faults.Has(Crash) {
		return
	}
	n := s.w.Replicas()
	first := s.mood.Below(n)
	for i := range n {
		o := process.ID(1 + (first+i)%n)
		if o != id && s.w.Up(o) && s.w.Status(o).Leader != o {
			s.crash(o, schedule.Crash, Crash)
			return
		}
	}
}

// leading returns a replica other than id that believes it leads; 0 if none.
func (s *sim) leading(id process.ID) process.ID {
	for i := range s.w.Replicas() {
		if o := process.ID(i + 1); o != id && s.w.Up(o) && s.w.Status(o).Leader == o {
			return o
		}
	}
	return 0
}

// strike crashes a replica, now or as soon as its disk is done, or cuts it off.
func (s *sim) strike(id process.ID) {
	d := &s.mood
	switch {
	case !d.Chance(s.plan.strikes.crash):
		s.split(id, 0)
	case s.settling.on || !s.plan.faults.Has(Crash):
	case d.Chance(500_000):
		s.node(id).doomed = true
	default:
		s.heap.Push(agenda.Event{At: s.now, Kind: evStrike, Node: uint8(id), Arg: s.node(id).life})
	}
}

// split cuts id and a few others off from the rest, among which is other; all
// that is on its way between them is lost.
func (s *sim) split(id, other process.ID) {
	if s.settling.on || !s.plan.faults.Has(Partition) {
		return
	}
	d, n := &s.mood, len(s.w.Members().Voters)
	s.sever(id, other, dice.Pick(d, []int{0, 0, (n - 1) / 2, d.Below(n)}))
}

// sever is split with at most so many others.
func (s *sim) sever(id, other process.ID, with int) {
	d, side := &s.mood, uint64(1)<<id
	g := s.w.Members()
	for ; with > 0; with-- { // a voter may be drawn twice: then there are fewer
		if o := dice.Pick(d, g.Voters); o != other {
			side |= 1 << o
		}
	}
	s.cutSides(side)
	s.counts["partition"]++
	s.splits++ // what was to mend earlier cuts mends nothing now
	s.mendAfter(s.plan.election.Min/2 + d.Around(max(s.plan.apart, s.plan.election.Max)))
}

// cutSides cuts every link between the replicas in side and the others, and
// no other.
func (s *sim) cutSides(side uint64) {
	s.enact(&schedule.Action{Kind: schedule.Heal})
	for from := process.ID(1); int(from) <= s.w.Replicas(); from++ {
		for to := process.ID(1); int(to) <= s.w.Replicas(); to++ {
			if side>>from&1 != side>>to&1 {
				s.enact(&schedule.Action{Kind: schedule.Cut, Node: to, Peer: from})
			}
		}
	}
}
