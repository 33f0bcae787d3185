package vr

import (
	"slices"

	"althing/process"
	"althing/quorum"
)

// setPeers makes peers the group, of whose logs nothing is known in this view.
func (r *VR) setPeers() {
	ids := r.group().Members()
	r.peers = make([]peer, 0, len(ids))
	for _, id := range ids {
		r.peers = append(r.peers, peer{id: id})
	}
}

func (r *VR) peer(id process.ID) *peer {
	for i := range r.peers { // a handful: faster than a map
		if r.peers[i].id == id {
			return &r.peers[i]
		}
	}
	return nil
}

// quorumOf returns the highest value that f+1 voters reach.
func (r *VR) quorumOf(value func(*peer) uint64) uint64 {
	var few [9]uint64
	vs := few[:0]
	for i := range r.peers {
		if p := &r.peers[i]; r.voter(p.id) {
			vs = append(vs, value(p))
		}
	}
	return quorum.Index(vs, r.majority())
}

// onSubmit takes client requests in, or says who should. §4.1, steps 1 and 2
func (r *VR) onSubmit(reqs []process.Request, out *process.Output) {
	for len(reqs) > 0 && r.leads() { // in order, commands as they lie together
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
	out.Refuse(reqs, process.NotLeader, r.primary)
}

func special(q process.Request) bool {
	return q.Kind != process.Command && q.Kind != process.Session
}

func (r *VR) onSpecial(q process.Request, out *process.Output) {
	switch q.Kind {
	case process.Read:
		r.onRead(q, out)
	case process.Transfer:
		r.onTransfer(q, out)
	case process.Members:
		r.onMembers(q, out)
	default:
		out.Refuse([]process.Request{q}, process.Unsupported, 0)
	}
}

func (r *VR) onCommands(reqs []process.Request, out *process.Output) {
	switch {
	case r.changing():
		out.Refuse(reqs, process.Changing, r.primary) // §7.1, step 1
	case r.log.Last()-r.commitIndex+uint64(len(reqs)) > maxUncommitted:
		out.Refuse(reqs, process.Busy, r.primary)
	default:
		r.propose(reqs, out)
	}
}

// propose appends requests to the primary's log and sends them to all.
// §4.1, step 3
func (r *VR) propose(reqs []process.Request, out *process.Output) {
	prev := r.log.Last()
	r.log.Propose(r.view, reqs)
	r.replicate(prev, out)
}

// replicate saves what follows prev, which is new, and sends it to all.
func (r *VR) replicate(prev uint64, out *process.Output) {
	r.saveEntries(prev, r.log.Slice(prev, r.log.Last()), out)
	r.sendPrepares(out)
	// The primary's own copy counts like any other, when it is durable.
	out.Send(r.cfg.Self, &PrepareOk{View: r.view, N: r.log.Last()})
}

// sendPrepares sends all what was not yet sent, as far as the window lets it.
// Who loses some asks for it (see ask): a Prepare is sent once.
func (r *VR) sendPrepares(out *process.Output) {
	r.sent = max(r.sent, r.commitIndex) // answers to GetState go beyond what was sent to all
	for r.sent < r.log.Last() && len(r.inflight) < r.cfg.Window {
		m := &Prepare{
			View: r.view, Prev: r.sent, PrevView: r.log.EpochAt(r.sent),
			Commit: r.commitIndex, Entries: r.log.Batch(r.sent, r.cfg.BatchBytes),
		}
		if m.PrevView < r.view {
			m.Use = ForStartView
		}
		for i := range r.peers {
			if id := r.peers[i].id; id != r.cfg.Self {
				// Now: our own copy is counted only by the answer that we Send
				// ourselves. Should we crash and lose it, nothing else gets its
				// number in this view, for then we are primary of it no more.
				out.SendNow(id, m)
			}
		}
		r.sent += uint64(len(m.Entries))
		r.inflight = append(r.inflight, r.sent)
		r.told = r.commitIndex
	}
}

// onPrepare makes our log agree with that of the primary. §4.1, step 4; §4.2,
// step 5; §5.2
func (r *VR) onPrepare(from process.ID, m *Prepare, s *process.State, out *process.Output) {
	if m.Use == ForNewState && from == r.source && m.View == r.view {
		r.onSource(m, s, out)
		return
	}
	if from != r.primaryOf(m.View) || !r.follow(from, m.View, out) {
		return // of an old view, or a late answer to who has become primary since
	}
	had := r.matched
	last := r.takeAll(m, s, out)
	switch {
	case r.view != m.View: // the state that came is of a later epoch
		return
	case last == nil:
		r.ask(from, r.lacking(), out)
		return
	}
	r.acknowledge(out)
	r.commitTo(min(max(m.Commit, last.Commit), r.matched), out)
	if last.Use == ForNewState && !last.More && r.matched > had { // not for an answer that comes twice
		r.asking = false
		if last.Last > r.matched {
			r.ask(from, r.lacking(), out)
		}
	}
}

// follow notes a sign of life from the primary of view v. It reports whether we
// follow it: not if v is over.
func (r *VR) follow(from process.ID, v uint64, out *process.Output) bool {
	if v < r.view {
		// We are in a later view, and cannot go back: without this answer we
		// would be cut off for good if nobody else is there.
		out.Send(from, &StartViewChange{View: r.view, Entered: true})
		return false
	}
	if v > r.view {
		r.stepDown(out)
		r.setView(v, out)
	}
	assert(!r.leads(), "a view has one primary")
	if r.primary != from || r.status != normal {
		r.status, r.primary = normal, from
		r.forget()
	}
	r.endViewChange(out)
	r.heard, r.bound = r.now, true
	out.SetTimer(election, r.cfg.Election)
	return true
}

// takeAll takes m, and what came early and follows it. It returns the last that
// it took, or nil: then m is early itself, and kept.
func (r *VR) takeAll(m *Prepare, s *process.State, out *process.Output) *Prepare {
	if !r.take(m, s, out) {
		r.keep(m)
		return nil
	}
	for i := 0; i < len(r.early); i++ {
		e := r.early[i]
		if end := e.Prev + uint64(len(e.Entries)); end > r.matched && !r.take(e, nil, out) {
			continue
		} else if end == r.matched {
			m = e
		}
		r.early = slices.Delete(r.early, i, i+1)
		i = -1 // another may follow it; at most Window times
	}
	return m
}

// keep puts m aside until what it follows is here: of all that come early, those that
// will be needed first.
func (r *VR) keep(m *Prepare) {
	far := 0
	for i, e := range r.early {
		if e.Prev == m.Prev {
			r.early[i] = m
			return
		}
		if e.Prev > r.early[far].Prev {
			far = i
		}
	}
	if len(r.early) < r.cfg.Window {
		r.early = append(r.early, m)
	} else if m.Prev < r.early[far].Prev {
		r.early[far] = m
	}
}

// forget begins anew with a primary of whose log nothing is known.
func (r *VR) forget() {
	r.matched, r.asking, r.early = r.commitIndex, false, nil
}

// take makes the entries of m part of our log, if they follow something that
// both logs have. What differs from them goes, and all behind it; nothing goes
// before its replacement is here. (§5.2 would drop all that is not committed
// on learning of a later view. But what is dropped may have been promised, and
// be the copy that made it decided.)
func (r *VR) take(m *Prepare, s *process.State, out *process.Output) bool {
	if s != nil && s.Index > r.commitIndex {
		if r.load(s, out); r.view != m.View {
			return true
		}
	}
	prev, prevView, es := m.Prev, m.PrevView, m.Entries
	if prev < r.log.Base() { // what is compacted was committed, and so is the sender's too
		n := min(r.log.Base()-prev, uint64(len(es)))
		prev, es = prev+n, es[n:]
		if prev < r.log.Base() {
			return true
		}
		prevView = r.log.BaseEpoch()
	}
	if !r.log.Has(prev, prevView) {
		return false
	}
	for len(es) > 0 && r.log.Has(es[0].Index, es[0].Epoch) {
		prev, es = prev+1, es[1:] // here already; a delayed message must not cut off what follows
	}
	if len(es) > 0 {
		assert(prev >= r.commitIndex, "no primary replaces what is decided")
		r.log.Replace(prev, es)
		r.saveEntries(prev, es, out)
	}
	r.matched = max(r.matched, m.Prev+uint64(len(m.Entries)))
	return true
}

// onPrepareOk learns what a replica holds, itself included. §4.1, step 5
func (r *VR) onPrepareOk(from process.ID, m *PrepareOk, out *process.Output) {
	p := r.peer(from)
	if m.View != r.view || !r.leads() || p == nil {
		return
	}
	assert(m.N <= r.log.Last(), "nobody holds entries of this view that its primary lacks")
	p.active, p.heard = true, r.now
	p.match = max(p.match, m.N)
	r.advanceCommit(out)
}

// advanceCommit commits what f+1 hold, if the last of it is of this view: an
// entry of an earlier one is decided only by one of ours after it, for it is
// by their last entries that logs are compared in a view change.
func (r *VR) advanceCommit(out *process.Output) {
	n := r.quorumOf(func(p *peer) uint64 { return p.match })
	if n <= r.commitIndex || r.log.EpochAt(n) != r.view {
		return
	}
	if n == r.log.GroupIndex() {
		r.endEpoch(out)
		return
	}
	r.commitTo(n, out)
	k, _ := slices.BinarySearch(r.inflight, n+1)
	r.inflight = slices.Delete(r.inflight, 0, k)
	r.serveReads(out)
	r.sendPrepares(out)
	if len(r.inflight) == 0 && r.told < r.commitIndex { // else the next Prepare tells. §4.1, step 6
		r.told = r.commitIndex
		r.sendCommits(0, out)
	}
}

func (r *VR) commitTo(n uint64, out *process.Output) {
	if n > r.commitIndex {
		g := r.log.GroupIndex()
		assert(g <= r.commitIndex || g > n || begins(r.log.EpochAt(g)), "an epoch ends with its last entry")
		out.Commit(r.log.Slice(r.commitIndex, n))
		r.commitIndex = n
	}
}

// sendCommits tells all what is committed, and asks for an answer if round is
// not 0.
func (r *VR) sendCommits(round uint64, out *process.Output) {
	var same *Commit
	for i := range r.peers {
		p := &r.peers[i]
		if p.id == r.cfg.Self {
			continue
		}
		if same == nil || same.Known != p.match {
			same = &Commit{View: r.view, Last: r.sent, Known: p.match, Commit: r.commitIndex, Round: round}
		}
		// Now: it speaks of what f+1 have on their disks, and of a view that
		// f+1 were durably in before it began.
		out.SendNow(p.id, same)
	}
}

// onCommit hears from the primary. What is committed is so here as far as our
// log is known to be the primary's.
func (r *VR) onCommit(from process.ID, m *Commit, out *process.Output) {
	if from != r.primaryOf(m.View) || !r.follow(from, m.View, out) {
		return
	}
	if m.Round > 0 {
		// Now: it says that we were in no later view after the round began. A
		// later view that we help to begin waits for our disk to know of it, and
		// so begins after this. If we forget this view in a crash, we have still
		// entered no later one; and with leases we do not at once when we restart.
		out.SendNow(from, &CommitOk{View: r.view, Round: m.Round})
	}
	r.commitTo(min(m.Commit, r.matched), out)
	switch {
	case m.Last > r.matched:
		r.ask(from, r.lacking(), out)
	case m.Round > 0 && m.Known < r.matched: // an answer was lost
		r.acknowledge(out)
	}
}

// acknowledge tells the primary how much of its log is durable here, when it is.
func (r *VR) acknowledge(out *process.Output) {
	out.Send(r.primary, &PrepareOk{View: r.view, N: r.matched})
}

// checkQuorum makes a primary that f others do not answer stop, so that its
// clients look elsewhere.
func (r *VR) checkQuorum(out *process.Output) {
	active := r.quorumOf(func(p *peer) uint64 {
		if p.active || p.id == r.cfg.Self {
			return 1
		}
		return 0
	})
	if active == 0 {
		r.stepDown(out)
		r.suspect(out)
		return
	}
	for i := range r.peers {
		r.peers[i].active = false
	}
	out.SetTimer(checkTimer, process.Span{Min: r.cfg.Election.Max, Max: r.cfg.Election.Max})
}
