package primarybackup

import (
	"encoding/binary"
	"math"
	"slices"

	"althing/process"
	"althing/quorum"
)

func (r *PrimaryBackup) peer(id process.ID) *progress {
	for i := range r.peers { // a handful: faster than a map
		if r.peers[i].id == id {
			return &r.peers[i]
		}
	}
	return nil
}

// majority returns the highest value that a majority of voters reach.
func (r *PrimaryBackup) majority(value func(*progress) uint64) uint64 {
	return r.reached(quorum.Majority(len(r.log.Group().Voters)), 0, value)
}

// reached returns the highest value that n voters reach, without one of them.
func (r *PrimaryBackup) reached(n int, without process.ID, value func(*progress) uint64) uint64 {
	var few [9]uint64
	vs := few[:0]
	for i := range r.peers {
		if p := &r.peers[i]; p.votes && p.id != without {
			vs = append(vs, value(p))
		}
	}
	return quorum.Index(vs, n)
}

func matched(p *progress) uint64 { return p.match }

// onSubmit takes client requests in, or says who should.
func (r *PrimaryBackup) onSubmit(reqs []process.Request, out *process.Output) {
	for len(reqs) > 0 && r.role == primary { // in order, entries as they lie together
		n := slices.IndexFunc(reqs, special)
		if n < 0 {
			n = len(reqs)
		}
		if n == 0 {
			n = 1
			r.onSpecial(reqs[0], out)
		} else {
			r.onCommands(reqs[:n], out)
		}
		reqs = reqs[n:]
	}
	out.Refuse(reqs, process.NotLeader, r.primary)
}

func special(q process.Request) bool { return q.Kind != process.Command && q.Kind != process.Session }

func (r *PrimaryBackup) onSpecial(q process.Request, out *process.Output) {
	switch q.Kind {
	case process.Read:
		r.onRead(q, out)
	case process.Transfer:
		id, n := binary.Uvarint(q.Cmd)
		r.onTransfer(q, process.ID(id), n > 0 && id <= math.MaxUint16, out)
	default:
		out.Refuse([]process.Request{q}, process.Unsupported, 0)
	}
}

func (r *PrimaryBackup) onCommands(reqs []process.Request, out *process.Output) {
	low := min(r.settled, r.applied.index)
	switch {
	case r.transferee != 0: // or it would never have it all
		out.Refuse(reqs, process.Changing, r.primary)
	case r.log.Last()-low+uint64(len(reqs)) > maxUnsettled:
		out.Refuse(reqs, process.Busy, r.primary)
	default:
		r.propose(reqs, out)
	}
}

// propose appends requests to the primary's log and sends them on.
func (r *PrimaryBackup) propose(reqs []process.Request, out *process.Output) {
	prev := r.log.Last()
	r.log.Propose(r.epoch, reqs)
	es := r.log.Slice(prev, r.log.Last())
	out.Save(&Entries{Prev: prev, Sure: r.sure, Perhaps: r.perhaps, Entries: es})
	for i := range es {
		if es[i].Req.Kind == process.Session {
			r.sessions = append(r.sessions, es[i].Index)
		}
	}
	r.sendAll(out)
	out.Send(r.cfg.Self, &AppendReply{Epoch: r.epoch, OK: true, Match: r.log.Last()})
}

// sendAll sends every other replica what it lacks.
func (r *PrimaryBackup) sendAll(out *process.Output) {
	var same *AppendEntries // most lack the same: one message serves them
	for i := range r.peers {
		if p := &r.peers[i]; p.id != r.cfg.Self {
			same = r.sendAppend(p, false, same, out)
		}
	}
}

