package group

import (
	"althing/explore"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"althing/process"
	"althing/trace"
)

// Bounds say what may happen to a group, and how often over its whole life. A
// message may always be late, for ever: so a bound on losses says something of
// Ordered links only.
type Bounds struct {
	Replicas    int // voters, 1 to MaxReplicas
	Elections   int // timers that fire at replicas that do not lead
	Beats       int // timers that fire at a replica that leads
	Requests    int // commands, each to any replica
	Reads       int // reads past the log, each to any replica
	Crashes     int // each with a restart, which keeps any prefix of what was not durable yet
	Compactions int // the application becomes durable and tells its replica so
	Duplicates  int // messages that come twice
	Drops       int // messages lost; Ordered only

	// Ordered links deliver in the order sent; others in any order.
	Ordered bool
	// SlowDisks makes it an event of its own that a record becomes durable;
	// without, every record is durable when its Step is over, and a replica
	// hears at once what it tells itself.
	SlowDisks bool
}

// MaxReplicas and MaxBound bound the Bounds: a space beyond them is not small.
const (
	MaxReplicas = 9
	MaxBound    = 255
)

// Kinds of actions. Those up to doDrop are bounded, and counted in the state.
const (
	doElection uint8 = iota
	doBeat
	doSubmit
	doRead
	doCrash
	doCompact
	doDuplicate
	doDrop
	doDeliver
	doSync
	doForget // no action: a disk becomes final; see emit
)

const counted = int(doDrop) + 1

var kinds = []string{"election", "beat", "submit", "read", "crash", "compact", "duplicate", "drop",
	"deliver", "sync"}

// A Model is a few replicas of a protocol: the processes that a node would run,
// with network, disks and timers as package process has them.
//
// Time stands still but for timers, any of which may fire whenever it is set: a
// replica's clock goes on by a nanosecond each time one of its own does, its
// heartbeat takes one, and its election timeout anything from nothing to one.
// So nothing is promised by clocks, and leases are off. All replicas have
// started, and what that saved is durable, in the initial state.
//
// A state is numbers: how often each bounded thing has happened, which replica,
// which past, which messages. What the numbers stand for is kept once, and so is
// what comes of each event at each replica: a process makes a step once, however
// many states it makes it in.
type Model struct {
	*shared
	known  map[moment][]*outcome // what comes of events
	judged map[trial]verdict     // what becomes of pasts
	view   state                 // that Next is asked about, or that it makes of it
	net    []uint32              // room for the messages of a state that is made
	next   []byte                // room for its packed form
	buf    []byte                // room for canonical forms
	out    process.Output
}

// shared is what all Forks have in common.
type shared struct {
	protocol  process.Protocol
	bounds    Bounds
	most      [counted]int
	monitored bool
	replicas  pool[replica]
	envelopes pool[envelope]
	pasts     pool[past]
	first     []byte
	roots     [3]int // how many replicas, envelopes and pasts the beginning has
}

type moment struct {
	replica uint32
	event   event
}

type trial struct {
	past    uint32
	outcome *outcome
}

// state is a state of the group, taken apart.
type state struct {
	count    [counted]byte
	past     uint32
	replicas [MaxReplicas]uint32
	net      []uint32 // ascending; if Ordered, by link, and within a link as sent
}

// New returns a Model of p within b.
func New(p process.Protocol, b Bounds) (*Model, error) {
	s := &shared{protocol: p, bounds: b, most: [counted]int{b.Elections, b.Beats, b.Requests, b.Reads, b.Crashes,
		b.Compactions, b.Duplicates, b.Drops}}
	if b.Replicas < 1 || b.Replicas > MaxReplicas {
		return nil, fmt.Errorf("group: %d replicas: expected 1 to %d", b.Replicas, MaxReplicas)
	}
	for k, n := range s.most {
		if n < 0 || n > MaxBound {
			return nil, fmt.Errorf("group: %d of %q: expected 0 to %d", n, kinds[k], MaxBound)
		}
	}
	if b.Drops > 0 && !b.Ordered {
		return nil, fmt.Errorf("group: a bound on losses where links are not ordered: " +
			"a message that never comes is lost already")
	}
	first := past{}
	if p.Monitor != nil {
		first.monitor, s.monitored = p.Monitor().(Historian)
	}
	s.pasts.number(first.appendState(nil), &first, origin{})
	g := s.fork()
	return g, g.begin()
}

func (s *shared) fork() *Model {
	return &Model{shared: s, known: map[moment][]*outcome{}, judged: map[trial]verdict{}}
}

// Fork implements explore.Model.
func (g *Model) Fork() explore.Model { return g.shared.fork() }

// Watched reports whether the protocol's own Monitor is asked in each state.
func (g *Model) Watched() bool { return g.monitored }

// Parts returns how many replicas, messages and pasts the states seen so far
// are made of.
func (g *Model) Parts() (replicas, messages, pasts int) {
	return g.replicas.len(), g.envelopes.len(), g.pasts.len()
}

