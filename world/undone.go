package world

import (
	"althing/process"
	"althing/trace"
)

// A place names an entry for good: an epoch has one history.
type place struct{ index, epoch uint64 }

func placeOf(e *process.Entry) place { return place{e.Index, e.Epoch} }

// said checks what a replica says of entries that leave its log: somebody
// committed those of which it is sure, and somebody asked for the others.
func (c *check) said(r *replica, e *process.Effect) error {
	if !c.loses {
		return violation("Contract", "replica %d says that a commit is undone, which its protocol never does", r.id)
	}
	for i := range e.Entries {
		f := &e.Entries[i]
		if f.Index != e.Entries[0].Index+uint64(i) {
			return violation("Contract", "replica %d says that entries are undone that do not follow one another", r.id)
		}
		if q, ok := c.committed[placeOf(f)]; f.Index <= e.Index && (!ok || q != submissionOf(&f.Req)) {
			return violation("Undone", "replica %d says that %s was committed, but it never was", r.id, trace.Entry(f))
		}
		if err := c.valid(r, f); err != nil {
			return err
		}
		r.said[placeOf(f)] = struct{}{}
	}
	return nil
}

// Unsaid returns a violation if a replica committed, in any of its lives, what is
// not in the group's history, and never said that it is undone; or said so of what
// is. It may be asked once all have Converged: before that some do not know yet.
func (w *World) Unsaid() *Violation {
	for _, r := range w.replicas {
		if r.proc == nil {
			continue
		}
		for i := range w.check.undone {
			e := &w.check.undone[i]
			_, did := r.did[placeOf(e)]
			if _, ok := r.said[placeOf(e)]; did && !ok {
				return violation("Undone", "replica %d committed %s, which is undone, and never said so",
					r.id, trace.Entry(e))
			}
		}
		for i := range w.check.chosen {
			e := &w.check.chosen[i]
			if _, ok := r.said[placeOf(e)]; ok {
				return violation("Undone", "replica %d says that %s is undone, but it is not", r.id, trace.Entry(e))
			}
		}
	}
	return nil
}
