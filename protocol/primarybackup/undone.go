package primarybackup

import (
	"slices"

	"althing/process"
	"althing/quorum"
)

// lossless reports whether those whom an answer waits for meet every majority.
func (r *PrimaryBackup) lossless() bool {
	n := len(r.log.Group().Voters)
	return r.mode == synchronous ||
		r.mode == semiSynchronous && min(r.cfg.Acks, n-1)+1+quorum.Majority(n) > n
}

// cut notes what was committed here of the entries after prev, where the log is
// about to be cut. They are not undone before a majority follows the primary that
// has others in their place: until then one who has them may still be promoted.
func (r *PrimaryBackup) cut(prev uint64) {
	if last := min(max(r.sure, r.perhaps), r.log.Last()); prev < last {
		r.parted = append(slices.Clip(r.parted), Parted{r.sure, r.log.Slice(prev, last)})
	}
	r.sure, r.perhaps = min(r.sure, prev), min(r.perhaps, prev)
}

// decideParted says what is undone: entries in whose place another is settled.
// Those that are in the log again, with a later primary, are not. An entry of the
// same index and epoch is the same in all logs, and so is all before it.
func (r *PrimaryBackup) decideParted(out *process.Output) {
	var left []Parted
	for _, p := range r.parted {
		for len(p.Entries) > 0 && r.follows(&p.Entries[0]) {
			if at := p.Entries[0].Index; at <= p.Sure {
				r.sure = max(r.sure, at)
			} else {
				r.perhaps = max(r.perhaps, at)
			}
			p.Entries = p.Entries[1:]
		}
		switch {
		case len(p.Entries) == 0:
		case p.Entries[0].Index <= r.settled:
			out.Undone(p.Entries, p.Sure)
		default:
			left = append(left, p)
		}
	}
	if len(left) < len(r.parted) {
		r.parted = left
		r.checkpoint(out) // or they would be found again after a restart
	}
	r.parted = left
}

// follows reports whether e is in the history that the log is of.
func (r *PrimaryBackup) follows(e *process.Entry) bool {
	if e.Index >= r.log.Base() {
		return r.log.Has(e.Index, e.Epoch)
	}
	k := len(r.past)
	for k > 0 && r.past[k-1].Index > e.Index {
		k--
	}
	return k > 0 && r.past[k-1].Epoch == e.Epoch
}

// maxPast bounds the epochs of which it is known where they begin. Who was away
// for more promotions than that may say that entries are undone which are not,
// though only of those that it did not know to be settled.
const maxPast = 1024

// trim drops entries of the log up to index to, but for the last Trailing of
// them, and remembers where their epochs began.
func (r *PrimaryBackup) trim(to uint64) {
	es := r.log.Slice(r.log.Base(), to)
	last := r.log.BaseEpoch()
	r.log.Trim(to, r.cfg.Trailing)
	for i := range es {
		if e := &es[i]; e.Index <= r.log.Base() && e.Epoch != last {
			last = e.Epoch
			r.past = append(slices.Clip(r.past), Begun{e.Index, e.Epoch})
		}
	}
	r.past = r.past[max(0, len(r.past)-maxPast):]
}
