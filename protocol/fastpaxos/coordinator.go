package fastpaxos

import (
	"slices"
	"time"

	"althing/process"
)

// A coordinator begins rounds and brings to an end what does not end by itself.
// What it knows does not outlive a crash: then another round is begun.
type coordinator struct {
	role     role
	leader   process.ID      // heard last, 0: none
	quiet    int             // ticks since
	highest  uint64          // round heard of from those who refused
	round    uint64          // its own, a base
	seconds  []process.ID    // scouting: who knows of no coordinator
	promises []promise       // preparing
	silent   []uint8         // ticks since each voter was heard, by position
	commits  []uint64        // what each said that it knows
	heardAt  []time.Duration // when; for people, who look at it in Progress
	now      time.Duration   // of the present Input
	settled  int             // ticks for which a fast quorum was there
}

type role uint8

const (
	following role = iota
	scouting       // may it begin a round?
	preparing      // phase 1
	leading        // phase 2
)

type promise struct {
	from   process.ID
	commit uint64
	votes  []Vote
}

func (r *replica) onTimeout(t process.Timer, out *process.Output) {
	switch {
	case t == election && r.role != leading:
		r.leader = 0
		r.scout(out)
	case t == tick:
		r.onTick(out)
	}
}

// scout asks all whether a round would be of use: a replica that hears nobody, or
// alone does not hear the coordinator, would only disturb with one.
func (r *replica) scout(out *process.Output) {
	out.SetTimer(election, r.cfg.Election)
	if r.position(r.cfg.Self) < 0 {
		return // who has no acceptor leaves it to those who have
	}
	r.resign(out)
	r.role = scouting
	r.seconds = append(r.seconds[:0], r.cfg.Self)
	for _, to := range r.group.Voters {
		if to != r.cfg.Self {
			// Now: a question says nothing.
			out.SendNow(to, &Scout{})
		}
	}
	r.seconded(out) // alone, we are the quorum
}

// onScout says so if there is no coordinator.
func (r *replica) onScout(from process.ID, out *process.Output) {
	bound := int(r.cfg.Election.Min / r.cfg.Heartbeat)
	if r.role == leading || r.leader != 0 && r.leader != from && r.quiet < bound {
		return
	}
	// Now: it lets the other one try, which it may do at any time.
	out.SendNow(from, &Second{Promised: r.promised})
}

func (r *replica) onSecond(from process.ID, m *Second, out *process.Output) {
	if r.role == scouting && r.position(from) >= 0 && !slices.Contains(r.seconds, from) {
		r.highest = max(r.highest, m.Promised)
		r.seconds = append(r.seconds, from)
		r.seconded(out)
	}
}

func (r *replica) seconded(out *process.Output) {
	if len(r.seconds) >= r.classic() {
		r.begin(out)
	}
}

// begin begins a round beyond all known ones, for all instances at once. Phase 1a
func (r *replica) begin(out *process.Output) {
	out.SetTimer(election, r.cfg.Election)
	const shift = kindBits + idBits
	r.resign(out)
	r.round = (max(r.promised, r.highest)>>shift+1)<<shift | uint64(r.cfg.Self)<<kindBits
	r.promised = r.round // for after a crash it must not be begun again
	r.role, r.promises = preparing, nil
	m := &Prepare{r.round}
	out.Save(m)
	for _, to := range r.group.Voters {
		out.Send(to, m)
	}
}

// resign forgets all that only the coordinator of a round may know.
func (r *replica) resign(out *process.Output) {
	if r.role == leading {
		out.SetTimer(election, r.cfg.Election)
	}
	r.role, r.seconds, r.promises, r.settled = following, nil, nil, 0
	for i := range r.insts {
		r.insts[i].said, r.insts[i].saying, r.insts[i].age = false, process.Entry{}, 0
	}
}

func (r *replica) onPromise(from process.ID, m *Promise, out *process.Output) {
	p := r.position(from)
	r.hearOf(from, m.Commit)
	if r.role != preparing || m.Round != r.round || p < 0 ||
		slices.ContainsFunc(r.promises, func(o promise) bool { return o.from == from }) {
		return
	}
	r.silent[p] = 0
	r.promises = append(r.promises, promise{from, m.Commit, m.Votes})
	r.tryLead(out)
}

