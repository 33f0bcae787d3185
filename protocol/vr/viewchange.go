package vr

import (
	"encoding/binary"
	"slices"

	"althing/process"
	"althing/reads"
)

// suspect asks for the next view, because no primary is heard. It changes
// nothing that binds: should the primary be heard again, all is as before.
// §4.2, step 1
func (r *VR) suspect(out *process.Output) {
	r.primary, r.bound = 0, false
	out.SetTimer(election, r.cfg.Election)
	if !r.voter(r.cfg.Self) {
		return
	}
	if r.target == r.view {
		r.want(r.view+1, 0, out)
		return
	}
	// Not enough others want it: a further view would only lead away from them.
	r.askForView(out)
}

// want asks all for view v.
func (r *VR) want(v, order uint64, out *process.Output) {
	assert(epochOf(v) == r.epoch(), "an epoch has views enough")
	r.target, r.order, r.svc = v, order, append(r.svc[:0], r.cfg.Self)
	r.askForView(out)
	r.tryEnter(out)
}

func (r *VR) askForView(out *process.Output) {
	r.toVoters(&StartViewChange{View: r.target, Order: r.order, Entered: r.target == r.view}, out)
	out.SetTimer(resend, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
}

// endViewChange forgets what this replica wanted: the primary of its view is there.
func (r *VR) endViewChange(out *process.Output) {
	if r.target != r.view || r.svc != nil || r.order != 0 {
		r.target, r.order, r.svc = r.view, 0, nil
		out.StopTimer(resend)
	}
	r.dvc, r.source, r.goal, r.goalView = nil, 0, 0, 0
	r.first = 0
	r.endHandOn(out) // f+1 of the epoch are there
}

// onResend says again what may have been lost.
func (r *VR) onResend(out *process.Output) {
	again := process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat}
	switch {
	case r.status == recovering:
		r.askForRecovery(out)
		return
	case r.handsOn:
		r.handOn(out)
		return
	case r.status == viewChange:
		r.doViewChange(out)
		if r.source != 0 {
			r.fetch(out)
		}
	case r.target == r.view:
		return
	}
	r.askForView(out)
	out.SetTimer(resend, again)
}

// sticky reports whether this replica will not leave its view, because it has a
// primary: one that is cut off would otherwise disturb all others, and the
// primary's lease rests on it. §6.2
func (r *VR) sticky() bool {
	return r.leads() || r.backsLease() || r.bound && r.now-r.heard < r.cfg.Election.Min
}

// backsLease reports whether in an earlier life this replica may have answered a
// primary that counts on it. It need not know of that life: an answer does not
// wait for the disk.
func (r *VR) backsLease() bool {
	return r.cfg.Lease && r.now-r.started < r.cfg.Election.Min
}

// onStartViewChange joins who wants a later view, unless we have a primary; with
// f others of one mind the view is entered. §4.2, step 1
func (r *VR) onStartViewChange(from process.ID, m *StartViewChange, out *process.Output) {
	if m.View <= r.view || m.View < r.target || !r.voter(from) || !r.voter(r.cfg.Self) {
		return // who wants an earlier view hears of ours when we say it again
	}
	// Only our own primary can release us from it. An order of an earlier one may
	// come late, when another lease is out.
	ordered := m.Order != 0 && m.Order == r.view && !r.leads() && !r.backsLease()
	if r.sticky() && !ordered {
		if m.Entered && r.leads() {
			r.enter(m.View, 0, out) // it cannot come back to us
		}
		return
	}
	if m.View > r.target {
		order := uint64(0)
		if ordered {
			order = m.Order
		}
		r.want(m.View, order, out)
	}
	if m.View == r.target && r.target > r.view && !slices.Contains(r.svc, from) {
		r.svc = append(r.svc, from)
		r.tryEnter(out)
	}
}

// tryEnter enters the view that f+1 want.
func (r *VR) tryEnter(out *process.Output) {
	if r.target > r.view && len(r.svc) >= r.majority() {
		r.enter(r.target, r.order, out)
	}
}

// enter goes to view v. From here there is no way back, not even by a crash.
// §4.2, step 2
func (r *VR) enter(v, order uint64, out *process.Output) {
	assert(epochOf(v) == r.epoch(), "an epoch has views enough")
	r.stepDown(out)
	r.setView(v, out)
	r.status, r.target, r.order, r.svc = viewChange, v, order, nil
	r.bound, r.dvc, r.source = false, nil, 0
	out.SetTimer(election, r.cfg.Election)
	r.askForView(out)
	r.doViewChange(out)
}

// doViewChange tells the primary to be where our log ends. It asks for the log
// itself if it wants ours. §4.2, step 2; §5.3
func (r *VR) doViewChange(out *process.Output) {
	if r.source == 0 { // else our own has changed since, and was counted
		out.Send(r.primaryOf(r.view), &DoViewChange{View: r.view, LastView: r.log.LastEpoch(), N: r.log.Last()})
	}
}

