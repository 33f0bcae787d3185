package vr

import (
	"slices"

	"althing/process"
)

// An Entry is one of a log: text is what it asks for, in the words of a trace.
type Entry struct {
	View uint64
	Text string
}

// noOp is what a view begins with.
const noOp = "no-op"

// A Part is what a replica has done in its view, in this life.
type Part string

// The parts of the specification.
const (
	None    Part = "none"
	Change  Part = "change"
	Primary Part = "primary"
)

// A Record is a replica after it saved something.
type Record struct {
	View   uint64
	Part   Part
	Log    []Entry
	Commit uint64
	Kept   []Entry // what the application has made durable; it may be ahead of Log
	Life   uint64
}

// A Role is what a replica is to the others.
type Role string

// The roles of the specification.
const (
	Backup     Role = "backup"
	ViewChange Role = "view-change"
	Leading    Role = "primary"
	Recovering Role = "recovering"
)

// A Replica is one of the variables' entries.
type Replica struct {
	Disk []Record // the first is durable, the last is what the replica works with
	Role Role
}

func (r *Replica) last() *Record    { return &r.Disk[len(r.Disk)-1] }
func (r *Replica) durable() *Record { return &r.Disk[0] }
func (r *Replica) save(x Record)    { r.Disk = append(r.Disk, x) }

// A Message is one that was sent. Which fields are set is said in the module.
type Message struct {
	Type           string
	View           uint64
	From, To       process.ID
	Prev, PrevView uint64
	Entries        []Entry // Image: the prefix
	Commit         uint64
	N, LastView    uint64
	Nonce          uint64
}

func (m *Message) end() uint64 { return m.Prev + uint64(len(m.Entries)) }

func (m *Message) same(o *Message) bool {
	return m.Type == o.Type && m.View == o.View && m.From == o.From && m.To == o.To && m.Prev == o.Prev &&
		m.PrevView == o.PrevView && m.Commit == o.Commit && m.N == o.N && m.LastView == o.LastView &&
		m.Nonce == o.Nonce && slices.Equal(m.Entries, o.Entries)
}

// place is where messages are that may be equal.
type place struct {
	kind string
	view uint64
}

// A Model is a state of the specification.
type Model struct {
	size     int // replicas are 1 to size
	diskless bool
	replicas map[process.ID]*Replica
	msgs     map[place][]*Message
}

// NewModel is the initial state of so many replicas.
func NewModel(size int, diskless bool) *Model {
	m := &Model{size, diskless, map[process.ID]*Replica{}, map[place][]*Message{}}
	for i := 1; i <= size; i++ {
		m.replicas[process.ID(i)] = &Replica{m.lives(Record{Part: None}), Backup}
	}
	return m
}

// lives counts the lives of a replica that has no disk.
func (m *Model) lives(x Record) []Record {
	if !m.diskless {
		return []Record{x}
	}
	y := x
	y.Life++
	return []Record{x, y}
}

func (m *Model) primary(view uint64) process.ID { return process.ID(view%uint64(m.size)) + 1 }

func (m *Model) all(kind string, view uint64) []*Message { return m.msgs[place{kind, view}] }

// some reports whether one of the messages is as wanted. Mostly a late one is.
func some(all []*Message, wanted func(*Message) bool) bool {
	for i := len(all) - 1; i >= 0; i-- {
		if wanted(all[i]) {
			return true
		}
	}
	return false
}

// sent reports whether the message is among those sent.
func (m *Model) sent(x *Message) bool { return some(m.all(x.Type, x.View), x.same) }

func (m *Model) send(x *Message) {
	if !m.sent(x) {
		p := place{x.Type, x.View}
		m.msgs[p] = append(m.msgs[p], x)
	}
}

// quorum reports whether those who sent some of these are a majority.
func (m *Model) quorum(all []*Message, of func(*Message) bool) (by map[process.ID]bool, is bool) {
	by = map[process.ID]bool{}
	for _, x := range all {
		if of(x) {
			by[x.From] = true
		}
	}
	return by, 2*len(by) > m.size
}

func viewAt(l []Entry, n uint64) uint64 {
	if n == 0 {
		return 0
	}
	return l[n-1].View
}

func lastView(l []Entry) uint64 { return viewAt(l, uint64(len(l))) }

func has(l []Entry, n, view uint64) bool { return n <= uint64(len(l)) && viewAt(l, n) == view }

// agrees reports whether log l holds all that a message brings.
func agrees(l []Entry, x *Message) bool {
	return has(l, x.Prev, x.PrevView) && x.end() <= uint64(len(l)) && slices.Equal(l[x.Prev:x.end()], x.Entries)
}

// merge is what log l becomes by entries that fit it, and whether it changes.
func merge(l []Entry, x *Message) ([]Entry, bool) {
	for k := range x.Entries {
		if n := x.Prev + uint64(k); !has(l, n+1, x.Entries[k].View) {
			return append(slices.Clip(l[:n]), x.Entries[k:]...), true
		}
	}
	return l, false
}
