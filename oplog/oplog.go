// Package oplog is the log of a replica, for protocols that keep one without
// gaps: Raft's log, the op-log of Viewstamped Replication, what a primary sends
// its backups. It holds the entries that are not in the application's state
// alone, and knows the group that each of them was made in.
package oplog

import (
	"slices"

	"althing/process"
	"althing/wire"
)

// A Log is the entries after a base. What came before is in the application's
// state. Written entries never change and are shared with messages; only the
// array beyond the last entry is this log's own to write. Epoch is the paper's
// term, view or epoch. New makes one.
type Log struct {
	base      uint64 // index of the entry before entries[0]
	baseEpoch uint64 // its epoch
	entries   []process.Entry

	// groups are those that the log holds: the one in force at base, then one
	// for each Members entry, ascending by index.
	groups []groupAt
}

type groupAt struct {
	index uint64
	group process.Group
}

// New returns an empty log of nobody's group.
func New() Log { return Log{groups: []groupAt{{}}} }

// Base returns the index of the entry before the first that is here.
func (l *Log) Base() uint64 { return l.base }

// BaseEpoch returns the epoch of the entry at Base.
func (l *Log) BaseEpoch() uint64 { return l.baseEpoch }

// BaseGroup returns the group in force at Base.
func (l *Log) BaseGroup() *process.Group { return &l.groups[0].group }

// Entries returns the entries that are here, to be shared.
func (l *Log) Entries() []process.Entry { return slices.Clip(l.entries) }

// Last returns the index of the last entry, Base if there is none.
func (l *Log) Last() uint64 { return l.base + uint64(len(l.entries)) }

// LastEpoch returns the epoch of the entry at Last.
func (l *Log) LastEpoch() uint64 {
	if n := len(l.entries); n > 0 {
		return l.entries[n-1].Epoch
	}
	return l.baseEpoch
}

// EpochAt returns the epoch of entry i, which must be in [Base, Last].
func (l *Log) EpochAt(i uint64) uint64 {
	if i == l.base {
		return l.baseEpoch
	}
	return l.entries[i-l.base-1].Epoch
}

// Has reports whether entry i is here, or at Base, with that epoch.
func (l *Log) Has(i, epoch uint64) bool {
	return i >= l.base && i <= l.Last() && l.EpochAt(i) == epoch
}

// Slice returns the entries in (lo, hi], within [Base, Last], to be shared.
func (l *Log) Slice(lo, hi uint64) []process.Entry {
	i, j := lo-l.base, hi-l.base
	return l.entries[i:j:j]
}

// Batch returns the entries after prev, in [Base, Last], as many as take size
// bytes, and one at least.
func (l *Log) Batch(prev uint64, size int) []process.Entry {
	es := l.Slice(prev, l.Last())
	for i := range es {
		if size -= len(es[i].Req.Cmd) + entryBytes; size < 0 && i > 0 {
			return es[:i:i]
		}
	}
	return es
}

// Group returns the latest group in the log, decided or not.
func (l *Log) Group() *process.Group { return &l.groups[len(l.groups)-1].group }

// GroupIndex returns the index of the entry that Group comes from, or Base.
func (l *Log) GroupIndex() uint64 { return l.groups[len(l.groups)-1].index }

// GroupBefore returns the group before the latest one, or the latest if the log
// holds no other.
func (l *Log) GroupBefore() *process.Group { return &l.groups[max(0, len(l.groups)-2)].group }

// Propose adds requests as entries of an epoch.
func (l *Log) Propose(epoch uint64, reqs []process.Request) {
	for i := range reqs {
		l.entries = append(l.entries, process.Entry{Epoch: epoch, Index: l.Last() + 1, Req: reqs[i]})
		if reqs[i].Kind == process.Members {
			l.addGroup(&l.entries[len(l.entries)-1])
		}
	}
}

// Replace makes es all that follows prev, in [Base, Last].
func (l *Log) Replace(prev uint64, es []process.Entry) {
	if prev < l.Last() {
		l.Truncate(prev)
	}
	l.Append(es)
}

// Append adds es, which follow Last.
func (l *Log) Append(es []process.Entry) {
	l.entries = append(l.entries, es...)
	for i := range es {
		if es[i].Req.Kind == process.Members {
			l.addGroup(&es[i])
		}
	}
}

func (l *Log) addGroup(e *process.Entry) {
	// Its leader made this entry from a group that it had decoded.
	if g, _, err := process.CutGroup(e.Req.Cmd); err == nil {
		l.groups = append(slices.Clip(l.groups), groupAt{e.Index, g})
	}
}

// Truncate drops all entries after i, in [Base, Last]. The array is left to those who share it.
func (l *Log) Truncate(i uint64) {
	n := i - l.base
	l.entries = l.entries[:n:n]
	k := len(l.groups)
	for k > 1 && l.groups[k-1].index > i {
		k--
	}
	l.groups = l.groups[:k:k]
}

// trailingBytes bounds the commands that Trim leaves, however few entries they
// are: an application's state is sent faster than more of them.
const trailingBytes = 32 << 20

// Trim drops the entries up to i, in [Base, Last], but for the last trailing of
// them, which a replica a little behind may still ask for.
func (l *Log) Trim(i, trailing uint64) {
	for size := 0; trailing > 0 && i > l.base && size < trailingBytes; trailing-- {
		size += len(l.entries[i-l.base-1].Req.Cmd)
		i--
	}
	if i > l.base {
		l.Compact(i)
	}
}

// room bounds the entries that a compacted log may take in without a copy.
const room = 1 << 16

// Compact drops all entries up to i, in [Base, Last].
func (l *Log) Compact(i uint64) {
	rest := l.entries[i-l.base:]
	// As much room as before: else every append until the next compact copies
	// what it just copied.
	size := min(cap(l.entries), len(rest)+room)
	l.baseEpoch, l.entries = l.EpochAt(i), append(make([]process.Entry, 0, size), rest...)
	l.base = i
	k := 0
	for k+1 < len(l.groups) && l.groups[k+1].index <= i {
		k++
	}
	l.groups = slices.Clone(l.groups[k:])
	l.groups[0].index = i
}

// Reset makes the log empty, after an application state.
func (l *Log) Reset(s *process.State) {
	*l = Log{base: s.Index, baseEpoch: s.Epoch, groups: []groupAt{{s.Index, s.Group.Clone()}}}
}

// Clone returns an independent copy. Entries are shared; clipped, they are
// copied by whichever side appends first.
func (l *Log) Clone() Log {
	c := *l
	c.entries, c.groups = slices.Clip(l.entries), slices.Clip(l.groups)
	return c
}

// AppendState appends the whole log in one canonical form.
func (l *Log) AppendState(b []byte) []byte {
	b = process.AppendGroup(wire.AppendUints(b, l.base, l.baseEpoch), l.groups[0].group)
	return AppendEntries(b, l.entries)
}