// sendAppend sends p the entries that it lacks, as far as flow control lets it;
// in doubt, or if p is being probed, an empty message if there are none. It may
// reuse a message made for another replica, and returns the one it made.
func (r *PrimaryBackup) sendAppend(p *progress, doubt bool, same *AppendEntries, out *process.Output) *AppendEntries {
	switch p.state {
	case installing:
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
		p.become(installing)
		r.lend(p, out)
		return same
	}
	if prev == last && !doubt {
		return same
	}
	commit, settled := min(r.applied.index, p.match), min(r.settled, p.match)
	if same == nil || same.Prev != prev || same.Commit != commit || same.Settled != settled {
		same = &AppendEntries{Epoch: r.epoch, Prev: prev, PrevEpoch: r.log.EpochAt(prev),
			Commit: commit, Settled: settled, Entries: r.log.Batch(prev, r.cfg.BatchBytes)}
	}
	// By Send: no backup has what its primary could forget. So of all logs that
	// end in an epoch, that of its primary is the longest: see doc.go, step 8.
	out.Send(p.id, same)
	n := uint64(len(same.Entries))
	switch {
	case p.state == probing:
		p.probed = true
	case n > 0:
		p.told = max(p.told, commit)
		p.next = prev + n + 1 // pipelined: assume it arrives; a refusal rewinds
		p.inflight = append(p.inflight, p.next-1)
	}
	return same
}

// tell sends p the commit index, if it holds something of which it was not told
// that it is committed. While entries are on their way to it, they or their answer will
// do. What is lost, each heartbeat says again.
func (r *PrimaryBackup) tell(p *progress, out *process.Output) {
	commit := min(r.applied.index, p.match)
	if p.id == r.cfg.Self || p.state != replicating || len(p.inflight) > 0 || commit <= p.told {
		return
	}
	p.told = commit
	// Now: it speaks of what is durable at this primary and at the receiver.
	out.SendNow(p.id, &Heartbeat{Epoch: r.epoch, Commit: commit, Settled: min(r.settled, p.match)})
}

// onAppendReply learns what a replica holds, itself included.
func (r *PrimaryBackup) onAppendReply(from process.ID, m *AppendReply, out *process.Output) {
	p := r.peer(from)
	if r.role != primary || p == nil {
		return
	}
	p.active, p.heard = true, r.now
	if !m.OK {
		r.onRefusal(p, m, out)
		return
	}
	assert(m.Match <= r.log.Last(), "nobody holds entries of this epoch that its primary lacks")
	if m.Match > p.match {
		p.match, p.moved = m.Match, true
	}
	p.next = max(p.next, p.match+1)
	n, _ := slices.BinarySearch(p.inflight, p.match+1)
	p.inflight = p.inflight[:copy(p.inflight, p.inflight[n:])]
	if p.state != replicating && p.match >= r.log.Base() && p.id != r.cfg.Self && m.Match+1 >= p.next {
		p.become(replicating)
	}
	if p.votes && p.match >= r.applied.index {
		p.inStep = true
	}
	r.advance(out)
	if p.id != r.cfg.Self && p.next <= r.log.Last() {
		r.sendAppend(p, false, nil, out)
	}
	r.tell(p, out)
	if p.id == r.transferee {
		r.tryTransfer(out)
	}
}

