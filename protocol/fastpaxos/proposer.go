package fastpaxos

import (
	"slices"

	"althing/process"
)

// reading is the reads that wait here.
type reading struct {
	waiting []process.Request // for a query that begins after they came
	asked   []process.Request // the query under way is theirs
	seq     uint64            // of the latest query
	answers []process.ID      // who answered it
	top     uint64            // the highest instance in these answers
	ready   []ready           // wait for the log
}

// ready is reads that may be answered once the log has reached index.
type ready struct {
	index uint64
	reqs  []process.Request
}

// onSubmit takes requests in, at any replica.
func (r *replica) onSubmit(reqs []process.Request, out *process.Output) {
	for _, q := range reqs {
		refuse := func(why process.Reason) { out.Refuse([]process.Request{q}, why, 0) }
		switch {
		case !r.group.Has(r.cfg.Self):
			refuse(process.NotLeader)
		case q.Kind == process.Read && len(r.waiting) >= maxReads || len(r.queue) >= maxQueue:
			refuse(process.Busy)
		case q.Kind == process.Read:
			r.waiting = append(r.waiting, q)
		case q.Kind == process.Command || q.Kind == process.Session:
			r.queue = append(r.queue, q)
		default:
			refuse(process.Unsupported)
		}
	}
	r.propose(out)
	r.nextQuery(out)
}

// propose gives requests that wait an instance each, and asks for votes. A request
// is proposed in one instance at a time: should something else be chosen there, it
// is proposed in a later one. So it is never chosen twice.
func (r *replica) propose(out *process.Output) {
	var es []process.Entry
	n := 0
	r.high = max(r.high, r.log.Last())
	size := 0
	for i := range r.mine {
		size += len(r.mine[i].Req.Cmd)
	}
	for n < len(r.queue) && len(r.mine)+n < r.cfg.Window && r.high-r.log.Last() < maxOpen/2 && size < maxBytes {
		size += len(r.queue[n].Cmd)
		r.high++
		es = append(es, process.Entry{Epoch: uint64(r.cfg.Self), Index: r.high, Req: r.queue[n]})
		n++
	}
	if n == 0 {
		return
	}
	r.queue = slices.Delete(r.queue, 0, n)
	r.mine = append(r.mine, es...)
	r.wish(es, out)
}

// wish proposes: to all acceptors in a fast round, else to the coordinator.
func (r *replica) wish(es []process.Entry, out *process.Output) {
	r.batches(es, func(es []process.Entry) {
		m := &Propose{es}
		switch {
		case r.any.Any:
			for _, to := range r.group.Voters {
				// Now: a proposal is a wish. Should we crash, nobody waits for it.
				out.SendNow(to, m)
			}
		case r.leader != 0:
			// Now: the same.
			out.SendNow(r.leader, m)
		}
	})
}

// proposeAgain proposes again what may have been lost.
func (r *replica) proposeAgain(out *process.Output) {
	var es []process.Entry
	for i := range r.mine {
		if x := r.at(r.mine[i].Index); x != nil && !x.decided && x.age > 0 {
			es = append(es, r.mine[i])
		}
	}
	r.wish(es, out)
	r.propose(out)
}

// nextQuery begins a query for the reads that wait, unless one is under way: some
// of its answers may be older than they are.
func (r *replica) nextQuery(out *process.Output) {
	if len(r.asked) > 0 || len(r.waiting) == 0 || len(r.ready) >= maxReady {
		return
	}
	r.asked, r.waiting = r.waiting, nil
	r.seq++
	r.answers, r.top = nil, 0
	r.query(out)
}

// query asks for the highest instance with a vote.
func (r *replica) query(out *process.Output) {
	if len(r.asked) == 0 {
		return
	}
	for _, to := range r.group.Voters {
		// Now: a question says nothing.
		out.SendNow(to, &Query{r.seq})
	}
}

func (r *replica) onQuery(from process.ID, m *Query, out *process.Output) {
	high := r.log.Last()
	for i := range r.insts {
		if v := &r.insts[i].vote; v.Round != 0 {
			high = v.Entry.Index
		}
	}
	// Now: a vote that is not durable yet makes a read wait for longer, and no more.
	out.SendNow(from, &Answer{Seq: m.Seq, High: high})
}

// onAnswer serves reads: what was chosen before they came had votes of a quorum,
// and so of one of any classic quorum asked after that. The log must reach as far
// as any of these knows of votes.
func (r *replica) onAnswer(from process.ID, m *Answer, out *process.Output) {
	if m.Seq != r.seq || len(r.asked) == 0 || r.position(from) < 0 || slices.Contains(r.answers, from) {
		return
	}
	r.answers = append(r.answers, from)
	if r.top = max(r.top, m.High); len(r.answers) < r.classic() {
		return
	}
	if r.top > r.log.Last() {
		r.at(r.top)
	}
	r.ready = append(r.ready, ready{r.top, r.asked})
	r.asked = nil
	r.serveReads(out)
}

func (r *replica) serveReads(out *process.Output) {
	r.ready = slices.DeleteFunc(r.ready, func(q ready) bool {
		if q.index > r.log.Last() {
			return false
		}
		out.Serve(q.reqs, q.index)
		return true
	})
	r.nextQuery(out)
}
