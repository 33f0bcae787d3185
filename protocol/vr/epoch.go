package vr

import (
	"slices"

	"althing/process"
)

// epochViews is how many views an epoch has room for: view v of epoch e is the
// view-number e*epochViews + v. So one number orders all views, and in entries
// tells all epochs apart. At one view a millisecond an epoch lasts four months.
const epochViews = 10_000_000_000

func epochOf(view uint64) uint64 { return view / epochViews }

// epoch returns the epoch that this replica is in. All that was committed before
// it is here, but in a recovery.
func (r *VR) epoch() uint64 { return epochOf(r.view) }

// begins reports whether v is view 0 of an epoch after the first. Nobody is primary
// in it, so who was in no later one has promised only to hold what was committed
// before the epoch.
func begins(v uint64) bool { return v > 0 && v%epochViews == 0 }

// changing reports whether the log ends with a Reconfiguration that is not known to
// be committed. No entry of the epoch follows it.
func (r *VR) changing() bool { return r.log.GroupIndex() > r.commitIndex }

// group returns the group of the present epoch. Only it votes on the next one.
func (r *VR) group() *process.Group {
	switch {
	case r.status == recovering && len(r.remembered.Voters) > 0:
		return &r.remembered
	case r.changing():
		return r.log.GroupBefore()
	}
	return r.log.Group()
}

// onMembers takes in a Reconfiguration. From then on, until an epoch begins, no
// other request is. §7.1, step 1
func (r *VR) onMembers(q process.Request, out *process.Output) {
	want, _, err := process.CutGroup(q.Cmd)
	refuse := func(why process.Reason) { out.Refuse([]process.Request{q}, why, r.primary) }
	switch {
	case err != nil || !want.Valid() || want.Joint():
		refuse(process.Invalid)
	case r.changing():
		refuse(process.Changing)
	case r.behind(&want):
		refuse(process.Behind)
	default:
		r.propose([]process.Request{q}, out)
	}
}

// behind reports whether a learner that is to vote still lacks a tenth of the log:
// the next epoch would wait for it. §7.3
func (r *VR) behind(want *process.Group) bool {
	for _, id := range want.Voters {
		if slices.Contains(r.group().Learners, id) {
			if p := r.peer(id); p == nil || p.match < r.log.Last()-r.log.Last()/10 {
				return true
			}
		}
	}
	return false
}

// endEpoch commits the Reconfiguration that the log ends with. Its entry becomes the
// first of the next epoch, the same in every log, whichever view committed it. All
// whom this concerns are told, and which view to want. §7.1, steps 2 and 3
func (r *VR) endEpoch(out *process.Output) {
	last := r.log.Last()
	concerned, heir := r.group().Members(), r.heir(r.log.Group())
	e := r.log.Slice(last-1, last)[0]
	e.Epoch = (r.epoch() + 1) * epochViews
	r.log.Replace(last-1, []process.Entry{e})
	r.saveEntries(last-1, r.log.Slice(last-1, last), out)
	r.commitTo(last, out)
	first := e.Epoch + 1
	for r.primaryOf(first) != heir { // at most once around the group
		first++
	}
	r.enterEpoch(first, out)

	concerned = append(concerned, r.group().Members()...)
	slices.Sort(concerned)
	for _, id := range slices.Compact(concerned) {
		if id != r.cfg.Self && !(r.handsOn && r.voter(id)) { // else it was told
			r.tellEpoch(id, out)
		}
	}
	r.wantFirst(first, out)
}

// heir returns who should be the first primary of the group g: this one, or who
// has most of its log.
func (r *VR) heir(g *process.Group) process.ID {
	best, match := g.Voters[0], uint64(0)
	for _, id := range g.Voters {
		if id == r.cfg.Self {
			return id
		}
		if p := r.peer(id); p != nil && p.match > match {
			best, match = id, p.match
		}
	}
	return best
}

