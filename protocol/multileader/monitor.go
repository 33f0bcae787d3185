package multileader

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"althing/clock"
	"althing/process"
	"althing/wire"
)

// monitor checks over a whole group:
//
//	Creation    what is taken in was asked for, of the replica in its name
//	Names       no dot names two writes that others or clients have heard of
//	Causality   with a write all that it comes after is taken in
//	Contents    of the writes taken in, just those that none of the others replaces
//	            are versions of their key: none is dropped, none comes back
//	Account     what a write replaces was there; what readers were not shown of
//	            it is in the write as lost, and counted and named by each replica
//	Durability  what clients were told of is there after a crash
//	Answers     readers are shown what the strategy makes of the versions, and
//	            told of what they come from
//
// It has the versions by the definition, from the set of all writes, and not as
// the replicas do by one change after another.
type monitor struct {
	rule   rule
	writes map[clock.Dot]*Write // the latest of that name: names of what a crash took come again
	heard  clock.Version        // what others and clients have heard of
	lanes  map[process.ID]*lane
}

// A lane is one replica.
type lane struct {
	seen     clock.Version // as last looked at
	told     clock.Version // what its clients were told of
	dropped  uint64        // by the writes in seen
	replaced map[clock.Dot]struct{}
	versions map[string][]clock.Dot // ascending
}

func newLane() *lane {
	return &lane{replaced: map[clock.Dot]struct{}{}, versions: map[string][]clock.Dot{}}
}

func newMonitor(r rule) process.Monitor {
	return &monitor{rule: r, writes: map[clock.Dot]*Write{}, lanes: map[process.ID]*lane{}}
}

func (m *monitor) lane(id process.ID) *lane {
	if m.lanes[id] == nil {
		m.lanes[id] = newLane()
	}
	return m.lanes[id]
}

// Crashed implements process.Monitor: what was told stays true.
func (m *monitor) Crashed(id process.ID) {
	told := m.lane(id).told
	m.lanes[id] = newLane()
	m.lanes[id].told = told
}