func (s *shared) config(id process.ID) process.Config {
	return process.Config{Self: id, Heartbeat: 1, Election: process.Span{Max: 1}}
}

// begin starts all replicas.
func (g *Model) begin() error {
	var founders process.Group
	for i := range g.bounds.Replicas {
		founders.Voters = append(founders.Voters, process.ID(i+1))
	}
	v := &g.view
	for i := range g.bounds.Replicas {
		id := process.ID(i + 1)
		r := replica{id: id, proc: g.protocol.New(g.config(id)), kept: process.State{Group: founders}}
		g.buf = r.appendState(g.buf[:0])
		blank := g.replicas.number(g.buf, &r, origin{})
		for e := (event{kind: doCrash}); ; e = (event{doSync, 0, g.disk(0)}) {
			o := g.outcomes(blank, e)[0] // who draws at its start draws the first of all
			if o.err != nil {
				return fmt.Errorf("group: replica %d does not start: %w", id, o.err)
			}
			ver := g.judge(v.past, id, o, 0)
			if ver.err != nil {
				return fmt.Errorf("group: replica %d does not start: %w", id, ver.err)
			}
			v.past, v.replicas[i] = ver.past, o.replica
			v.net = append(v.net, o.sent...)
			if blank = o.replica; g.replicas.at(blank).unsynced() == 0 && e.kind == doSync {
				break
			}
		}
	}
	g.sort(v.net)
	g.first = v.append(nil, g.bounds.Replicas)
	g.roots = [3]int{g.replicas.len(), g.envelopes.len(), g.pasts.len()}
	return nil
}

// Initial implements explore.Model.
func (g *Model) Initial(s *explore.Steps) { s.Add(0, g.first) }

// append appends the packed form: numbers are small, and take a byte or two.
func (v *state) append(b []byte, replicas int) []byte {
	b = append(b, v.count[:]...)
	b = binary.AppendUvarint(b, uint64(v.past))
	for _, r := range v.replicas[:replicas] {
		b = binary.AppendUvarint(b, uint64(r))
	}
	for _, m := range v.net {
		b = binary.AppendUvarint(b, uint64(m))
	}
	return b
}

// load takes a state apart.
func (v *state) load(b []byte, replicas int) {
	copy(v.count[:], b)
	b = b[counted:]
	v.past, b = cut(b)
	for i := range replicas {
		v.replicas[i], b = cut(b)
	}
	v.net = v.net[:0]
	for len(b) > 0 {
		var m uint32
		m, b = cut(b)
		v.net = append(v.net, m)
	}
}

// cut takes a number off; b is of the engine's own, so it has one.
func cut(b []byte) (uint32, []byte) {
	if b[0] < 0x80 {
		return uint32(b[0]), b[1:]
	}
	x, n := binary.Uvarint(b)
	return uint32(x), b[n:]
}

// sort brings messages into their canonical order.
func (g *Model) sort(net []uint32) {
	if !g.bounds.Ordered {
		slices.Sort(net)
		return
	}
	slices.SortStableFunc(net, func(a, b uint32) int { return g.link(a) - g.link(b) })
}

func (g *Model) link(m uint32) int {
	e := g.envelopes.at(m)
	return int(e.from)<<8 | int(e.to)
}

// left reports whether one more of a kind may happen.
func (g *Model) left(kind uint8) bool { return int(g.view.count[kind]) < g.most[kind] }

// disk returns how disks behave after so many crashes.
func (g *Model) disk(crashes int) disk {
	return disk{quick: !g.bounds.SlowDisks, final: crashes == g.bounds.Crashes}
}

// Next implements explore.Model.
func (g *Model) Next(packed []byte, s *explore.Steps) {
	v := &g.view
	v.load(packed, g.bounds.Replicas)
	d := g.disk(int(v.count[doCrash]))
	for i, m := range v.net {
		if i > 0 && (g.bounds.Ordered && g.link(m) == g.link(v.net[i-1]) || m == v.net[i-1]) {
			continue
		}
		g.happen(s, int(g.envelopes.at(m).to)-1, event{doDeliver, m, d}, i)
		if g.left(doDuplicate) {
			twice := change{at: -1, gone: -1, sent: []uint32{m}, past: v.past}
			g.emit(s, explore.NewAction(doDuplicate, uint64(m)), twice)
		}
		if g.left(doDrop) {
			g.emit(s, explore.NewAction(doDrop, uint64(m)), change{at: -1, gone: i, past: v.past})
		}
	}
	for i := range g.bounds.Replicas {
		g.local(s, i, d)
	}
}

