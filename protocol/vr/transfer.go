package vr

import (
	"slices"
	"time"

	"althing/process"
)

// lacking says where our log ends, for who is asked for the rest.
func (r *VR) lacking() *GetState {
	return &GetState{View: r.view, Sure: r.matched, Last: r.log.Last(), LastView: r.log.LastEpoch()}
}

// ask asks for what our log lacks; not again while the answer may still be on its
// way. §5.2
func (r *VR) ask(of process.ID, lacking *GetState, out *process.Output) {
	if r.asking && r.now-r.asked < r.cfg.Heartbeat {
		return
	}
	r.asking, r.asked = true, r.now
	// Now: it says nothing of what is durable here.
	out.SendNow(of, lacking)
}

// onGetState sends what a log lacks: as the primary, or within a view change to
// the next one. §5.2
func (r *VR) onGetState(from process.ID, m *GetState, out *process.Output) {
	if begins(m.View) {
		r.sendCommitted(from, m, out) // it recovers: see opens
		return
	}
	next := r.status == viewChange && from == r.primaryOf(r.view)
	if m.View != r.view || !r.leads() && !next {
		return
	}
	prev, last := m.Sure, r.log.Last()
	if r.log.Has(m.Last, m.LastView) {
		prev = m.Last // then all before it is the same as well
	}
	switch {
	case prev > last:
		return
	case prev < r.log.Base():
		r.sendImage(from, prev, r.log.Base(), ForNewState, out)
		return
	}
	for n := r.cfg.Window; n > 0; n-- {
		es := r.log.Batch(prev, r.cfg.BatchBytes)
		end := prev + uint64(len(es))
		// Now: it is counted where it is durable, and says nothing of us. If it
		// is ours to propose, see sendPrepares; if not, it was durable before we
		// said in DoViewChange that we have it.
		out.SendNow(from, &Prepare{
			Use: ForNewState, More: n > 1 && end < last, View: r.view,
			Prev: prev, PrevView: r.log.EpochAt(prev), Last: last, Commit: r.commitIndex, Entries: es,
		})
		if prev = end; prev == last {
			return
		}
	}
}

// imagePatience is how many election timeouts an application state may take. A
// host still at work on one ignores a second.
const imagePatience = 10

// sendImage sends the application's state, at index at least, in place of entries, to
// who has nothing after have; not again while one may be on its way. §5.2
func (r *VR) sendImage(to process.ID, have, index uint64, use Use, out *process.Output) {
	i := slices.IndexFunc(r.images, func(i image) bool { return i.to == to })
	if i < 0 {
		i = len(r.images) // bounded by those who ever were in a group
		r.images = append(r.images, image{})
	} else if was := r.images[i]; have < was.index && r.now-was.at < imagePatience*r.cfg.Election.Max {
		return
	}
	r.images[i] = image{to: to, index: index, at: r.now}
	out.SendState(to, &Prepare{Use: use, View: r.view, Last: r.log.Last()})
}

// load takes an application state that is ahead of ours. §5.2
func (r *VR) load(s *process.State, out *process.Output) {
	out.LoadState()
	if r.log.Has(s.Index, s.Epoch) {
		r.log.Compact(s.Index) // what follows it may be needed, and may have been promised
	} else {
		r.log.Reset(s)
	}
	r.commitIndex, r.matched = s.Index, max(r.matched, s.Index)
	if epochOf(s.Epoch) > r.epoch() || r.status == recovering && opens(s.Epoch, r.view) {
		r.enterEpoch(0, out)
	}
	r.checkpoint(out)
}

// onCompact drops what the application has made durable, but for the last
// Trailing entries, which a replica a little behind may still ask for. §5.1
func (r *VR) onCompact(s *process.State, out *process.Output) {
	r.log.Trim(min(s.Index, r.commitIndex), r.cfg.Trailing)
	// Even if nothing was dropped: the host frees what lies before it.
	r.checkpoint(out)
}

// checkpoint saves all that this replica must remember, in place of all records
// before.
func (r *VR) checkpoint(out *process.Output) {
	if r.diskless {
		out.Checkpoint(r.past())
		return
	}
	out.Checkpoint(&Checkpoint{
		View: r.view, Base: r.log.Base(), BaseView: r.log.BaseEpoch(),
		Group: *r.log.BaseGroup(), Entries: r.log.Entries(),
	})
}

// image is when a replica was sent an application state, and how far that goes
// at least.
type image struct {
	to    process.ID
	index uint64
	at    time.Duration
}