// tryLead begins phase 2 when a classic quorum has promised, and this replica knows
// what they know to be chosen. In each instance with a vote it says what O4 makes
// of their votes, and in the gaps between nothing; after these its hands are free.
// All this in the classic round: nobody can have voted in the fast round before.
func (r *replica) tryLead(out *process.Output) {
	if r.role != preparing || len(r.promises) < r.classic() {
		return
	}
	after := r.log.Last()
	for _, p := range r.promises {
		if p.commit > r.log.Last() {
			if r.ahead == 0 { // else the next tick asks
				r.hearOf(p.from, p.commit)
			}
			return
		}
		if n := len(p.votes); n > 0 {
			after = max(after, p.votes[n-1].Entry.Index)
		}
	}
	r.role, r.leader, r.quiet = leading, r.cfg.Self, 0
	out.StopTimer(election)
	var es []process.Entry
	for i := r.log.Last() + 1; i <= after; i++ {
		if x := r.at(i); x != nil {
			e := x.value
			if !x.decided {
				e = r.pick(r.promised1(i))
			}
			e.Index = i
			es = append(es, e)
		}
	}
	r.any = Heartbeat{Round: r.round, After: after, Any: r.fastReady()}
	r.beat(out)
	r.say(es, out)
}

// promised1 returns the vote in an instance of each who promised.
func (r *replica) promised1(index uint64) []Vote {
	vs := make([]Vote, len(r.promises))
	for i, p := range r.promises {
		k, found := slices.BinarySearchFunc(p.votes, index, func(v Vote, index uint64) int {
			return int(v.Entry.Index) - int(index)
		})
		if found {
			vs[i] = p.votes[k]
		}
	}
	return vs
}

// fastReady reports whether a fast quorum seems to be there.
func (r *replica) fastReady() bool { return r.present() >= r.fastSize() }

// present returns how many voters were heard of late.
func (r *replica) present() (n int) {
	for i, id := range r.group.Voters {
		if id == r.cfg.Self || r.silent[i] < absent {
			n++
		}
	}
	return n
}

// say asks for votes in the classic round, once in an instance. Phase 2a
func (r *replica) say(es []process.Entry, out *process.Output) {
	for i := range es {
		x := r.at(es[i].Index)
		assert(!x.said, "a classic round has one value")
		x.said, x.saying = true, es[i]
	}
	r.sayAgain(es, out)
}

func (r *replica) sayAgain(es []process.Entry, out *process.Output) {
	r.batches(es, func(es []process.Entry) {
		m := &Accept{Round: r.round | classicRound, Entries: es}
		for _, to := range r.group.Voters {
			// Now: the round was durable before its promises came, and after a crash it is
			// not ours any more. So nothing else will be said in it.
			out.SendNow(to, m)
		}
	})
}

// onWish lets a classic round be about what others propose, where nothing is said
// yet.
func (r *replica) onWish(wanted []process.Entry, out *process.Output) {
	var es []process.Entry
	for i := range wanted {
		x := r.at(wanted[i].Index)
		if x != nil && wanted[i].Index > r.any.After && !x.said && !x.decided {
			es = append(es, wanted[i])
		}
	}
	r.say(es, out)
}

// recoverAs goes on in the classic round of a fast one in which an instance came to
// nothing: a vote in the fast round is a promise, too, for nobody votes twice in
// one. Coordinated recovery, §3.2
func (r *replica) recoverAs(index uint64, x *instance, out *process.Output) {
	if r.role != leading || !r.any.Any || index <= r.any.After || x.said || x.decided {
		return
	}
	last := r.round | fastRound
	if r.alone { // who voted there may still vote in the round between
		last = r.round | aloneRound
	}
	if votes := x.votesIn(last); len(votes) >= r.classic() {
		v := r.pick(votes)
		v.Index = index
		r.say([]process.Entry{v}, out)
	}
}

// onNack leaves a round that another one has overtaken.
func (r *replica) onNack(m *Nack, out *process.Output) {
	r.highest = max(r.highest, m.Promised)
	if r.role >= preparing && m.Round == r.round {
		r.leader = 0
		r.resign(out)
	}
}

