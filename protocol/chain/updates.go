package chain

import (
	"slices"

	"althing/process"
)

// onSubmit takes client requests in, or says who should.
func (r *Chain) onSubmit(reqs []process.Request, out *process.Output) {
	for len(reqs) > 0 { // in order, entries as they lie together
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
}

func special(q process.Request) bool { return q.Kind != process.Command && q.Kind != process.Session }

func (r *Chain) onSpecial(q process.Request, out *process.Output) {
	switch q.Kind {
	case process.Read:
		r.onRead(q, out)
	case process.Transfer:
		r.onTransfer(q, out)
	default:
		out.Refuse([]process.Request{q}, process.Unsupported, 0)
	}
}

func (r *Chain) onCommands(reqs []process.Request, out *process.Output) {
	switch {
	case r.role != head:
		r.refuseElsewhere(reqs, out)
	case r.heir != 0: // or it would never have it all
		out.Refuse(reqs, process.Changing, r.head)
	case r.log.Last()-r.commitIndex+uint64(len(reqs)) > maxUncommitted:
		out.Refuse(reqs, process.Busy, r.head)
	default:
		r.propose(reqs, out)
	}
}

// refuseElsewhere sends clients to the head, if it is known.
func (r *Chain) refuseElsewhere(reqs []process.Request, out *process.Output) {
	to := r.head
	if to == r.cfg.Self {
		to = 0 // elected: soon
	}
	out.Refuse(reqs, process.NotLeader, to)
}

// propose gives requests their places and sends them down the chain.
func (r *Chain) propose(reqs []process.Request, out *process.Output) {
	prev := r.log.Last()
	r.log.Propose(r.epoch, reqs)
	r.matched = r.log.Last()
	out.Save(&Entries{Prev: prev, Entries: r.log.Slice(prev, r.matched)})
	r.write(out)
	r.feed(false, out)
}

// write lets this replica know when its disk has what is matched, unless it is
// known that it need not: the tail commits, the others pass on.
func (r *Chain) write(out *process.Output) {
	if r.chain == nil || r.isTail() {
		out.Send(r.cfg.Self, &Written{Epoch: r.epoch, Match: r.matched})
	}
}

// enter takes its place in a chain, or outside.
func (r *Chain) enter(chain []process.ID) {
	r.chain, r.former = chain, nil
	if i := r.is(); i >= 0 && i+1 < len(chain) {
		r.follow(chain[i+1])
	}
}

// follow begins to feed id: its successor, or a learner.
func (r *Chain) follow(id process.ID) {
	r.down = downstream{id: id, next: r.matched + 1}
}

// onChain is for what passes along the chain.
func (r *Chain) onChain(in *process.Input, out *process.Output) {
	switch m := in.Msg.(type) {
	case *Update:
		if r.role != head {
			r.onUpdate(in.From, m, out)
		}
	case *InstallState:
		if r.role != head {
			r.onInstallState(in.From, in.State, out)
		}
	case *Ack:
		r.onAck(in.From, m, out)
	case *Written:
		r.durable = max(r.durable, m.Match)
		r.commitAsTail(out)
	case *Join:
		r.onJoin(in.From, out)
	}
}

// feed sends the next one what it lacks of what is the head's here, as far as
// flow control lets it; in doubt, or if it is being probed, an empty message if
// that is nothing.
func (r *Chain) feed(doubt bool, out *process.Output) {
	d := &r.down
	if d.id == 0 || d.state == installing || d.state == probing && d.probed {
		return
	}
	if d.state == replicating && len(d.inflight) >= r.cfg.Window {
		return
	}
	doubt = doubt || d.state == probing
	prev := d.next - 1
	if prev < r.log.Base() {
		r.lend(out)
		return
	}
	if prev >= r.matched && !doubt {
		return
	}
	es := r.log.Batch(prev, r.cfg.BatchBytes)
	if n := r.matched - prev; uint64(len(es)) > n {
		es = es[:n:n] // what follows may not be the head's
	}
	n := uint64(len(es))
	// A receipt is wanted where no commit will serve for one, or not soon.
	ask := doubt || !slices.Contains(r.chain, d.id) || 2*(len(d.inflight)+1) >= r.cfg.Window || prev+n < r.matched
	// By Send: nobody has what its predecessor could forget, §3's Update
	// Propagation Invariant. So what the tail's disk has, all disks have.
	out.Send(d.id, &Update{Epoch: r.epoch, Prev: prev, PrevEpoch: r.log.EpochAt(prev), Commit: r.commitIndex,
		Ask: ask, Entries: es})
	switch {
	case d.state == probing:
		d.probed = true
	case n > 0:
		d.next = prev + n + 1 // pipelined: assume it arrives; a refusal rewinds
		d.inflight = append(d.inflight, d.next-1)
	}
}

// tick is done with each heartbeat: what may be lost is asked for again.
func (r *Chain) tick(out *process.Output) {
	d := &r.down
	if d.state == installing && r.now-d.since > patience*r.cfg.Election.Max {
		d.become(probing) // the state was lost on its way
		d.next = d.match + 1
	}
	d.probed = false
	if d.match < r.matched || r.commitIndex < r.matched {
		if n := len(d.inflight); n > 0 && n >= r.cfg.Window {
			d.inflight = d.inflight[1:] // or a full window whose answers were lost would stay full
		}
		r.feed(true, out)
	}
	r.tickReads(out)
}

// patience is how many election timeouts a replica waits for the next to take an
// application state, and a tail for a learner to ask again.
const patience = 10

// become changes the mode of replication and forgets what the last one sent.
func (d *downstream) become(s progressState) {
	d.state, d.probed, d.inflight = s, false, nil
}

// onJoin makes the tail bring one up to date that is outside, without waiting for
// it: the chain goes on meanwhile. One at a time: the next when the last has caught
// up, and will be taken in, or is not heard any more. §5.3
func (r *Chain) onJoin(from process.ID, out *process.Output) {
	d := &r.down
	switch {
	case !r.isTail() || slices.Contains(r.chain, from) || !r.log.Group().Has(from):
		return
	case d.id == from:
	case d.id == 0, d.match > 0 && d.match+near >= r.matched, r.now-d.joined > patience*r.cfg.Election.Max:
		r.follow(from)
		r.feed(true, out)
	}
	if r.down.id == from {
		r.down.joined = r.now
	}
}

// onUpdate makes our log agree with the head's, as the predecessor has it, and
// passes it on.
func (r *Chain) onUpdate(from process.ID, m *Update, out *process.Output) {
	prev, prevEpoch, es := m.Prev, m.PrevEpoch, m.Entries
	match := m.Prev + uint64(len(m.Entries)) // not last: what follows may not be the head's
	if prev < r.log.Base() {                 // what is compacted was committed, and so is the head's too
		n := min(r.log.Base()-prev, uint64(len(es)))
		prev, es = prev+n, es[n:]
		if prev < r.log.Base() {
			r.acknowledge(from, match, out)
			return
		}
		prevEpoch = r.log.BaseEpoch()
	}
	if !r.log.Has(prev, prevEpoch) {
		r.refuse(from, m, out)
		return
	}
	for len(es) > 0 && r.log.Has(es[0].Index, es[0].Epoch) {
		prev, es = prev+1, es[1:] // here already; a delayed message must not cut off what follows
	}
	if len(es) > 0 {
		assert(prev >= r.matched, "an epoch's head replaces nothing of its own")
		r.log.Replace(prev, es)
		out.Save(&Entries{Prev: prev, Entries: es})
	}
	if match > r.matched {
		r.matched = match
		r.write(out)
	}
	r.commitTo(min(m.Commit, match), out)
	if m.Ask {
		r.acknowledge(from, match, out)
	}
	r.feed(false, out)
}

// acknowledge gives a receipt: by Send, when it is durable.
func (r *Chain) acknowledge(to process.ID, match uint64, out *process.Output) {
	out.Send(to, &Ack{Epoch: r.epoch, OK: true, Commit: r.commitIndex, Match: match})
}

// refuse tells the sender the last entry of ours that may agree with its log
// before m.Prev: none of a later epoch than m.PrevEpoch does.
func (r *Chain) refuse(from process.ID, m *Update, out *process.Output) {
	try := max(min(m.Prev-1, r.log.Last()), r.commitIndex)
	for try > r.commitIndex && r.log.EpochAt(try) > m.PrevEpoch {
		try--
	}
	// Now: it says nothing of what is durable here; the sender takes it as a place
	// to try.
	out.SendNow(from, &Ack{Epoch: r.epoch, Match: try, HintEpoch: r.log.EpochAt(try), Prev: m.Prev})
}

// onAck learns what the next one has, and what is committed; the latter goes on
// up the chain. §3
func (r *Chain) onAck(from process.ID, m *Ack, out *process.Output) {
	if from == r.down.id && !m.OK {
		r.onRefusal(m, out)
		return
	}
	if !m.OK {
		return
	}
	if d := &r.down; from == d.id {
		match := m.Match
		if slices.Contains(r.chain, from) && m.Commit <= r.matched && r.log.Has(m.Commit, r.epoch) {
			match = max(match, m.Commit) // committed in this epoch: all of the chain have it
		}
		d.match = max(d.match, min(match, r.matched))
		d.next = max(d.next, d.match+1)
		n, _ := slices.BinarySearch(d.inflight, d.match+1)
		d.inflight = d.inflight[:copy(d.inflight, d.inflight[n:])]
		if d.state != replicating && d.match >= r.log.Base() && d.match+1 >= d.next {
			d.become(replicating)
		}
	}
	if n := min(m.Commit, r.matched); n > r.commitIndex {
		r.commitTo(n, out)
		r.passUp(out)
		r.handOver(out)
	}
	r.feed(false, out)
}

// onRefusal finds where to go on: the other named its last entry that may agree,
// and we skip what of ours cannot. So it is sent what the one that was between us
// had sent on and lost, or had not: §5.2's in-transit updates.
func (r *Chain) onRefusal(m *Ack, out *process.Output) {
	d := &r.down
	stale := m.Prev <= d.match || d.state == probing && m.Prev != d.next-1
	if stale || d.state == installing {
		return
	}
	try := min(m.Match, m.Prev-1, r.matched)
	for try > r.log.Base() && try > d.match && r.log.EpochAt(try) > m.HintEpoch {
		try--
	}
	d.become(probing)
	d.next = max(try, d.match) + 1
	r.feed(true, out)
}

// commitAsTail commits what this disk has, if this is the tail: all before it in
// the chain have it, too. Entries of earlier epochs are committed with one of
// this, for before that a later head may still lack them.
func (r *Chain) commitAsTail(out *process.Output) {
	n := min(r.durable, r.matched)
	if !r.isTail() || n <= r.commitIndex || r.log.EpochAt(n) != r.epoch {
		return
	}
	r.commitTo(n, out)
	r.passUp(out)
}

// passUp tells the predecessor what is committed. §3
func (r *Chain) passUp(out *process.Output) {
	if i := r.is(); i > 0 {
		// Now: what is committed all of a chain have on their disks.
		out.SendNow(r.chain[i-1], &Ack{Epoch: r.epoch, OK: true, Commit: r.commitIndex})
	}
}

func (r *Chain) commitTo(n uint64, out *process.Output) {
	if n > r.commitIndex {
		out.Commit(r.log.Slice(r.commitIndex, n))
		r.commitIndex = n
		r.serveReads(out)
	}
}
