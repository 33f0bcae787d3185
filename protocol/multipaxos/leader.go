package multipaxos

import (
	"slices"
	"time"

	"althing/process"
	"althing/quorum"
)

// peer is what a leader knows of one acceptor or learner, itself too.
type peer struct {
	id    process.ID
	state peerState
	match uint64 // it accepted in our ballot, or knows to be decided, all up to here
	next  uint64 // next slot to send
	// inflight is the last slots of the messages sent after match, ascending.
	inflight []uint64
	told     uint64        // the highest decided slot that we told it of
	probed   bool          // probing: one message is on its way
	active   bool          // heard since the last check of the quorum
	round    uint64        // highest round answered
	heard    time.Duration // when last heard; 0: not in this ballot
	since    time.Duration // restoring: when the state was sent
	nudged   time.Duration // when last sent something for the sake of an answer
}

type peerState uint8

const (
	probing   peerState = iota // it may lack what we think it has: one message at a time
	streaming                  // messages follow one another without waiting
	restoring                  // an application state is on its way
)

// become changes the mode and forgets what the last one sent.
func (a *peer) become(s peerState) {
	a.state, a.probed, a.inflight, a.told = s, false, a.inflight[:0], 0
}

// setPeers makes peers the group in force, keeping what is known of those that
// stay. A leader that was removed keeps nobody's vote but goes on to propose.
func (p *Paxos) setPeers() {
	old := p.peers
	ids := p.log.Group().Members()
	p.peers = make([]peer, 0, len(ids))
	for _, id := range ids {
		a := peer{id: id, next: p.last + 1, nudged: p.now}
		if i := slices.IndexFunc(old, func(a peer) bool { return a.id == id }); i >= 0 {
			a = old[i]
		}
		p.peers = append(p.peers, a)
	}
}

func (p *Paxos) peer(id process.ID) *peer {
	for i := range p.peers { // a handful: faster than a map
		if p.peers[i].id == id {
			return &p.peers[i]
		}
	}
	return nil
}

// reached returns the highest value that size voters of the group in force reach.
func (p *Paxos) reached(size int, value func(*peer) uint64) uint64 {
	var few [9]uint64
	vs := few[:0]
	for _, id := range p.log.Group().Voters {
		var v uint64
		if a := p.peer(id); a != nil {
			v = value(a)
		}
		vs = append(vs, v)
	}
	return quorum.Index(vs, size)
}

// accepted returns the highest value that a quorum of the second phase reaches.
func (p *Paxos) accepted(value func(*peer) uint64) uint64 {
	return p.reached(p.second(len(p.log.Group().Voters)), value)
}

// onSubmit takes client requests in, or says who should.
func (p *Paxos) onSubmit(reqs []process.Request, out *process.Output) {
	switch {
	case p.role != leader:
		out.Refuse(reqs, process.NotLeader, p.leader)
		return
	case !slices.ContainsFunc(reqs, special):
		p.onCommands(reqs, out)
		return
	}
	for len(reqs) > 0 && p.role == leader { // in order, commands as they lie together
		n := slices.IndexFunc(reqs, special)
		switch {
		case n < 0:
			n = len(reqs)
			p.onCommands(reqs, out)
		case n > 0:
			p.onCommands(reqs[:n], out)
		default:
			n = 1
			p.onSpecial(reqs[0], out)
		}
		reqs = reqs[n:]
	}
	out.Refuse(reqs, process.NotLeader, p.leader)
}

func special(q process.Request) bool { return q.Kind != process.Command }

func (p *Paxos) onSpecial(q process.Request, out *process.Output) {
	switch q.Kind {
	case process.Read:
		p.onRead(q, out)
	case process.Session:
		p.onCommands([]process.Request{q}, out)
	case process.Members:
		p.onMembers(q, out)
	case process.Transfer:
		p.onTransfer(q, out)
	default:
		out.Refuse([]process.Request{q}, process.Unsupported, 0)
	}
}

// open reports whether there is a slot to propose in: phase 1 is over, and who
// decides the next slot is known.
func (p *Paxos) open() bool { return p.prepared && p.barrier == 0 }

func (p *Paxos) onCommands(reqs []process.Request, out *process.Output) {
	undecided := p.last - p.log.Last() + uint64(len(p.waiting))
	switch {
	case p.transferee != 0: // or the target would never have it all
		out.Refuse(reqs, process.Changing, p.leader)
	case undecided+uint64(len(reqs)) > maxUndecided:
		out.Refuse(reqs, process.Busy, p.leader)
	case !p.open():
		p.waiting = append(p.waiting, reqs...)
	default:
		p.propose(reqs, out)
	}
}

func (p *Paxos) proposeWaiting(out *process.Output) {
	if len(p.waiting) > 0 && p.open() {
		reqs := p.waiting
		p.waiting = nil
		p.propose(reqs, out)
	}
}

// propose gives requests the next slots. §3
func (p *Paxos) propose(reqs []process.Request, out *process.Output) {
	es := make([]process.Entry, len(reqs))
	for i := range reqs {
		es[i] = process.Entry{Epoch: uint64(p.ballot), Index: p.last + 1 + uint64(i), Req: reqs[i]}
	}
	p.accept(es, out)
}

// accept is phase 2a for es, in the slots after last: we accept them ourselves,
// and ask the others to.
func (p *Paxos) accept(es []process.Entry, out *process.Output) {
	p.votes.put(p.ballot, es)
	for len(es) > 0 {
		batch := p.votes.batch(p.last, p.last+uint64(len(es)), p.cfg.BatchBytes)
		out.Save(&Accept{Ballot: p.ballot, Prev: p.last, Commit: p.log.Last(), Entries: batch})
		p.last += uint64(len(batch))
		es = es[len(batch):]
	}
	p.sendAll(false, out)
	// Our own vote counts like any other, when it is durable.
	out.Send(p.cfg.Self, &Accepted{Ballot: p.ballot, Match: p.last, Prev: p.last})
}