// beat lets all hear that there is a coordinator, and what they may vote for.
func (r *replica) beat(out *process.Output) {
	m := r.any
	m.Commit = r.log.Last()
	for _, to := range r.group.Members() {
		if to != r.cfg.Self {
			// Now: the round is durable, and what it allows does not change.
			out.SendNow(to, &m)
		}
	}
}

func (r *replica) onHeartbeat(from process.ID, m *Heartbeat, out *process.Output) {
	switch {
	case m.Round < r.promised:
		r.nack(from, m.Round, out)
		return
	case m.Round < r.any.Round:
		return // it is late
	}
	if m.Round > r.round && from != r.cfg.Self {
		r.resign(out)
	}
	r.leader, r.quiet, r.any = from, 0, *m
	r.any.Commit = 0
	r.hearOf(from, m.Commit)
	out.SetTimer(election, r.cfg.Election)
	// Now: it says that we are here.
	out.SendNow(from, &Alive{Round: m.Round, Commit: r.log.Last(), High: r.high})
}

func (r *replica) onAlive(from process.ID, m *Alive) {
	p := r.position(from)
	if r.role != leading || p < 0 || m.Round != r.round {
		return
	}
	r.silent[p], r.heardAt[p] = 0, r.now
	r.commits[p] = max(r.commits[p], m.Commit)
	r.hearOf(from, m.Commit)
	if m.High > r.log.Last() {
		r.at(m.High) // there may be a vote that nobody else has heard of
	}
}

// onTick says again what may be lost, and looks after what takes long.
func (r *replica) onTick(out *process.Output) {
	out.SetTimer(tick, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
	r.quiet++
	for i := range r.insts {
		r.insts[i].age = min(r.insts[i].age+1, despair)
	}
	r.catchUp(out)
	r.query(out)
	r.sayVotes(out)
	switch r.role {
	case preparing:
		for _, to := range r.group.Voters {
			out.Send(to, &Prepare{r.round})
		}
	case leading:
		r.lead(out)
	}
	r.proposeAgain(out)
}

// lead is the coordinator's part of a tick.
func (r *replica) lead(out *process.Output) {
	for i := range r.silent {
		r.silent[i] = min(r.silent[i]+1, absent)
	}
	if r.present() < r.classic() { // nothing can be chosen: others may be better placed
		r.leader = 0
		r.resign(out)
		return
	}
	r.settled++
	if !r.fastReady() {
		r.settled = 0
	}
	if r.any.Any != r.fastReady() && (r.any.Any || r.settled >= steady) || r.desperate() {
		r.begin(out) // a round of the other kind, or one that sees all votes
		return
	}
	r.beat(out)
	var again, fresh, prods []process.Entry
	for k := range r.insts {
		x, index := &r.insts[k], r.log.Last()+1+uint64(k)
		switch {
		case x.decided || x.age < patience || x.age%patience != 0:
		case x.said:
			again = append(again, x.saying)
		case !r.any.Any || index <= r.any.After:
			fresh = append(fresh, process.Entry{Index: index, Req: process.Request{Kind: process.NoOp}})
		default:
			if r.recoverAs(index, x, out); !x.said {
				prods = append(prods, x.anyVote(index))
			}
		}
	}
	r.say(fresh, out)
	r.sayAgain(again, out)
	// It brings the acceptors to vote where things do not come to an end, as any
	// proposer might: for what some voted for, or for nothing.
	r.wish(prods, out)
}

// desperate reports whether an instance took so long that only another round may
// help: for instance, votes were lost in a crash of those who alone had heard them.
func (r *replica) desperate() bool {
	return slices.ContainsFunc(r.insts, func(x instance) bool { return !x.decided && x.age >= despair })
}

// anyVote returns what some acceptor voted for in an instance, or nothing.
func (x *instance) anyVote(index uint64) process.Entry {
	for i := range x.heard {
		if x.heard[i].Round != 0 {
			return x.heard[i].Entry
		}
	}
	return process.Entry{Index: index, Req: process.Request{Kind: process.NoOp}}
}