// enterEpoch begins to take part in the epoch that the committed log has reached,
// of which others should want view first; 0: it does not matter. A replica enters it
// only with the whole log: so all that have promised anything in an epoch hold what
// was committed before. §7.1, step 5
func (r *VR) enterEpoch(first uint64, out *process.Output) {
	assert(r.log.Last() == r.commitIndex, "an epoch begins with what is committed")
	r.stepDown(out)
	r.status, r.primary, r.bound, r.remembered = normal, 0, false, process.Group{}
	if v := r.log.EpochAt(r.commitIndex); v > r.view {
		r.setView(v, out)
	}
	r.endViewChange(out)
	r.forget()
	out.StopTimer(resend)
	out.SetTimer(election, r.cfg.Election)
	r.first, r.begun = first, nil
	r.handOn(out)
}

// wantFirst asks for the view with which the epoch is to begin, without waiting for
// an election timeout: nobody is primary yet.
func (r *VR) wantFirst(v uint64, out *process.Output) {
	// Of a later epoch it may be, if not all of the log came at once.
	if v > r.view && epochOf(v) == r.epoch() && r.voter(r.cfg.Self) && !r.sticky() {
		r.want(v, 0, out)
	}
}

// handOn lets one who does not vote in its epoch tell those who do that it began,
// until f+1 of them have answered: maybe nobody else knows. §7.1, steps 4 and 6
func (r *VR) handOn(out *process.Output) {
	if r.handsOn = r.epoch() > 0 && !r.voter(r.cfg.Self); !r.handsOn {
		return
	}
	for _, id := range r.group().Voters {
		if !slices.Contains(r.begun, id) {
			r.tellEpoch(id, out)
		}
	}
	out.SetTimer(resend, process.Span{Min: r.cfg.Heartbeat, Max: r.cfg.Heartbeat})
}

// endHandOn ends what handOn began.
func (r *VR) endHandOn(out *process.Output) {
	if r.handsOn {
		r.handsOn, r.begun = false, nil
		out.StopTimer(resend)
	}
}

// onEpochStarted counts who has durably begun the epoch. With f+1 the groups before
// are not needed any more. §7.1, step 6
func (r *VR) onEpochStarted(from process.ID, out *process.Output) {
	if !r.handsOn || !r.voter(from) || slices.Contains(r.begun, from) {
		return
	}
	if r.begun = append(r.begun, from); len(r.begun) >= r.majority() {
		r.endHandOn(out)
	}
}

// tellEpoch says that our epoch has begun, with the entry that begins it if the log
// still has that. §7.1, step 3
func (r *VR) tellEpoch(to process.ID, out *process.Output) {
	m := &Prepare{Use: ForStartEpoch, View: max(r.view, r.first), Prev: r.commitIndex, Commit: r.commitIndex}
	if i := r.log.GroupIndex(); !r.changing() && i > r.log.Base() {
		m.Prev, m.Entries = i-1, r.log.Slice(i-1, i)
	}
	m.PrevView = r.log.EpochAt(m.Prev)
	// Now: it speaks of what f+1 of the group before have on their disks.
	out.SendNow(to, m)
}

// onEarlierEpoch hears of one who does not know that its epoch is over. Nothing that
// it says counts.
func (r *VR) onEarlierEpoch(from process.ID, m message, out *process.Output) {
	switch m := m.(type) {
	case *GetState:
		r.sendCommitted(from, m, out)
	case *PrepareOk, *CommitOk, *RecoveryResponse: // it is answered when it asks
	default:
		r.tellEpoch(from, out)
	}
}

// onLaterEpoch learns that our epoch is over, and asks what was committed in it. Until
// that is here we take part in it, as we may be needed to find out what it was.
func (r *VR) onLaterEpoch(from process.ID, m message, out *process.Output) {
	if _, ok := m.(*Recovery); !ok { // who sends that knows nothing
		r.askEpoch(from, out)
	}
}