// sendAll sends every other replica what it lacks, and in doubt an empty message
// to those who lack nothing.
func (p *Paxos) sendAll(doubt bool, out *process.Output) {
	var same *Accept // most lack the same: one message serves them
	for i := range p.peers {
		if a := &p.peers[i]; a.id != p.cfg.Self {
			same = p.send(a, doubt, same, out)
		}
	}
}

// send sends a the slots that it lacks, decided or not, as far as flow control
// lets it; in doubt, or if it is being probed, an empty message if there are
// none. It may reuse a message made for another, and returns the one it made.
// To propose in our ballot what is decided is what phase 1 would tell us to.
func (p *Paxos) send(a *peer, doubt bool, same *Accept, out *process.Output) *Accept {
	switch a.state {
	case restoring:
		return same
	case probing:
		if a.probed {
			return same
		}
		doubt = true
	case streaming:
		if len(a.inflight) >= p.cfg.Window {
			return same
		}
	}
	prev, decided := a.next-1, p.log.Last()
	if prev < p.log.Base() {
		p.sendState(a, out)
		return same
	}
	if prev == p.last && !doubt {
		return same
	}
	if same == nil || same.Prev != prev {
		same = &Accept{Ballot: p.ballot, Prev: prev, Commit: decided}
		switch {
		case prev < decided:
			same.Entries = p.log.Batch(prev, p.cfg.BatchBytes)
		case prev < p.last:
			same.Entries = p.votes.batch(prev, p.last, p.cfg.BatchBytes)
		}
	}
	// Now: others may write while we do, for our own vote is counted only by
	// the answer that we Send ourselves, and theirs speak for themselves. Should
	// we forget this proposal, nobody makes another in our ballot: a restart
	// begins with a later one, for our promise of this was durable before.
	out.SendNow(a.id, same)
	a.told = max(a.told, same.Commit)
	n := uint64(len(same.Entries))
	switch {
	case a.state == probing:
		a.probed = true
	case n > 0:
		a.next = prev + n + 1 // pipelined: assume it arrives; an answer that it did not rewinds
		a.inflight = append(a.inflight, a.next-1)
	}
	return same
}

// onAccepted learns what a replica holds, ourselves included.
func (p *Paxos) onAccepted(from process.ID, m *Accepted, out *process.Output) {
	a := p.peer(from)
	if p.role != leader || m.Ballot != p.ballot || a == nil {
		return
	}
	a.active, a.heard = true, p.now
	match := min(m.Match, p.last) // it may know of later slots that another leader decided
	a.match = max(a.match, match)
	n, _ := slices.BinarySearch(a.inflight, match+1)
	a.inflight = a.inflight[:copy(a.inflight, a.inflight[n:])]
	switch {
	case a.id == p.cfg.Self:
	case m.Match < m.Prev:
		p.onGap(a, match, m.Prev, out)
	default:
		a.next = max(a.next, match+1)
		if a.state != streaming && match >= p.log.Base() && match+1 >= a.next {
			a.become(streaming)
		}
	}
	if p.advance(out); p.role != leader || a.id == p.cfg.Self {
		return
	}
	if a = p.peer(from); a == nil { // the group changed
		return
	}
	if a.next <= p.last {
		p.send(a, false, nil, out)
	}
	p.tell(a, out)
	if a.id == p.transferee {
		p.tryTransfer(out)
	}
}

// onGap goes back to where a, which has all up to match only, can go on. What
// it lost may be what it once had: that something is decided it need not
// remember over a restart, if it accepted it in an earlier ballot.
func (p *Paxos) onGap(a *peer, match, prev uint64, out *process.Output) {
	if a.state == restoring || a.state == probing && prev != a.next-1 || match+1 >= a.next {
		return // an answer to something earlier
	}
	a.become(probing)
	a.next = match + 1
	p.send(a, true, nil, out)
}

// advance decides what a quorum accepted, in order: what they accepted counts up
// to their first gap only, so that all before it is decided too.
func (p *Paxos) advance(out *process.Output) {
	n := p.accepted(func(a *peer) uint64 { return a.match })
	if n <= p.log.Last() || !p.prepared {
		return
	}
	group := p.log.GroupIndex()
	p.learn(n)
	p.commitDecided(out)
	if p.barrier != 0 && n >= p.barrier {
		p.barrier = 0
	}
	if p.log.GroupIndex() != group { // before reads: the new group may know of more
		p.regroup(out)
	}
	p.serveReads(out)
	for i := range p.peers {
		p.tell(&p.peers[i], out)
	}
	if g := p.log.Group(); !g.Votes(p.cfg.Self) && p.log.GroupIndex() <= p.commit {
		p.sendAll(true, out) // we were removed, and the others can do without us
		p.becomeAcceptor(0, out)
	}
}

// tell tells a what is decided, unless something is on its way to it that does,
// or whose answer will make us. What is lost, each heartbeat says again.
func (p *Paxos) tell(a *peer, out *process.Output) {
	decided := p.log.Last()
	if a.id == p.cfg.Self || a.state != streaming || len(a.inflight) > 0 || decided <= a.told {
		return
	}
	a.told = decided
	// Now: it speaks of what a quorum has on its disks.
	out.SendNow(a.id, &Chosen{Ballot: p.ballot, Commit: decided})
}
