package raft

import (
	"slices"

	"althing/process"
	"althing/quorum"
)

// setPeers makes peers the present group, keeping what is known of those that
// stay. A leader that is being removed keeps itself, for its own log.
func (r *Raft) setPeers() {
	old := r.peers
	ids := r.log.Group().Members()
	r.peers = make([]progress, 0, len(ids))
	for _, id := range ids {
		p := progress{id: id, next: r.log.Last() + 1}
		if i := slices.IndexFunc(old, func(p progress) bool { return p.id == id }); i >= 0 {
			p = old[i]
		}
		r.peers = append(r.peers, p)
	}
}

func (r *Raft) peer(id process.ID) *progress {
	for i := range r.peers { // a handful: faster than a map
		if r.peers[i].id == id {
			return &r.peers[i]
		}
	}
	return nil
}

// quorumOf returns the highest value that a quorum of voters reach: of both
// groups while there are two. §6
func (r *Raft) quorumOf(value func(*progress) uint64) uint64 {
	g := r.log.Group()
	v := r.reached(g.Voters, value)
	if g.Joint() {
		v = min(v, r.reached(g.Outgoing, value))
	}
	return v
}

func (r *Raft) reached(voters []process.ID, value func(*progress) uint64) uint64 {
	var few [9]uint64
	vs := few[:0]
	for _, id := range voters {
		var v uint64
		if p := r.peer(id); p != nil {
			v = value(p)
		}
		vs = append(vs, v)
	}
	return quorum.Index(vs, quorum.Majority(len(voters)))
}

// onSubmit takes client requests in, or says who should. §5.3
func (r *Raft) onSubmit(reqs []process.Request, out *process.Output) {
	switch {
	case r.role != leader:
		out.Refuse(reqs, process.NotLeader, r.leader)
		return
	case !slices.ContainsFunc(reqs, special):
		r.onCommands(reqs, out)
		return
	}
	for len(reqs) > 0 && r.role == leader { // in order, commands as they lie together
		n := slices.IndexFunc(reqs, special)
		switch {
		case n < 0:
			n = len(reqs)
			r.onCommands(reqs, out)
		case n > 0:
			r.onCommands(reqs[:n], out)
		default:
			n = 1
			r.onSpecial(reqs[0], out)
		}
		reqs = reqs[n:]
	}
	out.Refuse(reqs, process.NotLeader, r.leader)
}

func special(q process.Request) bool { return q.Kind != process.Command }

func (r *Raft) onSpecial(q process.Request, out *process.Output) {
	switch q.Kind {
	case process.Read:
		r.onRead(q, out)
	case process.Session:
		r.onCommands([]process.Request{q}, out)
	case process.Members:
		r.onMembers(q, out)
	case process.Transfer:
		r.onTransfer(q, out)
	default:
		out.Refuse([]process.Request{q}, process.Unsupported, 0)
	}
}

func (r *Raft) onCommands(reqs []process.Request, out *process.Output) {
	switch {
	case r.transferee != 0: // or the target would never have it all. Thesis §3.10
		out.Refuse(reqs, process.Changing, r.leader)
	case r.log.Last()-r.commitIndex+uint64(len(reqs)) > maxUncommitted:
		out.Refuse(reqs, process.Busy, r.leader)
	default:
		r.propose(reqs, out)
	}
}

// propose appends requests to the leader's log and replicates them. §5.3
func (r *Raft) propose(reqs []process.Request, out *process.Output) {
	prev := r.log.Last()
	r.log.Propose(r.currentTerm, reqs)
	out.Save(&Entries{Prev: prev, Entries: r.log.Slice(prev, r.log.Last())})
	if r.log.GroupIndex() > prev {
		r.setPeers()
	}
	r.sendAll(false, out)
	// The leader's own copy counts like any other, when it is durable.
	// Thesis §10.2.1
	out.Send(r.cfg.Self, &AppendReply{Term: r.currentTerm, OK: true, Match: r.log.Last()})
}