// Stepped implements process.Monitor.
func (m *monitor) Stepped(id process.ID, p process.Process, in *process.Input, effects []process.Effect) error {
	if in.Kind == process.Recover {
		return nil
	}
	r, l := p.(*Replica), m.lane(id)
	if in.Kind == process.Start && !covers(r.seen, l.told) {
		return fmt.Errorf("durability: %d comes back with %v, and its clients were told of %v", id, r.seen, l.told)
	}
	if in.Kind == process.Receive {
		m.hear(in.Msg)
	}
	for i := range effects {
		if w, ok := effects[i].Msg.(*Write); ok && effects[i].Kind == process.Save && w.Dot.Actor == uint64(id) {
			if err := m.written(l, id, w, in); err != nil {
				return err
			}
		}
	}
	whole := in.Kind == process.Start
	if _, ok := in.Msg.(*State); ok {
		whole = true
	}
	if err := m.advance(l, id, r, whole); err != nil {
		return err
	}
	for i := range effects {
		if effects[i].Kind == process.Reply {
			if err := m.replied(l, id, &effects[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// hear notes what a message tells of.
func (m *monitor) hear(msg process.Msg) {
	switch x := msg.(type) {
	case *Write:
		m.heard = m.heard.Merge(x.After).Merge(clock.Version{x.Dot})
	case *Have:
		m.heard = m.heard.Merge(x.Seen)
	case *State:
		m.heard = m.heard.Merge(x.Seen)
	}
}

// written looks at a new write against what its replica held before it.
func (m *monitor) written(l *lane, id process.ID, w *Write, in *process.Input) error {
	if m.heard.Covers(w.Dot) {
		return fmt.Errorf("names: %d gives %v to a second write", id, w.Dot)
	}
	if !m.asked(w, in) {
		return fmt.Errorf("creation: %d writes %v, for which nobody asked", id, w.Dot)
	}
	m.writes[w.Dot] = w
	if in.Kind != process.Submit || len(in.Reqs) > 1 {
		return nil // what it held between the requests of a batch is not known here
	}
	versions := m.versions(l, w.Key)
	shown := m.rule.shown(versions)
	for _, v := range versions {
		over, lost := slices.Contains(w.Over, v.Dot), slices.Contains(w.Lost, v.Dot)
		hidden := m.rule.drops && !slices.Contains(shown, string(v.Value))
		if over && hidden || lost && !hidden || over && lost {
			return fmt.Errorf("account: %v replaces %v; lost: %v, shown: %v", w.Dot, v.Dot, lost, !hidden)
		}
	}
	for _, d := range slices.Concat(w.Over, w.Lost) {
		if !slices.ContainsFunc(versions, func(v Version) bool { return v.Dot == d }) {
			return fmt.Errorf("account: %v replaces %v, which was not there", w.Dot, d)
		}
	}
	return nil
}

func (m *monitor) asked(w *Write, in *process.Input) bool {
	return slices.ContainsFunc(in.Reqs, func(q process.Request) bool {
		if q.Kind == process.Members {
			return w.Key == ""
		}
		verb, rest, _ := strings.Cut(string(q.Cmd), " ")
		key, value, _ := strings.Cut(rest, " ")
		if verb == "set" {
			_, value, _ = strings.Cut(value, " ")
		}
		return verb != "get" && key == w.Key && value == string(w.Value)
	})
}

// versions returns those of a key as they are by what l has seen.
func (m *monitor) versions(l *lane, key string) []Version {
	var vs []Version
	for _, d := range l.versions[key] {
		vs = append(vs, Version{d, m.writes[d].At, m.writes[d].Value})
	}
	return vs
}

// advance takes into the lane what its replica has taken in, and compares.
func (m *monitor) advance(l *lane, id process.ID, r *Replica, whole bool) error {
	touched := map[string]struct{}{}
	for _, last := range r.seen {
		for seq := l.seen.At(last.Actor) + 1; seq <= last.Seq; seq++ {
			d := clock.Dot{Actor: last.Actor, Seq: seq}
			w := m.writes[d]
			switch {
			case w == nil:
				return fmt.Errorf("creation: %d has %v, which nobody wrote", id, d)
			case !covers(r.seen, w.After):
				return fmt.Errorf("causality: %d has %v and not all of %v before it", id, d, w.After)
			}
			l.add(w)
			touched[w.Key] = struct{}{}
		}
	}
	l.seen = r.seen
	var dropped uint64
	for _, d := range r.dropped {
		dropped += d.Seq
	}
	if dropped != l.dropped {
		return fmt.Errorf("account: %d counts %d lost writes of %d", id, dropped, l.dropped)
	}
	if whole {
		for _, key := range slices.Concat(slices.Collect(maps.Keys(l.versions)), slices.Collect(maps.Keys(r.keys))) {
			touched[key] = struct{}{}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(touched)) {
		if !slices.EqualFunc(r.keys[key], m.versions(l, key), same) {
			return fmt.Errorf("contents: %d has of %q %v instead of %v", id, key, r.keys[key], l.versions[key])
		}
	}
	return nil
}

func same(a, b Version) bool {
	return a.Dot == b.Dot && a.At == b.At && string(a.Value) == string(b.Value)
}

// add takes w into the lane.
func (l *lane) add(w *Write) {
	if w.Key == "" {
		return
	}
	l.dropped += uint64(len(w.Lost))
	for _, d := range slices.Concat(w.Over, w.Lost) {
		l.replaced[d] = struct{}{}
	}
	vs := slices.DeleteFunc(append(slices.Clone(l.versions[w.Key]), w.Dot), func(d clock.Dot) bool {
		_, gone := l.replaced[d]
		return gone
	})
	slices.SortFunc(vs, clock.Dot.Compare)
	l.versions[w.Key] = vs
	if len(vs) == 0 {
		delete(l.versions, w.Key)
	}
}

// replied looks at what a client is told: that its replica has all of it, and
// will have it again after a crash.
func (m *monitor) replied(l *lane, id process.ID, e *process.Effect) error {
	if len(e.Data) == 0 {
		return nil // a change of the group that changed nothing
	}
	var token clock.Version
	text, values, _ := strings.Cut(string(e.Data), " ")
	if err := token.UnmarshalText([]byte(text)); err != nil || !covers(l.seen, token) {
		return fmt.Errorf("answers: %d tells of %s, and has %v", id, text, l.seen)
	}
	l.told, m.heard = l.told.Merge(token), m.heard.Merge(token)
	verb, rest, _ := strings.Cut(string(e.Reqs[0].Cmd), " ")
	if verb != "get" {
		return nil
	}
	key, _, _ := strings.Cut(rest, " ")
	if want := quoted(m.rule.shown(m.versions(m.at(l, token, key), key))); values != want {
		return fmt.Errorf("answers: %d shows %s of %q as of %v, which is %s", id, values, key, token, want)
	}
	return nil
}

// at returns the lane as it was when it had seen token: the disk may have let an
// answer wait while more was taken in.
func (m *monitor) at(l *lane, token clock.Version, key string) *lane {
	if token.Compare(l.seen) == clock.Equal {
		return l
	}
	then := newLane()
	for _, last := range token {
		for seq := uint64(1); seq <= last.Seq; seq++ {
			if w := m.writes[clock.Dot{Actor: last.Actor, Seq: seq}]; w.Key == key {
				then.add(w)
			}
		}
	}
	return then
}

func quoted(values []string) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprintf("%q", v)
	}
	return strings.Join(words, " ")
}

// Clone returns an independent copy.
func (m *monitor) Clone() process.Monitor {
	c := &monitor{rule: m.rule, writes: maps.Clone(m.writes), heard: m.heard, lanes: map[process.ID]*lane{}}
	for id, l := range m.lanes {
		d := *l
		d.replaced, d.versions = maps.Clone(l.replaced), maps.Clone(l.versions)
		c.lanes[id] = &d
	}
	return c
}

// AppendState appends all that m remembers in one canonical form. What a lane
// has is a function of what it has seen.
func (m *monitor) AppendState(b []byte) []byte {
	b = wire.AppendUints(appendDots(b, m.heard), uint64(len(m.writes)))
	for _, d := range slices.SortedFunc(maps.Keys(m.writes), clock.Dot.Compare) {
		b, _ = m.writes[d].AppendBinary(b) // never fails
	}
	for _, id := range slices.SortedFunc(maps.Keys(m.lanes), cmp.Compare[process.ID]) {
		b = wire.AppendUints(b, uint64(id))
		b = appendDots(appendDots(b, m.lanes[id].seen), m.lanes[id].told)
	}
	return b
}
