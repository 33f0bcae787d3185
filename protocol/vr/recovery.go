package vr

import "althing/process"

// startDiskless begins a life without a log. Only the first may take part at
// once; any later one has forgotten what it promised, but for its view. §4.3
func (r *VR) startDiskless(out *process.Output) {
	r.life++
	if r.lived {
		r.status = recovering
	}
	r.checkpoint(out)
	if !r.lived {
		out.SetTimer(election, r.cfg.Election)
		return
	}
	r.askForRecovery(out)
}

// askForRecovery looks for a primary. §4.3, step 1
func (r *VR) askForRecovery(out *process.Output) {
	for _, id := range r.group().Members() {
		if id != r.cfg.Self {
			out.Send(id, &Recovery{View: r.view, Nonce: r.life})
		}
	}
	out.SetTimer(resend, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
}

// onRecovery answers as the primary of a view that the one who asks may enter.
// §4.3, step 2
func (r *VR) onRecovery(from process.ID, m *Recovery, out *process.Output) {
	switch {
	case begins(m.View):
		r.tellEpoch(from, out) // of anybody in the epoch: see opens
	case !r.leads():
	case m.View > r.view:
		r.enter(m.View, 0, out) // it cannot come back to us: see follow
	default:
		out.Send(from, &RecoveryResponse{View: r.view, Nonce: m.Nonce, N: r.log.Last()})
	}
}

// receiveRecovering takes nothing but what recovery needs: who has forgotten
// what it promised can promise nothing.
func (r *VR) receiveRecovering(in *process.Input, out *process.Output) {
	switch m := in.Msg.(type) {
	case *RecoveryResponse:
		r.onRecoveryResponse(in.From, m, out)
	case *Prepare:
		if m.Use == ForNewState && m.View == r.view && in.From == r.primary {
			r.onRecovered(m, in.State, out)
		}
	}
}

// onRecoveryResponse finds the primary whose log to take: of no view before the
// one that this replica has promised, and as its log was after we crashed. So it
// has all that we may have promised to hold. §4.3, step 3
func (r *VR) onRecoveryResponse(from process.ID, m *RecoveryResponse, out *process.Output) {
	if m.Nonce != r.life || m.View < r.view || from != r.primaryOf(m.View) {
		return
	}
	if m.View > r.view {
		r.setView(m.View, out)
		r.target = m.View
	}
	if r.primary != from {
		r.forget()
		r.primary, r.goal = from, m.N
	}
	r.ask(from, r.lacking(), out)
}

// onRecovered ends the recovery once all of the primary's log is here that was
// there when it answered.
func (r *VR) onRecovered(m *Prepare, s *process.State, out *process.Output) {
	had := r.matched
	last := r.takeAll(m, s, out)
	if last == nil || r.view != m.View {
		return // the part before it is missing: the next answer makes us ask again
	}
	r.commitTo(min(m.Commit, r.matched), out)
	if r.matched >= r.goal {
		r.status, r.goal, r.asking, r.remembered = normal, 0, false, process.Group{}
		r.heard, r.bound = r.now, true
		out.StopTimer(resend)
		out.SetTimer(election, r.cfg.Election)
		r.acknowledge(out)
		return
	}
	if !last.More && r.matched > had {
		r.asking = false
		r.ask(r.primary, r.lacking(), out)
	}
}