// sendAll sends every other server what it lacks, and in doubt an empty message
// to those who lack nothing.
func (r *Raft) sendAll(doubt bool, out *process.Output) {
	var same *AppendEntries // most lack the same: one message serves them
	for i := range r.peers {
		if p := &r.peers[i]; p.id != r.cfg.Self {
			same = r.sendAppend(p, doubt, same, out)
		}
	}
}

// sendAppend sends p the entries that it lacks, as far as flow control lets
// it; in doubt, or if p is being probed, an empty message if there are none. It
// may reuse a message made for another server, and returns the one it made.
func (r *Raft) sendAppend(p *progress, doubt bool, same *AppendEntries, out *process.Output) *AppendEntries {
	switch p.state {
	case snapshotting:
		return same
	case probing:
		if p.probed {
			return same
		}
		doubt = true
	case replicating:
		if len(p.inflight) >= r.cfg.Window {
			return same
		}
	}
	prev, last := p.next-1, r.log.Last()
	if prev < r.log.Base() {
		r.sendSnapshot(p, out)
		return same
	}
	if prev == last && !doubt {
		return same
	}
	if same == nil || same.Prev != prev {
		same = &AppendEntries{
			Term: r.currentTerm, Prev: prev, PrevTerm: r.log.EpochAt(prev),
			Commit: r.commitIndex, Entries: r.log.Batch(prev, r.cfg.BatchBytes),
		}
	}
	// Now: followers may write while we do, for our own copy is counted only
	// by the reply that we Send ourselves, and followers' own copies speak for
	// themselves. Thesis §10.2.1
	out.SendNow(p.id, same)
	n := uint64(len(same.Entries))
	switch {
	case p.state == probing:
		p.probed = true
	case n > 0:
		p.told = max(p.told, min(same.Commit, prev+n))
		p.next = prev + n + 1 // pipelined: assume it arrives; a refusal rewinds
		p.inflight = append(p.inflight, p.next-1)
	}
	return same
}

// tell sends p the commit index, if p holds something of which it was not told
// that it is decided. While there are entries on their way to it, they or their
// answer will do. No answer is needed: what is lost, each heartbeat says again.
func (r *Raft) tell(p *progress, out *process.Output) {
	commit := min(r.commitIndex, p.match)
	if p.id == r.cfg.Self || p.state != replicating || len(p.inflight) > 0 || commit <= p.told {
		return
	}
	p.told = commit
	// Now: it speaks of what a quorum has on its disks, and the receiver too.
	out.SendNow(p.id, &Heartbeat{Term: r.currentTerm, Commit: commit})
}

// onAppendReply learns what a server holds, itself included.
func (r *Raft) onAppendReply(from process.ID, m *AppendReply, out *process.Output) {
	p := r.peer(from)
	if r.role != leader || p == nil {
		return
	}
	p.active, p.heard = true, r.now
	if !m.OK {
		r.onRefusal(p, m, out)
		return
	}
	assert(m.Match <= r.log.Last(), "nobody holds entries of this term that its leader lacks")
	if m.Match > p.match {
		p.match = m.Match
	}
	p.next = max(p.next, p.match+1)
	n, _ := slices.BinarySearch(p.inflight, p.match+1)
	p.inflight = p.inflight[:copy(p.inflight, p.inflight[n:])]
	if p.state != replicating && p.match >= r.log.Base() && p.id != r.cfg.Self && m.Match+1 >= p.next {
		p.become(replicating)
	}
	if r.advanceCommit(out); r.role != leader {
		return
	}
	if p.id != r.cfg.Self && p.next <= r.log.Last() {
		r.sendAppend(p, false, nil, out)
	}
	r.tell(p, out)
	if p.id == r.transferee {
		r.tryTransfer(out)
	}
}

