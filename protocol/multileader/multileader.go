package multileader

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"althing/clock"
	"althing/crdt"
	"althing/process"
	"althing/wire"
)

// The rows in the catalog.
var (
	// Siblings shows all values that were written without knowing of each other.
	Siblings = Row("multileader", crdt.KeepSiblings)
	// LastWriter shows the latest of them, and drops the others with the next write.
	LastWriter = Row("multileader-lww", crdt.LastWriterWins)
)

// Row returns the protocol with a strategy of one's own: what readers are shown
// of values that were written without knowing of each other. What depends on it
// need not be associative: it is given all of them at once.
func Row(name string, s crdt.Strategy) process.Protocol {
	r := rule{strategy: s, drops: s.String() == crdt.LastWriterWins.String()}
	return process.Protocol{
		Name: name,
		Paper: "Karin Petersen, Mike Spreitzer, Douglas Terry, Marvin Theimer, Alan Demers, Flexible Update " +
			"Propagation for Weakly Consistent Replication, 1997",
		New:     func(c process.Config) process.Process { return newReplica(r, c) },
		Decode:  Decode,
		Monitor: func() process.Monitor { return newMonitor(r) },
		Facts: process.Facts{
			Faults:   process.Crash,
			Order:    process.Eventual,
			Stores:   true,
			Replicas: func(f int) int { return f + 1 },
			Rounds:   0,
			Messages: func(n int) int { return 2 * (n - 1) }, // the write, and what has been taken in
		},
	}
}

// exchange goes on as long as some member is not known to have what is here, or
// has more.
const exchange process.Timer = 1

const (
	defaultHeartbeat = 50 * time.Millisecond
	// defaultLog is how many writes a replica keeps for those who lack them: to
	// whom lacks more it sends a State. Config.Trailing takes its place.
	defaultLog = 1 << 12
	// defaultWindow bounds the writes sent to one replica at a time; Config.Window
	// takes its place.
	defaultWindow = 64
	// maxEarly bounds the writes that came before what they come after: they will
	// be sent again.
	maxEarly = 1 << 10
	// maxAnswers bounds the clients that wait for the disk.
	maxAnswers = 1 << 12
	// maxSize bounds the bytes of all versions, for a State holds them all.
	maxSize = 1 << 28
	// maxKey and maxValue bound a write, in bytes.
	maxKey, maxValue = 1 << 10, 1 << 20
	// maxLost bounds the names of lost writes.
	maxLost = 1 << 12
)

// A Replica is one of the leaders.
type Replica struct {
	cfg  process.Config
	rule rule

	// What the records say.
	data
	names []string // of lost writes, the latest, in the order in which they were dropped here

	// The disk.
	durable clock.Version // of seen
	since   uint64        // records after the last State
	answers []answer      // in the order in which they were given

	// The exchange.
	log   []*Write      // the latest that were taken in, in that order
	base  clock.Version // what was taken in and is not in log
	early []*Write      // they come after what is not here; in the order of arrival
	peers []peer        // by ID
	armed bool          // exchange is set
}

// An answer waits until all that it is told of is durable: no client must know
// of what a crash could take back.
type answer struct {
	req  process.Request
	data []byte
	seen clock.Version
}

// A peer is another replica.
type peer struct {
	id   process.ID
	seen clock.Version // what it is known to have
}

func newReplica(r rule, c process.Config) *Replica {
	if c.Heartbeat == 0 {
		c.Heartbeat = defaultHeartbeat
	}
	if c.Trailing == 0 {
		c.Trailing = defaultLog
	}
	if c.Window == 0 {
		c.Window = defaultWindow
	}
	return &Replica{cfg: c, rule: r, data: newData()}
}

// Step implements process.Process.
func (r *Replica) Step(in process.Input, out *process.Output) {
	if in.Kind == process.Recover {
		r.recover(in.Msg)
		return
	}
	before := r.seen
	switch in.Kind {
	case process.Start:
		r.start(in.State)
	case process.Submit:
		for _, q := range in.Reqs {
			r.onSubmit(q, in.Now, out)
		}
	case process.Receive:
		r.onReceive(in.From, in.Msg, out)
	case process.Timeout:
		if in.Timer == exchange {
			r.armed = false
			r.onExchange(out)
		}
	case process.Compact:
		r.checkpoint(out)
	}
	if r.since >= max(r.cfg.Trailing, uint64(len(r.keys))) {
		r.checkpoint(out)
	}
	if in.Kind != process.Start && !covers(before, r.seen) {
		out.Send(r.cfg.Self, &Stored{r.seen})
	}
	r.arm(out)
}

// recover replays one record.
func (r *Replica) recover(m process.Msg) {
	switch m := m.(type) {
	case *Write:
		r.apply(m)
		r.name(m)
		r.since++
	case *State:
		r.data = newData()
		r.join(m)
		r.names, r.since = slices.Clone(m.Lost), 0
	}
}

// start begins to take part. One that founds the group is told of it; to one
// that joins later it is a member who tells, with a State.
func (r *Replica) start(s *process.State) {
	r.regroup(s.Group.Members(), nil)
	r.base, r.durable = r.seen, r.seen
}