// local adds what may happen at replica i without a message.
func (g *Model) local(s *explore.Steps, i int, d disk) {
	r := g.replicas.at(g.view.replicas[i])
	unsynced := r.unsynced()
	if unsynced > 0 {
		g.happen(s, i, event{doSync, 0, d}, -1)
	}
	kind := doElection
	if r.proc.Status().Leader == r.id {
		kind = doBeat
	}
	for t := process.Timer(1); t <= process.MaxTimer && g.left(kind); t++ {
		if r.timers>>t&1 == 1 {
			g.happen(s, i, event{kind, uint32(t), d}, -1)
		}
	}
	for _, kind := range []uint8{doSubmit, doRead} {
		if g.left(kind) {
			g.happen(s, i, event{kind, uint32(g.view.count[kind]) + 1, d}, -1)
		}
	}
	if g.left(doCrash) {
		after := g.disk(int(g.view.count[doCrash]) + 1)
		for keep := 0; keep <= unsynced; keep++ {
			g.happen(s, i, event{doCrash, uint32(keep), after}, -1)
		}
	}
	if g.left(doCompact) && r.kept.Index < r.app.Index {
		g.happen(s, i, event{doCompact, 0, d}, -1)
	}
}

// happen adds all that may come of an event at replica i; gone is the place of
// the message that it takes from the network, or -1.
func (g *Model) happen(s *explore.Steps, i int, e event, gone int) {
	v := &g.view
	id := process.ID(i + 1)
	for n, o := range g.outcomes(v.replicas[i], e) {
		a := explore.NewAction(e.kind, uint64(i)<<40|uint64(n)<<48|uint64(e.arg))
		if o.still && e.kind != doCrash && !(gone >= 0 && g.bounds.Ordered) {
			continue // a message that changes nothing may as well come later
		}
		if o.err != nil {
			s.Fail(a, o.err)
			continue
		}
		if o.highest > uint64(v.count[doSubmit]) && e.kind != doSubmit {
			s.Fail(a, violation("Validity", "replica %d commits request %d, which nobody submitted", id, o.highest))
			continue
		}
		var asked uint64
		if e.kind == doRead {
			asked = uint64(e.arg)
		}
		ver := g.judge(v.past, id, o, asked)
		if ver.err != nil {
			s.Fail(a, ver.err)
			continue
		}
		g.emit(s, a, change{at: i, replica: o.replica, gone: gone, sent: o.sent, past: ver.past, crashed: o.crashed})
	}
}

// A change is how a state differs from the one before it.
type change struct {
	at      int    // replica that changed, -1: none
	replica uint32 // what it is now
	gone    int    // place of the message that is gone, -1: none
	sent    []uint32
	past    uint32
	crashed bool
}

// emit adds the state after a change.
func (g *Model) emit(s *explore.Steps, a explore.Action, c change) {
	before := g.view
	v := &g.view
	v.net = g.net[:0]
	for i, m := range before.net {
		if i != c.gone {
			v.net = append(v.net, m)
		}
	}
	v.net = append(v.net, c.sent...)
	v.past = c.past
	if c.at >= 0 {
		v.replicas[c.at] = c.replica
	}
	if int(a.Kind()) < counted {
		v.count[a.Kind()]++
	}
	if d := g.disk(int(v.count[doCrash])); c.crashed && d.final {
		for i, r := range v.replicas[:g.bounds.Replicas] {
			v.replicas[i] = g.outcomes(r, event{doForget, 0, d})[0].replica // it makes no step
		}
	}
	g.sort(v.net)
	g.next = v.append(g.next[:0], g.bounds.Replicas)
	s.Add(a, g.next)
	g.net, g.view = v.net[:0], before
}

// Properties implements explore.Model: what must hold is asked at each step.
func (g *Model) Properties() []explore.Property { return nil }

// Kinds implements explore.Model.
func (g *Model) Kinds() []string { return kinds }

// Describe implements explore.Model.
func (g *Model) Describe(_ []byte, a explore.Action) string {
	arg, id := uint32(a.Arg()), process.ID(a.Arg()>>40&255)+1
	switch a.Kind() {
	case doDeliver, doDuplicate, doDrop:
		e := g.envelopes.at(arg)
		text := fmt.Sprintf("%d→%d %s %s", e.from, e.to, e.msg.Kind(), trace.Fields(e.msg))
		if a.Kind() != doDeliver {
			text = kinds[a.Kind()] + " " + text
		}
		return strings.TrimSpace(text)
	case doElection, doBeat:
		return fmt.Sprintf("timer %d of %d fires", arg, id)
	case doSubmit:
		return fmt.Sprintf("%d is asked to %s", id, request(uint64(arg)).Cmd)
	case doRead:
		return fmt.Sprintf("%d is asked for read %d", id, arg)
	case doSync:
		return fmt.Sprintf("a record of %d is durable", id)
	case doCrash:
		return fmt.Sprintf("%d crashes, %d more records survive, and restarts", id, arg)
	}
	return fmt.Sprintf("%d compacts", id)
}

// Show implements explore.Model.
func (g *Model) Show(packed []byte) string {
	var v state
	v.load(packed, g.bounds.Replicas)
	var parts []string
	for i := range g.bounds.Replicas {
		s := g.replicas.at(v.replicas[i]).proc.Status()
		parts = append(parts, fmt.Sprintf("%d is %s@%d last=%d commit=%d", i+1, s.Role, s.Epoch, s.Last, s.Commit))
	}
	return strings.Join(parts, "; ") + fmt.Sprintf("; %d messages", len(v.net))
}
