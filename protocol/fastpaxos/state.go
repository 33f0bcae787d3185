package fastpaxos

import (
	"slices"

	"althing/oplog"
	"althing/process"
	"althing/wire"
)

// Clone implements process.Process.
func (r *replica) Clone() process.Process {
	c := *r
	c.log = r.log.Clone()
	c.insts = slices.Clone(r.insts)
	for i := range c.insts {
		c.insts[i].heard = slices.Clone(c.insts[i].heard)
	}
	c.queue, c.mine = slices.Clone(r.queue), slices.Clone(r.mine)
	c.waiting, c.asked = slices.Clone(r.waiting), slices.Clone(r.asked)
	c.answers, c.ready = slices.Clone(r.answers), slices.Clone(r.ready)
	c.seconds = slices.Clone(r.seconds)
	c.heardAt = slices.Clone(r.heardAt)
	c.promises, c.silent, c.commits = slices.Clone(r.promises), slices.Clone(r.silent), slices.Clone(r.commits)
	return &c
}

// AppendState implements process.Process. No Step looks at when somebody was heard,
// so that is not in it.
func (r *replica) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(r.cfg.Self), r.promised)
	b = append(b, wire.Flag(r.lived, 1)|wire.Flag(r.moved, 2)|wire.Flag(r.any.Any, 4))
	b = wire.AppendUints(b, r.any.Round, r.any.After, r.high, r.ahead, uint64(r.from))
	b = r.log.AppendState(process.AppendGroup(b, r.group))
	b = wire.AppendUints(b, uint64(len(r.insts)))
	for i := range r.insts {
		b = r.insts[i].appendState(b)
	}
	b = appendEntries(appendRequests(b, r.queue), r.mine)
	b = r.reading.appendState(b)
	return r.coordinator.appendState(b)
}

func (x *instance) appendState(b []byte) []byte {
	b = appendVotes(appendVotes(b, []Vote{x.vote}), x.heard)
	b = append(b, wire.Flag(x.decided, 1)|wire.Flag(x.said, 2), x.age)
	return appendEntry(appendEntry(b, &x.value), &x.saying)
}

func (q *reading) appendState(b []byte) []byte {
	b = appendRequests(appendRequests(b, q.waiting), q.asked)
	b = wire.AppendUints(b, q.seq, q.top, uint64(len(q.answers)))
	for _, id := range q.answers {
		b = wire.AppendUints(b, uint64(id))
	}
	b = wire.AppendUints(b, uint64(len(q.ready)))
	for i := range q.ready {
		b = appendRequests(wire.AppendUints(b, q.ready[i].index), q.ready[i].reqs)
	}
	return b
}

func (c *coordinator) appendState(b []byte) []byte {
	b = append(b, byte(c.role))
	b = wire.AppendUints(b, uint64(c.leader), uint64(c.quiet), c.highest, c.round, uint64(c.settled),
		uint64(len(c.promises)))
	for i := range c.promises {
		p := &c.promises[i]
		b = appendVotes(wire.AppendUints(b, uint64(p.from), p.commit), p.votes)
	}
	b = wire.AppendUints(b, uint64(len(c.seconds)))
	for _, id := range c.seconds {
		b = wire.AppendUints(b, uint64(id))
	}
	b = append(wire.AppendUints(b, uint64(len(c.silent))), c.silent...)
	b = wire.AppendUints(b, uint64(len(c.commits)))
	return wire.AppendUints(b, c.commits...)
}

func appendRequests(b []byte, qs []process.Request) []byte {
	b = wire.AppendUints(b, uint64(len(qs)))
	for i := range qs {
		b = oplog.AppendRequest(b, &qs[i])
	}
	return b
}