// take saves a write and takes it in.
func (r *Replica) take(w *Write, out *process.Output) {
	out.Save(w)
	r.since++
	r.apply(w)
	r.name(w)
	r.log = append(r.log, w)
	for uint64(len(r.log)) > r.cfg.Trailing {
		r.base = r.base.Merge(clock.Version{r.log[0].Dot})
		r.log = r.log[1:]
	}
}

// name notes the versions that w drops.
func (r *Replica) name(w *Write) {
	for _, d := range w.Lost {
		r.names = append(r.names, named(d, w.Key))
	}
	r.names = r.names[max(0, len(r.names)-maxLost):]
}

// checkpoint lets one record stand for all.
func (r *Replica) checkpoint(out *process.Output) {
	s := r.state()
	s.Lost = slices.Clone(r.names)
	out.Checkpoint(s)
	r.since = 0
}

// onStored lets the answers go that waited for the disk. What was durable in an
// earlier life still is.
func (r *Replica) onStored(m *Stored, out *process.Output) {
	r.durable = r.durable.Merge(m.Seen)
	for len(r.answers) > 0 && covers(r.durable, r.answers[0].seen) {
		out.Reply(r.answers[0].req, r.answers[0].data)
		r.answers = r.answers[1:]
	}
}

// reply answers as soon as all that is here is durable.
func (r *Replica) reply(q process.Request, data []byte, out *process.Output) {
	if covers(r.durable, r.seen) {
		out.Reply(q, data)
		return
	}
	r.answers = append(r.answers, answer{q, data, r.seen})
}

func (r *Replica) member() bool { return slices.Contains(r.members, r.cfg.Self) }

// Status implements process.Process. The epoch counts changes of the group.
func (r *Replica) Status() process.Status {
	s := process.Status{Role: "leader", Epoch: uint64(len(r.members) + 2*len(r.removed))}
	switch {
	case len(r.members) == 0:
		s.Role = "blank"
	case !r.member():
		s.Role = "removed"
	}
	for _, d := range r.seen {
		s.Last += d.Seq
	}
	return s
}

// Progress implements process.Process: nobody leads alone.
func (r *Replica) Progress(b []process.Progress) []process.Progress { return b }

// AppendContents implements process.Store.
func (r *Replica) AppendContents(b []byte) []byte { return r.appendContents(b, &r.rule) }

// Group implements process.Store.
func (r *Replica) Group() process.Group { return process.Group{Voters: slices.Clone(r.members)} }

// Lost implements process.Store. It names also what the next write of its key
// would drop.
func (r *Replica) Lost() []string {
	all := slices.Clone(r.names)
	for _, key := range slices.Sorted(maps.Keys(r.keys)) {
		_, lost := r.rule.replace(r.keys[key], r.seen)
		for _, d := range lost {
			all = append(all, named(d, key))
		}
	}
	return all
}

// peer returns what is known of another, or nil.
func (r *Replica) peer(id process.ID) *peer {
	i, ok := slices.BinarySearchFunc(r.peers, id, func(p peer, id process.ID) int { return cmp.Compare(p.id, id) })
	if !ok {
		return nil
	}
	return &r.peers[i]
}

// hear notes what another has. It only grows; messages may overtake one another.
func (r *Replica) hear(id process.ID, seen clock.Version) {
	i, ok := slices.BinarySearchFunc(r.peers, id, func(p peer, id process.ID) int { return cmp.Compare(p.id, id) })
	if !ok {
		r.peers = slices.Insert(r.peers, i, peer{id: id})
	}
	r.peers[i].seen = r.peers[i].seen.Merge(seen)
}

// Clone implements process.Process.
func (r *Replica) Clone() process.Process {
	c := *r
	c.data = r.data.clone()
	c.names, c.answers = slices.Clone(r.names), slices.Clone(r.answers)
	c.log, c.early, c.peers = slices.Clone(r.log), slices.Clone(r.early), slices.Clone(r.peers)
	return &c
}

// AppendState implements process.Process.
func (r *Replica) AppendState(b []byte) []byte {
	b = wire.AppendUints(b, uint64(r.cfg.Self), r.since, uint64(r.last))
	s := r.state()
	s.Lost = r.names
	b, _ = s.AppendBinary(b)
	b = wire.AppendUints(b, uint64(len(r.answers)))
	for i := range r.answers {
		a := &r.answers[i]
		b = wire.AppendUints(b, uint64(a.req.Kind), a.req.Client, a.req.Seq)
		b = appendDots(wire.AppendBytes(wire.AppendBytes(b, a.req.Cmd), a.data), a.seen)
	}
	b = appendDots(appendDots(b, r.durable), r.base)
	for _, ws := range [][]*Write{r.log, r.early} {
		b = wire.AppendUints(b, uint64(len(ws)))
		for _, w := range ws {
			b, _ = w.AppendBinary(b) // never fails
		}
	}
	b = wire.AppendUints(b, uint64(len(r.peers)))
	for i := range r.peers {
		b = appendDots(wire.AppendUints(b, uint64(r.peers[i].id)), r.peers[i].seen)
	}
	return append(b, wire.Flag(r.armed, 1))
}