// onRefusal finds where to go on: the backup named its last entry that may
// agree, and we skip what of ours cannot.
func (r *PrimaryBackup) onRefusal(p *progress, m *AppendReply, out *process.Output) {
	stale := m.Prev <= p.match || p.state == probing && m.Prev != p.next-1
	if stale || p.state == installing {
		return
	}
	try := min(m.Match, m.Prev-1, r.log.Last())
	for try > r.log.Base() && try > p.match && r.log.EpochAt(try) > m.HintEpoch {
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

// advance commits what the mode allows.
func (r *PrimaryBackup) advance(out *process.Output) {
	if n := r.majority(matched); n >= r.begun && n > r.settled {
		r.settled = n
		k, _ := slices.BinarySearch(r.sessions, n+1)
		r.sessions = r.sessions[k:]
	}
	n := r.held()
	if r.settled < r.begun {
		n = 0 // another may still be promoted without what it would build on
	}
	if len(r.sessions) > 0 {
		// The number of a session is the index of its entry: were it lost, another
		// client would be given the same. So this one answer waits for a majority.
		n = min(n, r.sessions[0]-1)
	}
	if n > r.applied.index && (!r.mode.loses() || r.leaseHolds()) {
		r.commitTo(n, out)
		r.serveReads(out)
	}
	for i := range r.peers {
		r.tell(&r.peers[i], out)
	}
}

// held returns how far the log is held by those whom an answer waits for.
func (r *PrimaryBackup) held() uint64 {
	n := r.peer(r.cfg.Self).match
	switch r.mode {
	case synchronous:
		for i := range r.peers {
			if r.peers[i].inStep {
				n = min(n, r.peers[i].match)
			}
		}
	case semiSynchronous:
		if k := min(r.cfg.Acks, len(r.log.Group().Voters)-1); k > 0 {
			n = min(n, r.reached(k, r.cfg.Self, matched))
		}
	}
	return n
}

// commitTo applies entries up to n, if the application can go on from what it
// holds.
func (r *PrimaryBackup) commitTo(n uint64, out *process.Output) {
	if n > r.applied.index && n <= r.log.Last() && r.mended() {
		out.Commit(r.log.Slice(r.applied.index, n))
		r.applied = position{n, r.log.EpochAt(n)}
	}
}

// onAppendEntries makes our log agree with the primary's.
func (r *PrimaryBackup) onAppendEntries(from process.ID, m *AppendEntries, out *process.Output) {
	r.hear(from, out)
	prev, prevEpoch, es := m.Prev, m.PrevEpoch, m.Entries
	match := m.Prev + uint64(len(m.Entries)) // not last: what follows may be of another epoch
	if prev < r.log.Base() {                 // what left the log is settled, and so is the primary's too
		n := min(r.log.Base()-prev, uint64(len(es)))
		prev, es = prev+n, es[n:]
		if prev < r.log.Base() {
			out.Send(from, &AppendReply{Epoch: r.epoch, OK: true, Match: prev})
			return
		}
		prevEpoch = r.log.BaseEpoch()
	}
	if !r.log.Has(prev, prevEpoch) {
		r.refuseAppend(from, m, out)
		return
	}
	for len(es) > 0 && r.log.Has(es[0].Index, es[0].Epoch) {
		prev, es = prev+1, es[1:] // here already; a delayed message must not cut off what follows
	}
	if len(es) > 0 {
		assert(prev >= r.settled, "no primary replaces what is settled")
		assert(prev >= r.applied.index || r.mode.loses() || !r.mended(), "no primary replaces what is decided")
		out.Save(&Entries{Prev: prev, Sure: r.sure, Perhaps: r.perhaps, Entries: es})
		r.cut(prev)
		r.log.Replace(prev, es)
	}
	out.Send(from, &AppendReply{Epoch: r.epoch, OK: true, Match: match})
	r.learn(m.Commit, m.Settled, out)
}

// learn takes in what is committed and settled of the entries here.
func (r *PrimaryBackup) learn(commit, settled uint64, out *process.Output) {
	r.settled = max(r.settled, settled)
	r.commitTo(commit, out)
}

// refuseAppend tells the primary the last entry of ours that may agree with its
// log before m.Prev: none of a later epoch than m.PrevEpoch does.
func (r *PrimaryBackup) refuseAppend(from process.ID, m *AppendEntries, out *process.Output) {
	try := max(min(m.Prev-1, r.log.Last()), r.log.Base())
	for try > r.log.Base() && r.log.EpochAt(try) > m.PrevEpoch {
		try--
	}
	// Now: it says nothing of what is durable here; the primary takes it as a
	// place to try.
	out.SendNow(from, &AppendReply{
		Epoch: r.epoch, Match: try, HintEpoch: r.log.EpochAt(try), Prev: m.Prev,
	})
}

// hear notes a sign of life from the primary of the present epoch.
func (r *PrimaryBackup) hear(from process.ID, out *process.Output) {
	assert(r.role != primary, "an epoch has one primary")
	if r.primary != from || r.role != backup {
		r.becomeBackup(from, out)
	}
	r.heard, r.bound = r.now, true
	out.SetTimer(election, r.cfg.Election)
}
