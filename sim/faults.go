package sim

import (
	"slices"
	"time"

	"althing/process"
	"althing/sim/agenda"
	"althing/sim/dice"
	"althing/sim/fault"
	"althing/sim/schedule"
)

// timed faults happen at times of their own; the others to each message, clock
// or group.
const timed = Partition | SlowDisk | FailFlush | LoseDisk | Corrupt | Pause | Crash | Compact | Transfer

func (s *sim) startFaults() {
	for i := range faultKinds {
		if kind := Faults(1 << i); s.plan.faults.Has(kind) && kind&timed != 0 {
			s.nextFault(i)
		}
	}
	if s.plan.faults.Has(Members | LoseDisk | Corrupt) {
		s.heap.Push(agenda.Event{At: s.operator.Between(time.Second, 2*time.Second), Kind: evOperator})
	}
}

// bringAnother lets a second fault follow soon, if the seed is so inclined: most
// of what goes wrong takes two that meet.
func (s *sim) bringAnother(d *dice.Dice) {
	if !d.Chance(s.plan.together) {
		return
	}
	var meet []int
	for i := range faultKinds {
		if s.plan.faults.Has((timed &^ (LoseDisk | Corrupt | Compact)) & (1 << i)) {
			meet = append(meet, i)
		}
	}
	if len(meet) > 0 {
		at := s.now + d.Around(d.Span(time.Millisecond, 300*time.Millisecond))
		s.heap.Push(agenda.Event{At: at, Kind: evFault, Arg: uint64(dice.Pick(d, meet) | again)})
	}
}

func (s *sim) nextFault(i int) {
	at := s.now + time.Millisecond + s.faults[i].Around(s.plan.every[i])
	s.heap.Push(agenda.Event{At: at, Kind: evFault, Arg: uint64(i)})
}

// again marks a fault that another brought: it has no successor of its own.
const again = 1 << 8

// fault lets fault i happen, and again some time later, until all settles.
func (s *sim) fault(i int) {
	single := i&again != 0
	i &^= again
	kind := Faults(1 << i)
	if s.settling.on && kind != Compact {
		return
	}
	d := &s.faults[i]
	if !single {
		s.nextFault(i)
		s.bringAnother(d)
	}
	id := s.victim(d)
	if !s.w.Up(id) && kind != Partition {
		return
	}
	switch kind {
	case Partition:
		s.partition(d)
	case SlowDisk:
		s.counts["slowdisk"]++
		s.node(id).slow = s.now + d.Around(s.plan.last[i])
	case FailFlush:
		s.node(id).failing = true
	case LoseDisk, Corrupt:
		s.loseDisk(id, kind)
	case Pause:
		s.pause(id, d.Around(s.plan.last[i]))
	case Crash:
		if d.Chance(400_000) {
			s.node(id).doomed = true
			return
		}
		power := d.Chance(60_000) // all at once
		for i := range s.w.Replicas() {
			if o := process.ID(i + 1); o == id || power || d.Chance(60_000) {
				s.crash(o, schedule.Crash, Crash)
			}
		}
	case Compact:
		s.compact(id)
	case Transfer:
		s.transfer(id)
		if s.plan.faults.Has(Partition) && d.Chance(300_000) { // while two may believe that they lead
			at := s.now + d.Around(3*s.plan.delayMean+s.plan.sync)
			s.heap.Push(agenda.Event{At: at, Kind: evFault, Arg: uint64(Partition.Number() | again)})
		}
	}
}

// victim returns the replica that a fault meets: any, or rather often one that
// leads, for that is where most is at stake.
func (s *sim) victim(d *dice.Dice) process.ID {
	id := process.ID(1 + d.Below(s.w.Replicas()))
	if d.Chance(400_000) {
		for i := range s.w.Replicas() {
			if o := process.ID(i + 1); s.w.Status(o).Leader == o {
				return o
			}
		}
	}
	return id
}

// partition cuts some links, and mends them later.
func (s *sim) partition(d *dice.Dice) {
	n := s.w.Replicas()
	victim, other := s.victim(d), process.ID(1+d.Below(n))
	side := d.Uint64()
	shape := d.Below(6)
	if s.plan.mood == leases && n > 1 && d.Chance(800_000) { // one hears no leader that others hear
		if old := s.leading(0); old != 0 {
			shape, victim = 4, old
			other = process.ID(1 + (int(old)+d.Below(n-1))%n)
		}
	}
	for from := process.ID(1); int(from) <= n; from++ {
		for to := process.ID(1); int(to) <= n; to++ {
			var cut bool
			switch shape {
			case 0: // one replica is cut off
				cut = from == victim || to == victim
			case 1: // it hears nothing
				cut = to == victim
			case 2: // it is not heard
				cut = from == victim
			case 3: // two sides
				cut = side>>from&1 != side>>to&1
			case 4: // two replicas do not reach each other
				cut = from == victim && to == other || from == other && to == victim
			case 5: // any links, one direction at a time
				cut = d.Chance(300_000)
			}
			if cut && from != to {
				s.do(&schedule.Action{Kind: schedule.Cut, Node: to, Peer: from})
			}
		}
	}
	s.counts["partition"]++
	s.mendAfter(d.Around(s.plan.last[Partition.Number()]))
}

