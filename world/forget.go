package world

import (
	"slices"

	"althing/process"
	"althing/quorum"
)

// MayForget reports whether a group that keeps its log in memory outlives that id
// loses its own: in no group does more than a minority at once, and those who have
// not yet got it back count too. Of the groups those count that came after the last
// one that a majority of has begun with, and that one: until the next has, it is asked
// what was committed.
func (w *World) MayForget(id process.ID) bool {
	for i := len(w.check.chosen) - 1; i >= 0; i-- {
		e := &w.check.chosen[i]
		if e.Req.Kind != process.Members {
			continue
		}
		g, _, _ := process.CutGroup(e.Req.Cmd) // it was applied, so it is one
		if !w.spares(g.Voters, id) || !w.spares(g.Outgoing, id) {
			return false
		}
		if !g.Joint() && w.began(g.Voters, e.Index) {
			return true
		}
	}
	return w.spares(w.first.Voters, id)
}

// spares reports whether a majority of voters remember, even without id.
func (w *World) spares(voters []process.ID, id process.ID) bool {
	if !slices.Contains(voters, id) {
		return true
	}
	out := 1
	for _, v := range voters {
		if v != id && !w.remembers(v, 0) {
			out++
		}
	}
	return out <= len(voters)-quorum.Majority(len(voters))
}

// began reports whether a majority of voters remember all up to index.
func (w *World) began(voters []process.ID, index uint64) bool {
	n := 0
	for _, v := range voters {
		if w.remembers(v, index) {
			n++
		}
	}
	return n >= quorum.Majority(len(voters))
}

func (w *World) remembers(id process.ID, index uint64) bool {
	st := w.Status(id)
	return w.Up(id) && st.Role != process.Recovering && st.Commit >= index
}