// onRefusal finds where to go on: the follower named its last entry that may
// agree, and we skip what of ours cannot. §5.3
func (r *Raft) onRefusal(p *progress, m *AppendReply, out *process.Output) {
	stale := m.Prev <= p.match || p.state == probing && m.Prev != p.next-1
	if stale || p.state == snapshotting {
		return
	}
	try := min(m.Match, m.Prev-1, r.log.Last())
	for try > r.log.Base() && try > p.match && r.log.EpochAt(try) > m.HintTerm {
		try--
	}
	p.become(probing)
	p.next = max(try, p.match) + 1
	r.sendAppend(p, true, nil, out)
}

// become changes the mode of replication and forgets what the last one sent.
func (p *progress) become(s progressState) {
	p.state, p.probed, p.inflight, p.told = s, false, p.inflight[:0], 0
	if s == replicating {
		p.next = p.match + 1
	}
}

// advanceCommit commits what a quorum holds, if the last of it is of this
// term: an earlier leader's entry is decided only by one of ours after it,
// for a later leader may still replace it. §5.4.2
func (r *Raft) advanceCommit(out *process.Output) {
	n := r.quorumOf(func(p *progress) uint64 { return p.match })
	if n <= r.commitIndex || r.log.EpochAt(n) != r.currentTerm {
		return
	}
	r.commitTo(n, out)
	r.serveReads(out)
	r.afterGroupCommit(out)
	for i := range r.peers { // nobody, if this server leads no longer
		r.tell(&r.peers[i], out)
	}
}

func (r *Raft) commitTo(n uint64, out *process.Output) {
	if n > r.commitIndex {
		out.Commit(r.log.Slice(r.commitIndex, n))
		r.commitIndex = n
	}
}

// onAppendEntries makes our log agree with the leader's. §5.3
func (r *Raft) onAppendEntries(from process.ID, m *AppendEntries, out *process.Output) {
	r.hear(from, out)
	prev, prevTerm, es := m.Prev, m.PrevTerm, m.Entries
	if prev < r.log.Base() { // what is compacted was committed, and so is the leader's too
		n := min(r.log.Base()-prev, uint64(len(es)))
		prev, es = prev+n, es[n:]
		if prev < r.log.Base() {
			out.Send(from, &AppendReply{Term: r.currentTerm, OK: true, Match: r.commitIndex})
			return
		}
		prevTerm = r.log.BaseEpoch()
	}
	if !r.log.Has(prev, prevTerm) {
		r.refuseAppend(from, m, out)
		return
	}
	for len(es) > 0 && r.log.Has(es[0].Index, es[0].Epoch) {
		prev, es = prev+1, es[1:] // here already; a delayed message must not cut off what follows
	}
	if len(es) > 0 {
		assert(prev >= r.commitIndex, "no leader replaces what is decided")
		r.log.Replace(prev, es)
		out.Save(&Entries{Prev: prev, Entries: es})
	}
	match := m.Prev + uint64(len(m.Entries)) // not last: what follows may be another leader's
	out.Send(from, &AppendReply{Term: r.currentTerm, OK: true, Match: match})
	r.commitTo(min(m.Commit, match), out)
}

// refuseAppend tells the leader the last entry of ours that may agree with its
// log before m.Prev: none of a later term than m.PrevTerm does. §5.3
func (r *Raft) refuseAppend(from process.ID, m *AppendEntries, out *process.Output) {
	try := min(m.Prev-1, r.log.Last())
	for try > r.commitIndex && r.log.EpochAt(try) > m.PrevTerm {
		try--
	}
	// Now: it says nothing of what is durable here; the leader takes it as a
	// place to try.
	out.SendNow(from, &AppendReply{
		Term: r.currentTerm, Match: try, HintTerm: r.log.EpochAt(try), Prev: m.Prev,
	})
}

// hear notes a sign of life from the leader of the present term.
func (r *Raft) hear(from process.ID, out *process.Output) {
	assert(r.role != leader, "a term has one leader")
	if r.leader != from || r.role != follower {
		r.becomeFollower(from, out)
	}
	r.heard, r.bound = r.now, true
	out.SetTimer(election, r.cfg.Election)
}
