package sim

import (
	"althing/process"
	"althing/sim/guest"
	"althing/world"
)

// roams reports whether clients ask another store when one is silent: in a trial,
// where no history is judged, as clients do to whom all replicas are alike.
func (s *sim) roams() bool { return s.store && s.opt.meter != nil }

func (s *sim) keys() int { return min(s.plan.keys, maxKeys) }

// moveOn lets a client begin anew at another store.
func (s *sim) moveOn(i int) {
	c := &s.clients[i]
	if c.busy {
		s.giveUp(c)
	}
	g := s.w.Members()
	for range s.w.Replicas() {
		c.target = c.target%process.ID(s.w.Replicas()) + 1
		if g.Votes(c.target) && !s.w.Gone(c.target) {
			break
		}
	}
	c.guest.Begin()
	s.rest(i)
}

// useStore makes up an operation on a store.
func (s *sim) useStore(i int) {
	c := &s.clients[i]
	c.seq++
	switch calm := s.settling.on || s.plan.faults.Has(LoseDisk|Corrupt) || s.roams(); {
	case calm && c.guest.Moving(): // nobody who is left may have what it has seen
		c.guest.Begin()
	case !calm && c.Chance(50_000):
		c.target = process.ID(1 + c.Below(s.plan.nodes))
		c.guest.Move()
	}
	key := c.Below(s.keys())
	read := c.Below(100) < s.plan.reads
	if s.settling.last {
		key, read = c.reread, true
		c.reread++
	}
	c.op, c.req = c.guest.Ask(i, MaxClients, key, c.seq, read, &c.Dice)
	s.ask(i)
}

// lastReads lets every client read every key once more, now that all is the same.
func (s *sim) lastReads() {
	s.settling.last, s.settling.reread = true, s.now
	for i := range s.clients {
		if c := &s.clients[i]; !s.settling.excluded(c.target) {
			c.quiet = false
			s.sleep(i, 0)
		}
	}
}

func (s *sim) judgeStore() {
	if s.giveAllUp(); s.opt.meter != nil {
		return
	}
	if promise, why := guest.Judge(s.ops, s.settling.reread); promise != "" {
		s.violation = &world.Violation{Name: promise, Detail: why}
	}
}

// entries is how many were committed, or how many writes a store has taken in.
func (s *sim) entries() int {
	n := len(s.w.Chosen())
	for _, st := range s.stores() {
		n = max(n, int(st.Status().Last))
	}
	return n
}

// stores returns the stores that run.
func (s *sim) stores() (all []process.Store) {
	for i := range s.nodes {
		if st := s.w.Store(process.ID(i + 1)); st != nil {
			all = append(all, st)
		}
	}
	return all
}
