package chain

import (
	"encoding/binary"
	"math"
	"slices"

	"althing/process"
	"althing/quorum"
)

func (r *Chain) onTimeout(t process.Timer, out *process.Output) {
	switch {
	case t == election && r.role != head && r.role != elected:
		if r.head != 0 {
			r.avoid, r.expel = r.head, false
		}
		r.head, r.bound = 0, false
		out.Refuse(requests(r.reads), process.NotLeader, 0) // the chain may be another by now
		r.reads = nil
		r.campaign(true, false, out)
	case t == gather && r.role == elected:
		r.layDown(out)
	case t == heartbeat && r.role == head:
		r.beat(out)
		out.SetTimer(heartbeat, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
	case t == checkTimer && r.role == head:
		out.SetTimer(checkTimer, process.Span{Min: r.cfg.Election.Max, Max: r.cfg.Election.Max})
		r.check(out)
	}
}

func (r *Chain) onReceive(in *process.Input, out *process.Output) {
	if l, ok := in.Msg.(*Lived); ok {
		r.founded = r.founded || l.Life == r.life
		return
	}
	m, ok := in.Msg.(message)
	if !ok {
		return // a record, not a message: no replica sends it
	}
	if v, ok := m.(*RequestVote); ok && r.sticky(in.From, v) {
		return
	}
	switch e := m.epoch(); {
	case e > r.epoch && !hypothetical(m):
		r.setEpoch(e, 0, out)
	case e < r.epoch:
		r.onStale(in.From, m, out)
		return
	}
	switch m := m.(type) {
	case *RequestVote:
		r.onRequestVote(in.From, m, out)
	case *Vote:
		r.onVote(in.From, m, out)
	case *Heartbeat:
		r.onHeartbeat(in.From, m, out)
	case *HeartbeatReply:
		r.onHeartbeatReply(in.From, m)
	case *Confirm:
		r.onConfirm(in.From, m, out)
	case *Confirmed:
		r.onConfirmed(in.From, m, out)
	case *Query:
		r.onQuery(in.From, m, out)
	case *Version:
		r.onVersion(m, out)
	case *TimeoutNow:
		if r.role == member {
			r.campaign(false, true, out)
		}
	default:
		r.onChain(in, out)
	}
}

// hypothetical reports whether m speaks of an epoch that nobody is in yet.
func hypothetical(m message) bool {
	switch m := m.(type) {
	case *RequestVote:
		return m.Pre
	case *Vote:
		return m.Pre && m.Granted
	}
	return false
}

// lending reports whether a lease may rest on this replica's not voting: one that
// it has granted, or may have granted before it restarted.
func (r *Chain) lending() bool {
	return r.cfg.Lease &&
		(r.now-r.started < r.cfg.Election.Min || r.lends && r.now-r.lent < r.cfg.Election.Min)
}

// hears reports whether this replica knows of a head at work.
func (r *Chain) hears() bool {
	return r.role == head || r.bound && r.now-r.heard < r.cfg.Election.Min
}

// sticky reports whether m must be ignored: a lease rests on it, or there is a
// head at work, and one that hears nothing would disturb all others. But the head
// itself may want the next chain.
func (r *Chain) sticky(from process.ID, m *RequestVote) bool {
	if r.lending() {
		return true
	}
	return r.hears() && from != r.head && !m.Transfer
}

// onStale answers a message of an earlier epoch, so that its sender learns of
// this one. §5: who is not of the present chain is not heard.
func (r *Chain) onStale(from process.ID, m message, out *process.Output) {
	switch m := m.(type) {
	case *RequestVote:
		out.Send(from, &Vote{Epoch: r.epoch, Pre: m.Pre})
	case *Heartbeat, *Update, *InstallState, *Confirm, *Join, *Query:
		out.Send(from, &Ack{Epoch: r.epoch})
	}
}

// campaign asks to lay down the chain of the next epoch, or first asks whether it
// could be had (pre), so that a replica cut off does not come back with an epoch
// that ends a working chain. Who does it by order of the head need not wait until
// that one is missed.
func (r *Chain) campaign(pre, byOrder bool, out *process.Output) {
	out.SetTimer(election, r.cfg.Election)
	voters := r.log.Group().Voters
	if !slices.Contains(voters, r.cfg.Self) || r.lending() {
		return // our own vote waits for the leases that we granted, too
	}
	if pre {
		r.role = preCandidate
	} else {
		r.setEpoch(r.epoch+1, r.cfg.Self, out)
		r.role = candidate
	}
	r.answers = nil
	epoch := r.epoch
	if pre {
		epoch++
	}
	ask := &RequestVote{
		Epoch: epoch, LastIndex: r.log.Last(), LastEpoch: r.log.LastEpoch(), Pre: pre, Transfer: byOrder,
	}
	for _, to := range voters {
		if to == r.cfg.Self {
			// By Send: our own vote counts when our own disk has it.
			out.Send(to, &Vote{Epoch: epoch, Last: r.log.Last(), Granted: true, Pre: pre})
			continue
		}
		out.Send(to, ask)
	}
}

// onRequestVote grants at most one vote an epoch, to a log as complete as ours:
// of any majority somebody was in the last chain, and has all that it committed.
func (r *Chain) onRequestVote(from process.ID, m *RequestVote, out *process.Output) {
	last, lastEpoch := r.log.Last(), r.log.LastEpoch()
	complete := m.LastEpoch > lastEpoch || m.LastEpoch == lastEpoch && m.LastIndex >= last
	if m.Pre {
		v := &Vote{Epoch: r.epoch, Pre: true}
		if complete && m.Epoch > r.epoch {
			v = &Vote{Epoch: m.Epoch, Pre: true, Granted: true}
		}
		out.Send(from, v)
		return
	}
	granted := complete && r.role == member && (r.votedFor == 0 || r.votedFor == from)
	if granted && r.votedFor == 0 {
		r.votedFor = from
		out.Save(&HardState{Epoch: r.epoch, Vote: from})
	}
	if granted {
		out.SetTimer(election, r.cfg.Election)
	}
	out.Send(from, &Vote{Epoch: r.epoch, Last: last, Granted: granted})
}

func (r *Chain) onVote(from process.ID, m *Vote, out *process.Output) {
	wanted := !m.Pre && (r.role == candidate || r.role == elected) ||
		m.Pre && m.Granted && r.role == preCandidate && m.Epoch == r.epoch+1
	if !wanted || slices.ContainsFunc(r.answers, func(a answer) bool { return a.id == from }) {
		return
	}
	r.answers = append(r.answers, answer{from, m.Granted, m.Last})
	n := 0
	voters := r.log.Group().Voters
	for _, a := range r.answers {
		if a.granted && slices.Contains(voters, a.id) {
			n++
		}
	}
	switch {
	case n < quorum.Majority(len(voters)):
		return
	case m.Pre:
		r.campaign(false, false, out)
		return
	case r.role == candidate:
		r.role, r.head = elected, r.cfg.Self
		out.StopTimer(election)
		out.SetTimer(gather, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
	}
	for _, id := range voters {
		if r.answerOf(id) == nil && id != r.avoid {
			return
		}
	}
	r.layDown(out)
}

func (r *Chain) answerOf(id process.ID) *answer {
	for i := range r.answers {
		if r.answers[i].id == id {
			return &r.answers[i]
		}
	}
	return nil
}

// setEpoch enters an epoch. What was of the one before is over: its chain, what
// was known of other logs, the reads that waited.
func (r *Chain) setEpoch(epoch uint64, vote process.ID, out *process.Output) {
	assert(epoch > r.epoch, "epochs only grow")
	r.epoch, r.votedFor = epoch, vote
	out.Save(&HardState{Epoch: epoch, Vote: vote})
	r.leave(out)
	r.matched = r.commitIndex
}

// leave makes this replica a member of no chain that it knows.
func (r *Chain) leave(out *process.Output) {
	if r.role == head || r.role == elected {
		out.StopTimer(heartbeat)
		out.StopTimer(checkTimer)
		out.StopTimer(gather)
		out.SetTimer(election, r.cfg.Election)
	}
	if r.chain != nil {
		r.former = r.chain
	}
	r.role, r.head, r.chain, r.answers = member, 0, nil, nil
	r.durable, r.floor, r.down, r.closed = 0, 0, downstream{}, false
	r.peers, r.closing, r.closingSince, r.heir = nil, false, 0, 0
	r.heirSince = 0
	out.Refuse(requests(r.reads), process.NotLeader, 0)
	r.reads, r.sent, r.leased, r.leaseFrom = nil, nil, false, 0
	r.round, r.confirmed, r.asked = r.ask0(), r.ask0(), r.ask0()
	clear(r.voters)
}

// layDown makes the chain of this epoch of those who answered: ourselves, whose
// log is as complete as any in a majority, then the others as they stood, then
// who was outside. Fewer than a majority are no chain: what all of them have must
// be known to somebody in every majority. Those far behind, and who is stuck, are
// in it only if they are needed for that.
func (r *Chain) layDown(out *process.Output) {
	voters := r.log.Group().Voters
	order := []process.ID{r.cfg.Self}
	for _, id := range slices.Concat(r.former, voters) {
		if !slices.Contains(order, id) && r.answerOf(id) != nil {
			order = append(order, id)
		}
	}
	chain := order[:1:1]
	for _, id := range order[1:] {
		a := r.answerOf(id)
		if a.last+near >= r.log.Last() && a.last >= r.log.Base() && !(r.expel && id == r.avoid) {
			chain = append(chain, id)
		}
	}
	for _, id := range order[1:] {
		if len(chain) < quorum.Majority(len(voters)) && !slices.Contains(chain, id) {
			chain = append(chain, id)
		}
	}
	r.becomeHead(chain, out)
}

// becomeHead begins to order, with an entry of the new epoch: when that is
// committed, so is all that came before.
func (r *Chain) becomeHead(chain []process.ID, out *process.Output) {
	r.role, r.head, r.answers, r.former = head, r.cfg.Self, nil, nil
	r.avoid, r.expel = 0, false
	r.matched = r.log.Last()
	for _, id := range r.log.Group().Members() {
		r.peers = append(r.peers, peer{id: id, due: r.matched})
	}
	out.StopTimer(gather)
	out.SetTimer(heartbeat, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
	out.SetTimer(checkTimer, process.Span{Min: r.cfg.Election.Max, Max: r.cfg.Election.Max})
	r.enter(chain)
	r.announce(out)
	r.propose([]process.Request{{Kind: process.NoOp}}, out)
}

// beat is the head's share of each heartbeat.
func (r *Chain) beat(out *process.Output) {
	if r.handOver(out); r.role != head {
		return
	}
	if r.closing && r.heir == 0 && r.unleased() {
		r.campaign(false, false, out)
		return
	}
	r.announce(out)
	r.tick(out)
}

// announce lets the head be heard by all, also by those who are outside.
func (r *Chain) announce(out *process.Output) {
	m := &Heartbeat{Epoch: r.epoch, Chain: r.chain, Commit: r.commitIndex,
		CommitEpoch: r.log.EpochAt(r.commitIndex), Close: r.closing}
	for i := range r.peers {
		if id := r.peers[i].id; id != r.cfg.Self {
			// Now: it speaks of the epoch, in which we are head by votes that were
			// durable, and of what all of a chain have on their disks.
			out.SendNow(id, m)
		}
	}
}

func (r *Chain) onHeartbeat(from process.ID, m *Heartbeat, out *process.Output) {
	assert(r.role != head, "an epoch has one head")
	if r.role != member {
		r.role, r.answers = member, nil
	}
	r.head, r.heard, r.bound, r.closed = from, r.now, true, m.Close
	r.avoid, r.expel = 0, false
	out.SetTimer(election, r.cfg.Election)
	if r.chain == nil {
		r.enter(m.Chain)
	}
	if r.log.Has(m.Commit, m.CommitEpoch) { // then all before is the head's, too
		r.matched = max(r.matched, m.Commit)
		r.commitTo(m.Commit, out)
	}
	r.commitAsTail(out)
	if r.is() < 0 {
		// Now: it only asks.
		out.SendNow(r.tail(), &Join{Epoch: r.epoch})
	}
	r.tick(out)
	// Now: it says that we live, and what another has told us of its disk.
	out.SendNow(from, &HeartbeatReply{Epoch: r.epoch, Down: r.down.id, Match: r.down.match})
}

func (r *Chain) onHeartbeatReply(from process.ID, m *HeartbeatReply) {
	if p := r.peer(from); p != nil {
		p.active, p.heard = true, r.now
	}
	if p := r.peer(m.Down); p != nil && m.Match > p.match {
		p.match, p.moved = m.Match, true
	}
}

func (r *Chain) peer(id process.ID) *peer {
	for i := range r.peers { // a handful: faster than a map
		if r.peers[i].id == id {
			return &r.peers[i]
		}
	}
	return nil
}

// check looks at the chain as its master. Who is silent is taken out; so is the
// first who has stood still since the last check and lacks what the head had
// then, if a majority is at work without it; and who has caught up outside is
// taken in. A head that no majority answers is none any more. §5
func (r *Chain) check(out *process.Output) {
	if p := r.peer(r.down.id); p != nil && r.down.match > p.match {
		p.match, p.moved = r.down.match, true
	}
	var silent, stuck, ready process.ID
	active, voters := 1, r.log.Group().Voters
	for i := range r.peers {
		p := &r.peers[i]
		if !p.active || !slices.Contains(voters, p.id) {
			continue
		}
		active++
		if !slices.Contains(r.chain, p.id) && p.match > 0 && p.match+near >= r.log.Last() {
			ready = p.id
		}
	}
	for _, id := range r.chain[1:] {
		p := r.peer(id)
		if !p.active {
			silent = id
		} else if p.match < p.due && !p.moved && stuck == 0 {
			stuck = id
		}
	}
	for i := range r.peers {
		p := &r.peers[i]
		p.active, p.moved, p.due = false, false, r.log.Last()
	}
	if r.heir != 0 && r.now-r.heirSince > 2*r.cfg.Election.Max {
		r.heir, r.closing, r.closed = 0, false, false // take requests again
	}
	majority := quorum.Majority(len(voters))
	switch {
	case active < majority:
		r.leave(out)
	case silent != 0:
		r.reconfigure(silent, false, out)
	case stuck != 0 && active > majority:
		r.reconfigure(stuck, true, out)
	case ready != 0 && r.heir == 0:
		r.reconfigure(0, false, out)
	}
}

// reconfigure begins the next epoch, at once or when no lease can stand in its
// way any more.
func (r *Chain) reconfigure(avoid process.ID, expel bool, out *process.Output) {
	r.avoid, r.expel = avoid, expel
	r.heir = 0
	if r.cfg.Lease {
		r.close()
		return
	}
	r.campaign(false, false, out)
}

// close has all stop granting leases.
func (r *Chain) close() {
	if !r.closing {
		r.closing, r.closed, r.closingSince = true, true, r.now
	}
}

// unleased reports whether no lease stands in the way of the next epoch, unless
// somebody did not hear in time that it is to come.
func (r *Chain) unleased() bool {
	return !r.cfg.Lease || r.closing && r.now-r.closingSince >= r.cfg.Election.Max && !r.lending()
}

// onTransfer lets another of the chain be head. Nothing new is taken in until it
// has all that is in transit.
func (r *Chain) onTransfer(q process.Request, out *process.Output) {
	id, n := binary.Uvarint(q.Cmd)
	to := process.ID(id)
	refuse := func(why process.Reason) { out.Refuse([]process.Request{q}, why, r.head) }
	switch {
	case r.role != head:
		r.refuseElsewhere([]process.Request{q}, out)
	case n <= 0 || id > math.MaxUint16 || !slices.Contains(r.log.Group().Voters, to):
		refuse(process.Invalid)
	case !slices.Contains(r.chain, to):
		refuse(process.Behind)
	case r.heir != 0 || r.closing:
		refuse(process.Changing)
	case to != r.cfg.Self: // else it is head
		r.heir, r.heirSince = to, r.now
		if r.cfg.Lease {
			r.close()
		}
		r.handOver(out)
	}
}

// handOver leaves the next chain to the heir, once all is committed, and so on the
// heir's disk.
func (r *Chain) handOver(out *process.Output) {
	if r.heir == 0 || r.commitIndex < r.log.Last() || !r.unleased() {
		return
	}
	to := r.heir
	r.leave(out)
	// Now: it is an order to campaign, which anybody may do at any time.
	out.SendNow(to, &TimeoutNow{Epoch: r.epoch})
}
