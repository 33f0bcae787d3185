package chain

import (
	"slices"
	"time"

	"althing/process"
	"althing/quorum"
)

// maxReads bounds the reads that wait for a round, or for the tail.
const maxReads = 1 << 16

// onRead serves a read without a log entry. Two things must be known: that after
// it came this epoch was still the latest, by the lease or by a round; and up to
// where all was committed then (version). §3; CRAQ §2.3
func (r *Chain) onRead(q process.Request, out *process.Output) {
	if !r.reader() {
		to := r.tail()
		if r.head == 0 || to == r.cfg.Self {
			to = 0
		}
		out.Refuse([]process.Request{q}, process.NotLeader, to)
		return
	}
	index, leased := r.version(), r.leaseHolds()
	if index > 0 && leased {
		out.Serve([]process.Request{q}, index)
		return
	}
	if len(r.reads) >= maxReads {
		out.Refuse([]process.Request{q}, process.Busy, r.tail())
		return
	}
	w := read{index: index, req: q}
	if !leased {
		// The next round, not the present one: some of its answers may be older
		// than this read.
		w.round = r.round + 1
	}
	if index == 0 && !r.isTail() {
		r.asked++
		w.ask = r.asked
		r.query(out)
	}
	r.reads = append(r.reads, w)
	if !leased && r.round == r.confirmed {
		r.beginRound(out)
	}
}

// reader reports whether this replica may answer reads: the tail, and in CRAQ
// whoever is in the chain. Who hears no head would wait for answers in vain.
func (r *Chain) reader() bool {
	return r.founded && r.head != 0 && (r.isTail() || r.craq && r.is() >= 0)
}

// version returns the index up to which all that is committed in this epoch and
// before is committed here, or 0 if that takes a question to the tail. It takes
// none at the tail, where all is committed first, nor where nothing is
// uncommitted (clean): whatever is committed passed through here. Before an entry
// of this epoch is committed nobody knows; nor does a tail that restarted, before
// it has committed again what it may have committed then.
func (r *Chain) version() uint64 {
	if r.log.EpochAt(r.commitIndex) != r.epoch || r.commitIndex < r.floor {
		return 0
	}
	if r.isTail() || r.log.Last() == r.commitIndex {
		return r.commitIndex
	}
	return 0
}

// query asks the tail. CRAQ §2.3
func (r *Chain) query(out *process.Output) {
	// Now: it only asks, and our disk has the life that the number is of.
	out.SendNow(r.tail(), &Query{Epoch: r.epoch, Ask: r.asked})
}

func (r *Chain) onQuery(from process.ID, m *Query, out *process.Output) {
	if v := r.version(); r.isTail() && v > 0 {
		// Now: what is committed all of a chain have on their disks.
		out.SendNow(from, &Version{Epoch: r.epoch, Ask: m.Ask, Commit: v})
	}
}

// onVersion lets the reads that came before the question go on.
func (r *Chain) onVersion(m *Version, out *process.Output) {
	for i := range r.reads {
		if w := &r.reads[i]; w.index == 0 && w.ask <= m.Ask {
			w.index = m.Commit
		}
	}
	r.serveReads(out)
}

// leaseHolds reports whether no other chain can have been laid down: a majority
// answered a round that began at leaseFrom, and none of them votes before its own
// clock has run for the least election timeout since. Ours may be slower than
// theirs by Drift.
func (r *Chain) leaseHolds() bool {
	span := time.Duration(float64(r.cfg.Election.Min) / (1 + r.cfg.Drift))
	return r.cfg.Lease && r.leased && r.now-r.leaseFrom < span
}

// grants reports whether this replica may now promise not to vote for a while: a
// head is at work, and does not want the next epoch.
func (r *Chain) grants() bool { return r.cfg.Lease && !r.closed && r.hears() }