func (s *sim) mendAfter(d time.Duration) {
	s.heap.Push(agenda.Event{At: s.now + d, Kind: evMend, Arg: s.splits})
}

// pause makes a replica get nothing for d.
func (s *sim) pause(id process.ID, d time.Duration) {
	if !s.do(&schedule.Action{Kind: schedule.Pause, Node: id}) {
		return
	}
	s.counts["pause"]++
	n := s.node(id)
	n.resume = s.now + d
	s.heap.Push(agenda.Event{At: n.resume, Kind: evResume, Node: uint8(id), Arg: n.life})
}

func (s *sim) resume(e *agenda.Event) {
	if n := s.node(process.ID(e.Node)); n.life == e.Arg && n.resume == s.now {
		s.do(&schedule.Action{Kind: schedule.Resume, Node: process.ID(e.Node)})
	}
}

// crash stops a replica. None, some or all of its unsynced records survive.
func (s *sim) crash(id process.ID, how schedule.Kind, kind Faults) {
	if !s.w.Up(id) {
		return
	}
	if s.plan.volatile && !s.w.MayForget(id) {
		s.node(id).doomed = false
		return
	}
	n, d := s.node(id), &s.faults[kind.Number()]
	keep := 0
	if k := s.w.Unsynced(id); d.Chance(600_000) {
		keep = d.Below(k + 1)
	}
	s.forget(id)
	s.do(&schedule.Action{Kind: how, Node: id, N: keep})
	s.counts[fault.Names[kind.Number()]]++
	down := d.Around(s.plan.last[kind.Number()])
	s.heap.Push(agenda.Event{At: s.now + down, Kind: evRestart, Node: uint8(id), Arg: n.life})
}

// forget voids what was to happen to a replica in this life.
func (s *sim) forget(id process.ID) {
	n := s.node(id)
	n.life++
	n.timers = [process.MaxTimer + 1]deadline{}
	n.syncing, n.failing, n.doomed, n.inbox, n.draining = 0, false, false, n.inbox[:0], false
}

func (s *sim) restart(e *agenda.Event) {
	if id := process.ID(e.Node); s.node(id).life == e.Arg && !s.w.Up(id) && !s.settling.excluded(id) {
		s.setClock(id)
		s.do(&schedule.Action{Kind: schedule.Restart, Node: id})
	}
}

// setClock gives a replica that is about to start its clock.
func (s *sim) setClock(id process.ID) {
	a := schedule.Action{Kind: schedule.Clock, Node: id}
	if s.plan.faults.Has(Drift) {
		a.N = s.faults[Drift.Number()].Below(s.plan.ppm + 1)
	}
	if s.plan.faults.Has(Skew) {
		a.Jump = s.faults[Skew.Number()].Between(0, time.Hour)
	}
	if a.N != 0 || a.Jump != 0 {
		s.do(&a)
	}
}

// loseDisk takes a replica out for good, if the group can bear it: all that a
// quorum keeps must be on a quorum of the disks that remain. So there may be
// only as many lost members as the group survives, and after the first none
// until every other member runs and nothing is undecided: an old change of
// the group that is decided late could bring a lost member back.
func (s *sim) loseDisk(id process.ID, kind Faults) {
	g := s.w.Members()
	if g.Joint() || !g.Votes(id) || s.operator.waits {
		return
	}
	gone := 0
	for _, v := range g.Voters {
		if s.w.Gone(v) {
			gone++
		}
	}
	if gone >= (len(g.Voters)-1)/2 || s.operator.lost > 0 && !s.quiescent(&g) {
		return
	}
	s.operator.lost++
	s.counts[fault.Names[kind.Number()]]++
	if kind == LoseDisk {
		s.forget(id)
		s.do(&schedule.Action{Kind: schedule.LoseDisk, Node: id})
		return
	}
	s.do(&schedule.Action{Kind: schedule.Corrupt, Node: id})
	s.forget(id)
	s.do(&schedule.Action{Kind: schedule.Crash, Node: id})
}

// quiescent reports whether all of g that can run do, and hold nothing that is
// not decided.
func (s *sim) quiescent(g *process.Group) bool {
	if s.store {
		return s.w.Converged(slices.DeleteFunc(g.Members(), s.w.Gone))
	}
	for _, id := range g.Members() {
		if s.w.Gone(id) {
			continue
		}
		st, decided := s.w.Status(id), uint64(len(s.w.Chosen()))
		if !s.w.Up(id) || st.Last != decided || st.Commit != decided {
			return false
		}
	}
	return true
}

// compact makes an application durable, and nearly always tells the process.
func (s *sim) compact(id process.ID) {
	d := &s.faults[Compact.Number()]
	if s.w.Paused(id) || !s.do(&schedule.Action{Kind: schedule.Flush, Node: id}) {
		return
	}
	s.counts["compact"]++
	n := s.node(id)
	if d.Chance(900_000) {
		at := s.now + d.Between(0, 5*time.Millisecond)
		s.heap.Push(agenda.Event{At: at, Kind: evFlush, Node: uint8(id), Arg: n.life})
	}
}

func (s *sim) flush(e *agenda.Event) {
	if id := process.ID(e.Node); s.node(id).life == e.Arg && !s.putOff(e) {
		s.do(&schedule.Action{Kind: schedule.Compact, Node: id})
	}
}
