package multileader

import (
	"errors"
	"math"

	"althing/clock"
	"althing/process"
	"althing/wire"
)

// A Write is one change of one key, or of the group. It is sent, passed on and
// saved alike, and never changes.
type Write struct {
	Dot   clock.Dot     // its name, for ever: the replica that took it, and that one's number
	After clock.Version // all that this replica had taken in before
	At    clock.Hybrid  // greater than that of all it comes after

	Key   string // of a change of the group: ""
	Value []byte
	Over  []clock.Dot // versions of Key that it replaces, ascending
	Lost  []clock.Dot // likewise, but no reader was shown them where it was written

	Added, Removed []process.ID // of a change of the group, ascending
}

// Have says what is durable at the sender.
type Have struct {
	Seen  clock.Version
	Ask   bool // and what have you? Send what I lack
	Want  bool // send what I lack
	Blank bool // I know no group yet: only a State is of use
}

// State is all that a replica holds. It is sent to whom the log cannot help,
// and saved in the stead of all records before it.
type State struct {
	Seen    clock.Version
	Dropped clock.Version // by replica: how many versions its writes dropped
	Members []process.ID  // ascending
	Removed []process.ID  // ascending
	Items   []Item        // by key
	Lost    []string      // a record only: see process.Store
}

// An Item is a key and its versions, by dot.
type Item struct {
	Key      string
	Versions []Version
}

// A Version is one of several values that were written without knowing of each
// other. It is the part of a Write that stays until another replaces it.
type Version struct {
	Dot   clock.Dot
	At    clock.Hybrid
	Value []byte
}

// Stored is what a replica tells itself: so much of what it has seen is durable.
type Stored struct{ Seen clock.Version }

// Kind implements process.Msg.
func (*Write) Kind() string { return "Write" }

// Kind implements process.Msg.
func (*Have) Kind() string { return "Have" }

// Kind implements process.Msg.
func (*State) Kind() string { return "State" }

// Kind implements process.Msg.
func (*Stored) Kind() string { return "Stored" }

// The first byte of every message and record. Numbers are never reused: disks
// remember them.
const (
	tagWrite byte = iota + 1
	tagHave
	tagState
	tagStored
)

// AppendBinary implements process.Msg.
func (w *Write) AppendBinary(b []byte) ([]byte, error) {
	b = appendDots(append(b, tagWrite), []clock.Dot{w.Dot})
	b = appendDots(b, w.After)
	b = wire.AppendUints(b, uint64(w.At))
	b = wire.AppendBytes(wire.AppendString(b, w.Key), w.Value)
	b = appendDots(appendDots(b, w.Over), w.Lost)
	return appendIDs(appendIDs(b, w.Added), w.Removed), nil
}

// AppendBinary implements process.Msg.
func (h *Have) AppendBinary(b []byte) ([]byte, error) {
	b = appendDots(append(b, tagHave), h.Seen)
	return append(b, wire.Flag(h.Ask, 1)|wire.Flag(h.Want, 2)|wire.Flag(h.Blank, 4)), nil
}

// AppendBinary implements process.Msg.
func (s *State) AppendBinary(b []byte) ([]byte, error) {
	b = appendDots(appendDots(append(b, tagState), s.Seen), s.Dropped)
	b = appendIDs(appendIDs(b, s.Members), s.Removed)
	b = wire.AppendUints(b, uint64(len(s.Items)))
	for i := range s.Items {
		it := &s.Items[i]
		b = wire.AppendUints(wire.AppendString(b, it.Key), uint64(len(it.Versions)))
		for _, v := range it.Versions {
			b = wire.AppendUints(b, v.Dot.Actor, v.Dot.Seq, uint64(v.At))
			b = wire.AppendBytes(b, v.Value)
		}
	}
	return wire.AppendStrings(b, s.Lost), nil
}

// AppendBinary implements process.Msg.
func (s *Stored) AppendBinary(b []byte) ([]byte, error) {
	return appendDots(append(b, tagStored), s.Seen), nil
}