// beginRound asks all voters whether this epoch is still the latest.
func (r *Chain) beginRound(out *process.Output) {
	r.round++
	r.sent = append(r.sent, roundAt{r.round, r.now})
	if n := len(r.sent) - maxSent; n > 0 {
		r.sent = r.sent[n:]
	}
	for i, id := range r.log.Group().Voters {
		if id != r.cfg.Self {
			// Now: it only asks, and our disk has the life that the number is of.
			out.SendNow(id, &Confirm{Epoch: r.epoch, Round: r.round})
			continue
		}
		r.voters[i].round = r.round
		if r.grants() {
			r.lent, r.lends = r.now, true
			r.voters[i].leased = r.round
		}
	}
	r.confirmRounds(out)
}

// maxSent bounds the rounds that are remembered for the sake of a lease.
const maxSent = 64

func (r *Chain) onConfirm(from process.ID, m *Confirm, out *process.Output) {
	grant := r.grants()
	if grant {
		r.lent, r.lends = r.now, true
	}
	// Now: it says that we knew of no later epoch after the round began. A later
	// head with our vote waited for our disk with it, and was elected after this.
	// If we forget the epoch in a crash, we have still not voted for a later one;
	// and with leases we do not vote at once when we restart.
	out.SendNow(from, &Confirmed{Epoch: r.epoch, Round: m.Round, Lease: grant})
}

func (r *Chain) onConfirmed(from process.ID, m *Confirmed, out *process.Output) {
	i := slices.Index(r.log.Group().Voters, from)
	if i < 0 || m.Round <= r.ask0() {
		return // asked before we restarted
	}
	v := &r.voters[i]
	v.round = max(v.round, m.Round)
	if m.Lease {
		v.leased = max(v.leased, m.Round)
	}
	r.confirmRounds(out)
}

// confirmRounds goes on with what a majority has answered, and begins the next
// round if reads wait for it.
func (r *Chain) confirmRounds(out *process.Output) {
	q := quorum.Majority(len(r.voters))
	if n := r.reached(q, func(v voter) uint64 { return v.leased }); n > 0 {
		for len(r.sent) > 0 && r.sent[0].round <= n {
			r.leaseFrom, r.leased = r.sent[0].at, true
			r.sent = r.sent[1:]
		}
	}
	n := r.reached(q, func(v voter) uint64 { return v.round })
	if n <= r.confirmed {
		return
	}
	r.confirmed = n
	r.serveReads(out)
	if k := len(r.reads); k > 0 && r.reads[k-1].round > r.round {
		r.beginRound(out)
	}
}

// reached returns the highest value that n voters reach.
func (r *Chain) reached(n int, value func(voter) uint64) uint64 {
	var few [9]uint64
	vs := few[:0]
	for _, v := range r.voters {
		vs = append(vs, value(v))
	}
	return quorum.Index(vs, n)
}

// serveReads hands out the reads whose round is confirmed and whose version is
// committed here. At the tail the version is known with the first entry of the
// epoch.
func (r *Chain) serveReads(out *process.Output) {
	if len(r.reads) == 0 {
		return
	}
	var done []process.Request
	v := r.version()
	kept := r.reads[:0]
	for _, w := range r.reads {
		if w.index == 0 {
			w.index = v
		}
		if w.round <= r.confirmed && w.index > 0 && w.index <= r.commitIndex {
			done = append(done, w.req)
		} else {
			kept = append(kept, w)
		}
	}
	clear(r.reads[len(kept):])
	r.reads = kept
	out.Serve(done, r.commitIndex)
}

// tickReads asks again for what reads wait for, and keeps the lease.
func (r *Chain) tickReads(out *process.Output) {
	if !r.reader() {
		return
	}
	if !r.isTail() && slices.ContainsFunc(r.reads, func(w read) bool { return w.index == 0 }) {
		r.query(out)
	}
	if r.grants() || slices.ContainsFunc(r.reads, func(w read) bool { return w.round > r.confirmed }) {
		r.beginRound(out)
	}
}

func requests(reads []read) []process.Request {
	qs := make([]process.Request, len(reads))
	for i := range reads {
		qs[i] = reads[i].req
	}
	return qs
}