// askEpoch asks one of a later epoch for what was committed before it.
func (r *VR) askEpoch(of process.ID, out *process.Output) {
	m := &GetState{View: r.view, Sure: r.commitIndex, Last: r.log.Last(), LastView: r.log.LastEpoch()}
	if r.changing() { // that entry is another one now: see endEpoch
		m.Last--
		m.LastView = r.log.EpochAt(m.Last)
	}
	r.ask(of, m, out)
}

// sendCommitted sends one who may enter our epoch all that it takes, at once: who
// held a part of what later views decided could trust no primary of its own epoch.
// If that is too much, the application's state goes in its place. §7.1, step 5
func (r *VR) sendCommitted(to process.ID, m *GetState, out *process.Output) {
	prev := m.Sure
	if m.Last <= r.commitIndex && r.log.Has(m.Last, m.LastView) {
		prev = m.Last
	}
	if prev >= r.log.Base() && prev <= r.commitIndex {
		es := r.log.Batch(prev, r.cfg.BatchBytes)
		es = es[:min(uint64(len(es)), r.commitIndex-prev)]
		if n := len(es); n > 0 && opens(es[n-1].Epoch, m.View) {
			// Now: as in tellEpoch.
			out.SendNow(to, &Prepare{
				Use: ForStartEpoch, View: max(r.view, r.first), Prev: prev, PrevView: r.log.EpochAt(prev),
				Commit: r.commitIndex, Entries: es,
			})
			return
		}
	}
	r.sendImage(to, prev, r.commitIndex, ForStartEpoch, out)
}

// opens reports whether who is in view v may enter an epoch with a log whose last
// entry was made in view last, and is committed: a later epoch; or its own, if it has
// promised no more in it than to hold what was committed before.
func opens(last, v uint64) bool {
	return epochOf(last) > epochOf(v) || epochOf(last) == epochOf(v) && begins(v)
}

// onStartEpoch takes what was committed before an epoch, and enters that. §7.1, step 4
func (r *VR) onStartEpoch(from process.ID, m *Prepare, s *process.State, out *process.Output) {
	switch e := epochOf(m.View); {
	case r.status == recovering && !opens(m.View, r.view):
		return // it may have promised more than is known there
	case r.status == recovering || e > r.epoch():
	case e < r.epoch():
		r.tellEpoch(from, out)
		return
	default:
		r.hasStarted(from, out)
		return
	}
	if !r.takeCommitted(m, s, out) {
		r.askEpoch(from, out)
		return
	}
	r.hasStarted(from, out)
	r.wantFirst(m.View, out)
}

// hasStarted says that this replica has begun its epoch, when it has durably: who is
// told may go then.
func (r *VR) hasStarted(to process.ID, out *process.Output) {
	out.Send(to, &EpochStarted{View: r.view})
}

// takeCommitted takes an application's state, or committed entries, if with them the
// log reaches an epoch that this replica may enter, and lets it do so.
func (r *VR) takeCommitted(m *Prepare, s *process.State, out *process.Output) bool {
	if s != nil && s.Index >= r.commitIndex && opens(s.Epoch, r.view) {
		r.load(s, out)
		return true
	}
	prev, prevView, es := m.Prev, m.PrevView, m.Entries
	if base := r.log.Base(); prev < base && uint64(len(es)) >= base-prev {
		prev, prevView, es = base, r.log.BaseEpoch(), es[base-prev:]
	}
	if !r.log.Has(prev, prevView) {
		return false
	}
	for len(es) > 0 && r.log.Has(es[0].Index, es[0].Epoch) {
		prev, es = prev+1, es[1:]
	}
	last := r.log.EpochAt(prev)
	if n := len(es); n > 0 {
		last = es[n-1].Epoch
	}
	if !opens(last, r.view) {
		return false
	}
	if len(es) > 0 {
		assert(prev >= r.commitIndex, "no later epoch replaces what is decided")
		r.log.Replace(prev, es)
		r.saveEntries(prev, es, out)
	}
	r.commitTo(prev+uint64(len(es)), out)
	r.enterEpoch(0, out)
	return true
}
