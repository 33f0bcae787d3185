package multileader

import (
	"maps"
	"slices"
	"strconv"

	"althing/clock"
	"althing/crdt"
	"althing/process"
)

// data is what replicas come to hold alike: a function of the set of writes
// taken in, whatever their order. A version is in it from its write on until
// another that replaces it is taken in.
type data struct {
	seen    clock.Version // writes 1 to seq of each replica, and with a write all that it comes after
	dropped clock.Version // by replica: how many versions its writes dropped; as monotonic as seen
	last    clock.Hybrid  // the latest time of all these writes
	keys    map[string][]Version
	size    int          // bytes of keys and values
	members []process.ID // ascending
	removed []process.ID // ascending; they never come back
}

// overhead is what a version costs beside its key and value.
const overhead = 64

func newData() data { return data{keys: map[string][]Version{}} }

// has reports whether a write was taken in.
func (d *data) has(dot clock.Dot) bool { return d.seen.Covers(dot) }

// next reports whether w can be taken in: nothing that it comes after is missing.
func (d *data) next(w *Write) bool {
	return w.Dot.Seq == d.seen.At(w.Dot.Actor)+1 && covers(d.seen, w.After)
}

// covers reports whether v knows all that w does.
func covers(v, w clock.Version) bool {
	o := v.Compare(w)
	return o == clock.After || o == clock.Equal
}

// apply takes w in.
func (d *data) apply(w *Write) {
	d.seen = d.seen.Merge(clock.Version{w.Dot})
	d.last = max(d.last, w.At)
	if w.Key == "" {
		d.regroup(w.Added, w.Removed)
		return
	}
	if n := uint64(len(w.Lost)); n > 0 {
		by := w.Dot.Actor
		d.dropped = d.dropped.Merge(clock.Version{{Actor: by, Seq: d.dropped.At(by) + n}})
	}
	left := []Version{{w.Dot, w.At, w.Value}}
	for _, v := range d.keys[w.Key] {
		if !slices.Contains(w.Over, v.Dot) && !slices.Contains(w.Lost, v.Dot) {
			left = append(left, v)
		}
	}
	d.put(w.Key, left)
}

// put makes these the versions of a key.
func (d *data) put(key string, vs []Version) {
	for _, v := range d.keys[key] {
		d.size -= len(key) + len(v.Value) + overhead
	}
	delete(d.keys, key)
	if len(vs) == 0 {
		return
	}
	slices.SortFunc(vs, func(a, b Version) int { return a.Dot.Compare(b.Dot) })
	d.keys[key] = vs
	for _, v := range vs {
		d.size += len(key) + len(v.Value) + overhead
	}
}

// regroup adds members, and takes some out for good. Both are sets that only
// grow, for an ID is never given twice: so the order of changes is of no account.
func (d *data) regroup(added, removed []process.ID) {
	d.removed = union(d.removed, removed)
	d.members = slices.DeleteFunc(union(d.members, added), func(id process.ID) bool {
		return slices.Contains(d.removed, id)
	})
}

func union(a, b []process.ID) []process.ID {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// join takes in all that s has: a version stays if both have it, or if one has
// it and the other has not seen its write; else the other saw it replaced.
func (d *data) join(s *State) {
	theirs := make(map[string][]Version, len(s.Items))
	for i := range s.Items {
		theirs[s.Items[i].Key] = s.Items[i].Versions
	}
	for _, key := range slices.Sorted(maps.Keys(d.keys)) {
		if _, both := theirs[key]; !both {
			d.put(key, d.stay(d.keys[key], nil, s))
		}
	}
	for i := range s.Items {
		it := &s.Items[i]
		d.put(it.Key, d.stay(d.keys[it.Key], it.Versions, s))
		for _, v := range it.Versions {
			d.last = max(d.last, v.At) // the latest write of all is a version
		}
	}
	d.seen, d.dropped = d.seen.Merge(s.Seen), d.dropped.Merge(s.Dropped)
	d.regroup(s.Members, s.Removed)
}

// stay returns what is left of the versions here and there.
func (d *data) stay(here, there []Version, s *State) []Version {
	is := func(x Version) func(Version) bool { return func(y Version) bool { return x.Dot == y.Dot } }
	var left []Version
	for _, v := range here {
		if !s.Seen.Covers(v.Dot) || slices.ContainsFunc(there, is(v)) {
			left = append(left, v)
		}
	}
	for _, v := range there {
		if !d.has(v.Dot) {
			left = append(left, v)
		}
	}
	return left
}

// state returns all of d. It shares what never changes.
func (d *data) state() *State {
	s := &State{Seen: d.seen, Dropped: d.dropped,
		Members: slices.Clone(d.members), Removed: slices.Clone(d.removed)}
	for _, key := range slices.Sorted(maps.Keys(d.keys)) {
		s.Items = append(s.Items, Item{key, d.keys[key]})
	}
	return s
}

func (d *data) clone() data {
	c := *d
	c.keys = maps.Clone(d.keys)
	c.members, c.removed = slices.Clone(d.members), slices.Clone(d.removed)
	return c
}

// A rule says what readers are shown of the versions of a key.
type rule struct {
	strategy crdt.Strategy
	drops    bool // a version that is not shown is lost with the next write
}

// shown returns the values, in order. Where versions cannot be merged, all of
// them are shown.
func (r *rule) shown(vs []Version) []string {
	all := make([]crdt.Version, len(vs))
	for i, v := range vs {
		all[i] = crdt.Version{At: uint64(v.At), Dot: v.Dot, Value: string(v.Value)}
	}
	values, err := r.strategy.Resolve(all)
	if err != nil {
		values, _ = crdt.KeepSiblings.Resolve(all)
	}
	return values
}

// replace returns the dots that a write replaces: of the versions that ctx has
// seen those that were shown, and those that were not.
func (r *rule) replace(vs []Version, ctx clock.Version) (over, lost []clock.Dot) {
	shown := r.shown(vs)
	for _, v := range vs {
		switch {
		case !ctx.Covers(v.Dot):
		case r.drops && !slices.Contains(shown, string(v.Value)):
			lost = append(lost, v.Dot)
		default:
			over = append(over, v.Dot)
		}
	}
	return over, lost
}

// named is how a lost write is called: its dot, and its key.
func named(d clock.Dot, key string) string { return d.String() + " " + key }

// appendContents appends what is here and what is shown of it, as text.
func (d *data) appendContents(b []byte, r *rule) []byte {
	b, _ = d.seen.AppendText(b)
	b, _ = d.dropped.AppendText(append(b, " dropped "...))
	for _, ids := range [][]process.ID{d.members, d.removed} {
		b = append(b, '\n')
		for _, id := range ids {
			b = append(strconv.AppendUint(b, uint64(id), 10), ' ')
		}
	}
	for _, key := range slices.Sorted(maps.Keys(d.keys)) {
		b = append(strconv.AppendQuote(append(b, '\n'), key), ':')
		for _, v := range d.keys[key] {
			b, _ = v.Dot.AppendText(append(b, ' '))
			b, _ = v.At.AppendText(append(b, ' '))
			b = strconv.AppendQuote(append(b, ' '), string(v.Value))
		}
		b = append(b, " is"...)
		for _, value := range r.shown(d.keys[key]) {
			b = strconv.AppendQuote(append(b, ' '), value)
		}
	}
	return b
}