func appendDots(b []byte, ds []clock.Dot) []byte {
	b = wire.AppendUints(b, uint64(len(ds)))
	for _, d := range ds {
		b = wire.AppendUints(b, d.Actor, d.Seq)
	}
	return b
}

func appendIDs(b []byte, ids []process.ID) []byte {
	b = wire.AppendUints(b, uint64(len(ids)))
	for _, id := range ids {
		b = wire.AppendUints(b, uint64(id))
	}
	return b
}

var errMalformed = errors.New("multileader: not a message")

// Decode reads what AppendBinary wrote of any message or record here, and
// nothing else. The message shares b.
func Decode(b []byte) (process.Msg, error) {
	d := &wire.Decoder{B: b}
	var m process.Msg
	switch d.Byte() {
	case tagWrite:
		m = write(d)
	case tagHave:
		h := &Have{Seen: version(d)}
		f := d.Flags(7)
		h.Ask, h.Want, h.Blank = f&1 != 0, f&2 != 0, f&4 != 0
		m = h
	case tagState:
		s := &State{Seen: version(d), Dropped: version(d), Members: ids(d), Removed: ids(d), Items: items(d)}
		s.Lost = d.Strings()
		m = s
	case tagStored:
		m = &Stored{version(d)}
	default:
		return nil, errMalformed
	}
	if !d.Done() {
		return nil, errMalformed
	}
	return m, nil
}

func write(d *wire.Decoder) *Write {
	w := &Write{}
	if name := dots(d); len(name) == 1 {
		w.Dot = name[0]
	}
	w.After, w.At = version(d), clock.Hybrid(d.Uint())
	w.Key, w.Value = string(d.Bytes()), d.Bytes()
	w.Over, w.Lost = dots(d), dots(d)
	w.Added, w.Removed = ids(d), ids(d)
	change := len(w.Added)+len(w.Removed) > 0
	d.Require(w.Dot.Seq > 0 && change == (w.Key == ""))
	d.Require(!change || len(w.Value)+len(w.Over)+len(w.Lost) == 0)
	return w
}

func dot(d *wire.Decoder) clock.Dot {
	e := clock.Dot{Actor: d.Uint(), Seq: d.Uint()}
	d.Require(e.Seq > 0 && e.Actor > 0 && e.Actor <= math.MaxUint16)
	return e
}

// dots reads ascending dots; none is nil.
func dots(d *wire.Decoder) []clock.Dot {
	var all []clock.Dot
	for i := range d.Count(2) {
		all = append(all, dot(d))
		d.Require(i == 0 || all[i-1].Compare(all[i]) < 0)
	}
	return all
}

// version reads dots of which no two are of one actor.
func version(d *wire.Decoder) clock.Version {
	v := dots(d)
	for i := range v {
		d.Require(i == 0 || v[i-1].Actor < v[i].Actor)
	}
	return v
}

func ids(d *wire.Decoder) []process.ID {
	var all []process.ID
	for i := range d.Count(1) {
		id := d.Uint()
		d.Require(id > 0 && id <= math.MaxUint16 && (i == 0 || uint64(all[i-1]) < id))
		all = append(all, process.ID(id))
	}
	return all
}

func items(d *wire.Decoder) []Item {
	const least = 6 // bytes of a key with a version
	var all []Item
	for i := range d.Count(least) {
		it := Item{Key: string(d.Bytes())}
		for j := range d.Count(4) {
			v := Version{Dot: dot(d), At: clock.Hybrid(d.Uint()), Value: d.Bytes()}
			it.Versions = append(it.Versions, v)
			d.Require(j == 0 || it.Versions[j-1].Dot.Compare(v.Dot) < 0)
		}
		d.Require(it.Key != "" && len(it.Versions) > 0 && (i == 0 || all[i-1].Key < it.Key))
		all = append(all, it)
	}
	return all
}
