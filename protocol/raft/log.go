package raft

import (
	"slices"

	"althing/process"
)

// log is a server's log: the entries after base. What came before is in the
// application's state. Written entries never change and are shared with
// messages; only the array beyond len(entries) is this log's own to write.
type log struct {
	base     uint64 // index of the entry before entries[0]
	baseTerm uint64 // its term
	entries  []process.Entry

	// groups are the configurations that the log holds: the one in force at
	// base, then one for each Members entry, ascending by index.
	groups []groupAt
}

type groupAt struct {
	index uint64
	group process.Group
}

func (l *log) last() uint64 { return l.base + uint64(len(l.entries)) }

func (l *log) lastTerm() uint64 {
	if n := len(l.entries); n > 0 {
		return l.entries[n-1].Epoch
	}
	return l.baseTerm
}

// termAt returns the term of entry i, which must be in [base, last].
func (l *log) termAt(i uint64) uint64 {
	if i == l.base {
		return l.baseTerm
	}
	return l.entries[i-l.base-1].Epoch
}

// has reports whether entry i is here with that term.
func (l *log) has(i, term uint64) bool {
	return i >= l.base && i <= l.last() && l.termAt(i) == term
}

// slice returns the entries in (lo, hi], to be shared.
func (l *log) slice(lo, hi uint64) []process.Entry {
	i, j := lo-l.base, hi-l.base
	return l.entries[i:j:j]
}

// group returns the latest configuration in the log, decided or not: a server
// uses it from the moment it is here. §6
func (l *log) group() *process.Group { return &l.groups[len(l.groups)-1].group }

// groupIndex returns where group comes from.
func (l *log) groupIndex() uint64 { return l.groups[len(l.groups)-1].index }

// groupBefore returns the configuration before the latest one, or the latest
// if the log holds no other.
func (l *log) groupBefore() *process.Group { return &l.groups[max(0, len(l.groups)-2)].group }

// propose adds requests as entries of a term.
func (l *log) propose(term uint64, reqs []process.Request) {
	for i := range reqs {
		l.entries = append(l.entries, process.Entry{Epoch: term, Index: l.last() + 1, Req: reqs[i]})
		if reqs[i].Kind == process.Members {
			l.addGroup(&l.entries[len(l.entries)-1])
		}
	}
}

// replace makes es all that follows prev.
func (l *log) replace(prev uint64, es []process.Entry) {
	if prev < l.last() {
		l.truncate(prev)
	}
	l.append(es)
}

// append adds es, which follow last.
func (l *log) append(es []process.Entry) {
	l.entries = append(l.entries, es...)
	for i := range es {
		if es[i].Req.Kind == process.Members {
			l.addGroup(&es[i])
		}
	}
}

func (l *log) addGroup(e *process.Entry) {
	// Its leader made this entry from a group that it had decoded.
	if g, _, err := process.CutGroup(e.Req.Cmd); err == nil {
		l.groups = append(slices.Clip(l.groups), groupAt{e.Index, g})
	}
}

// truncate drops all entries after i. The array is left to those who share it.
func (l *log) truncate(i uint64) {
	n := i - l.base
	l.entries = l.entries[:n:n]
	k := len(l.groups)
	for k > 1 && l.groups[k-1].index > i {
		k--
	}
	l.groups = l.groups[:k:k]
}

// compact drops all entries up to i, in [base, last].
func (l *log) compact(i uint64) {
	rest := l.entries[i-l.base:]
	// As much room as before: else every append until the next compact copies
	// what it just copied.
	room := min(cap(l.entries), len(rest)+maxUncommitted)
	l.baseTerm, l.entries = l.termAt(i), append(make([]process.Entry, 0, room), rest...)
	l.base = i
	k := 0
	for k+1 < len(l.groups) && l.groups[k+1].index <= i {
		k++
	}
	l.groups = slices.Clone(l.groups[k:])
	l.groups[0].index = i
}

// reset makes the log empty, after a state.
func (l *log) reset(s *process.State) {
	*l = log{base: s.Index, baseTerm: s.Epoch, groups: []groupAt{{s.Index, s.Group.Clone()}}}
}
