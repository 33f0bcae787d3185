package vsync

import (
	"cmp"
	"slices"
	"time"

	"althing/oplog/lanes"
	"althing/process"
)

// fetch asks for what our log lacks; not again while the answer may still be on
// its way.
func (m *Member) fetch(from process.ID, out *process.Output) {
	if m.asking && m.now-m.asked < m.cfg.Heartbeat {
		return
	}
	m.asking, m.asked = true, m.now
	m.fetchFrom(from, out)
}

func (m *Member) fetchFrom(id process.ID, out *process.Output) {
	if m.msgs != nil {
		out.Send(id, &lanes.Lack{View: uint64(m.view), Counts: m.msgs.Counts(), Done: m.msgs.Had()})
		return
	}
	// Now: it says nothing of what is durable here.
	out.SendNow(id, &Fetch{View: m.view, Last: m.log.Last()})
}

// onFetch sends what a log lacks: anybody in the view of who asks, or in a later
// one, has the right entries.
func (m *Member) onFetch(from process.ID, f *Fetch, out *process.Output) {
	if f.View > m.view {
		return
	}
	// What it has of its view we have, too: or, if that is over, as far as it went.
	after, _ := slices.BinarySearchFunc(m.log.Entries(), uint64(f.View)+1, func(e process.Entry, v uint64) int {
		return cmp.Compare(e.Epoch, v)
	})
	prev, last := min(f.Last, m.log.Base()+uint64(after)), m.log.Last()
	switch {
	case f.Last < m.log.Base() || m.log.BaseEpoch() > uint64(f.View):
		m.sendImage(from, min(f.Last, m.log.Base()-1), out)
		return
	case prev == last:
		return
	}
	for n := m.cfg.Window; n > 0; n-- {
		es := m.log.Batch(prev, m.cfg.BatchBytes)
		end := prev + uint64(len(es))
		// Now: it is counted where it is durable, and says nothing of us. The view
		// is agreed on, and its entries are what its sequencer cast: see sendCasts.
		out.SendNow(from, &Cast{
			Use: ForState, More: n > 1 && end < last, View: m.view,
			Prev: prev, Epoch: m.log.EpochAt(prev), Last: last, Stable: m.delivered, Entries: es,
		})
		if prev = end; prev == last {
			return
		}
	}
}

// image is when a replica was sent an application state, and how far that goes
// at least.
type image struct {
	to    process.ID
	index uint64
	at    time.Duration
}

// imagePatience is how many election timeouts an application state may take. A
// host still at work on one ignores a second.
const imagePatience = 10

// sendImage sends the application's state in place of entries that are gone, to
// who has nothing after have; not again while one may be on its way. BJ §3.4:
// the state transfer of a join.
func (m *Member) sendImage(to process.ID, have uint64, out *process.Output) {
	i := slices.IndexFunc(m.images, func(i image) bool { return i.to == to })
	if i < 0 {
		i = len(m.images) // bounded by the replicas there are
		m.images = append(m.images, image{})
	} else if was := m.images[i]; have < was.index && m.now-was.at < imagePatience*m.cfg.Election.Max {
		return
	}
	m.images[i] = image{to: to, index: m.log.Base(), at: m.now}
	out.SendState(to, &Cast{Use: ForState, View: m.view, Last: m.log.Last(), Stable: m.delivered})
}

// load takes an application state that is ahead of ours. It names its view.
func (m *Member) load(s *process.State, out *process.Output) {
	out.LoadState()
	if m.log.Has(s.Index, s.Epoch) {
		m.log.Compact(s.Index) // what follows it may be needed, and may have been flushed
	} else {
		m.log.Reset(s)
	}
	m.delivered = s.Index
	m.enter(ViewID(s.Epoch), out)
	m.checkpoint(out)
}

// onCompact drops what the application has made durable, but for the last
// Trailing entries, which a replica a little behind may still ask for.
func (m *Member) onCompact(s *process.State, out *process.Output) {
	if m.msgs != nil {
		m.compactMessages(s.Index, out)
		return
	}
	m.log.Trim(min(s.Index, m.delivered), m.cfg.Trailing)
	// Even if nothing was dropped: the host frees what lies before it.
	m.checkpoint(out)
}

// checkpoint saves all that this replica must remember, in place of all records
// before.
func (m *Member) checkpoint(out *process.Output) {
	if m.msgs != nil {
		out.Checkpoint(&Kept{m.whole(), m.msgs.Keep()})
		return
	}
	whole := m.whole()
	out.Checkpoint(&whole)
}

func (m *Member) whole() Checkpoint {
	return Checkpoint{
		View: m.view, Promised: m.promised, Vote: m.vote, Base: m.log.Base(), BaseEpoch: m.log.BaseEpoch(),
		Group: *m.log.BaseGroup(), Entries: m.log.Entries(),
	}
}
