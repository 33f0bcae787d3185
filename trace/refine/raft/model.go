package raft

import (
	"slices"

	"althing/process"
)

// An Entry is one of a log: text is what it asks for, in the words of a trace.
type Entry struct {
	Term   uint64
	Text   string
	Voters []process.ID // if it changes the group: its voters from here on
	Old    []process.ID // and those of the group before, while there are two
}

func (e *Entry) same(f *Entry) bool { return e.Term == f.Term && e.Text == f.Text }

func equal(a, b []Entry) bool {
	return slices.EqualFunc(a, b, func(x, y Entry) bool { return x.same(&y) })
}

// A Record is what a server has saved.
type Record struct {
	Term uint64
	Vote process.ID
	Log  []Entry
	Kept []Entry // what the application has made durable; it may be ahead of Log
}

// A Role is what a server is to the others.
type Role string

// The roles of the specification.
const (
	Follower  Role = "follower"
	Candidate Role = "candidate"
	Leader    Role = "leader"
)

// A Server is one of the variables' entries.
type Server struct {
	Disk   []Record // the first is durable, the last is what the server works with
	Role   Role
	Commit uint64
}

func (s *Server) last() *Record    { return &s.Disk[len(s.Disk)-1] }
func (s *Server) durable() *Record { return &s.Disk[0] }

func (s *Server) save(r Record) { s.Disk = append(s.Disk, r) }

// A Message is one that was sent. Which fields are set is said in Raft.tla.
type Message struct {
	Type     string
	Term     uint64
	From, To process.ID
	// RequestVote: the end of the log; Append: what its entries follow.
	Index, IndexTerm uint64
	Entries          []Entry // Append; Snapshot: the prefix
	Commit           uint64  // Append, Heartbeat
	Match            uint64  // Ack
}

// key is what is equal in equal messages, and nearly always differs in others.
type key struct {
	kind                        string
	term                        uint64
	from, to                    process.ID
	index, entries, commit, ack uint64
}

func (m *Message) key() key {
	return key{m.Type, m.Term, m.From, m.To, m.Index, uint64(len(m.Entries)), m.Commit, m.Match}
}

func (m *Message) end() uint64 { return m.Index + uint64(len(m.Entries)) }

type duty struct {
	term   uint64
	server process.ID
}

// A Model is a state of the specification.
type Model struct {
	founders []process.ID
	servers  map[process.ID]*Server
	msgs     map[key][]*Message
	elected  map[duty]bool
	// What can be read off msgs, kept so that it need not be searched for.
	terms map[uint64]bool
	votes map[duty][]process.ID          // by candidate
	acks  map[duty]map[process.ID]uint64 // by leader: the highest match of each
}

// NewModel is the initial state, with the voters of the first group.
func NewModel(founders []process.ID) *Model {
	return &Model{
		founders: founders, servers: map[process.ID]*Server{}, msgs: map[key][]*Message{},
		elected: map[duty]bool{}, terms: map[uint64]bool{}, votes: map[duty][]process.ID{},
		acks: map[duty]map[process.ID]uint64{},
	}
}

// Server returns a server's variables, for looking at only.
func (m *Model) Server(i process.ID) *Server {
	s := m.servers[i]
	if s == nil {
		s = &Server{Disk: []Record{{}}, Role: Follower}
		m.servers[i] = s
	}
	return s
}

// sent reports whether the message is among those sent.
func (m *Model) sent(x *Message) bool {
	return slices.ContainsFunc(m.msgs[x.key()], func(y *Message) bool {
		return x.IndexTerm == y.IndexTerm && equal(x.Entries, y.Entries)
	})
}

func (m *Model) send(x *Message) {
	if m.sent(x) {
		return
	}
	m.msgs[x.key()] = append(m.msgs[x.key()], x)
	m.terms[x.Term] = true
	to := duty{x.Term, x.To}
	switch x.Type {
	case "Vote":
		m.votes[to] = append(m.votes[to], x.From)
	case "Ack":
		if m.acks[to] == nil {
			m.acks[to] = map[process.ID]uint64{}
		}
		m.acks[to][x.From] = max(m.acks[to][x.From], x.Match)
	}
}

func termAt(l []Entry, n uint64) uint64 {
	if n == 0 {
		return 0
	}
	return l[n-1].Term
}

func has(l []Entry, n, term uint64) bool { return n <= uint64(len(l)) && termAt(l, n) == term }

// agrees reports whether log l holds all that an Append brings.
func agrees(l []Entry, x *Message) bool {
	return has(l, x.Index, x.IndexTerm) && x.end() <= uint64(len(l)) && equal(l[x.Index:x.end()], x.Entries)
}

// merge is what log l becomes by an Append that fits it, and whether it changes.
func merge(l []Entry, x *Message) ([]Entry, bool) {
	for k := range x.Entries {
		n := x.Index + uint64(k)
		if has(l, n+1, x.Entries[k].Term) {
			continue
		}
		if n < uint64(len(l)) {
			l = slices.Clip(l[:n]) // what follows is another log's still
		}
		return append(l, x.Entries[k:]...), true
	}
	return l, false
}

// restored is what a server starts again with.
func restored(r Record) Record {
	if n := uint64(len(r.Kept)); !has(r.Log, n, termAt(r.Kept, n)) {
		r.Log = slices.Clip(r.Kept)
	}
	return r
}

// group is the one that log l holds, and the index of the entry that made it.
func (m *Model) group(l []Entry) (voters, old []process.ID, index uint64) {
	for n := len(l); n > 0; n-- {
		if e := &l[n-1]; len(e.Voters) > 0 {
			return e.Voters, e.Old, uint64(n)
		}
	}
	return m.founders, nil, 0
}

// quorum reports whether those who are in form a quorum of the group of log l.
func (m *Model) quorum(l []Entry, in func(process.ID) bool) bool {
	majority := func(ids []process.ID) bool {
		n := 0
		for _, id := range ids {
			if in(id) {
				n++
			}
		}
		return 2*n > len(ids)
	}
	voters, old, _ := m.group(l)
	return majority(voters) && (len(old) == 0 || majority(old))
}

// apart is how many are in one of a and b, but not in both.
func apart(a, b []process.ID) (n int) {
	for _, id := range a {
		if !slices.Contains(b, id) {
			n++
		}
	}
	for _, id := range b {
		if !slices.Contains(a, id) {
			n++
		}
	}
	return n
}