// onDoViewChange counts who is in our view, at its primary to be. §4.2, step 3
func (r *VR) onDoViewChange(from process.ID, m *DoViewChange, out *process.Output) {
	if m.View < r.view || r.primaryOf(m.View) != r.cfg.Self || !r.voter(from) {
		return
	}
	if m.View > r.view {
		if r.sticky() && !r.leads() {
			return // it will be sent again
		}
		r.enter(m.View, 0, out)
	}
	known := slices.ContainsFunc(r.dvc, func(p promise) bool { return p.id == from })
	if r.status != viewChange || r.source != 0 || known {
		return
	}
	r.dvc = append(r.dvc, promise{from, m.N, m.LastView})
	r.tryStartView(out)
}

// tryStartView begins the view when f+1 are durably in it, ourselves among them,
// with the log of the latest view, and of those the longest. §4.2, step 3
func (r *VR) tryStartView(out *process.Output) {
	own := slices.IndexFunc(r.dvc, func(p promise) bool { return p.id == r.cfg.Self })
	if own < 0 || len(r.dvc) < r.majority() {
		return
	}
	best := r.dvc[own]
	for _, p := range r.dvc {
		if p.made > best.made || p.made == best.made && p.last > best.last {
			best = p
		}
	}
	if best.id == r.cfg.Self {
		r.startView(out)
		return
	}
	r.forget()
	r.source, r.goal, r.goalView = best.id, best.last, best.made
	r.fetch(out)
}

// fetch asks for what the best log has and ours has not.
func (r *VR) fetch(out *process.Output) {
	// Now: it says nothing of what is durable here.
	out.SendNow(r.source, r.lacking())
}

// onSource makes the best log ours. Until it is, ours begins like it and then
// goes on as before, so that nothing decided is missing should this view fail.
func (r *VR) onSource(m *Prepare, s *process.State, out *process.Output) {
	had := r.matched
	last := r.takeAll(m, s, out)
	if last == nil || r.view != m.View {
		return // the part before it is missing: onResend asks again
	}
	r.commitTo(min(m.Commit, r.matched), out)
	switch {
	case r.log.Last() == r.goal && r.log.LastEpoch() == r.goalView:
		r.startView(out)
	case !last.More && r.matched > had:
		r.fetch(out)
	}
}

// startView takes over, with an entry of the new view, for by such a one logs
// of this view are told from others. §4.2, step 4
func (r *VR) startView(out *process.Output) {
	r.status, r.primary = normal, r.cfg.Self
	r.endViewChange(out)
	r.forget()
	r.setPeers()
	r.told = 0
	out.StopTimer(election)
	out.StopTimer(resend)
	out.SetTimer(heartbeat, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
	out.SetTimer(checkTimer, process.Span{Min: r.cfg.Election.Max, Max: r.cfg.Election.Max})
	if r.sent = r.log.Last(); r.changing() {
		r.sent--
		r.again(out)
	} else {
		r.propose([]process.Request{{Kind: process.NoOp}}, out)
	}
	r.beginRound(out)
}

// again makes the Reconfiguration with which the log ends an entry of this view: no
// other may follow it, and yet this view needs one.
func (r *VR) again(out *process.Output) {
	last := r.log.Last()
	e := r.log.Slice(last-1, last)[0]
	e.Epoch = r.view
	r.log.Replace(last-1, []process.Entry{e})
	r.replicate(last-1, out)
}

// stepDown ends a primary's office. In its view it holds none again.
func (r *VR) stepDown(out *process.Output) {
	if !r.leads() {
		return
	}
	out.Refuse(r.rounds.Drop(), process.NotLeader, 0)
	out.StopTimer(heartbeat)
	out.StopTimer(checkTimer)
	out.SetTimer(election, r.cfg.Election)
	r.primary, r.peers, r.inflight, r.rounds = 0, nil, nil, reads.Rounds{}
	r.sent, r.told = 0, 0
	r.forget()
}

// onTransfer hands over: to the next view whose primary is the one named. The
// primary leaves its view first, so no lease of it is out; its word releases
// those who follow it.
func (r *VR) onTransfer(q process.Request, out *process.Output) {
	id, n := binary.Uvarint(q.Cmd)
	to := process.ID(id)
	switch {
	case n <= 0 || id > 1<<16-1 || !r.voter(to):
		out.Refuse([]process.Request{q}, process.Invalid, r.primary)
		return
	case to == r.cfg.Self:
		return // it leads
	case r.changing():
		out.Refuse([]process.Request{q}, process.Changing, r.primary)
		return
	case r.peer(to).match < r.commitIndex:
		out.Refuse([]process.Request{q}, process.Behind, r.primary)
		return
	}
	v := r.view + 1
	for r.primaryOf(v) != to { // at most once around the group
		v++
	}
	r.enter(v, r.view, out)
}
